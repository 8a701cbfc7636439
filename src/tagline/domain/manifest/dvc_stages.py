"""The stages that a ``dvc.yaml`` defines, and what counts of the ``dvc.lock`` beside it.

DVC never takes a stage or an out away from a lock when somebody deletes or renames it in ``dvc.yaml`` by hand: what is
there then are old digests of paths that may be somebody else's by now. Like DVC, nobody here reads a lock but through
the definitions beside it.

Source: https://dvc.org/doc/user-guide/project-structure/dvcyaml-files
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

_INTERPOLATED_RE = re.compile(r"\$\{[^}]*\}")
_TEMPLATE_RE = re.compile(r"\$\{([^}]*)\}")
GENERATORS = ("foreach", "matrix")
KINDS = ("outs", "metrics", "plots")

#: More readings of a generated stage's name than this, and nothing is sure (nor quick) any more.
_MAX_READINGS = 100
#: More outs with templates in one stage than this, or more templates in all of them, and each may be any path.
_MAX_TEMPLATES, _MAX_PARTS = 100, 1000


class LockedStage(NamedTuple):
    """A stage of a lock that counts.

    ``name`` is the lock's, ``stage`` what the lock says, ``body`` the definition. ``folder`` is the working directory,
    None where its template does not surely tell. ``outs`` are the lock's outs that the definition lists, each with the
    options (a mapping, or None) that the definition may give it: several where several templates may mean it.
    """

    name: str
    stage: Mapping[str, Any]
    body: Mapping[str, Any]
    folder: str | None
    outs: Sequence[tuple[Mapping[str, Any], Sequence[Any]]]


class Stages:
    """The stages of a ``dvc.yaml``.

    ``pipeline`` is its data: an empty mapping where there is no such file, or an empty one, which defines no stage;
    anything that is no mapping where it cannot be read, and then nobody can tell which stages count: all do.
    """

    def __init__(self, pipeline: Any) -> None:
        found = pipeline.get("stages") if isinstance(pipeline, Mapping) else False
        self.readable = found is None or isinstance(found, Mapping)
        self._stages = as_mapping(found)
        self._groups: dict[str, _Group] = {}

    def bodies(self) -> Iterator[Mapping[str, Any]]:
        """What each stage is defined as."""
        return (self._group(str(name), stage).body for name, stage in self._stages.items())

    def body(self, name: str) -> Mapping[str, Any]:
        """What is said of a stage of the lock: a generated one is called NAME@KEY there, NAME here."""
        return self._of(name)[0].body

    def values(self, name: str) -> dict[str, Any]:
        """What a template in the stage calls ``item`` and ``key``; empty where that is not sure, or nothing."""
        group, key = self._of(name)
        return {} if key is None else group.values(key)

    def defines(self, name: str) -> bool:
        """Whether a stage of the lock is defined; true as well where only a template would tell.

        A definition with ``foreach`` or ``matrix`` is of NAME@KEY, never of NAME.
        """
        group, key = self._of(name)
        return group.generates(key) if key is not None else name in self._stages and not group.is_generator

    def locked(self, lock: Any) -> Iterator[LockedStage]:
        """The stages of a ``dvc.lock`` that count. The one way to read a lock."""
        for name, stage in as_mapping(as_mapping(lock).get("stages")).items():
            if isinstance(name, str) and (not self.readable or self.defines(name)):
                group, key = self._of(name)
                values = {} if key is None else group.values(key)
                folder = group.folder(values)
                outs = tuple(self._counted(group, values, as_mapping(stage).get("outs")))
                yield LockedStage(name, as_mapping(stage), group.body, folder, outs)

    def _counted(
        self, group: _Group, values: Mapping[str, Any], outs: Any
    ) -> Iterator[tuple[Mapping[str, Any], Sequence[Any]]]:
        for row in outs if isinstance(outs, list) else ():
            path = as_mapping(row).get("path")
            if isinstance(path, str):
                options = group.options(path, values)
                if options or not self.readable:
                    yield row, options

    def _of(self, name: str) -> tuple[_Group, str | None]:
        """The definition of a stage of the lock, and the key where it is a generated one."""
        if name in self._stages:
            return self._group(name, self._stages[name]), None
        group, at, key = name.partition("@")
        return self._group(group, self._stages.get(group)), key if at else None

    def _group(self, name: str, stage: Any) -> _Group:
        if name not in self._groups:
            self._groups[name] = _Group(as_mapping(stage))
        return self._groups[name]


class _Group:
    """One definition, of one stage or of all that it generates. What is asked for each of many stages is kept."""

    def __init__(self, stage: Mapping[str, Any]) -> None:
        self.stage = stage
        #: Of ``foreach`` stages it is under ``do``.
        self.body = as_mapping(stage.get("do")) or stage
        self.is_generator = any(word in stage for word in GENERATORS)

    def generates(self, key: str) -> bool:
        if "matrix" in self.stage:
            readings = self._readings(key)
            return readings is None or bool(readings)
        if "foreach" not in self.stage:
            return False
        return self._rows is None or key in self._rows

    def values(self, key: str) -> dict[str, Any]:
        """What DVC calls ``item`` and ``key`` in the stage NAME@KEY, as far as that is sure."""
        if "matrix" in self.stage:
            readings = self._readings(key)
            # Several may have one name: a-b is a, b or a-b.
            item = readings[0] if readings is not None and len(readings) == 1 else None
            return {"key": key, "item": item}
        if self._rows is None or key not in self._rows:
            return {}
        item = self._rows[key]
        return {"key": key, "item": item} if isinstance(self.stage.get("foreach"), Mapping) else {"item": item}

    def folder(self, values: Mapping[str, Any]) -> str | None:
        """The working directory; None where its template does not surely tell.

        What parameters tell is filled in before. Here only what the generated stage's own name says counts.
        """
        wdir = self.body.get("wdir")
        if not isinstance(wdir, str):
            return ""
        if "${" not in wdir:
            return wdir
        filled = _filled(wdir, values)
        # A backslash can keep a template from being one.
        return None if "${" in filled or "\\" in wdir else filled

    def options(self, path: str, values: Mapping[str, Any]) -> Sequence[Any]:
        """What may be said of an out, whose path the lock has resolved and the definition may have with ``${...}``.

        Empty where the definition does not list it.
        """
        path = posixpath.normpath(path)
        literal, templates, every = self._listed
        if path in literal:
            return [_options_of(literal[path], values)]
        if not templates:
            return every
        return [_options_of(options, values) for parts, options in templates if _fits(parts, path)]

    @cached_property
    def _listed(self) -> tuple[Mapping[str, Any], Sequence[tuple[Sequence[str], Any]], Sequence[Any]]:
        """The outs by path, and those with templates: by the parts between these, or all alike where there are many.

        Without options they count too.
        """
        listed = [(posixpath.normpath(path), options) for path, options in listed_outs(self.body)]
        literal = {path: options for path, options in listed if "${" not in path}
        templates = [(_INTERPOLATED_RE.split(path), options) for path, options in listed if "${" in path]
        many = len(templates) > _MAX_TEMPLATES or sum(len(parts) for parts, _ in templates) > _MAX_PARTS
        return (literal, (), [options for _, options in templates]) if many else (literal, templates, ())

    @cached_property
    def _rows(self) -> dict[str, Any] | None:
        """The keys of a ``foreach`` and what each stands for; None where that is not sure."""
        each = self.stage.get("foreach")
        if isinstance(each, Mapping):
            named = [(_word(name), value) for name, value in each.items()]
        elif isinstance(each, list) and not any("${" in (_word(value) or "") for value in each):
            # Lists of anything but plain values are counted.
            counted = any(isinstance(value, list | Mapping) for value in each)
            named = [(str(index) if counted else _word(value), value) for index, value in enumerate(each)]
        else:
            return None
        rows = {word: value for word, value in named if word is not None and "${" not in word}
        return rows if len(rows) == len({word for word, _ in named}) else None

    @cached_property
    def _axes(self) -> Sequence[tuple[str, frozenset[str], Sequence[int]]] | None:
        """The axes of a ``matrix``: name, words, how long words are. None where a template would tell."""
        matrix = self.stage.get("matrix")
        if not isinstance(matrix, Mapping):
            return None
        axes = []
        for axis, options in matrix.items():
            words = [_word(option) for option in options] if isinstance(options, list) else [None]
            known = frozenset(word for word in words if word is not None and "${" not in word)
            if len(known) != len(set(words)):
                return None
            axes.append((str(axis), known, sorted({len(word) for word in known})))
        return axes

    def _readings(self, key: str) -> list[dict[str, Any]] | None:
        """Every combination of a matrix that may have a name; None where nobody can tell."""
        if self._axes is None:
            return None
        wanted, readings = f"-{key}", [(0, dict[str, Any]())]
        for axis, words, lengths in self._axes:
            readings = [
                (start + 1 + length, {**known, axis: word})
                for start, known in readings
                if wanted.startswith("-", start)
                for length in lengths
                if (word := wanted[start + 1 : start + 1 + length]) in words and len(word) == length
            ]
            if len(readings) > _MAX_READINGS:
                return None
        return [known for end, known in readings if end == len(wanted)]


def is_of_dvc_1(lock: Any) -> bool:
    """Whether a ``dvc.lock`` is of DVC 1, which had the stages at its top; no later DVC reads it."""
    return (
        "schema" not in as_mapping(lock)
        and "stages" not in as_mapping(lock)
        and any("cmd" in as_mapping(stage) for stage in as_mapping(lock).values())
    )


def listed_outs(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The outs, metrics and plots of a definition: (path, options). One is a path, or ``{PATH: {options}}``."""
    for kind in KINDS:
        found = body.get(kind)
        for out in found if isinstance(found, list) else ():
            rows: Iterable[tuple[Any, Any]] = [(out, None)] if isinstance(out, str) else as_mapping(out).items()
            yield from ((str(path), options) for path, options in rows)


