"""The list of rules, the code that reports them and docs/rules.md say the same."""

from __future__ import annotations

import re
from pathlib import Path

from tagline.domain.manifest.rules import RULES

ROOT = Path(__file__).parents[3]


def test_rules__documentation__has_every_rule_with_its_severity_and_meaning():
    text = (ROOT / "docs" / "rules.md").read_text()
    sections = re.split(r"(?m)^### ", text)[1:]
    documented = {section.split("\n", 1)[0].strip("`"): section for section in sections}
    assert list(documented) == list(RULES)
    for name, rule in RULES.items():
        section = documented[name]
        assert f"**{rule.severity}**" in section, name
        assert rule.meaning in section, name
        assert "```" in section, f"{name} has no example"
        assert "Fix:" in section, name


def test_rules__code__reports_each_rule_and_no_other():
    source = "\n".join(
        path.read_text()
        for layer in ("domain", "formats", "commands")
        for path in (ROOT / "src" / "tagline" / layer).rglob("*.py")
        if path.name != "rules.py"
    )
    quoted = set(re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)*)"', source))
    assert set(RULES) <= quoted
    prefixes = ("yaml-", "file-", "path-", "artifact-name", "directory-")
    assert {word for word in quoted if word.startswith(prefixes)} <= set(RULES)
