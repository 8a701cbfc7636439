"""Lineages for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tagline.domain.lineage.comparison import Against, Between, Comparison, Traced
from tagline.domain.lineage.lineage import Lineage, Passage, same
from tagline.domain.text.times import format_time, time_or_none
from tagline.render.escape import no_command, one_line
from tagline.render.figures import (
    beside,
    count,
    digest,
    judged,
    not_compared,
    nothing_differs,
    size,
    sparkline,
    value,
)
from tagline.render.markdown.lineage_charts import course
from tagline.render.terminal.tables import Pen, table

#: Rows of one table; more are in --json.
_MOST = 40


def lineages(traced: Sequence[Traced], pen: Pen) -> str:
    """Each artifact in turn."""
    lines = [line for one in traced for block in (*_artifact(one, pen), "") for line in block.split("\n")]
    return "\n".join(map(no_command, lines)).rstrip("\n") or "No artifact is touched or promoted."


def _artifact(traced: Traced, pen: Pen) -> Iterator[str]:
    lineage = traced.lineage
    if lineage is None:
        yield f"{pen(traced.artifact, 'bold')}  {one_line(traced.why)}"
        return
    yield f"{pen(lineage.artifact, 'bold')}  {pen(lineage.version or 'no version yet', 'green')}"
    yield from _facts(lineage, pen)
    for stale in lineage.stale[:_MOST]:
        yield f"{pen('not run again:', 'yellow', 'bold')} {one_line(f'{stale.step}: {stale.why}')}"
    if lineage.run is not None and lineage.run.state != "ok":
        yield f"{pen('mlflow:', 'yellow', 'bold')} {one_line(lineage.run.message)}"
    yield from _metrics(traced, lineage, pen)
    yield from _behind(lineage, pen)
    yield from _events([p._replace(version=p.version or lineage.version) for p in lineage.passages], pen)
    for other in traced.against:
        yield from _changed(other, pen)


def _facts(lineage: Lineage, pen: Pen) -> Iterator[str]:
    commit, content = lineage.commit, lineage.content
    signature = commit.signature
    signed = "not signed" if signature.status == "none" else f"signature {signature.status}"
    by = f" ({signature.signer})" if signature.signer else ""
    when = (time_or_none(commit.authored_at) if commit.authored_at else None) or ""
    rows = [
        ("commit", f"{commit.id[:7]} {commit.subject}"[:100]),
        ("author", f"{commit.author} <{commit.email}> {when}, {signed}{by}"),
        ("path", lineage.entry.path if lineage.entry else None),
        ("bytes", f"{size(content.size)}  {content.digest}" if content.digest else lineage.no_content),
        ("sha256", content.sha256),
        ("uri", content.uri),
    ]
    named = lineage.entry.mlflow if lineage.entry is not None else None
    if named is not None:
        run = lineage.run.run if lineage.run is not None else None
        rows.append(("mlflow", named.words + (f" ({run.name}, {run.status})" if run is not None else "")))
    for key, what in rows:
        if what:
            yield f"{pen(key.ljust(6), 'dim')}  {one_line(what)}"


def _metrics(traced: Traced, lineage: Lineage, pen: Pen) -> Iterator[str]:
    compared = [other for other in traced.against if other.comparison is not None]
    deltas = [{(m.name, m.file): m for m in other.comparison.metrics} for other in compared if other.comparison]
    keys = dict.fromkeys([(f.name, f.file) for f in lineage.metrics] + [key for found in deltas for key in found])
    if not keys:
        if lineage.no_metrics:
            yield f"{pen('metrics', 'dim')}  {one_line(lineage.no_metrics)}"
        return
    figures = {(figure.name, figure.file): figure for figure in lineage.metrics}
    rows = []
    for key in list(keys)[:_MOST]:
        found = [row.get(key) for row in deltas]
        figure = figures.get(key)
        now = value(figure.value, *(m.before for m in found if m)) if figure is not None else "-"
        cells = [(value(m.before, m.after), judged(m)) if m is not None else ("-", "") for m in found]
        line = sparkline(course(figure, traced.history)) if figure is not None and figure.number is not None else ""
        rows.append([key[0], *beside(now, cells), line, key[1] or ""])
    head = ["METRIC", *beside(lineage.label, [(other.label, "DIFFERENCE") for other in compared]), "", "FILE"]
    yield ""
    yield table(head, rows, pen, ("bold", "", "green") if compared else ("bold", "green"))
    yield from _more(len(keys))


def _behind(lineage: Lineage, pen: Pen) -> Iterator[str]:
    graph = lineage.graph
    if graph.steps:
        rows = [
            (
                step.name,
                "measures" if step.name in graph.measuring else "makes",
                count(len(step.deps), "input"),
                step.command.replace("\n", "; ")[:80],
            )
            for step in graph.steps
        ]
        yield ""
        yield table(("STEP", "", "READS", "COMMAND"), rows[:_MOST], pen, ("bold", "dim"))
        yield from _more(len(rows))
    if graph.data:
        rows = [
            (
                file.path,
                size(file.size),
                digest(file.digest),
                file.maker or (file.origin.url if file.origin else file.pointer or "Git"),
            )
            for file in graph.data
        ]
        yield ""
        yield table(("DATA", "SIZE", "DIGEST", "FROM"), rows[:_MOST], pen, ("bold",))
        yield from _more(len(rows))
    if graph.code:
        yield ""
        rows_of_code = [(file.path, digest(file.digest)) for file in graph.code]
        yield table(("CODE", "BLOB"), rows_of_code[:_MOST], pen, ("bold",))
        yield from _more(len(rows_of_code))
    if lineage.parameters:
        yield ""
        parameters = [(p.name, value(p.value), p.file, ", ".join(p.steps)) for p in lineage.parameters]
        yield table(("PARAMETER", "VALUE", "FILE", "STEPS"), parameters[:_MOST], pen, ("bold", "green"))
        yield from _more(len(parameters))


def _changed(other: Against, pen: Pen) -> Iterator[str]:
    yield ""
    name = pen(other.label, "bold")
    if other.comparison is None:
        yield f"against {name}: not compared: {one_line(other.why)}"
        return
    if other.comparison.partial:
        yield f"against {name}: what is behind them is not compared: {one_line(other.comparison.partial)}"
        return
    rows = list(_differences(other.comparison))
    yield f"against {name}:" if rows else f"against {name}: {nothing_differs(other.comparison)}"
    yield from _compared(rows, other.comparison, pen)


def _compared(rows: list[tuple[str, str, str, str]], found: Comparison, pen: Pen) -> Iterator[str]:
    """What differs, and what nobody looked at."""
    if rows:
        yield table(("CHANGED", "", "BEFORE", "AFTER"), rows[:_MOST], pen, ("dim", "bold"))
        yield from _more(len(rows))
    if left := not_compared(found):
        yield f"not compared: {left}"


def _differences(found: Comparison) -> Iterable[tuple[str, str, str, str]]:
    before, after = found.before, found.after
    if found.same_bytes is False:
        contents = [f"{size(c.size)} {digest(c.digest)}" for c in (before.content, after.content)]
        yield ("bytes", after.artifact, *contents)  # type: ignore[misc]
    for parameter in found.parameters:
        values = (parameter.before, parameter.after)
        yield ("parameter", parameter.name, value(*values), value(*reversed(values)))
    for delta in found.of("data", "code"):
        states = [f"{size(f.size)} {digest(f.digest)}" if f is not None else "-" for f in (delta.before, delta.after)]
        yield (delta.role, delta.path, *states)  # type: ignore[misc]
    for step in found.steps:
        yield ("step", step.name, step.before or "-", step.after or "-")


def between(found: Between, pen: Pen) -> str:
    """``diff``: both ends, then what lies between them."""
    return "\n".join(no_command(line) for block in _between(found, pen) for line in block.split("\n"))


def _between(found: Between, pen: Pen) -> Iterator[str]:
    for word, end in (("from", found.before), ("to", found.after)):
        what = end.version or (f"commit {end.commit[:7]}" if end.commit else "nobody")
        since = f", since {format_time(end.since)}" if end.since is not None else ""
        asked = f"{pen(end.target, 'bold')} {pen(what, 'green')}"
        yield f"{pen(word.ljust(4), 'dim')}  {format_time(end.at)}  {asked}{since}"
    if found.same:
        yield "nothing changed" if found.before.commit else "nobody held it at either instant"
    if found.comparison is not None and not found.same:
        metrics = [m for m in found.comparison.metrics if not same(m.before, m.after)]
        if metrics:
            rows = [
                (m.name, value(m.before, m.after), value(m.after, m.before), judged(m), m.file or "") for m in metrics
            ]
            yield ""
            yield table(("METRIC", "BEFORE", "AFTER", "", "FILE"), rows[:_MOST], pen, ("bold",))
            yield from _more(len(rows))
        rows_of_differences = list(_differences(found.comparison))
        yield ""
        if found.comparison.partial:
            yield f"what is behind them is not compared: {one_line(found.comparison.partial)}"
        else:
            if not rows_of_differences:
                yield nothing_differs(found.comparison)
            yield from _compared(rows_of_differences, found.comparison, pen)
    yield from _events(found.passages, pen)


def _events(passages: Sequence[Passage], pen: Pen) -> Iterator[str]:
    if not passages:
        return
    rows = [
        (
            format_time(one.time),
            f"{one.kind} {one.stage or ''}".strip(),
            one.version or "-",
            ", ".join(one.requested_by) or one.tagger,
            ", ".join(line.split(" ")[0] for line in one.approved_by) or "-",
            one.change or (f"override: {one.override}" if one.override else "-"),
        )
        for one in passages
    ]
    yield ""
    yield table(("WHEN", "WHAT", "VERSION", "BY", "APPROVED BY", "CHANGE"), rows[:_MOST], pen, ("dim", "bold", "green"))
    yield from _more(len(rows))


def _more(rows: int) -> Iterator[str]:
    if rows > _MOST:
        yield f"and {rows - _MOST} more: --json has them"
