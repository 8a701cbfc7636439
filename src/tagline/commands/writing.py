"""How every writing command goes: read, plan, publish; and again when somebody was faster."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tagline.commands.reading import no_such_artifact
from tagline.domain import messages
from tagline.domain.events import RawTag, read_events
from tagline.domain.planning import NewTag, Plan
from tagline.domain.policy import POLICY_FILE, guards
from tagline.domain.registry import ArtifactState, fold
from tagline.domain.results import Written
from tagline.errors import Conflict, Refused, WrongUsage
from tagline.formats import yaml
from tagline.ports import Ledger, Raced, Repository

_ATTEMPTS = 25
_PAUSE = 0.05
_LONGEST_PAUSE = 2.0


@dataclass(frozen=True)
class Desk:
    """What a writing command works with.

    ``now`` is unix seconds, ``pause`` sleeps for seconds. ``pushes`` says that the ledger is a remote.
    """

    repository: Repository
    ledger: Ledger
    now: Callable[[], float]
    pause: Callable[[float], None]
    pushes: bool
    dry_run: bool = False
    run_url: str | None = None
    #: The administrator's reason to act on a stage that the policy guards.
    override: str | None = None

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
    for attempt in range(_ATTEMPTS):
        snapshot = desk.ledger.snapshot(artifact)
        reading = read_events(snapshot.tags)
        counter = reading.counters.get(artifact, 0)
        state = fold(artifact, reading.events.get(artifact, ()), counter=counter)
        if must_exist and not state.events:
            raise no_such_artifact(desk.repository, artifact)
        plan = decide(Ledgered(state, {tag.name: tag for tag in snapshot.tags}), int(desk.now()))
        warnings = [*reading.warnings, *state.warnings]
        if desk.dry_run or not plan.new:
            rows = [row._replace(created=False) for row in plan.rows]
            after = _after(state, plan.new) if desk.dry_run else state
            return Written(rows, False, desk.dry_run, plan.note, after, warnings)
        try:
            desk.ledger.publish(artifact, plan.new, snapshot.mark)
        except Raced:
            desk.pause(_backoff(attempt))
            continue
        return Written(plan.rows, desk.pushes, False, plan.note, _after(state, plan.new), warnings)
    raise Conflict(
        f"Other runs kept writing tags of {artifact}; after {_ATTEMPTS} attempts nothing was written.",
        "Run the same command again.",
        code="raced",
    )


def _backoff(attempt: int) -> float:
    """Longer each time, and never the same for two runs that collided."""
    return random.uniform(0.3, 1.0) * min(_PAUSE * 1.6**attempt, _LONGEST_PAUSE)  # noqa: S311


def _after(state: ArtifactState, new: Sequence[NewTag]) -> ArtifactState:
    """The state with the new tags, without reading them back."""
    raw = [RawTag(tag.name, "", "tag", tag.commit, "commit", tag.time, tag.name) for tag in new]
    events = read_events(raw).events.get(state.name, [])
    return fold(state.name, [*state.events, *events], counter=state.counter)


def refuse_guarded(desk: Desk, artifact: str, stage: str) -> None:
    """Raise Refused when the policy guards a stage and no --override says why it is passed over."""
    if desk.override:
        return
    tree = desk.ledger.policy_tree()
    data = tree.read(POLICY_FILE, yaml.MAX_BYTES) if tree is not None else None
    if data is None:
        return
    document = yaml.load(data)
    problem = next((p for p in document.problems if p.severity == "error" and p.rule != "file-empty"), None)
    if problem is not None:
        where = f", line {problem.line}: {problem.message}"
        raise WrongUsage(
            f"{POLICY_FILE} of the default branch cannot be read{where}",
            "Mend it there; until then, --override REASON goes past it.",
            code="policy-unreadable",
        )
    if guards(document.root.value if document.root else None, artifact, stage):
        raise Refused(
            f"The policy guards {stage} of {artifact}: it changes through a pull or merge request.",
            f"Open one with the label 'stage:{artifact}#{stage}', or, as an administrator, "
            "say why you pass it over: --override 'REASON' (it is kept in the tag).",
            code="guarded-stage",
        )
