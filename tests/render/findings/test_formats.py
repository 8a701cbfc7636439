"""The five formats: exact shapes, and text from strangers that must stay text."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.validation import Checked, ValidationReport
from tagline.render.escape import one_line, width
from tagline.render.findings.excerpt import WINDOW, excerpt, source_lines
from tagline.render.findings.formats import FORMATS, fingerprints, render_findings

HOSTILE = "a%b\r\n::error::x ##[error]y , : <&>\"' \x1b[31m \x00 \u202e \u2028 🎉"


def finding(**changes) -> Finding:
    base = Finding(
        "d/artifacts.yaml", 2, 3, "d:a", "unknown-key", "error", "Unknown key 'pth'.", "Did you mean 'path'?"
    )
    return base._replace(**changes)


def report(*findings: Finding, files: int = 1) -> ValidationReport:
    ok = not any(f.severity == "error" for f in findings)
    checked = tuple(Checked(f"{'d' * (i + 1)}/artifacts.yaml", 2) for i in range(files))
    return ValidationReport(ok, checked, findings)


def render(fmt, *findings: Finding, sources=None, color: bool = False) -> str:
    return render_findings(report(*findings), fmt, sources=sources or {}, color=color)


# -- text ---------------------------------------------------------------------


def test_text__one_finding__shows_line_caret_and_fix():
    text = render("text", finding(), sources={"d/artifacts.yaml": "a:\n  pth: x\n"})
    assert text == (
        "d/artifacts.yaml:2:3: error: Unknown key 'pth'. [unknown-key]\n"
        "  2 |   pth: x\n"
        "    |   ^\n"
        "    = fix: Did you mean 'path'?\n"
        "\n"
        "1 error in 2 artifacts of 1 file.\n"
    )


def test_text__no_finding__says_what_was_checked():
    assert render("text") == "No findings in 2 artifacts of 1 file.\n"


def test_text__warning_only__counts_it():
    assert render("text", finding(severity="warning")).endswith("1 warning in 2 artifacts of 1 file.\n")


def test_text__notes__stand_below_the_summary_and_in_no_other_format():
    with_note = ValidationReport(True, (), (), notes=("artifacts.yaml exists \x1b[31m.",))
    assert render_findings(with_note, "text", sources={}, color=False) == (
        "Nothing to check: none of the files that Tagline reads.\nartifacts.yaml exists \\x1b[31m.\n"
    )
    for fmt in FORMATS:
        if fmt != "text":
            assert "exists" not in render_findings(with_note, fmt, sources={}, color=False)


def test_text__colour__only_when_asked_for():
    assert "\x1b[" not in render("text", finding())
    coloured = render("text", finding(), color=True)
    assert re.sub(r"\x1b\[\d+m", "", coloured) == render("text", finding())


@pytest.mark.parametrize(
    ("line", "column", "shown", "caret"),
    [
        ("a: x", 4, "a: x", 3),
        ("模型: x", 5, "模型: x", 6),
        ("🎉🎉x", 3, "🎉🎉x", 4),
        ("e\u0301: x", 5, "e\u0301: x", 3),
        ("\t\tx", 3, "        x", 8),
        ("\x1b[31mx", 6, "\\x1b[31mx", 8),
        ("\u202ex", 2, "\\u202ex", 6),
        ("ab", 3, "ab", 2),
        ("ab", 99, "ab", 2),
    ],
)
def test_excerpt__odd_characters__caret_stays_under_the_place(line: str, column: int, shown: str, caret: int):
    assert excerpt([line], 1, column) == (shown, caret)


def test_excerpt__very_long_line__shows_the_part_around_the_place():
    line = "x" * 50_000 + "HERE" + "y" * 50_000
    text, caret = excerpt([line], 1, 50_001)  # type: ignore[misc]
    assert width(text) <= WINDOW + 2
    assert text[caret:].startswith("HERE")
    assert text.startswith("…")
    assert text.endswith("…")


@pytest.mark.parametrize("line", [0, 3])
def test_excerpt__line_that_does_not_exist__is_left_out(line: int):
    assert excerpt(["a", "b"], line, 1) is None


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(1, 70))
def test_excerpt__any_line__is_printable_and_the_caret_fits(line: str, column: int):
    found = excerpt(source_lines(line), 1, column)
    if found:
        text, caret = found
        assert text == one_line(text)
        assert 0 <= caret <= width(text)


# -- json ---------------------------------------------------------------------


def test_json__report__has_the_contracts_shape():
    assert json.loads(render("json", finding(artifact=None))) == {
        "ok": False,
        "checked": [{"file": "d/artifacts.yaml", "artifacts": 2}],
        "findings": [
            {
                "file": "d/artifacts.yaml",
                "line": 2,
                "column": 3,
                "artifact": None,
                "rule": "unknown-key",
                "severity": "error",
                "message": "Unknown key 'pth'.",
                "hint": "Did you mean 'path'?",
            }
        ],
    }


# -- GitHub -------------------------------------------------------------------


def test_github__one_finding__is_one_command():
    assert render("github", finding(file="a,b:c%.yaml", message="50%\nmore")).splitlines()[0] == (
        "::error file=a%2Cb%3Ac%25.yaml,line=2,col=3,title=tagline%3A unknown-key::50%25%0Amore%0ADid you mean 'path'?"
    )


def test_github__warning__is_a_warning():
    assert render("github", finding(severity="warning")).startswith("::warning file=")


def test_github__many_findings__says_that_only_ten_are_shown():
    text = render("github", *[finding(line=n) for n in range(1, 12)])
    assert text.count("::error ") == 11
    assert "all 11 are in this log" in text


def test_github__endless_message__stays_below_githubs_limit():
    first = render("github", finding(message="x" * 100_000)).splitlines()[0]
    assert len(first) < 4096


def commands(text: str) -> list[str]:
    """What GitHub's runner would execute: v2 commands at a line's start, v1 commands anywhere."""
    lines = re.split(r"\r\n|\r|\n", text)
    return [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


@pytest.mark.parametrize("fmt", FORMATS)
def test_formats__hostile_text_everywhere__starts_no_command(fmt):
    bad = finding(file=HOSTILE, artifact=HOSTILE, message=HOSTILE, hint=HOSTILE)
    sources = {HOSTILE: "x\n::error::in source ##[error]\n##[group]"}
    text = render(fmt, bad, sources=sources)
    expected = 1 if fmt == "github" else 0
    assert len(commands(text)) == expected
    if fmt in ("text", "github"):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='#[]:%\r\n\\ab<&"\x00\x1b', max_size=30), st.sampled_from(FORMATS))
def test_formats__any_text__starts_no_command_and_parses(text: str, fmt):
    bad = finding(file=text or "f", artifact=text, message=text, hint=text)
    out = render(fmt, bad, sources={text or "f": text + "\n" + text})
    assert len(commands(out)) == (1 if fmt == "github" else 0)
    if fmt == "json":
        assert json.loads(out)["findings"][0]["message"] == text
    if fmt == "junit":
        ET.fromstring(out)


# -- GitLab -------------------------------------------------------------------


def test_code_quality__finding__has_gitlabs_fields():
    (entry,) = json.loads(render("code-quality", finding()))
    fingerprint = entry.pop("fingerprint")
    assert re.fullmatch("[0-9a-f]{64}", fingerprint)
    assert entry == {
        "description": "Unknown key 'pth'. Did you mean 'path'?",
        "check_name": "tagline/unknown-key",
        "severity": "major",
        "location": {"path": "d/artifacts.yaml", "lines": {"begin": 2}},
    }


def test_code_quality__no_findings__is_an_empty_list():
    assert json.loads(render("code-quality")) == []


def test_fingerprints__lines_move__stay():
    before = [finding(message="already given on line 2"), finding(line=9)]
    after = [finding(message="already given on line 7", line=7), finding(line=19)]
    assert fingerprints(before) == fingerprints(after)


def test_fingerprints__equal_findings__are_told_apart():
    prints = fingerprints([finding(), finding(line=5), finding(artifact="d:b"), finding(rule="wrong-type")])
    assert len(set(prints)) == 4


def test_junit__report__has_the_structure_that_readers_expect():
    bad = [finding(), finding(line=3, severity="warning")]
    root = ET.fromstring(render_findings(report(*bad, files=2), "junit", sources={}, color=False))
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "0")
    suites = root.findall("testsuite")
    assert [(s.get("name"), s.get("tests"), s.get("failures")) for s in suites] == [
        ("d/artifacts.yaml", "2", "1"),
        ("dd/artifacts.yaml", "1", "0"),
    ]
    cases = root.findall("testsuite/testcase")
    assert all(case.get("name") and case.get("classname") and case.get("file") for case in cases)
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == 3
    (failure,) = root.findall("testsuite/testcase/failure")
    assert failure.get("type") == "unknown-key"
    assert failure.get("message") == "Unknown key 'pth'."
    assert failure.text == "d/artifacts.yaml:2:3: Unknown key 'pth'.\nDid you mean 'path'?"
    assert len(root.findall("testsuite/testcase/system-out")) == 1


def test_junit__forbidden_characters__are_dropped_and_the_rest_kept():
    root = ET.fromstring(render("junit", finding(message="a\x00b\x1b<&\"'>\ufffe ::x ##[y]")))
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == "ab<&\"'> ::x ##[y]"
