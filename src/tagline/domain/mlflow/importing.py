"""From a registry of MLflow and our ledger to what an import makes: entries, versions, stages, tags.

Version N becomes ``vN.0.0``. What is here already is left as it is, so that an import can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tagline.domain.ledger import messages
from tagline.domain.ledger.answers import versions_by_commit
from tagline.domain.ledger.events import RawTag, Warn
from tagline.domain.ledger.planning import NewTag, Plan, Row, Trailers, plan_assign, plan_register, projected
from tagline.domain.ledger.registry import ArtifactState, VersionState
from tagline.domain.ledger.tags import parse_tag
from tagline.domain.mlflow.names import READY, Claim, ListedVersion, RegisteredModel, dangling, valid_name, word
from tagline.errors import Refused

#: The tag that a promotion of ours puts on the version in MLflow that it is about.
OUR_TAG = "tagline.tag"


class Choice(NamedTuple):
    """A version of MLflow's, what it is called here, and why it is not imported (None: it is)."""

    version: ListedVersion
    name: str
    skipped: str | None


@dataclass(frozen=True)
class StageChoice:
    """A stage that MLflow tells of. ``name`` is what its holder there is called here; ``assign`` are the versions to
    give it to, in this order and by our names; none if it is skipped.
    """

    stage: str
    claim: Claim
    name: str
    assign: tuple[tuple[str, ListedVersion], ...] = ()
    skipped: str | None = None


@dataclass(frozen=True)
class ModelPlan:
    """What an import makes of one model."""

    artifact: str
    model: RegisteredModel
    versions: tuple[Choice, ...]
    stages: tuple[StageChoice, ...]
    warnings: tuple[Warn, ...] = ()

    @property
    def new(self) -> list[Choice]:
        """The versions that are imported, by number."""
        return [choice for choice in self.versions if choice.skipped is None]

    @property
    def tags(self) -> int:
        """How many tags that takes."""
        return len(self.new) + sum(len(stage.assign) for stage in self.stages)


@dataclass(frozen=True)
class ImportedModel:
    """One model's part of the answer. ``entries`` is the YAML of each new version, by its number."""

    plan: ModelPlan
    rows: list[Row] = field(default_factory=list)
    entries: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Imported:
    """The answer of ``import``. ``commit`` is where ``branch`` is now, None where no version was new; ``remote`` is
    what Git calls where it is pushed to.
    """

    models: list[ImportedModel]
    branch: str
    commit: str | None
    pushed: bool
    dry_run: bool
    warnings: list[Warn] = field(default_factory=list)
    remote: str = "origin"
    #: The branch begins anew: what the remote has of it was merged as another commit.
    anew: bool = False
    #: Nothing was new, and the branch of an earlier run is not where this one pushes to.
    unpushed: bool = False


# -- what is imported ---------------------------------------------------------


def plan_model(
    artifact: str,
    model: RegisteredModel,
    versions: Sequence[ListedVersion],
    claims: Mapping[str, Claim],
    state: ArtifactState,
    raw: Mapping[str, RawTag],
    left_out: Collection[str] = (),
) -> ModelPlan:
    """What to make of a model, by what the ledger has of it (``raw``: its tags by name, with messages).

    ``left_out`` are stages that nobody is to be told of. Raises Refused where a version here has the name that one of
    MLflow's would get, and is another.
    """
    choices = tuple(_choice(artifact, version, state, raw) for version in sorted(versions, key=lambda v: v.number))
    there = {choice.version.number: choice.name for choice in choices if _usable(choice, state)}
    stages, warnings = [], []
    for stage, claim in claims.items():
        chosen, warning = _stage(stage, claim, there, state, raw)
        stages.append(chosen)
        warnings += [warning] if warning else []
    warnings += _gone(model, {*claims, *left_out}, state, raw)
    warnings += _dangling(artifact, model, versions, left_out)
    return ModelPlan(artifact, model, choices, tuple(stages), tuple(warnings))


