"""Commits and files of the repository that changes land in, read from its remote without a clone.

The *line* is a cached repository of commits without files, to know what came before what; files are
those of :mod:`tagline.adapters.git.snapshots`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

from tagline.adapters.git.differing import End, differing
from tagline.adapters.git.refusals import unreachable
from tagline.adapters.git.remote import RemoteCache, is_missing
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.running import STAY
from tagline.adapters.git.snapshots import Snapshots
from tagline.adapters.git.updates import merged_tree, tree_of
from tagline.adapters.git.urls import RemoteUrl
from tagline.domain.changes.changes import Change
from tagline.domain.changes.landing import Commit, landed_after
from tagline.domain.changes.touches import Among, FileChange
from tagline.domain.ledger.commits import CommitFacts
from tagline.domain.text.public import public
from tagline.errors import NotFound, PlatformRefused, Refused
from tagline.ports.history import Landing
from tagline.ports.repository import Tree

_DAY = 86_400
#: Commits that are asked for where a time does not say how many are enough.
_SOME = 50
#: As deep as git counts: the whole history.
_ALL = 2**31 - 1
_EMPTY_SINCE_RE = re.compile(r"no commits selected|shallow info|error in object", re.I)
_FULL_ID_RE = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class _Line(NamedTuple):
    """A branch's first parents, newest first, at least as far back as an instant (unix seconds)."""

    since: float
    commits: list[str]


