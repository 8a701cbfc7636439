"""DVC's configuration file -> plain data, by the parser that DVC itself uses.

Source: https://dvc.org/doc/user-guide/project-structure/configuration
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tagline.errors import WrongUsage

#: Bytes and characters; nobody writes longer ones, and the parser's time grows with a line's square.
MAX_BYTES = 64 * 1024
MAX_LINE = 2048

_REMOTE_RE = re.compile(r'\s*remote\s*"(.*)"\s*')
_QUOTED_RE = re.compile(r""""[^"]*"|'[^']*'""")
_INTERPOLATED_RE = re.compile(r"%\([^)]*\)s")

Sections = dict[str, dict[str, str]]


def parse(data: bytes, name: str) -> Sections:
    """The sections that say where remotes are, keys and names lower-cased; a remote's section is ``remote:NAME``.

    ``name`` is what the file is called in errors. Raises WrongUsage for a file that DVC cannot read either.
    """
    from configobj import ConfigObj, ConfigObjError

    if len(data) > MAX_BYTES:
        raise _unreadable(name, f"it is larger than {MAX_BYTES // 1024} KiB")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _unreadable(name, "it is not UTF-8") from None
    lines = text.splitlines(keepends=True)  # the parser takes off what it takes for ends
    if any(len(line) > MAX_LINE for line in lines):
        raise _unreadable(name, f"it has a line of more than {MAX_LINE} characters")
    try:
        # Reading lists of values can take it exponential time, and what says where remotes are has none.
        config = ConfigObj(lines, interpolation=False, list_values=False)
    except ConfigObjError as error:
        raise _unreadable(name, " ".join(str(error).split()).rstrip(".")[:200]) from None
    reader = _Values(name, has_triple_quotes="'''" in text or '"""' in text)
    sections: Sections = {}
    if value := next((key for key in config.scalars if key.lower() in ("core", "remote")), None):
        raise _unreadable(name, f"{value} is a value where a section is expected")
    for key in config.sections:
        section, lowered = config[key], key.lower()
        match = _REMOTE_RE.fullmatch(lowered)
        if section.sections and (match or lowered == "remote"):
            raise _unreadable(name, f"the section {key} has sections of its own")
        if match:
            sections[f"remote:{match[1]}"] = reader.read(section, section.scalars)
        elif lowered == "core":
            sections["core"] = reader.read(section, [key for key in section.scalars if key.lower() == "remote"])
    return sections


class _Values:
    """The values of one file."""

    def __init__(self, name: str, *, has_triple_quotes: bool) -> None:
        self._name = name
        self._has_triple_quotes = has_triple_quotes

    def read(self, section: Any, keys: Iterable[str]) -> dict[str, str]:
        """Some values of a section."""
        return {key.lower(): self._value(key, section[key]) for key in keys}

    def _value(self, key: str, value: str) -> str:
        if _INTERPOLATED_RE.search(value):
            raise _unreadable(self._name, f"{key} is made of other values, which Tagline does not do")
        if value[:1] in ("'", '"') and value[:1] == value[-1:] and len(value) > 1:
            if self._has_triple_quotes:
                raise _unreadable(self._name, f"it is not clear whether the quotes belong to the value of {key}")
            if "," in value and not _QUOTED_RE.fullmatch(value):
                raise _unreadable(self._name, f"{key} is a list")
            return value[1:-1]
        if "," in value:
            raise _unreadable(self._name, f"{key} is a list: put its value in quotes")
        return value


def _unreadable(name: str, why: str) -> WrongUsage:
    return WrongUsage(
        f"DVC's configuration {name} cannot be read: {why}.", "Mend it, or see: dvc config --list", code="dvc-config"
    )
