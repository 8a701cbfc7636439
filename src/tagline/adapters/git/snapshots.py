"""The files of a remote's commits without a clone: all folders of a commit by one fetch, files by few.

The small files come with the folders, because nearly all that is asked for is small: manifests,
pointers, configuration. What is larger is fetched when it is read, together with everything else
that is likely to be read next. Nothing is ever checked out.
"""

from __future__ import annotations

import contextlib
import posixpath
import re
from collections.abc import Collection, Sequence
from functools import cached_property, partial

from tagline.adapters.git.facts import commit_facts
from tagline.adapters.git.filters import FILES
from tagline.adapters.git.refusals import unreachable
from tagline.adapters.git.remote import RemoteCache, is_damage
from tagline.adapters.git.repository import Bring, GitRepository
from tagline.adapters.git.running import STAY, Git
from tagline.adapters.git.trees import CommitTree
from tagline.adapters.git.urls import RemoteUrl
from tagline.domain.ledger.commits import CommitFacts
from tagline.domain.ledger.tags import artifact_in_tag
from tagline.domain.manifest.tracked import is_telling
from tagline.domain.storage.lfs import MAX_POINTER
from tagline.errors import PlatformRefused, TooManyPaths

#: Every Git LFS pointer is below it, and what is not can be none.
_SMALL = f"blob:limit={MAX_POINTER + 1}"
#: What describes artifacts or says where their bytes are.
_TELLING_RE = re.compile(
    r"(?:^|/)(?:[^/]+\.dvc|\.dvc/config|dvc\.lock|dvc\.yaml|artifacts\.yaml|params\.yaml|\.gitattributes|\.lfsconfig"
    r"|\.gto)$"
)
_ALSO_TELLING = frozenset(("config", "params.yaml", ".lfsconfig", ".gto"))
#: More than so many are not fetched before they are asked for.
_TOO_MANY = 50_000
#: So many files that are called like the artifact are taken for what its manifest will name.
_NAMESAKES = 2


