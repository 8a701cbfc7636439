"""What is behind each artifact of a change, as Markdown: what is better or worse first, everything else folded away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tagline.domain.changes.changes import Change
from tagline.domain.changes.pages import Pages
from tagline.domain.lineage.comparison import Against, Comparison, FileDelta, MetricDelta, Traced
from tagline.domain.lineage.lineage import Lineage, Value
from tagline.render.figures import beside, count, judged, not_compared, nothing_differs, size, value
from tagline.render.markdown.escaping import code, fold, link, long_table, text
from tagline.render.markdown.lineage_charts import charts
from tagline.render.markdown.lineage_details import details, linked
from tagline.render.markdown.lineage_mermaid import draw
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
#: Rows of a table, and figures of a graph, beyond which there is something to be opened by a click.
_SCREEN, _BIG = 12, 12
#: Files of code that are named.
_FILES = 8


def section(traced: Sequence[Traced], pages: Pages | None, room: int = LONGEST, change: Change | None = None) -> str:
    """Every artifact, within ``room`` characters: what is least needed is left out first. Empty without room.

    ``change`` is whose artifacts these are, where they are a change's.
    """
    for detail in LEVELS:
        parts = (part for one in traced[: detail.artifacts] for part in _artifact(one, pages, detail, change))
        body = "\n\n".join(part.rstrip("\n") for part in parts if part)
        if (rest := len(traced) - detail.artifacts) > 0:
            body += f"\n\n… and {count(rest, 'more artifact', 'more artifacts')}."
        if len(body) <= room:
            return body
    return ""


def _artifact(traced: Traced, pages: Pages | None, detail: Detail, change: Change | None) -> Iterator[str]:
    lineage = traced.lineage
    if lineage is None:
        yield f"#### {code(traced.artifact)}\n\n{text(traced.why)}"
        return
    yield _title(traced, lineage)
    yield _headline(lineage, pages)
    if detail.changes == 0:
        return
    yield from _doubts(lineage)
    yield _metrics(traced, lineage, detail, change)
    yield from _changed(traced, pages, detail)
    if detail.graph and (lineage.graph.steps or any(file.origin for file in lineage.graph.files.values())):
        yield _graph(traced, lineage, whole=detail.whole_graph)
    if detail.charts:
        yield charts(traced)
    if detail.details:
        yield fold("Everything behind it", details(lineage, pages, detail.rows_of_details))


def _title(traced: Traced, lineage: Lineage) -> str:
    version = f" {code(lineage.version)}" if lineage.version else ""
    stages = f" → {', '.join(map(code, traced.asked))}" if traced.asked else ""
    return f"#### {code(lineage.artifact)}{version}{stages}"


def _headline(lineage: Lineage, pages: Pages | None) -> str:
    """One sentence of what is there, and of nothing that is not."""
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
    behind = f"; behind it: {', '.join(parts)}" if parts else ""
    amount = f", {size(lineage.content.size)}" if lineage.content.size is not None else ""
    return f"{where} by {text(commit.author)}{amount}{behind}."


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


def _metrics(traced: Traced, lineage: Lineage, detail: Detail, change: Change | None) -> str:
    """A row a metric: what it is in each stage, what it is here, and what lies between them."""
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
        [
            code(key[0]),
            *beside(f"**{_plain(now.get(key, '–'))}**", list(map(_cells, rows[key]))),
            code(key[1]) if key[1] else "",
        ]
        for key in ordered
    ]
    own = lineage.commit.id in (change.head, change.merge_commit) if change is not None else False
    label = f"This change ({code(lineage.label)})" if own else code(lineage.label)
    head = ["Metric", *beside(label, [(_column(other, change), "Difference") for other in compared]), "File"]
    if len(files) == 1:  # then it says nothing new
        head, shown = head[:-1], [row[:-1] for row in shown]
    return long_table(head, shown, _SCREEN, detail.metrics, "metrics")


def _cells(metric: MetricDelta | None) -> tuple[str, str]:
    """What a metric was, and the difference."""
    if metric is None:
        return "–", ""
    sign = {"better": "🟢 ", "worse": "🔴 "}.get(metric.judgement or "", "")
    return _plain(value(metric.before, metric.after)), f"{sign}{judged(metric)}"


def _plain(words: str) -> str:
    """Numbers and our own words need no escape; what a file says does."""
    return words if words.replace(".", "").replace("-", "").isalnum() and words.isascii() else text(words)


def _holder(other: Against) -> str:
    what = code(other.version or other.commit[:7])
    return f"{', '.join(map(code, other.stages))} {what}" if other.stages else f"{what} (before)"


def _column(other: Against, change: Change | None) -> str:
    """``prod`` now (``v1.0.0``); of a merged change, what held it before."""
    if not other.stages:
        return _holder(other)
    when = "" if change is None else " before" if change.merged else " now"
    return f"{', '.join(map(code, other.stages))}{when} ({code(other.version or other.commit[:7])})"


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
    rows = list(_rows(comparison))
    facts = [*_bytes(comparison), *_code(comparison, pages)]
    left = not_compared(comparison)
    if not rows and comparison.same_bytes is not False and not comparison.of("code"):
        facts = [", and ".join([*facts, nothing_differs(comparison)])]
    if facts or rows:
        said = f"{head}: {'; '.join(facts)}." if facts else f"{head}:"
    yield f"{said}{f' Not compared: {left}.' if left else ''}"
    if rows:
        yield long_table(["Changed", "", "Before", "After"], rows, _SCREEN, detail.changes, "differences")


def _bytes(comparison: Comparison) -> Iterator[str]:
    """Whether the artifact is another one. Its digests are among the details: side by side they tell nobody more."""
    if comparison.same_bytes is None:
        return
    before, after = (size(one.content.size) for one in (comparison.before, comparison.after))
    if comparison.same_bytes:
        yield "byte for byte the same"
    else:
        yield "other bytes" if before == after else f"other bytes ({before} → {after})"


def _code(comparison: Comparison, pages: Pages | None) -> Iterator[str]:
    """The files of code by name: what differs in them the comparison of commits shows."""
    for how in ("changed", "added", "removed"):
        files = [delta for delta in comparison.of("code") if delta.how == how]
        if files:
            names = [linked(d.path, comparison.after if d.after else comparison.before, pages) for d in files[:_FILES]]
            more = f" and {len(files) - _FILES} more" if len(files) > _FILES else ""
            yield f"code {how}: {', '.join(names)}{more}"


def _rows(comparison: Comparison) -> Iterator[list[str]]:
    for p in comparison.parameters:
        yield ["parameter", f"{code(p.name)} of {code(p.file)}", _value(p.before, p.after), _value(p.after, p.before)]
    for delta in comparison.of("data"):
        yield ["data", code(delta.path), *_states(delta)]
    for step in comparison.steps:
        yield ["step", code(step.name), _command(step.before), _command(step.after)]


def _value(what: Value | None, other: Value | None) -> str:
    return "–" if what is None else code(value(what, other))


def _states(delta: FileDelta) -> tuple[str, str]:
    """What a data set was and is: its size, and where it comes from by a lock, the lock where that differs."""
    locks = [file.origin.locked if file is not None and file.origin is not None else None for file in delta[3:]]
    cells = [
        " ".join(
            [
                *([size(file.size)] if file is not None and file.size is not None else []),
                *([code(lock[:12])] if lock and locks[0] != locks[1] else []),
            ]
        )
        for file, lock in zip((delta.before, delta.after), locks, strict=True)
    ]
    if delta.how == "changed":
        return cells[0] or "–", cells[1] if cells[0] != cells[1] else f"{cells[1]} changed".strip()
    return (cells[0] or "there", "gone") if delta.how == "removed" else ("–", cells[1] or "new")


def _command(command: str | None) -> str:
    return "–" if command is None else code(command)


def _graph(traced: Traced, lineage: Lineage, *, whole: bool) -> str:
    """How it was made, as a drawing; a big one is opened by a click."""
    drawn = draw(lineage, traced.against, steps_only=not whole)
    first = next((other for other in traced.against if other.comparison is not None), None)
    legend = f"\nThick outlines: what differs from {_holder(first)}.\n" if drawn.marked and first is not None else ""
    shown = f"{fenced(drawn.text)}{legend}"
    return fold(f"How it was made: a graph of {drawn.nodes} nodes", shown) if drawn.nodes > _BIG else shown
