"""DVC's pointers: which path stands for which bytes.

``.dvc`` files and ``dvc.lock`` as DVC 3 writes them (and DVC 2, whose keys are the same).
Source: https://dvc.org/doc/user-guide/project-structure/dvc-files
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tagline.domain.manifest.dvc_stages import Stages, as_mapping
from tagline.domain.manifest.tracked import lies_in
from tagline.errors import BadPointer

#: What may identify an out's content, the first that is there.
_DIGESTS = ("md5", "etag", "checksum", "version_id")
#: Stands for every remote: DVC 2 first wrote a version into the out itself, without a remote's name.
_ANY_REMOTE = ""
_MD5_RE = re.compile(r"[0-9a-f]{32}(\.dir)?")
_UPWARDS_RE = re.compile(r"(\.\./)*(\.\.?$)?")


class Cloud(NamedTuple):
    """What a remote that keeps versions said when an object was pushed to it."""

    version_id: str | None = None
    etag: str | None = None


def version_in(cloud: Mapping[str, Cloud], remote: str) -> Cloud | None:
    """What a pointer says of the version in a remote; None where it says nothing."""
    return cloud.get(remote, cloud.get(_ANY_REMOTE))


class ListedFile(NamedTuple):
    """A file of a folder that a pointer lists by itself, as it does for remotes that keep versions."""

    relpath: str
    md5: str | None
    size: int | None
    cloud: Mapping[str, Cloud] = {}


class Source(NamedTuple):
    """Where ``dvc import-url`` took an out from: a URL or ``remote://NAME/PATH``, and the options to reach it.

    ``version_id`` is the version of a file, ``listed`` are the files of a folder with theirs.
    """

    address: str
    options: Mapping[str, str] = {}
    version_id: str | None = None
    listed: tuple[ListedFile, ...] | None = None

    @property
    def keeps_versions(self) -> bool:
        """Whether the bytes are there for good. Then DVC pushes them nowhere, and takes them from there."""
        return self.version_id is not None or self.listed is not None


class Out(NamedTuple):
    """An out: its path from the repository's root, its digest as written, its size in bytes, its number of files.

    ``digest`` is good for comparing; ``md5`` is what was written under that key, whatever it is.
    ``remote`` is the remote that the out asks for. ``text``: hashed by DVC 2, with Unix's line ends.
    ``listed`` are the files of a folder where the pointer has them. ``file`` is the pointer. ``imported`` is
    the repository that DVC fetches the bytes from instead of a remote, where it does, ``source`` the address
    that ``dvc import-url`` took them from. ``cached`` is false for what DVC leaves to Git. ``unplaced``: the
    folder is a template, ``path`` only the end of the path. ``unsure``: several templates of the pipeline may
    be this out, and say different things of it.
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
    source: Source | None = None
    cached: bool = True
    unplaced: bool = False
    unsure: bool = False

    @property
    def checked_remote(self) -> str | None:
        """The remote that the out asks for. Raises BadPointer where the pipeline may mean several."""
        if self.unsure:
            raise BadPointer(
                f"Nothing says which remote the dvc.yaml beside {self.file} means for {self.path}: a template has no "
                "value, or several templates may be this out.",
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
                self.how_to_hash,
            )
        raise BadPointer(
            f"In {self.file} the md5 of {self.path} is {str(self.md5)[:60]!r}, which is no md5.",
            f"Restore the pointer from Git's history, or write it anew. {self.how_to_hash}",
        )

    @property
    def how_to_hash(self) -> str:
        """The fix where digests are missing: to add what was imported would end the import."""
        if self.source is not None or self.imported is not None:
            return f"Let DVC download and hash it: dvc update {self.file}, then commit the pointer."
        return f"Let DVC hash it: dvc add {self.path} (or dvc repro, dvc commit), then commit the pointer."


def outs_of(file: str, data: Any, pipeline: Any = None) -> list[Out]:
    """The outs of one pointer file. ``pipeline`` is the ``dvc.yaml`` beside a ``dvc.lock``, as ``Stages`` takes it."""
    if posixpath.basename(file) != "dvc.lock":
        return list(_dvc_file(file, data))
    return [out for stage in Stages(pipeline).locked(data) for out in _outs(file, stage.folder, stage.outs)]


