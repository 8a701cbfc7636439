"""``${...}`` in the artifacts of a dvc.yaml, resolved as DVC does.

Values come from ``params.yaml`` beside the dvc.yaml and from its ``vars:`` (files, or
mappings in place). What cannot be resolved is a problem at its place, never a guess.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from tagline.domain.manifest.document import Document, Node, Path, Position, Problem, with_section
from tagline.domain.text.shell import shell_path

RULE = "dvc-interpolation"
DEFAULT_PARAMS = "params.yaml"
MAX_TEXT = 64 * 1024

# Reads a file of parameters: its data, None if it does not exist, or text saying why it cannot be read.
LoadParams = Callable[[str], Mapping[str, Any] | str | None]

# Bounded: many openings without an end must not cost quadratic time.
_TEMPLATE = re.compile(r"(?<!\\)\$\{([^}\n]{0,200})\}")
_EXPRESSION = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[^.\[\]]+\])*")


class UnresolvedError(Exception):
    """Why an expression has no value, and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def resolve_artifacts(document: Document, file: str, load: LoadParams) -> Document:
    """The dvc.yaml with its artifacts resolved. What could not be is left as written, and a problem."""
    root = document.root
    section = root.fields.get("artifacts") if root is not None else None
    if root is None or section is None or not uses_templates(section.value):
        return document
    problems: list[Problem] = []
    values = _context(root, file, load, problems)

    def filled_in(text: str, place: Position, name: str) -> Any:
        return _text(text, values, place, ("artifacts", name), problems)

    keys: dict[str, str] = {}
    for name, place in section.keys.items():
        key = filled_in(name, place, name)
        if not isinstance(key, str):
            problems.append(_problem(("artifacts", name), place, f"'{name}' resolves to no text.", _FIX))
        keys[name] = key if isinstance(key, str) else name
    return Document(with_section(root, "artifacts", keys, filled_in), (*document.problems, *problems))


def filled(text: str, pipeline: Mapping[str, Any], file: str, load: LoadParams, own: Mapping[str, Any]) -> str | None:
    """A text of a stage of a dvc.yaml with its templates filled in; None where that is not sure.

    ``pipeline`` is that file's data, ``own`` what only this stage knows: ``item`` and ``key`` of generated ones.
    """
    if len(text) > MAX_TEXT:
        return None
    try:
        values = Values.of_pipeline(pipeline, file, load).known
        _merge(values, own)
        # What a backslash keeps from being a template is none, and what a value has may be one.
        kept = text.replace("\\${", "\0")
        found = _fill(kept, list(_TEMPLATE.finditer(kept)), values)
    # Python does not write out very long numbers.
    except (UnresolvedError, ValueError):
        return None
    # Values with templates of their own are DVC's to resolve.
    return None if "${" in found else found.replace("\0", "${")


