"""The YAML reader against ruamel.yaml, with which GTO and DVC read the same files."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagline.domain.manifest.document import Node
from tagline.formats.yaml import reading as yaml
from tagline.formats.yaml.scalars import other_reading, resolve

pytestmark = pytest.mark.oracle
ruamel_yaml = pytest.importorskip("ruamel.yaml")

WORDS = [
    "a",
    "b",
    "model",
    "x-y",
    "no",
    "yes",
    "10",
    "010",
    "0o17",
    "1.5",
    "1e3",
    "true",
    "null",
    "~",
    "é",
    "🎉z",
    "a b",
]
PLAIN = st.sampled_from([*WORDS, "0x1f", "-3", "+4", ".inf", "v1.0", "a:b", "x#y", "-.5", "off", "1.", "http://x/y"])
QUOTED = st.text(alphabet="ab 'é🎉:#-{}[]", max_size=6)
KEYS = st.sampled_from(["a", "b", "c", "key", "é", "x-y", "k k", "🎉"])


@st.composite
def scalar(draw: st.DrawFn) -> str:
    style = draw(st.sampled_from(["plain", "single", "double"]))
    if style == "plain":
        return draw(PLAIN)
    text = draw(QUOTED)
    return "'" + text.replace("'", "''") + "'" if style == "single" else '"' + text + '"'


def flow(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.lists(children, max_size=3).map(lambda items: "[" + ", ".join(items) + "]")
    maps = st.dictionaries(KEYS, children, max_size=3).map(
        lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"
    )
    return lists | maps


FLOW = st.recursive(scalar().filter(lambda text: "://" not in text), flow, max_leaves=6)


@st.composite
def block(draw: st.DrawFn, indent: int = 0, depth: int = 0) -> str:
    """A block mapping, its lines ended by line breaks."""
    pad = " " * indent
    lines = []
    for key in draw(st.lists(KEYS, min_size=1, max_size=4, unique=True)):
        kind = draw(st.integers(0, 5))
        comment = draw(st.sampled_from(["", "  # note", "\n", "\n# note: [x"]))
        if kind == 0 and depth < 3:
            lines.append(
                f"{pad}{key}:{comment}\n" + draw(block(indent=indent + draw(st.integers(1, 4)), depth=depth + 1))
            )
        elif kind == 1:
            items = draw(st.lists(FLOW, min_size=1, max_size=3))
            lines.append(f"{pad}{key}:\n" + "".join(f"{pad}- {item}\n" for item in items))
        elif kind == 2:
            text = draw(st.sampled_from(["|", ">", "|-", ">+"]))
            lines.append(f"{pad}{key}: {text}\n{pad}  some text\n{pad}  more é\n")
        elif kind == 3:
            lines.append(f"{pad}{key}:{comment}\n")
        else:
            lines.append(f"{pad}{key}: {draw(FLOW)}{comment}\n")
    return "".join(lines)


@st.composite
def with_aliases(draw: st.DrawFn) -> str:
    text = "p: &p {x: 1, y: two}\nq: &q {y: 3, z: [a, b]}\nr: &r " + draw(scalar()) + "\n"
    merge = draw(st.sampled_from(["<<: *p", "<<: [*p, *q]", "<<: [*q, *p]", "y: own\n  <<: *q", "<<: *q\n  z: own"]))
    return text + f"s:\n  {merge}\n  w: *r\nt: [*p, *r, *r]\n"


def compare(text: str) -> None:
    ours = yaml.load(text.encode())
    assert not [p for p in ours.problems if p.severity == "error"], text
    assert ours.root is not None
    theirs = ruamel_yaml.YAML(typ="safe", pure=True)
    assert ours.root.value == theirs.load(text), text
    if "<<" not in text:
        same_places(ours.root, ruamel_yaml.YAML(typ="safe", pure=True).compose(io.StringIO(text)))


def same_places(ours: Node, theirs: Any) -> None:
    if theirs.id == "scalar" and theirs.value == "" and theirs.style is None:
        return  # nothing is written there
    if not theirs.anchor:  # an alias has its own place with us
        assert (ours.line, ours.column) == (theirs.start_mark.line + 1, theirs.start_mark.column + 1)
    if theirs.id == "mapping":
        for key, value in theirs.value:
            assert ours.keys[key.value] == (key.start_mark.line + 1, key.start_mark.column + 1)
            same_places(ours.fields[key.value], value)
    elif theirs.id == "sequence":
        for mine, other in zip(ours.items, theirs.value, strict=True):
            same_places(mine, other)


@settings(max_examples=250, deadline=None)
@given(block())
def test_load__generated_document__values_and_places_are_ruamels(text: str):
    compare(text)


TAB_PIECES = [
    "a",
    "b: ",
    "b:",
    "\t",
    "\n",
    "  ",
    "- ",
    "'x\ty'",
    '"\t"',
    "[a,\tb]",
    "{c:\td}",
    " # x\ty",
    "#",
    "|\n  x\ty\n",
    "k: v",
]


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(TAB_PIECES), min_size=2, max_size=7).map("".join).filter(lambda text: "\t" in text))
def test_load__tabs__are_never_accepted_silently_where_ruamel_refuses(text: str):
    if yaml.load(text.encode()).problems:
        return
    ruamel_yaml.YAML(typ="safe", pure=True).load(text)


@settings(max_examples=50, deadline=None)
@given(with_aliases())
def test_load__aliases_and_merges__values_are_ruamels(text: str):
    compare(text)


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="0123456789+-._eExXobaf:TZ nul", min_size=1, max_size=10))
def test_resolve__any_plain_scalar__is_ruamels_unless_we_say_so(text: str):
    """A difference in value is allowed only where a warning tells of it."""
    text = text.strip()
    document = yaml.load(f"k: {text}\n".encode())
    if document.root is None or not isinstance(document.root.value, dict) or text == "":
        return
    try:
        theirs = ruamel_yaml.YAML(typ="safe", pure=True).load(f"k: {text}\n")["k"]
    except Exception as error:  # ruamel raises anything at odd numbers
        theirs = error
    ours = document.root.value["k"]
    if isinstance(ours, str) and ours == resolve(text) and not isinstance(theirs, str):
        assert other_reading(text), (text, theirs)
    elif isinstance(ours, str | int | bool | None):
        assert ours == theirs, text
    else:
        # .5e3 is a float to the core schema and text to ruamel; both agree on the digits.
        assert float(theirs) == ours or ours != ours, text
