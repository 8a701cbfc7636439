"""Puts one artifact's entry into the text of an ``artifacts.yaml``; every other byte stays.

The entry's lines are replaced, or added at the end. The result is read again: unless it says exactly
what was meant, the file is refused and not written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tagline.domain.manifest.document import Document, Node
from tagline.domain.manifest.manifest import MANIFEST
from tagline.errors import Refused
from tagline.formats.yaml import reading as yaml
from tagline.formats.yaml import writing as yaml_text

_BOM = b"\xef\xbb\xbf"
_LINE_RE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|$)")
#: Lines after an entry that are not its own: nothing, a comment at the margin, the end of the document.
_BETWEEN_RE = re.compile(r"[ \t]*[\r\n]*|#.*[\r\n]*|\.\.\.[ \t]*[\r\n]*", re.DOTALL)
_EMPTY_RE = re.compile(r"(?m)^\{[ \t]*\}[ \t]*(?:\r\n|\n|\r|\Z)")


def put(data: bytes | None, name: str, entry: Mapping[str, Any]) -> bytes:
    """The file with ``entry`` as what it says about ``name``; ``data`` is None where there is no file yet.

    Raises Refused for a file that cannot be read, is in flow style, or cannot be edited without touching
    other entries.
    """
    data = data or b""
    before = yaml.load(data)
    old = _entries(before, data)
    mark = _BOM if data.startswith(_BOM) else b""
    text = data[len(mark) :].decode()
    block = yaml_text.block(name, entry)
    if "\r\n" in text:
        block = block.replace("\n", "\r\n")
    edited = mark + _edited(text, before.root, name, block).encode()
    after = yaml.load(edited)
    meant = {**old, name: entry}
    if after.root is None or not same(after.root.value, meant) or _errors(after) - _errors(before):
        raise _refused(
            f"The entry of {name} cannot be written without changing others.",
            "Write each entry in lines of its own, without anchors that others use, and end the last line.",
        )
    return edited


def _entries(document: Document, data: bytes) -> dict[str, Any]:
    """What the file says now."""
    if document.root is None:
        if [problem.rule for problem in document.problems] == ["file-empty"] and not _begins_document(data):
            return {}
        problem = document.problems[0]
        raise _refused(f"Line {problem.line}: {problem.message}", problem.hint)
    for problem in document.problems:
        if problem.severity == "error":
            raise _refused(f"Line {problem.line}: {problem.message}", problem.hint)
    if not isinstance(document.root.value, dict):
        raise _refused("It is no mapping of names to artifacts.", "tagline validate says what it has to be.")
    return document.root.value


def _begins_document(data: bytes) -> bool:
    """Whether a file without content has YAML's own marks, after which an entry might be a second document."""
    return re.search(rb"(?m)^(---|\.\.\.|%)", data) is not None


def _errors(document: Document) -> set[tuple[str, str]]:
    return {(problem.rule, problem.message) for problem in document.problems}


def _edited(text: str, root: Node | None, name: str, block: str) -> str:
    if root is not None and not root.fields:
        return _first(text, block)
    if root is not None and any(place.column != 1 for place in root.keys.values()):
        raise _refused("It is in flow style ({...}), or indented.", "Write it in block style: each name at the margin.")
    lines = [line for line in _LINE_RE.findall(text) if line]
    if root is None or name not in root.fields:
        return _appended(lines, block)
    begin = root.keys[name].line - 1
    later = [place.line - 1 for place in root.keys.values() if place.line - 1 > begin]
    end = min(later, default=len(lines))
    while end > begin + 1 and _BETWEEN_RE.fullmatch(lines[end - 1]):
        end -= 1
    return "".join([*lines[:begin], block, *lines[end:]])


def _first(text: str, block: str) -> str:
    """A file that says ``{}``: the braces go."""
    if len(_EMPTY_RE.findall(text)) != 1:
        raise _refused("It is in flow style ({...}).", "Take the braces out: without them it is as empty.")
    return _appended([line for line in _LINE_RE.findall(_EMPTY_RE.sub("", text)) if line], block)


def _appended(lines: list[str], block: str) -> str:
    last = lines[-1] if lines else "\n"
    ending = "" if last.endswith(("\n", "\r")) else "\r\n" if block.endswith("\r\n") else "\n"
    return "".join([*lines, ending, block])


def same(one: Any, other: Any) -> bool:
    """Whether two pieces of data are equal and of the same kinds: 1, 1.0 and true are three things."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and (one == other or one != one)


def _refused(message: str, hint: str) -> Refused:
    return Refused(f"{MANIFEST} cannot be edited. {message}", hint, code="manifest-not-editable")
