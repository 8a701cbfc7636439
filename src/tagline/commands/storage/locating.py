"""Where an artifact's bytes are, by the word of one snapshot alone: no store is asked anything here."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from tagline.commands.manifest.snapshots import project_of, tracked_out
from tagline.commands.storage.dvc_configs import config_of
from tagline.domain.manifest.manifest import ManifestEntry, is_uri
from tagline.domain.storage.lfs import MAX_POINTER, LfsPointer, parse_pointer
from tagline.domain.storage.listings import Entry, checked, folder_digest
from tagline.domain.storage.objects import Item, Key, Remote, total_size
from tagline.domain.storage.pointers import Cloud, ListedFile, Out, Source, version_in
from tagline.domain.storage.remotes import moved_to
from tagline.domain.text.public import public
from tagline.errors import BadPointer, NotFound, TaglineError
from tagline.ports.repository import Content, Tree
from tagline.ports.storage import Machine, ObjectStore, Stores


@dataclass(frozen=True)
class Place:
    """Where bytes are.

    ``digest``, ``size`` and ``files`` are the pointer's words. ``key`` is the one object to look at: the
    file, or the list of a folder (``is_listing``), of which ``inner`` is the part that is meant. ``items``
    are the files where they are known without asking the store. Without a ``store`` there is nothing to
    look at.
    """

    uri: str | None = None
    digest: str | None = None
    size: int | None = None
    files: int | None = None
    store: ObjectStore | None = None
    key: Key | None = None
    is_listing: bool = False
    inner: str = ""
    text: bool = False
    prefix: str = ""
    items: tuple[Item, ...] | None = None
    #: The content of a folder's list, once it was read whole.
    listing: bytes | None = None
    #: A folder in Git, whose files are listed when they are wanted.
    git_folder: str | None = None
    #: Why nobody knows the artifact's files, or their digests, where an address is known all the same.
    unlisted: TaglineError | None = None


@dataclass(frozen=True)
class StorageContext:
    """What finding and reaching bytes takes: the stores, and this machine's configuration of DVC.

    ``moved`` tells where stores have moved to since commits named them, as the policy says; it is asked when some
    address is to be told.
    """

    stores: Stores
    machine: Machine
    moved: Callable[[], Mapping[str, str]] = dict

    def now(self, remote: Remote) -> Remote:
        """A remote where it is now. What this machine itself says of its address stands."""
        return remote if "url" in remote.own else replace(remote, url=moved_to(remote.url, self.moved()))


@dataclass(frozen=True)
class Surroundings:
    """What locating needs beside the snapshot: the context, the repository's address, the snapshot's commit."""

    context: StorageContext
    url: str
    commit: str


def locate(tree: Tree, entry: ManifestEntry, around: Surroundings) -> Place:
    """Where an artifact's bytes are.

    Raises NotFound where neither Git nor a pointer has its path, BadPointer where what they say does not
    identify bytes, WrongUsage where DVC's configuration names no remote for them.
    """
    if entry.path is None:
        return Place()
    if entry.virtual or is_uri(entry.path):
        unlisted = None if entry.virtual else _unverified(entry, tree)
        return Place(uri=public(moved_to(entry.path, around.context.moved())), unlisted=unlisted)
    content = tree.content(entry.path)
    if content is not None and content.kind == "blob":
        return _in_lfs(tree, entry.path, around) if content.pointer else _in_git(entry.path, content, around)
    # Links are looked at only after pointers: DVC can link its outs into the work tree.
    in_git = content is not None and content.kind == "tree"
    out = tracked_out(tree, entry.path, in_git=in_git)
    if content is not None and in_git and out is None:
        return _in_git(entry.path, content, around)
    if out is None:
        raise _nowhere(entry, content, tree)
    return _in_dvc(tree, *out, around)


def _unverified(entry: ManifestEntry, tree: Tree) -> NotFound:
    return NotFound(
        f"The path of {entry.name} is the address {public(entry.path or '')} at {tree.label}: nothing in Git or DVC "
        "identifies its bytes.",
        f"Say so in {entry.file}, line {entry.line} (virtual: true, in dvc.yaml under meta.tagline), or name a tracked "
        "path; then register that commit.",
        code="no-bytes",
    )


def _nowhere(entry: ManifestEntry, content: Content | None, tree: Tree) -> NotFound | BadPointer:
    if content is not None:
        return BadPointer(
            f"{entry.path} is a {content.kind} at {tree.label}: it has no bytes of its own.",
            "Name the file or folder that it leads to, or track it with DVC.",
        )
    return NotFound(
        f"{entry.path} is neither in Git nor tracked by DVC at {tree.label}.",
        f"Check the path in {entry.file}, line {entry.line}; register a commit that has it.",
        code="no-bytes",
    )


# -- in Git -------------------------------------------------------------------


def _in_git(path: str, content: Content, around: Surroundings) -> Place:
    digest = f"git{content.kind}:{content.object_id}"
    uri = f"git+{around.url}@{around.commit}#{path}"
    if content.kind == "tree":
        store = around.context.stores.git(around.commit)
        return Place(uri, digest, content.size, content.files, store, git_folder=path)
    item = Item("", Key(f"blob/{content.object_id}"), digest, content.size)
    return Place(uri, digest, content.size, 1, around.context.stores.git(around.commit), items=(item,))


def _in_lfs(tree: Tree, path: str, around: Surroundings) -> Place:
    pointer = parse_pointer(tree.read(path, MAX_POINTER) or b"")
    if pointer is None:
        raise BadPointer(
            f"{path} looks like a Git LFS pointer at {tree.label}, but cannot be read as one.",
            "Restore it: git lfs pointer --file FILE writes a right one.",
        )
    item = _lfs_item("", pointer)
    uri = f"git+{around.url}@{around.commit}#{path}"
    return Place(uri, item.digest, item.size, 1, around.context.stores.git(around.commit), item.key, items=(item,))


def _lfs_item(relpath: str, pointer: LfsPointer) -> Item:
    return Item(relpath, Key(f"lfs/{pointer.sha256}/{pointer.size}"), f"sha256:{pointer.sha256}", pointer.size)


def folder_items(tree: Tree, place: Place, *, uses_lfs: bool) -> list[Item]:
    """The files of a folder in Git. Raises BadPointer for links and submodules in it."""
    folder = place.git_folder or ""
    blobs = tree.blobs(folder)
    if odd := next((blob for blob in blobs if blob.kind != "blob"), None):
        raise BadPointer(
            f"{folder}/{odd.relpath} is a {odd.kind} at {tree.label}, which is not fetched.",
            "Replace it by the file itself.",
        )
    pointers = {}
    if uses_lfs:
        small = [blob for blob in blobs if blob.size is None or blob.size <= MAX_POINTER]
        found = tree.read_many(
            [posixpath.normpath(posixpath.join(folder, blob.relpath)) for blob in small], MAX_POINTER
        )
        pointers = {path: pointer for path, data in found.items() if (pointer := parse_pointer(data))}
    items = []
    for blob in blobs:
        pointer = pointers.get(posixpath.normpath(posixpath.join(folder, blob.relpath)))
        if pointer is None:
            items.append(Item(blob.relpath, Key(f"blob/{blob.object_id}"), f"gitblob:{blob.object_id}", blob.size))
        else:
            items.append(_lfs_item(blob.relpath, pointer))
    return items


def digest_of(tree: Tree, path: str) -> str | None:
    """The digest that a pointer of DVC's gives to a path, wherever the bytes are; None where none does."""
    try:
        found = tracked_out(tree, path, in_git=False)
        return f"md5:{found[0].checked_md5}" if found is not None and not found[1] else None
    except BadPointer:
        return None


