"""``tagline diff``: what changed between two versions, or in a stage between two instants."""

from __future__ import annotations

from collections.abc import Sequence

from tagline.commands.ledger.reading import Source, View, present, read
from tagline.commands.lineage.lineage import ReadPolicy, policy_of
from tagline.commands.lineage.reading import LineageSource, Subject, read_lineage
from tagline.domain.ledger.answers import find, require_holder, versions_by_commit
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.targets import Target
from tagline.domain.lineage.comparison import Between, End, compare, directions_of
from tagline.domain.lineage.lineage import Passage, passage
from tagline.errors import NotFound, WrongUsage


def diff(
    source: Source,
    lineage_source: LineageSource,
    policy: ReadPolicy,
    targets: Sequence[Target],
    now: int,
    *,
    start: int | None = None,
    end: int | None = None,
) -> Between:
    """Compare two targets, or one at two instants (unix seconds; ``end`` None: now).

    A stage that nobody held at an instant is nothing, and no error. Raises NotFound for what never was, WrongUsage
    where the question has no two ends.
    """
    before, after = _ends(targets, start)
    view = read(source, [before.artifact], details=True)
    with view.or_incomplete():
        state = present(view, before.artifact, None, deprecated=True)
        if before.stage is not None and before.stage not in state.holds:
            require_holder(state, before.stage)
        first = _end(view, before, start if start is not None else (end if end is not None else now), now)
        last = _end(view, after, end if end is not None else now, now)
    lineage_source.repository.prepare([one.commit for one in (first, last) if one.commit is not None])
    first, last = (_read(lineage_source, before.artifact, one) for one in (first, last))
    comparison = None
    if first.lineage is not None and last.lineage is not None:
        directions = directions_of(policy_of(policy), before.artifact)
        comparison = compare(first.lineage, last.lineage, directions)
    gaps = [warn for one in (first, last) if one.lineage is not None for warn in one.lineage.warnings]
    return Between(
        before.artifact, first, last, comparison, _passages(view, state, before, after, first.at, last.at),
        (*view.warnings(state, now if end is None else None), *gaps),
    )  # fmt: skip


def _ends(targets: Sequence[Target], start: int | None) -> tuple[Target, Target]:
    if len(targets) == 2:
        if targets[0].artifact != targets[1].artifact:
            raise WrongUsage(
                f"{targets[0].artifact} and {targets[1].artifact} are two artifacts.", "Compare versions of one."
            )
        return targets[0], targets[1]
    if start is None:
        raise WrongUsage(
            f"{targets[0]} alone has nothing to be compared with.",
            f"Name two targets (tagline diff {targets[0].artifact}@v1.0.0 {targets[0].artifact}@v1.1.0), or two "
            f"instants (tagline diff {targets[0]} --from 2026-03-01T00:00:00Z).",
            code="no-second-end",
        )
    return targets[0], targets[0]


def _end(view: View, target: Target, at: int, now: int) -> End:
    """What a target was at an instant; of now, also what is dated a little ahead."""
    state = view.state(target.artifact, None if at >= now else at)
    if state is None or not state.events:
        return End(str(target), at)
    if target.stage is not None:
        hold = state.stages.get(target.stage)
        if hold is None:
            return End(str(target), at)
        return End(str(target), at, hold.version, hold.commit, hold.tag, hold.since)
    try:
        answer = find(state, target)
    except NotFound:
        if at >= now:
            raise
        return End(str(target), at)
    return End(str(target), at, answer.version, answer.commit, answer.tag, answer.registered_at)


def _read(lineage_source: LineageSource, artifact: str, end: End) -> End:
    if end.commit is None:
        return end
    lineage = read_lineage(lineage_source, Subject(artifact, end.commit, end.version, end.tag))
    return End(end.target, end.at, end.version, end.commit, end.tag, end.since, lineage)


def _passages(
    view: View, state: ArtifactState, before: Target, after: Target, start: int, end: int
) -> tuple[Passage, ...]:
    """The events after the first instant up to the second; of a stage, those that moved it or named its versions."""
    versions = versions_by_commit(state)
    found = []
    for event in state.events:
        if not start < event.time <= end or event.tag not in view.raw:
            continue
        if before.stage is not None and before.stage == after.stage and event.stage not in (None, before.stage):
            continue
        version = event.version or versions.get(event.commit)
        found.append(passage(event, view.raw[event.tag])._replace(version=version))
    return tuple(found)
