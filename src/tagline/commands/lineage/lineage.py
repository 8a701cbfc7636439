"""``tagline lineage``: what is behind a model, against what the stages hold today."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from tagline.commands.ledger.check_ref import artifact_of
from tagline.commands.ledger.reading import Source, present, read
from tagline.commands.lineage.metrics import figures_at
from tagline.commands.lineage.reading import LineageSource, Subject, read_lineage
from tagline.domain.changes.policy import NO_POLICY, Policy
from tagline.domain.ledger.answers import Answer, find, of_tag, previous_version
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.targets import Target
from tagline.domain.lineage.comparison import Against, Directions, Point, Traced, compare, directions_of
from tagline.domain.lineage.lineage import Lineage, passages_of
from tagline.errors import TaglineError
from tagline.formats.policy import own_policy

#: Versions of a history, the newest of them; each costs a look at its commit.
_MOST_POINTS = 12


#: Holders that one artifact is compared with.
_MOST_HOLDERS = 6


#: Gives the policy file of the default branch; None where there is none.
ReadPolicy = Callable[[], bytes | None]


def trace_target(
    source: Source,
    lineage_source: LineageSource,
    policy: ReadPolicy,
    target: Target | str,
    now: int,
    as_of: int | None = None,
    *,
    beside: Against | None = None,
) -> tuple[Traced, list[Warn]]:
    """A target's lineage (or of what a tag named), compared with what held the stage before and what stages hold.

    ``as_of`` (unix seconds) asks the ledger of that instant. ``beside``: compared with that alone, without a history.
    Raises NotFound, IncompleteClone.
    """
    name = artifact_of(target) or "" if isinstance(target, str) else target.artifact
    view = read(source, [name], details=True)
    with view.or_incomplete():
        state = present(view, name, as_of, deprecated=True)
        answer = of_tag(state, target) if isinstance(target, str) else find(state, target)
    warnings = view.warnings(state, now if as_of is None else None)
    if beside is None:
        others, points = (
            rivals_of(state, answer.commit, first=_before(state, answer)),
            held_points(state, answer.commit),
        )
        lineage_source.repository.prepare([answer.commit, *(other.commit for other in others)])
    else:
        # It may be gone by now, which is a gap of the comparison alone.
        others, points = [beside], []
        lineage_source.repository.prepare([answer.commit])
    subject = Subject(answer.artifact, answer.commit, answer.version, answer.tag)
    lineage = read_lineage(lineage_source, subject)
    if answer.version is not None:
        passages = passages_of(state.events, view.raw, answer.version, lineage.commit.id)
        told = lineage.content.sha256 or next((one.sha256 for one in passages if one.sha256), None)
        lineage = replace(lineage, passages=passages, content=replace(lineage.content, sha256=told))
    directions = directions_of(policy_of(policy), name)
    traced = trace(lineage_source, lineage, others, points, state, directions)
    return replace(traced, asked=(answer.stage,) if answer.stage else ()), [*warnings, *lineage.warnings]


def policy_of(policy: ReadPolicy) -> Policy:
    """The default branch's policy, to know which way metrics are better; one that cannot be read says nothing."""
    try:
        data = policy()
    except TaglineError:
        return NO_POLICY
    return NO_POLICY if data is None else own_policy(data)


def _before(state: ArtifactState, answer: Answer) -> Against | None:
    """What a stage held before, or which version came before."""
    previous = previous_version(state, answer)
    row = state.version(previous) if previous else None
    return None if row is None else Against((), row.version, row.commit, None)


def rivals_of(
    state: ArtifactState, commit: str, asked: Sequence[str] = (), first: Against | None = None
) -> list[Against]:
    """What to compare with: the stages' holders, those of the stages that are asked for first.

    Stages with one holder count once. Where no stage holds anything else, the latest version.
    """
    stages = sorted(state.stages, key=lambda stage: (stage not in asked, -state.stages[stage].since))
    by_commit: dict[str, Against] = {first.commit: first} if first is not None else {}
    for stage in stages:
        hold = state.stages[stage]
        known = by_commit.get(hold.commit, Against((), hold.version, hold.commit, None))
        by_commit[hold.commit] = known._replace(stages=(*known.stages, stage))
    by_commit.pop(commit, None)
    if not by_commit:
        earlier = (row for row in state.versions if row.active and row.commit != commit)
        row = next(earlier, None) if commit not in {hold.commit for hold in state.stages.values()} else None
        return [Against((), row.version, row.commit, None)] if row is not None else []
    return list(by_commit.values())[:_MOST_HOLDERS]


def held_points(state: ArtifactState, commit: str) -> list[Subject]:
    """The versions of a history, oldest first; the proposed commit is not among them."""
    rows = [row for row in state.versions if row.active and row.commit != commit]
    newest = sorted(rows, key=lambda row: row.registered_at)[-_MOST_POINTS:]
    return [Subject(state.name, row.commit, row.version) for row in newest]


def trace(
    lineage_source: LineageSource,
    lineage: Lineage,
    others: Iterable[Against],
    points: Sequence[Subject],
    state: ArtifactState,
    directions: Directions,
    *,
    ask_mlflow: bool = True,
) -> Traced:
    """A lineage beside those of its rivals, and the metrics of its history; a rival that cannot be read says why.

    ``ask_mlflow`` False: MLflow is asked of no rival's run.
    """
    against = []
    # The run of the first, which is what differences are told of, is asked where this one's was.
    ask = ask_mlflow and lineage.run is not None and lineage.run.run is not None
    for other in others:
        subject = Subject(lineage.artifact, other.commit, other.version)
        try:
            theirs = read_lineage(lineage_source, subject, ask_mlflow=ask)
        except TaglineError as error:
            against.append(other._replace(why=error.message))
            continue
        ask = False
        against.append(other._replace(comparison=compare(theirs, lineage, directions)))
    return Traced(lineage.artifact, lineage, tuple(against), history=_history(lineage_source, lineage, points, state))


def _history(
    lineage_source: LineageSource, lineage: Lineage, subjects: Sequence[Subject], state: ArtifactState
) -> tuple[Point, ...]:
    """The metrics of earlier versions, from the files that have them today, and at the end this one's."""
    if not lineage.metrics or not subjects:
        return ()
    files = sorted({figure.file for figure in lineage.metrics if figure.file})
    inline = any(figure.file is None for figure in lineage.metrics)
    try:
        lineage_source.repository.prepare([subject.commit for subject in subjects])
        trees = [lineage_source.repository.tree(subject.commit) for subject in subjects]
        figures = [figures_at(tree, lineage.artifact, files, inline=inline) for tree in trees]
    except TaglineError:
        return ()
    times = {row.version: row.registered_at for row in state.versions}
    points = [
        Point(subject.version or "", times.get(subject.version or ""), tuple(found))
        for subject, found in zip(subjects, figures, strict=True)
    ]
    own = Point(lineage.label, times.get(lineage.version or ""), lineage.metrics)
    # A version that is not the newest (a rollback) stands in its place.
    at = own.registered_at
    place = next((i for i, p in enumerate(points) if at is not None and (p.registered_at or 0) > at), len(points))
    return (*points[:place], own, *points[place:])
