"""Texts for Mermaid, as texts: what a browser makes of them is in tests/e2e/test_pages.py."""

from __future__ import annotations

import itertools
import math
import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.changes.asks import WORD_JOINER
from tagline.render.markdown.mermaid import (
    LONGEST,
    MOST_EDGES,
    MOST_NODES,
    Edge,
    Line,
    Node,
    fenced,
    flowchart,
    line_chart,
    parted,
    shown,
)

SHAPES = ("data", "code", "step", "artifact", "metrics", "params", "run", "more")
MARKS = ("", "new", "changed", "gone")
NODE = re.compile(r'    (n\d+|more)(\[\(|\[\[|\(\[|\[|\(|\{\{|>)"([^"]*)"[\])}]+(?::::(\w+))?')
EDGE = re.compile(r"    (n\d+|more) (-->|-\.->) (n\d+|more)")

texts = st.text(max_size=60) | st.sampled_from(
    (
        '"]; click n0 "javascript:alert(1)"',
        "%%{init: {}}%%",
        "end",
        "`**x**`",
        "#35;",
        "ﬂ°°60¶ß",
        "1. a",
        "\u202e",
        "a\nb",
    )
)
nodes = st.lists(
    st.builds(
        Node,
        texts,
        st.lists(texts, max_size=8).map(tuple),
        st.sampled_from(SHAPES),
        st.sampled_from(MARKS),
    ),
    max_size=12,
)


def parts(text: str) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """The labels by id and the arrows; every line of the text must be one that we write."""
    head, *lines = text.splitlines()
    assert re.fullmatch(r"flowchart (LR|RL|TB|BT)", head)
    found, arrows = {}, []
    for line in lines:
        if node := NODE.fullmatch(line):
            assert node[1] not in found
            found[node[1]] = node[3]
        elif edge := EDGE.fullmatch(line):
            arrows.append((edge[1], edge[2], edge[3]))
        else:
            assert re.fullmatch(r"    classDef \w+ [a-z0-9:#, -]+", line)
    return found, arrows


def read_back(label: str) -> str:
    return label.replace(WORD_JOINER, "")


#: What Mermaid, HTML or Markdown would take for something; the line breaks are ours.
MEANING = re.compile(
    r"""["`<>&\\*~\x00-\x1f]|#\w+;|%%|%\{|\$\$|\]\(|:\S(?<!:\u2060)|www\.|\S@(?<!\u2060@)|style|ﬂ°|¶ß"""
    r"""|^(?:\d+[.)](?:\s|$)|[-+#|=.:\[])|(?<![^\W_])_[^\W_]|(?<=[^\W_])_(?![^\W_\u2060])""",
    re.IGNORECASE,
)


@given(nodes)
def test_flowchart__any_labels__has_no_sign_in_them_that_means_something(some):
    found, _ = parts(flowchart(some, []))
    assert len(found) == len({node.key for node in some})
    for label in found.values():
        for line in label.split("<br>"):
            assert not MEANING.search(line)


@given(nodes)
def test_flowchart__any_labels__read_back_are_what_is_to_be_seen(some):
    unique = [*{node.key: node for node in reversed(some)}.values()]
    first = {node.key: next(each for each in some if each.key == node.key) for node in unique}
    found, _ = parts(flowchart(some, []))
    expected = []
    for key in dict.fromkeys(node.key for node in some):
        lines = [line for line in map(shown, first[key].lines) if line]
        expected.append([*lines[:5], "…"] if len(lines) > 6 else lines or ["—"])
    assert [read_back(label).split("<br>") for label in found.values()] == expected


@given(st.text())
def test_shown__any_text__is_one_short_line_and_stays_itself(text):
    line = shown(text)
    assert line == shown(line)
    assert len(line) <= 48
    assert not {unicodedata.category(sign) for sign in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert read_back(parted(line)) == line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\tb", "a b"),
        ("a\nb", "a∖x0ab"),
        ("\u202eabc", "∖u202eabc"),
        ("  ", ""),
        ("a\u00a0 b", "a b"),
        ("ﬂ°°60¶ß", "fl°°60¶ ß"),
        ('"<&>`*~\\', "”‹＆›ˋ∗∼∖"),
        ("x" * 48, "x" * 48),
        ("data/" + "long/" * 20 + "train.csv", "data/long/long/l…g/long/long/long/long/train.csv"),
    ],
)
def test_shown__odd_text__is_visible(text, expected):
    assert shown(text) == expected


