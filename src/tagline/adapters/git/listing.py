"""What a remote's refs were when a run first looked: by one listing for all that the run wants to know of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tagline.adapters.git.refusals import unreachable
from tagline.adapters.git.running import Git
from tagline.adapters.git.urls import RemoteUrl

_BRANCHES = "refs/heads/"


class Listed(NamedTuple):
    """The default branch's name, every branch's tip, and the refs that were asked for besides: full name to id."""

    default: str
    branches: Mapping[str, str]
    others: Mapping[str, str]


class Listing:
    """The first look at a remote; what is wanted has to be said before it."""

    def __init__(self, remote: RemoteUrl) -> None:
        self._remote = remote
        self._wanted: set[str] = set()

    def want(self, refs: Collection[str]) -> bool:
        """Whether these refs are, or will be, among the others."""
        if "listed" not in vars(self):
            self._wanted.update(refs)
        return self._wanted.issuperset(refs)

    @cached_property
    def listed(self) -> Listed:
        """As the remote had them. Raises PlatformRefused."""
        git = Git(Path("/"), self._remote.everything, moved=self._remote.moved)
        asked = ("HEAD", f"{_BRANCHES}*", *sorted(self._wanted))
        result = git.run("ls-remote", "--symref", "--end-of-options", self._remote.url, *asked, check=False)
        if result.status != 0:
            raise unreachable(self._remote.url, result.stderr)
        default, branches, others = "", {}, {}
        for line in result.stdout.decode(errors="surrogateescape").splitlines():
            left, _, ref = line.partition("\t")
            if left.startswith("ref: "):
                default = left.removeprefix(f"ref: {_BRANCHES}")
            elif ref.startswith(_BRANCHES):
                branches[ref.removeprefix(_BRANCHES)] = left
            elif ref in self._wanted:
                others[ref] = left
        return Listed(default, branches, others)