class Snapshots:
    """Single commits of a remote, kept for the next run.

    ``artifact`` is the one that the run is about, if it is about one. Without ``measures`` no file is brought to learn
    its size.
    """

    def __init__(
        self, cache: RemoteCache, remote: RemoteUrl, artifact: str | None = None, *, measures: bool = True
    ) -> None:
        self._cache = cache
        self._remote = remote
        self._artifact = artifact
        self._measures = measures
        self._trees: dict[str, CommitTree] = {}
        self._missing: dict[str, set[str]] = {}
        #: Commits that were seen here, so that git is not asked for each of their files.
        self._here: set[str] = set()

    @cached_property
    def repository(self) -> GitRepository:
        """The repository that they are kept in."""
        return self._cache.store(self._remote, "@snapshots", FILES)

    def tree(self, commit: str) -> CommitTree:
        """The files of a commit."""
        if commit not in self._trees:
            self.fetch([commit])
            bring = partial(self.bring, commit)
            git = self.repository.git
            self._trees[commit] = CommitTree(git, commit, partial=True, prefetch=bring, measures=self._measures)
        return self._trees[commit]

    def fetch(self, commits: Sequence[str], depth: int = 1) -> None:
        """Bring the folders and small files of commits that are not here yet. Raises PlatformRefused."""
        missing = self._absent(commits)
        if missing:
            self._fetch([f"--depth={depth}", f"--filter={_SMALL}"], missing)
            self._here.update(missing)

    def prepare(self, commits: Sequence[str], depth: int) -> None:
        """The same before they are asked for, with some that lie behind; what is not to be had is told when it is."""
        with contextlib.suppress(PlatformRefused):
            self.fetch(commits, depth)

    def facts(self, commit: str) -> CommitFacts:
        """What a commit says of itself."""
        self.fetch([commit])
        return commit_facts(self.repository.git, commit)

    def objects(self, commit: str) -> tuple[Git, Bring]:
        """git where a commit's files are, and what brings many of them."""
        self.tree(commit)
        return self.repository.git, partial(self.bring, commit)

    def _absent(self, commits: Sequence[str]) -> list[str]:
        """Those that are not here; one process tells of all."""
        unknown = list(dict.fromkeys(commit for commit in commits if commit not in self._here))
        if not unknown:
            return []
        asked = "".join(f"{commit}\n" for commit in unknown).encode()
        said = self.repository.git.run("cat-file", "--batch-check", stdin=asked, environment=STAY, check=False).stdout
        told = zip(unknown, said.decode(errors="replace").splitlines(), strict=False)
        here = {commit for commit, line in told if not line.endswith(" missing")}
        self._here |= here
        return [commit for commit in unknown if commit not in here]

    def bring(self, commit: str, object_ids: Collection[str]) -> None:
        """Bring files of a commit that are about to be read, together; git itself would ask for each."""
        if commit not in self._missing:
            self._missing[commit] = self._lacking(commit)
            if self._missing[commit].intersection(object_ids):
                object_ids = [*object_ids, *self._likely(commit)]
        missing = self._missing[commit].intersection(object_ids)
        if missing:
            self._fetch([f"--filter={FILES}", "--stdin"], sorted(missing))
            self._missing[commit] -= missing

    def _lacking(self, commit: str) -> set[str]:
        """The ids of a commit's files that are not here."""
        command = ("rev-list", "--objects", "--no-walk", "--missing=print", "--end-of-options", commit)
        output = self.repository.git.run(*command, environment=STAY).stdout
        return {line[1:].decode() for line in output.splitlines() if line.startswith(b"?")}

    def _likely(self, commit: str) -> list[str]:
        """The files that are read next: those that tell something, and those that are called like the artifact."""
        short = artifact_in_tag(self._artifact or "").rpartition("=")[2]

        def is_namesake(name: str) -> bool:
            return bool(short) and name.split(".")[0] == short

        try:
            files = self._trees[commit].named(
                lambda _, name: is_telling(name) or name in _ALSO_TELLING or is_namesake(name)
            )
        except TooManyPaths:
            return []  # whoever needs them all will say so
        telling = [file.object_id for file in files if _TELLING_RE.search(file.path)]
        named = [file.object_id for file in files if is_namesake(posixpath.basename(file.path))]
        return [*(telling if len(telling) <= _TOO_MANY else ()), *(named if len(named) <= _NAMESAKES else ())]

    def _fetch(self, options: Sequence[str], revisions: Sequence[str]) -> None:
        """Raises PlatformRefused."""
        result = self._cache.bring(self.repository, options, revisions)
        if is_damage(result):
            self._cache.drop(self.repository)
            del self.repository
            self._here.clear()
            result = self._cache.bring(self.repository, options, revisions)
        if result.status != 0:
            raise unreachable(self._remote.url, result.stderr)


class RemoteRepository(GitRepository):
    """A remote named by its URL: its tags as they are now, and its files without a clone."""

    def __init__(self, tags: GitRepository, snapshots: Snapshots, *, has_files: bool) -> None:
        super().__init__(tags.place, tags.git, tags.url, "origin")
        self.moved = tags.moved
        self._snapshots = snapshots
        #: The remote knows no filters: all files came with the tags.
        self._has_files = has_files

    def tree(self, commit: str) -> CommitTree:
        """The files of a commit."""
        return super().tree(commit) if self._has_files else self._snapshots.tree(commit)

    def facts(self, commit: str) -> CommitFacts:
        """What a commit says of itself."""
        return super().facts(commit) if self._has_files else self._snapshots.facts(commit)

    def prepare(self, commits: Sequence[str], depth: int = 1, /) -> None:
        """By one fetch."""
        if not self._has_files:
            self._snapshots.prepare(commits, depth)

    def objects(self, commit: str) -> tuple[Git, Bring | None]:
        """git where a commit's files are, and what brings many of them."""
        return super().objects(commit) if self._has_files else self._snapshots.objects(commit)