def _choice(artifact: str, version: ListedVersion, state: ArtifactState, raw: Mapping[str, RawTag]) -> Choice:
    name = f"v{version.number}.0.0"
    if (ours := _made_here(artifact, version, state)) is not None:
        return Choice(version, ours, f"its tag {OUR_TAG} says that it came from here")
    row = state.version(name)
    if row is not None:
        if messages.one_line(version.uri) not in _sources(raw[row.tag]):
            raise _taken(artifact, version, row)
        return Choice(version, name, "registered already" if row.active else "deregistered here")
    if version.status != READY:
        return Choice(version, name, f"its status is {messages.one_line(version.status) or 'unknown'}, not {READY}")
    return Choice(version, name, "the artifact is deprecated here" if state.deprecated else None)


def _sources(tag: RawTag) -> list[str]:
    """The versions of MLflow's that a tag was imported from."""
    return messages.parse_trailers(tag.message).get(messages.IMPORTED_FROM, [])


def _taken(artifact: str, version: ListedVersion, row: VersionState) -> Refused:
    return Refused(
        f"{artifact} has a version {row.version} (tag {row.tag}), which is not version {version.number} of MLflow's "
        f"{messages.one_line(version.model)!r}.",
        f"Call the model something else: --model {word(version.model)}=NAME",
        code="import-version-taken",
    )


def _gone(
    model: RegisteredModel, known: Collection[str], state: ArtifactState, raw: Mapping[str, RawTag]
) -> list[Warn]:
    """Stages that somebody holds by an import of this model, and that MLflow has no more."""
    prefix = messages.one_line(f"models:/{model.name}/")
    return [
        Warn(
            "import-alias-gone",
            hold.tag,
            f"{state.name}#{stage} is held by {hold.version}, which an import gave it to; MLflow has no alias or stage "
            "for it any more. It stays as it is.",
        )
        for stage, hold in sorted(state.stages.items())
        if stage not in known and any(source.rpartition("/")[0] + "/" == prefix for source in _sources(raw[hold.tag]))
    ]


def _dangling(
    artifact: str, model: RegisteredModel, versions: Sequence[ListedVersion], left_out: Collection[str]
) -> list[Warn]:
    """Aliases of versions that MLflow has no more."""
    return [
        Warn(
            "import-alias-dangling",
            None,
            f"MLflow's alias {messages.one_line(alias)} of {messages.one_line(model.name)!r} points to version "
            f"{number}, which is not there: {artifact} gets no such stage.",
        )
        for alias, number in dangling(model, versions).items()
        if valid_name(alias) not in left_out
    ]


def _made_here(artifact: str, version: ListedVersion, state: ArtifactState) -> str | None:
    """The version of ours that a promotion noted on MLflow's; None where this ledger has no such tag."""
    parsed = parse_tag(version.tags.get(OUR_TAG, ""))
    if parsed is None or parsed.artifact != artifact:
        return None
    event = next((event for event in state.events if event.tag == version.tags[OUR_TAG]), None)
    if event is None:
        return None
    return event.version or versions_by_commit(state).get(event.commit)


def _usable(choice: Choice, state: ArtifactState) -> bool:
    """Whether the version is here after the import, to hold a stage."""
    row = state.version(choice.name)
    return row.active if row is not None else choice.skipped is None


def _stage(
    stage: str, claim: Claim, there: Mapping[int, str], state: ArtifactState, raw: Mapping[str, RawTag]
) -> tuple[StageChoice, Warn | None]:
    """Who is given a stage, and what there is to say when nobody is."""
    holder = claim.versions[-1]
    name = there.get(holder.number)
    if name is None:
        return StageChoice(stage, claim, f"v{holder.number}.0.0", skipped="that version is not imported"), None
    hold = state.stages.get(stage)
    if hold is not None and hold.version == name:
        return StageChoice(stage, claim, name, skipped="it holds the stage already"), None
    if state.deprecated:
        return StageChoice(stage, claim, name, skipped="the artifact is deprecated here"), None
    newest = next((event for event in reversed(state.events) if event.stage == stage), None)
    if newest is not None and not is_import(raw[newest.tag].message):
        warning = Warn(
            "import-stage-kept",
            newest.tag,
            f"{newest.tag} decides {state.name}#{stage} and is no import's: it stays as it is, "
            f"though MLflow's {claim.what} is version {holder.number}.",
        )
        return StageChoice(stage, claim, name, skipped="it was decided here since"), warning
    held = {past.version for past in state.holds.get(stage, ())}
    earlier = [
        (there[version.number], version)
        for version in _apart_in_time(claim, state.newest)
        if version.number in there and there[version.number] not in held
    ]
    return StageChoice(stage, claim, name, (*earlier, (name, holder))), None


