"""Every file in tests/cases: the valid ones have no findings, the invalid ones exactly those expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagline.commands.manifest.validate import validate
from tagline.domain.manifest.rules import RULES
from tagline.render.findings.formats import FORMATS, render_findings
from tests.support.corpus import cases, expected_of, shorthand, tree_of


def run(case: Path):
    return validate(tree_of(case), None, has_registry_tags=lambda: True)


@pytest.mark.parametrize("case", cases("valid"), ids=lambda case: case.name)
def test_validate__valid_case__has_no_findings(case: Path):
    report = run(case)
    assert report.findings == ()
    assert report.ok
    assert report.checked


@pytest.mark.parametrize("case", cases("invalid"), ids=lambda case: case.name)
def test_validate__invalid_case__has_exactly_the_expected_findings(case: Path):
    report = run(case)
    assert [shorthand(finding, case) for finding in report.findings] == expected_of(case)


@pytest.mark.parametrize("case", cases("invalid"), ids=lambda case: case.name)
def test_validate__invalid_case__findings_are_complete_and_printable(case: Path):
    report = run(case)
    for finding in report.findings:
        assert finding.severity == RULES[finding.rule].severity
        assert finding.message
        assert finding.hint
        assert finding.line >= 1
        assert finding.column >= 1
    for fmt in FORMATS:
        assert render_findings(report, fmt, sources=report.sources, color=False).endswith("\n")


def test_cases__all_rules_together__are_seen_or_tested_elsewhere():
    seen = {line.split()[-2] for case in cases("invalid") for line in expected_of(case)}
    # These need more than files: a huge file, symbolic links, a work tree, tags, a store, MLflow.
    elsewhere = {"file-too-large", "file-not-regular", "path-not-regular", "path-untracked", "no-manifest"}
    elsewhere |= {rule for rule in RULES if rule.startswith(("storage-", "mlflow-"))}
    assert seen | elsewhere == set(RULES)
