"""DVC's pipelines as they were run: the steps of ``dvc.lock``, and what ``.dvc`` files brought from elsewhere.

URLs lose their secrets here, wherever they stand: lineages are shown where files are not read.

Source: https://dvc.org/doc/user-guide/project-structure/dvcyaml-files#dvclock-file
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tagline.domain.manifest.dvc_stages import LockedStage, Stages, as_mapping, may_become
from tagline.domain.storage.pointers import outs_of
from tagline.domain.text.public import public

#: Deeper than this nobody nests parameters or metrics; what lies below is left out.
_DEEPEST = 40
#: Bits; no longer number has a place among parameters, and it is a text instead.
_LONGEST = 4096


class Behind(NamedTuple):
    """A file or folder that a step read or wrote, as its pointer says.

    ``path`` is relative to the repository's root, or a URL. ``digest`` is ``md5:HEX`` (``.dir`` at its end for a
    folder), or ``etag:...`` and the like for what lies elsewhere; ``size`` is in bytes. ``cached`` is false for what
    DVC leaves to Git. ``text``: hashed by DVC 2, with Unix's line ends.
    """

    path: str
    digest: str | None = None
    size: int | None = None
    files: int | None = None
    cached: bool = True
    text: bool = False


class Origin(NamedTuple):
    """Where DVC brought something from: a repository with its revision (``import``), or a URL (``import-url``).

    ``url`` is the repository's or the data's own, ``path`` the place in that repository. ``revision`` is the branch or
    tag that was asked for, ``locked`` the commit that it was, or what marked the URL's content then.
    """

    url: str
    path: str | None = None
    revision: str | None = None
    locked: str | None = None


class Imported(NamedTuple):
    """The outs of a ``.dvc`` file (``file``): what people added, or brought from an origin."""

    file: str
    outs: tuple[Behind, ...]
    origin: Origin | None = None


class Step(NamedTuple):
    """A step as it was last run.

    ``name`` is DVC's address of it: ``train``, or ``dir/dvc.yaml:train`` outside the root. ``params`` are the values
    that it ran with, by file, their names with dots. ``written`` is the command of ``dvc.yaml``, ``${...}`` and all.
    ``metrics`` and ``plots`` are paths of outs. ``groups`` are the parameters, by file, that stand for all below them,
    ``whole`` the files of which all are read; ``new`` is what the pipeline lists and the step has not seen yet: paths,
    or parameters as ``FILE: NAME``.
    """

    name: str
    file: str
    command: str
    deps: tuple[Behind, ...] = ()
    outs: tuple[Behind, ...] = ()
    params: Mapping[str, Mapping[str, Any]] = {}
    metrics: frozenset[str] = frozenset()
    plots: frozenset[str] = frozenset()
    written: str | None = None
    groups: Mapping[str, frozenset[str]] = {}
    whole: frozenset[str] = frozenset()
    new: tuple[str, ...] = ()


def steps_of(lock_file: str, lock: Any, pipeline: Any) -> list[Step]:
    """The steps of a ``dvc.lock`` that count, but for those of an unknown folder.

    ``pipeline`` is the ``dvc.yaml`` beside it, as ``Stages`` takes it.
    """
    stages = Stages(pipeline).locked(lock)
    found = [_step(lock_file, stage, stage.folder) for stage in stages if stage.folder is not None]
    outs = {public(out.path) if "://" in out.path else out.path: out for out in outs_of(lock_file, lock, pipeline)}

    def settled(out: Behind) -> Behind:
        # Whether DVC keeps an out stands in the pipeline, and pointers.py knows how templates are read.
        known = outs.get(out.path)
        return out if known is None else out._replace(cached=known.cached)

    return [step._replace(outs=tuple(map(settled, step.outs))) for step in found]


def _step(lock_file: str, locked: LockedStage, folder: str) -> Step:
    name, stage, body = locked.name, locked.stage, locked.body
    here = posixpath.dirname(lock_file)
    file = posixpath.join(here, "dvc.yaml")
    base = posixpath.normpath(posixpath.join(here, folder)) if folder or here else ""
    base = "" if base == "." else base
    params = {
        _place(base, str(path)): values
        for path, values in as_mapping(stage.get("params")).items()
        if isinstance(values, Mapping)
    }
    deps, outs = tuple(_rows(base, stage.get("deps"))), tuple(_rows(base, [row for row, _ in locked.outs]))
    return Step(
        name=public(name) if not here else f"{file}:{public(name)}",
        file=file,
        command=_command(stage.get("cmd")) or "",
        deps=deps,
        outs=outs,
        params={path: flatten(values) for path, values in params.items()},
        metrics=_among(outs, _listed(base, body.get("metrics"))),
        plots=_among(outs, _listed(base, body.get("plots"))),
        written=_command(body.get("cmd")),
        groups={
            path: frozenset(public(str(name)) for name, value in values.items() if isinstance(value, Mapping))
            for path, values in params.items()
        },
        whole=frozenset(_whole_files(base, body)),
        new=tuple(dict.fromkeys(_new(base, body, {row.path for row in (*deps, *outs)}, params))),
    )


def _new(base: str, body: Mapping[str, Any], seen: set[str], params: Mapping[str, Mapping[Any, Any]]) -> Iterator[str]:
    """What the pipeline lists without a template, and the lock does not have."""
    for kind in ("deps", "outs", "metrics", "plots"):
        yield from (path for path in _listed(base, body.get(kind)) if "${" not in path and path not in seen)
    for place, names in _listed_params(base, body):
        known = params.get(place, {})
        for name in names if isinstance(names, list) else ():
            if isinstance(name, str) and name not in known and "${" not in f"{place}{name}":
                yield f"{place}: {public(name)}"


def _listed_params(base: str, body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(file, names) of every row; a name alone is of ``params.yaml``."""
    listed = body.get("params")
    for row in listed if isinstance(listed, list) else ():
        for file, names in ({"params.yaml": [row]} if isinstance(row, str) else as_mapping(row)).items():
            yield _place(base, str(file)), names


