"""From what is asked to intents: one decision for each artifact and stage, or a mistake that says why not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from tagline.domain.changes.asks import LATEST, REQUESTS, THIS, Action, Ask, Mistake
from tagline.domain.ledger.versions import BUMPS
from tagline.domain.text.similar import Words, did_you_mean, listed

#: How like a known stage an unknown one must be to count as a slip of it (difflib's ratio).
_SLIP = 0.8


@dataclass(frozen=True)
class Intent:
    """One thing to do for one artifact. ``asks`` are the requests that agree on it; the first one's words count."""

    artifact: str
    action: Action
    stage: str | None
    which: str | None
    asks: tuple[Ask, ...]

    @property
    def key(self) -> tuple[str, str | None]:
        """What two intents cannot share: the stage, or the registration."""
        return (self.artifact, self.stage)

    @property
    def lifts(self) -> bool:
        """Whether what holds the stage is lifted."""
        return bool(self._lifting)

    @property
    def lifters(self) -> tuple[str | None, ...]:
        """Who asked by labels that it is lifted; nobody where a request file says so, which is what was pushed."""
        return () if any(ask.file for ask in self._lifting) else tuple(ask.by for ask in self._lifting)

    @property
    def _lifting(self) -> list[Ask]:
        return [ask for ask in self.asks if ask.lifts or ask.action is Action.LIFT]

    @property
    def override(self) -> str | None:
        """Why rules about people and time are to be passed over; None where nobody asks for that."""
        return next((ask.override for ask in self.asks if ask.override is not None), None)

    @property
    def tickets(self) -> tuple[str, ...]:
        """Where it was decided, by the requests that name it."""
        return tuple(dict.fromkeys(ticket for ask in self.asks for ticket in ask.tickets))

    @property
    def leaves(self) -> list[str]:
        """The versions that a rollback is said to be from; none: from whichever holds the stage."""
        return [ask.leaves for ask in self.asks if ask.leaves is not None]

    @property
    def sources(self) -> list[str]:
        """The labels and places that ask for it."""
        return [ask.source for ask in self.asks]


@dataclass(frozen=True)
class Known:
    """What is there to be named.

    ``touched``: artifacts whose bytes the change touches. ``described``: those that its manifests name;
    ``tagged``: those that the ledger has tags of. ``stages`` gives, for an artifact, the stages that
    policy, ``.gto`` and ledger know; ``only_stages`` says that there are no others.
    """

    touched: Collection[str]
    described: Collection[str]
    tagged: Collection[str]
    stages: Mapping[str, Collection[str]]
    only_stages: bool = False


def resolve(
    asks: Sequence[Ask], known: Known, max_artifacts: int, said_by: str = ""
) -> tuple[list[Intent], list[Mistake]]:
    """One intent for each artifact and stage. Any mistake means that the change is refused as a whole.

    ``said_by`` is put after a sentence about ``max_artifacts``: which file has it.
    """
    described = frozenset(known.described)
    either = described.union(known.tagged)
    words, every = Words(described), Words(either)
    mistakes = [
        _unknown_artifact(ask, words if ask.action is Action.REGISTER else every)
        for ask in asks
        if ask.artifact is not None and ask.artifact not in (described if ask.action is Action.REGISTER else either)
    ]
    mistakes += [
        *_generic_contradictions(asks),
        *_too_many(asks, known, max_artifacts, said_by),
        *_without_effect(asks, known),
    ]
    own = {*known.touched, *(ask.artifact for ask in asks if ask.action is Action.REGISTER and ask.artifact)}
    intents = [*_specific(asks, own)]
    taken = {intent.key for intent in intents if intent.action not in (Action.DEPRECATE, Action.LIFT)}
    intents += [intent for intent in _generic(asks, known.touched) if intent.key not in taken]
    intents = _with_lifts(intents)
    mistakes += [*_contradictions(intents), *_unknown_stages(intents, known)]
    if mistakes:
        return [], list(dict.fromkeys(mistakes))
    merged: dict[tuple[str, str | None, Action], Intent] = {}
    for intent in intents:
        earlier = merged.get((*intent.key, intent.action))
        asked = intent.asks if earlier is None else (*earlier.asks, *intent.asks)
        merged[(*intent.key, intent.action)] = Intent(intent.artifact, intent.action, intent.stage, intent.which, asked)
    return sorted(merged.values(), key=lambda i: (i.artifact, _order(i.action), i.stage or "")), []


