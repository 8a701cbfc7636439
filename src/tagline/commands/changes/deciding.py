"""From a request and the ledger to what is decided: what is asked for, under which rules, as of now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tagline.commands.changes.approved import read_approved, read_behind, read_written
from tagline.commands.changes.mlflow_rule import held_models, read_linked
from tagline.commands.changes.people import Rules, read_people
from tagline.commands.changes.reproduced_rule import read_reproduced
from tagline.commands.changes.request import ChangeRequest
from tagline.commands.changes.stored import Version, read_stored
from tagline.commands.ledger.reading import View
from tagline.commands.lineage.lineage import rivals_of
from tagline.commands.manifest.metrics import metrics_at
from tagline.domain.changes.as_landed import as_landed, holds_since, versions_since
from tagline.domain.changes.asks import LATEST, THIS, Action, Ask, Mistake
from tagline.domain.changes.decision import rules_of
from tagline.domain.changes.intents import Intent, Known, resolve
from tagline.domain.changes.origins import named
from tagline.domain.changes.policy import CODEOWNERS, POLICY_FILE, StageRules
from tagline.domain.changes.promotion import Decided, not_done, plan_artifact, settle
from tagline.domain.changes.steps import Facts, Step
from tagline.domain.ledger.events import RawTag, Warn, read_events
from tagline.domain.ledger.registry import ArtifactState, state_of
from tagline.domain.ledger.rollback import rollback_target, rollbacks_among
from tagline.domain.ledger.tags import why_no_tag_names
from tagline.domain.manifest.metrics import Metrics
from tagline.ports.ledger import Snapshot


@dataclass(frozen=True)
class Entry:
    """An artifact as the ledger has it, the mark to publish on, and what is odd about its tags.

    ``then`` is what it was when the change landed; before the merge what it is.
    """

    state: ArtifactState
    then: ArtifactState
    raw: Mapping[str, RawTag]
    mark: str
    warnings: list[Warn]


Entries = dict[str, Entry]
#: Artifacts of one change that are shown; nobody reads more in one comment.
MOST_PICTURED = 10
#: What more are named is no promotion, but a migration.
_MOST_NAMES = 200
#: Of a name that no tag can carry.
_NO_TAGS = Snapshot([], "")


def decide(request: ChangeRequest) -> tuple[Decided, Entries]:
    """Decide a request on a fresh reading of the ledger."""
    asks, mistakes = request.asks
    decided = Decided(
        request.change,
        touches=request.touches,
        warnings=tuple(request.warnings()),
        final=request.policy_refusals,
        rules_at=request.rules_at,
        unheard=request.unheard,
    )
    if decided.final:
        return decided, {}
    if not asks:
        return replace(decided, mistakes=tuple(mistakes)), {}
    names = asked_names(request, asks)
    if len(names) > _MOST_NAMES:
        message = f"{len(names)} artifacts are named, and more than {_MOST_NAMES} are not promoted by one change."
        mistake = Mistake(asks[0].source, message, "Ask in several changes.")
        return replace(decided, mistakes=(mistake,)), {}
    entries = read_entries(request, names, beside=_pictured(request, names))
    odd = [warning for entry in entries.values() for warning in entry.warnings]
    decided = replace(decided, warnings=(*decided.warnings, *odd))
    known = _known(request, entries)
    said_by = named("", [request.policy.origins.get("max_artifacts", POLICY_FILE)])
    intents, more = resolve(asks, known, request.policy.max_artifacts, said_by)
    if mistakes or more:
        return replace(decided, mistakes=(*mistakes, *more)), entries
    by_artifact: dict[str, list[Intent]] = {}
    for intent in intents:
        by_artifact.setdefault(intent.artifact, []).append(intent)
    change = request.change
    left = (not_done(wanted, entries[name].state, entries[name].raw, change) for name, wanted in by_artifact.items())
    facts = gather(request, entries, [intent for some in left for intent in some])
    steps: list[Step] = []
    for name, wanted in by_artifact.items():
        entry = entries[name]
        steps += plan_artifact(entry.state, entry.raw, wanted, facts, request.policy, entry.then)
    warnings = list(decided.warnings)
    if (unread := facts.people.pushers.unread) is not None:
        why = f"{unread.what} cannot be read. {unread.needs}"
        message = f"An approval may be by somebody who pushed to the change: {why}"
        warnings.append(Warn("pushers-unread", None, message))
    drift = tuple(words for step in steps for words in step.drift)
    decided = replace(decided, steps=tuple(steps), drift=drift, warnings=tuple(warnings))
    return settle(decided, request.policy), entries


def asked_names(request: ChangeRequest, asks: Sequence[Ask]) -> list[str]:
    """The artifacts whose tags decide: those that are named, and where a label means all of them, the touched ones."""
    names = {ask.artifact for ask in asks if ask.artifact}
    touched = request.touches.touched
    if any(ask.artifact is None for ask in asks) and len(touched) <= request.policy.max_artifacts:
        names |= set(touched)
    return sorted(names)


def read_entries(request: ChangeRequest, names: Sequence[str], beside: Collection[str] = ()) -> Entries:
    """The artifacts' tags as the remote has them now, all at one instant.

    ``beside`` are artifacts that :func:`entries_beside` will be asked for: they cost no look of their own.
    """
    wanted = list(dict.fromkeys([*names, *beside]))
    snapshots = request.context.ledger.snapshots([name for name in wanted if not why_no_tag_names(name)])
    found = {name: _entry(request, name, snapshots.get(name, _NO_TAGS)) for name in wanted}
    request.answers.update((("tags", name), found[name]) for name in beside)
    return {name: found[name] for name in names}


def entries_beside(request: ChangeRequest, names: Sequence[str]) -> Entries:
    """The tags of artifacts that nothing is asked of, as they were read beside the others', or are now."""
    missing = [name for name in names if ("tags", name) not in request.answers]
    read_entries(request, (), beside=missing)
    return {name: request.answers["tags", name] for name in names}