def _dvc_file(file: str, data: Any) -> Iterator[Out]:
    if isinstance(data, Mapping):
        # Templates are the pipelines' alone: here a folder is what it says.
        outs = data.get("outs")
        rows = ((row, ()) for row in outs if isinstance(row, Mapping)) if isinstance(outs, list) else ()
        for out in _outs(file, _text(data.get("wdir")) or "", rows):
            yield out._replace(imported=_imported(data.get("deps")), source=_source(data))


def _imported(deps: Any) -> str | None:
    """The source of ``dvc import``, whose bytes are never pushed to a remote of this repository."""
    first = as_mapping(deps[0]) if isinstance(deps, list) and deps else {}
    return _text(as_mapping(first.get("repo")).get("url"))


def _source(data: Mapping[str, Any]) -> Source | None:
    """The source of ``dvc import-url``: one dependency, one out and no command, as DVC itself tells it."""
    deps, outs = data.get("deps"), data.get("outs")
    if data.get("cmd") or not isinstance(deps, list) or not isinstance(outs, list) or (len(deps), len(outs)) != (1, 1):
        return None
    dep = as_mapping(deps[0])
    address = _text(dep.get("path"))
    if address is None or "repo" in dep or "db" in dep:
        return None
    options = {str(key): _option(value) for key, value in as_mapping(dep.get("fs_config")).items()}
    return Source(address, options, _text(dep.get("version_id")), _listed(dep))


def _option(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Wish(NamedTuple):
    """What a stage's definition says of an out: the lock does not repeat it."""

    remote: str | None = None
    cached: bool = True
    #: Whether nothing says what a template among them is.
    unsure: bool = False


def _wish(options: Any) -> _Wish:
    remote, cache = as_mapping(options).get("remote"), as_mapping(options).get("cache")
    if any(isinstance(value, str) and "${" in value for value in (remote, cache)):
        return _Wish(unsure=True)
    return _Wish(_text(remote), cache is not False)


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
                unsure=len(found) > 1 or wish.unsure,
            )


def _digest(out: Mapping[str, Any]) -> str | None:
    for key in _DIGESTS:
        if isinstance(value := out.get(key), str):
            return f"{key}:{value}"
    cloud = as_mapping(next(iter(as_mapping(out.get("cloud")).values()), None))
    version = cloud.get("version_id", cloud.get("etag"))
    if isinstance(version, str):
        return f"cloud:{version}"
    # A version-aware folder lists its files one by one.
    return f"files:{out['files']!r}" if isinstance(out.get("files"), list) else None


def _cloud(out: Mapping[str, Any]) -> dict[str, Cloud]:
    # DVC lower-cases the names of remotes wherever it reads them.
    found = [(str(name).lower(), as_mapping(said)) for name, said in as_mapping(out.get("cloud")).items()]
    if not found and _text(out.get("version_id")):
        found = [(_ANY_REMOTE, out)]
    return {name: Cloud(_text(said.get("version_id")), _text(said.get("etag"))) for name, said in found}


def _listed(out: Mapping[str, Any]) -> tuple[ListedFile, ...] | None:
    files = out.get("files")
    if not isinstance(files, list):
        return None
    rows = (as_mapping(file) for file in files)
    return tuple(
        ListedFile(_text(row.get("relpath")) or "", _text(row.get("md5")), _whole(row.get("size")), _cloud(row))
        for row in rows
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def pick(outs: Iterable[Out], path: str) -> tuple[Out, str] | None:
    """The out that has a path's bytes, and the path inside it (empty for the out itself); None where none has.

    A ``.dvc`` file counts before a pipeline's lock, the nearest folder before those above it. Raises
    BadPointer where outs lie below the path, where two pointers disagree, or where only an out of an
    unknown folder may be it: then nothing says which bytes the path is.
    """
    everything = list(outs)
    outs = [out for out in everything if not out.unplaced]
    below = sorted({out.path for out in outs if lies_in(out.path, path)})
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