# -- by DVC -------------------------------------------------------------------


def _in_dvc(tree: Tree, out: Out, inner: str, around: Surroundings) -> Place:
    if out.imported is not None:
        raise BadPointer(
            f"{out.path} was brought by dvc import from {out.imported}, so its bytes are not in this repository's "
            "remote.",
            "Describe and resolve it in that repository. For a copy of your own bring it with dvc get, and track that.",
            code="imported",
        )
    project = project_of(out.file, tree)
    config = config_of(project, tree, around.context.machine)
    if out.source is not None and out.source.keeps_versions:
        origin = around.context.now(config.at(out.source.address, out.source.options))
        return _at_source(out, out.source, inner, origin, partial(around.context.stores.remote, folder=project))
    remote = around.context.now(config.remote(out.checked_remote))
    store = around.context.stores.remote(remote, project)
    path = posixpath.relpath(out.path, project or ".")
    if remote.version_aware and (out.listed is not None or out.cloud):
        return _versioned(out, path, inner, remote, store)
    if remote.version_aware and not remote.is_worktree:
        raise _not_pushed(out, remote)
    prefix = _prefix(remote, text=out.text)
    if out.listed is not None:
        return _of_files(out, inner, _listed_items(out, lambda file: object_key(prefix, file.md5 or "")), store, path)
    return _hashed(out, inner, prefix, store)


