"""Commits of a few kB whose trees stand for millions of paths."""

from __future__ import annotations

from pathlib import Path

from tests.support.gitbuild import run_git


def bomb(clone: Path, parent: str, place: str = "bomb", leaf: str = "x", depth: int = 7, wide: int = 10) -> str:
    """A commit on top of one, with a folder of ``wide ** depth`` paths more, each a file called ``leaf``; its id.

    Each folder has the one below it under ``wide`` names.
    """
    blob = run_git(clone, "hash-object", "-w", "--stdin", stdin=b"{}\n").strip()
    entry = f"100644 blob {blob}\t{leaf}\n"
    for _ in range(depth):
        folder = _tree(clone, entry)
        entry = "".join(f"040000 tree {folder}\td{number}\n" for number in range(wide))
    entry = f"040000 tree {_tree(clone, entry)}\t{place}\n"
    own = run_git(clone, "ls-tree", parent)
    tree = _tree(clone, own + entry)
    return run_git(clone, "commit-tree", tree, "-p", parent, "-m", "more files").strip()


def _tree(clone: Path, entries: str) -> str:
    return run_git(clone, "mktree", stdin=entries.encode()).strip()
