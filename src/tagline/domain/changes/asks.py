"""What a change asks for, as people write it by labels, read one by one; ``request_files`` reads files.

The grammar of both is the contract's; docs/labels.md shows it to people.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, assert_never, get_args

from tagline.domain.changes.changes import Label
from tagline.domain.ledger.tags import is_artifact, is_name
from tagline.domain.ledger.versions import BUMPS, is_version
from tagline.domain.text.plain import plain, undressed
from tagline.domain.text.similar import did_you_mean

REQUESTS = "promotions/"
#: What a request may name instead of a version.
THIS, LATEST = "this", "latest"
#: A longer label is nobody's request; GitHub allows 50 characters, GitLab 255.
_MAX_LABEL = 300
#: Invisible. ``render.markdown`` puts it into a text where somebody would be mentioned.
WORD_JOINER = "\u2060"


class Action(StrEnum):
    """What is asked for."""

    REGISTER = "register"
    ASSIGN = "assign"
    ROLLBACK = "rollback"
    UNASSIGN = "unassign"
    DEPRECATE = "deprecate"
    LIFT = "lift"


@dataclass(frozen=True)
class Ask:
    """One request as written.

    ``artifact`` None means every artifact that the change touches. ``which`` is a bump or a version
    for a registration, and a version, ``this`` or ``latest`` for an assignment (None: what the label
    says without a word). ``source`` is the label, or ``file:line``; ``file`` is set for request files.
    ``by`` and ``at`` (unix seconds) tell who asked and when, None where nobody can tell. ``lifts``: what holds the
    stage is lifted with it. ``override`` is why rules about people and time are passed over. ``leaves``: whom a
    rollback is from, None for any. ``tickets`` say where it was decided.
    """

    action: Action
    source: str
    artifact: str | None = None
    stage: str | None = None
    which: str | None = None
    by: str | None = None
    at: float | None = None
    file: str | None = None
    reason: str | None = None
    lifts: bool = False
    override: str | None = None
    leaves: str | None = None
    tickets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mistake:
    """Something asked in a way that cannot be meant: the whole change is refused for it."""

    source: str
    message: str
    fix: str


_Word = Literal["version", "stage", "rollback", "unstage", "deprecate", "lift"]
_WORDS: tuple[_Word, ...] = get_args(_Word)
#: Those that a label may say without the name of an artifact.
_GENERIC: tuple[_Word, ...] = ("version", "stage")
_SIMILAR = re.compile(r"([^\W_]+)[\s_/=.:-]+(\S+)")
_OTHER_SEPARATOR = re.compile(r"(\w+)\s*[/=_\s-]\s*(\S+)")


def read_labels(labels: Sequence[Label], prefix: str, stages: Collection[str] = ()) -> tuple[list[Ask], list[Mistake]]:
    """The requests among a change's labels, and those that look like one and are none.

    ``stages`` are known ones: what was probably meant is written as they are.
    """
    asks: list[Ask] = []
    mistakes: list[Mistake] = []
    for label in labels:
        found = _read_label(label, prefix, stages)
        if isinstance(found, Ask):
            asks.append(found)
        elif found is not None:
            mistakes.append(found)
    return asks, mistakes


def as_put_on(labels: Sequence[Label], prefix: str) -> list[Label]:
    """The labels by the names that people gave: a request that was renamed into another one since asks once."""
    ours = [label for label in labels if concerns_us(label.name, prefix)]
    renamed = [label for label in ours if label.at is None and not label.gone]
    explained = len(renamed) <= sum(label.gone for label in ours)
    return [label for label in labels if not (explained and label in renamed)]


def concerns_us(name: str, prefix: str) -> bool:
    """Whether a label is a request, or looks like one."""
    return _read_label(Label(name, None, None), prefix) is not None


def resembles(name: str, prefix: str, stages: Collection[str]) -> str | None:
    """The request that a label is like which is none and no mistake: ``stage-prod``, where ``prod`` is a stage."""
    if len(name) > _MAX_LABEL or concerns_us(name, prefix):
        return None
    text, start = undressed(name, _WORDS), plain(prefix).casefold()
    if not text.casefold().startswith(start):
        return None
    match = _SIMILAR.fullmatch(text[len(start) :])
    word = next((word for word in _GENERIC if match and _is_slip(match[1].casefold(), word)), None)
    if match is None or word is None:
        return None
    value = _known(match[2], BUMPS if word == "version" else stages)
    return f"{prefix}{word}:{value}" if value else None


def _known(text: str, values: Collection[str]) -> str | None:
    """One of some values, whatever the case it is written in."""
    return text if text in values else next((one for one in values if one.casefold() == text.casefold()), None)


def _read_label(label: Label, prefix: str, stages: Collection[str] = ()) -> Ask | Mistake | None:
    name = label.name
    if len(name) > _MAX_LABEL:
        return None
    if not name.startswith(prefix):
        return _near_our_prefix(label, prefix, stages)
    # A label that was copied from a comment of ours carries what breaks mentions there.
    text = name[len(prefix) :].replace(WORD_JOINER, "")
    said, colon, rest = text.partition(":")
    word = _word(said) if colon else None
    if word is None:
        meant = _meant(text) or _meant(undressed(text, _WORDS))
        return _near_miss(label, meant, prefix, stages) if meant or prefix else None
    # GitLab's scoped labels are written with two colons.
    ask = _parse(word, rest.removeprefix(":"))
    if ask is None:
        near = _value_near(word, rest)
        meant = f"Did you mean {prefix}{near}? " if near else ""
        fix = f"{meant}Write {_forms(word, prefix)}."
        return Mistake(name, f"The label says nothing that Tagline understands after {word}:.", fix)
    action, artifact, stage, which = ask
    return Ask(action, name, artifact, stage, which, label.by, label.at)


def _near_our_prefix(label: Label, prefix: str, stages: Collection[str]) -> Mistake | None:
    """A label whose prefix is dressed up, and that is a request but for that. One without it is nobody's."""
    start = plain(prefix).casefold()
    start = start[next((place for place, char in enumerate(start) if char.isalnum()), len(start)) :]
    text = undressed(label.name, _WORDS)
    if not start or not text.casefold().startswith(start):
        return None
    meant = _meant(text[len(start) :])
    return _near_miss(label, meant, prefix, stages) if meant else None


