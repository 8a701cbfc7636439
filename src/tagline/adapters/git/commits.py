"""The port Commits by git's plumbing: blobs, trees and commits are written as objects, and a branch is set at the end.

No index, no work tree and no HEAD is involved, so nothing of the user's can be in the way, and no hook or
signing program runs.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Mapping
from functools import cached_property

from tagline.adapters.git.refusals import refused_push, unreachable
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.running import Git, plain_stderr
from tagline.adapters.git.tag_objects import Tagger
from tagline.adapters.git.trees import CommitTree
from tagline.adapters.git.urls import RemoteUrl
from tagline.adapters.scratch import temporary
from tagline.errors import Conflict, PlatformRefused, Refused, WrongUsage

#: Bytes; a manifest beyond this is not read anywhere.
_MOST = 10 * 1024 * 1024
_FILE_MODES = (b"100644", b"100755")


class BranchCommits:
    """Commits on ``branch`` of a clone. ``remote`` gives what is pushed to, None where nothing is.

    ``keeps`` False is for a dry run: what has to be fetched lands in a folder that goes away.
    """

    def __init__(
        self,
        repository: GitRepository,
        branch: str,
        tagger: Tagger,
        remote: Callable[[], RemoteUrl] | None,
        *,
        keeps: bool = True,
    ) -> None:
        self._repository = repository
        self._branch = branch
        self._tagger = tagger
        self._open_remote = remote
        self._keeps = keeps
        self._last: str | None = None
        self._entries: dict[bytes, bytes] = {}

    @property
    def branch(self) -> str:
        """Its name."""
        return self._branch

    @property
    def _ref(self) -> str:
        return f"refs/heads/{self._branch}"

    @cached_property
    def _environment(self) -> dict[str, str]:
        if self._keeps:
            return {}
        stack = contextlib.ExitStack()
        folder = str(stack.enter_context(temporary("tagline-commit-")))
        weakref.finalize(self, stack.close)
        objects = self._repository.place.common_dir.absolute() / "objects"
        return {"GIT_OBJECT_DIRECTORY": folder, "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{objects}"'}

    @cached_property
    def _git(self) -> Git:
        git = self._repository.git
        return Git(git.directory, git.config, self._environment, git.moved)

    @cached_property
    def _remote(self) -> RemoteUrl | None:
        return None if self._open_remote is None else self._open_remote()

    def _reaching(self, remote: RemoteUrl) -> Git:
        """git here, with the remote's credentials in its environment."""
        return Git(self._git.directory, [*self._git.config, *remote.config], self._environment, remote.moved)

    # -- where to go on from --------------------------------------------------

    @cached_property
    def _default(self) -> str | None:
        """The newest commit of the default branch as this clone knows it; else as the remote does, where that is pushed
        to, and HEAD's where nothing is.

        What HEAD has may be nobody else's business: it is not pushed unasked.
        """
        remote = self._repository.remote
        known = self._commit(f"refs/remotes/{remote}/HEAD") if remote else None
        if known is not None or (self._commit("HEAD") is None and self._remote is None):
            return known
        return self._commit("HEAD") if self._remote is None else self._ask_default(self._remote)

    def _ask_default(self, remote: RemoteUrl) -> str | None:
        asked = self._reaching(remote).run("ls-remote", "--symref", "--end-of-options", remote.url, "HEAD", check=False)
        if asked.status != 0:
            raise unreachable(remote.url, asked.stderr)
        lines = (line.split("\t", 1) for line in asked.stdout.decode(errors="replace").splitlines())
        said = {what for what, *ref in lines if ref == ["HEAD"]}
        found = next((what for what in said if not what.startswith("ref: ")), None)
        if found is not None:
            self._bring(remote, found, "HEAD")
            return found
        if self._commit("HEAD") is None:
            return None
        name = self._repository.remote or "origin"
        raise Refused(
            f"Neither this clone nor {name} says which branch is the default; what HEAD has may be nobody else's.",
            f"Say it: git remote set-head {name} BRANCH, after that branch was pushed.",
            code="no-default-branch",
        )

    @cached_property
    def _here(self) -> str | None:
        """Where the branch is in this clone."""
        return self._commit(self._ref)

    @cached_property
    def _there(self) -> str | None:
        """Where the branch is on the remote: asked where it is pushed to, else as last fetched."""
        if self._remote is not None:
            return self._ask(self._remote)
        name = self._repository.remote
        return self._commit(f"refs/remotes/{name}/{self._branch}") if name else None

    def _ask(self, remote: RemoteUrl) -> str | None:
        asked = self._reaching(remote).run(
            "ls-remote", "--refs", "--end-of-options", remote.url, self._ref, check=False
        )
        if asked.status != 0:
            raise unreachable(remote.url, asked.stderr)
        lines = (line.split("\t", 1) for line in asked.stdout.decode(errors="replace").splitlines())
        found = next((object_id for object_id, ref in lines if ref == self._ref), None)
        if found is not None:
            self._bring(remote, found, self._ref)
        return found

    def _bring(self, remote: RemoteUrl, commit: str, ref: str) -> None:
        """Have a commit here, which ``ref`` of the remote named just now."""
        if self._commit(commit) is not None:
            return
        fetched = self._reaching(remote).run(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--refmap=",
            "--end-of-options", remote.url, ref, check=False,
        )  # fmt: skip
        if fetched.status != 0:
            raise unreachable(remote.url, fetched.stderr)
        if self._commit(commit) is None:
            raise self._moved()

    @cached_property
    def _tip(self) -> str | None:
        self._require_usable()
        here, there = self._here, self._there
        if here and there and here != there and not self._before(here, there):
            if not self._before(there, here):
                raise Conflict(
                    f"The branch {self._branch} has other commits here than on the remote.",
                    f"Bring them together, or drop yours: git branch -D '{self._branch}'",
                    code="branch-diverged",
                )
            there = here
        tip = there or here
        # A branch that was merged since goes on from what it was merged into.
        merged = tip is None or (self._default is not None and self._before(tip, self._default))
        return self._default if merged else tip

    def tip(self) -> str | None:
        """The commit to go on from."""
        return self._tip

    def _require_usable(self) -> None:
        if self._branch.startswith("-") or self._git.ask("check-ref-format", self._ref) is None:
            raise WrongUsage(
                f"{self._branch!r} cannot name a branch.", "Choose another: --branch NAME", code="bad-name"
            )
        used = self._git.ask("for-each-ref", "--format=%(worktreepath)", self._ref)
        standing = not self._repository.place.bare and self._git.ask("symbolic-ref", "--quiet", "HEAD") == self._ref
        if used or standing:
            raise Refused(
                f"The branch {self._branch} is checked out, and its files would no longer be those of its commit.",
                "Switch to another (git switch -), or choose another: --branch NAME",
                code="branch-checked-out",
            )

        if other := self._in_the_way:
            raise Refused(
                f"A branch {other} is in the way of the branch {self._branch}: Git keeps no branch within another.",
                f"Choose another: --branch NAME; or rename it: git branch -m '{other}' NEW",
                code="branch-in-the-way",
            )

    @cached_property
    def _in_the_way(self) -> str | None:
        """A branch here that is a part of our branch's name, or has it as a part of its own."""
        steps = self._branch.split("/")
        above = ["/".join(steps[:count]) for count in range(1, len(steps))]
        found = (name for name in above if self._git.ask("show-ref", "--verify", "--hash", f"refs/heads/{name}"))
        below = self._git.ask("for-each-ref", "--count=1", "--format=%(refname:strip=2)", f"{self._ref}/")
        return next(found, None) or below or None

    def _commit(self, revision: str) -> str | None:
        return self._git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}") or None

    def _before(self, commit: str, other: str) -> bool:
        """Whether a commit is another or one of its ancestors."""
        return self._git.run("merge-base", "--is-ancestor", commit, other, check=False).status == 0

    def default(self) -> str | None:
        """The newest commit of the default branch."""
        return self._default

    def unpushed(self) -> bool:
        """Whether the branch is here and the remote that it is pushed to has none."""
        return self._remote is not None and self._here is not None and self._there is None

    def unmerged(self) -> list[tuple[str, str]]:
        """Id and message of the branch's commits that the default branch lacks, oldest first."""
        if self._tip is None or self._tip == self._default:
            return []
        but = [f"^{self._default}"] if self._default else []
        output = self._git.run(
            "log", "-z", "--first-parent", "--reverse", "--no-show-signature", "--encoding=UTF-8", "--format=%H%n%B",
            self._tip, *but, "--",
        ).stdout  # fmt: skip
        texts = (raw.decode(errors="replace") for raw in output.split(b"\0") if raw)
        return [(first, message) for first, _, message in (text.partition("\n") for text in texts)]

    def read(self, commit: str, path: str) -> bytes | None:
        """A file of a commit."""
        tree = CommitTree(self._git, commit, partial=self._repository.why_incomplete() == "partial")
        data = tree.read(path, _MOST)
        found = tree.content(path) if data is None else None
        if found is not None:
            raise Refused(
                f"{path} of the branch to go on from is a {found.kind}, not a file.",
                "Make it a plain file there.",
                code="manifest-not-editable",
            )
        return data

    # -- commits --------------------------------------------------------------

    @cached_property
    def _identity(self) -> str:
        return self._tagger.identity()

    def add(self, parent: str | None, files: Mapping[str, bytes], message: str, time: int) -> str:
        """A commit that changes some files; its id."""
        self._entries = self._root(parent)
        tree = self._tree(self._entries, files)
        lines = [f"tree {tree}", *([f"parent {parent}"] if parent else [])]
        lines += [f"{role} {self._identity} {time} +0000" for role in ("author", "committer")]
        self._last = self._write("commit", ("\n".join(lines) + f"\n\n{message}").encode())
        return self._last

    def _write(self, kind: str, data: bytes) -> str:
        return self._git.run("hash-object", "-t", kind, "-w", "--stdin", stdin=data).stdout.decode().strip()

    def _tree(self, entries: dict[bytes, bytes], files: Mapping[str, bytes]) -> str:
        """The folder of ``entries``, which learn of it, with other files in it."""
        below: dict[str, dict[str, bytes]] = {}
        for path, data in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = data
                continue
            mode = entries.get(name.encode(), b"").partition(b" ")[0]
            blob = self._write("blob", data)
            entries[name.encode()] = b"%s blob %s" % (mode if mode in _FILE_MODES else _FILE_MODES[0], blob.encode())
        for name, inner in below.items():
            tree = self._tree(self._folder(entries.get(name.encode()), name), inner)
            entries[name.encode()] = b"040000 tree %s" % tree.encode()
        # In a partial clone the other files may be on the remote only.
        text = b"".join(b"%s\t%s\0" % (about, name) for name, about in entries.items())
        return self._git.run("mktree", "-z", "--missing", stdin=text).stdout.decode().strip()

    def _folder(self, about: bytes | None, name: str) -> dict[bytes, bytes]:
        if about is None:
            return {}
        _, kind, object_id = about.split(b" ")
        if kind != b"tree":
            raise Refused(
                f"{name} of the branch to go on from is no folder, and files are to lie in it.",
                "Rename it there.",
                code="import-path-taken",
            )
        return self._list(object_id.decode())

    def _list(self, tree: str) -> dict[bytes, bytes]:
        """Name to mode, kind and id of what lies in a folder."""
        output = self._git.run("ls-tree", "-z", "--full-tree", tree).stdout
        lines = (entry.partition(b"\t") for entry in output.split(b"\0") if entry)
        return {name: about for about, _, name in lines}

    def _root(self, commit: str | None) -> dict[bytes, bytes]:
        """What lies at the root: remembered, since commits follow each other."""
        if commit is not None and commit == self._last:
            return self._entries
        return self._list(commit) if commit else {}

    # -- the branch -----------------------------------------------------------

    def publish(self, commit: str) -> None:
        """Make it the branch's newest commit, on the remote first where that is pushed to."""
        if commit != self._here:
            # A branch that cannot be written here is found before the remote has it.
            self._update(commit, "abort")
        if self._remote is not None and commit != self._there:
            self._push(self._remote, commit)
        if commit != self._here:
            self._update(commit, "commit")

    def _update(self, commit: str, end: str) -> None:
        """Set the branch here: ``end`` is commit, or abort to see whether it could be."""
        change = f"update {self._ref}\0{commit}\0{self._here or '0' * len(commit)}\0"
        command = f"start\0{change}prepare\0{end}\0"
        done = self._git.run("update-ref", "-z", "--stdin", stdin=command.encode(), check=False)
        if done.status != 0:
            said = plain_stderr(done.stderr)
            if "but expected" in said or "already exists" in said:
                raise self._moved()
            raise PlatformRefused(
                f"The branch {self._branch} cannot be written here: {said}",
                "Choose another: --branch NAME",
                code="cannot-write",
            )

    def _push(self, remote: RemoteUrl, commit: str) -> None:
        # The lease only says where the branch has to be still: the commit goes on from there.
        result = self._reaching(remote).run(
            "push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--no-thin",
            "--recurse-submodules=no", f"--force-with-lease={self._ref}:{self._there or ''}",
            "--end-of-options", remote.url, f"{commit}:{self._ref}", check=False,
        )  # fmt: skip
        if result.status == 0:
            return
        said = f"{result.stdout.decode(errors='replace')}\n{result.stderr}"
        if "stale info" in said or "fetch first" in said:
            raise self._moved()
        raise refused_push(remote.url, said, f"the branch {self._branch}")

    def _moved(self) -> Conflict:
        return Conflict(
            f"Somebody else moved the branch {self._branch} meanwhile.", "Run the same command again.", code="raced"
        )
