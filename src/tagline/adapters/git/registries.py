"""Repositories read for the index: as they were when their refs were listed, by object ids, without clones.

A folder here is read where it is. Of a remote the tags, the tagged commits and their small files are fetched into a
repository of its own that goes away; of versions that the index has already, their files are not.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from tagline.adapters.git.filters import fetch as filtered
from tagline.adapters.git.kept_reader import MOST_OF_FILE, Found, IndexTree, KeptReader
from tagline.adapters.git.records import Tip
from tagline.adapters.git.ref_listing import RefListing, local_refs
from tagline.adapters.git.refusals import cache_unwritable, unreachable
from tagline.adapters.git.remote import is_missing
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.running import Git, Place, Result, is_url, open_git
from tagline.adapters.git.tags import tag_of
from tagline.adapters.git.urls import RemoteUrl
from tagline.adapters.scratch import clear, scratch
from tagline.domain.delivery.book import Report, from_record
from tagline.domain.index.refs import Refs
from tagline.domain.ledger.commits import CommitFacts
from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.records import MAX_RECORD
from tagline.domain.text.public import public
from tagline.errors import PlatformRefused, WrongUsage

_SMALL, _COMMITS = f"blob:limit={MOST_OF_FILE}", "tree:0"
_PREFIX = ".tagline-index-"
#: Bytes of a tag object.
_MOST_OF_TAG = 1 << 20
#: Tags of tags, one in the other.
_DEEPEST = 10
#: Commits whose files are read together.
_WARMED = 200
#: A fetch into a repository that goes away need not wait for the disk; its request goes in one piece.
_CHEAP = (("core.fsync", "none"), ("http.postBuffer", str(1 << 26)), ("fetch.negotiationAlgorithm", "noop"))
_CONFIG = """\
[core]
\trepositoryFormatVersion = 1
\tbare = true
\tlogAllRefUpdates = false
[extensions]
\tobjectFormat = %s
"""


class GitRegistries:
    """The port Registries. ``remote_of`` adds to an address what reaching it takes; ``folder`` is for fetches."""

    def __init__(self, remote_of: Callable[[str], RemoteUrl], folder: Path, streams: int) -> None:
        self._remote_of = remote_of
        self._folder = folder
        self._listing = RefListing(streams)
        self._lock = threading.Lock()
        self._cleared = False

    def look(self, address: str) -> Refs:
        """By one request, or one process."""
        path = local_path(address)
        return self._listing.refs(self._remote_of(address)) if path is None else local_refs(*_here(path))

    @contextlib.contextmanager
    def open(self, address: str, refs: Refs) -> Iterator[OpenRegistry]:
        """As of these refs."""
        path = local_path(address)
        if path is not None:
            reader = KeptReader(_here(path)[0])
            try:
                yield OpenRegistry(address, refs, reader)
            finally:
                reader.close()
            return
        with self._emptied() as folder:
            fetched = _Fetched(self._remote_of(address), folder, refs)
            try:
                yield OpenRegistry(address, refs, fetched.reader, fetched)
            finally:
                fetched.reader.close()

    @contextlib.contextmanager
    def _emptied(self) -> Iterator[Path]:
        with contextlib.ExitStack() as stack:
            try:
                self._clear()
                folder = stack.enter_context(scratch(self._folder, _PREFIX))
            except OSError as error:
                raise cache_unwritable(self._folder, error) from error
            yield folder

    def _clear(self) -> None:
        """Once a run: the folders that killed ones have left."""
        with self._lock:
            if not self._cleared:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                clear(self._folder, _PREFIX)
                self._cleared = True


def local_path(address: str) -> Path | None:
    """The folder that an address names, if it names one here."""
    if address.lower().startswith("file://"):
        return Path(unquote(address[len("file://") :]))
    return None if is_url(address) else Path(address)


def _here(path: Path) -> tuple[Git, Path]:
    """git in the repository at a folder, not at one around it, and where that keeps its refs.

    Raises PlatformRefused, WrongUsage.
    """
    inner = path / ".git"
    for git_dir in (inner, path):
        if (git_dir / "HEAD").is_file() and (git_dir / "objects").is_dir():
            bare = git_dir is path
            return open_git(Place(path, git_dir, git_dir, bare)), git_dir
    if inner.is_file():  # a work tree beside its repository
        found = GitRepository.at(path)
        return found.git, found.place.git_dir
    what = "no Git repository" if path.exists() else "nothing"
    raise PlatformRefused(f"There is {what} at {path}.", "Check the path.", code="no-remote-repository")


class _Fetched:
    """What was fetched of a remote. The first question decides how much that is."""

    def __init__(self, remote: RemoteUrl, folder: Path, refs: Refs) -> None:
        self._remote = remote
        self._refs = refs
        long = any(len(one) > 40 for one in (refs.head or "", *refs.refs.values()))
        self._config = _CONFIG % ("sha256" if long else "sha1")
        for inner in ("objects", "refs"):
            (folder / inner).mkdir()
        (folder / "HEAD").write_text("ref: refs/heads/none\n")
        self._folder = folder
        self.git = Git(folder, [("safe.directory", str(folder)), *_CHEAP, *remote.everything], moved=remote.moved)
        self.reader = KeptReader(self.git)
        self.whole = False

    def fetch(self, *, files: bool) -> None:
        """The tags, the commits that they name and the default branch's, with their small files or without."""
        tips = dict.fromkeys([*self._refs.refs.values(), *([self._refs.head] if self._refs.head else [])])
        self._bring(list(tips), _SMALL if files else _COMMITS)
        self.whole = files

    def files(self, commits: Sequence[str]) -> None:
        """The small files of some commits."""
        if self.whole or not commits:
            return
        try:
            self._bring(list(dict.fromkeys(commits)), _SMALL)
        except PlatformRefused:
            self.fetch(files=True)  # a server that hands out only what it advertises

    def _bring(self, wanted: Sequence[str], what: str) -> None:
        # Git registers the remote as one that owes objects; without that, what is not here is just not here.
        said = f'[remote "origin"]\n\turl = {_quoted(self._remote.url)}\n'
        config = self._folder / "config"

        def run(options: list[str]) -> Result:
            config.write_text(self._config + said)
            return self.git.run(
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--refmap=",
                "--depth=1", *options, "--stdin", "origin",
                stdin="".join(f"{one}\n" for one in wanted).encode(), check=False,
            )  # fmt: skip

        result = filtered(self._folder, [f"--filter={what}"], run)
        config.write_text(self._config)
        if result.status != 0:
            if is_missing(result):
                raise PlatformRefused(
                    f"{public(self._remote.url)} changed while it was read.", "Run the same again.", code="moved"
                )
            raise unreachable(self._remote.url, result.stderr)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


