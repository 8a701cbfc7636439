"""Commits and files of the repository that changes land in, read from its remote without a clone.

The *line* is a cached repository of commits without files, to know what came before what; files are
those of :mod:`tagline.adapters.git.snapshots`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from tagline.adapters.git.differing import End, differing
from tagline.adapters.git.listing import Listing
from tagline.adapters.git.refusals import unreachable
from tagline.adapters.git.remote import RemoteCache, is_missing
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.running import STAY
from tagline.adapters.git.snapshots import Snapshots
from tagline.adapters.git.updates import merged_tree, tree_of
from tagline.adapters.git.urls import RemoteUrl
from tagline.domain.changes.landing import Commit
from tagline.domain.changes.touches import Among, FileChange
from tagline.domain.ledger.commits import CommitFacts
from tagline.domain.text.public import public
from tagline.errors import NotFound, PlatformRefused
from tagline.ports.repository import Tree

_DAY = 86_400
#: So far before the newer of two commits a branch's line tells which came first.
_FEW_DAYS = 7 * _DAY
#: Commits that are asked for where a time does not say how many are enough.
_SOME = 50
#: As deep as git counts: the whole history.
_ALL = 2**31 - 1
_EMPTY_SINCE_RE = re.compile(r"no commits selected|shallow info|error in object", re.I)


class _Line(NamedTuple):
    """A branch's first parents, newest first, at least as far back as an instant (unix seconds)."""

    since: float
    commits: list[str]


