"""Which starts are one: the tags of a stage whose workflow takes a list of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tagline.domain.delivery.receipts import Start
from tagline.formats.workflow import triggers

#: Tags of one list: GitHub takes 65535 characters of inputs.
MOST_TAGS = 100
#: The input of a workflow that takes a list.
INPUT = "tags"

#: A file of a commit; None for none.
Read = Callable[[str, str], bytes | None]


class Together(NamedTuple):
    """Starts that are one run, on the tag of the last; ``tags`` are what it is given: none where it takes no list."""

    starts: tuple[Start, ...]
    tags: tuple[str, ...] = ()

    @property
    def leader(self) -> Start:
        """The one on whose tag it runs."""
        return self.starts[-1]


def together(starts: Sequence[Start], read: Read) -> Iterator[Together]:
    """All starts, those of one stage and target that may be one together.

    A workflow of this repository says so by its input, each at its own tag's commit; elsewhere the policy does.
    """
    kinds: dict[tuple[str, str | None], list[Start]] = {}
    for start in starts:
        kinds.setdefault((start.target.key, start.stage), []).append(start)
    known: dict[tuple[str, str], bool] = {}
    for same in kinds.values():
        listed = [start for start in same if _takes_list(start, len(same), read, known)]
        yield from (Together((start,)) for start in same if start not in listed)
        for place in range(0, len(listed), MOST_TAGS):
            part = tuple(listed[place : place + MOST_TAGS])
            yield Together(part, tuple(start.tag for start in part))


def _takes_list(start: Start, count: int, read: Read, known: dict[tuple[str, str], bool]) -> bool:
    target = start.target
    if target.workflow is None or target.repository is not None:
        return target.together
    # Of one tag nobody needs a list, and its workflow runs on it.
    file = (start.commit, f".github/workflows/{target.workflow}")
    if count > 1 and file not in known:
        known[file] = _has_input(read(*file))
    return count > 1 and known[file]


def _has_input(data: bytes | None) -> bool:
    return data is not None and INPUT in (triggers(data).inputs or ())
