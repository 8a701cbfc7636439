"""What is behind the artifacts of a change, against what the stages hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tagline.commands.changes.context import ChangeContext
from tagline.commands.changes.deciding import MOST_PICTURED, Entries, decide, entries_beside
from tagline.commands.changes.mlflow_rule import RULE as MLFLOW_RULE
from tagline.commands.changes.reproduced_rule import not_reproduced
from tagline.commands.changes.request import ChangeRequest, any_request
from tagline.commands.lineage.lineage import held_points, rivals_of, trace
from tagline.commands.lineage.reading import LineageSource, Subject, read_lineage
from tagline.domain.changes.asks import Action
from tagline.domain.changes.changes import Change
from tagline.domain.changes.promotion import Decided
from tagline.domain.changes.steps import Step
from tagline.domain.changes.written import is_written_by
from tagline.domain.ledger.events import RawTag, Warn
from tagline.domain.ledger.registry import ArtifactState, fold
from tagline.domain.ledger.rollback import rollback_target, rollbacks_among
from tagline.domain.lineage.comparison import Against, Traced, directions_of
from tagline.domain.lineage.lineage import Passage, passages_of
from tagline.errors import TaglineError


def trace_of_change(context: ChangeContext, number: int) -> tuple[Change, tuple[Traced, ...]]:
    """A change by its number, whether it asks for something or not. Nothing is written.

    Raises NotFound, Refused where nobody can tell how it landed.
    """
    change = context.forge.change(number)
    request = any_request(context, change)
    decided, entries = decide(request)
    return change, trace_change(request, decided, entries, touched=True, ask_mlflow=True)


def picture(
    request: ChangeRequest, decided: Decided, entries: Entries, *, touched: bool
) -> tuple[tuple[Traced, ...], list[Warn]]:
    """What :func:`trace_change` tells, for the comment of a change; where it fails, a warning instead.

    Whether something is promoted never hangs on a picture of it, not even on a bug in the drawing.
    """
    try:
        traced = trace_change(request, decided, entries, touched=touched)
        return traced, not_reproduced(request, traced, (step.intent.artifact for step in decided.steps))
    except Exception as error:
        bug = f"a bug of ours ({type(error).__name__}: {error}) Please report it."
        why = error.message if isinstance(error, TaglineError) else bug
        return (), [Warn("lineage-failed", None, f"What is behind the artifacts could not be read: {why}")]


def trace_change(
    request: ChangeRequest, decided: Decided, entries: Entries, *, touched: bool, ask_mlflow: bool = False
) -> tuple[Traced, ...]:
    """The lineage of every version that a change is about, and of what it touches, against what the stages held before.

    What is ``touched`` and not asked for costs a reading of its tags each, and is no part of a record of what was done.
    ``entries`` are the artifacts' tags; those that this very change made count as not there yet. Without
    ``ask_mlflow`` only what the rule has asked is told of MLflow, and in no record the run of what is compared with:
    nothing may come between tags and their record.
    """
    lineage_source = request.context.lineage_source
    wanted: dict[str, list[Step]] = {name: [] for name in (request.touches.touched if touched else ())}
    for step in decided.steps:
        if step.intent.action not in (Action.UNASSIGN, Action.DEPRECATE, Action.LIFT):
            wanted.setdefault(step.intent.artifact, []).append(step)
    # What was asked for comes first; what is touched besides, as far as there is room.
    names = sorted(wanted, key=lambda name: not wanted[name])
    shown = names[:MOST_PICTURED]
    known = {**entries, **entries_beside(request, [name for name in shown if name not in entries])}
    asked = [one for name in shown for one in _asked(request, name, wanted[name], known)]
    lineage_source.repository.prepare(list(dict.fromkeys(commit for one in asked for commit in one.commits)))
    _take_over(request, lineage_source, asked)
    traced = [_of_change(request, one, lineage_source, ask_mlflow=ask_mlflow, ask_rivals=touched) for one in asked]
    return (*traced, *(Traced(name, why="not looked at: too many artifacts") for name in names[MOST_PICTURED:]))


@dataclass(frozen=True)
class _Asked:
    """A version of a change before anything behind it was read. ``state`` is the ledger before the change."""

    subject: Subject
    stages: tuple[str, ...]
    rivals: list[Against]
    points: list[Subject]
    state: ArtifactState
    passages: tuple[Passage, ...]

    @property
    def commits(self) -> list[str]:
        """Those that are read whole; of the versions of a history only the metrics are, if there are any."""
        return [self.subject.commit, *(other.commit for other in self.rivals)]


def _asked(request: ChangeRequest, name: str, steps: Sequence[Step], entries: Entries) -> list[_Asked]:
    """Each version that the steps are about, with the stages that it gets; the change's own files where none is."""
    now, raw = entries[name].state, entries[name].raw
    before = _before_change(now, raw, request.change)
    stages: dict[Subject, dict[str, None]] = {}
    for step in steps:
        subject = _proposed(request, name, step, now, before, raw)
        given = stages.setdefault(subject, {})
        if step.intent.stage and _counts(step, request.change):
            given[step.intent.stage] = None
    if name in request.touches.touched and not any(subject.commit == request.commit for subject in stages):
        stages[Subject(name, request.commit)] = {}
    named = {subject.commit for subject in stages if subject.version is not None}
    found = []
    for subject, given in stages.items():
        if subject.version is None and subject.commit in named:
            continue  # a refused step of a version that another one makes
        passages = passages_of(now.events, raw, subject.version, subject.commit) if subject.version else ()
        rivals, points = rivals_of(before, subject.commit, tuple(given)), held_points(before, subject.commit)
        found.append(_Asked(subject, tuple(given), rivals, points, before, passages))
    return found


