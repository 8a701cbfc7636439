"""Findings as JUnit XML, as GitLab and most CI systems read it."""

from __future__ import annotations

from collections.abc import Sequence

from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.validation import ValidationReport
from tagline.render.escape import xml_text


def junit(report: ValidationReport) -> str:
    """One suite per file; each finding a case, errors failed; a file without findings one passed case."""
    by_file: dict[str, list[Finding]] = {checked.file: [] for checked in report.checked}
    for finding in report.findings:
        by_file.setdefault(finding.file, []).append(finding)
    suites = [_suite(file, findings) for file, findings in by_file.items()]
    tests = sum(max(1, len(findings)) for findings in by_file.values())
    failures = sum(_failures(findings) for findings in by_file.values())
    head = f'<testsuites name="tagline validate" tests="{tests}" failures="{failures}" errors="0">'
    return "\n".join(('<?xml version="1.0" encoding="UTF-8"?>', head, *suites, "</testsuites>")) + "\n"


def _suite(file: str, findings: Sequence[Finding]) -> str:
    counts = f'tests="{max(1, len(findings))}" failures="{_failures(findings)}" errors="0" skipped="0"'
    cases = [_case(finding) for finding in findings]
    if not findings:
        name = _attribute(file)
        cases = [f'    <testcase classname="{name}" name="valid" file="{name}" time="0"/>']
    return "\n".join((f'  <testsuite name="{_attribute(file)}" {counts} time="0">', *cases, "  </testsuite>"))


def _failures(findings: Sequence[Finding]) -> int:
    return sum(finding.severity == "error" for finding in findings)


def _case(finding: Finding) -> str:
    file = _attribute(finding.file)
    name = _attribute(f"{finding.rule} {finding.artifact or ''} {finding.line}:{finding.column}".replace("  ", " "))
    head = f'    <testcase classname="{file}" name="{name}" file="{file}" line="{finding.line}" time="0">'
    body = f"{finding.file}:{finding.line}:{finding.column}: {finding.message}\n{finding.hint}".rstrip()
    if finding.severity == "error":
        attributes = f'message="{_attribute(finding.message)}" type="{finding.rule}"'
        message = f"<failure {attributes}>{_content(body)}</failure>"
    else:
        message = f"<system-out>{_content(body)}</system-out>"
    return f"{head}\n      {message}\n    </testcase>"


def _content(text: str) -> str:
    escaped = xml_text(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    # A line that begins with "::" or holds "##[" would be a command to GitHub's runner.
    return escaped.replace("##[", "##&#91;").replace("::", ":&#58;")


def _attribute(text: str) -> str:
    return _content(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