class Values:
    """What templates may name: ``known`` values, and which files they came from."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}
        self._seen: dict[str, set[str] | None] = {}

    @classmethod
    def of_pipeline(cls, pipeline: Mapping[str, Any], file: str, load: LoadParams) -> Values:
        """Those of a dvc.yaml as a whole. Raises UnresolvedError where DVC would refuse it."""
        values, directory = cls(), posixpath.dirname(file)
        if load(posixpath.join(directory, DEFAULT_PARAMS)) is not None:
            values.add(DEFAULT_PARAMS, directory, load)
        values._add_all(pipeline.get("vars"), directory, load)
        return values

    def with_stage(self, listed: Any, directory: str, load: LoadParams) -> Values:
        """Those of a stage that has ``vars`` of its own, whose files lie in its working directory."""
        values = Values()
        values.known = _copy(self.known)
        values._seen = dict(self._seen)
        values._add_all(listed, directory, load)
        return values

    def _add_all(self, listed: Any, directory: str, load: LoadParams) -> None:
        for source in listed if isinstance(listed, list) else ():
            self.add(source, directory, load)

    def add(self, source: Any, directory: str, load: LoadParams) -> None:
        """What one item of ``vars`` says: a file, or values. Raises UnresolvedError."""
        data = _from_file(source, directory, load, self._seen) if isinstance(source, str) else source
        if not isinstance(data, Mapping):
            raise UnresolvedError("An item of 'vars' must be a file or a mapping.", "Write a file name or key: value.")
        _merge(self.known, data)


def part_filled(text: str, values: Mapping[str, Any], later: Collection[str]) -> Any:
    """A text with its templates filled in, but for those of names that only a generated stage knows (``later``).

    A text that is one template becomes its value, of whatever kind. What cannot be filled in surely stays as written.
    """
    if "${" not in text or "\\${" in text or len(text) > MAX_TEXT:
        return text
    matches = list(_TEMPLATE.finditer(text))
    now = [match for match in matches if re.split(r"[.\[]", match[1])[0].strip() not in later]
    try:
        if len(matches) == len(now) == 1 and now[0].group() == text:
            value = _select(now[0][1], values)
            return text if uses_templates(value) else value
        if any(uses_templates(_select(match[1], values)) for match in now):
            return text
        return _fill(text, now, values)
    # Python does not write out very long numbers.
    except (UnresolvedError, ValueError):
        return text


def has_template(text: str) -> bool:
    """Whether the text contains ``${...}``."""
    return "${" in text and (len(text) > MAX_TEXT or _TEMPLATE.search(text) is not None)


_FIX = "Write the value out."


def uses_templates(value: Any) -> bool:
    """Whether a value has ``${`` in it anywhere."""
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, Mapping):
        return any(uses_templates(key) or uses_templates(part) for key, part in value.items())
    return isinstance(value, list) and any(map(uses_templates, value))


def _problem(path: Path, place: Position, message: str, hint: str) -> Problem:
    return Problem(path, place.line, place.column, RULE, "error", message, hint)


# -- values -------------------------------------------------------------------


def _context(root: Node, file: str, load: LoadParams, problems: list[Problem]) -> dict[str, Any]:
    values, directory = Values(), posixpath.dirname(file)
    sources: list[tuple[Any, Position]] = []
    if load(posixpath.join(directory, DEFAULT_PARAMS)) is not None:
        sources.append((DEFAULT_PARAMS, root.keys["artifacts"]))
    listed = root.fields.get("vars")
    sources += [(item.value, item.position) for item in (listed.items if listed else ())]
    for source, place in sources:
        try:
            values.add(source, directory, load)
        except UnresolvedError as error:
            problems.append(_problem(("vars",), place, error.message, error.hint))
    return values.known


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
            raise UnresolvedError(f"'{source}' reads {name} a second time.", "Remove this line.")
    data = None if path.startswith("../") else load(path)
    if data is None:
        raise UnresolvedError(
            f"The parameter file {path} is not tracked by Git.", f"Add it: git add {shell_path(path)}"
        )
    if isinstance(data, str):
        raise UnresolvedError(
            f"The parameter file {path} cannot be read: {data}", "Mend the file, or write the value out."
        )
    if missing := sorted((keys or set()) - data.keys()):
        raise UnresolvedError(f"{path} has no '{missing[0]}'.", "Add it there, or remove it here.")
    seen[path] = None if keys is None else keys | (seen.get(path) or set())
    return data if keys is None else {key: data[key] for key in keys}


def _merge(into: dict[str, Any], update: Mapping[str, Any]) -> None:
    for key, value in update.items():
        old = into.get(key)
        if isinstance(old, dict) and isinstance(value, Mapping):
            _merge(old, value)
        elif key in into:
            raise UnresolvedError(f"The parameter '{key}' is defined twice.", "Remove or rename one of the two.")
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
            raise UnresolvedError(f"This text with '${{' is longer than {MAX_TEXT} characters.", "Shorten it.")
        matches = list(_TEMPLATE.finditer(text))
        if len(matches) == 1 and matches[0].group() == text:
            return _select(matches[0].group(1), values)
        return _fill(text, matches, values)
    except UnresolvedError as error:
        problems.append(_problem(path, place, error.message, error.hint))
        return text


def _fill(text: str, matches: list[re.Match[str]], values: Mapping[str, Any]) -> str:
    parts: list[str] = []
    end = length = 0
    for match in matches:
        value = _select(match.group(1), values)
        if isinstance(value, Mapping | list):
            kind = "list" if isinstance(value, list) else "mapping"
            raise UnresolvedError(f"{match.group()} is a {kind} and cannot stand inside text.", _FIX)
        parts += (text[end : match.start()], _as_text(value))
        end = match.end()
        length += len(parts[-1])
        if length > MAX_TEXT:
            raise UnresolvedError(f"The resolved text is longer than {MAX_TEXT} characters.", "Write a shorter value.")
    return "".join((*parts, text[end:])).replace("\\${", "${")


def _as_text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _select(expression: str, values: Mapping[str, Any]) -> Any:
    if not _EXPRESSION.fullmatch(expression):
        raise UnresolvedError(
            f"${{{expression}}} is no parameter's name.", "Write ${name}, ${group.name} or ${list[0]}."
        )
    value: Any = values
    for part in expression.replace("[", ".").replace("]", "").split("."):
        key = part.strip()
        try:
            value = value[int(key) if isinstance(value, list) else key]
        except (KeyError, IndexError, ValueError, TypeError):
            raise UnresolvedError(
                f"${{{expression}}} has no value: '{key}' is not in {DEFAULT_PARAMS} or 'vars'.",
                f"Define it in {DEFAULT_PARAMS} beside this file, or list its file under 'vars'.",
            ) from None
    return value
