"""DVC's pointers: which path stands for which bytes.

``.dvc`` files and ``dvc.lock`` as DVC 3 writes them (and DVC 2, whose keys are the same).
Source: https://dvc.org/doc/user-guide/project-structure/dvc-files
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tagline.domain.manifest.dvc_stages import Stages
from tagline.errors import BadPointer

#: What may identify an out's content, the first that is there.
_DIGESTS = ("md5", "etag", "checksum", "version_id")
_MD5_RE = re.compile(r"[0-9a-f]{32}(\.dir)?")
_UPWARDS_RE = re.compile(r"(\.\./)*(\.\.?$)?")


class Cloud(NamedTuple):
    """What a remote that keeps versions said when an object was pushed to it."""

    version_id: str | None = None
    etag: str | None = None


class ListedFile(NamedTuple):
    """A file of a folder that a pointer lists by itself, as it does for remotes that keep versions."""

    relpath: str
    md5: str | None
    size: int | None
    cloud: Mapping[str, Cloud] = {}


class Out(NamedTuple):
    """An out: its path from the repository's root, its digest as written, its size in bytes, its number of files.

    ``digest`` is good for comparing; ``md5`` is what was written under that key, whatever it is.
    ``remote`` is the remote that the out asks for. ``text``: hashed by DVC 2, with Unix's line ends.
    ``listed`` are the files of a folder where the pointer has them. ``file`` is the pointer. ``imported`` is
    the repository that DVC fetches the bytes from instead of a remote, where it does. ``cached`` is false for
    what DVC leaves to Git. ``unplaced``: the folder is a template, ``path`` only the end of the path.
    ``unsure``: several templates of the pipeline may be this out, and say different things of it.
    """

    path: str
    digest: str | None
    size: int | None
    files: int | None
    md5: Any = None
    remote: str | None = None
    text: bool = False
    cloud: Mapping[str, Cloud] = {}
    listed: tuple[ListedFile, ...] | None = None
    file: str = ""
    imported: str | None = None
    cached: bool = True
    unplaced: bool = False
    unsure: bool = False

    @property
    def checked_remote(self) -> str | None:
        """The remote that the out asks for. Raises BadPointer where the pipeline may mean several."""
        if self.unsure:
            raise BadPointer(
                f"The dvc.yaml beside {self.file} has several templates that may be {self.path}, with other options.",
                f"Write the out {self.path} there without a template.",
                code="templated-out",
            )
        return self.remote

    @property
    def checked_md5(self) -> str:
        """The md5, ``.dir`` included. Raises BadPointer where it is none."""
        if isinstance(self.md5, str) and _MD5_RE.fullmatch(self.md5):
            return self.md5
        if self.md5 is None:
            raise BadPointer(
                f"{self.file} has no md5 for {self.path}.",
                f"Let DVC hash it: dvc add {self.path} (or dvc repro, dvc commit), then commit the pointer.",
            )
        raise BadPointer(
            f"In {self.file} the md5 of {self.path} is {str(self.md5)[:60]!r}, which is no md5.",
            "Restore the pointer from Git's history, or write it anew with dvc add or dvc commit.",
        )


def outs_of(file: str, data: Any, pipeline: Any = None) -> list[Out]:
    """The outs of one pointer file. ``pipeline`` is the ``dvc.yaml`` beside a ``dvc.lock``, as ``Stages`` takes it."""
    return list(_locked(file, data, pipeline) if posixpath.basename(file) == "dvc.lock" else _dvc_file(file, data))


def _dvc_file(file: str, data: Any) -> Iterator[Out]:
    if isinstance(data, Mapping):
        # Templates are the pipelines' alone: here a folder is what it says.
        outs = data.get("outs")
        rows = ((row, ()) for row in outs if isinstance(row, Mapping)) if isinstance(outs, list) else ()
        for out in _outs(file, _text(data.get("wdir")) or "", rows):
            yield out._replace(imported=_imported(data.get("deps")))


def _imported(deps: Any) -> str | None:
    """The source of ``dvc import``, whose bytes are never pushed to a remote of this repository."""
    first = _mapping(deps[0]) if isinstance(deps, list) and deps else {}
    return _text(_mapping(first.get("repo")).get("url"))


def _locked(file: str, data: Any, pipeline: Any) -> Iterator[Out]:
    for stage in Stages(pipeline).locked(data):
        yield from _outs(file, stage.folder, stage.outs)


class _Wish(NamedTuple):
    """What a stage's definition says of an out: the lock does not repeat it."""

    remote: str | None = None
    cached: bool = True


