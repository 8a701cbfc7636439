"""Names that look the same and are not: in another case, or in another Unicode form of the same letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def looks(text: str) -> str:
    """The same for all names that are alike."""
    return _composed(_composed(text).casefold())


def alike(names: Iterable[str]) -> list[list[str]]:
    """Names of which each is like the others of its list, sorted."""
    found: dict[str, set[str]] = {}
    for name in names:
        found.setdefault(looks(name), set()).add(name)
    return sorted(sorted(group) for group in found.values() if len(group) > 1)


def difference(one: str, other: str) -> str | None:
    """In what alone two names differ, as a person calls it; None where they are not alike."""
    if one == other or looks(one) != looks(other):
        return None
    return "Unicode form (NFC and NFD)" if _composed(one) == _composed(other) else "case"


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
