"""Did you mean: the known word nearest to a mistyped one.

Comparing takes as long as both words together are long, and people who send a thousand wrong words to be compared with
forty thousand right ones send a minute of work: so all questions about one :class:`Words` share a budget.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property
from itertools import islice

#: Longer words are nobody's slip.
_LONGEST = 200
#: Letters of one word times letters of the other, of all comparisons together: half a second.
BUDGET = 8_000_000
#: How many words are listed where none is near.
_LISTED = 20


class Words:
    """Known words that mistyped ones are compared with. ``spent`` is how much of the budget is used."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = known
        self.spent = 0

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(set(self._known))

    @cached_property
    def _by_fold(self) -> dict[str, str]:
        return {name.casefold(): name for name in self._sorted}

    @cached_property
    def _by_length(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for name in self._sorted:
            found.setdefault(len(name), []).append(name)
        return found

    def nearest(self, word: str, cutoff: float = 0.6) -> str | None:
        """The closest word, or None when none is as close as ``cutoff`` (0 to 1), or the budget is used up."""
        if len(word) > _LONGEST:
            return None
        if word.casefold() in self._by_fold:
            return self._by_fold[word.casefold()]
        import difflib

        lengths = self._lengths(len(word), cutoff)
        # Even ones that turn out to have no letter in common take a look at each letter.
        cost = len(word) * sum(length * len(self._by_length[length]) for length in lengths)
        if self.spent + cost > BUDGET:
            return None
        self.spent += cost
        candidates = [name for length in lengths for name in self._by_length[length]]
        close = difflib.get_close_matches(word, candidates, n=1, cutoff=cutoff)
        return close[0] if close else None

    def _lengths(self, ours: int, cutoff: float) -> list[int]:
        """The lengths that do not say by themselves that a word is further away."""
        return [n for n in self._by_length if n <= _LONGEST and 2 * min(n, ours) >= cutoff * (n + ours)]


def did_you_mean(word: str, known: Iterable[str] | Words, cutoff: float = 0.6) -> str | None:
    """The closest of ``known`` to ``word``, or None when none is as close as ``cutoff`` (0 to 1).

    Whoever asks more than once about the same words gives them as :class:`Words`.
    """
    return (known if isinstance(known, Words) else Words(known)).nearest(word, cutoff)


def suggestion(word: str, known: Iterable[str] | Words) -> str:
    """`` Did you mean X?`` with a leading space, or nothing."""
    near = did_you_mean(word, known)
    return f" Did you mean {near}?" if near else ""


def listed(words: Collection[str]) -> str:
    """The first words in a row, and how many more there are; ``none`` without any."""
    more = f" and {len(words) - _LISTED} more" if len(words) > _LISTED else ""
    return (", ".join(islice(words, _LISTED)) or "none") + more