def _word(text: str) -> _Word | None:
    return next((word for word in _WORDS if word == text), None)


def _forms(word: _Word, prefix: str) -> str:
    return _form(word).replace(f"{word}:", f"{prefix}{word}:")


def _form(word: _Word) -> str:
    match word:
        case "version":
            return "version:minor, version:NAME@minor or version:NAME@v2.1.0"
        case "stage":
            return "stage:prod, stage:NAME#prod or stage:NAME@v1.2.0#prod"
        case "rollback" | "unstage" | "lift":
            return f"{word}:NAME#prod"
        case "deprecate":
            return "deprecate:NAME"
        case _:
            assert_never(word)


#: Action, artifact, stage and which; None for what no label may say.
_Parsed = tuple[Action, str | None, str | None, str | None] | None


def _parse(word: _Word, rest: str) -> _Parsed:
    match word:
        case "version":
            return _version(rest)
        case "stage":
            return _stage(rest)
        case "rollback":
            return _back(Action.ROLLBACK, rest)
        case "unstage":
            return _back(Action.UNASSIGN, rest)
        case "lift":
            return _back(Action.LIFT, rest)
        case "deprecate":
            return (Action.DEPRECATE, rest, None, None) if is_artifact(rest) else None
        case _:
            assert_never(word)


def _back(action: Action, rest: str) -> _Parsed:
    artifact, _, stage = rest.rpartition("#")
    return (action, artifact, stage, None) if is_artifact(artifact) and is_name(stage) else None


