"""Findings as text: for people, programs, GitHub, and GitLab's two report formats."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, get_args

from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.validation import ValidationReport
from tagline.render.escape import one_line
from tagline.render.findings.excerpt import excerpt, source_lines
from tagline.render.findings.junit import junit
from tagline.render.runner.annotations import annotation

Format = Literal["text", "json", "github", "code-quality", "junit"]
FORMATS: tuple[Format, ...] = get_args(Format)

_RED, _YELLOW, _GREEN, _BLUE, _BOLD, _RESET = (f"\x1b[{code}m" for code in ("31", "33", "32", "34", "1", "0"))
# GitHub shows ten of each kind per step.
_ANNOTATIONS = 10


def render_findings(report: ValidationReport, fmt: Format, *, sources: Mapping[str, str], color: bool) -> str:
    """The report in one of FORMATS, ending in a line break. ``color`` concerns text only."""
    if fmt == "text":
        return _text(report, sources, color)
    renderers: dict[str, Callable[[ValidationReport], str]] = {
        "json": _json,
        "github": _github,
        "code-quality": _code_quality,
        "junit": junit,
    }
    return renderers[fmt](report)


# -- text ---------------------------------------------------------------------


def _text(report: ValidationReport, sources: Mapping[str, str], color: bool) -> str:
    def paint(text: str, *codes: str) -> str:
        return "".join(codes) + text + _RESET if color else text

    lines_of = {file: source_lines(source) for file, source in sources.items()}
    out: list[str] = []
    for finding in report.findings:
        shade = _RED if finding.severity == "error" else _YELLOW
        place = paint(f"{_file(finding.file)}:{finding.line}:{finding.column}:", _BOLD)
        kind = paint(finding.severity + ":", shade, _BOLD)
        out.append(f"{place} {kind} {one_line(finding.message)} [{finding.rule}]")
        margin = " " * len(str(finding.line))
        if shown := excerpt(lines_of.get(finding.file, []), finding.line, finding.column):
            text, indent = shown
            out.append(f"  {paint(str(finding.line) + ' |', _BLUE)} {text}")
            out.append(f"  {paint(margin + ' |', _BLUE)} {' ' * indent}{paint('^', shade, _BOLD)}")
        if finding.hint:
            out.append(f"  {margin} {paint('=', _BLUE)} fix: {one_line(finding.hint)}")
        out.append("")
    shade = _GREEN if report.ok else _RED
    out.append(paint(summary(report), shade))
    out += map(one_line, report.notes)
    return "\n".join(out) + "\n"


def _file(file: str) -> str:
    """The file's name, which begins a line and so must not begin like a workflow command."""
    name = one_line(file)
    return f"./{name}" if name.lstrip().startswith(":") else name


def summary(report: ValidationReport) -> str:
    """One line: what was found and how much was checked."""
    counts = Counter(finding.severity for finding in report.findings)
    artifacts = sum(checked.artifacts for checked in report.checked)
    found = " and ".join(_count(counts[kind], kind) for kind in ("error", "warning") if counts[kind])
    if not report.checked:
        return f"{found or 'Nothing to check'}: none of the files that Tagline reads."
    checked = f"{_count(artifacts, 'artifact')} of {_count(len(report.checked), 'file')}"
    return f"{found or 'No findings'} in {checked}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


# -- json ---------------------------------------------------------------------


def _json(report: ValidationReport) -> str:
    return _dump(
        {
            "ok": report.ok,
            "checked": [checked._asdict() for checked in report.checked],
            "findings": [finding._asdict() for finding in report.findings],
        }
    )


def _dump(data: object) -> str:
    # "##[" would be a command to GitHub's runner; in JSON the bracket has another spelling.
    return json.dumps(data, indent=2).replace("##[", "##\\u005b") + "\n"


# -- GitHub -------------------------------------------------------------------


def _github(report: ValidationReport) -> str:
    """Workflow commands: annotations at the lines of the change."""
    out = [_annotation(finding) for finding in report.findings]
    counts = Counter(finding.severity for finding in report.findings)
    for kind, number in sorted(counts.items()):
        if number > _ANNOTATIONS:
            out.append(f"GitHub shows {_ANNOTATIONS} {kind}s of a step as annotations; all {number} are in this log.")
    out.append(summary(report))
    return "\n".join(out) + "\n"


def _annotation(finding: Finding) -> str:
    return annotation(
        finding.severity,
        "\n".join(part for part in (finding.message, finding.hint) if part),
        file=finding.file,
        line=str(finding.line),
        col=str(finding.column),
        title=f"tagline: {finding.rule}",
    )


# -- GitLab -------------------------------------------------------------------


def _code_quality(report: ValidationReport) -> str:
    return _dump(
        [
            {
                "description": one_line(f"{finding.message} {finding.hint}".strip()),
                "check_name": f"tagline/{finding.rule}",
                "fingerprint": fingerprint,
                "severity": "major" if finding.severity == "error" else "minor",
                "location": {"path": finding.file, "lines": {"begin": finding.line}},
            }
            for finding, fingerprint in zip(report.findings, fingerprints(report.findings), strict=True)
        ]
    )


def fingerprints(findings: Iterable[Finding]) -> list[str]:
    """An identifier for each finding that stays when lines move.

    GitLab tells new findings from old by it, so it depends on no line; equal findings of one
    artifact are numbered in their order.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    result = []
    for finding in findings:
        message = re.sub(r"\bline \d+", "line", finding.message)
        identity = (finding.file, finding.rule, finding.artifact or "", message)
        seen[identity] += 1
        text = json.dumps([*identity, seen[identity]])
        result.append(hashlib.sha256(text.encode()).hexdigest())
    return result