def _order(action: Action) -> int:
    """What comes first on one artifact: a version is made before it gets a stage."""
    match action:
        case Action.REGISTER:
            return 0
        case Action.ROLLBACK | Action.ASSIGN | Action.LIFT:
            return 1
        case Action.UNASSIGN:
            return 2
        case Action.DEPRECATE:
            return 3
        case _:
            assert_never(action)


def _unknown_artifact(ask: Ask, names: Words) -> Mistake:
    where = "No manifest of this change" if ask.action is Action.REGISTER else "No manifest and no registry tag"
    near = names.nearest(ask.artifact or "")
    fix = f"Did you mean {near}?" if near else "Describe it in artifacts.yaml first, or correct the name."
    return Mistake(ask.source, f"{where} names an artifact {ask.artifact!r}.", fix)


def _generic_contradictions(asks: Iterable[Ask]) -> list[Mistake]:
    """``version:minor`` beside ``version:major``."""
    bumps = {ask.which: ask for ask in asks if ask.action is Action.REGISTER and ask.artifact is None}
    if len(bumps) < 2:
        return []
    sources = sorted(ask.source for ask in bumps.values())
    return [Mistake(" and ".join(sources), f"{' and '.join(sources)} contradict each other.", "Keep one of them.")]


def _too_many(asks: Iterable[Ask], known: Known, limit: int, said_by: str) -> list[Mistake]:
    generic = [ask for ask in asks if ask.artifact is None]
    count = len(known.touched)
    if not generic or count <= limit:
        return []
    stages = sorted({ask.stage for ask in generic if ask.stage})
    names = sorted(known.touched)
    message = f"{generic[0].source} would act on {count} artifacts, and more than {limit} are not promoted by a label."
    message += said_by
    bumps = [f"{_word(ask)}:{name}@{ask.which}" for ask in generic if ask.action is Action.REGISTER for name in names]
    if not stages:
        return [Mistake(generic[0].source, message, "\n".join(["Name each one by a label of its own:", *bumps]))]
    files = " and ".join(f"{REQUESTS}{stage}/ANY-NAME.yaml" for stage in stages)
    body = [f"- {{artifact: '{name}', version: this}}" for name in names]
    # A file asks for stages only; as comments the labels do no harm in it.
    notes = ["# For new versions these labels, beside this file:", *(f"# {bump}" for bump in bumps)] if bumps else []
    return [Mistake(generic[0].source, message, "\n".join([f"Ask by a file: {files} with", *body, *notes]))]


def _word(ask: Ask) -> str:
    """A label's word with its prefix, of a generic label: none of what follows has a colon."""
    return ask.source.rpartition(":")[0].rstrip(":")


def _which(ask: Ask, *, own: bool) -> str | None:
    """What an assignment that names no version means: this change's version, where it makes one or would."""
    if ask.action is not Action.ASSIGN or ask.which is not None:
        return ask.which
    return THIS if own else LATEST


def _specific(asks: Iterable[Ask], own: Collection[str]) -> Iterable[Intent]:
    for ask in asks:
        if ask.artifact is not None:
            yield Intent(ask.artifact, ask.action, ask.stage, _which(ask, own=ask.artifact in own), (ask,))


def _generic(asks: Iterable[Ask], touched: Collection[str]) -> Iterable[Intent]:
    for ask in asks:
        if ask.artifact is None:
            for artifact in sorted(touched):
                yield Intent(artifact, ask.action, ask.stage, _which(ask, own=True), (ask,))


