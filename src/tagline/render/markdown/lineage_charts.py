"""How a metric went over the versions: a chart where a picture says more than numbers."""

from __future__ import annotations

import math

from tagline.domain.lineage.comparison import MetricDelta, Point, Traced
from tagline.domain.lineage.lineage import Figure
from tagline.render.markdown.escaping import fold, html
from tagline.render.markdown.mermaid import Line, fenced, line_chart

#: Charts of one artifact.
_MOST = 3
#: Two points are a difference, which the table tells; from here on there is a course.
_FEWEST = 3


def charts(traced: Traced) -> str:
    """The charts of the metrics that matter, folded away; empty with too few versions."""
    drawn = []
    for figure in telling(traced)[:_MOST]:
        line = Line(figure.name, tuple(course(figure, traced.history)))
        if sum(map(math.isfinite, line.values)) < _FEWEST:
            continue
        chart = line_chart(figure.name, [point.version for point in traced.history], [line])
        if chart is not None:
            drawn.append((figure.name, fenced(chart)))
    if not drawn:
        return ""
    names = html(", ".join(name for name, _ in drawn))
    return fold(f"{names} over {len(traced.history)} versions", "\n".join(chart for _, chart in drawn))


def telling(traced: Traced) -> list[Figure]:
    """The numbers of an artifact, those first that have a better and a worse, and of these those that moved."""
    if traced.lineage is None:
        return []
    deltas: dict[tuple[str, str | None], MetricDelta] = {}
    for other in traced.against:
        for metric in other.comparison.metrics if other.comparison is not None else ():
            deltas.setdefault((metric.name, metric.file), metric)

    def rank(figure: Figure) -> tuple[bool, bool]:
        delta = deltas.get((figure.name, figure.file))
        return (delta is None or delta.judgement is None, delta is None or not delta.delta)

    return sorted((figure for figure in traced.lineage.metrics if figure.number is not None), key=rank)


def course(figure: Figure, history: tuple[Point, ...]) -> list[float]:
    """A metric's values, version by version; NaN where there is none."""
    found = []
    for point in history:
        same = (one for one in point.figures if one.name == figure.name and one.file == figure.file)
        number = next((one.number for one in same), None)
        found.append(math.nan if number is None else number)
    return found