def _apart_in_time(claim: Claim, newest: int) -> list[ListedVersion]:
    """Who held a stage before its holder, where MLflow tells when: nobody else held it for a time.

    ``newest`` is the second of the newest event here: nothing can be dated before it.
    """
    times = [version.updated // 1000 for version in claim.versions]
    pairs = zip(claim.versions, times, times[1:], strict=False)
    return [version for version, time, following in pairs if time > newest and following - time > 1]


def is_import(message: str) -> bool:
    """Whether a tag was made by an import, by its message."""
    return messages.IMPORTED_FROM in messages.parse_trailers(message)


# -- the ledger ---------------------------------------------------------------


def plan_tags(
    plan: ModelPlan,
    state: ArtifactState,
    commits: Callable[[ListedVersion], str],
    now: int,
    trailers: Trailers = (),
    most: int | None = None,
) -> Plan:
    """The tags of an import, or the first ``most`` of its registrations; stages come with the last of them.

    Versions are dated as MLflow has them, and so is who is in an old stage; when an alias was set it does not know.
    """
    dated = _dated(plan, state, now)
    rows: list[Row] = []
    new: list[NewTag] = []
    for time, event in dated[:most]:
        said = [(messages.IMPORTED_FROM, event.version.uri), *trailers]
        if event.stage is None:
            made = plan_register(state, commits(event.version), time, version=event.name, trailers=said)
        else:
            row = next(row for row in state.versions if row.version == event.name)
            made = plan_assign(state, event.stage, row, time, said)
        rows += made.rows
        new += made.new
        state = projected(state, made.new)
    return Plan(rows, new)


class _Event(NamedTuple):
    """A registration (``stage`` None) or an assignment to be, and when MLflow says that it was."""

    time: int
    stage: str | None
    name: str
    version: ListedVersion


def _dated(plan: ModelPlan, state: ArtifactState, now: int) -> list[tuple[int, _Event]]:
    """All events of an import in their order, with the time of each tag."""
    registered = {choice.name: _second(choice.version.created, now) for choice in plan.new}
    events = [_Event(registered[choice.name], None, choice.name, choice.version) for choice in plan.new]
    for stage in plan.stages:
        for name, version in stage.assign:
            known = _second(version.updated, now) if stage.claim.is_stage else now
            events.append(_Event(max(known, registered.get(name, 0)), stage.stage, name, version))
    # The sort is stable: a version comes before its stages, and the holders of one stage stay in order.
    events.sort(key=lambda event: event.time)
    return list(zip(_apart([event.time for event in events], state.newest, now), events, strict=True))


def _second(milliseconds: int, now: int) -> int:
    """A time of MLflow's in seconds; what it does not know, or is still to come, is ``now``."""
    return min(milliseconds // 1000, now) if milliseconds >= 1000 else now


def _apart(times: Sequence[int], after: int, now: int) -> list[int]:
    """Ascending times as they can be dated: each in a second of its own, after what there is, and none in the future
    where there is room.
    """
    found: list[int] = []
    for time in times:
        after_last = (found[-1] if found else after) + 1
        found.append(max(time, after_last))
    limit = now
    for place in reversed(range(len(found))):
        if found[place] <= limit:
            break
        found[place] = limit
        limit -= 1
    return found if not found or found[0] > after else [after + count for count in range(1, len(found) + 1)]
