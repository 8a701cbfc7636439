"""Answers as four kinds of text, whatever their cells hold."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest
from markdown_it import MarkdownIt

from tagline.ports.engine import Answer
from tagline.render import answers
from tagline.render.terminal.tables import Pen
from tests.support.indexes import HOSTILE

HOSTILE_ANSWER = Answer((HOSTILE, "a", "a"), ("VARCHAR",) * 3, [[HOSTILE, [HOSTILE], {HOSTILE: HOSTILE}]] * 2)


def test_json__of_every_value__is_what_it_was() -> None:
    row = ["x", -1.5, None, True, math.nan, -math.inf, ["a"], {"k": math.inf}, 10**30]
    told = json.loads(answers.as_json(Answer(tuple("abcdefghi"), ("VARCHAR",) * 9, [row])))
    assert list(told[0].values()) == ["x", -1.5, None, True, "NaN", "-Infinity", ["a"], {"k": "Infinity"}, 10**30]
    assert answers.as_json(Answer(("a",), ("VARCHAR",), [])) == "[]"


def test_json__hostile__is_exact_and_means_nothing_to_a_runner() -> None:
    text = answers.as_json(HOSTILE_ANSWER)
    assert json.loads(text)[0] == {HOSTILE: HOSTILE, "a": [HOSTILE], "a_2": {HOSTILE: HOSTILE}}
    assert text.isascii()
    assert text.isprintable()
    assert "##[" not in text


@pytest.mark.parametrize(
    "value",
    [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "＝1",
        "＋1",
        "－1",
        "＠A",
        "-",
        "=",
        "\x00=1",
        '"=1"',
        "-1;2",
    ],
)
def test_csv__formula__is_text(value: str) -> None:
    text = answers.as_csv(Answer((value,), ("VARCHAR",), [[value], [[value]]]))
    for row in csv.reader(io.StringIO(text)):
        assert row[0].startswith("'")
        assert len(text.splitlines()) == 3


@pytest.mark.parametrize("value", ["a;=1+1", "a; =1+1;", 'a";"=1+1"', "a;\t=1", "=1;=1", ";@x;-y", "＝1;＝1", "1;=1"])
@pytest.mark.parametrize("column", [0, 1])
def test_csv__read_with_semicolons__has_no_formula_either(value: str, column: int) -> None:
    """As a spreadsheet of a country whose decimal sign is the comma reads it."""
    cells: list[object] = ["x", 1.5]
    cells.insert(column, value)
    text = answers.as_csv(Answer(tuple("abc"), ("VARCHAR",) * 3, [cells]))
    for found in next(csv.reader(io.StringIO(text.splitlines()[1]), delimiter=";")):
        assert not found.strip().startswith(("=", "+", "-", "@", "＝", "\t"))


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("a;b", "a;b"), ("1;2;-3", "1;2;-3"),
        (-1.5, "-1.5"), (-3, "-3"), ("-0.001", "-0.001"), ("+1e-3", "+1e-3"), ("a=b", "a=b"), (None, ""), ("", ""),
        (math.nan, "NaN"), (-math.inf, "-Infinity"), (True, "true"), ('a"b,c', 'a"b,c'), (["a", "b"], "a, b"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), (["a", 1], '["a", 1]'),
    ],
)  # fmt: skip
def test_csv__other_values__stay(value: object, cell: str) -> None:
    text = answers.as_csv(Answer(("a", "b"), ("VARCHAR",) * 2, [[value, 1]]))
    if cell == "-Infinity":
        assert text.endswith('"-Infinity",1')
    assert list(csv.reader(io.StringIO(text)))[1] == [cell, "1"]


@pytest.mark.parametrize("how", ["csv", "markdown", "table"])
def test_text__hostile__steers_nothing(how: str) -> None:
    if how == "table":
        text = answers.as_table(HOSTILE_ANSWER, Pen(color=False))
    else:
        text = answers.FORMATS[how](HOSTILE_ANSWER)
    lines = text.replace("\r\n", "\n").split("\n")
    # A head, two rows; Markdown's rule, the table's count.
    assert len(lines) == (3 if how == "csv" else 4)
    for line in lines:
        assert line.isprintable()
        assert not line.lstrip().startswith("::")
        assert "##[" not in line


def test_markdown__hostile__is_a_table_of_code() -> None:
    told = MarkdownIt("commonmark").enable("table").render(answers.as_markdown(HOSTILE_ANSWER))
    assert told.count("<td>") == 6
    assert told.count("<code>") == 9
    assert "<script" not in told


def test_table__long_cells__are_cut_and_rows_counted() -> None:
    text = answers.as_table(Answer(("a",), ("VARCHAR",), [["x" * 10**6], [None]]), Pen(color=False))
    assert max(map(len, text.split("\n"))) == 120
    assert text.endswith("–\n2 rows")
    assert "::error" not in answers.as_table(Answer(("a",), ("VARCHAR",), [["::error::x"]]), Pen(color=False))[:6]


def test_numbers__for_people__have_no_noise_of_floats() -> None:
    answer = Answer(("d", "e", "f"), ("DOUBLE", "DOUBLE", "DOUBLE"), [[0.96 - 0.91, 1e-300, 2.0**53 + 2]])
    for text in (answers.as_table(answer, Pen(color=False)), answers.as_markdown(answer)):
        assert "0.05 " in text
        assert "1e-300" in text
        assert "9007199254740994.0" in text
    assert "0.04999999999999993" in answers.as_csv(answer)
