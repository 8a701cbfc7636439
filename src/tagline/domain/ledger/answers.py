"""Questions to the folded registry: which version does this target name, and by which tag."""

from __future__ import annotations

from typing import NamedTuple

from tagline.domain.ledger.events import Event, Warn
from tagline.domain.ledger.registry import ArtifactState, Hold, VersionState
from tagline.domain.ledger.tags import EventKind
from tagline.domain.ledger.targets import LATEST, Target
from tagline.domain.text.similar import suggestion
from tagline.domain.text.times import format_time
from tagline.errors import NotFound, Refused

#: Clocks may differ by this much before a future-dated tag is worth a warning, in seconds.
CLOCK_TOLERANCE = 5 * 60
#: A tag dated this far ahead stops all writing for its artifact, in seconds.
FUTURE_LIMIT = 24 * 3600


class Answer(NamedTuple):
    """What a target names. ``tag`` is the tag that decides it, ``commit`` that tag's commit."""

    artifact: str
    version: str | None
    commit: str
    tag: str
    stage: str | None
    stages: list[str]
    registered_at: int | None
    active: bool


def require_artifact(state: ArtifactState | None, name: str, *, deprecated: bool) -> ArtifactState:
    """The artifact's state, or :class:`NotFound` when it has no event or is deprecated and hidden."""
    if state is None or not state.events:
        raise unknown_artifact(name)
    if state.deprecated and not deprecated:
        last = state.events[-1]
        raise NotFound(
            f"{name} is deprecated since {format_time(last.time)} (tag {last.tag}).",
            f"Look at it: tagline show {name} --all. Registering a version or assigning a stage brings it back.",
            code="deprecated",
        )
    return state


def unknown_artifact(name: str) -> NotFound:
    """The error for an artifact without any registry tag; the caller may know similar names."""
    return NotFound(
        f"No registry tag names an artifact {name!r}.",
        "See what there is with: tagline show. A first version comes with the merge of a change that has the label "
        f"version:minor; by hand: tagline register {name}",
        code="unknown-artifact",
    )


def find(state: ArtifactState, target: Target) -> Answer:
    """Answer a target against its artifact's state.

    A bare name means its latest version. Raises :class:`NotFound` with the nearest name.
    """
    if target.stage is not None:
        hold = require_holder(state, target.stage)
        return _at_commit(state, hold.version, hold.commit, hold.tag, target.stage, without_version=[target.stage])
    if target.version is None or target.version == LATEST:
        latest = state.latest
        if latest is None:
            raise NotFound(
                f"{state.name} has no active version.",
                f"Register one: tagline register {state.name}",
                code="no-version",
            )
        return _of_version(state, latest)
    return _of_version(state, require_version(state, target.version))


def find_at(state: ArtifactState, commit: str) -> Answer:
    """The version that is registered at a commit, an active one first, or :class:`NotFound`."""
    version = versions_by_commit(state).get(commit)
    if version is None:
        raise NotFound(
            f"No version of {state.name} is registered at commit {commit[:7]}.",
            f"See its versions with: tagline show {state.name}. Register this one with: "
            f"tagline register {state.name} --rev {commit[:7]}",
            code="no-version-here",
        )
    return _of_version(state, require_version(state, version))


def require_version(state: ArtifactState, version: str) -> VersionState:
    """A registered version, active or not, or :class:`NotFound`."""
    found = state.version(version)
    if found is not None:
        return found
    known = [row.version for row in state.versions]
    hint = suggestion(version, known).strip() or f"See its versions with: tagline show {state.name}"
    raise NotFound(f"{state.name} has no version {version}.", hint, code="unknown-version")


def require_holder(state: ArtifactState, stage: str) -> Hold:
    """The current holder of a stage, or :class:`NotFound`."""
    hold = state.stages.get(stage)
    if hold is not None:
        return hold
    if stage in state.holds:
        raise NotFound(
            f"Nobody holds {state.name}#{stage} now.",
            f"Assign it: tagline assign {state.name}#{stage} --version V. What happened: tagline history {state.name}",
            code="empty-stage",
        )
    known = ", ".join(sorted(state.stages))
    held = f"Stages that are held: {known}." if known else f"Assign it: tagline assign {state.name}#{stage} --version V"
    raise NotFound(
        f"{state.name} was never assigned a stage {stage!r}.",
        f"{held}{suggestion(stage, state.holds)}",
        code="unknown-stage",
    )