def _stage(rest: str) -> _Parsed:
    target, hash_sign, stage = rest.rpartition("#")
    if not is_name(stage):
        return None
    if not hash_sign:
        return Action.ASSIGN, None, stage, None
    artifact, at_sign, version = target.partition("@")
    if not is_artifact(artifact) or (at_sign and not is_version(version)):
        return None
    return Action.ASSIGN, artifact, stage, version or None


def _version(rest: str) -> _Parsed:
    if rest in BUMPS:
        return Action.REGISTER, None, None, rest
    artifact, _, which = rest.rpartition("@")
    if is_artifact(artifact) and (which in BUMPS or is_version(which)):
        return Action.REGISTER, artifact, None, which
    return None


def _meant(text: str) -> str | None:
    """The request that a text nearly is, or is; None for what is nobody's slip."""
    word, colon, rest = text.partition(":")
    if colon:
        near = next((known for known in _WORDS if _is_slip(word.strip().casefold(), known)), None)
        # A short word: what is nearly it is ours only if it names a stage.
        return f"{near}:{_tidied(near, rest)}" if near and (near != "lift" or "#" in rest) else None
    match = _OTHER_SEPARATOR.fullmatch(text)
    known = _word(match[1].casefold()) if match else None
    # "version-minor" is ours, "version-2" may be anybody's; so may "stage-prod" and "deprecate-me".
    if match is None or known is None or known == "deprecate" or not _parse(known, match[2]):
        return None
    return None if known == "stage" and "#" not in match[2] else f"{known}:{match[2]}"


def _near_miss(label: Label, meant: str | None, prefix: str, stages: Collection[str]) -> Mistake:
    """With a prefix of our own every label that is no request is a mistake, whatever was meant."""
    if meant is not None and not meant.startswith("version:"):
        start, sign, stage = meant.rpartition("#" if "#" in meant else ":")
        meant = f"{start}{sign}{_known(stage, stages) or stage}"
    fix = f"Did you mean {prefix}{meant}?" if meant else f"Labels are {'; '.join(_forms(w, prefix) for w in _WORDS)}."
    return Mistake(
        label.name,
        "The label looks like a request and is none; nothing is tagged until it is corrected or removed.",
        fix,
    )


def _tidied(word: _Word, rest: str) -> str:
    """What stands after a word, without blanks; and without all that it is dressed in, if that makes it a value."""
    text = undressed(rest, _WORDS)
    return text if _parse(word, text) else rest.strip()


def _is_slip(word: str, known: str) -> bool:
    """Whether ``word`` is ``known`` with a letter too many, one too few, two swapped, or in capitals.

    Another letter in a place is no slip: ``state:`` is a label of many projects. One of another alphabet is.
    """
    if word == known:
        return True
    if len(word) == len(known):
        others = [letter for letter, ours in zip(word, known, strict=True) if letter != ours]
        if len(others) < len(known) / 2 and not any(map(str.isascii, others)):
            return True
    longer, shorter = (word, known) if len(word) > len(known) else (known, word)
    if len(longer) == len(shorter) + 1:
        return any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))
    swaps = (word[:i] + word[i + 1 : i + 2] + word[i : i + 1] + word[i + 2 :] for i in range(len(word) - 1))
    return len(word) == len(known) and known in swaps


def _value_near(word: _Word, rest: str) -> str | None:
    """What was probably meant after a word of ours."""
    bare = undressed(rest, _WORDS)
    if bare != rest and _parse(word, bare):
        return f"{word}:{bare}"
    text = plain(rest).strip().removeprefix(":").strip()
    if word == "version":
        artifact, at_sign, which = text.rpartition("@")
        likely = did_you_mean(which, BUMPS) or f"v{which.lstrip('vV')}"
        guess = f"{artifact}{at_sign}{likely}"
        return f"version:{guess}" if _parse(word, guess) else None
    if word in ("rollback", "unstage", "lift") and is_name(text):
        return f"{word}:NAME#{text}"
    as_artifact = text.replace("=", ":").replace("@V", "@v")
    return f"{word}:{as_artifact}" if as_artifact != text and _parse(word, as_artifact) else None
