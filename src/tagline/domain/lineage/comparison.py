"""Two lineages of one artifact side by side: what is better, what is worse, and what was done for it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tagline.domain.changes.policy import Policy
from tagline.domain.ledger.events import Warn
from tagline.domain.lineage.graph import MOST_IN_FOLDER, File, Role
from tagline.domain.lineage.lineage import (
    RUN_FILE,
    Figure,
    Lineage,
    Parameter,
    Passage,
    Value,
    run_parameters,
    same,
)
from tagline.domain.lineage.metric_names import known_direction
from tagline.domain.lineage.pipelines import Step

Judgement = Literal["better", "worse", "same"] | None
How = Literal["added", "removed", "changed"]
#: What can be left uncompared: neither side tells of it, or one side could not be asked.
Kind = Literal["bytes", "metrics", "steps", "parameters", "data", "code", "mlflow-parameters"]
#: What is behind an artifact, beside its bytes and its metrics.
BEHIND: tuple[Kind, ...] = ("steps", "parameters", "data", "code")


class MetricDelta(NamedTuple):
    """A metric before and after; None where it is not there. ``delta`` is after less before, of numbers."""

    name: str
    file: str | None
    before: Value | None
    after: Value | None
    delta: float | None = None
    judgement: Judgement = None


class ParameterDelta(NamedTuple):
    """A parameter that is not the same before and after."""

    name: str
    file: str
    how: How
    before: Value | None
    after: Value | None


class FileDelta(NamedTuple):
    """A file behind the artifact that is not the same before and after."""

    path: str
    role: Role
    how: How
    before: File | None
    after: File | None


class StepDelta(NamedTuple):
    """A step that came, went, or runs another command."""

    name: str
    how: How
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Comparison:
    """What lies between two lineages. ``metrics`` are all of both, the rest only what differs.

    ``same_bytes``: whether the artifact is byte for byte the same; None where nobody can tell.
    """

    before: Lineage
    after: Lineage
    metrics: tuple[MetricDelta, ...] = ()
    parameters: tuple[ParameterDelta, ...] = ()
    files: tuple[FileDelta, ...] = ()
    steps: tuple[StepDelta, ...] = ()
    same_bytes: bool | None = None
    #: Why only metrics and bytes are compared; empty where everything is.
    partial: str = ""
    #: What is not compared, though nothing failed: there is nothing to compare on either side, or nobody was asked.
    not_compared: tuple[Kind, ...] = ()

    def of(self, *roles: Role) -> list[FileDelta]:
        """The files of some roles."""
        return [delta for delta in self.files if delta.role in roles]


#: A metric's name to whether higher is better; what it does not have is told by well-known names.
Directions = Mapping[str, bool]


def directions_of(policy: Policy, artifact: str) -> dict[str, bool]:
    """What the gates of an artifact's stages say about its metrics: whether higher is better."""
    found: dict[str, bool] = {}
    for stage in policy.stages(artifact):
        rules = policy.rules(artifact, stage)
        for gate in rules.gates if rules is not None else ():
            only_max = gate.max is not None and gate.min is None and gate.not_worse_than is None
            found.setdefault(gate.metric, gate.higher_is_better and not only_max)
    return found


def higher_is_better(name: str, directions: Directions) -> bool | None:
    """Which way a metric is better: by a gate, else by a well-known name; None where neither tells."""
    return directions[name] if name in directions else known_direction(name)


def compare(before: Lineage, after: Lineage, directions: Directions) -> Comparison:
    """What lies between two lineages of one artifact.

    Where one of them is partial, what is behind them is not compared: what could not be read would seem to be gone.
    """
    metrics = tuple(_metrics(before.metrics, after.metrics, directions))
    same_bytes = _same_bytes(before, after)
    missing: list[Kind] = ["bytes"] if same_bytes is None else []
    missing += [] if metrics else ["metrics"]
    if why := before.partial or after.partial:
        return Comparison(before, after, metrics, same_bytes=same_bytes, partial=why, not_compared=(*missing, *BEHIND))
    parameters, runs_are_compared = _all_parameters(before, after)
    files = [_all_files(one) for one in (before, after)]
    missing += _not_there(before, after, files, any(parameters))
    return Comparison(
        before,
        after,
        metrics,
        parameters=tuple(_parameters(*parameters)),
        files=tuple(_files(*files)),
        steps=tuple(_steps(before.graph.steps, after.graph.steps)),
        same_bytes=same_bytes,
        not_compared=(*missing, *(() if runs_are_compared else ("mlflow-parameters",))),
    )


