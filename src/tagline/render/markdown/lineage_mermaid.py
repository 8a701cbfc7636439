"""The graph behind an artifact as Mermaid: data and code, the steps that made it, what measured it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tagline.domain.lineage.comparison import Against, Comparison
from tagline.domain.lineage.graph import File
from tagline.domain.lineage.lineage import Lineage
from tagline.domain.lineage.pipelines import Step
from tagline.render.figures import count, difference, size, value
from tagline.render.markdown.mermaid import Edge, Mark, Node, Shape, flowchart

#: Nodes up to which every file of code is shown; beyond it code is counted by step; beyond that data too.
_EVERYTHING, _MOST = 24, 48
_FIGURES = 3
_PARAMETERS = 4
_MARKS: dict[str, Mark] = {"added": "new", "removed": "gone", "changed": "changed"}


class Drawn(NamedTuple):
    """A flowchart, how many figures were drawn for it, and whether any has a mark."""

    text: str
    nodes: int
    marked: bool


def diagram(lineage: Lineage, against: Sequence[Against] = (), *, steps_only: bool = False) -> str:
    """The text of the flowchart alone."""
    return draw(lineage, against, steps_only=steps_only).text


def draw(lineage: Lineage, against: Sequence[Against] = (), *, steps_only: bool = False) -> Drawn:
    """The flowchart. What is another than in the first of ``against`` is marked."""
    comparison = next((other.comparison for other in against if other.comparison is not None), None)
    return _Drawing(lineage, comparison, steps_only=steps_only).drawn()


class _Drawing:
    def __init__(self, lineage: Lineage, comparison: Comparison | None, *, steps_only: bool) -> None:
        self._lineage = lineage
        self._comparison = comparison
        graph = lineage.graph
        makes = {name for name, _ in graph.writes}
        leaves = [file for file in graph.files.values() if file.maker not in makes and file.path != graph.target]
        total = len(graph.files) + len(graph.steps)
        code = sum(file.role == "code" for file in leaves)
        grouped = set[str]()
        if steps_only or total > _EVERYTHING:
            grouped.add("code")
        if steps_only or total - code > _MOST:
            grouped.add("data")
        self._folded = {file.path for file in leaves if file.role in grouped}
        self._marks = _marks(comparison)

    def drawn(self) -> Drawn:
        graph = self._lineage.graph
        nodes = [self._file(file) for file in graph.files.values() if file.path not in self._folded]
        nodes += [self._step(step) for step in graph.steps]
        edges = [Edge(f"f {path}", f"s {name}") for path, name in graph.reads if path not in self._folded]
        edges += [Edge(f"s {name}", f"f {path}") for name, path in graph.writes]
        for step in graph.steps:
            for node in (*self._counted(step), *self._parameters(step)):
                nodes.append(node)
                edges.append(Edge(node.key, f"s {step.name}", dashed=node.shape == "params"))
        if not graph.files:
            nodes.append(self._artifact(None))
        if (run := self._run()) is not None:
            nodes.append(run)
            edges.append(Edge(run.key, f"f {graph.target or ''}", dashed=True))
        return Drawn(flowchart(nodes, edges), len(nodes), any(node.mark for node in nodes))

    def _file(self, file: File) -> Node:
        if file.role == "artifact":
            return self._artifact(file)
        lines = [file.path]
        if file.role == "metrics":
            lines += self._figures(file.path)
        elif file.origin is not None and file.origin.url != file.path:
            lines.append(f"from {file.origin.url}")
        if file.role != "code" and file.size is not None:
            lines.append(size(file.size))
        shape: Shape = {"code": "code", "metrics": "metrics", "plots": "metrics"}.get(file.role, "data")  # type: ignore[assignment]
        return Node(f"f {file.path}", tuple(lines), shape, self._marks.get(file.path, ""))

    def _artifact(self, file: File | None) -> Node:
        lineage = self._lineage
        amount = lineage.content.size if lineage.content.size is not None else (file.size if file else None)
        lines = [f"{lineage.artifact} {lineage.version or ''}".strip(), lineage.graph.target or "no path"]
        if amount is not None:
            lines.append(size(amount))
        same = self._comparison.same_bytes if self._comparison is not None else None
        return Node(f"f {lineage.graph.target or ''}", tuple(lines), "artifact", "changed" if same is False else "")

    def _step(self, step: Step) -> Node:
        deltas = self._comparison.steps if self._comparison is not None else ()
        mark: Mark = next((_MARKS[delta.how] for delta in deltas if delta.name == step.name), "")
        stale = any(one.step == step.name for one in self._lineage.stale)
        return Node(f"s {step.name}", (step.name, *(("not run again",) if stale else ())), "step", mark)

    def _counted(self, step: Step) -> Iterable[Node]:
        """The files that are not shown one by one."""
        read = [self._lineage.graph.files[path] for path, name in self._lineage.graph.reads if name == step.name]
        for role, words in (("code", "file of code"), ("data", "data set")):
            files = [file for file in read if file.path in self._folded and file.role == role]
            if files:
                changed = any(self._marks.get(file.path) for file in files)
                many = f"{words.replace('file', 'files', 1)}" if role == "code" else "data sets"
                lines = (count(len(files), words, many), files[0].path + (" …" if len(files) > 1 else ""))
                shape: Shape = "code" if role == "code" else "data"
                yield Node(f"{role} {step.name}", lines, shape, "changed" if changed else "")

    def _parameters(self, step: Step) -> Iterable[Node]:
        """What a step ran with: what changed, else a few."""
        rows = [(file, name, what) for file, values in step.params.items() for name, what in values.items()]
        if not rows:
            return
        deltas = {(p.file, p.name): p for p in self._comparison.parameters} if self._comparison is not None else {}
        rows.sort(key=lambda row: (row[0], row[1]) not in deltas)
        lines = []
        for file, name, what in rows[:_PARAMETERS]:
            delta = deltas.get((file, name))
            changed = delta is not None and delta.how == "changed"
            before = f" (was {value(delta.before, what)})" if delta is not None and changed else ""
            lines.append(f"{name} = {value(what, delta.before if delta is not None and changed else None)}{before}")
        if len(rows) > _PARAMETERS:
            lines.append(f"and {len(rows) - _PARAMETERS} more")
        other = any((file, name) in deltas for file, name, _ in rows)
        yield Node(f"p {step.name}", tuple(lines), "params", "changed" if other else "")

    def _figures(self, file: str) -> list[str]:
        """A metrics file's first figures, with what they are more by."""
        metrics = self._comparison.metrics if self._comparison is not None else ()
        deltas = {(m.name, m.file): m.delta for m in metrics}
        figures = [figure for figure in self._lineage.metrics if figure.file == file]
        lines = []
        for figure in figures[:_FIGURES]:
            delta = deltas.get((figure.name, figure.file))
            more = f" ({difference(delta)})" if delta else ""
            lines.append(f"{figure.name} {value(figure.value)}{more}")
        return lines + ([f"and {len(figures) - _FIGURES} more"] if len(figures) > _FIGURES else [])

    def _run(self) -> Node | None:
        entry = self._lineage.entry
        if entry is None or entry.mlflow is None:
            return None
        checked = self._lineage.run
        name = checked.run.name if checked is not None and checked.run is not None else ""
        return Node("run", ("MLflow run", name or entry.mlflow.run_id or entry.mlflow.words), "run")


def _marks(comparison: Comparison | None) -> dict[str, Mark]:
    """What differs, by path; a folder of code is changed where a file of it is."""
    marks: dict[str, Mark] = {}
    if comparison is None:
        return marks
    for delta in comparison.files:
        marks[delta.path] = _MARKS[delta.how]
        folder = delta.path
        while delta.role == "code" and (folder := folder.rpartition("/")[0]):
            marks.setdefault(folder, "changed")
    return marks
