"""The ways in which a forge lands a change, each with real commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from tagline_localforge.git import BareRepository, GitFailed, Signature

Method = Literal["merge", "squash", "rebase", "ff", "squash-merge", "ff-rebase"]


class NotFastForward(GitFailed):
    """The target moved on, and this way of merging makes no commit of its own."""


@dataclass(frozen=True)
class Landing:
    """What is to land, and who signs for it."""

    git: BareRepository
    target: str
    head: str
    title: str
    merge_message: str
    author: Signature
    committer: Signature


@dataclass(frozen=True)
class Merged:
    """What landed: the target's new tip, and GitLab's two names for the commits that merging made."""

    tip: str
    merge_commit: str | None = None
    squash_commit: str | None = None
    #: Every commit that the target gained.
    landed: frozenset[str] = frozenset()


def land(method: Method, landing: Landing) -> Merged:
    """Make the commits of ``method``; the target itself is not moved."""
    return _METHODS[method](landing)


def _merge(landing: Landing) -> Merged:
    tip = _merge_commit(landing, landing.head)
    return Merged(tip, merge_commit=tip)


def _squash(landing: Landing) -> Merged:
    tree = landing.git.merged_tree(landing.target, landing.head)
    tip = _squash_commit(landing, tree, landing.target)
    return Merged(tip, squash_commit=tip)


def _squash_merge(landing: Landing) -> Merged:
    """One commit where the branch left the target, then a merge commit."""
    base = landing.git.merge_base(landing.target, landing.head) or landing.target
    squash = _squash_commit(landing, landing.git.commit(landing.head).tree, base)
    tip = _merge_commit(landing, squash)
    return Merged(tip, merge_commit=tip, squash_commit=squash)


def _fast_forward(landing: Landing) -> Merged:
    if landing.git.merge_base(landing.target, landing.head) != landing.target:
        raise NotFastForward("the target branch has moved on; rebase the source branch")
    return Merged(landing.head)


def _rebase(landing: Landing) -> Merged:
    """Every commit anew on the target, author and author date kept, as both forges do it.

    What the target has already is left out; a commit that was empty to begin with is not.
    """
    git, tip = landing.git, landing.target
    for commit in reversed(git.commits("--no-merges", f"{landing.target}..{landing.head}")):
        # merge-tree finds the base itself; a commit with our tree on that base makes it the right one.
        there = git.commit(tip).tree
        ours = git.write_commit(there, commit.parents, "", landing.committer, landing.committer)
        tree = git.merged_tree(ours, commit.sha)
        if tree != there or [git.commit(parent).tree for parent in commit.parents] == [commit.tree]:
            tip = git.write_commit(tree, (tip,), commit.message, commit.author, landing.committer)
    return Merged(tip)


def _fast_forward_or_rebase(landing: Landing) -> Merged:
    """GitLab's fast-forward with automatic rebase: anew only where the target moved on."""
    try:
        return _fast_forward(landing)
    except NotFastForward:
        return _rebase(landing)


def _merge_commit(landing: Landing, other: str) -> str:
    tree = landing.git.merged_tree(landing.target, other)
    parents = (landing.target, other)
    return landing.git.write_commit(tree, parents, landing.merge_message, landing.committer, landing.committer)


def _squash_commit(landing: Landing, tree: str, parent: str) -> str:
    return landing.git.write_commit(tree, (parent,), landing.title, landing.author, landing.committer)


_METHODS: Mapping[Method, Callable[[Landing], Merged]] = {
    "merge": _merge,
    "squash": _squash,
    "rebase": _rebase,
    "ff": _fast_forward,
    "squash-merge": _squash_merge,
    "ff-rebase": _fast_forward_or_rebase,
}