class GitHistory:
    """The port History over a remote."""

    def __init__(self, cache: RemoteCache, remote: RemoteUrl, listing: Listing) -> None:
        self._cache = cache
        self._remote = remote
        self._listing = listing
        self._lines: dict[str, _Line] = {}
        #: Commits whose whole history is here.
        self._whole: set[str] = set()
        self.snapshots = Snapshots(cache, remote, measures=False)

    @property
    def url(self) -> str:
        """The remote's, without credentials."""
        return public(self._remote.url)

    @cached_property
    def commits(self) -> GitRepository:
        """The repository of commits alone."""
        return self._cache.store(self._remote, "@line", "tree:0")

    @property
    def repositories(self) -> list[GitRepository]:
        """Where its commits are."""
        return [self.commits, self.snapshots.repository]

    @property
    def default_branch(self) -> str:
        """What the remote's HEAD names."""
        return self._listing.listed.default

    def tip(self, branch: str | None = None) -> str:
        """The newest commit of a branch."""
        default, tips, _ = self._listing.listed
        name = branch or default
        if name not in tips:
            raise NotFound(
                f"{self.url} has no branch {name!r}.",
                "Push it, or choose another default branch in the repository's settings.",
                code="unknown-branch",
            )
        return tips[name]

    def tree(self, commit: str) -> Tree:
        """The files of a commit."""
        return self.snapshots.tree(commit)

    def facts(self, commit: str) -> CommitFacts:
        """What a commit says of itself."""
        return self.snapshots.facts(commit)

    def prepare(self, commits: Sequence[str], depth: int = 1, /) -> None:
        """By one fetch."""
        self.snapshots.prepare(commits, depth)

    def _fetch(self, repository: GitRepository, options: Sequence[str], revisions: Sequence[str]) -> None:
        result = self._cache.bring(repository, options, revisions)
        if result.status != 0:
            raise unreachable(self._remote.url, result.stderr)

    def differing(self, before: str, after: str, among: Among) -> list[FileChange]:
        """By comparing the folders of both; renames count as removed and added."""
        self.snapshots.fetch([before, after])

        def end(commit: str) -> End:
            tree = self.snapshots.tree(commit)
            return End(tree.folders, tree.survey.counts if among.telling else {})

        return differing(end(before), end(after), among)

    # -- the line of commits ----------------------------------------------------

    def branches(self) -> list[str]:
        """As the remote has them now."""
        return sorted(self._listing.listed.branches)

    def line(self, branch: str, since: float) -> list[str]:
        """First parents, newest first."""
        known = self._lines.get(branch)
        if known is None or known.since > since:
            tip = self.tip(branch)
            self._deepen(tip, since)
            commits = self.commits.git.text("rev-list", "--first-parent", tip).splitlines()
            # Half of the day that was brought besides: clocks may be off by the other half.
            self._lines[branch] = known = _Line(since - _DAY / 2, commits)
        return known.commits

    def _deepen(self, tip: str, since: float) -> None:
        """Bring the commits since an instant; where there are none so new, some of the newest."""
        options = [f"--shallow-since={max(int(since) - _DAY, 1)}", "--filter=tree:0"]
        result = self._cache.bring(self.commits, options, [tip])
        if result.status != 0 and _EMPTY_SINCE_RE.search(result.stderr):
            result = self._cache.bring(self.commits, [f"--depth={_SOME}", "--filter=tree:0"], [tip])
        if result.status != 0:
            raise unreachable(self._remote.url, result.stderr)

    def is_on(self, branch: str, commit: str, since: float) -> bool:
        """By the last days' commits; only a whole history says no."""
        tip = self.tip(branch)
        if commit == tip or commit in self.line(branch, since) or self._is_ancestor(commit, tip):
            return True
        self._bring_history(tip)
        self._lines.pop(branch, None)
        return self._is_ancestor(commit, tip)

    def behind(self, commit: str, steps: int) -> list[str]:
        """By what is here, and after one fetch if that does not reach so far."""
        line = self._first_parents(commit, steps)
        if len(line) <= steps:
            self._fetch(self.commits, [f"--depth={steps + 1}", "--filter=tree:0"], [commit])
            line = self._first_parents(commit, steps)
        return line[1:]

    def _first_parents(self, commit: str, steps: int) -> list[str]:
        """A commit and as many of its first parents as are here, up to ``steps``."""
        command = ("rev-list", "--first-parent", f"--max-count={steps + 1}", "--end-of-options", commit)
        found = self.commits.git.run(*command, environment=STAY, check=False)
        return found.stdout.decode().split() if found.status == 0 else []

    def words(self, commits: Sequence[str], head: str | None = None) -> list[Commit]:
        """Whatever a shallow boundary hides. Raises PlatformRefused when one is not to be had."""
        if head is not None:
            self._fetch(self.commits, [f"--depth={len(commits) + 1}", "--filter=tree:0"], [head])
        found: dict[str, Commit] = {}
        for repository in (self.snapshots.repository, self.commits):
            if missing := [commit for commit in commits if commit not in found]:
                found |= self._read(repository, missing)
        if missing := [commit for commit in commits if commit not in found]:
            self._fetch(self.commits, ["--depth=1", "--filter=tree:0"], missing)
            found |= self._read(self.commits, missing)
        return [found[commit] for commit in commits]

    @staticmethod
    def _read(repository: GitRepository, commits: Sequence[str]) -> dict[str, Commit]:
        """Those of some commits that are there, by one process."""
        wanted = "".join(f"{commit}\n" for commit in commits).encode()
        output = repository.git.run("cat-file", "--batch", stdin=wanted, environment=STAY).stdout
        found: dict[str, Commit] = {}
        position = 0
        for commit in commits:
            end = output.index(b"\n", position)
            size = output[position:end].split()[2:]  # what is missing has none
            position = end + 1
            if size:
                text = output[position : position + int(size[0])].decode(errors="surrogateescape")
                found[commit] = Commit.parse(commit, text)
                position += int(size[0]) + 1
        return found

    def own_commits(self, head: str, landed: str) -> list[str]:
        """As far back as one change has commits, and in the whole history where the two do not meet so near."""
        self._fetch(self.commits, [f"--depth={_SOME}", "--filter=tree:0"], [head])
        if self.commits.git.run("merge-base", head, landed, environment=STAY, check=False).status != 0:
            self._bring_history(head)
            self._bring_history(landed)
        command = ("rev-list", "--reverse", "--topo-order", "--end-of-options", head, f"^{landed}")
        return self.commits.git.text(*command).splitlines()

    def _is_ancestor(self, commit: str, other: str) -> bool:
        found = self.commits.git.run("merge-base", "--is-ancestor", commit, other, environment=STAY, check=False)
        return found.status == 0

    def brings_nothing(self, before: str | None, after: str, base: str) -> bool:
        """By ancestry, which needs the whole history, and by making the merge again."""
        if not self._has(after) or not self._has(base):
            return False
        if self.lies_behind(after, base):
            return True
        parents = self.words([after])[0].parents
        if len(parents) != 2 or parents[0] != before or not self.lies_behind(parents[1], base):
            return False
        self._bring_history(after)
        bases = self.commits.git.run("merge-base", "--all", *parents, environment=STAY, check=False).stdout.split()
        if len(bases) != 1:
            return False
        merged = merged_tree(self.snapshots, bases[0].decode(), *parents)
        return merged is not None and merged == tree_of(self.snapshots, after)

    def _has(self, commit: str) -> bool:
        """Bring a commit; False where the remote has none such. Raises PlatformRefused where it does not answer."""
        if self.commits.git.run("cat-file", "-e", commit, environment=STAY, check=False).status == 0:
            return True
        result = self._cache.bring(self.commits, ["--depth=1", "--filter=tree:0"], [commit])
        if result.status != 0 and not is_missing(result):
            raise unreachable(self._remote.url, result.stderr)
        return result.status == 0

    def lies_behind(self, commit: str, tip: str) -> bool:
        """By ancestry; only a whole history says no."""
        if self._has(commit) and self._is_ancestor(commit, tip):
            return True
        self._bring_history(tip)
        return self._is_ancestor(commit, tip)

    def _bring_history(self, tip: str) -> None:
        if tip not in self._whole:
            self._fetch(self.commits, [f"--depth={_ALL}", "--filter=tree:0"], [tip])
            self._whole.add(tip)

    def is_older(self, commit: str, other: str) -> bool | None:
        """By a branch's line where both are on it, then by ancestry, at last by the committers' clocks."""
        if commit == other:
            return False
        if (told := self._by_lines(commit, other)) is not None:
            return told
        try:
            mine, theirs = self.words([commit, other])
        except PlatformRefused:
            return None
        if commit == self.tip() and theirs.time <= mine.time:
            # What is on the default branch lies behind its tip, and what is not does so by the clocks. Of another
            # branch that proves nothing: anybody who may push puts one where he likes.
            return False
        self.line(self.default_branch, max(mine.time, theirs.time) - _FEW_DAYS)
        if (told := self._by_lines(commit, other)) is not None:
            return told
        if self._is_ancestor(commit, other):
            return True
        # A shallow history proves no absence: there the clocks decide, as they do for an ancestor's child.
        return False if self._is_ancestor(other, commit) else mine.time < theirs.time

    def _by_lines(self, commit: str, other: str) -> bool | None:
        """Whether ``commit`` comes before ``other`` on a line that was read and has both; None where none has."""
        for _, commits in self._lines.values():
            if commit in commits and other in commits:
                return commits.index(commit) > commits.index(other)
        return None
