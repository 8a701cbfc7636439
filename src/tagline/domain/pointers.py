"""The digests that DVC's pointers give to the paths they stand for.

``.dvc`` files and ``dvc.lock`` as DVC 3 writes them (and DVC 2, whose keys are the same).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tagline.domain.tracked import locked_body

#: What may identify an out's content, the first that is there.
_DIGESTS = ("md5", "etag", "checksum", "version_id")


class Out(NamedTuple):
    """An out: its path from the repository's root, its digest as written, its size in bytes, its number of files."""

    path: str
    digest: str | None
    size: int | None
    files: int | None


def outs_of(file: str, data: Any, pipeline: Any = None) -> list[Out]:
    """The outs of one pointer file. ``pipeline`` is the ``dvc.yaml`` beside a ``dvc.lock``: it knows the ``wdir``."""
    return list(_locked(file, data, pipeline) if posixpath.basename(file) == "dvc.lock" else _dvc_file(file, data))


def _dvc_file(file: str, data: Any) -> Iterator[Out]:
    if isinstance(data, Mapping):
        yield from _outs(file, data.get("wdir"), data.get("outs"))


def _locked(file: str, data: Any, pipeline: Any) -> Iterator[Out]:
    stages = _mapping(_mapping(data).get("stages"))
    bodies = _mapping(_mapping(pipeline).get("stages"))
    for name, stage in stages.items():
        yield from _outs(file, locked_body(bodies, name).get("wdir"), _mapping(stage).get("outs"))


def _outs(file: str, wdir: Any, outs: Any) -> Iterator[Out]:
    folder = wdir if isinstance(wdir, str) and "${" not in wdir else ""
    for out in outs if isinstance(outs, list) else ():
        path = _mapping(out).get("path")
        if isinstance(path, str):
            joined = posixpath.normpath(posixpath.join(posixpath.dirname(file), folder, path))
            yield Out(joined, _digest(out), _whole(out.get("size")), _whole(out.get("nfiles")))


def _digest(out: Mapping[str, Any]) -> str | None:
    for key in _DIGESTS:
        if isinstance(value := out.get(key), str):
            return f"{key}:{value}"
    cloud = _mapping(next(iter(_mapping(out.get("cloud")).values()), None))
    version = cloud.get("version_id", cloud.get("etag"))
    if isinstance(version, str):
        return f"cloud:{version}"
    # A version-aware folder lists its files one by one.
    return f"files:{out['files']!r}" if isinstance(out.get("files"), list) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def covers(out: str, path: str) -> bool:
    """Whether an out is ``path``, a folder above it, or something below it."""
    return path == out or path.startswith(f"{out}/") or out.startswith(f"{path}/")
