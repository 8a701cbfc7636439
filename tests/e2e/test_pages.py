"""What we write for people, as a browser and Mermaid show it: every figure, hostile labels, the kept comments.

With TAGLINE_TEST_PICTURES=DIR the kept comments and the gallery are also written there as pictures.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tagline.domain.changes.asks import WORD_JOINER
from tagline.render.markdown import mermaid
from tagline.render.markdown.mermaid import Edge, Line, Node, fenced, flowchart, line_chart, shown
from tests.support.browser import Seen, Version, look, need_browser, ragged_rows

pytestmark = pytest.mark.e2e

GOLDENS = Path(__file__).parents[1] / "render" / "markdown" / "goldens"
#: Read before a test's environment is cleaned.
PICTURES = os.environ.get("TAGLINE_TEST_PICTURES")
SHAPES = ("data", "code", "step", "artifact", "metrics", "params", "run", "more")
MARKS = ("", "new", "changed", "gone")


class Way(NamedTuple):
    """How a forge draws: which Mermaid, labels as HTML or as SVG, which theme."""

    mermaid: Version
    html_labels: bool
    theme: str


WAYS = [Way("11", True, "default"), Way("11", False, "dark"), Way("10", True, "dark"), Way("10", False, "neutral")]
each_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(map(str, way)))

HOSTILE = (
    '"]; click n0 "javascript:alert(1)"', '"]\n click n0 href "https://evil.example"', '"]:::gone', ":::gone",
    "<img src=x onerror=alert(1)>", "<a href='https://evil.example'>x</a>", "<script>alert(1)</script>", "<b>x</b>",
    "<br>", "<br/>", "</div></foreignObject></svg>", "<!-- x -->", "<style>*{display:none}</style>",
    '%%{init: {"securityLevel":"loose"}}%%', "%% comment", "---\ntitle: x\n---", "end", "graph TD", "subgraph x",
    "click n0 call alert()", "style n0 fill:#f00;", "classDef x fill:#f00;", "linkStyle 0 stroke:#f00;",
    "style:x#35;y", "`**bold**`", "**bold**", "__bold__", "_em_", "~~x~~", "# head", "1. one", "1) one", "- item",
    "+ item", "* item", "> quote", "    code", "| a |", "[x](https://evil.example)", "![x](https://evil.example/x.png)",
    "https://evil.example", "www.evil.example", "a@b.example", "```", "`", "``", "#35;", "#quot;", "&quot;", "&#34;",
    "&amp;lt;", "ﬂ°°60¶ß", "ﬂ°lt¶ß", "¶ß", "#", "##[error]", "]]", "))", "{{", "}}", ">", "\\", "\\n", "a\\nb",
    "fa:fa-car", "fab:fa-github x", "$$x^2$$", "$x$", ";", "a-->b", "--", "-.->", "&", "a & b", "@{ shape: x }", "|x|",
    "'", "é", "名前", "🙂", "👩🏽‍🔬", "مرحبا", "\u202eabc", "\u200b", "\x00", "\x1b[31m", "\x7f", "\ufeff", "\ufffe",
    "\uffff", "\ue000", "\U000e0041", "\ud800", "e\u0301" * 9, "\u00a0", "\u3000x", "a\tb", "\r\n", "\u2028", "",
    " ", "x" * 10_000, "long/path " * 1000, "toString", "__proto__", "constructor", "default", "null", "o", "x--",
    "===", "***", "___", "[ ] todo", "[^1]", "<https://evil.example>", "a" + "-" * 30, "...", "…", "—", "→", "·",
)  # fmt: skip
hostile = st.lists(st.sampled_from(HOSTILE[:-20]) | st.text(max_size=8), min_size=1, max_size=5).map("".join)


@pytest.fixture(autouse=True)
def browser() -> None:
    need_browser()


def show(texts: Sequence[str], way: Way, picture: str = "") -> Seen:
    target = Path(PICTURES) / f"{picture}-{'-'.join(map(str, way))}.png" if PICTURES and picture else None
    return look(texts, mermaid=way.mermaid, html_labels=way.html_labels, theme=way.theme, picture=target)


def harmless(seen: Seen) -> None:
    """Nothing was tried, all was drawn, and there is nothing in it but a drawing."""
    assert seen.attempts == ()
    assert [diagram.error for diagram in seen.diagrams if not diagram.drawn] == []
    assert [diagram.links + diagram.foreign for diagram in seen.diagrams if diagram.links or diagram.foreign] == []


def squeezed(text: str) -> str:
    """Without blanks and joiners: where labels are SVG, Mermaid breaks long lines where it likes."""
    return "".join(text.split()).replace(WORD_JOINER, "")


def labels_as_shown(seen: Seen) -> list[str]:
    return [squeezed(label) for diagram in seen.diagrams for label in diagram.nodes.values()]


@each_way
def test_flowchart__every_figure_and_mark__is_drawn_with_its_words(way: Way) -> None:
    # Far from the 200 px at which Mermaid breaks lines of SVG labels: how wide a text is depends on the fonts.
    labels = (("one",), ("two", "lines"), ("m/churn.pkl", "12.4 MB", "sha 3f2a"), ())
    nodes = [
        Node(f"{shape}{mark}", tuple(f"{line} {shape}" for line in lines), shape, mark)
        for shape in SHAPES
        for lines, mark in zip(labels, MARKS, strict=True)
    ]
    edges = [Edge(a.key, b.key, dashed=n % 2 == 0) for n, (a, b) in enumerate(itertools.pairwise(nodes))]
    seen = show([fenced(flowchart(nodes, edges)), fenced(flowchart(nodes, edges, direction="TB"))], way, "gallery")
    harmless(seen)
    for diagram in seen.diagrams:
        assert diagram.edges == len(edges)
        assert diagram.nodes == {f"n{n}": "\n".join(node.lines) or "—" for n, node in enumerate(nodes)}


@each_way
def test_line_chart__lines_and_labels__are_drawn_with_their_words(way: Way) -> None:
    values = tuple(n / 7 for n in range(30))
    versions = [f"v1.{n}.0" for n in range(30)]
    several = line_chart("churn", versions, [Line("auc", values), Line("f1 <b>", values[::-1])])
    title, names = '"];%%{x}%% `x` #35; style:y', ["v1", 'a"]', "<b>", "#35;", "v1"]
    odd = line_chart(title, names, [Line("x", (-1, 2, 0, 1, 1e-7))])
    tiny = line_chart("tiny", ["a", "b"], [Line("x", (1e-9, 2e-9))])
    flat = line_chart("flat", ["a", "b"], [Line("x", (5e300, 5e300))])
    seen = show([fenced(text or "") for text in (several, odd, tiny, flat)], way, "charts")
    harmless(seen)
    texts = [[text.replace(WORD_JOINER, "") for text in diagram.texts] for diagram in seen.diagrams]
    texts = [list(filter(None, some)) for some in texts]
    assert texts[0][:2] == ["churn: auc (blue), f1 ‹b› (orange)", "v1.7.0"]
    assert [text for text in texts[0] if text.startswith("v1.")] == [f"v1.{n}.0" for n in range(7, 30, 2)]
    assert texts[1][:6] == [shown(title), "v1", "a”]", "‹b›", "#35;", "v1 (2)"]
    assert "in 1e-9" in texts[2]
    assert "in 1e300" in texts[3]


@each_way
def test_flowchart__hostile_labels__are_what_is_seen(way: Way) -> None:
    # One by one, so that none hides what another does; and among others.
    alone = [[Node(label, (label,), SHAPES[n % len(SHAPES)])] for n, label in enumerate(HOSTILE)]
    nodes = [Node(f"{label} again", (label, "x", label)) for label in HOSTILE]
    together = [nodes[n : n + 40] for n in range(0, len(nodes), 40)]
    charts = alone + together
    seen = show([fenced(flowchart(some, [Edge(some[0].key, some[-1].key)])) for some in charts], way)
    harmless(seen)
    for some, diagram in zip(charts, seen.diagrams, strict=True):
        for n, node in enumerate(some):
            expected = "".join(map(shown, node.lines)) or "—"
            assert squeezed(diagram.nodes[f"n{n}"]) == squeezed(expected), node
        assert len(diagram.nodes) == len(some)


@each_way
def test_flowchart__any_labels__are_what_is_seen(way: Way) -> None:
    found: list[str] = []

    @settings(max_examples=400, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck))
    @given(hostile)
    def collect(label: str) -> None:
        found.append(label)

    collect()
    nodes = [Node(str(n), (label,)) for n, label in enumerate(found)]
    charts = [nodes[n : n + 50] for n in range(0, len(nodes), 50)]
    seen = show([fenced(flowchart(some, [])) for some in charts], way)
    harmless(seen)
    assert labels_as_shown(seen) == [squeezed(shown(label)) or "—" for label in found]


@each_way
def test_flowchart__much_too_many__is_drawn_as_far_as_it_goes(way: Way) -> None:
    nodes = [Node(str(n), (f'"{n}"' * 30,) * 6) for n in range(5000)]
    few = [Node(str(n), (f"file {n}",)) for n in range(5000)]
    edges = [Edge(str(n * 7 % 5000), str(n * 13 % 5000)) for n in range(10_000)]
    among = [Edge(str(a), str(b)) for a in range(20) for b in range(20) if a != b]
    seen = show(
        [fenced(flowchart(nodes, edges)), fenced(flowchart(few, among)), fenced(flowchart(few[:20], among))], way
    )
    harmless(seen)
    assert seen.diagrams[1].nodes["more"] == f"… and {5000 - mermaid.MOST_NODES} more\n… and 180 more arrows"
    assert seen.diagrams[1].edges == mermaid.MOST_EDGES


def problems(markdown: str, seen: Seen, number: int) -> list[str]:
    """What a person would stumble over in this text."""
    page = seen.pages[number]
    return [
        *(f"Mermaid: {diagram.error}" for diagram in page.diagrams if diagram.error),
        *(f"cells: {row}" for row in ragged_rows(markdown)),
        *(f"bars: {line}" for line in page.prose.split("\n") if re.search(r"^\s*\|.*\|\s*$|\|\s*-{3}", line)),
        *(f"HTML: {tag}" for tag in page.raw),
    ]


SAMPLE = f"""### Sample