def may_become(written: str, path: str) -> bool:
    """Whether a path written with ``${...}`` may be this one."""
    # Not by a regular expression: one with many wildcards could be made to take for ever.
    return _fits(_INTERPOLATED_RE.split(written), path)


def _fits(parts: Sequence[str], path: str) -> bool:
    first, *rest = parts
    if not rest or not path.startswith(first):
        return False
    *middle, last = rest
    position = len(first)
    for part in middle:
        if (found := path.find(part, position)) < 0:
            return False
        position = found + len(part)
    return path.endswith(last) and len(path) - len(last) >= position


def _filled(text: str, values: Mapping[str, Any]) -> str:
    """A text with those templates filled in that have a value."""
    return _TEMPLATE_RE.sub(lambda found: _word(_value_at(values, found[1].strip())) or found[0], text)


def _value_at(values: Any, name: str) -> Any:
    for part in name.replace("[", ".").replace("]", "").split("."):
        if isinstance(values, list):
            values = values[int(part)] if part.isdecimal() and int(part[:9]) < len(values) else None
        else:
            values = as_mapping(values).get(part)
    return values


def _options_of(options: Any, values: Mapping[str, Any]) -> Any:
    """The options of an out in one of the stages that a loop generates."""
    if not values or not any("${" in value for value in as_mapping(options).values() if isinstance(value, str)):
        return options
    return {key: _filled(value, values) if isinstance(value, str) else value for key, value in options.items()}


def _word(value: Any) -> str | None:
    """How DVC writes a plain value into a text; None for what it may write otherwise or not at all."""
    if isinstance(value, bool):
        return "true" if value else "false"
    # Python refuses to write out very long numbers.
    if isinstance(value, str | float) or (isinstance(value, int) and value.bit_length() <= 64):
        return str(value)
    return None


def as_mapping(value: Any) -> Mapping[str, Any]:
    """A value of a file as the mapping that it should be; an empty one where it is something else."""
    return value if isinstance(value, Mapping) else {}