def _prefix(remote: Remote, *, text: bool) -> str:
    """What goes before an object's digest in its key. DVC 2 (``text``) had nothing there."""
    if text:
        return ""
    return ".dvc/files/md5/" if remote.is_worktree else "files/md5/"


def object_key(prefix: str, md5: str) -> Key:
    """The key of a hashed object; a folder's list keeps its ``.dir``."""
    return Key(f"{prefix}{md5[:2]}/{md5[2:]}")


def _hashed(out: Out, inner: str, prefix: str, store: ObjectStore) -> Place:
    md5 = out.checked_md5
    key = object_key(prefix, md5)
    place = Place(store.uri(key), f"md5:{md5}", out.size, out.files, store, key, text=out.text, prefix=prefix)
    if md5.endswith(".dir"):
        known = None if inner else out.size
        return replace(place, is_listing=True, inner=inner, size=known, files=None if inner else out.files)
    if inner:
        raise _no_folder(out, inner)
    item = Item("", key, f"md5:{md5}", out.size, out.text)
    return replace(place, files=1, items=(item,))


def _versioned(out: Out, path: str, inner: str, remote: Remote, store: ObjectStore) -> Place:
    """An out of a remote that keeps paths and versions."""
    if out.listed is not None:

        def key_of(file: ListedFile) -> Key:
            version = version_in(file.cloud, remote.name)
            if version is None or version.version_id is None:
                raise _not_pushed(out, remote)
            return Key(posixpath.join(path, file.relpath), version.version_id)

        return _of_files(out, inner, _listed_items(out, key_of), store, path)
    cloud = version_in(out.cloud, remote.name)
    if cloud is None or cloud.version_id is None:
        raise _not_pushed(out, remote)
    if inner:
        raise _no_folder(out, inner)
    key, digest = Key(path, cloud.version_id), f"md5:{out.checked_md5}"
    item = Item("", key, digest, out.size, out.text)
    return Place(store.uri(key), digest, out.size, 1, store, key, text=out.text, items=(item,))


def _listed_items(out: Out, key_of: Callable[[ListedFile], Key]) -> list[Item]:
    """The files that a pointer lists, checked as those of a ``.dir`` object are."""
    files = out.listed or ()
    missing = next((file for file in files if file.md5 is None), None)
    if missing is not None:
        raise BadPointer(
            f"{out.file} has no md5 for {out.path}/{missing.relpath}.",
            out.how_to_hash,
        )
    checked([Entry(file.relpath, file.md5 or "") for file in files], out.file)
    return [Item(file.relpath, key_of(file), f"md5:{file.md5}", file.size, out.text) for file in files]


