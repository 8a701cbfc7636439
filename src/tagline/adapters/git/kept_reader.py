"""A repository's objects by one git process for all of its commits; what several of them share is read once."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tagline.adapters.git.object_reader import ObjectReader
from tagline.adapters.git.running import Git
from tagline.adapters.git.trees import CommitTree
from tagline.domain.storage.lfs import MAX_POINTER, PREFIX
from tagline.errors import PlatformRefused, TooManyPaths
from tagline.ports.repository import Content

#: Bytes of a file that is read at all, and that a fetch brings: what says something of artifacts is far smaller.
MOST_OF_FILE = 1 << 20
#: Bytes of one folder.
_MOST_OF_FOLDER = 64 << 20
#: Bytes of objects that are kept for the next commit.
_KEPT = 8 << 20
_AT_ONCE = 400
#: Bytes of a file that is read before anybody asks for it, and names in a root that make that likely.
_LIKELY = 64 << 10
_TELLING_RE = re.compile(rb"(?:\.dvc|\.lock|\.ya?ml|\.json|^\.gitattributes|^\.dvcignore)$")
_MOST_NAMED = 10_000
_REGULAR = ("100644", "100755")


class Found(NamedTuple):
    """An object: its id, type, bytes, and its content where that was asked for."""

    object_id: str
    kind: str
    size: int
    content: bytes = b""


class KeptReader(ObjectReader):
    """Answers by names of objects. What is not here is left out of the answer, and nobody fetches it."""

    def __init__(self, git: Git) -> None:
        super().__init__(git.start_reader, lambda _: None)
        self._kept: dict[str, Found] = {}
        self._sizes: dict[str, Found] = {}
        self._room = _KEPT
        #: Which object a name such as ``COMMIT^{tree}`` leads to.
        self._named: dict[str, str] = {}

    def warm(self, commits: Sequence[str]) -> None:
        """Have the roots of some commits, and the files there that are likely to say something, by three questions.

        Else each commit would wait for an answer to each of its own.
        """
        roots = self.contents([f"{commit}^{{tree}}" for commit in commits], _MOST_OF_FOLDER)
        wanted: dict[str, None] = {}
        for root in roots.values():
            width = len(root.object_id) // 2
            for name, raw in re.findall(rb"100[0-7]{3} ([^\0]+)\0(.{%d})" % width, root.content, re.DOTALL):
                if _TELLING_RE.search(name):
                    wanted[raw.hex()] = None
        small = [one for one, found in self.heads(list(wanted)).items() if found.size <= _LIKELY]
        self.contents(small, MOST_OF_FILE)

    def trees(self, revisions: Sequence[str]) -> Iterator[tuple[str, str, bytes]]:
        """As of ObjectReader. Raises PlatformRefused for what is no folder or not here, TooManyPaths."""
        found = self.contents(revisions, _MOST_OF_FOLDER)
        for revision in revisions:
            one = found.get(revision)
            if one is None or one.kind != "tree":
                raise PlatformRefused(f"Git has no folder {revision[:12]}.", "The repository is damaged or incomplete.")
            if one.size > _MOST_OF_FOLDER:
                raise TooManyPaths(f"A folder with {one.size >> 20} MiB of names")
            yield revision, one.object_id, one.content

    def sizes(self, object_ids: Sequence[str]) -> dict[str, int]:
        """Bytes, by id, of those that are here."""
        return {name: one.size for name, one in self.heads(object_ids).items()}

    def blobs(self, object_ids: Sequence[str]) -> dict[str, bytes]:
        """Contents, by id, of those that are here."""
        return {name: one.content for name, one in self.contents(object_ids, MOST_OF_FILE).items()}

    def heads(self, names: Sequence[str]) -> dict[str, Found]:
        """Type and size alone."""
        new = [name for name in dict.fromkeys(names) if name not in self._kept and name not in self._sizes]
        for name, one in self._ask_all("info", new):
            if one is not None:
                self._sizes[name] = one
        known = ((name, self._kept.get(name) or self._sizes.get(name)) for name in names)
        return {name: one for name, one in known if one is not None}

    def contents(self, names: Sequence[str], most: int) -> dict[str, Found]:
        """The objects of up to ``most`` bytes whole, of larger ones type and size."""
        asked, names = names, [self._named.get(name, name) for name in names]
        new = [name for name in dict.fromkeys(names) if name not in self._kept]
        # Only a file may be large: whether it is, is asked first.
        heads = self.heads(new) if most < _MOST_OF_FOLDER else {}
        large = {name for name, one in heads.items() if one.size > most}
        wanted = [name for name in new if name not in large and (name in heads or most >= _MOST_OF_FOLDER)]
        read = {name: one for name, one in self._ask_all("contents", wanted) if one is not None}
        found = {name: one for name in names if (one := read.get(name) or self._kept.get(name)) is not None}
        for name, one in read.items():
            self._keep(name, one)
        found |= {name: heads[name] for name in large}
        return {one: found[name] for one, name in zip(asked, names, strict=True) if name in found}

    def _keep(self, name: str, one: Found) -> None:
        # A name such as COMMIT^{tree} is asked once; what it leads to is shared.
        key = one.object_id if "^" in name else name
        if key != name and len(self._named) < _MOST_NAMED:
            self._named[name] = key
        if len(one.content) > self._room:
            if len(one.content) > _KEPT // 4:
                return
            self._kept.clear()
            self._sizes.clear()
            self._room = _KEPT
        self._kept[key] = one
        self._room -= len(one.content) + 200

    def _ask_all(self, what: str, names: Sequence[str]) -> Iterator[tuple[str, Found | None]]:
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            self._send("".join(f"{what} {name}\n" for name in some))
            for name in some:
                line = self._handle.proc.stdout.readline().decode(errors="replace")
                if not line:
                    raise PlatformRefused("git cat-file ended early.", "The repository is damaged: git fsck.")
                parts = line.rstrip("\n").split(" ")
                if len(parts) != 3 or not parts[2].isdigit():
                    yield name, None  # "NAME missing"
                    continue
                size = int(parts[2])
                yield name, Found(parts[0], parts[1], size, self._taken(size) if what == "contents" else b"")

    def _taken(self, size: int) -> bytes:
        """The content that comes; of more than anybody reads it is passed over."""
        if size <= _MOST_OF_FOLDER:
            return self._content(size)
        left = size + 1
        while left:
            left -= len(self._handle.proc.stdout.read(min(left, 1 << 20)))
        return b""

    def close(self) -> None:
        """End the process."""
        if self._handle is not None:
            self._handle.proc.kill()
            self._handle.proc.communicate()
            self._handle = None


class KeptGit:
    """git for the trees of one repository, which share a reader. Only what trees ask for is here."""

    def __init__(self, reader: KeptReader) -> None:
        self._reader = reader

    @contextlib.contextmanager
    def objects(self) -> Iterator[ObjectReader]:
        """The shared reader, which stays open."""
        yield self._reader


class IndexTree(CommitTree):
    """The files of a commit, for the index: what is not here or too large to say something counts as absent.

    ``here``: the repository has all of its files, so that each has a size.
    """

    def __init__(self, reader: KeptReader, commit: str, *, here: bool) -> None:
        shared: Any = KeptGit(reader)
        super().__init__(shared, commit, partial=not here, measures=here)
        self._shared = reader

    def read_many(self, paths: Iterable[str], limit: int) -> dict[str, bytes]:
        """Several files."""
        found = self.folders.find(paths)
        regular = {path: entry.object_id for path, entry in found.items() if entry.mode in _REGULAR}
        read = self._shared.contents(list(dict.fromkeys(regular.values())), min(limit, MOST_OF_FILE))
        texts = {name: one.content for name, one in read.items() if one.size == len(one.content)}
        return {path: texts[one] for path, one in regular.items() if one in texts}

    def content(self, path: str) -> Content | None:
        """What lies at a path. A size that nobody here knows is None."""
        entry = self._entry(path)
        if entry is None or entry.is_folder or entry.is_submodule:
            return super().content(path)
        if entry.mode not in _REGULAR:
            return Content("symlink", entry.object_id, None, 1)
        one = self._shared.heads([entry.object_id]).get(entry.object_id)
        if one is None:
            return Content("blob", entry.object_id, None, 1)
        small = self._shared.contents([entry.object_id], MAX_POINTER) if one.size <= MAX_POINTER else {}
        data = small[entry.object_id].content if small else b""
        return Content("blob", entry.object_id, one.size, 1, data.startswith(PREFIX))