def _pictured(request: ChangeRequest, names: Collection[str]) -> list[str]:
    """What an open change touches and does not ask for: its comment shows that, as far as there is room."""
    room = MOST_PICTURED - len(names) if request.change.open else 0
    return [name for name in request.touches.touched if name not in names][: max(room, 0)]


def _entry(request: ChangeRequest, name: str, snapshot: Snapshot) -> Entry:
    reading = read_events(snapshot.tags)
    state = state_of(reading, name)
    warnings = [*reading.warnings, *View.warnings_of(state, int(request.context.clock.now()))]
    raw = {tag.name: tag for tag in snapshot.tags}
    return Entry(state, as_landed(state, raw, request.change, request.is_behind), raw, snapshot.mark, warnings)


def _known(request: ChangeRequest, entries: Entries) -> Known:
    listed = set(request.stages or ())
    stages = {
        name: listed | set(request.policy.stages(name)) | (set() if request.stages else set(entry.then.holds))
        for name, entry in entries.items()
    }
    return Known(
        touched=tuple(request.touches.touched),
        described=tuple(request.entries),
        tagged=tuple(name for name, entry in entries.items() if entry.then.events),
        stages=stages,
        only_stages=request.stages is not None,
    )


# -- facts --------------------------------------------------------------------


def gather(request: ChangeRequest, entries: Entries, intents: list[Intent]) -> Facts:
    """Ask for what the intents' rules need to know, and for nothing else."""
    met = ((intent, rules_of(intent, entries[intent.artifact].then, request.policy)) for intent in intents)
    rules = {intent: [rules for _, rules in found] for intent, found in met if found}
    owned = [intent for intent, found in rules.items() if any(_asks_owners(r) for r in found)]
    owners = {intent.artifact: _owners(request, entries[intent.artifact].state) for intent in owned}
    files = {ask.file for intent in owned for ask in intent.asks if ask.file}
    file_owners = {file: request.codeowners.owners(file) for file in files}
    registers = {intent.artifact for intent in intents if intent.action is Action.REGISTER or intent.which == THIS}
    made, served = {(name, request.commit) for name in registers}, _served(request, entries, intents)
    _bring(request, entries, intents, served)
    stored = read_stored(request, [*made, *served])
    people = read_people(request, rules, owners, file_owners)
    versions = ((name, row.commit) for name, entry in entries.items() for row in entry.state.versions)
    own = registers | {name for name, commit in versions if commit == request.commit}
    return Facts(
        change=request.change,
        commit=request.commit,
        now=int(request.context.clock.now()),
        people=people,
        owners=owners,
        file_owners=file_owners,
        metrics=_metrics(request, entries, rules),
        contents=stored.contents,
        stored=stored.verdicts,
        placeless=stored.placeless,
        reproduced=read_reproduced(request, [*made, *served]),
        mlflow=read_linked(request, [*made, *served]),
        bytes_at=read_approved(request, own, rules, people),
        written_at=read_written(request, rules, people),
        behind=read_behind(request, _with_approvals(rules, own)),
        held_models=held_models(request, _holders(entries, intents)),
        newer={} if request.change.open else _newer(request, entries, intents),
        run_url=request.context.options.run_url,
    )


def _bring(request: ChangeRequest, entries: Entries, intents: Sequence[Intent], served: Iterable[Version]) -> None:
    """Bring by one fetch the commits that rules look at, and the picture of the change after them."""
    found = [*(commit for _, commit in served), *_holders(entries, intents).values()]
    for intent in intents:
        asked = (intent.stage,) if intent.stage is not None else ()
        found += (one.commit for one in rivals_of(entries[intent.artifact].state, request.commit, asked))
    found += () if request.change.open else _after(entries, intents)
    request.context.history.prepare(list(dict.fromkeys(found)))