@pytest.mark.parametrize(
    "line",
    [
        "data/train_set-v1.2.csv",
        "churn 1.0",
        "a, b (c)",
        "lr: 0.1 → 0.2",
        "sha 3f2a · 12 MB",
        "100% = x",
        "名 é 🙂",
        "a b",
    ],
)
def test_parted__a_usual_line__is_itself(line):
    assert parted(line) == line


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1. a", "|1. a"),
        ("- a", "|- a"),
        ("1) a", "|1) a"),
        ("1.", "|1."),
        ("www.x.example", "www|.x.example"),
        ("https://x", "https:|//x"),
        ("fa:fa-car", "fa:|fa-car"),
        ("churn@v1", "churn|@v1"),
        ("__x__", "|_|_|x|_|_|"),
        ("a_ b", "a|_| b"),
        ("#35;", "|#|35;"),
        ("a%%{", "a%|%|{"),
        ("$$x", "|$|$x"),
        ("[x](y)", "|[x]|(y)"),
        ("style x; classDef", "st|yle x; class|Def"),
    ],
)
def test_parted__signs_that_mean_something_together__have_joiners_between_them(line, expected):
    assert parted(line) == expected.replace("|", WORD_JOINER)


def test_flowchart__a_lineage__is_this_text():
    text = flowchart(
        [
            Node("d", ("data.csv", "12 MB")),
            Node("s", ("train",), "step", "changed"),
            Node("m", ("churn@v1.0.0",), "artifact", "new"),
        ],
        [Edge("d", "s"), Edge("s", "m"), Edge("s", "m"), Edge("d", "m", dashed=True), Edge("d", "unknown")],
        direction="TB",
    )
    assert text == (
        "flowchart TB\n"
        '    n0[("data.csv<br>12 MB")]\n'
        '    n1("train"):::changed\n'
        '    n2{{"churn\u2060@v1.0.0"}}:::new\n'
        "    n0 --> n1\n"
        "    n1 --> n2\n"
        "    n0 -.-> n2\n"
        "    classDef new stroke:#2da44e,stroke-width:3px\n"
        "    classDef changed stroke:#bf8700,stroke-width:3px,stroke-dasharray:9 3\n"
    )


def test_flowchart__two_nodes_of_one_key__the_first_counts():
    assert parts(flowchart([Node("a", ("one",)), Node("a", ("two",))], [])) == ({"n0": "one"}, [])


def test_flowchart__very_many__is_bounded_quick_and_says_how_many_are_left_out():
    some = [Node(f"k{n}", (f"{n} \U0001f642" * 5000,), SHAPES[n % 8] if n % 8 != 3 else "data") for n in range(5000)]
    some[4000] = Node("k4000", ("the model",), "artifact")
    some[4500] = Node("k4500", ("other",), "data", "changed")
    ways = [Edge(f"k{n * 7 % 5000}", f"k{n * 13 % 5000}", n % 2 == 0) for n in range(10_000)]
    before = time.perf_counter()
    text = flowchart(some, ways)
    assert time.perf_counter() - before < 1
    found, arrows = parts(text)
    assert len(found) <= MOST_NODES + 1
    assert len(arrows) <= MOST_EDGES
    assert len(text.encode()) < LONGEST + 10_000 < 50_000
    assert read_back(found["more"]).startswith(f"… and {5000 - len(found) + 1} more")
    assert {"the model", "other"} <= set(found.values())


def test_flowchart__labels_as_long_as_can_be__stay_below_the_limit_together():
    text = flowchart([Node(str(n), ('"' * 48,) * 6) for n in range(60)], [])
    found, _ = parts(text)
    assert 10 < len(found) < 60
    assert len(text.encode()) < LONGEST + 1000
    assert found["more"] == f"… and {61 - len(found)} more"


def test_flowchart__cut__more_takes_the_edges_of_what_it_stands_for():
    some = [Node(str(n), (str(n),)) for n in range(MOST_NODES + 2)]
    ways = [Edge(str(MOST_NODES), "0"), Edge(str(MOST_NODES + 1), "0"), Edge(str(MOST_NODES), str(MOST_NODES + 1))]
    found, arrows = parts(flowchart(some, ways))
    assert found["more"] == "… and 2 more"
    assert arrows == [("more", "-->", "n0")]


def test_flowchart__too_many_arrows_only__says_how_many_are_left_out():
    some = [Node(str(n), (str(n),)) for n in range(20)]
    ways = [Edge(str(a), str(b)) for a, b in itertools.permutations(range(20), 2)]
    found, arrows = parts(flowchart(some, ways))
    assert found["more"] == f"… and {380 - MOST_EDGES} more arrows"
    assert len(arrows) == MOST_EDGES


def test_flowchart__nothing__is_a_flowchart():
    assert flowchart([], []) == "flowchart LR\n"


def numbers(text: str) -> list[list[float]]:
    return [
        [float(value) for value in row.split(", ")] for row in re.findall(r"^    line \[(.*)\]$", text, re.MULTILINE)
    ]


def axis(text: str) -> tuple[float, float]:
    found = re.search(r"^    y-axis .*?(\S+) --> (\S+)$", text, re.MULTILINE)
    assert found
    return float(found[1]), float(found[2])


def places(text: str) -> list[str]:
    found = re.search(r"^    x-axis \[(.*)\]$", text, re.MULTILINE)
    assert found
    return re.findall('"([^"]*)"', found[1])