class OpenRegistry:
    """The port Registry over a reader of objects; it is also the port Repository."""

    def __init__(self, address: str, refs: Refs, reader: KeptReader, fetched: _Fetched | None = None) -> None:
        self.refs = refs
        path = local_path(address)
        self.url = public(address) if path is None or is_url(address) else path.resolve().as_uri()
        self._reader = reader
        self._fetched = fetched

    def begin(self, *, files: bool) -> None:
        """Bring what is not here; ``files``: with the files of every tagged commit."""
        if self._fetched is not None:
            self._fetched.fetch(files=files)

    def tags(self) -> list[RawTag]:
        """By the objects that the refs named."""
        tags = self.refs.tags
        found = self._reader.contents(list(dict.fromkeys(tags.values())), _MOST_OF_TAG)
        if len(found) < len(set(tags.values())):
            raise PlatformRefused("Git lacks tag objects.", "The repository is damaged: git fsck.", code="broken-ref")
        return [self._followed(_raw(name, found[one])) for name, one in tags.items()]

    def _followed(self, tag: RawTag) -> RawTag:
        """A tag of a tag leads to what the last one names."""
        for _ in range(_DEEPEST):
            if tag.target_type != "tag" or tag.object_type != "tag":
                break
            inner = self._reader.contents([tag.target], _MOST_OF_TAG).get(tag.target)
            if inner is None:
                break
            named = tag_of(tag.name, tag.target, inner.content, details=False)
            tag = tag._replace(target=named.target, target_type=named.target_type)
        return tag

    def repository(self) -> OpenRegistry:
        """Itself."""
        return self

    def tree(self, commit: str) -> IndexTree:
        """The files of a commit."""
        return IndexTree(self._reader, commit, here=self._fetched is None)

    def facts(self, commit: str) -> CommitFacts:
        """Its id alone: no table has more of it."""
        return CommitFacts(commit, "", "", 0, "", 0, "")

    def prepare(self, commits: Sequence[str], _depth: int = 1, /) -> None:
        """By one fetch, if any."""
        if self._fetched is not None:
            self._fetched.files(commits)
        for start in range(0, len(commits), _WARMED):
            self._reader.warm(commits[start : start + _WARMED])

    def reports(self) -> Mapping[str, Sequence[Report]]:
        """By the newest commit of each line."""
        lines = self.refs.deliveries
        found = self._reader.contents(list(lines.values()), MAX_RECORD + 4096)
        tips = {name: found[one] for name, one in lines.items() if one in found}
        return {
            name: from_record(Tip(one.object_id, one.kind, one.content).record).reports for name, one in tips.items()
        }


def _raw(name: str, one: Found) -> RawTag:
    if one.kind != "tag":
        return RawTag(name, one.object_id, one.kind, one.object_id, one.kind, None, name)
    return tag_of(name, one.object_id, one.content, details=True)


__all__ = ["GitRegistries", "OpenRegistry", "WrongUsage", "local_path"]