def _not_there(before: Lineage, after: Lineage, files: Iterable[Mapping[str, File]], parameters: bool) -> list[Kind]:
    """What neither side tells of. A pipeline on either tells of all: what it does not name, there is not."""
    if before.graph.steps or after.graph.steps:
        return []
    there = {file.role for found in files for file in found.values()} | ({"parameters"} if parameters else set())
    return [kind for kind in BEHIND if kind not in there]


def _all_parameters(before: Lineage, after: Lineage) -> tuple[tuple[list[Parameter], list[Parameter]], bool]:
    """The parameters of both sides, and whether those of their MLflow runs are among them.

    Where those of one run were read and those of the other were not, all would seem to be new: neither counts.
    """
    one, other = ([p for p in lineage.parameters if p.file != RUN_FILE] for lineage in (before, after))
    runs = [run_parameters(lineage) for lineage in (before, after)]
    if _run_id(before) is not None and _run_id(before) == _run_id(after):
        return (one, other), True
    if runs[0] is None or runs[1] is None:
        return (one, other), False
    return ([*one, *runs[0]], [*other, *runs[1]]), True


def _run_id(lineage: Lineage) -> str | None:
    named = lineage.entry.mlflow if lineage.entry is not None else None
    return (named.run_id or None) if named is not None else None


def _same_bytes(before: Lineage, after: Lineage) -> bool | None:
    one, other = before.content.digest, after.content.digest
    if one is None or other is None or one.partition(":")[0] != other.partition(":")[0]:
        return None
    return one == other


def _metrics(before: Sequence[Figure], after: Sequence[Figure], directions: Directions) -> Iterable[MetricDelta]:
    old, new = ({(f.name, f.file): f for f in figures} for figures in (before, after))
    # A metric that moved from one file to another is still the same one.
    moved = {figure.name: figure for figure in before if (figure.name, figure.file) not in new}
    taken: set[str] = set()
    counts = [Counter(figure.name for figure in figures) for figures in (before, after)]
    for key, figure in new.items():
        was = old.get(key)
        if was is None and figure.name in moved and all(count[figure.name] == 1 for count in counts):
            was = moved[figure.name]
            taken.add(figure.name)
        yield _delta(was, figure, directions)
    for key, figure in old.items():
        if key not in new and figure.name not in taken:
            yield _delta(figure, None, directions)


def _delta(before: Figure | None, after: Figure | None, directions: Directions) -> MetricDelta:
    figure = after or before
    assert figure is not None  # noqa: S101 - one of them is there
    values = (before.value if before else None, after.value if after else None)
    one, other = (before.number if before else None), (after.number if after else None)
    if one is None or other is None:
        return MetricDelta(figure.name, figure.file, *values)
    delta = _difference(*values)
    higher = higher_is_better(figure.name, directions)
    judgement: Judgement = "same" if delta == 0 else None
    if delta and higher is not None:
        judgement = "better" if (delta > 0) == higher else "worse"
    shown = delta if math.isfinite(delta) else None
    return MetricDelta(figure.name, figure.file, *values, delta=shown, judgement=judgement)


def _difference(before: Value, after: Value) -> float:
    """After less before; infinite where floats have no room."""
    # Integers are exact: as floats 2**53 and the next are one.
    try:
        return float(after - before)
    except OverflowError:
        return math.inf if after > before else -math.inf


def _parameters(before: Sequence[Parameter], after: Sequence[Parameter]) -> Iterable[ParameterDelta]:
    old, new = _by_name(before), _by_name(after)
    for file, name in sorted({*old, *new}):
        was, now = old.get((file, name)), new.get((file, name))
        if was is None:
            yield ParameterDelta(name, file, "added", None, _shown(now or []))
        elif now is None:
            yield ParameterDelta(name, file, "removed", _shown(was), None)
        elif len(was) != len(now) or not all(map(same, was, now)):
            yield ParameterDelta(name, file, "changed", _shown(was), _shown(now))


