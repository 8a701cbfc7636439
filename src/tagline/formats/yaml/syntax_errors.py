"""The YAML library's syntax errors in words that say what to change."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from tagline.domain.manifest.document import Problem

# A piece of the library's problem (and context) -> what we say, what to do. The first match counts.
_EXPLANATIONS: tuple[tuple[str, str, str], ...] = (
    ("mapping values are not allowed", "A ':' is not expected here.",
     "Quote the text if it contains ': ', or align this key with the keys above it."),
    ("flow sequence", "This list is not closed with ']', or lacks a ','.", "Add the missing ',' or ']'."),
    ("flow mapping", "This mapping is not closed with '}', or lacks a ','.", "Add the missing ',' or '}'."),
    ("flow node", "A value or a closing bracket is missing.", "Complete the list or mapping."),
    ("quoted scalar|end of stream", "This quote is never closed.", "Add the closing quote."),
    ("quoted scalar|document indicator", "This quote is never closed.", "Add the closing quote."),
    ("unknown escape character", "This backslash sequence is unknown.",
     "Use single quotes, or write \\\\ for a backslash."),
    ("hexdecimal", "This \\x or \\u sequence needs more digits.", "Write for example \\x41 or \\u0041."),
    ("escape sequence of", "This \\x or \\u sequence needs more digits.", "Write for example \\x41."),
    ("undefined alias", "This alias has no anchor before it.", "Define the anchor first, or quote the text."),
    ("duplicate %", "A directive is given twice.", "Remove one."),
    ("incompatible YAML", "This YAML version is not supported.", "Remove the %YAML line."),
    ("directive", "This line begins with '%' but is no directive.", "Remove the line, or quote the text."),
    ("undefined tag handle", "This tag is not supported.", "Remove the tag, or quote the text."),
    ("scanning a tag", "This '!' begins a tag that cannot be read.", "Remove the tag, or quote the text."),
    ("parsing a tag", "This '!' begins a tag that cannot be read.", "Remove the tag, or quote the text."),
    ("scanning an anchor", "A name is missing after '&'.", "Name the anchor, or quote the text."),
    ("scanning an alias", "A name is missing after '*'.", "Name the alias, or quote the text."),
    ("expected alphabetic", "A name is missing after '&' or '*'.", "Name it, or quote the text."),
    ("block scalar", "Only a comment may follow '|' or '>' here.", "Move the text to the next line."),
    ("block collection", "This line does not belong to the list above it.",
     "Indent it like the '-' lines, or end the list by indenting less."),
    ("block sequence", "A list item is not expected here.", "Put '-' on its own line, or align it."),
    ("block mapping", "This line does not fit the mapping around it.",
     "Align the key with its siblings, and quote values that begin with a quote or a bracket."),
    ("could not find expected ':'", "This line is no 'key: value' pair.", "Add ': ' after the key."),
    ("expected node content", "A value is missing here.", "Write a value, or quote the text."),
)  # fmt: skip


def explain(error: Any, text: str) -> Problem:
    """The problem that ``error`` (of the YAML library) reports about ``text``."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return Problem((), 1, 1, "yaml-syntax", "error", "This is not YAML.", "Check the file's syntax.")
    jargon = f"{getattr(error, 'context', None) or ''}|{getattr(error, 'problem', None) or ''}"
    character = text[mark.index : mark.index + 1]
    if "tab" in jargon or (character == "\t" and "cannot start" in jargon):
        return _at(mark, "yaml-tab", "A tab cannot indent YAML.", "Replace the tab by spaces.")
    if "cannot start" in jargon:
        return _at(
            mark,
            "yaml-syntax",
            f"A value cannot begin with '{character}'.",
            f"Quote the text that begins with '{character}'.",
        )
    for needle, message, hint in _EXPLANATIONS:
        if all(part in jargon for part in needle.split("|")):
            # An unclosed bracket or quote is reported where the text ends; it is mended where it opened.
            start = error.context_mark if "not closed" in message or "never closed" in message else None
            return _at(start or _before_end(mark, text), "yaml-syntax", message, hint)
    reason = jargon.strip("|").replace("|", ": ")
    return _at(mark, "yaml-syntax", f"Not valid YAML ({reason}).", "Correct the syntax at this place.")


class _Place(NamedTuple):
    line: int
    column: int


def _before_end(mark: Any, text: str) -> Any:
    """The mark, but never in blank lines at the text's end: the last thing written is what matters."""
    if text[mark.index :].strip():
        return mark
    lines = re.split("\r\n|\n|\r", text[: mark.index].rstrip())
    return _Place(len(lines) - 1, max(0, len(lines[-1]) - 1))


def _at(mark: Any, rule: str, message: str, hint: str) -> Problem:
    return Problem((), mark.line + 1, mark.column + 1, rule, "error", message, hint)
