"""``${...}`` in the artifacts of a dvc.yaml, resolved as DVC does.

Values come from ``params.yaml`` beside the dvc.yaml and from its ``vars:`` (files, or
mappings in place). What cannot be resolved is a problem at its place, never a guess.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any

from tagline.domain.manifest.document import Document, Node, Path, Position, Problem, map_strings
from tagline.domain.text.shell import shell_path

RULE = "dvc-interpolation"
DEFAULT_PARAMS = "params.yaml"
MAX_TEXT = 64 * 1024

# Reads a file of parameters: its data, None if it does not exist, or text saying why it cannot be read.
LoadParams = Callable[[str], Mapping[str, Any] | str | None]

# Bounded: many openings without an end must not cost quadratic time.
_TEMPLATE = re.compile(r"(?<!\\)\$\{([^}\n]{0,200})\}")
_EXPRESSION = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[^.\[\]]+\])*")


class _UnresolvedError(Exception):
    """Why an expression has no value, and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def resolve_artifacts(document: Document, file: str, load: LoadParams) -> tuple[Document, list[Problem]]:
    """The dvc.yaml with its artifacts resolved, and what could not be (left as written)."""
    section = document.find(("artifacts",))
    if document.root is None or section is None or not _uses_templates(section.value):
        return document, []
    problems: list[Problem] = []
    values = _context(document, file, load, problems)
    resolved = Node({}, section.line, section.column)
    for name, node in section.fields.items():
        place = section.keys[name]
        key = _text(name, values, place, ("artifacts", name), problems)
        if not isinstance(key, str):
            problems.append(_problem(("artifacts", name), place, f"'{name}' resolves to no text.", _FIX))
            key = name
        entry = map_strings(
            node,
            lambda text, at, path=("artifacts", name): _text(text, values, at.position, path, problems),  # type: ignore[misc]
        )
        resolved.fields[key] = entry
        resolved.keys[key] = place
        resolved.value[key] = entry.value
    root = Node({**document.root.value, "artifacts": resolved.value}, document.root.line, document.root.column)
    root.keys = document.root.keys
    root.fields = {**document.root.fields, "artifacts": resolved}
    return Document(root, document.problems), problems


def filled(text: str, pipeline: Mapping[str, Any], file: str, load: LoadParams, own: Mapping[str, Any]) -> str | None:
    """A text of a stage of a dvc.yaml with its templates filled in; None where that is not sure.

    ``pipeline`` is that file's data, ``own`` what only this stage knows: ``item`` and ``key`` of generated ones.
    """
    values: dict[str, Any] = {}
    seen: dict[str, set[str] | None] = {}
    directory = posixpath.dirname(file)
    default = [DEFAULT_PARAMS] if load(posixpath.join(directory, DEFAULT_PARAMS)) is not None else []
    listed = pipeline.get("vars")
    try:
        for source in [*default, *(listed if isinstance(listed, list) else ())]:
            data = _from_file(source, directory, load, seen) if isinstance(source, str) else source
            if not isinstance(data, Mapping) or len(text) > MAX_TEXT:
                return None
            _merge(values, data)
        _merge(values, own)
        # What a backslash keeps from being a template is none, and what a value has may be one.
        kept = text.replace("\\${", "\0")
        found = _fill(kept, list(_TEMPLATE.finditer(kept)), values)
    # Python does not write out very long numbers.
    except (_UnresolvedError, ValueError):
        return None
    # Values with templates of their own are DVC's to resolve.
    return None if "${" in found else found.replace("\0", "${")


def has_template(text: str) -> bool:
    """Whether the text contains ``${...}``."""
    return "${" in text and (len(text) > MAX_TEXT or _TEMPLATE.search(text) is not None)


_FIX = "Write the value out."


def _uses_templates(value: Any) -> bool:
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, Mapping):
        return any(_uses_templates(key) or _uses_templates(part) for key, part in value.items())
    return isinstance(value, list) and any(map(_uses_templates, value))


def _problem(path: Path, place: Position, message: str, hint: str) -> Problem:
    return Problem(path, place.line, place.column, RULE, "error", message, hint)


# -- values -------------------------------------------------------------------


