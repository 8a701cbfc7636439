"""A value of the wrong kind -> the same value as it was probably meant, in YAML on one line."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from tagline.domain.manifest.document import Node
from tagline.formats.yaml import scalars

_LONGEST = 80  # a hint repeats no more than this of the user's text
_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+@=-]*(?: [A-Za-z0-9_./+@=-]+)*")
# What other readers of YAML take for true and false, and people therefore write.
_BOOLEANS = {"true": "true", "yes": "true", "y": "true", "on": "true", "1": "true"} | dict.fromkeys(
    ("false", "no", "n", "off", "0"), "false"
)


def converted(node: Node, kinds: Sequence[str], main_key: str | None) -> str | None:
    """The value of ``node`` as one of ``kinds`` (in the words of findings), or None without a guess.

    ``main_key`` is the key that text belongs under where a mapping is wanted, if there is one.
    """
    value = node.written if isinstance(node.value, bool | int | float) else node.value
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        return None
    if "a number" in kinds:
        number = scalars.resolve(value)
        return value if isinstance(number, int | float) and not isinstance(number, bool) else None
    if len(kinds) > 1:
        return None
    (wanted,) = kinds
    if wanted == "text":
        return _text(value)
    if wanted == "a list":
        words = [_text(word.strip()) for word in value.split(",") if word.strip()]
        return f"[{', '.join(words)}]" if words else None
    if wanted == "true or false":
        return _BOOLEANS.get(value.lower())
    if wanted == "a mapping" and main_key and isinstance(node.value, str):
        return f"{{{main_key}: {_text(value)}}}"
    return None


def _text(text: str) -> str:
    """Text as YAML, quoted where it would be something else without quotes."""
    plain = _PLAIN.fullmatch(text) and scalars.resolve(text) is text and scalars.other_reading(text) is None
    return text if plain else json.dumps(text, ensure_ascii=False)


def flow(value: Any) -> str:
    """YAML on one line, for the plain data of examples."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return value if isinstance(value, str) else json.dumps(value)