class GitHistory:
    """The port History over a remote."""

    def __init__(self, cache: RemoteCache, remote: RemoteUrl) -> None:
        self._cache = cache
        self._remote = remote
        self._lines: dict[str, _Line] = {}
        #: Commits whose whole history is here.
        self._whole: set[str] = set()
        self.snapshots = Snapshots(cache, remote)

    @property
    def url(self) -> str:
        """The remote's, without credentials."""
        return public(self._remote.url)

    @cached_property
    def commits(self) -> GitRepository:
        """The repository of commits alone."""
        return self._cache.store(self._remote, "@line", "tree:0")

    @cached_property
    def _advertised(self) -> tuple[str, dict[str, str]]:
        """The default branch's name and every branch's tip, as the remote has them now."""
        result = self.commits.git.run("ls-remote", "--symref", "origin", "HEAD", "refs/heads/*", check=False)
        if result.status != 0:
            raise unreachable(self._remote.url, result.stderr)
        default = ""
        tips: dict[str, str] = {}
        for line in result.stdout.decode(errors="surrogateescape").splitlines():
            left, _, ref = line.partition("\t")
            if left.startswith("ref: "):
                default = left.removeprefix("ref: refs/heads/")
            elif ref.startswith("refs/heads/"):
                tips[ref.removeprefix("refs/heads/")] = left
        return default, tips

    @property
    def default_branch(self) -> str:
        """What the remote's HEAD names."""
        return self._advertised[0]

    def tip(self, branch: str | None = None) -> str:
        """The newest commit of a branch."""
        default, tips = self._advertised
        name = branch or default
        if name not in tips:
            raise NotFound(
                f"{self.url} has no branch {name!r}.",
                "Push it, or choose another default branch in the repository's settings.",
                code="unknown-branch",
            )
        return tips[name]

    def files(self, commit: str) -> Tree:
        """The files of a commit."""
        return self.snapshots.tree(commit)

    def facts(self, commit: str) -> CommitFacts:
        """What a commit says of itself."""
        return self.snapshots.facts(commit)

    def prepare(self, commits: Sequence[str]) -> None:
        """By one fetch."""
        self.snapshots.fetch(commits)

    def _fetch(self, repository: GitRepository, options: Sequence[str], revisions: Sequence[str]) -> None:
        result = self._cache.bring(repository, options, revisions)
        if result.status != 0:
            raise unreachable(self._remote.url, result.stderr)

    def object_id(self, commit: str, path: str) -> tuple[str, str] | None:
        """Kind and id of what lies at a path."""
        return self.snapshots.tree(commit).object_id(path)

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
        return sorted(self._advertised[1])

    def line(self, branch: str, since: float) -> list[str]:
        """First parents, newest first."""
        known = self._lines.get(branch)
        if known is None or known.since > since:
            tip = self.tip(branch)
            self._deepen(tip, since)
            commits = self.commits.git.text("rev-list", "--first-parent", tip).splitlines()
            self._lines[branch] = known = _Line(since, commits)
        return known.commits

    def _deepen(self, tip: str, since: float) -> None:
        """Bring the commits since an instant; where there are none so new, some of the newest."""
        options = [f"--shallow-since={max(int(since) - _DAY, 1)}", "--filter=tree:0"]
        result = self._cache.bring(self.commits, options, [tip])
        if result.status != 0 and _EMPTY_SINCE_RE.search(result.stderr):
            result = self._cache.bring(self.commits, [f"--depth={_SOME}", "--filter=tree:0"], [tip])
        if result.status != 0:
            raise unreachable(self._remote.url, result.stderr)

    def landing(self, change: Change, own: Callable[[], list[str]]) -> Landing:
        """From the commits themselves: two parents are a merge; one is a squash or the last of a rebase."""
        commit = change.merge_commit
        if commit is None or not _FULL_ID_RE.fullmatch(commit):
            raise Refused(
                f"The forge names no commit that change {change.number} landed as.",
                "Run again later; if it stays so, tag by hand: tagline register NAME --rev COMMIT",
                code="no-merge-commit",
            )
        self._require_on_branch(change, commit)
        landed = self._commit(commit)
        if commit == change.head:  # a fast-forward: nothing was made anew
            before = change.base_commit
        elif len(landed.parents) > 1:
            before = landed.parents[0]
        elif change.commits == 1:
            before = next(iter(landed.parents), commit)
        else:
            before = self._before_rebase(change, commit, own())
        if before is None:
            raise Refused(
                f"Nobody can tell what was on {change.base} before change {change.number} landed as {commit[:7]}.",
                "Ask again in a new change, with a request file that names the version.",
                code="landing-unclear",
            )
        return Landing(before, commit)

    def _require_on_branch(self, change: Change, commit: str) -> None:
        """Raise Refused for a commit that is not on its branch. Only a whole history says no."""
        try:
            tip = self.tip(change.base)
        except NotFound as error:
            message = f"{change.base}, which change {change.number} was merged into, is gone."
            raise Refused(message, "Merge it into a branch that is promoted.", code="branch-gone") from error
        if commit in self.line(change.base, change.merged_at or 0) or self._is_ancestor(commit, tip):
            return
        self._fetch(self.commits, [f"--depth={_ALL}", "--filter=tree:0"], [tip])
        self._lines.pop(change.base, None)
        if not self._is_ancestor(commit, tip):
            raise Refused(
                f"{commit[:7]}, which change {change.number} landed as, is not on {change.base}.",
                "Its history was rewritten since; promote again by a new change.",
                code="not-on-branch",
            )

    def _before_rebase(self, change: Change, commit: str, own: list[str]) -> str | None:
        """The tip before a squash (one commit back) or a rebase (as many as it copied)."""
        self._fetch(self.commits, [f"--depth={len(own) + 1}", "--filter=tree:0"], [change.head])
        return landed_after(commit, [self._commit(one) for one in own], self._commit)

    def parent(self, commit: str, steps: int = 1) -> str | None:
        """By what is here, and after one fetch if that does not reach so far."""
        line = self._first_parents(commit, steps)
        if len(line) <= steps:
            self._fetch(self.commits, [f"--depth={steps + 1}", "--filter=tree:0"], [commit])
            line = self._first_parents(commit, steps)
        return line[steps] if len(line) > steps else None

    def _first_parents(self, commit: str, steps: int) -> list[str]:
        """A commit and as many of its first parents as are here, up to ``steps``."""
        command = ("rev-list", "--first-parent", f"--max-count={steps + 1}", "--end-of-options", commit)
        found = self.commits.git.run(*command, environment=STAY, check=False)
        return found.stdout.decode().split() if found.status == 0 else []

    def _commit(self, commit: str) -> Commit:
        """A commit's own words, whatever a shallow boundary hides. Raises PlatformRefused when it is not to be had."""
        found = self.commits.git.run("cat-file", "commit", commit, environment=STAY, check=False)
        if found.status != 0:
            self._fetch(self.commits, ["--depth=1", "--filter=tree:0"], [commit])
            found = self.commits.git.run("cat-file", "commit", commit)
        return Commit.parse(commit, found.stdout.decode(errors="surrogateescape"))

    def _is_ancestor(self, commit: str, other: str) -> bool:
        found = self.commits.git.run("merge-base", "--is-ancestor", commit, other, environment=STAY, check=False)
        return found.status == 0

    def brings_nothing(self, before: str | None, after: str, base: str) -> bool:
        """By ancestry, which needs the whole history, and by making the merge again."""
        if not self._has(after) or not self._has(base):
            return False
        if self._lies_behind(after, base):
            return True
        parents = self._commit(after).parents
        if len(parents) != 2 or parents[0] != before or not self._lies_behind(parents[1], base):
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

    def _lies_behind(self, commit: str, tip: str) -> bool:
        """Whether a commit is another or one of its ancestors; only a whole history says no."""
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
        for line in self._lines.values():
            if commit in line.commits and other in line.commits:
                return line.commits.index(commit) > line.commits.index(other)
        try:
            mine, theirs = self._commit(commit), self._commit(other)
        except PlatformRefused:
            return None
        if self._is_ancestor(commit, other):
            return True
        # A shallow history proves no absence: there the clocks decide, as they do for an ancestor's child.
        return False if self._is_ancestor(other, commit) else mine.time < theirs.time