def _of_files(out: Out, inner: str, items: list[Item], store: ObjectStore, path: str) -> Place:
    """A folder whose files the pointer lists; ``inner`` is the part of it that is meant."""
    if inner:
        exact = next((item for item in items if item.relpath == inner), None)
        if exact is not None:
            item = exact._replace(relpath="")
            return Place(store.uri(item.key), item.digest, item.size, 1, store, item.key, text=out.text, items=(item,))
        prefix = f"{inner}/"
        items = [i._replace(relpath=i.relpath[len(prefix) :]) for i in items if i.relpath.startswith(prefix)]
        if not items:
            raise _no_folder(out, inner)
    digest = folder_digest(Entry(item.relpath, item.digest.removeprefix("md5:")) for item in items)
    size = total_size(items)
    uri = store.uri(Key(posixpath.join(path, inner) if inner else path))
    key = items[0].key if items else None
    return Place(uri, f"md5:{digest}", size, len(items), store, key, text=out.text, items=tuple(items))


# -- where it was imported from -----------------------------------------------


def _at_source(
    out: Out, source: Source, inner: str, remote: Remote, open_store: Callable[[Remote], ObjectStore]
) -> Place:
    """An out that DVC takes from where it was imported, by versions, and pushes to no remote."""
    root, _, name = remote.url.rstrip("/").rpartition("/")
    store = open_store(replace(remote, url=root))
    if source.listed is not None:
        return _source_folder(out, source.listed, inner, store, name)
    if inner:
        raise _no_folder(out, inner)
    key, digest = Key(name, source.version_id), f"md5:{out.checked_md5}"
    item = Item("", key, digest, out.size, out.text)
    return Place(store.uri(key), digest, out.size, 1, store, key, text=out.text, items=(item,))


def _source_folder(out: Out, listed: Sequence[ListedFile], inner: str, store: ObjectStore, name: str) -> Place:
    """The files of an imported folder. The source knows ETags alone: most are MD5s, and the folder's own proves it."""
    versions = [(file, version_in(file.cloud, "") or Cloud()) for file in listed]
    keys = {file.relpath: Key(posixpath.join(name, file.relpath), said.version_id) for file, said in versions}
    if bare := next((key for key in keys.values() if key.version_id is None), None):
        raise BadPointer(f"{out.file} does not say which version of {bare.path} was imported.", out.how_to_hash)
    found = [Entry(file.relpath, said.etag or "") for file, said in versions]
    if folder_digest(found) == out.checked_md5:
        checked(found, out.file)
        proved = [file._replace(md5=said.etag) for file, said in versions]
        items = _listed_items(out._replace(listed=tuple(proved)), lambda file: keys[file.relpath])
        return _of_files(out, inner, items, store, name)
    unlisted = BadPointer(
        f"{out.file} has a digest of {out.path} as a whole and none of each file: some ETags of its source are no MD5.",
        "Bring the folder into a remote of this repository: dvc import-url --to-remote, then commit the pointer.",
        code="no-file-digests",
    )
    if inner:
        raise unlisted
    digest, uri = f"md5:{out.checked_md5}", store.uri(Key(name))
    return Place(uri, digest, out.size, len(keys), store, next(iter(keys.values()), None), unlisted=unlisted)


# -- refusals -----------------------------------------------------------------


def _not_pushed(out: Out, remote: Remote) -> BadPointer:
    return BadPointer(
        f"{out.file} does not say which version of {out.path} the remote {remote.name!r} has: it was not pushed there.",
        f"Push it and commit the pointer: dvc push -r {remote.name} {out.path}",
        code="not-pushed",
    )


def _no_folder(out: Out, inner: str) -> NotFound:
    return NotFound(
        f"{out.path} has nothing at {inner}.",
        "Check the path in the manifest against what DVC tracks: dvc list . --dvc-only --recursive",
        code="no-bytes",
    )