def _with_approvals(rules: Mapping[Intent, list[StageRules]], own: Collection[str]) -> set[str]:
    """Of some artifacts those with a stage to assign that asks for approvals."""
    assigned = ((intent, found) for intent, found in rules.items() if intent.action is Action.ASSIGN)
    return {i.artifact for i, found in assigned if i.artifact in own and any(r.approvals is not None for r in found)}


def _asks_owners(rules: StageRules) -> bool:
    """Whether code owners may approve; where they may not, nobody reads who they are."""
    return rules.approvals is not None and CODEOWNERS in (rules.approvals.people or ())


def _owners(request: ChangeRequest, state: ArtifactState) -> tuple[str, ...]:
    file = request.owned_file(state.name, _registered_before(request, state))
    return request.codeowners.owners(file) if file is not None else ()


def _registered_before(request: ChangeRequest, state: ArtifactState) -> str | None:
    """The commit of the version that was registered last before the change, withdrawn since or not."""
    newest_first = sorted(state.versions, key=lambda row: row.registered_at, reverse=True)
    commits = dict.fromkeys(row.commit for row in newest_first if row.commit != request.commit)
    is_older = request.context.history.is_older
    # What lies behind a landing may have been registered since, by a change that landed later.
    return next((c for c in commits if request.change.open or is_older(c, request.commit) is not False), None)


def _metrics(request: ChangeRequest, entries: Entries, rules: Rules) -> dict[tuple[str, str], Metrics]:
    """The metrics of every commit that a gate may look at."""
    commits: dict[tuple[str, str], None] = {}
    for intent, found in rules.items():
        state = entries[intent.artifact].then
        gates = [gate for r in found for gate in r.gates] if intent.action is Action.ASSIGN else []
        if not gates:
            continue
        held = [state.stages[g.not_worse_than].commit for g in gates if g.not_worse_than in state.stages]
        for commit in [*held, *_proposed(request, state, intent)]:
            commits[(intent.artifact, commit)] = None
    return {(name, commit): metrics_at(request.context.history.tree(commit), name) for name, commit in commits}


def _proposed(request: ChangeRequest, state: ArtifactState, intent: Intent) -> list[str]:
    if intent.which == THIS:
        return [request.commit]
    row = state.latest if intent.which in (LATEST, None) else state.version(intent.which)
    # The latest may be the one that this very change registers.
    return [request.commit, *([row.commit] if row else [])] if intent.which == LATEST else [row.commit] if row else []


def _served(request: ChangeRequest, entries: Entries, intents: Iterable[Intent]) -> list[Version]:
    """The versions that may come to hold a stage: their bytes are looked at."""
    found: dict[Version, None] = {}
    for intent in intents:
        entry = entries[intent.artifact]
        commits: list[str] = []
        if intent.action is Action.ASSIGN:
            commits = _proposed(request, entry.then, intent)
        elif intent.action is Action.ROLLBACK:
            target = rollback_target(entry.then, intent.stage or "", rollbacks_among(entry.raw))
            row = entry.then.version(target) if target else None
            commits = [row.commit] if row else []
        found.update(((intent.artifact, commit), None) for commit in commits)
    return list(found)


def _holders(entries: Entries, intents: Iterable[Intent]) -> dict[tuple[str, str], str]:
    """The commits that hold the stages which versions are to get."""
    stages = (
        (i.artifact, i.stage) for i in intents if i.action in (Action.ASSIGN, Action.ROLLBACK) and i.stage is not None
    )
    holds = ((artifact, stage, entries[artifact].state.stages.get(stage)) for artifact, stage in stages)
    return {(artifact, stage): hold.commit for artifact, stage, hold in holds if hold is not None}


def _newer(request: ChangeRequest, entries: Entries, intents: Iterable[Intent]) -> dict[str, bool | None]:
    """Of the commits that hold a stage or the latest version, or did since: whether this change lies before them."""
    is_older = request.context.history.is_older
    return {commit: is_older(request.commit, commit) for commit in _after(entries, intents)}


def _after(entries: Entries, intents: Iterable[Intent]) -> list[str]:
    """The commits that hold a stage or the latest version, or did since the change landed."""
    commits: dict[str, None] = {}
    for intent in intents:
        entry = entries[intent.artifact]
        if intent.action is Action.REGISTER:
            commits.update((row.commit, None) for row in versions_since(entry.state, entry.then))
            commits.update([(entry.then.latest.commit, None)] if entry.then.latest else [])
        if intent.which == THIS and intent.stage is not None:
            commits.update((hold.commit, None) for hold in holds_since(entry.state, entry.then, intent.stage))
    return list(commits)
