"""The right side of a term: text to what it is compared with."""

from __future__ import annotations

import re
from typing import NamedTuple

from tagline.domain.ledger.versions import is_version
from tagline.domain.search.keys import Key
from tagline.domain.search.mistakes import SearchMistake
from tagline.domain.search.tree import Instant, Operand
from tagline.domain.text.times import parse_instant
from tagline.errors import WrongUsage

NUMBER = re.compile(r"[+-]?([0-9]{1,300}(\.[0-9]{0,300})?|\.[0-9]{1,300})([eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PART_OF_VERSION = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))?")
#: The hash alone of MD5, SHA-1 or SHA-256: it would be a path, and is never meant as one.
_BARE_HASH = re.compile(r"([0-9a-f]{32}(\.dir)?|[0-9a-f]{40}|[0-9a-f]{64})", re.IGNORECASE)
#: Stars of a pattern: each makes a longer look for a place where the rest fits.
MOST_STARS = 8
_FLAGS = {"true": True, "yes": True, "false": False, "no": False}
_EQUAL = (":", "=", "!=")


class Meant(NamedTuple):
    """An operator, which is ``~`` for a pattern, and what it compares with."""

    operator: str
    value: Operand


def pattern_of(text: str, *, quoted: bool) -> tuple[str, bool]:
    """A name, and whether it is a pattern."""
    return (re.sub(r"\*+", "*", text), True) if "*" in text and not quoted else (text, False)


def operand(key: Key, operator: str, text: str, place: int, *, quoted: bool) -> Meant:
    """What an operator compares with, by the key. Raises SearchMistake."""
    if not text:
        raise SearchMistake("no-value", place, f"Nothing stands after {key.name}{operator}", "Write a value there.")
    if "*" in text and not quoted and text.count("*") > MOST_STARS:
        raise SearchMistake("pattern", place, f"There are more than {MOST_STARS} stars.", "In quotes a * is itself.")
    if key.value == "flag":
        return Meant(operator, _flag(key, text, place))
    if key.value == "date":
        return Meant(operator, _instant(text, place))
    if key.value == "number" or (key.value == "any" and operator not in _EQUAL):
        return Meant(operator, _number(key, text, place))
    if key.value == "version" and operator not in _EQUAL:
        return Meant(operator, _version(text, place))
    if key.name == "input" and not quoted and _BARE_HASH.fullmatch(text):
        raise SearchMistake(
            "digest", place, "A digest begins with its kind.", f"Write {key.name}:md5:{text}, sha256:... or gitblob:..."
        )
    if operator == ":" and "*" in text and not quoted:
        return Meant("~", re.sub(r"\*+", "*", text))
    if key.value == "version":
        return Meant(operator, text if text.startswith(("v", "V")) or not is_version(f"v{text}") else f"v{text}")
    return Meant(operator, text)


def _flag(key: Key, text: str, place: int) -> bool:
    if text.lower() not in _FLAGS:
        raise SearchMistake("flag", place, f"{text!r} is neither true nor false.", f"Write {key.name}:true.")
    return _FLAGS[text.lower()]


def _instant(text: str, place: int) -> Instant:
    try:
        return Instant(parse_instant(text), _DATE.fullmatch(text) is not None)
    except WrongUsage as error:
        raise SearchMistake("date", place, error.message, error.hint) from error


def _number(key: Key, text: str, place: int) -> float:
    value = float(text) if NUMBER.fullmatch(text) else float("inf")
    if value in (float("inf"), float("-inf")):
        raise SearchMistake(
            "number", place, f"{text[:100]!r} is no number.", f"Write one: {key.name}:NAME>0.95, 1e-3, -2"
        )
    return value


def _version(text: str, place: int) -> str:
    """A whole version of ``1``, ``v1.2``, ``v1.2.3``."""
    bare = text[1:] if text[:1] in ("v", "V") else text
    part = _PART_OF_VERSION.fullmatch(bare)
    whole = f"v{bare}" + (".0" if part and part[2] else ".0.0" if part else "")
    if not is_version(whole):
        raise SearchMistake(
            "version", place, f"{text[:100]!r} is no version.", "Write one: v1.2.3, or v1.2 for v1.2.0."
        )
    return whole
