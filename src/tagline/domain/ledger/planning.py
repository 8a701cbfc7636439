"""What a command would write: a plan is data, made from the ledger and the clock alone.

Every plan is idempotent: what is done already is a row with ``created`` false and no new tag.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tagline.domain.ledger import messages
from tagline.domain.ledger.answers import (
    refuse_future,
    require_holder,
    require_version,
    unknown_artifact,
    versions_by_commit,
)
from tagline.domain.ledger.events import RawTag, read_events
from tagline.domain.ledger.registry import ArtifactState, Hold, VersionState, fold
from tagline.domain.ledger.tags import (
    EventKind,
    TagName,
    artifact_in_tag,
    format_tag,
    is_artifact,
    is_name,
    parse_tag,
    why_git_refuses,
)
from tagline.domain.ledger.versions import Bump, bumped, first, precedence
from tagline.domain.text.similar import suggestion
from tagline.errors import Conflict, NotFound, Refused, WrongUsage

Trailers = Sequence[tuple[str, str]]


class NewTag(NamedTuple):
    """An annotated tag to be made: its name, the commit, the tagger's time (unix seconds), its message."""

    name: str
    commit: str
    time: int
    message: str


class Row(NamedTuple):
    """One tag of an answer: made now (``created``) or found."""

    tag: str
    commit: str
    artifact: str
    event: EventKind
    version: str | None
    stage: str | None
    created: bool


@dataclass(frozen=True)
class Plan:
    """The rows of the answer, the tags to make for them, and a sentence for people when nothing is made."""

    rows: list[Row]
    new: list[NewTag] = field(default_factory=list)
    note: str = ""


def projected(state: ArtifactState, new: Sequence[NewTag]) -> ArtifactState:
    """The state with the new tags, without reading them back."""
    raw = [RawTag(tag.name, "", "tag", tag.commit, "commit", tag.time, tag.name, message=tag.message) for tag in new]
    events = read_events(raw).events.get(state.name, [])
    return fold(state.name, [*state.events, *events], ignored=state.ignored)


def plan_register(
    state: ArtifactState,
    commit: str,
    now: int,
    *,
    version: str | None = None,
    bump: Bump = "patch",
    trailers: Trailers = (),
) -> Plan:
    """Register a version at a commit: ``version`` if named, else the next by ``bump``.

    Raises :class:`Conflict` when the version is elsewhere, :class:`Refused` when it was
    deregistered or another version is at this commit.
    """
    there = _versions_at(state, commit)
    if version is None:
        active = [row for row in there if row.active]
        if active:
            return _found_registration(state, active[0])
    elif (row := state.version(version)) is not None:
        return _registered_already(state, row, commit)
    if there:
        raise _second_version(state.name, there[0], commit)
    chosen = version or next_version(state, bump)
    return _one(state, now, TagName(state.name, EventKind.REGISTRATION, chosen), commit, chosen, trailers)


def next_version(state: ArtifactState, bump: Bump) -> str:
    """The bump of the latest active version, past every number that was ever used."""
    ignored = (parsed.version for tag in state.ignored if (parsed := parse_tag(tag)))
    used = {version for version in (*(event.version for event in state.events), *ignored) if version}
    taken = {precedence(version) for version in used}
    version = bumped(state.latest.version, bump) if state.latest else first(bump)
    while precedence(version) in taken:
        version = bumped(version, bump)
    return version


def _versions_at(state: ArtifactState, commit: str) -> list[VersionState]:
    """The versions that were ever registered at a commit, highest first."""
    there = {e.version for e in state.events if e.kind is EventKind.REGISTRATION and e.commit == commit}
    return [row for row in state.versions if row.version in there]


def _found_registration(state: ArtifactState, row: VersionState) -> Plan:
    found = Row(row.tag, row.commit, state.name, EventKind.REGISTRATION, row.version, None, created=False)
    return Plan([found], note=f"{state.name} {row.version} is registered at {row.commit[:7]} already.")


def _registered_already(state: ArtifactState, row: VersionState, commit: str) -> Plan:
    if not row.active:
        raise Refused(
            f"{state.name} {row.version} was deregistered; a version never comes back.",
            f"Register the next one: tagline register {state.name} --bump patch",
            code="deregistered",
        )
    if row.commit != commit:
        raise Conflict(
            f"{state.name} {row.version} is registered at {row.commit[:7]} already (tag {row.tag}), "
            f"not at {commit[:7]}.",
            f"Register another version here: tagline register {state.name} --bump patch",
            code="version-taken",
        )
    return _found_registration(state, row)


def _second_version(name: str, row: VersionState, commit: str) -> Refused:
    since = "" if row.active else " and was deregistered since"
    return Refused(
        f"{name} {row.version} is registered at {commit[:7]}{since}; one commit carries one version of an artifact.",
        "Register at another commit; an empty one will do: git commit --allow-empty -m 'Release'",
        code="commit-has-version",
    )