def _before_change(state: ArtifactState, raw: Mapping[str, RawTag], change: Change) -> ArtifactState:
    """The ledger without what this change wrote, and what came after it."""
    own = [e.time for e in state.events if e.tag in raw and is_written_by(raw[e.tag].message, change)]
    return fold(state.name, [e for e in state.events if e.time < min(own)]) if own else state


def _counts(step: Step, change: Change) -> bool:
    """Whether a step is done, or will be as far as anybody can tell."""
    if change.open:
        return step.state != "refused"
    return step.done or any(row.created for row in step.rows) or (step.state == "ok" and bool(step.rows))


def _proposed(
    request: ChangeRequest, name: str, step: Step, now: ArtifactState, before: ArtifactState, raw: Mapping[str, RawTag]
) -> Subject:
    """The version that a step is about: one of the ledger, or the one that the change registers if it does."""
    version = step.version
    if step.intent.action is Action.ROLLBACK and version is None:
        version = rollback_target(before, step.intent.stage or "", rollbacks_among(raw))
    row = now.version(version) if version else None
    if row is not None:
        return Subject(name, row.commit, row.version, row.tag)
    return Subject(name, request.commit, version if _counts(step, request.change) else None)


def _take_over(request: ChangeRequest, lineage_source: LineageSource, asked: Iterable[_Asked]) -> None:
    """What the rule of MLflow has asked in this run is not asked again."""
    for one in asked:
        key = (one.subject.artifact, one.subject.commit)
        if (MLFLOW_RULE, " ".join(key)) in request.answers:
            lineage_source.runs[key] = request.answers[MLFLOW_RULE, " ".join(key)]


def _of_change(
    request: ChangeRequest, asked: _Asked, lineage_source: LineageSource, *, ask_mlflow: bool, ask_rivals: bool
) -> Traced:
    name = asked.subject.artifact
    try:
        lineage = read_lineage(lineage_source, asked.subject, ask_mlflow=ask_mlflow)
    except TaglineError as error:
        return Traced(name, asked=asked.stages, why=error.message)
    lineage = replace(lineage, passages=asked.passages)
    directions = directions_of(request.policy, name)
    traced = trace(lineage_source, lineage, asked.rivals, asked.points, asked.state, directions, ask_mlflow=ask_rivals)
    return replace(traced, asked=asked.stages)