def _wish(options: Any) -> _Wish:
    return _Wish(_text(_mapping(options).get("remote")), _mapping(options).get("cache") is not False)


def _outs(file: str, folder: str | None, rows: Iterable[tuple[Mapping[str, Any], Sequence[Any]]]) -> Iterator[Out]:
    """``rows`` are the outs, each with what may be said of it. ``folder`` is None where nobody knows it."""
    wishes: dict[int, set[_Wish]] = {}
    kept = []  # or another one could get its number
    for out, options in rows:
        path = out.get("path")
        if isinstance(path, str):
            unplaced = folder is None and not path.startswith("/")
            joined = posixpath.normpath(posixpath.join(posixpath.dirname(file), folder or "", path))
            # Many outs share the same options where many templates may mean each of them.
            if id(options) not in wishes:
                kept.append(options)
                wishes[id(options)] = set(map(_wish, options))
            found = wishes[id(options)]
            wish = next(iter(found)) if len(found) == 1 else _Wish()
            remote = out.get("remote", wish.remote)
            yield Out(
                _UPWARDS_RE.sub("", posixpath.normpath(path), count=1) if unplaced else joined,
                _digest(out),
                _whole(out.get("size")),
                _whole(out.get("nfiles")),
                md5=out.get("md5"),
                remote=remote if isinstance(remote, str) else None,
                text=out.get("hash") is None,
                cloud=_cloud(out),
                listed=_listed(out),
                file=file,
                cached=out.get("cache", wish.cached) is not False,
                unplaced=unplaced,
                unsure=len(found) > 1,
            )


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


def _cloud(out: Mapping[str, Any]) -> dict[str, Cloud]:
    # DVC lower-cases the names of remotes wherever it reads them.
    found = ((str(name).lower(), _mapping(said)) for name, said in _mapping(out.get("cloud")).items())
    return {name: Cloud(_text(said.get("version_id")), _text(said.get("etag"))) for name, said in found}


def _listed(out: Mapping[str, Any]) -> tuple[ListedFile, ...] | None:
    files = out.get("files")
    if not isinstance(files, list):
        return None
    rows = (_mapping(file) for file in files)
    return tuple(
        ListedFile(_text(row.get("relpath")) or "", _text(row.get("md5")), _whole(row.get("size")), _cloud(row))
        for row in rows
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def pick(outs: Iterable[Out], path: str) -> tuple[Out, str] | None:
    """The out that has a path's bytes, and the path inside it (empty for the out itself); None where none has.

    A ``.dvc`` file counts before a pipeline's lock, the nearest folder before those above it. Raises
    BadPointer where outs lie below the path, where two pointers disagree, or where only an out of an
    unknown folder may be it: then nothing says which bytes the path is.
    """
    everything = list(outs)
    outs = [out for out in everything if not out.unplaced]
    below = sorted({out.path for out in outs if out.path.startswith(f"{path}/")})
    holders = [out for out in outs if path == out.path or path.startswith(f"{out.path}/")]
    if not holders:
        _refuse_unplaced(everything, path)
        if below:
            raise BadPointer(
                f"{path} is a folder in which DVC tracks parts, such as {below[0]}: no digest names it as a whole.",
                f"Track the folder itself (dvc add {path}), or name the part in the manifest.",
                code="mixed-folder",
            )
        return None
    nearest = max(len(out.path) for out in holders)
    best = sorted((out for out in holders if len(out.path) == nearest), key=lambda out: out.file.endswith("dvc.lock"))
    other = next((out for out in best if out.digest != best[0].digest), None)
    if other is not None:
        raise BadPointer(
            f"{best[0].file} and {other.file} say different things about {best[0].path}.",
            "Remove one of them: an out belongs to one .dvc file or one stage.",
        )
    return best[0], path[len(best[0].path) + 1 :]


def _refuse_unplaced(outs: Iterable[Out], path: str) -> None:
    """Raise where an out of an unknown folder may have the path."""
    for out in outs:
        # An empty end is the unknown folder itself, which may be any.
        if out.unplaced and (not out.path or f"/{out.path}/" in f"/{path}/"):
            raise BadPointer(
                f"{out.file} tracks {out.path or 'a folder'} for a stage whose wdir is a template, so nothing says "
                f"whether {path} is it.",
                "Name the folder literally in dvc.yaml (wdir: FOLDER), or track the artifact with a .dvc file.",
                code="templated-wdir",
            )