| a | b |
| --- | --- |
| `x\\|y` | <sub>1</sub> |

<details><summary>The figure</summary>

{fenced(flowchart([Node("a", ("data",)), Node("b", ("model",), "artifact")], [Edge("a", "b")]))}
</details>
"""


@each_way
def test_kept_comments__in_a_browser__have_nothing_to_stumble_over(way: Way) -> None:
    kept = {path.stem: path.read_text(encoding="utf-8") for path in sorted(GOLDENS.glob("*.md"))}
    texts = [SAMPLE, *kept.values()]
    seen = show(texts, way)
    assert seen.attempts == ()
    assert {
        name: found
        for number, (name, text) in enumerate(zip(["sample", *kept], texts, strict=True))
        if (found := problems(text, seen, number))
    } == {}
    assert seen.pages[0].tables == ((("a", "b"), ("x|y", "1")),)
    assert seen.pages[0].diagrams[0].nodes == {"n0": "data", "n1": "model"}
    if PICTURES:
        for name, text in kept.items():
            show([text], way, name)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```mermaid\nflowchart LR\n  a[\n```", "Mermaid: "),
        ("| a | b |\n| --- | --- |\n| 1 | 2 | 3 |", "cells: "),
        ("x\n\n| a | b |\n", "bars: "),
        ("a <img src=x onerror=alert(1)> b", "HTML: "),
        ("<div onclick=x>\n", "HTML: "),
    ],
)
def test_problems__a_broken_text__is_seen(text: str, problem: str) -> None:
    assert [found[: len(problem)] for found in problems(text, look([text]), 0)][:1] == [problem]


def test_look__a_text_that_asks_the_network__is_seen() -> None:
    assert "img-src https://evil.example/x.png " in look(["![x](https://evil.example/x.png)"]).attempts


def test_look__a_label_that_is_not_coded__is_seen() -> None:
    raw = fenced('flowchart LR\n n0["x"]\n click n0 "https://evil.example"\n')
    with pytest.raises(AssertionError):
        harmless(look([raw]))