def chart(title: str, labels: list[str], *lines: Line) -> str:
    text = line_chart(title, labels, lines)
    assert text is not None
    return text


def test_line_chart__one_line__has_its_title_and_values():
    text = chart("accuracy of churn", ["v1.0.0", "v1.1.0"], Line("accuracy", (0.8, 0.9)))
    assert text.splitlines()[1:] == [
        "xychart-beta",
        '    title "accuracy of churn"',
        '    x-axis ["v1.0.0", "v1.1.0"]',
        "    y-axis 0.79 --> 0.91",
        "    line [0.8, 0.9]",
    ]


def test_line_chart__two_lines__the_title_names_their_colours():
    text = chart("churn", ["a", "b"], Line("auc", (1, 2)), Line("f1", (2, 3)))
    assert '    title "churn: auc (blue), f1 (orange)"\n' in text
    assert '"plotColorPalette": "#4184e4, #e0823d,' in text


@pytest.mark.parametrize(
    ("values", "expected"),
    [((1.0, math.nan, 3.0), ["a", "c"]), ((1.0, math.inf, 3.0), ["a", "c"]), ((-math.inf, 1.0, 2.0), ["b", "c"])],
)
def test_line_chart__no_finite_value__leaves_the_place_out(values, expected):
    text = chart("t", ["a", "b", "c"], Line("x", values), Line("y", (5.0, 6.0, 7.0)))
    assert places(text) == expected
    assert [len(row) for row in numbers(text)] == [2, 2]


@pytest.mark.parametrize("values", [(), (1.0,), (1.0, math.nan), (math.nan, math.inf)])
def test_line_chart__fewer_than_two_values__is_nothing(values):
    assert line_chart("t", [str(n) for n in range(len(values))], [Line("x", values)]) is None


def test_line_chart__no_lines__is_nothing():
    assert line_chart("t", ["a", "b"], []) is None


def test_line_chart__a_value_missing__raises():
    with pytest.raises(ValueError, match="argument"):
        line_chart("t", ["a", "b"], [Line("x", (1.0,))])


def test_line_chart__more_places_than_have_room__draws_the_last_and_names_some():
    text = chart("t", [f"v1.{n}.0" for n in range(40)], Line("x", tuple(map(float, range(40)))))
    assert numbers(text) == [[float(n) for n in range(16, 40)]]
    named = [name for name in places(text) if name.strip("\u2060")]
    assert named == [f"v1.{n}.0" for n in range(17, 40, 2)]
    assert len(set(places(text))) == 24


def test_line_chart__equal_labels__are_told_apart():
    assert places(chart("t", ["a", "a", "a (2)", ""], Line("x", (1, 2, 3, 4)))) == ["a", "a (2)", "a (2) (2)", "—"]


@given(
    st.lists(st.floats(), min_size=2, max_size=40),
    texts,
    texts,
)
def test_line_chart__any_values__are_in_its_range_and_have_no_exponent(values, title, label):
    text = line_chart(title, [label] * len(values), [Line("x", tuple(values))])
    finite = [value for value in values if math.isfinite(value)][-24:]
    if len(finite) < 2:
        assert text is None
        return
    assert text is not None
    (row,) = numbers(text)
    low, high = axis(text)
    assert low < high
    assert all(low <= number <= high for number in row)
    assert len(row) == len(finite) == len(set(places(text)))
    assert not re.search(r"\de|inf|nan", "".join(text.splitlines()[5:]))
    assert len(text) < 3000
    assert text.count('"') == json_quotes() + 2 + 2 * len(row) + (2 if '"in 1e' in text else 0)
    assert len(text.splitlines()) == 6


def json_quotes() -> int:
    return chart("t", ["a", "b"], Line("x", (1, 2))).splitlines()[0].count('"')


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.91, 0.92), (0.909, 0.921)),
        ((0.0, 0.5), (0.0, 0.55)),
        ((5.0, 5.0), (4.5, 5.5)),
        ((0.0, 0.0), (0.0, 1.0)),
        ((-2.0, -2.0), (-2.2, -1.8)),
        ((-1.0, 1.0), (-1.2, 1.2)),
    ],
)
def test_line_chart__values__the_axis_shows_their_differences(values, expected):
    assert axis(chart("t", ["a", "b"], Line("x", values))) == pytest.approx(expected)


def test_line_chart__very_small_values__are_written_in_a_power_of_ten():
    text = chart("t", ["a", "b"], Line("x", (1e-9, 2.5e-9)))
    assert numbers(text) == [[1.0, 2.5]]
    assert 'y-axis "in 1e-9" ' in text


def test_fenced__a_text__is_a_block_of_mermaid():
    assert fenced("flowchart LR\n") == "```mermaid\nflowchart LR\n```\n"


def test_fenced__backticks_within__cannot_end_it():
    assert fenced("a\n```\n<b>") == "````mermaid\na\n```\n<b>\n````\n"