def plan_assign(
    state: ArtifactState,
    stage: str,
    row: VersionState,
    now: int,
    trailers: Trailers = (),
    *,
    lift: str | None = None,
    again: bool = False,
) -> Plan:
    """Give a stage to a registered version. Raises :class:`Refused` when it was deregistered.

    ``lift`` is why its stop, if there is one, is lifted with it. ``again``: also to the version that holds it.
    """
    lifted = [(messages.HOLD_LIFTED, lift)] if lift is not None and stage in state.stops else []
    if not row.active:
        raise Refused(
            f"{state.name} {row.version} was deregistered and cannot hold {stage}.",
            f"Choose an active version: tagline show {state.name}",
            code="deregistered",
        )
    hold = state.stages.get(stage)
    again = again or bool(lifted)
    if hold is not None and hold.version == row.version and not state.deprecated and not again:
        return Plan([_held(state, hold)], note=f"{state.name} {row.version} holds {stage} already.")
    there = _versions_at(state, row.commit)
    if len(there) > 1:
        names = ", ".join(other.version for other in there)
        raise Refused(
            f"{names} of {state.name} are registered at {row.commit[:7]}; a stage tag there would name none of them.",
            "Register the right one at a commit of its own and assign that.",
            code="two-versions",
        )
    name = TagName(state.name, EventKind.ASSIGNMENT, None, stage, next_counter(state))
    previous = [(messages.PREVIOUS, hold.version)] if hold and hold.version not in (None, row.version) else []
    return _one(state, now, name, row.commit, row.version, [*previous, *trailers, *lifted])


def plan_lift(state: ArtifactState, stage: str, now: int, reason: str, trailers: Trailers = ()) -> Plan:
    """Lift the stop of a stage and move nothing: its holder is assigned again.

    Raises :class:`NotFound` where nobody holds the stage: then it is lifted with a version only.
    """
    hold = state.stages.get(stage)
    if stage not in state.stops:
        held = [_held(state, hold)] if hold is not None else []
        return Plan(held, note=f"{state.name}#{stage} is not held: there is nothing to lift.")
    hold = require_holder(state, stage)
    row = state.version(hold.version) if hold.version else None
    if row is not None:
        return plan_assign(state, stage, row, now, trailers, lift=reason)
    name = TagName(state.name, EventKind.ASSIGNMENT, None, stage, next_counter(state))
    return _one(state, now, name, hold.commit, None, [*trailers, (messages.HOLD_LIFTED, reason)])


def _held(state: ArtifactState, hold: Hold) -> Row:
    return Row(hold.tag, hold.commit, state.name, EventKind.ASSIGNMENT, hold.version, hold.stage, created=False)


def next_counter(state: ArtifactState) -> int:
    """One more than the largest counter of any tag of the artifact, ignored ones included."""
    ignored = (parsed.counter or 0 for tag in state.ignored if (parsed := parse_tag(tag)))
    return 1 + max(state.counter, *ignored, 0)


def version_at(state: ArtifactState, commit: str, stage: str) -> VersionState:
    """The active version registered at a commit, for an assignment that names none.

    Raises :class:`Refused` when there is none: a version is never registered on the way.
    """
    row = next((row for row in _versions_at(state, commit) if row.active), None)
    if row is None:
        raise Refused(
            f"No active version of {state.name} is registered at {commit[:7]}.",
            f"Register it first (tagline register {state.name}), or name one: "
            f"tagline assign {state.name}#{stage} --version V",
            code="no-version-here",
        )
    return row


def plan_unassign(state: ArtifactState, stage: str, version: str | None, now: int, trailers: Trailers = ()) -> Plan:
    """Take a stage from its holder, or from a version that is named."""
    if version is None:
        hold = require_holder(state, stage)
        return _one(state, now, _unassignment(state, stage), hold.commit, hold.version, trailers)
    row = require_version(state, version)
    reads_as = versions_by_commit(state)
    commits = [commit for commit in _live_commits(state, stage) if reads_as.get(commit) == row.version]
    if not commits:
        return Plan([], note=f"{state.name} {version} is not assigned {stage}.")
    return _one(state, now, _unassignment(state, stage), commits[-1], version, trailers)


def _unassignment(state: ArtifactState, stage: str) -> TagName:
    return TagName(state.name, EventKind.UNASSIGNMENT, None, stage, next_counter(state))


def _live_commits(state: ArtifactState, stage: str) -> list[str]:
    """Commits whose newest event of this stage is an assignment, oldest first."""
    live: dict[str, None] = {}
    for event in state.events:
        if event.stage == stage:
            live.pop(event.commit, None)
            if event.kind is EventKind.ASSIGNMENT:
                live[event.commit] = None
    return list(live)


