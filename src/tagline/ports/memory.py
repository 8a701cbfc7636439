"""The port of what is remembered of changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from tagline.domain.ledger.records import Actor, Record


class Memory(Protocol):
    """What runs of promote wrote down about changes, on the remote, where others may edit it.

    It saves work and decides nothing.
    """

    def expect(self, number: int) -> None:
        """Say before anything is read that a change will be remembered: that costs no look of its own then."""

    def recall(self, numbers: Collection[int]) -> Mapping[int, Record]:
        """The newest record of each change that has one, by its number.

        Raises PlatformRefused when the remote cannot be reached.
        """

    def tags(self, names: Collection[str]) -> Mapping[str, str]:
        """Of some tags those that the remote has: name to object id. Raises PlatformRefused as well."""

    def remember(self, number: int, compose: Callable[[Actor], Record], like: str, *, unless_any: bool = False) -> None:
        """Write a record on top of a change's others, unless the newest says the same.

        ``compose`` makes it of who writes; ``like`` is the id of any object of the repository. With ``unless_any``
        nothing is written where there is any record, of a change that was expected.

        Raises :class:`tagline.ports.ledger.Raced` when somebody else wrote there, PlatformRefused when the remote
        says no, WrongUsage where Git does not know who writes.
        """
