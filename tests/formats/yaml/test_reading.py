"""The YAML reader: places, the core schema, limits. Bad input is a problem in data, never an exception."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagline.domain.manifest.document import Position
from tagline.formats.yaml import reading as yaml


def problems(text: str | bytes) -> list[tuple[str, int, int]]:
    data = text.encode() if isinstance(text, str) else text
    return [(p.rule, p.line, p.column) for p in yaml.load(data).problems]


def value(text: str):
    document = yaml.load(text.encode())
    assert document.root is not None
    return document.root.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("y", "y"), ("NULL", None), ("~", None), ("", None),
        ("true", True), ("False", False), ("tRue", "tRue"),
        ("010", 10), ("0o10", 8), ("0x1F", 31), ("-12", -12), ("+12", 12), ("09", 9),
        ("1_000", "1_000"), ("0b11", "0b11"), ("1:30", "1:30"), ("-0x1f", "-0x1f"),
        ("2026-01-01", "2026-01-01"),
        ("1.5", 1.5), ("1.", 1.0), (".5", 0.5), ("1e3", 1000.0), ("1.5E-2", 0.015), (".inf", float("inf")),
        ("-.INF", float("-inf")), (".", "."), ("-", None), ("1.2.3", "1.2.3"), ("v1", "v1"), ("'1'", "1"),
        ('"true"', "true"), ("!!str 1", "1"), ("!!float 1", 1.0), ("!!int '7'", 7), ("=", "="),
        ("9" * 5000, "9" * 5000),
    ],
)  # fmt: skip
def test_load__scalar__follows_the_core_schema(text: str, expected):
    if text == "-":
        assert value("a:\n-")["a"] == [None]
        return
    found = value(f"a: {text}\n")["a"]
    assert found == expected
    assert type(found) is type(expected)


def test_load__nan__is_not_a_number():
    assert value("a: .nan")["a"] != value("a: .nan")["a"]


def test_load__keys_and_values__know_their_places():
    document = yaml.load("é: 🎉\nb:\n  - 'x'\n  - {c: 模, d: 1}\n".encode())
    assert document.key_position(("é",)) == Position(1, 1)
    assert document.find(("é",)).position == Position(1, 4)  # type: ignore[union-attr]
    assert document.find(("b", 0)).position == Position(3, 5)  # type: ignore[union-attr]
    assert document.key_position(("b", 1)) == Position(4, 5)
    assert document.key_position(("b", 1, "d")) == Position(4, 12)
    assert document.find(("b", 1, "d")).position == Position(4, 15)  # type: ignore[union-attr]
    assert document.find(("b", 9)) is None
    assert document.find(("é", "x")) is None
    assert document.key_position(("b", "x")) is None


def test_load__carriage_returns_and_bom__count_as_readers_do():
    document = yaml.load(b"\xef\xbb\xbfa: 1\r\nb: 2\rc: 3")
    assert [document.key_position((key,)) for key in "abc"] == [(1, 1), (2, 1), (3, 1)]


def test_load__merge_keys__own_keys_win_then_the_first_source():
    text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {y: 0, <<: [*a, *b]}\n"
    document = yaml.load(text.encode())
    assert document.find(("c",)).value == {"x": 1, "z": 2, "y": 0}  # type: ignore[union-attr]
    assert document.key_position(("c", "z")) == Position(2, 14)


def test_load__alias__has_its_own_place_and_the_anchors_parts():
    document = yaml.load(b"a: &x [1]\nb: *x\n")
    assert document.find(("b",)).position == Position(2, 4)  # type: ignore[union-attr]
    assert document.find(("b", 0)).position == Position(1, 8)  # type: ignore[union-attr]


def test_load__quoted_merge_key__is_a_name():
    assert value("'<<': {a: 1}") == {"<<": {"a": 1}}


def test_load__duplicate_key__keeps_the_first_and_names_its_line():
    document = yaml.load(b"a: 1\n\na: 2\n")
    (problem,) = document.problems
    assert (problem.rule, problem.line, problem.path) == ("yaml-duplicate-key", 3, ("a",))
    assert "line 1" in problem.message
    assert document.root.value == {"a": 1}  # type: ignore[union-attr]


def test_load__several_mistakes__are_all_reported():
    found = problems("a: 1\na: 2\n3: x\nb: !t y\nc: {<<: 1}\n")
    assert found == [
        ("yaml-duplicate-key", 2, 1),
        ("yaml-key-type", 3, 1),
        ("yaml-tag", 4, 4),
        ("yaml-merge", 5, 5),
    ]


@pytest.mark.parametrize("size", [yaml.MAX_BYTES, yaml.MAX_BYTES + 1])
def test_load__size_at_the_limit__is_read_and_above_it_not(size: int):
    data = b"a: 1\n" + b"#" * (size - 5)
    assert (yaml.load(data).root is None) == (size > yaml.MAX_BYTES)


def test_load__depth_at_the_limit__is_read_and_above_it_not():
    assert problems("[" * 100 + "]" * 100) == []
    assert problems("[" * 101 + "]" * 101) == [("yaml-depth", 1, 101)]
    block = "".join("  " * depth + "a:\n" for depth in range(101))
    assert problems(block) == [("yaml-depth", 101, 201)]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 2_000_000,
        "- " * 2_000_000,
        "? " * 500_000,
        "a: &a [x]\n" + "b: [" + "*a," * 1_000_000 + "]",
        "a: &a {" + ",".join(f"k{i}: 1" for i in range(1000)) + "}\nb: [" + "{<<: *a}," * 2000 + "]",
        "a: '" + "x" * 5_000_000,
        "&a " * 200_000,
        "a" * 5_000_000,
    ],
    ids=["brackets", "dashes", "questions", "aliases", "merges", "quote", "anchors", "word"],
)
def test_load__hostile_file__is_refused_or_read_in_bounded_time(text: str):
    start = time.perf_counter()
    yaml.load(text.encode())
    assert time.perf_counter() - start < 8


@pytest.mark.parametrize(
    "text", ["a: b\n", "a: [1, {b: 'c'}]\n", "x: &x 1\ny: *x\n", "a: |\n  text\nb: >-\n  x\n  y\n"]
)
def test_load__without_libyaml__reads_the_same(text: str):
    from tagline.formats.yaml.composer import Composer

    parser = yaml.pure_parser(text)
    root = Composer().compose(iter(parser.get_event, None))
    assert root is not None
    assert root.value == value(text)
    ours = yaml.load(text.encode()).root
    assert ours is not None
    assert {k: tuple(p) for k, p in root.keys.items()} == {k: tuple(p) for k, p in ours.keys.items()}


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab1:-?[]{},&*!|>'\"%@#~<=\\ \t\n\r\x00\x85\u2028é🎉\ufeff", max_size=40))
def test_load__any_text__gives_places_inside_the_text(text: str):
    document = yaml.load(text.encode())
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert document.root is not None or document.problems
    for problem in document.problems:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert problem.hint


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40))
def test_load__any_bytes__never_raise(data: bytes):
    document = yaml.load(data)
    assert document.root is not None or document.problems


def test_load__long_text_behind_aliases__counts_by_its_length():
    text = "a: &a " + "x" * 1_000_000 + "\nb: [" + "*a," * 100 + "]"
    assert problems(text)[0][0] == "yaml-alias-bomb"


def test_load__endless_key__is_refused():
    assert problems("? " + "k" * 1025 + "\n: 1\n") == [("yaml-key-type", 1, 3)]


def test_load__anchor_named_again_around_its_alias__is_endless():
    (problem,) = yaml.load(b"a: &a 1\nb: &a [*a]\n").problems
    assert (problem.rule, problem.line, problem.column) == ("yaml-alias", 2, 8)
    assert "never end" in problem.message
