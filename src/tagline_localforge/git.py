"""Git plumbing on a bare repository: no work tree, and nothing of the user's configuration.

Needs Git 2.38 for ``merge-tree --write-tree``.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_COMMIT_FORMAT = "%H%n%T%n%P%n%an%n%ae%n%ad%n%cn%n%ce%n%cd%n%B"
#: How many lines of the format come before the message.
_COMMIT_LINES = 9
#: What a new repository's configuration goes on with; a process for each line would take longer than to make it.
_CONFIGURATION = """\
[http]
	receivepack = true
[uploadpack]
	allowFilter = true
	allowAnySHA1InWant = true
[receive]
	# A forge offers the heads of changes to everybody and lets nobody push them.
	hideRefs = refs/pull
	hideRefs = refs/merge-requests
	autogc = false
[gc]
	auto = 0
"""
#: Newer gits have another form as well, which `refs` does not read.
_REFS_IN_FILES = {"GIT_DEFAULT_REF_FORMAT": "files"}
#: A commit, or a range of them, that is always the same.
_ID = r"(?:[0-9a-f]{40}|[0-9a-f]{64})"
_FIXED_RE = re.compile(rf"{_ID}(?:\^\{{commit\}}|\.\.{_ID})?")
#: A commit of more files than this is not compared: a few kB can stand for millions.
_MOST_FILES = 100_000
#: The kinds of ``git diff --raw`` in the words that both forges' shapes are made from.
_STATUSES = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}


class GitFailed(Exception):
    """Git refused; the message is its own."""


class MergeConflict(GitFailed):
    """The two sides changed the same lines."""


@dataclass(frozen=True)
class Signature:
    """Who and when, as a commit has it. ``when`` is Git's raw form, ``1700000000 +0000``."""

    name: str
    email: str
    when: str

    @property
    def time(self) -> float:
        """Seconds since the epoch."""
        return float(self.when.split()[0])


@dataclass(frozen=True)
class Commit:
    """A commit as its object says."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


@dataclass(frozen=True)
class FileChange:
    """One file that differs between two commits."""

    path: str
    old_path: str
    status: str
    old_mode: str
    mode: str
    blob: str
    additions: int
    deletions: int
    patch: str


@functools.cache
def _search_path() -> str:
    git = shutil.which("git")
    if git is None:
        raise GitFailed("git is not installed")
    return f"{Path(git).parent}{os.pathsep}{os.defpath}"


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a git that knows neither the user nor the machine."""
    return {
        "PATH": _search_path(),
        "HOME": os.devnull,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **(more or {}),
    }


