"""What is behind each artifact of a change, as Markdown: what is better or worse first, everything else folded away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tagline.domain.changes.pages import Pages
from tagline.domain.lineage.comparison import Against, Comparison, MetricDelta, Traced
from tagline.domain.lineage.graph import File
from tagline.domain.lineage.lineage import Lineage
from tagline.render.figures import count, digest, judged, not_compared, nothing_differs, size, value
from tagline.render.markdown.escaping import code, fold, link, table, text
from tagline.render.markdown.lineage_charts import charts
from tagline.render.markdown.lineage_details import details, linked
from tagline.render.markdown.lineage_mermaid import diagram
from tagline.render.markdown.mermaid import fenced


class Detail(NamedTuple):
    """How much is said. The levels drop one thing after the other, in this order."""

    charts: bool = True  # 1
    rows_of_details: int = 200  # 2: 25
    whole_graph: bool = True  # 3: steps alone
    details: bool = True  # 4
    graph: bool = True  # 5
    changes: int = 40  # 5: 10
    metrics: int = 30  # 6: 8
    artifacts: int = 10  # 7: a line each; 8: one


LEVELS = (
    Detail(),
    Detail(charts=False),
    Detail(charts=False, rows_of_details=25),
    Detail(charts=False, rows_of_details=25, whole_graph=False),
    Detail(charts=False, details=False, whole_graph=False),
    Detail(charts=False, details=False, graph=False, changes=10),
    Detail(charts=False, details=False, graph=False, changes=5, metrics=8),
    Detail(charts=False, details=False, graph=False, changes=0, metrics=0),
    Detail(charts=False, details=False, graph=False, changes=0, metrics=0, artifacts=1),
)
#: Characters; where nobody says less.
LONGEST = 900_000


def section(traced: Sequence[Traced], pages: Pages | None, room: int = LONGEST) -> str:
    """Every artifact, within ``room`` characters: what is least needed is left out first. Empty without room."""
    for detail in LEVELS:
        parts = (part for one in traced[: detail.artifacts] for part in _artifact(one, pages, detail))
        body = "\n\n".join(part.rstrip("\n") for part in parts if part)
        if (rest := len(traced) - detail.artifacts) > 0:
            body += f"\n\n… and {count(rest, 'more artifact', 'more artifacts')}."
        if len(body) <= room:
            return body
    return ""


def _artifact(traced: Traced, pages: Pages | None, detail: Detail) -> Iterator[str]:
    lineage = traced.lineage
    if lineage is None:
        yield f"#### {code(traced.artifact)}\n\n{text(traced.why)}"
        return
    yield _title(traced, lineage)
    yield _headline(lineage, pages)
    if detail.changes == 0:
        return
    yield from _doubts(lineage)
    yield _metrics(traced, lineage, detail)
    yield from _changed(traced, pages, detail)
    if detail.graph and (lineage.graph.steps or any(file.origin for file in lineage.graph.files.values())):
        yield fenced(diagram(lineage, traced.against, steps_only=not detail.whole_graph))
    if detail.charts:
        yield charts(traced)
    if detail.details:
        yield fold("Everything behind it", details(lineage, pages, detail.rows_of_details))


def _title(traced: Traced, lineage: Lineage) -> str:
    version = f" {code(lineage.version)}" if lineage.version else ""
    stages = f" → {', '.join(map(code, traced.asked))}" if traced.asked else ""
    return f"#### {code(lineage.artifact)}{version}{stages}"


def _headline(lineage: Lineage, pages: Pages | None) -> str:
    """One sentence of what is there."""
    graph, commit = lineage.graph, lineage.commit
    shown = code(commit.id[:7])
    where = link(shown, pages.commit_url(commit.id)) if pages is not None else shown
    parts = [count(len(graph.upstream), "step")] if graph.upstream else []
    if graph.code:
        parts.append(f"{count(len(graph.code), 'file')} of code")
    if graph.data:
        parts.append(count(len(graph.data), "data set"))
    if lineage.parameters:
        parts.append(count(len(lineage.parameters), "parameter"))
    behind = f"behind it: {', '.join(parts)}" if parts else "no pipeline of DVC leads to it"
    amount = f", {size(lineage.content.size)}" if lineage.content.size is not None else ""
    return f"{where} by {text(commit.author)}{amount}; {behind}."


def _doubts(lineage: Lineage) -> Iterator[str]:
    """What a reviewer must not overlook."""
    lines = [f"- ⚠️ {code(stale.step)} was not run again: {text(stale.why)}" for stale in lineage.stale[:10]]
    if len(lineage.stale) > 10:
        lines.append(f"- and {len(lineage.stale) - 10} more")
    if lineage.run is not None and lineage.run.state != "ok":
        lines.append(f"- ⚠️ {text(lineage.run.message)} {text(lineage.run.fix)}".rstrip())
    lines += [f"- ⚠️ {text(warning.message)}" for warning in lineage.warnings[:10]]
    if lines:
        yield "\n".join(lines)


# -- better or worse --------------------------------------------------------------


def _metrics(traced: Traced, lineage: Lineage, detail: Detail) -> str:
    """A row a metric: what it is, and what it is in each stage."""
    compared = [other for other in traced.against if other.comparison is not None]
    rows: dict[tuple[str, str | None], list[MetricDelta | None]] = {
        (figure.name, figure.file): [None] * len(compared) for figure in lineage.metrics
    }
    for place, other in enumerate(compared):
        for metric in other.comparison.metrics if other.comparison else ():
            rows.setdefault((metric.name, metric.file), [None] * len(compared))[place] = metric
    if not rows:
        return f"No metrics: {text(lineage.no_metrics)}." if lineage.no_metrics else ""
    now = {
        (figure.name, figure.file): value(figure.value, *(m.before for m in rows[figure.name, figure.file] if m))
        for figure in lineage.metrics
    }
    files = {file for _, file in rows}
    ordered = sorted(rows, key=lambda key: not any(m is not None and m.delta for m in rows[key]))
    shown = [
        [code(key[0]), f"**{_plain(now.get(key, '–'))}**", *map(_cell, rows[key]), code(key[1]) if key[1] else ""]
        for key in ordered[: detail.metrics]
    ]
    head = ["Metric", code(lineage.label), *(_holder(other) for other in compared), "File"]
    if len(files) == 1:  # then it says nothing new
        head, shown = head[:-1], [row[:-1] for row in shown]
    more = f"\n\n… and {len(rows) - len(shown)} more metrics." if len(rows) > len(shown) else ""
    return table(head, shown) + more


def _cell(metric: MetricDelta | None) -> str:
    if metric is None:
        return "–"
    sign = {"better": "🟢 ", "worse": "🔴 "}.get(metric.judgement or "", "")
    words = judged(metric)
    # Numbers and our own words need no escape; what a file says does.
    return f"{sign}{words if metric.delta is not None else _plain(words)}"


def _plain(words: str) -> str:
    """Numbers and our own words need no escape; what a file says does."""
    return words if words.replace(".", "").replace("-", "").isalnum() and words.isascii() else text(words)


def _holder(other: Against) -> str:
    what = code(other.version or other.commit[:7])
    return f"{', '.join(map(code, other.stages))} {what}" if other.stages else f"{what} (before)"


# -- what was done for it ------------------------------------------------------------


def _changed(traced: Traced, pages: Pages | None, detail: Detail) -> Iterator[str]:
    """What differs from the first to compare with; of the others, why they could not be compared."""
    for other in traced.against:
        if other.comparison is None:
            yield f"Not compared with {_holder(other)}: {text(other.why)}"
    first = next((other for other in traced.against if other.comparison is not None), None)
    if first is None or first.comparison is None:
        yield "" if traced.against else "There is no other version to compare with."
        return
    comparison = first.comparison
    head = f"Against {_holder(first)}"
    if pages is not None:
        head += f" ({link('compare', pages.compare_url(first.commit, comparison.after.commit.id))})"
    if comparison.partial:
        yield f"{head}: what is behind them is not compared, because {text(comparison.partial)}."
        return
    rows = [row for part in _rows(comparison, pages) for row in part]
    left = not_compared(comparison)
    if not rows:
        same = "byte for byte the same, and " if comparison.same_bytes else ""
        yield f"{head}: {same}{nothing_differs(comparison)}.{f' Not compared: {left}.' if left else ''}"
        return
    most = detail.changes
    more = f"\n\n… and {len(rows) - most} more differences." if len(rows) > most else ""
    more += f"\n\nNot compared: {left}." if left else ""
    yield f"{head}:\n\n{table(['Changed', '', 'Before', 'After'], rows[:most])}{more}"


def _rows(comparison: Comparison, pages: Pages | None) -> Iterator[list[list[str]]]:
    before, after = comparison.before, comparison.after
    if comparison.same_bytes is not True:
        was, now = _bytes(before), _bytes(after)
        if was != now:
            yield [["bytes", code(after.artifact), was, now]]
    yield [
        [
            "parameter",
            f"{code(p.name)} of {code(p.file)}",
            code(value(p.before, p.after)),
            code(value(p.after, p.before)),
        ]
        for p in comparison.parameters
    ]
    for role, word in (("data", "data"), ("code", "code")):
        yield [
            [
                word,
                linked(delta.path, after if delta.after else before, pages if role == "code" else None),
                _state(delta.before, role),
                _state(delta.after, role),
            ]
            for delta in comparison.of(role)  # type: ignore[arg-type]
        ]
    yield [
        ["step", code(step.name), _command(step.before), _command(step.after)] for step in comparison.steps
    ]  # fmt: skip


def _bytes(lineage: Lineage) -> str:
    content = lineage.content
    return "–" if content.digest is None else f"{size(content.size)} {code(digest(content.digest))}"


def _state(file: File | None, role: str) -> str:
    if file is None:
        return "–"
    amount = f"{size(file.size)} " if role == "data" and file.size is not None else ""
    locked = f" {code(file.origin.locked[:12])}" if file.origin is not None and file.origin.locked else ""
    return f"{amount}{code(digest(file.digest))}{locked}"


def _command(command: str | None) -> str:
    return "–" if command is None else code(command)
