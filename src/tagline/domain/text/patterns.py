"""The patterns of CODEOWNERS files: whether one matches a path.

A pattern becomes one regular expression in which a star takes the least that lets what follows
it match, and then gives nothing back (an atomic group). For globs that loses no match, and it
keeps a pattern of many stars from trying all combinations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

_ANY = "**"
_SET = re.compile(r"\[[!^]?(?:\\.|[^\]\\])*+\]", re.DOTALL)
# A bracket that is never closed takes the rest, or many of them would be looked for many times.
_PART = re.compile(rf"\*+|\?|{_SET.pattern}|\[.*|\\?.", re.DOTALL)
_RANGE = re.compile(r"\\?(.)(?:-\\?(.))?", re.DOTALL)
_SPECIAL = re.compile(r"[*?\\]")
_FOLDERS = "(?:[^/]++/)*"
_NEVER = "(?!)"


class PathPattern:
    """Segments as they stand between slashes; the segment ``**`` is any number of folders.

    ``below``: what lies below a folder that matches does too. In a segment ``*`` is any text,
    ``?`` any character, ``[a-z]`` and ``[!a-z]`` one of these or none of them, and a backslash
    makes the next character an ordinary one.
    """

    def __init__(self, segments: Sequence[str], *, below: bool = False) -> None:
        self._segments = tuple(segments)
        self._below = below
        # Its longest literal text: most patterns of a large file fail at this and are never compiled.
        text = f"/{'/'.join(segments)}/"
        self._landmark = "" if "[" in text else max(_SPECIAL.split(text), key=len)

    def matches(self, path: str) -> bool:
        """Whether a path, relative to the repository's root, matches."""
        return self._landmark in f"/{path}/" and self._expression.fullmatch(path) is not None

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        first, *others = _split(self._segments)
        text = "/".join(first)
        if not others:
            return re.compile(text + self._tail(), re.DOTALL)
        text += "/" if first else ""
        *inner, last = others
        text += "".join(f"(?>{_FOLDERS}?{'/'.join(run)}/)" for run in inner if run)
        text += _FOLDERS + "/".join(last) + self._tail() if last else ".+"
        return re.compile(text, re.DOTALL)

    def _tail(self) -> str:
        return "(?:/.+)?" if self._below else ""


def _split(segments: Sequence[str]) -> list[list[str]]:
    """The expressions of the runs of segments before, between and after each ``**``."""
    runs: list[list[str]] = [[]]
    for segment in segments:
        if segment == _ANY:
            runs.append([])
        else:
            runs[-1].append(_segment(segment))
    return runs


def _segment(segment: str) -> str:
    pieces = [""]
    for part in _PART.findall(segment):
        if part.startswith("*"):
            pieces.append("")
        else:
            pieces[-1] += _one(part)
    first, *inner = pieces
    if not inner:
        return first
    last = inner.pop()
    return first + "".join(f"(?>[^/]*?{piece})" for piece in inner) + "[^/]*" + last


def _one(part: str) -> str:
    """The expression of a part that is exactly one character of a path."""
    if part == "?":
        return "[^/]"
    if part.startswith("["):
        return _set(part[1:-1]) if _SET.fullmatch(part) else _NEVER
    return re.escape(part[-1])


def _set(content: str) -> str:
    negated = content[:1] in ("!", "^")
    ranges = dict.fromkeys(_RANGE.findall(content[negated:]))  # once each: a file may repeat one for ever
    parts = "".join(
        f"{re.escape(low)}-{re.escape(high)}" if high else re.escape(low)
        for low, high in ranges
        if not high or low <= high
    )
    if not parts:
        return "[^/]" if negated else _NEVER
    return f"[^/{parts}]" if negated else f"(?!/)[{parts}]"


def github_pattern(text: str) -> PathPattern | None:
    """A pattern of gitignore's kind; None for what GitHub does not take: ``!``, ``[ ]`` and ``\\#``."""
    if text.startswith(("!", "\\#")) or any(part[0] in "[]" for part in _PART.findall(text)):
        return None
    body = text.removesuffix("/")
    segments = body.removeprefix("/").split("/")
    if "/" not in body:
        segments.insert(0, _ANY)
    if body != text:
        segments.append(_ANY)
    # "docs/*" is the files in docs alone, other than in gitignore.
    return PathPattern(segments, below=segments[-1] != "*")


def gitlab_pattern(text: str) -> PathPattern:
    """A pattern of Ruby's ``File.fnmatch`` with FNM_PATHNAME and FNM_DOTMATCH, as GitLab completes it."""
    segments = text.removeprefix("/").split("/")
    if not text.startswith("/"):
        segments.insert(0, _ANY)
    if text.endswith("/"):
        segments[-1:] = [_ANY, "*"]
    elif segments[-1] == _ANY:
        segments[-1] = "*"  # only "**/" means any folders
    return PathPattern(segments)
