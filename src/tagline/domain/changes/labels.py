"""The labels that a repository offers, so that people choose instead of typing: which, and what is in their way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from tagline.domain.changes.policy import Policy
from tagline.domain.ledger.versions import BUMPS
from tagline.errors import Refused

#: More nobody finds his way among; request files have no such bound.
MOST_LABELS = 100
#: So many artifacts' labels one comment teaches.
MOST_TAUGHT = 5
#: An example, where any stage is free and none is listed.
_ANY_STAGE = "prod"
_VERSION_COLOR, _STAGE_COLOR = "1d76db", "0e8a16"
_PARTS = {"patch": "a repaired", "minor": "a better", "major": "an incompatible"}


class Offer(NamedTuple):
    """A label as it should be; ``color`` is six hex digits."""

    name: str
    color: str
    description: str


class LabelState(StrEnum):
    """What became of a label."""

    MADE = "made"
    #: It would be made: nothing is written.
    MISSING = "missing"
    THERE = "there"
    #: Another stands in its way, which the forge takes for the same.
    BLOCKED = "blocked"
    TOO_LONG = "too-long"


class SyncedLabel(NamedTuple):
    """A label, what became of it, and why nothing could."""

    offer: Offer
    state: LabelState
    why: str | None = None


class SyncedLabels(NamedTuple):
    """The labels in their order. ``dry_run``: none was made; ``refused``: why the run itself could make none."""

    labels: tuple[SyncedLabel, ...]
    dry_run: bool
    refused: str | None = None

    @property
    def blocked(self) -> bool:
        """Whether some label is not as people would need it."""
        return any(label.state is LabelState.BLOCKED for label in self.labels)


def offered_stages(policy: Policy, allowed: Sequence[str] | None) -> list[str]:
    """The stages that a label can ask for, in the policy's order; ``allowed`` are those of ``.gto``, None for any."""
    listed = list(policy.listed_stages)
    if not listed or policy.other_stages == "allow":
        listed = list(dict.fromkeys([*listed, *(allowed or ())]))
    return [stage for stage in listed if allowed is None or stage in allowed]


class Lesson(NamedTuple):
    """The two labels to copy: for ``artifact``, or for whatever the change touches (None).

    ``stage`` is None where no stage may be held.
    """

    artifact: str | None
    version: str
    stage: str | None


def lessons(
    policy: Policy, artifacts: Sequence[str], allowed: Sequence[str] | None, longest: int
) -> tuple[Lesson, ...]:
    """The labels that ask for each of the artifacts (at most MOST_TAUGHT); one pair for all where one is enough.

    ``allowed`` are the stages of ``.gto``, None for any. A name that makes a label ``longest`` does not allow is
    left out.
    """
    prefix = policy.label_prefix
    found = []
    for artifact in artifacts[:MOST_TAUGHT] if len(artifacts) > 1 else ():
        stage = _first_stage(policy, artifact, allowed)
        pair = Lesson(
            artifact, f"{prefix}version:{artifact}@minor", f"{prefix}stage:{artifact}#{stage}" if stage else None
        )
        found += [pair] if max(len(pair.version), len(pair.stage or "")) <= longest else []
    if found:
        return tuple(found)
    stage = _first_stage(policy, artifacts[0], allowed)
    return (Lesson(None, f"{prefix}version:minor", f"{prefix}stage:{stage}" if stage else None),)


def _first_stage(policy: Policy, artifact: str, allowed: Sequence[str] | None) -> str | None:
    """The stage that a new version can have first, by a label: one that comes after no other and asks for no ticket."""
    offered = offered_stages(policy, allowed)
    known = ((stage, policy.rules(artifact, stage)) for stage in offered if not policy.refuses(artifact, stage))
    stages = {stage: rules for stage, rules in known if rules is None or not rules.tickets}
    for stage, rules in stages.items():
        if rules is None or not rules.after:
            return stage
    if stages or offered or allowed is not None:
        return next(iter(stages), None)
    return None if policy.refuses(artifact, _ANY_STAGE) else _ANY_STAGE


def offers(policy: Policy, stages: Iterable[str], artifacts: Collection[str] = ()) -> list[Offer]:
    """The labels for all artifacts, and those for each of ``artifacts``. Raises Refused for more than MOST_LABELS."""
    stages, prefix = list(stages), policy.label_prefix
    found = [_version(f"{prefix}version:", bump, "each artifact that the change touches") for bump in reversed(BUMPS)]
    found += [_stage(f"{prefix}stage:", stage, "each artifact that the change touches") for stage in stages]
    for artifact in artifacts:
        found += [_version(f"{prefix}version:{artifact}@", bump, artifact) for bump in reversed(BUMPS)]
        own = (stage for stage in stages if not policy.refuses(artifact, stage))
        found += [_stage(f"{prefix}stage:{artifact}#", stage, artifact) for stage in own]
    if len(found) > MOST_LABELS:
        raise Refused(
            f"These would be {len(found)} labels, and at most {MOST_LABELS} are made: nothing was made.",
            "Leave out --per-artifact: labels without a name are for whatever a change touches, any label can be made "
            "by hand, and files under promotions/STAGE/ ask without labels.",
            code="too-many-labels",
        )
    return found


def _version(start: str, bump: str, whose: str) -> Offer:
    return _offer(f"{start}{bump}", _VERSION_COLOR, f"Tagline: {_PARTS[bump]} version of ", whose)


def _stage(start: str, stage: str, whose: str) -> Offer:
    return _offer(f"{start}{stage}", _STAGE_COLOR, f"Tagline: {stage} for ", whose)


#: GitHub's bound for a description.
_LONGEST_DESCRIPTION = 100


def _offer(name: str, color: str, said: str, whose: str) -> Offer:
    description = f"{said}{whose}"
    return Offer(name, color, description if len(description) <= _LONGEST_DESCRIPTION else "Tagline")


def compare(wanted: Iterable[Offer], there: Iterable[str], *, longest: int, ignore_case: bool) -> list[SyncedLabel]:
    """What is to be made of ``wanted``, given the names that are there and how the forge compares and bounds them.

    A label in GitLab's scoped form, with ``::``, asks for the same and counts as there.
    """
    names = {name.replace("::", ":", 1): name for name in there}
    folded = {plain.casefold(): name for plain, name in names.items()}
    found = []
    for offer in wanted:
        near = folded.get(offer.name.casefold()) if ignore_case else None
        if offer.name in names:
            found.append(SyncedLabel(offer, LabelState.THERE))
        elif near is not None:
            why = f"{near} is there, the same label to this forge, and asks for nothing: rename it to {offer.name}."
            found.append(SyncedLabel(offer, LabelState.BLOCKED, why))
        elif len(offer.name) > longest:
            why = f"It has {len(offer.name)} characters, and this forge allows {longest}: ask by a request file."
            found.append(SyncedLabel(offer, LabelState.TOO_LONG, why))
        else:
            found.append(SyncedLabel(offer, LabelState.MISSING))
    return found