def _whole_files(base: str, body: Mapping[str, Any]) -> set[str]:
    """The files of parameters that are listed without names; not those that have names in another row."""
    rows = list(_listed_params(base, body))
    return {place for place, names in rows if not names} - {place for place, names in rows if names}


def _among(outs: Iterable[Behind], listed: Iterable[str]) -> frozenset[str]:
    """The outs that a list means, which may have them with ``${...}``."""
    names = list(listed)
    return frozenset(out.path for out in outs if any(name == out.path or may_become(name, out.path) for name in names))


def metrics_of(file: str, pipeline: Any) -> list[str]:
    """The metrics files that a ``dvc.yaml`` lists for the project as a whole."""
    return list(_listed(posixpath.dirname(file), as_mapping(pipeline).get("metrics")))


def imported_of(file: str, data: Any) -> Imported | None:
    """What a ``.dvc`` file tracks; None for one that cannot be read as such."""
    body = as_mapping(data)
    wdir = body.get("wdir")
    base = posixpath.normpath(posixpath.join(posixpath.dirname(file), wdir if isinstance(wdir, str) else ""))
    outs = tuple(_rows("" if base == "." else base, body.get("outs")))
    if not outs:
        return None
    deps = body.get("deps")
    return Imported(file, outs, _origin(as_mapping(deps[0])) if isinstance(deps, list) and deps else None)


def _origin(dep: Mapping[str, Any]) -> Origin | None:
    """Of a ``.dvc`` file's one dependency."""
    path, repo = _text(dep.get("path")), as_mapping(dep.get("repo"))
    if url := _text(repo.get("url")):
        revision, locked = _text(repo.get("rev")), _text(repo.get("rev_lock"))
        return Origin(public(url), *(word and public(word) for word in (path, revision, locked)))
    if path is None:
        return None
    marks = (f"{key}:{value}" for key in ("etag", "md5", "checksum") if (value := _text(dep.get(key))))
    return Origin(public(path), locked=next((public(mark) for mark in marks), None))


def flatten(values: Any, prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Nested mappings as one, names joined by dots; of anything else only plain values and lists stay."""
    flat: dict[str, Any] = {}
    if depth > _DEEPEST or not isinstance(values, Mapping):
        return flat
    for key, value in values.items():
        name = f"{prefix}{public(str(key))}"
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{name}.", depth + 1)
        else:
            flat[name] = _plain(value, depth)
    return flat


def _plain(value: Any, depth: int) -> Any:
    """A value that can be written out: Python refuses to write very long numbers, and gives up on deep lists."""
    if isinstance(value, str):
        return public(value)
    if isinstance(value, int) and value.bit_length() > _LONGEST:
        return hex(value)
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value] if depth < _DEEPEST else []
    if isinstance(value, Mapping):
        return {public(str(key)): _plain(item, depth + 1) for key, item in value.items()} if depth < _DEEPEST else {}
    return value


def _rows(base: str, rows: Any) -> Iterator[Behind]:
    for row in rows if isinstance(rows, list) else ():
        path = _text(as_mapping(row).get("path"))
        if path is not None:
            digests = ((key, _text(row.get(key))) for key in ("md5", "etag", "checksum", "version_id"))
            digest = next((public(f"{key}:{value}") for key, value in digests if value), None)
            yield Behind(
                _place(base, path), digest, _whole(row.get("size")), _whole(row.get("nfiles")),
                text=row.get("hash") is None and digest is not None and digest.startswith("md5:"),
            )  # fmt: skip


def _place(base: str, path: str) -> str:
    # A blank before it makes no path in Git of a URL.
    return public(path) if "://" in path else posixpath.normpath(posixpath.join(base, path))


def _listed(base: str, outs: Any) -> Iterable[str]:
    """The paths of a list as pipelines write it: a path, or ``{PATH: {options}}``."""
    for out in outs if isinstance(outs, list) else ():
        names = [out] if isinstance(out, str) else [key for key in as_mapping(out) if isinstance(key, str)]
        yield from (_place(base, name) for name in names)


def _command(value: Any) -> str | None:
    lines = value if isinstance(value, list) and all(isinstance(line, str) for line in value) else [_text(value)]
    return "\n".join(map(public, lines)) if lines != [None] else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
