"""Words of SQL. The engine's process starts with this module, so it imports nothing."""

from __future__ import annotations

# Not typing's own constant: see tagline/__init__.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def named(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def of_mixed_releases(source: str, columns: Iterable[tuple[str, str]], there: Collection[str]) -> str:
    """A SELECT of columns (name and type) from a source of which only some are there: a release before lacked the rest.

    A column that is not there is NULL.
    """
    cells = (named(name) if name in there else f"NULL::{kind} AS {named(name)}" for name, kind in columns)
    return f"SELECT {', '.join(cells)} FROM {source}"
