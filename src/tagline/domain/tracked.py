"""The names of a snapshot's files, and what DVC's pointers among them stand for."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Any

_TEMPLATE_RE = re.compile(r"\$\{([^}]*)\}")

#: More readings of a generated stage's name than this, and nothing is sure (nor quick) any more.
_MAX_READINGS = 100


class TrackedPaths:
    """Which files and directories Git tracks, by name only."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._sorted = sorted(paths)
        self._files = frozenset(self._sorted)

    def is_file(self, path: str) -> bool:
        """Whether Git tracks exactly this path (a file, a symlink or a submodule)."""
        return path in self._files

    def is_directory(self, path: str) -> bool:
        """Whether Git tracks something below this path."""
        return _any_below(self._sorted, path)

    def below(self, folder: str) -> list[str]:
        """The files in a folder, and in those that it has; none for a file."""
        prefix = f"{folder}/"
        start = bisect_left(self._sorted, prefix)
        return list(takewhile(lambda path: path.startswith(prefix), islice(self._sorted, start, None)))

    def has_dvc_file(self, path: str) -> bool:
        """Whether ``path`` or a directory above it has a ``.dvc`` file of its name."""
        return any(f"{part}.dvc" in self._files for part in upwards(path))

    def names(self) -> Iterator[str]:
        """Every file, and instead of a ``.dvc`` file what it stands for."""
        for path in self._sorted:
            yield path.removesuffix(".dvc") if _is_pointer(posixpath.basename(path)) else path

    def named(self, *names: str) -> list[str]:
        """The files that have one of these names, in any folder."""
        return [path for path in self._sorted if posixpath.basename(path) in names]

    def pointers(self) -> list[str]:
        """The files that tell what DVC tracks."""
        return [path for path in self._sorted if _is_pointer(posixpath.basename(path))]


def _is_pointer(name: str) -> bool:
    return name in ("dvc.lock", "dvc.yaml") or (name.endswith(".dvc") and name != ".dvc")


def is_telling(name: str) -> bool:
    """Whether a file of this name tells something of artifacts, whatever its folder: all that is looked for by name."""
    return name in ("artifacts.yaml", ".gitattributes", ".dvcignore") or _is_pointer(name)


@dataclass(slots=True)
class Outs:
    """The paths that DVC tracks, relative to the repository's root.

    ``endings`` are paths whose directory is written as ``${...}`` and so known only by their ends.
    """

    paths: set[str] = field(default_factory=set)
    endings: set[str] = field(default_factory=set)
    _sorted: list[str] | None = None

    def covers(self, path: str) -> bool:
        """Whether DVC tracks ``path``, a directory above it, or something below it."""
        if self._sorted is None:
            self._sorted = sorted(self.paths)
        if any(part in self.paths for part in upwards(path)) or _any_below(self._sorted, path):
            return True
        return any(f"/{path}/".find(f"/{ending}/") >= 0 for ending in self.endings)

    def add_dvc_file(self, file: str, data: Any) -> None:
        """The outs of a ``.dvc`` file."""
        if isinstance(data, Mapping):
            self._add(file, data.get("wdir"), data.get("outs"))

    def add_pipeline(self, directory: str, pipeline: Any, lock: Any) -> None:
        """The outs of a directory's ``dvc.yaml`` and ``dvc.lock``.

        The lock names outs (those of generated stages too) but not their working directory,
        which the pipeline has under the stage's name without ``@...``.
        """
        stages = _mapping(_mapping(pipeline).get("stages"))
        file = posixpath.join(directory, "dvc.yaml")
        for stage in stages.values():
            if body := _body(stage):
                for kind in ("outs", "metrics", "plots"):
                    self._add(file, body.get("wdir"), body.get(kind))
        locked = _mapping(_mapping(lock).get("stages", lock))
        for name, stage in locked.items():
            body = locked_body(stages, name)
            self._add(file, body.get("wdir"), _mapping(stage).get("outs"))

    def _add(self, file: str, wdir: Any, outs: Any) -> None:
        for out in _out_paths(outs):
            if "${" in out:
                continue  # the lock has the resolved name
            if isinstance(wdir, str) and "${" in wdir:
                self.endings.add(posixpath.normpath(out))
                continue
            parts = (posixpath.dirname(file), wdir if isinstance(wdir, str) else "", out)
            self.paths.add(posixpath.normpath(posixpath.join(*parts)))


def _out_paths(outs: Any) -> Iterable[str]:
    """An out is a path, ``{path: ..., md5: ...}`` in pointers, or ``{PATH: {options}}`` in pipelines."""
    for out in outs if isinstance(outs, list) else ():
        if isinstance(out, str):
            yield out
        elif isinstance(out, Mapping) and isinstance(out.get("path"), str):
            yield out["path"]
        elif isinstance(out, Mapping):
            yield from (path for path, options in out.items() if options is None or isinstance(options, Mapping))