def plan_rollback(
    state: ArtifactState,
    stage: str,
    now: int,
    *,
    target: str | None,
    from_version: str | None = None,
    to_version: str | None = None,
    stop: str | None = None,
    trailers: Trailers = (),
) -> Plan:
    """Give a stage back to ``target`` (where the walk back leads), or to ``to_version``.

    ``stop`` is why nothing goes past it from then on; a stage that is held stays so, further back. With
    ``from_version`` nothing happens unless that version holds the stage.
    """
    hold = require_holder(state, stage)
    if from_version is not None:
        require_version(state, from_version)
        if hold.version != from_version:
            note = f"{from_version} does not hold {state.name}#{stage}; {hold.version or hold.commit[:7]} does."
            return Plan([_held(state, hold)], note=note)
    chosen = target if to_version is None else to_version
    if chosen is None:
        raise NotFound(
            f"No active version held {state.name}#{stage} before {hold.version or hold.commit[:7]}.",
            f"Name one: tagline rollback {state.name}#{stage} --to V",
            code="nothing-to-roll-back-to",
        )
    stopped = state.stops.get(stage)
    back = [(messages.ROLLBACK_FROM, hold.version or hold.commit)] if hold.version != chosen else []
    why = stop or (stopped.reason if stopped is not None else "")
    # Who went back without a stop can still put one where the stage is now.
    again = stop is not None and (stopped is None or stopped.reason != messages.shown(stop))
    trailers = [*back, *trailers, (messages.HOLD, why)]
    return plan_assign(state, stage, require_version(state, chosen), now, trailers, again=again)


def plan_deregister(state: ArtifactState, version: str, now: int, trailers: Trailers = ()) -> Plan:
    """Withdraw a version; stages that it holds fall back."""
    row = require_version(state, version)
    if not row.active:
        tag = next(e for e in reversed(state.events) if e.version == version and e.kind is EventKind.DEREGISTRATION)
        found = Row(tag.tag, tag.commit, state.name, tag.kind, version, None, created=False)
        return Plan([found], note=f"{state.name} {version} is deregistered already.")
    name = TagName(state.name, EventKind.DEREGISTRATION, version)
    return _one(state, now, name, row.commit, version, trailers)


def plan_deprecate(state: ArtifactState, now: int, trailers: Trailers = ()) -> Plan:
    """Hide an artifact until its next event. The tag goes on its newest event's commit."""
    if not state.events:
        raise unknown_artifact(state.name)
    last = state.events[-1]
    if state.deprecated:
        found = Row(last.tag, last.commit, state.name, last.kind, None, None, created=False)
        return Plan([found], note=f"{state.name} is deprecated already.")
    return _one(state, now, TagName(state.name, EventKind.DEPRECATION), last.commit, None, trailers)


def _one(
    state: ArtifactState,
    now: int,
    name: TagName,
    commit: str,
    version: str | None,
    trailers: Trailers,
) -> Plan:
    """A plan of one new tag, dated after everything that the artifact has."""
    refuse_future(state, now)
    tag = format_tag(name)
    if any(event.tag == tag for event in state.events):
        # A simple tag is used up: deprecated, revived and deprecated again.
        tag = format_tag(name._replace(counter=next_counter(state)))
    if tag in state.ignored:
        raise Conflict(
            f"The name {tag} is taken by a tag that is no event of the registry.",
            f"Look at it: git cat-file -p 'refs/tags/{tag}'. To make room, delete it where it lies: "
            f"git tag -d '{tag}' here, git push origin ':refs/tags/{tag}' on the remote.",
            code="tag-taken",
        )
    _require_writable(tag)
    text = messages.compose(messages.subject(name.kind, name.artifact, version or commit, name.stage), trailers)
    new = NewTag(tag, commit, max(now, state.newest + 1), text)
    return Plan([Row(tag, commit, name.artifact, name.kind, version, name.stage, created=True)], [new])


def _name_hint(name: str) -> str:
    before, at, version = name.partition("@")
    if at and is_artifact(before):
        return f"Write the version apart: tagline register {before} --version {version or 'v1.2.3'}"
    return "Use a-z, A-Z, 0-9, '-', '_' and '/', beginning and ending with a letter or digit."


def _require_writable(tag: str) -> None:
    broken = why_git_refuses(tag)
    if broken:
        raise Refused(f"Git refuses the tag {tag}: {broken}.", "Choose another name.", code="name-refused-by-git")


def check_names(artifact: str, stage: str | None = None, *, stages: Sequence[str] | None = None) -> None:
    """Raise when a name cannot be written: outside the grammar, or a stage that ``.gto`` does not list."""
    if not is_artifact(artifact):
        raise WrongUsage(
            f"{artifact!r} cannot name an artifact.",
            _name_hint(artifact),
            code="bad-name",
        )
    _require_writable(artifact_in_tag(artifact) + (f"#{stage}" if stage is not None else "@v1.0.0"))
    if stage is None:
        return
    if not is_name(stage):
        raise WrongUsage(f"{stage!r} cannot name a stage.", "Use letters, digits, '-', '_' and '/'.", code="bad-name")
    if stages is not None and stage not in stages:
        raise NotFound(
            f".gto does not list a stage {stage!r}.",
            f"It lists: {', '.join(stages) or 'none'}.{suggestion(stage, stages)}",
            code="unknown-stage",
        )
