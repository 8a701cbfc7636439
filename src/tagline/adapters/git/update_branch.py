"""The port UpdateBranch by git's plumbing, in a clone: shallow or not, whatever is checked out."""

from __future__ import annotations

from tagline.adapters.git.commits import BranchCommits
from tagline.adapters.git.refusals import unreachable
from tagline.adapters.git.urls import RemoteUrl
from tagline.errors import Refused, WrongUsage
from tagline.ports.updates import Base, Standing


class GitUpdateBranch(BranchCommits):
    """The branch on the remote alone: this clone gets none."""

    @property
    def _pushed_to(self) -> RemoteUrl:
        if self._remote is None:
            raise WrongUsage("An update is pushed.", "Name the remote.")
        return self._remote

    def base(self) -> Base:
        """The remote's HEAD: what this clone has of it may be old."""
        remote = self._pushed_to
        asked = self._reaching(remote).run("ls-remote", "--symref", "--end-of-options", remote.url, "HEAD", check=False)
        if asked.status != 0:
            raise unreachable(remote.url, asked.stderr)
        lines = (line.split("\t", 1) for line in asked.stdout.decode(errors="replace").splitlines())
        said = [what for what, *ref in lines if ref == ["HEAD"]]
        name = next((what.removeprefix("ref: refs/heads/") for what in said if what.startswith("ref: ")), None)
        commit = next((what for what in said if not what.startswith("ref: ")), None)
        if name is None or commit is None:
            raise Refused(
                "The remote does not say which branch is its default.",
                "Set one in the repository's settings.",
                code="no-default-branch",
            )
        self._bring(remote, commit, "HEAD")
        return Base(name, commit)

    def standing(self, base: Base, path: str) -> Standing | None:
        """By Git's own comparison with where the branch left the default one; in a shallow clone with its parent."""
        self._require_usable()
        there = self._there
        if there is None:
            return None
        start = self._git.ask("merge-base", base.commit, there) or self._commit(f"{there}^1")
        if start is None:
            return Standing(there, ("?",))
        names = self._git.run("diff", "--name-only", "--no-ext-diff", "-z", start, there, "--").stdout
        changed = (name.decode(errors="replace") for name in names.split(b"\0") if name)
        return Standing(there, tuple(name for name in changed if name != path))

    def replace(self, base: Base, path: str, data: bytes, message: str, time: int) -> None:
        """One commit, pushed under the lease of what was seen."""
        self._push(self._pushed_to, self.add(base.commit, {path: data}, message, time))

    def withdraw(self) -> None:
        """The empty commit of a push takes a branch away."""
        self._push(self._pushed_to, "")
