"""How every writing command goes: read, plan, publish; and again when somebody was faster."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tagline.commands.reading import Source, View, no_such_artifact, read
from tagline.domain import messages
from tagline.domain.events import RawTag, read_events
from tagline.domain.planning import NewTag, Plan
from tagline.domain.policy import MAX_POLICY, POLICY_FILE, guards
from tagline.domain.registry import ArtifactState, fold
from tagline.domain.results import Written
from tagline.domain.tags import artifact_in_tag
from tagline.errors import Conflict, NotFound, Refused, WrongUsage
from tagline.formats import yaml
from tagline.ports import Ledger, Raced, Repository, Snapshot

_ATTEMPTS = 25
_PAUSE = 0.05
_LONGEST_PAUSE = 2.0


@dataclass(frozen=True)
class Desk:
    """What a writing command works with.

    ``repository`` opens what commits and files are read from. ``now`` is unix seconds, ``pause``
    sleeps for seconds. ``pushes`` says that the ledger is a remote.
    """

    repository: Callable[[], Repository]
    ledger: Ledger
    now: Callable[[], float]
    pause: Callable[[float], None]
    pushes: bool
    dry_run: bool = False
    run_url: str | None = None
    #: The administrator's reason to act on a stage that the policy guards.
    override: str | None = None
    #: Where to make sure that no tag is missing before this clone's own are trusted; None where the
    #: ledger is the remote itself.
    source: Callable[[], Source] | None = None

    def make_sure(self, artifact: str) -> None:
        """Raise IncompleteClone when the clone that is written to lacks tags of the artifact."""
        if self.source is not None:
            view = read(self.source(), [artifact])
            if view.state(artifact) is None:
                view.compare_now()

    def trailers(self) -> list[tuple[str, str]]:
        """What every tag of this run says at its end."""
        pairs = ((messages.OVERRIDE, self.override), (messages.RUN, self.run_url))
        return [(key, value) for key, value in pairs if value]


@dataclass(frozen=True)
class Ledgered:
    """An artifact as the ledger has it: its state, and its raw tags by name (with messages)."""

    state: ArtifactState
    raw: dict[str, RawTag]


Decide = Callable[[Ledgered, int], Plan]


def write(desk: Desk, artifact: str, decide: Decide, *, must_exist: bool = True) -> Written:
    """Plan on a fresh reading and publish it, until nobody else was in between.

    Raises what ``decide`` raises; Conflict when others kept being faster; NotFound when the
    artifact has no tag and ``must_exist``.
    """
    desk.make_sure(artifact)
    for attempt in range(_ATTEMPTS):
        snapshot = desk.ledger.snapshot(artifact)
        reading = read_events(snapshot.tags)
        state = fold(artifact, reading.events.get(artifact, ()), ignored=reading.ignored.get(artifact, ()))
        now = int(desk.now())
        plan = _plan(desk, artifact, state, snapshot, now, decide, must_exist=must_exist)
        _refuse_unpublished(artifact, snapshot, plan)
        warnings = View.warnings_of(state, now)
        if desk.dry_run or not plan.new:
            rows = [row._replace(created=False) for row in plan.rows]
            after = _after(state, plan.new) if desk.dry_run else state
            return Written(rows, False, desk.dry_run, plan.note, state, after, [*reading.warnings, *warnings])
        try:
            desk.ledger.publish(artifact, plan.new, snapshot.mark)
        except Raced:
            desk.pause(_backoff(attempt))
            continue
        after = _after(state, plan.new)
        return Written(plan.rows, desk.pushes, False, plan.note, state, after, [*reading.warnings, *warnings])
    raise Conflict(
        f"Other runs kept writing tags of {artifact}; after {_ATTEMPTS} attempts nothing was written.",
        "Run the same command again.",
        code="raced",
    )


def _plan(
    desk: Desk,
    artifact: str,
    state: ArtifactState,
    snapshot: Snapshot,
    now: int,
    decide: Decide,
    *,
    must_exist: bool,
) -> Plan:
    try:
        if must_exist and not state.events:
            raise no_such_artifact(desk.repository(), artifact)
        return decide(Ledgered(state, {tag.name: tag for tag in snapshot.tags}), now)
    except (NotFound, Refused):
        if snapshot.unpublished:
            # What was asked for may well be here, where the ledger does not see it.
            raise _unpublished(artifact, snapshot.unpublished) from None
        raise


def _refuse_unpublished(artifact: str, snapshot: Snapshot, plan: Plan) -> None:
    """Raise Conflict before a clone and its remote become two ledgers.

    Tags that were made with --no-push count for nothing on the remote. A plan that passes them
    over would number past them, or put a second version on a commit.
    """
    planned = {(tag.name, tag.commit) for tag in plan.new}
    if plan.new and any((tag.name, tag.target) not in planned for tag in snapshot.unpublished):
        raise _unpublished(artifact, snapshot.unpublished)


def _unpublished(artifact: str, tags: Sequence[RawTag]) -> Conflict:
    names = " ".join(f"'{tag.name}'" for tag in tags)
    refs = f"git for-each-ref --format='%(refname)' 'refs/tags/{artifact_in_tag(artifact)}[@#]*'"
    return Conflict(
        f"Of {artifact}, this clone has what the remote has not: {names}.",
        f"Publish them first: git push origin $({refs})\n"
        f"Or, if they were an experiment or were deleted there, drop them: git tag -d {names}",
        code="unpublished-tags",
    )


def _backoff(attempt: int) -> float:
    """Longer each time, and never the same for two runs that collided."""
    return random.uniform(0.3, 1.0) * min(_PAUSE * 1.6**attempt, _LONGEST_PAUSE)  # noqa: S311


def _after(state: ArtifactState, new: Sequence[NewTag]) -> ArtifactState:
    """The state with the new tags, without reading them back."""
    raw = [RawTag(tag.name, "", "tag", tag.commit, "commit", tag.time, tag.name) for tag in new]
    events = read_events(raw).events.get(state.name, [])
    return fold(state.name, [*state.events, *events], ignored=state.ignored)


def refuse_guarded(desk: Desk, artifact: str, stages: Iterable[str]) -> None:
    """Raise Refused when the policy guards one of the stages and no --override says why it is passed over."""
    names = list(stages)
    if desk.override or not names:
        return
    data = desk.ledger.policy()
    if data is None:
        return
    document = yaml.load(data, max_bytes=MAX_POLICY)
    problem = next((p for p in document.problems if p.severity == "error" and p.rule != "file-empty"), None)
    if problem is not None:
        raise WrongUsage(
            f"{POLICY_FILE} of the default branch cannot be read, line {problem.line}: {problem.message}",
            "Mend it there; until then, --override REASON goes past it.",
            code="policy-unreadable",
        )
    for stage in names:
        if guards(document.root.value if document.root else None, artifact, stage):
            raise Refused(
                f"The policy guards {stage} of {artifact}: it changes through a pull or merge request.",
                "As an administrator, say why you pass it over: --override 'REASON' (it is kept in the tag).",
                code="guarded-stage",
            )
