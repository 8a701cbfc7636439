"""The merge that Git makes of two commits by itself, without a checkout and without what is not asked about."""

from __future__ import annotations

from tagline.adapters.git.running import STAY, Git
from tagline.adapters.git.snapshots import Snapshots

#: Files that both sides changed; more than so many are not fetched to be merged.
_MOST_FILES = 20
_NOBODY = "author - <-> 0 +0000\ncommitter - <-> 0 +0000\n\n"


def merged_tree(snapshots: Snapshots, base: str, ours: str, theirs: str) -> str | None:
    """The tree of the plain merge of two commits above their merge base.

    None where a person has to decide, where both sides changed many files, and where a file is at another place on
    one side: renames are not looked for.
    """
    snapshots.fetch([base, ours, theirs])
    git = snapshots.repository.git
    sides = [_changed(git, base, side) for side in (ours, theirs)]
    both = set(sides[0]) & set(sides[1])
    if len(both) > _MOST_FILES:
        return None
    for commit, files in ((base, 0), (ours, 1), (theirs, 1)):
        found = (side[path][files] for side in sides for path in both)
        snapshots.bring(commit, set(found))
    # The commits here have no history: two of their trees above one of the base's have the one that it takes.
    root = _commit(git, base, None)
    tips = [_commit(git, side, root) for side in (ours, theirs)]
    command = ("-c", "merge.renames=false", "merge-tree", "--write-tree", *tips)
    merged = git.run(*command, environment=STAY, check=False)
    return merged.stdout.decode().split("\n")[0] if merged.status == 0 else None


def tree_of(snapshots: Snapshots, commit: str) -> str:
    """The id of a commit's tree."""
    snapshots.fetch([commit])
    return snapshots.repository.git.text("rev-parse", "--verify", f"{commit}^{{tree}}").strip()


def _changed(git: Git, base: str, side: str) -> dict[str, tuple[str, str]]:
    """The files that differ: by path, the ids before and after."""
    command = ("diff-tree", "-r", "-z", "--no-renames", "--raw", "--no-abbrev", "--end-of-options", base, side)
    fields = git.run(*command).stdout.decode(errors="surrogateescape").split("\0")
    rows = zip(fields[::2], fields[1::2], strict=False)
    return {path: (row.split()[2], row.split()[3]) for row, path in rows}


def _commit(git: Git, like: str, parent: str | None) -> str:
    tree = git.text("rev-parse", "--verify", f"{like}^{{tree}}").strip()
    above = f"parent {parent}\n" if parent else ""
    text = f"tree {tree}\n{above}{_NOBODY}"
    return git.run("hash-object", "-w", "-t", "commit", "--stdin", stdin=text.encode()).stdout.decode().strip()
