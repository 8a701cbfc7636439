"""A repository on this machine: a clone of any kind, or the cache of a remote one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tagline.adapters.git.running import Git, Place, find_repository, is_url, open_git
from tagline.adapters.git.tags import read_tags, tag_names
from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.moved import Moved
from tagline.domain.text.public import public
from tagline.errors import NotFound, WrongUsage

if TYPE_CHECKING:
    from tagline.adapters.git.trees import CommitTree
    from tagline.domain.ledger.commits import CommitFacts
    from tagline.ports.repository import Tree

#: What git tells of a remote behind its name; of a partial one its filter too.
_FETCH_RE = re.compile(r"(.*) \(fetch\)(?: \[[^ ]*\])?")

#: Brings objects of a partial repository that are about to be read.
Bring = Callable[[Collection[str]], None]


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


class GitRepository:
    """Reads one repository. Nothing here writes."""

    #: A clone does not know what its tags named before.
    moved: Sequence[Moved] = ()

    def __init__(self, place: Place, git: Git, url: str | None = None, remote: str | None = None) -> None:
        self.place = place
        self.git = git
        self._url = url
        self._remote = remote

    @classmethod
    def at(cls, path: Path, remote: str | None = None) -> GitRepository:
        """The repository that ``path`` stands in. Raises NotFound or WrongUsage when there is none."""
        place = find_repository(path)
        return cls(place, open_git(place), remote=remote)

    @cached_property
    def remotes(self) -> list[str]:
        """The names of the remotes."""
        return list(self._urls)

    @cached_property
    def _urls(self) -> dict[str, str]:
        """By the name of a remote where one fetches from it; empty where its configuration does not say."""
        lines = (line.partition("\t") for line in self.git.text("remote", "--verbose").splitlines())
        fetched = {name: _FETCH_RE.match(rest) for name, _, rest in lines if not rest.endswith(" (push)")}
        return {name: url[1] if url else "" for name, url in fetched.items()}

    @cached_property
    def remote(self) -> str | None:
        """The remote that counts: the one named, else ``origin``, else the only one there is."""
        names = self.remotes
        if self._remote is not None:
            if self._remote not in names:
                known = f"There are: {', '.join(names)}." if names else "There are none."
                raise WrongUsage(f"There is no remote {self._remote!r} here.", known, code="no-remote")
            return self._remote
        if "origin" in names:
            return "origin"
        return names[0] if len(names) == 1 else None

    @cached_property
    def url(self) -> str:
        """The remote's URL without credentials, else this repository's own as ``file://``."""
        if self._url is not None:
            return public(self._url)
        found = self._urls[self.remote] if self.remote else ""
        if not found:
            return self.place.root.absolute().as_uri()
        # A relative path means nothing to whoever reads the answer elsewhere.
        return public(found) if is_url(found) else (self.place.root / found).resolve().as_uri()

    def tags(self, artifacts: Collection[str] | None, *, details: bool = False) -> Iterator[RawTag]:
        """The tags of ``artifacts``, or all."""
        return read_tags(self.git, artifacts, details=details)

    def tag_names(self) -> list[str]:
        """The names of all tags."""
        return tag_names(self.git)

    def fetched_at(self) -> int | None:
        """When anything was fetched last, or else cloned, in unix seconds; None where git left no trace of it."""
        place = self.place
        heads = [folder / "FETCH_HEAD" for folder in (place.git_dir, place.common_dir)]
        # Empty after a fetch that failed.
        done = [found.st_mtime for found in map(_stat, heads) if found is not None and found.st_size]
        cloned = _stat(place.common_dir / "logs" / "refs" / "remotes" / (self.remote or "") / "HEAD")
        return int(max(done)) if done else int(cloned.st_mtime) if cloned is not None else None

    def commit(self, revision: str) -> str:
        """The commit id of ``revision``. Raises NotFound with what to do about it."""
        found = self.git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if found:
            return found.splitlines()[-1]
        if revision == "HEAD":
            raise NotFound(
                "The repository has no commit yet.",
                "Make one first: git commit --allow-empty -m 'First commit'",
                code="no-commit",
            )
        raise NotFound(
            f"There is no revision {revision!r} here.",
            "Check its spelling, or fetch it first: git fetch origin",
            code="unknown-revision",
        )

    def is_older(self, commit: str, other: str) -> bool | None:
        """Whether ``commit`` comes strictly before ``other``; None when that cannot be told here.

        By ancestry; a shallow clone lacks that, so there the committers' clocks decide.
        """
        if commit == other:
            return False
        if self.why_incomplete() == "shallow":
            dates = [self.git.ask("show", "-s", "--format=%ct", one) for one in (commit, other)]
            return None if None in dates else int(dates[0] or 0) < int(dates[1] or 0)
        status = self.git.run("merge-base", "--is-ancestor", commit, other, check=False).status
        return {0: True, 1: False}.get(status)

    def tree(self, commit: str) -> CommitTree:
        """The files of a commit."""
        from tagline.adapters.git.trees import CommitTree  # here, because the ledger alone is in no file

        return CommitTree(self.git, commit, partial=self._partial)

    def facts(self, commit: str) -> CommitFacts:
        """What the commit says of itself, and git of its signature."""
        from tagline.adapters.git.facts import commit_facts

        return commit_facts(self.git, commit)

    def prepare(self, _commits: Sequence[str], _depth: int = 1, /) -> None:
        """Nothing: git fetches what a partial clone lacks."""

    def work_tree(self) -> Tree:
        """The tracked files on disk; HEAD's in a bare repository."""
        from tagline.adapters.git.trees import WorkTree

        if self.place.bare:
            return self.tree(self.commit("HEAD"))
        return WorkTree(self.git, self.place.root)

    def default_branch_tree(self) -> CommitTree | None:
        """The default branch's files as last fetched, else HEAD's; None before the first commit."""
        for revision in (f"refs/remotes/{self.remote}/HEAD", "HEAD"):
            found = self.git.ask("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
            if found:
                return self.tree(found)
        return None

    def objects(self, _commit: str) -> tuple[Git, Bring | None]:
        """git where a commit's files are, and what brings many of them where they may have to be fetched."""
        return self.git, None

    @cached_property
    def _partial(self) -> bool:
        # Nearly no clone is partial, and a look at the file costs less than a process.
        try:
            text = (self.place.common_dir / "config").read_bytes().lower()
        except OSError:
            text = b"promisor"
        if b"promisor" not in text and b"partialclone" not in text and b"include" not in text:
            return False
        promisors = self.git.ask("config", "--get-regexp", r"^remote\..*\.(promisor|partialclonefilter)$")
        return bool(promisors)

    def why_incomplete(self) -> str | None:
        """``shallow``, ``partial`` or None."""
        if (self.place.common_dir / "shallow").exists():
            return "shallow"
        return "partial" if self._partial else None

    def has(self, object_id: str) -> bool:
        """Whether an object is here, or in a partial clone can be had."""
        return self.git.run("cat-file", "-e", object_id, check=False).status == 0
