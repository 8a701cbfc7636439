"""What a plain YAML scalar means: the core schema of YAML 1.2, and where ruamel.yaml differs."""

from __future__ import annotations

import re
from typing import Any

_NULL_AND_BOOL: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NUMBER_START = frozenset("-+.0123456789")
# Python refuses to read longer decimal integers (CVE-2020-10735); such a number is text to us.
_MAX_DIGITS = 4000

# Strings to the core schema, but something else (or a crash) to ruamel.yaml 0.18 and 0.19,
# with which GTO and DVC read the same file.
_RUAMEL_INT = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|[0-9_]+|0x[0-9a-fA-F_]+)")
_RUAMEL_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9_]+(?:[eE][-+][0-9]+)?)"
)
_RUAMEL_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9][0-9]?-[0-9][0-9]?(?:[Tt]|[ \t]+)[0-9].*")


def resolve(text: str) -> Any:
    """The value of a plain scalar without a tag."""
    if text in _NULL_AND_BOOL:
        return _NULL_AND_BOOL[text]
    if text[0] not in _NUMBER_START:
        return text
    return _number(text)


def _number(text: str) -> Any:
    if _INT.fullmatch(text):
        return int(text) if len(text) <= _MAX_DIGITS else text
    if _FLOAT.fullmatch(text):
        return float(text)
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEX.fullmatch(text):
        return int(text, 16)
    if _SPECIAL_FLOAT.fullmatch(text):
        return float(text.lower().replace(".", ""))
    return text


def other_reading(text: str) -> str | None:
    """What GTO and DVC take this plain string for, or None where they agree that it is a string."""
    if text == "=":
        return "a syntax error"
    if text[:1] not in _NUMBER_START:
        return None
    if _RUAMEL_DATE.fullmatch(text):
        return "a date"
    if _RUAMEL_INT.fullmatch(text) or _RUAMEL_FLOAT.fullmatch(text):
        return "a number"
    return None


def resolve_tagged(tag: str, text: str) -> Any:
    """The value of a scalar with one of the core schema's tags.

    Raises ValueError if the text is no value of that kind.
    """
    kind = tag.removeprefix(PREFIX)
    if kind == "str":
        return text
    value = resolve(text) if text else None
    if kind == "float" and type(value) is int:
        return float(value)
    if type(value) is not _KINDS[kind]:
        raise ValueError(text)
    return value


PREFIX = "tag:yaml.org,2002:"
_KINDS: dict[str, type] = {"null": type(None), "bool": bool, "int": int, "float": float}
SCALAR_TAGS = frozenset(PREFIX + kind for kind in ("str", *_KINDS))
MAPPING_TAG = PREFIX + "map"
SEQUENCE_TAG = PREFIX + "seq"