def _of_version(state: ArtifactState, row: VersionState) -> Answer:
    return Answer(state.name, row.version, row.commit, row.tag, None, list(row.stages), row.registered_at, row.active)


def _at_commit(
    state: ArtifactState, version: str | None, commit: str, tag: str, stage: str | None, *, without_version: list[str]
) -> Answer:
    """The answer of one tag on one commit; ``without_version`` are the stages where nothing is registered."""
    row = state.version(version) if version else None
    return Answer(
        artifact=state.name,
        version=version,
        commit=commit,
        tag=tag,
        stage=stage,
        stages=list(row.stages) if row else without_version,
        registered_at=row.registered_at if row else None,
        active=row.active if row else False,
    )


def of_tag(state: ArtifactState, tag: str) -> Answer:
    """What one tag named when it was made: its commit, its stage, the version registered there.

    Raises :class:`NotFound` when it is no event, :class:`Refused` when it took something away.
    """
    event = next((event for event in state.events if event.tag == tag), None)
    if event is None:
        raise NotFound(f"There is no tag {tag!r} here.", f"See: tagline history {state.name}", code="unknown-tag")
    if event.kind not in (EventKind.REGISTRATION, EventKind.ASSIGNMENT):
        raise Refused(
            f"{tag} is a {event.kind}: it names nothing to resolve.",
            f"Name a target, such as {state.name}#prod; start deployments by tags without '!'.",
            code="nothing-to-resolve",
        )
    version = event.version if event.stage is None else versions_by_commit(state).get(event.commit)
    return _at_commit(state, version, event.commit, event.tag, event.stage, without_version=[])


def previous_version(state: ArtifactState, answer: Answer) -> str | None:
    """What the answer took the place of.

    For a stage: the version that held it before this hold. For a version: the next lower active one.
    """
    if answer.stage is not None:
        holds = state.holds.get(answer.stage, [])
        place = next((i for i, hold in enumerate(holds) if answer.tag in (hold.tag, hold.opened_by)), len(holds))
        earlier = (hold.version for hold in reversed(holds[:place]))
        return next((version for version in earlier if version != answer.version), None)
    rows = iter(state.versions)
    for row in rows:
        if row.version == answer.version:
            break
    return next((row.version for row in rows if row.active), None)


def decides(state: ArtifactState, event: Event) -> bool:
    """Whether a tag still decides something: its stage's holder, or an active version."""
    match event.kind:
        case EventKind.ASSIGNMENT:
            hold = state.stages.get(event.stage or "")
            return hold is not None and hold.tag == event.tag
        case EventKind.REGISTRATION:
            row = state.version(event.version or "")
            return row is not None and row.active and row.tag == event.tag
        case EventKind.UNASSIGNMENT:
            hold = state.stages.get(event.stage or "")
            if hold is not None:
                return hold.opened_by == event.tag
            newest = next((e for e in reversed(state.events) if e.stage == event.stage), None)
            return newest is not None and newest.tag == event.tag
        case _:
            return False


def versions_by_commit(state: ArtifactState) -> dict[str, str]:
    """Commit to the version that is registered there: the highest active one, else the highest."""
    rank = {row.version: (not row.active, place) for place, row in enumerate(state.versions)}
    found: dict[str, str] = {}
    for event in state.events:
        if event.kind is EventKind.REGISTRATION and event.version is not None:
            there = found.get(event.commit, event.version)
            found[event.commit] = min(there, event.version, key=rank.__getitem__)
    return found


def future_warnings(state: ArtifactState, now: int) -> list[Warn]:
    """A warning for each event dated more than five minutes ahead of ``now``."""
    return [
        Warn(
            "future-dated",
            event.tag,
            f"{event.tag} is dated {format_time(event.time)}, which is still to come.",
        )
        for event in state.events
        if event.time > now + CLOCK_TOLERANCE
    ]


def refuse_future(state: ArtifactState, now: int) -> None:
    """Raise :class:`Refused` when the newest event lies more than a day ahead: nothing can follow it."""
    if state.newest > now + FUTURE_LIMIT:
        event = state.events[-1]
        raise Refused(
            f"{event.tag} is dated {format_time(event.time)}, more than a day ahead; "
            f"nothing is written for {state.name} until that is resolved.",
            f"Check the clock of the machine that made it, then delete the tag on the remote: "
            f"git push origin :refs/tags/{event.tag}",
            code="future-dated",
        )
