"""Facts of many objects by listing their folders, where that takes fewer requests than asking for each.

DVC's objects lie in 256 folders, so ten thousand of them in a small bucket are 256 lists. In a bucket of
millions a folder takes more lists than we want objects of it: then its keys are asked for one by one. Lists
come in the order of the keys, so every page decides all wanted keys up to its last one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from typing import NamedTuple

from tagline.adapters.stores.options import in_threads
from tagline.domain.storage.objects import Facts

#: A list is worth going on with while it decides at least so many keys a page, on the average.
_WORTH = 2


class Page(NamedTuple):
    """One page of a list: full keys with their facts, and the token of the next page."""

    entries: list[tuple[str, Facts]]
    token: str | None


class ListingRefused(Exception):
    """This store or these rights do not list; ask for each key."""


class _Folder(NamedTuple):
    found: dict[str, Facts]
    undecided: list[str]
    gave_up: bool


#: A page of the keys with a prefix; raises ListingRefused.
AskPage = Callable[[str, str | None], Page]


def look_by_listing(keys: Collection[str], ask: AskPage, streams: int) -> tuple[dict[str, Facts], list[str]]:
    """Facts of those that are there, and the keys that must be asked for one by one.

    Together with those it takes at most as many requests as keys, and one for each stream.
    """
    folders: dict[str, list[str]] = {}
    for key in keys:
        folders.setdefault(key[: key.rfind("/") + 1], []).append(key)
    # One key alone costs the same either way, and an object's own answer says more than a list does.
    undecided = [key for names in folders.values() if len(names) < _WORTH for key in names]
    listed = sorted((item for item in folders.items() if len(item[1]) >= _WORTH), key=lambda item: -len(item[1]))
    found: dict[str, Facts] = {}
    stopped = False

    def look(item: tuple[str, list[str]]) -> _Folder:
        nonlocal stopped
        if stopped:
            return _Folder({}, item[1], True)
        folder = _list(item[0], item[1], ask)
        # Folders of digests are all alike: one that is too long speaks for the others.
        stopped = stopped or folder.gave_up
        return folder

    # The first alone: it is the estimate.
    for part in (listed[:1], listed[1:]):
        for folder in in_threads(look, part, streams):
            found.update(folder.found)
            undecided += folder.undecided
    return found, undecided


def _list(prefix: str, keys: list[str], ask: AskPage) -> _Folder:
    wanted = set(keys)
    waiting = deque(sorted(keys, key=str.encode))
    found: dict[str, Facts] = {}
    token: str | None = None
    last = b""
    pages = decided = 0
    while waiting:
        try:
            page = ask(prefix, token)
        except ListingRefused:
            return _Folder(found, list(waiting), True)
        pages += 1
        found.update((key, facts) for key, facts in page.entries if key in wanted)
        if page.token is None:
            return _Folder(found, [], False)
        names = [key.encode() for key, _ in page.entries]
        if not names or names != sorted(names) or names[0] <= last:
            # A store that lists in another order: what it did not name yet may still come.
            return _Folder(found, [key for key in waiting if key not in found], True)
        last, token = names[-1], page.token
        while waiting and waiting[0].encode() <= last:
            waiting.popleft()
            decided += 1
        if waiting and decided < _WORTH * pages:
            return _Folder(found, list(waiting), True)
    return _Folder(found, [], False)