def _by_name(parameters: Sequence[Parameter]) -> dict[tuple[str, str], list[Value]]:
    found: dict[tuple[str, str], list[Value]] = {}
    for parameter in parameters:
        found.setdefault((parameter.file, parameter.name), []).append(parameter.value)
    return found


def _shown(values: list[Value]) -> Value:
    """One value; a list of them where steps ran with different ones."""
    return values[0] if len(values) == 1 else values


def _all_files(lineage: Lineage) -> dict[str, File]:
    """Every file behind, code one by one instead of its folders."""
    graph = lineage.graph
    listed = {file.path for file in graph.code}
    # A folder with more files than are listed stands for the rest.
    folders = {
        f.path
        for f in graph.files.values()
        if f.role == "code" and f.path not in listed and f.pointer is None and (f.files or 0) <= MOST_IN_FOLDER
    }
    files = {path: file for path, file in graph.files.items() if path not in folders and file.role != "artifact"}
    return files | {file.path: file for file in graph.code}


def _files(before: Mapping[str, File], after: Mapping[str, File]) -> Iterable[FileDelta]:
    for path in sorted({*before, *after}):
        was, now = before.get(path), after.get(path)
        role = (now or was).role  # type: ignore[union-attr]
        if was is None:
            yield FileDelta(path, role, "added", None, now)
        elif now is None:
            yield FileDelta(path, role, "removed", was, None)
        elif was.digest != now.digest or was.origin != now.origin:
            yield FileDelta(path, role, "changed", was, now)


def _steps(before: Sequence[Step], after: Sequence[Step]) -> Iterable[StepDelta]:
    old, new = ({step.name: step.command for step in steps} for steps in (before, after))
    for name in [*new, *(name for name in old if name not in new)]:
        was, now = old.get(name), new.get(name)
        if was != now:
            how: How = "added" if was is None else "removed" if now is None else "changed"
            yield StepDelta(name, how, was, now)


class Point(NamedTuple):
    """A version's metrics, for a history over versions. ``registered_at`` is unix seconds."""

    version: str
    registered_at: int | None
    figures: tuple[Figure, ...]


class Against(NamedTuple):
    """What an artifact is compared with: the stages that hold it now, its lineage's comparison, or why there is none.

    ``stages`` is empty for the latest version, where no stage holds any.
    """

    stages: tuple[str, ...]
    version: str | None
    commit: str
    comparison: Comparison | None
    why: str = ""

    @property
    def label(self) -> str:
        """``prod v1.2.0``, or without a stage the version alone."""
        what = self.version or self.commit[:7]
        return f"{', '.join(self.stages)} {what}" if self.stages else what


@dataclass(frozen=True)
class Traced:
    """One artifact of a question: its lineage, and what it is compared with, the one that matters most first.

    ``asked`` are the stages that a change asks for; ``history`` are versions, oldest first. ``why`` is set instead of
    a ``lineage`` where there is none to be had.
    """

    artifact: str
    lineage: Lineage | None = None
    against: tuple[Against, ...] = ()
    asked: tuple[str, ...] = ()
    history: tuple[Point, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class End:
    """One end of a question: a target at an instant (unix seconds), and what that was; None where it was nothing.

    ``since`` is when a stage's hold began.
    """

    target: str
    at: int
    version: str | None = None
    commit: str | None = None
    tag: str | None = None
    since: int | None = None
    lineage: Lineage | None = None


@dataclass(frozen=True)
class Between:
    """What changed between two ends, and the events of the artifact in between, oldest first.

    ``comparison`` is None where one end is nothing, or both are the same commit.
    """

    artifact: str
    before: End
    after: End
    comparison: Comparison | None
    passages: tuple[Passage, ...]
    warnings: tuple[Warn, ...] = ()

    @property
    def same(self) -> bool:
        """Whether both ends are one version of one commit."""
        return (self.before.version, self.before.commit) == (self.after.version, self.after.commit)