def locked_body(stages: Mapping[str, Any], name: Any) -> Mapping[str, Any]:
    """What the pipeline says of a stage of the lock: a generated one is called NAME@KEY there, NAME here."""
    return _body(stages.get(name, stages.get(str(name).partition("@")[0])))


def is_defined(stages: Mapping[str, Any], name: str) -> bool:
    """Whether the pipeline has a stage of the lock; true as well where only a template would tell.

    DVC passes over what its lock alone has. A definition with ``foreach`` or ``matrix`` is of NAME@KEY, never of NAME.
    """
    if name in stages:
        return not {"foreach", "matrix"} & _mapping(stages[name]).keys()
    group, _, key = name.partition("@")
    stage = _mapping(stages.get(group))
    if "matrix" in stage:
        readings = _readings(stage["matrix"], key)
        return readings is None or bool(readings)
    if "foreach" not in stage:
        return False
    rows = _rows(stage["foreach"])
    return rows is None or key in rows


def generated_values(stages: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a template in the stage of the lock calls ``item`` and ``key``; empty where that is not sure, or nothing."""
    group, _, key = name.partition("@")
    return {} if name in stages else _generated(_mapping(stages.get(group)), key)


def locked_folder(stages: Mapping[str, Any], name: Any) -> str | None:
    """The working directory of a stage of the lock; None where its template does not surely tell.

    DVC itself asks parameters, files and variables. Here only what the generated stage's own name says counts.
    """
    wdir = locked_body(stages, name).get("wdir")
    if not isinstance(wdir, str):
        return ""
    if "${" not in wdir:
        return wdir
    values = generated_values(stages, str(name))
    filled = _TEMPLATE_RE.sub(lambda found: _word(_value_at(values, found[1].strip())) or found[0], wdir)
    # A backslash can keep a template from being one.
    return None if "${" in filled or "\\" in wdir else filled


def _generated(stage: Mapping[str, Any], key: str) -> dict[str, Any]:
    """What DVC calls ``item`` and ``key`` in the stage NAME@KEY, as far as that is sure."""
    if "matrix" in stage:
        return {"key": key, "item": _combination(stage["matrix"], key)}
    each = stage.get("foreach")
    rows = _rows(each)
    if rows is None or key not in rows:
        return {}
    return {"key": key, "item": rows[key]} if isinstance(each, Mapping) else {"item": rows[key]}


def _rows(each: Any) -> dict[str, Any] | None:
    """The keys of a ``foreach`` and what each stands for; None where that is not sure."""
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


def _combination(matrix: Any, key: str) -> dict[str, Any] | None:
    """The one combination of a matrix that has a name; None where several may (a-b is a, b or a-b), or none."""
    found = _readings(matrix, key)
    return found[0] if found is not None and len(found) == 1 else None


def _readings(matrix: Any, key: str) -> list[dict[str, Any]] | None:
    """Every combination of a matrix that may have a name; None where nobody can tell."""
    if not isinstance(matrix, Mapping):
        return None
    wanted, readings = f"-{key}", [("", dict[str, Any]())]
    for axis, options in matrix.items():
        words = [_word(option) for option in options] if isinstance(options, list) else [None]
        if any(word is None or "${" in word for word in words):
            return None
        readings = [
            (f"{before}-{word}", {**known, str(axis): word})
            for before, known in readings
            for word in words
            if wanted.startswith(f"{before}-{word}")
        ]
        if len(readings) > _MAX_READINGS:
            return None
    return [known for name, known in readings if name == wanted]


def _value_at(values: Any, name: str) -> Any:
    for part in name.split("."):
        values = _mapping(values).get(part)
    return values


def _word(value: Any) -> str | None:
    """How DVC writes a plain value into a text; None for what it may write otherwise or not at all."""
    if isinstance(value, bool):
        return "true" if value else "false"
    # Python refuses to write out very long numbers.
    if isinstance(value, str | float) or (isinstance(value, int) and value.bit_length() <= 64):
        return str(value)
    return None


def _body(stage: Any) -> Mapping[str, Any]:
    """A stage's definition: of ``foreach`` stages it is under ``do``."""
    body = _mapping(stage)
    return _mapping(body.get("do")) or body


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def upwards(path: str) -> Iterable[str]:
    """A path and every folder above it, the nearest first; an absolute one ends below its root."""
    while path and path != "." and (above := posixpath.dirname(path)) != path:
        yield path
        path = above


def _any_below(ordered: Sequence[str], path: str) -> bool:
    if path == ".":
        return bool(ordered)
    prefix = path + "/"
    index = bisect_left(ordered, prefix)
    return index < len(ordered) and ordered[index].startswith(prefix)
