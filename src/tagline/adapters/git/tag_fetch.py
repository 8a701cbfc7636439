"""How one artifact's tags come into a cached repository, and stay fresh there.

The first time by ``git clone``, the only command of Git's that writes any number of refs at once
into ``packed-refs``: ``git fetch`` makes a file of each. Later by ``git fetch`` of the tags that
are new, three requests whatever the number of tags: no depth, because with one git asks for every
tag again, and no commits but the tagged ones, because without one git brings all that lie before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tagline.adapters.git import filters
from tagline.adapters.git.running import Git, Result

#: Commits and tags alone: files are read from another repository (git_snapshots).
WITHOUT = filters.TREES
# A run was killed while it held one of git's own locks.
_STALE_LOCK_RE = re.compile(r"\.lock': File exists")
_COMPLAINT_RE = re.compile(r"^(fatal|error): *\S", re.M)
_LOOSE_REFS, _PACKS = 500, 50

#: A cache is made anew when it is lost: it need not wait for the disk. And a request that names
#: thousands of tags goes in one piece; git would ask first whether it may come.
CHEAP = (("core.fsync", "none"), ("http.postBuffer", str(1 << 26)))


def clone(git: Git, target: Path, url: str, refspecs: Sequence[str]) -> Result:
    """Make ``target``, an empty folder, a bare repository with what ``refspecs`` name, each at depth 1.

    On success its configuration is git's own and has to be replaced: it names the refspecs.
    """
    chosen = [word for refspec in refspecs for word in ("-c", f"remote.origin.fetch={refspec}")]

    def run(options: list[str]) -> Result:
        return git.run(
            "clone", "--quiet", "--bare", "--origin=origin", "--template=", "--no-tags", "--no-single-branch",
            "--no-reject-shallow", *options, *chosen, "--", url, str(target),
            check=False,
        )  # fmt: skip

    result = filters.fetch(target, ["--depth=1", f"--filter={WITHOUT}"], run)
    if result.status == 0:
        _drop_branches(Git(target, [("safe.directory", str(target)), *CHEAP]))
        if filters.is_ignored(result):
            filters.remember_lacking(target, (WITHOUT, filters.FILES))
    return result


def _drop_branches(git: Git) -> None:
    """Forget the branches, which clone cannot leave out: nobody would keep them fresh."""
    branches = git.run("for-each-ref", "--format=delete %(refname)", "refs/heads").stdout
    if branches:
        git.run("update-ref", "--stdin", stdin=branches)


def has_files(path: Path) -> bool:
    """Whether the remote of the cached repository leaves nothing out, so that its fetches brought files too."""
    return {WITHOUT, filters.FILES} <= filters.lacking(path)


def update(git: Git, path: Path, refspecs: Sequence[str]) -> Result:
    """Fetch what is new, and drop what is gone, in the cached repository at ``path``."""
    if not has_files(path) and filters.ALL_BUT_TAGS not in filters.lacking(path):
        packs = _count(path / "objects" / "pack", "*.pack")
        result = _fetch(git, [f"--filter={filters.ALL_BUT_TAGS}"], refspecs, asks_for_all=True)
        if result.status == 0:
            if _count(path / "objects" / "pack", "*.pack") != packs:
                _cut_history(git, path)
            return result
        if not filters.is_refused(result):
            return result
        filters.remember_lacking(path, (filters.ALL_BUT_TAGS,))
    return _fetch_deepening(git, refspecs, filters.option(path, WITHOUT), asks_for_all=not has_files(path))


def _fetch_deepening(git: Git, refspecs: Sequence[str], without: str, *, asks_for_all: bool) -> Result:
    """Fetch from a remote that cannot leave commits out. With ``asks_for_all`` every tag comes again.

    That is less than telling, request by request, what is here; unless files came along.
    """
    result = _fetch(git, ["--depth=1", without], refspecs, asks_for_all=asks_for_all)
    if result.status == 1 and not _COMPLAINT_RE.search(result.stderr):
        # With --depth, git fails without giving a reason when no ref matches. Without it, it
        # succeeds, and drops the tags that are gone.
        result = _fetch(git, [without], refspecs, asks_for_all=asks_for_all)
    return result


def _fetch(git: Git, options: Sequence[str], refspecs: Sequence[str], *, asks_for_all: bool) -> Result:
    # To say that a line of records was rewritten, git would fetch all of it.
    algorithm = ("-c", "fetch.negotiationAlgorithm=noop") if asks_for_all else ()
    return git.run(
        *algorithm, "fetch", "--quiet", "--prune", "--atomic", "--no-tags", "--no-write-fetch-head", "--refmap=",
        "--recurse-submodules=no", "--no-show-forced-updates", *options, "origin", *refspecs,
        check=False,
    )  # fmt: skip


def _cut_history(git: Git, path: Path) -> None:
    """Let history end at every tagged commit and at the newest record, as a fetch with depth 1 does.

    Else git would one day look for what lies before a commit, and bring all of it.
    """
    wanted = "--format=%(objecttype) %(objectname)%0a%(*objecttype) %(*objectname)"
    lines = git.run("for-each-ref", wanted, "refs/tags", "refs/tagline").stdout.splitlines()
    tagged = {line.removeprefix(b"commit ") for line in lines if line.startswith(b"commit ")}
    shallow = path / "shallow"
    known = set(shallow.read_bytes().split()) if shallow.exists() else set()
    if not tagged <= known:
        fresh = path / "shallow.lock"  # the name under which git itself writes it
        fresh.write_bytes(b"".join(commit + b"\n" for commit in sorted(known | tagged)))
        fresh.replace(shallow)


def tidy(git: Git, path: Path) -> None:
    """Put loose refs and small packs together when many have gathered."""
    if _count(path / "refs", "**/*") > _LOOSE_REFS:
        git.run("pack-refs", "--all", check=False)
    if _count(path / "objects" / "pack", "*.pack") > _PACKS:
        git.run("repack", "-a", "-d", "--quiet", check=False)


def _count(folder: Path, pattern: str) -> int:
    return sum(1 for _ in folder.glob(pattern))


def unlocking(path: Path, run: Callable[[], Result]) -> Result:
    """Run git in the cache at ``path``; once more when a killed run has left one of git's locks there."""
    result = run()
    if result.status != 0 and _STALE_LOCK_RE.search(result.stderr):
        for stale in path.rglob("*.lock"):  # we hold our own lock: nobody else writes here now
            stale.unlink()
        return run()
    return result
