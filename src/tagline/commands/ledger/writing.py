"""How every writing command goes: read, plan, publish; and again when somebody was faster."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tagline.commands.ledger.reading import Source, View, no_such_artifact, read
from tagline.domain.changes.origins import other_stage
from tagline.domain.ledger import messages
from tagline.domain.ledger.events import RawTag, Warn, read_events
from tagline.domain.ledger.planning import Plan, projected
from tagline.domain.ledger.registry import ArtifactState, state_of
from tagline.domain.ledger.results import Written
from tagline.domain.ledger.stops import gone_past, refusal
from tagline.errors import Conflict, IncompleteClone, NotFound, Refused, WrongUsage
from tagline.formats.policy import ALONE, Outside, load_policy
from tagline.ports.clock import Clock
from tagline.ports.ledger import Batch, Ledger, Raced, Snapshot
from tagline.ports.repository import TaggedRepository

#: How often a plan is made anew because somebody else was faster.
ATTEMPTS = 25
_PAUSE = 0.05
_LONGEST_PAUSE = 2.0


@dataclass(frozen=True)
class WriteContext:
    """What a writing command works with.

    ``repository`` opens what commits and files are read from. ``pushes`` says that the ledger is a remote.
    """

    repository: Callable[[], TaggedRepository]
    ledger: Ledger
    clock: Clock
    pushes: bool
    #: What Git calls the remote, for advice.
    remote: str = "origin"
    #: Whether there is one.
    has_remote: bool = False
    dry_run: bool = False
    run_url: str | None = None
    #: The administrator's reason to act on a stage that the policy guards.
    override: str | None = None
    #: Where to make sure that no tag is missing before this clone's own are trusted; None where the
    #: ledger is the remote itself.
    source: Callable[[], Source] | None = None
    #: What the policy is made of beside its own file.
    outside: Outside = ALONE

    def make_sure(self, artifact: str) -> list[Warn]:
        """What there is to say of the clone that is written to.

        Raises IncompleteClone when it lacks tags of the artifact, or holds them flattened.
        """
        if self.source is None:
            return []
        # Writing the event again is what puts a moved tag right.
        view = read(self.source(), [artifact], refuse_moved=False)
        if view.state(artifact) is None:
            view.compare_now()
        flattened = [note.tag or "" for note in view.notes if note.code == "refetched-tag"]
        if flattened:
            raise IncompleteClone(
                f"A checkout has made lightweight tags of {', '.join(flattened)}; what is written beside them "
                "would be planned without them.",
                f"Fetch the real ones: git fetch --tags --force {self.remote}",
            )
        return view.notes

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
#: The stages that a plan acts on, whose guard in the policy it must pass.
Touches = Callable[[ArtifactState], Iterable[str]]


def _no_stage(_state: ArtifactState) -> Iterable[str]:
    return ()


def write(
    context: WriteContext,
    artifact: str,
    decide: Decide,
    *,
    touches: Touches = _no_stage,
    leaving: bool = False,
    must_exist: bool = True,
) -> Written:
    """Plan on a fresh reading and publish it, until nobody else was in between.

    ``leaving``: versions only leave the stages that it ``touches``.

    Raises what ``decide`` raises; Refused when there is something to write and the policy guards a stage that it
    ``touches``, or a stage that is held would go to another version; Conflict when others kept being faster; NotFound
    when the artifact has no tag and ``must_exist``.
    """
    notes = context.make_sure(artifact)
    for attempt in range(ATTEMPTS):
        snapshot = context.ledger.snapshots([artifact])[artifact]
        reading = read_events(snapshot.tags)
        state = state_of(reading, artifact)
        now = int(context.clock.now())
        plan = _plan(context, state, snapshot, now, decide, touches, leaving=leaving, must_exist=must_exist)
        if plan.new and snapshot.unpublished:
            raise _unpublished(context, artifact, snapshot)
        warnings = [*notes, *reading.warnings, *View.warnings_of(state, now)]
        if context.dry_run or not plan.new:
            if not context.dry_run:
                context.ledger.bring_home(artifact, {row.tag: row.commit for row in plan.rows})
            rows = [row._replace(created=False) for row in plan.rows]
            after = projected(state, plan.new) if context.dry_run else state
            return Written(rows, False, context.dry_run, plan.note, state, after, warnings)
        try:
            context.ledger.publish([Batch(artifact, plan.new, snapshot.mark)])
        except Raced:
            context.clock.pause(backoff(attempt))
            continue
        after = projected(state, plan.new)
        stayed_from = None if context.pushes or not context.has_remote else context.remote
        return Written(plan.rows, context.pushes, False, plan.note, state, after, warnings, stayed_from)
    raise Conflict(
        f"Other runs kept writing tags of {artifact}; after {ATTEMPTS} attempts nothing was written.",
        "Run the same command again.",
        code="raced",
    )


def _plan(
    context: WriteContext,
    state: ArtifactState,
    snapshot: Snapshot,
    now: int,
    decide: Decide,
    touches: Touches,
    *,
    leaving: bool,
    must_exist: bool,
) -> Plan:
    try:
        if must_exist and not state.events:
            raise no_such_artifact(context.ledger.tag_names(), state.name)
        plan = decide(Ledgered(state, {tag.name: tag for tag in snapshot.tags}), now)
        if plan.new:
            _refuse_guarded(context, state.name, touches(state), leaving=leaving)
        stop = gone_past(state, projected(state, plan.new)) if state.stops else None
        if stop is not None:
            raise refusal(state.name, stop)
        return plan
    except (NotFound, Refused):
        if snapshot.unpublished:
            # What was asked for may well be here, where the ledger does not see it.
            raise _unpublished(context, state.name, snapshot) from None
        raise


def _unpublished(context: WriteContext, artifact: str, snapshot: Snapshot) -> Conflict:
    """The error that keeps a clone and its remote from becoming two ledgers.

    Tags that were made with --no-push count for nothing on the remote. A plan that passes them
    over would number past them, or put a second version on a commit.
    """
    theirs = {tag.name for tag in snapshot.tags}
    differing = [tag.name for tag in snapshot.unpublished if tag.name in theirs]
    missing = [tag.name for tag in snapshot.unpublished if tag.name not in theirs]
    hints = []
    if missing:
        refs = _quoted(f"refs/tags/{name}" for name in missing)
        hints.append(f"Publish them first: git push --atomic {context.remote} {refs}")
        hints.append(f"Or, if they were an experiment or were deleted there, drop them: git tag -d {_quoted(missing)}")
    if differing:
        hints.append(f"The remote has others of the same names; drop these: git tag -d {_quoted(differing)}")
    names = _quoted([*missing, *differing])
    message = f"Of {artifact}, this clone has what {context.remote} has not: {names}."
    return Conflict(message, "\n".join(hints), code="unpublished-tags")


def _quoted(names: Iterable[str]) -> str:
    return " ".join(f"'{name}'" for name in names)


def backoff(attempt: int) -> float:
    """Seconds to wait before the next attempt: longer each time, and never the same for two runs that collided."""
    return random.uniform(0.3, 1.0) * min(_PAUSE * 1.6**attempt, _LONGEST_PAUSE)  # noqa: S311


def _refuse_guarded(context: WriteContext, artifact: str, stages: Iterable[str], *, leaving: bool) -> None:
    """Raise Refused when the policy guards one of the stages and no --override says why it is passed over."""
    names = list(stages)
    if context.override or not names:
        return
    data = context.ledger.policy()
    try:
        policy = load_policy(data, context.outside)
    except WrongUsage as error:
        hint = f"{error.hint}\nMend it there; until then, --override REASON goes past it."
        raise WrongUsage(error.message, hint, code=error.code) from error
    for stage in names:
        if not leaving and policy.refuses(artifact, stage):
            other = other_stage(policy, artifact, stage)
            raise Refused(other.message, f"{other.hint}\nOr pass it over: --override 'REASON'", code=other.code)
        if policy.guards(artifact, stage, leaving=leaving):
            raise Refused(
                f"The policy guards {stage} of {artifact}: it changes through a pull or merge request.",
                "As an administrator, say why you pass it over: --override 'REASON' (it is kept in the tag).",
                code="guarded-stage",
            )