def _context(document: Document, file: str, load: LoadParams, problems: list[Problem]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    seen: dict[str, set[str] | None] = {}
    section = document.key_position(("artifacts",)) or Position(1, 1)
    directory = posixpath.dirname(file)
    sources: list[tuple[Any, Position]] = []
    if load(posixpath.join(directory, DEFAULT_PARAMS)) is not None:
        sources.append((DEFAULT_PARAMS, section))
    listed = document.find(("vars",))
    sources += [(item.value, item.position) for item in (listed.items if listed else ())]
    for source, place in sources:
        try:
            data = _from_file(source, directory, load, seen) if isinstance(source, str) else source
            if not isinstance(data, Mapping):
                raise _UnresolvedError(
                    "An item of 'vars' must be a file or a mapping.", "Write a file name or key: value."
                )
            _merge(values, data)
        except _UnresolvedError as error:
            problems.append(_problem(("vars",), place, error.message, error.hint))
    return values


def _from_file(source: str, directory: str, load: LoadParams, seen: dict[str, set[str] | None]) -> Mapping[str, Any]:
    """``FILE`` or ``FILE:key,key``; naming the same whole file again adds nothing."""
    name, _, listed = source.partition(":")
    path = posixpath.normpath(posixpath.join(directory, name))
    keys = {key for key in listed.split(",") if key} or None
    if path in seen:
        before = seen[path]
        if before is None and keys is None:
            return {}
        if before is None or keys is None or before & keys:
            raise _UnresolvedError(f"'{source}' reads {name} a second time.", "Remove this line.")
    data = None if path.startswith("../") else load(path)
    if data is None:
        raise _UnresolvedError(
            f"The parameter file {path} is not tracked by Git.", f"Add it: git add {shell_path(path)}"
        )
    if isinstance(data, str):
        raise _UnresolvedError(
            f"The parameter file {path} cannot be read: {data}", "Mend the file, or write the value out."
        )
    if missing := sorted((keys or set()) - data.keys()):
        raise _UnresolvedError(f"{path} has no '{missing[0]}'.", "Add it there, or remove it here.")
    seen[path] = None if keys is None else keys | (seen.get(path) or set())
    return data if keys is None else {key: data[key] for key in keys}


def _merge(into: dict[str, Any], update: Mapping[str, Any]) -> None:
    for key, value in update.items():
        old = into.get(key)
        if isinstance(old, dict) and isinstance(value, Mapping):
            _merge(old, value)
        elif key in into:
            raise _UnresolvedError(f"The parameter '{key}' is defined twice.", "Remove or rename one of the two.")
        else:
            # A copy: merging the next source must not change this one's data.
            into[key] = _copy(value) if isinstance(value, Mapping) else value


def _copy(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(part) if isinstance(part, Mapping) else part for key, part in value.items()}


# -- templates ----------------------------------------------------------------


def _text(text: str, values: Mapping[str, Any], place: Position, path: Path, problems: list[Problem]) -> Any:
    """The text with its templates filled in; the text itself, and a problem, where that fails."""
    if "${" not in text:
        return text
    try:
        if len(text) > MAX_TEXT:
            raise _UnresolvedError(f"This text with '${{' is longer than {MAX_TEXT} characters.", "Shorten it.")
        matches = list(_TEMPLATE.finditer(text))
        if len(matches) == 1 and matches[0].group() == text:
            return _select(matches[0].group(1), values)
        return _fill(text, matches, values)
    except _UnresolvedError as error:
        problems.append(_problem(path, place, error.message, error.hint))
        return text


def _fill(text: str, matches: list[re.Match[str]], values: Mapping[str, Any]) -> str:
    parts: list[str] = []
    end = length = 0
    for match in matches:
        value = _select(match.group(1), values)
        if isinstance(value, Mapping | list):
            raise _UnresolvedError(f"{match.group()} is a {_kind(value)} and cannot stand inside text.", _FIX)
        parts += (text[end : match.start()], _as_text(value))
        end = match.end()
        length += len(parts[-1])
        if length > MAX_TEXT:
            raise _UnresolvedError(f"The resolved text is longer than {MAX_TEXT} characters.", "Write a shorter value.")
    return "".join((*parts, text[end:])).replace("\\${", "${")


def _as_text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _kind(value: Any) -> str:
    return "list" if isinstance(value, list) else "mapping"


def _select(expression: str, values: Mapping[str, Any]) -> Any:
    if not _EXPRESSION.fullmatch(expression):
        raise _UnresolvedError(
            f"${{{expression}}} is no parameter's name.", "Write ${name}, ${group.name} or ${list[0]}."
        )
    value: Any = values
    for part in expression.replace("[", ".").replace("]", "").split("."):
        key = part.strip()
        try:
            value = value[int(key)] if isinstance(value, list) else _mapping(value)[key]
        except (KeyError, IndexError, ValueError):
            raise _UnresolvedError(
                f"${{{expression}}} has no value: '{key}' is not in {DEFAULT_PARAMS} or 'vars'.",
                f"Define it in {DEFAULT_PARAMS} beside this file, or list its file under 'vars'.",
            ) from None
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise KeyError
    return value