def _with_lifts(intents: Sequence[Intent]) -> list[Intent]:
    """A lift beside a version for the same stage is one thing to do, not two."""
    assigned = {intent.key for intent in intents if intent.action is Action.ASSIGN}
    lifts: dict[tuple[str, str | None], tuple[Ask, ...]] = {}
    kept: list[Intent] = []
    for intent in intents:
        if intent.action is Action.LIFT and intent.key in assigned:
            lifts[intent.key] = (*lifts.get(intent.key, ()), *intent.asks)
        else:
            kept.append(intent)
    for place, intent in enumerate(kept):
        if intent.action is Action.ASSIGN:
            kept[place] = replace(intent, asks=(*intent.asks, *lifts.pop(intent.key, ())))
    return kept


def _without_effect(asks: Iterable[Ask], known: Known) -> list[Mistake]:
    if known.touched:
        return []
    return [
        Mistake(ask.source, "The change touches no artifact, so the label has no effect.",
                f"Name the artifact ({_word(ask)}:NAME{_rest(ask)}). Or remove the label.")
        for ask in asks if ask.artifact is None
    ]  # fmt: skip


def _rest(ask: Ask) -> str:
    return f"@{ask.which}" if ask.action is Action.REGISTER else f"#{ask.stage}"


def _contradictions(intents: Sequence[Intent]) -> list[Mistake]:
    """Two different things asked of one artifact and stage, or anything beside its deprecation."""
    wanted: dict[tuple[str, str | None, bool], dict[tuple[Action, str | None], Intent]] = {}
    deprecated = {intent.artifact: intent for intent in intents if intent.action is Action.DEPRECATE}
    mistakes = []
    for intent in intents:
        end = deprecated.get(intent.artifact)
        if end is not None and intent.action is not Action.DEPRECATE:
            mistakes.append(_contradiction([end, intent], intent.artifact))
        key = (*intent.key, intent.action is Action.DEPRECATE)
        wanted.setdefault(key, {}).setdefault((intent.action, intent.which), intent)
    for (artifact, stage, _), ways in wanted.items():
        if len(ways) > 1 and any(ask.artifact for intent in ways.values() for ask in intent.asks):
            # Generic labels that contradict each other are told once, not for every artifact.
            mistakes.append(_contradiction(ways.values(), f"{artifact}#{stage}" if stage else artifact))
    return mistakes


def _contradiction(intents: Iterable[Intent], subject: str) -> Mistake:
    sources = " and ".join(dict.fromkeys(intent.sources[0] for intent in intents))
    return Mistake(sources, f"{sources} contradict each other about {subject}.", "Keep one of them.")


def _unknown_stages(intents: Iterable[Intent], known: Known) -> list[Mistake]:
    """A stage that is not among the only ones, or is a slip of one that is known."""
    mistakes: dict[tuple[str, str], Mistake] = {}
    words: dict[frozenset[str], Words] = {}  # most artifacts have the same stages
    for intent in intents:
        stages = frozenset(known.stages.get(intent.artifact, ()))
        if intent.stage is None or intent.stage in stages:
            continue
        near = words.setdefault(stages, Words(stages)).nearest(intent.stage)
        if known.only_stages or (near and did_you_mean(intent.stage, [near], _SLIP)):
            meant = f" Did you mean {near}?" if near else ""
            fix = f"Known stages are {listed(sorted(stages))}.{meant} List a new stage in .tagline.yaml or .gto first."
            source = intent.sources[0]
            mistakes.setdefault(
                (source, intent.stage),
                Mistake(source, f"There is no stage {intent.stage!r} of {intent.artifact}.", fix),
            )
    return list(mistakes.values())


def is_bump(which: str | None) -> bool:
    """Whether a registration asks for the next version, and not for one by its number."""
    return which in BUMPS
