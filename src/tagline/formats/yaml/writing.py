"""Data -> YAML text in block style, the same to readers of YAML 1.1 and 1.2: whatever is doubtful is quoted.

Text is data: nothing in it can end its own quotes, add a key or begin a comment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

#: Words that need no quotes: a letter first, no ``: `` and no `` #``, nothing that any reader takes for more than text.
_PLAIN_RE = re.compile(r"[A-Za-z][A-Za-z0-9_.,/()+-]*(?:[ :][A-Za-z0-9_.,/()+-]+)*")
_SPECIAL_RE = re.compile(r"(?:true|false|null|yes|no|on|off|y|n)", re.I)
_LONGEST_PLAIN = 200
#: Beyond this a key must be announced by ``?``: YAML's limit is 1024.
_LONGEST_KEY = 1000
# What YAML does not allow in a file, what ends a line for some readers, and what has no look at all.
_ESCAPED_RE = re.compile(
    "[^\t\x20-\x7e\xa0-\u200a\u2010-\u2027\u2030-\u205f\u2070-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


def block(name: str, value: Mapping[str, Any]) -> str:
    """A key with its mapping, as lines that end in ``\\n``.

    Values are text, integers, finite floats, true, false, None, and mappings and lists of those.
    """
    return "".join(f"{line}\n" for line in _pair(name, value, ""))


def _pair(key: str, value: Any, indent: str) -> Iterator[str]:
    written = _text(key)
    if len(written) > _LONGEST_KEY:
        yield f"{indent}? {written}"
        written = ""
    head = f"{indent}{written}:"
    if isinstance(value, Mapping) and value:
        yield head
        for inner, child in value.items():
            yield from _pair(inner, child, indent + "  ")
    elif isinstance(value, list) and value:
        yield head
        yield from (f"{indent}  - {_scalar(item)}" for item in value)
    else:
        yield f"{head} {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, float):
        return _float(value)
    return str(value) if isinstance(value, int) else "[]" if isinstance(value, list) else "{}"


def _float(value: float) -> str:
    """The shortest text that reads back as the same number; YAML 1.1 wants a point before an exponent."""
    text = repr(value)
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}.0e{exponent}" if mark and "." not in mantissa else text


def _text(value: str) -> str:
    if len(value) <= _LONGEST_PLAIN and _PLAIN_RE.fullmatch(value) and not _SPECIAL_RE.fullmatch(value):
        return value
    # JSON's quotes are YAML's, and so are its escapes; the rest is escaped where YAML has to.
    return _ESCAPED_RE.sub(_escape, json.dumps(value, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