def run(
    *arguments: str, stdin: bytes | None = None, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run git; whatever it answers."""
    return subprocess.run(  # noqa: S603 - arguments are ours, and there is no shell
        ["git", *arguments],  # noqa: S607 - found on our own PATH
        input=stdin if stdin is not None else b"",
        capture_output=True,
        env=environment(more),
        check=False,
    )


class BareRepository:
    """A bare repository. Each method is one or two git processes, or none where the answer cannot have changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._counts: dict[str, int] = {}
        self._told: dict[tuple[str, ...], str] = {}

    def create(self, default_branch: str, object_format: str) -> None:
        """Make it, empty, so that it may be served over HTTP."""
        self.path.mkdir(parents=True, exist_ok=True)
        self(
            "init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}",
            f"--object-format={object_format}", more=_REFS_IN_FILES,
        )  # fmt: skip
        with (self.path / "config").open("a") as configuration:
            configuration.write(_CONFIGURATION)

    def __call__(
        self, *arguments: str, stdin: bytes | None = None, more: Mapping[str, str] | None = None, ok: int = 0
    ) -> str:
        """Run git here; its output. A status other than 0 and ``ok`` is an error."""
        done = run("-C", str(self.path), *arguments, stdin=stdin, more=more)
        if done.returncode not in (0, ok):
            raise GitFailed(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode(errors="replace")

    def read(self, *arguments: str, ok: int = 0) -> str:
        """The output of a command that changes nothing; of one about objects by their ids it is remembered."""
        revisions = itertools.takewhile(lambda each: each != "--", arguments[1:])
        fixed = [_FIXED_RE.fullmatch(each) for each in revisions if not each.startswith("-")]
        if not fixed or not all(fixed):
            return self(*arguments, ok=ok)
        if arguments not in self._told:
            output = self(*arguments, ok=ok)
            if ok and not output:
                return output  # something is not here, and may come
            self._told[arguments] = output
        return self._told[arguments]

    def refs(self, below: str) -> dict[str, str]:
        """Full name and object of all refs below a folder such as ``refs/heads``, as Git's files have them.

        Every request asks for them: git itself would be started twenty times for one job.
        """
        found = {}
        for folder, _, names in os.walk(self.path / below):
            for file in (Path(folder, name) for name in names if not name.endswith(".lock")):
                with contextlib.suppress(FileNotFoundError):  # it goes this moment
                    found[file.relative_to(self.path).as_posix()] = file.read_text().strip()
        packed = self.path / "packed-refs"
        lines = packed.read_text().splitlines() if packed.exists() else []
        rows = (line.split(" ", 1) for line in lines if line[0] not in "#^")
        return {name: object_id for object_id, name in rows if name.startswith(f"{below}/")} | found

    def revision(self, name: str) -> str | None:
        """The commit that ``name`` stands for, or None."""
        found = self.read("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", ok=1)
        return found.strip() or None

    def object_of(self, ref: str) -> tuple[str, str] | None:
        """Type and id of what a full ref name points at, unpeeled."""
        found = self("for-each-ref", "--format=%(objecttype) %(objectname) %(refname)", ref)
        exact = [line.split(" ", 2) for line in found.splitlines()]
        return next(((kind, oid) for kind, oid, name in exact if name == ref), None)

    def branches(self) -> dict[str, str]:
        """Every branch and its tip."""
        return {ref.removeprefix("refs/heads/"): sha for ref, sha in self.refs("refs/heads").items()}

    def commits(self, *revisions: str) -> list[Commit]:
        """The commits that ``git log`` lists for ``revisions``, newest first."""
        output = self.read("log", "-z", "--date=raw", f"--format={_COMMIT_FORMAT}", *revisions, "--")
        return [_commit(text) for text in output.split("\0") if text]

    def commit(self, sha: str) -> Commit:
        """One commit."""
        return self.commits("--max-count=1", sha)[0]

    def listed(self, *revisions: str) -> list[str]:
        """The ids that ``git rev-list`` lists for ``revisions``, newest first."""
        return self.read("rev-list", *revisions, "--").split()

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor, or None."""
        return self.read("merge-base", one, other, ok=1).strip() or None

    def files(self, old: str, new: str) -> list[FileChange]:
        """What differs from ``old`` to ``new``; renames are found. None where there is too much to show."""
        if max(self._count(f"{old}^{{tree}}"), self._count(f"{new}^{{tree}}")) > _MOST_FILES:
            return []
        raw = _records(self.read("diff", "--raw", "-z", "--no-abbrev", "-M", old, new, "--"))
        counts = _counts(self.read("diff", "--numstat", "-z", "-M", old, new, "--"))
        texts = iter(re.split(r"^diff --git .*\n", self.read("diff", "-M", old, new, "--"), flags=re.MULTILINE)[1:])
        # Of what became a link Git shows two patches: the file that goes and the link that comes.
        patches = [next(texts) + (next(texts) if fields[4] == "T" else "") for fields, _, _ in raw]
        return [_file(*each) for each in zip(raw, counts, patches, strict=True)]

    def _count(self, tree: str) -> int:
        """The files below a tree, of which each is read once."""
        if tree not in self._counts:
            rows = [row.split(None, 3) for row in self("ls-tree", "-z", tree).split("\0") if row]
            self._counts[tree] = sum(self._count(row[2]) if row[1] == "tree" else 1 for row in rows)
        return self._counts[tree]

    def merged_tree(self, ours: str, theirs: str) -> str:
        """The tree of the merge of two commits; MergeConflict if it needs a person."""
        done = run("-C", str(self.path), "merge-tree", "--write-tree", ours, theirs)
        if done.returncode == 1:
            raise MergeConflict(done.stdout.decode(errors="replace"))
        if done.returncode:
            raise GitFailed(f"git merge-tree: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode().split()[0]

    def write_commit(
        self, tree: str, parents: tuple[str, ...], message: str, author: Signature, committer: Signature
    ) -> str:
        """Make a commit that no ref knows; its id."""
        who = {
            "GIT_AUTHOR_NAME": author.name,
            "GIT_AUTHOR_EMAIL": author.email,
            "GIT_AUTHOR_DATE": author.when,
            "GIT_COMMITTER_NAME": committer.name,
            "GIT_COMMITTER_EMAIL": committer.email,
            "GIT_COMMITTER_DATE": committer.when,
        }
        options = [part for parent in parents for part in ("-p", parent)]
        return self("commit-tree", *options, tree, stdin=message.encode(), more=who).strip()

    def import_line(
        self, branch: str, commits: Sequence[tuple[Signature, str, str]], refs: Sequence[list[str]]
    ) -> None:
        """Commits of one file each upon a branch, by one process: who, path, text; and the refs that point at each."""
        lines = []
        for place, (who, path, text) in enumerate(commits):
            lines += [f"commit refs/heads/{branch}", f"committer {who.name} <{who.email}> {who.when}", "data 0"]
            lines += [f"from refs/heads/{branch}^0"] if place == 0 else []
            lines += [f"M 644 inline {path}", f"data {len(text.encode())}", text]
            lines += [line for ref in refs[place] for line in (f"reset {ref}", f"from refs/heads/{branch}", "")]
        self("fast-import", "--quiet", stdin="\n".join([*lines, "done", ""]).encode())

    def add_file(self, parent: str, path: str, content: bytes, message: str, who: Signature) -> str:
        """Make a commit that adds a file to another one's, or replaces one there; its id. No ref knows it."""
        done = run("-C", str(self.path), "hash-object", "-w", "--stdin", stdin=content)
        blob = done.stdout.decode().strip()
        index = {"GIT_INDEX_FILE": str(self.path / f"index-{blob[:16]}")}
        try:
            self("read-tree", parent, more=index)
            self("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", more=index)
            tree = self("write-tree", more=index).strip()
        finally:
            Path(index["GIT_INDEX_FILE"]).unlink(missing_ok=True)
        return self.write_commit(tree, (parent,), message, who, who)

    def file(self, revision: str, path: str) -> bytes | None:
        """A file of a commit; None where there is none."""
        done = run("-C", str(self.path), "cat-file", "blob", f"{revision}:{path}")
        return done.stdout if done.returncode == 0 else None

    def set_ref(self, ref: str, sha: str, *, old: str | None = None) -> None:
        """Point ``ref`` at ``sha``; with ``old``, only if it points there now."""
        self("update-ref", ref, sha, *([old] if old else []))


def _commit(text: str) -> Commit:
    *fields, message = text.split("\n", _COMMIT_LINES)
    sha, tree, parents, name, email, when, committer_name, committer_email, committer_when = fields
    return Commit(
        sha,
        tree,
        tuple(parents.split()),
        Signature(name, email, when),
        Signature(committer_name, committer_email, committer_when),
        message.rstrip("\n"),
    )


def _records(output: str) -> list[tuple[list[str], str, str]]:
    """``git diff --raw -z``: the fields, the old and the new path of each file."""
    parts = iter(output.split("\0"))
    found = []
    for head in parts:
        if not head:
            continue
        fields = head.removeprefix(":").split()
        old = next(parts)
        found.append((fields, old, next(parts) if fields[4][0] in "RC" else old))
    return found


def _counts(output: str) -> list[tuple[int, int]]:
    """``git diff --numstat -z``: added and deleted lines of each file; a binary file has none."""
    parts = iter(output.split("\0"))
    found = []
    for line in parts:
        if not line:
            continue
        added, deleted, path = line.split("\t")
        found.append((0 if added == "-" else int(added), 0 if deleted == "-" else int(deleted)))
        if not path:  # a rename: its two paths follow as records of their own
            next(parts), next(parts)
    return found


def _file(raw: tuple[list[str], str, str], counts: tuple[int, int], patch: str) -> FileChange:
    (old_mode, mode, old_blob, blob, status), old_path, path = raw
    # Both forges show the text from the first hunk on.
    _, hunk, rest = patch.partition("@@ ")
    return FileChange(
        path,
        old_path,
        _STATUSES[status[0]],
        old_mode,
        mode,
        old_blob if status[0] == "D" else blob,
        *counts,
        hunk + rest,
    )
