"""Diagrams as Mermaid reads them: untrusted labels in, text for a fenced block out.

Written for what the forges run, Mermaid 10.6 up to the newest 11, at ``securityLevel: strict``, with labels drawn
as HTML or as SVG. Some versions read every label as Markdown. Mermaid's character codes (``#quot;``) are of no use:
labels as SVG show them as they are, and in a label of several lines they are decoded before icons and formulas are
looked for. So a sign that cannot be written is another one that looks like it, and what means something only together
is parted by an invisible word joiner.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from tagline.domain.changes.asks import WORD_JOINER
from tagline.render.escape import visible

#: More is no longer read by anybody, and what Mermaid draws of it is no longer legible.
MOST_NODES = 60
#: Mermaid draws nothing at all above 500 (and versions before 10.7 above 280).
MOST_EDGES = 200
#: In bytes of UTF-8, never fewer than Mermaid's characters. It refuses 50,000; GitHub takes 65,536 for a comment.
LONGEST = 24_000
#: Of one line of a label, and how many lines there are.
_LONGEST_LINE = 48
_MOST_LINES = 6
_NOTHING = "—"

Shape = Literal["data", "code", "step", "artifact", "metrics", "params", "run", "more"]
Mark = Literal["", "new", "changed", "gone"]
Direction = Literal["LR", "RL", "TB", "BT"]

# Only figures that hold several lines in every version: old ones cut the text of those with slanting sides.
_OUTLINES: Mapping[Shape, tuple[str, str]] = {
    "data": ("[(", ")]"),  # a cylinder
    "code": ("[[", "]]"),
    "step": ("(", ")"),
    "artifact": ("{{", "}}"),  # a hexagon
    "metrics": ("[", "]"),
    "params": (">", "]"),  # a flag
    "run": ("([", "])"),
    "more": ("[", "]"),
}
# Outlines only: the fill and the letters are the reader's theme's, light or dark. Each differs by more than its colour.
_CLASSES: Mapping[str, str] = {
    "new": "stroke:#2da44e,stroke-width:3px",
    "changed": "stroke:#bf8700,stroke-width:3px,stroke-dasharray:9 3",
    "gone": "stroke:#e5534b,stroke-width:2px,stroke-dasharray:2 4",
    "more": "stroke:#8c959f,stroke-width:1px,stroke-dasharray:3 3",
}

#: Of a chart: how many values a line has, how long its title, its labels and the names of its lines are.
_MOST_PLACES = 24
_LONGEST_TITLE = 98
_LONGEST_NAME = 20
#: Numbers between these powers of ten are written as they are.
_PLAIN_POWERS = (-3, 5)
# Legible on white and on black. The words are what the title says of them.
_COLOURS: Mapping[str, str] = {
    "blue": "#4184e4",
    "orange": "#e0823d",
    "green": "#2da44e",
    "purple": "#986ee2",
}
_CHART = json.dumps(
    {
        "xyChart": {"width": 700, "height": 320, "titleFontSize": 14},
        "themeVariables": {
            "xyChart": {"plotColorPalette": ", ".join(_COLOURS.values()), "backgroundColor": "transparent"}
        },
    }
)
#: How many letters of labels have room below a chart of this width.
_LABEL_ROOM = 110

# Signs that end a string, begin an escape or are HTML or Markdown wherever they stand, and what is shown for them.
_LOOK_ALIKES = str.maketrans({
    '"': "\N{RIGHT DOUBLE QUOTATION MARK}",
    "`": "\N{MODIFIER LETTER GRAVE ACCENT}",
    "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
    ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
    "&": "\N{FULLWIDTH AMPERSAND}",
    "\\": "\N{SET MINUS}",
    "*": "\N{ASTERISK OPERATOR}",
    "~": "\N{TILDE OPERATOR}",
})  # fmt: skip
# Where a word joiner goes: each match is a place between two signs.
_SEAMS = re.compile(
    r"^(?=[!-/:-@\[-`{-~]|\d+[.)](?:\s|$))"  # lists, headings, rules and tables begin a line
    r"|(?<=:)(?=\S)|(?<=www)(?=[.])|(?=@)"  # links, addresses, icons (fa:fa-car), classes
    r"|(?<=#)"  # character codes
    r"|(?<=%)(?=[%{])|(?<=[$])(?=[$])|(?<=\])(?=[(\[])"  # comments and directives, formulas, links
    r"|(?<=st)(?=yle)|(?<=class)(?=Def)"  # Mermaid drops a ";" somewhere behind these, even in a string
    r"|(?=_)(?!(?<=[^\W_])_[^\W_])|(?<=_)(?!(?<=[^\W_]_)[^\W_])",  # emphasis, but for one within a word
    re.IGNORECASE,
)


class Node(NamedTuple):
    """What a flowchart shows as one figure: untrusted lines, one below the other."""

    key: str
    lines: tuple[str, ...]
    shape: Shape = "data"
    mark: Mark = ""


class Line(NamedTuple):
    """A line of a chart; where there is no value, NaN."""

    name: str
    values: tuple[float, ...]


class Edge(NamedTuple):
    """An arrow from one node's key to another's."""

    start: str
    end: str
    dashed: bool = False


def shown(text: str, longest: int = _LONGEST_LINE) -> str:
    """One line of a label as a person shall see it: nothing invisible, no sign of Mermaid's, shortened in its middle.

    The end stays longer than the beginning: of a path, it says more.
    """
    if len(text) > 4 * longest:
        text = text[: 2 * longest] + "\N{HORIZONTAL ELLIPSIS}" + text[-2 * longest :]
    line = " ".join("".join(map(visible, text)).split())
    # With these two Mermaid marks character codes in its own text, and would read them back as such.
    line = line.translate(_LOOK_ALIKES).replace("ﬂ", "fl").replace("¶ß", "¶ ß")
    if len(line) <= longest:
        return line
    start = longest // 3
    return f"{line[:start].rstrip()}…{line[len(line) - (longest - start - 1) :].lstrip()}"


def parted(line: str) -> str:
    """A line that :func:`shown` made, for a quoted string of Mermaid: it means nothing but its words."""
    return _SEAMS.sub(WORD_JOINER, line)


def flowchart(nodes: Sequence[Node], edges: Sequence[Edge], *, direction: Direction = "LR") -> str:
    """The text of a flowchart. Of two nodes with one key the first counts; an edge needs both its nodes.

    What is too much for Mermaid or for people is one node, "… and 412 more", that takes the edges of those it stands
    for. Artifacts and what has a mark are kept before others.
    """
    known: dict[str, Node] = {}
    for node in nodes:
        known.setdefault(node.key, node)
    kept = _kept(known.values())
    names = {key: f"n{number}" for number, key in enumerate(kept)}
    rest = len(known) - len(kept)
    if rest:
        names |= dict.fromkeys((key for key in known if key not in kept), "more")
    arrows = _arrows(edges, names)
    lines = [f"flowchart {direction}"]
    lines += [f"    {names[key]}{figure}" for key, figure in kept.items()]
    left_out = [f"… and {rest} more"] if rest else []
    if len(arrows) > MOST_EDGES:
        left_out.append(f"… and {len(arrows) - MOST_EDGES} more arrows")
    if left_out:
        lines.append("    more" + _figure(Node("", tuple(left_out), "more")))
    lines += [f"    {arrow}" for arrow in arrows[:MOST_EDGES]]
    used = {line.rpartition(":::")[2] for line in lines}
    lines += [f"    classDef {name} {style}" for name, style in _CLASSES.items() if name in used]
    return "\n".join(lines) + "\n"


def _kept(nodes: Iterable[Node]) -> dict[str, str]:
    """The figures of the nodes that have room, by key, in their order."""
    listed = list(nodes)
    first = sorted(range(len(listed)), key=lambda place: not (listed[place].mark or listed[place].shape == "artifact"))
    room, figures = LONGEST, {}
    for place in first[:MOST_NODES]:
        figure = _figure(listed[place])
        room -= len(figure.encode())
        if room < 0:
            break
        figures[place] = figure
    return {listed[place].key: figures[place] for place in sorted(figures)}


def _figure(node: Node) -> str:
    lines = list(itertools.islice((line for line in map(shown, node.lines) if line), _MOST_LINES + 1))
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES - 1 :] = ["…"]
    opened, closed = _OUTLINES[node.shape]
    style = node.mark or ("more" if node.shape == "more" else "")
    return f'{opened}"{"<br>".join(map(parted, lines or [_NOTHING]))}"{closed}{f":::{style}" if style else ""}'


def _arrows(edges: Iterable[Edge], names: Mapping[str, str]) -> list[str]:
    """Each arrow once; none from what is left out to itself."""
    arrows: dict[str, None] = {}
    for edge in edges:
        start, end = names.get(edge.start), names.get(edge.end)
        if start and end and not start == end == "more":
            arrows[f"{start} {'-.->' if edge.dashed else '-->'} {end}"] = None
    return list(arrows)


def line_chart(title: str, labels: Sequence[str], lines: Sequence[Line]) -> str | None:
    """The text of a chart with a place for every label; None with fewer than two of them to draw.

    Mermaid knows no gaps: where one line has no finite value, all leave that place out. Of many places the last are
    drawn, of many lines the first. Charts have no legend: where there are several lines the title names their colours.

    Raises ValueError where a line has not one value for each label.
    """
    drawn = lines[: len(_COLOURS)]
    places = [
        (label, values)
        for label, *values in zip(labels, *(line.values for line in drawn), strict=True)
        if values and all(map(math.isfinite, values))
    ][-_MOST_PLACES:]
    if len(places) < 2:
        return None
    power, columns = _scaled([values for _, values in places])
    low, high = _range([number for column in columns for number in column])
    unit = f'"in 1e{power}" ' if power else ""
    text = [
        f"%%{{init: {_CHART}}}%%",
        "xychart-beta",
        f'    title "{_chart_title(title, drawn)}"',
        f"    x-axis [{', '.join(_places([label for label, _ in places]))}]",
        f"    y-axis {unit}{_number(low)} --> {_number(high)}",
    ]
    text += [f"    line [{', '.join(map(_number, row))}]" for row in zip(*columns, strict=True)]
    return "\n".join(text) + "\n"


def _chart_title(title: str, lines: Sequence[Line]) -> str:
    """The title, and which line has which colour where there are several."""
    if len(lines) == 1:
        return parted(shown(title) or _NOTHING)
    # What is longer than the chart is wide would be cut off; each name also needs room for its colour.
    said = shown(title, _LONGEST_NAME) or _NOTHING
    room = min(_LONGEST_NAME, (_LONGEST_TITLE - len(said)) // len(lines) - len(" (purple), "))
    names = [
        f"{parted(shown(line.name, room) or _NOTHING)} ({colour})"
        for line, colour in zip(lines, _COLOURS, strict=False)
    ]
    return f"{parted(said)}: {', '.join(names)}"


def _places(labels: Iterable[str]) -> list[str]:
    """The names of the places below a chart, quoted: as many as have room, counted from the last.

    No two are equal, because Mermaid would draw both in one place: a label that was there before is numbered, and
    those without room are different numbers of an invisible sign.
    """
    seen: dict[str, None] = {}
    for label in labels:
        line = shown(label, _LONGEST_NAME) or _NOTHING
        name, number = line, 1
        while name in seen:
            number += 1
            name = f"{line} ({number})"
        seen[name] = None
    step = math.ceil(len(seen) * (max(map(len, seen)) + 2) / _LABEL_ROOM)
    names = [WORD_JOINER * place if (len(seen) - place) % step else parted(name) for place, name in enumerate(seen, 1)]
    return [f'"{name}"' for name in names]


def _scaled(columns: Sequence[Sequence[float]]) -> tuple[int, list[list[float]]]:
    """The values, all in the same power of ten where they are very large or very small, and this power."""
    largest = max(abs(value) for column in columns for value in column)
    power = math.floor(math.log10(largest)) if largest else 0
    if _PLAIN_POWERS[0] <= power <= _PLAIN_POWERS[1]:
        power = 0
    return power, [[float(Decimal(value).scaleb(-power)) for value in column] for column in columns]


def _range(values: Sequence[float]) -> tuple[float, float]:
    """From where to where an axis shows the differences of the values: it need not begin at zero."""
    low, high = min(values), max(values)
    largest = max(abs(low), abs(high))
    # Numbers are written to twelve digits: a smaller difference would be none, and no range.
    room = (high - low) / 10 if high - low > largest / 1e9 else largest / 10 or 1.0
    return (0.0 if 0 <= low < room else low - room), high + room


def _number(value: float) -> str:
    """The number to twelve digits and places, without an exponent: Mermaid's grammar has none."""
    return f"{Decimal(f'{round(value, 12) + 0.0:.12g}'):f}"


def fenced(text: str) -> str:
    """The text in a block that the forges draw; no line of it can end the block."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}mermaid\n{text.removesuffix(chr(10))}\n{fence}\n"
