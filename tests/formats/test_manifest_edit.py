"""Putting an entry into a manifest's text: it is there, and nothing else changed."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tagline.errors import Refused
from tagline.formats.manifest_edit import put, same
from tagline.formats.yaml import reading as yaml
from tagline.formats.yaml.writing import block
from tests.support.corpus import cases

CORPUS = [case.read_bytes() for case in cases("valid") if case.suffix == ".yaml"]

# Everything that JSON can carry, but for lone surrogates.
HARD = (
    "", "no", "1:30", "0x1F", "~", "- a", "a: b", "a #b", "{{ x }}", "::set-output name=a::b", "'\"", "\r\n", "---",
    "... ", "*a", "&a", "!t", "%Y", "@x", "`x`", "2026-01-01", "=", "<<", "\x85\u2028\ufeff", "\x00\x07",
    "\x01" * 250, "🦊" * 250,
)  # fmt: skip
KEYS = st.one_of(st.text(st.characters(exclude_categories=("Cs",)), max_size=40), st.sampled_from(HARD))
TEXT = st.one_of(KEYS, st.just("a" * 3000))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9_/-]{0,8}[a-zA-Z0-9])?", fullmatch=True)
ENTRIES = st.fixed_dictionaries(
    {"type": st.just("model")},
    optional={
        "virtual": st.booleans(),
        "description": TEXT,
        "labels": st.lists(TEXT, max_size=3),
        "metrics": st.dictionaries(KEYS, NUMBERS, max_size=3),
        "custom": st.dictionaries(KEYS, st.one_of(TEXT, st.integers(), st.none()), max_size=3),
    },
)
FLAT = {"type": "model", "description": "x"}


def _load(data: bytes) -> Any:
    document = yaml.load(data)
    assert document.root is not None
    assert not [problem for problem in document.problems if problem.severity == "error"]
    return document.root.value


def _middle(before: bytes, after: bytes) -> tuple[list[bytes], list[bytes]]:
    """The lines in which two texts differ."""
    one, other = before.splitlines(keepends=True), after.splitlines(keepends=True)
    while one and other and one[0] == other[0]:
        del one[0], other[0]
    while one and other and one[-1] == other[-1]:
        del one[-1], other[-1]
    return one, other


@given(data=st.sampled_from(CORPUS), name=NAMES, entry=ENTRIES)
@example(data=b"a: 1\n", name="true", entry={"type": "model", "labels": ["{{", "}}"]})
def test_put__any_manifest_and_any_entry__says_it_and_keeps_every_other_line(
    data: bytes, name: str, entry: dict[str, Any]
) -> None:
    try:
        edited = put(data, name, entry)
    except Refused:
        assert data.startswith(b"{") or b"&" in data
        return
    before = _load(data)
    assert same(_load(edited), {**before, name: entry})
    gone, _ = _middle(data, edited)
    if name not in before:
        assert not gone or gone == [b"{}\n"] or not data.endswith(b"\n")
    assert not [line for line in gone if line.startswith(b"#")]
    assert put(edited, name, entry) == edited


@given(name=NAMES, entry=ENTRIES)
def test_put__no_file__is_the_entry_alone(name: str, entry: dict[str, Any]) -> None:
    assert put(None, name, entry) == block(name, entry).encode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# top\n\na: {path: x}  # why\nb:\n  type: t\n\n# of c\nc: {}\n",
         "# top\n\na: {path: x}  # why\nb:\n  type: model\n  description: x\n\n# of c\nc: {}\n"),
        ("a: {}\nb: {labels: [\n  x]}", "a: {}\nb:\n  type: model\n  description: x\n"),
        ("a: {}", "a: {}\nb:\n  type: model\n  description: x\n"),
        ("a: {}\r\nb: {}\r\nc: {}\r\n", "a: {}\r\nb:\r\n  type: model\r\n  description: x\r\nc: {}\r\n"),
        ("\ufeffa: {}\n", "\ufeffa: {}\nb:\n  type: model\n  description: x\n"),
        ("# nothing yet\n", "# nothing yet\nb:\n  type: model\n  description: x\n"),
        ("# nothing yet\n{}\n", "# nothing yet\nb:\n  type: model\n  description: x\n"),
        ("---\nb: {}\n# end\n", "---\nb:\n  type: model\n  description: x\n# end\n"),
        ("b:\n  description: |\n    # no comment\n\n    text\n# comment\nc: {}\n",
         "b:\n  type: model\n  description: x\n# comment\nc: {}\n"),
    ],
)  # fmt: skip
def test_put__replaces_or_appends__by_the_byte(before: str, after: str) -> None:
    assert put(before.encode(), "b", FLAT).decode() == after


@pytest.mark.parametrize(
    "text",
    [
        '{"a": {"path": "m"}}', "a: {}\n...\n", "b: &x {type: t}\nc: *x\n", "a: [\n", "- a\n", "  a: {}\n", "~\n",
        "a: |+\n  text", "a: {}\n--- \nb: {}\n", "{ # empty\n}\n", "\xff", "---\n# only comments\n",
    ],
)  # fmt: skip
def test_put__what_cannot_be_edited_safely__is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        put(text.encode("latin-1"), "b", FLAT)
    assert refused.value.code == "manifest-not-editable"
    assert refused.value.hint


@pytest.mark.parametrize(
    ("number", "written"), [(1e-05, "1.0e-05"), (1e16, "1.0e+16"), (0.1, "0.1"), (-0.0, "-0.0"), (3.0, "3.0")]
)
def test_block__a_float__has_a_point_for_readers_of_yaml_1_1(number: float, written: str) -> None:
    text = block("a", {"m": number})
    assert text == f"a:\n  m: {written}\n"
    assert math.copysign(1, _load(text.encode())["a"]["m"]) == math.copysign(1, number)


@given(name=NAMES, entry=ENTRIES)
def test_block__any_entry__is_the_same_to_ruamel_and_to_pyyaml(name: str, entry: dict[str, Any]) -> None:
    text = block(name, entry)
    assert same(pyyaml.safe_load(text), {name: entry})
    assert same(YAML(typ="safe", pure=True).load(text), {name: entry})
