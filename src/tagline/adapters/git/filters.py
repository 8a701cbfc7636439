"""What a fetch leaves out, and how it gets on with a remote that lacks that filter.

Such a remote says so, or hangs up when its git is older than the filter. Then more is brought than is needed: a filter
only saves time. What was lacking is remembered in the cached repository, once something else went through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tagline.adapters.git.running import Result

#: Folders and files; files; all commits but those that a new tag names.
TREES, FILES, ALL_BUT_TAGS = "tree:0", "blob:none", "object:type=tag"
_IGNORED_RE = re.compile(r"filtering not recognized by server", re.I)
# The last two are all that an HTTP client sees of a server that died of a word it does not know; a network that
# breaks says more.
_REFUSED_RE = re.compile(
    r"remote error: [^\n]*\bfilter\b|invalid filter-spec"
    r"|\Afatal: (?:expected 'packfile'|the remote end hung up unexpectedly)\s*\Z",
    re.I,
)
#: In a cached repository: the filters that its remote lacks, one a line.
_LACKING = "tagline-limits"
_FILTER = "--filter="


def is_refused(result: Result) -> bool:
    """Whether a fetch failed because the remote lacks its filter."""
    return result.status != 0 and _REFUSED_RE.search(result.stderr) is not None


def is_ignored(result: Result) -> bool:
    """Whether the remote has no filters at all, so that everything came."""
    return result.status == 0 and _IGNORED_RE.search(result.stderr) is not None


def lacking(path: Path) -> frozenset[str]:
    """What is known of the remote of the cached repository at ``path``."""
    try:
        return frozenset((path / _LACKING).read_text().split())
    except OSError:
        return frozenset()


def remember_lacking(path: Path, filters: Sequence[str]) -> None:
    """For later fetches into the cached repository at ``path``."""
    (path / _LACKING).write_text("".join(f"{one}\n" for one in sorted({*lacking(path), *filters})))


def option(path: Path, wanted: str) -> str:
    """git's option for a filter, or for what is in its place where the remote is known to lack it."""
    return _option(_left(path, wanted)[0])


def fetch(path: Path, options: Sequence[str], run: Callable[[list[str]], Result]) -> Result:
    """Run a fetch into the cached repository at ``path`` with git's options, a filter among them.

    ``run`` gets them with that filter or with what is in its place; it may be called up to three times.
    """
    wanted = next(one.removeprefix(_FILTER) for one in options if one.startswith(_FILTER))
    others = [one for one in options if not one.startswith(_FILTER)]
    refused = []
    for one in _left(path, wanted):
        result = run([*others, _option(one)])
        if not is_refused(result):
            break
        refused.append(one)
    if refused and result.status == 0:
        remember_lacking(path, refused)
    return result


def _left(path: Path, wanted: str) -> list[str]:
    """A filter, what leaves out less, and at last nothing: those of them that the remote may have."""
    known = lacking(path)
    return [one for one in dict.fromkeys((wanted, FILES, "")) if one not in known]


def _option(wanted: str) -> str:
    # A cached repository's own configuration names a filter, which git would take where none is given.
    return f"{_FILTER}{wanted}" if wanted else "--no-filter"
