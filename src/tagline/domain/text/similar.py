"""Did you mean: the known word nearest to a mistyped one.

Comparing takes as long as both words together are long, and people who send a thousand wrong words to be compared with
forty thousand right ones send a minute of work: so all questions about one :class:`Words` share a budget.
"""

from __future__ import annotations

import re
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

        # The lengths that do not say by themselves that a word is further away.
        ours = len(word)
        lengths = [n for n in self._by_length if n <= _LONGEST and 2 * min(n, ours) >= cutoff * (n + ours)]
        # Even ones that turn out to have no letter in common take a look at each letter.
        cost = ours * sum(length * len(self._by_length[length]) for length in lengths)
        if self.spent + cost > BUDGET:
            return None
        self.spent += cost
        candidates = [name for length in lengths for name in self._by_length[length]]
        close = difflib.get_close_matches(word, candidates, n=1, cutoff=cutoff)
        return close[0] if close else None


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


def one_slip(word: str, known: Iterable[str]) -> str | None:
    """The known word that one slip of the hand makes ``word`` of; None where there is none.

    A letter too many, too few, another or in its neighbour's place, other capitals, another sign between words. Numbers
    and short words that differ are names on purpose: ``m1`` and ``m2``, ``model-a`` and ``model-b``.
    """
    if len(word) > _LONGEST:
        return None
    return next((other for other in sorted(set(known)) if word != other and _is_slip(word, other)), None)


#: The letters that the longer word must have where one is added or lost, and where one is another.
_SHORTEST, _SHORTEST_OTHER = 3, 4


def _is_slip(word: str, other: str) -> bool:
    if abs(len(word) - len(other)) > 1:
        return False
    ours, theirs = word.casefold(), other.casefold()
    if ours == theirs:
        return True
    start = _shared(ours, theirs)
    end = _shared(ours[start:][::-1], theirs[start:][::-1])
    lost, found = theirs[start : len(theirs) - end], ours[start : len(ours) - end]
    swapped = len(lost) == 2 and lost == found[::-1]
    if not swapped and max(len(lost), len(found)) > 1:
        return False
    if any(letter.isdigit() for letter in lost + found):
        return False
    if not (lost + found).isalpha():
        return True  # a sign between words
    longer = max(_run(ours, start, len(found)), _run(theirs, start, len(lost)))
    return longer >= (_SHORTEST_OTHER if lost and found and not swapped else _SHORTEST)


def _shared(word: str, other: str) -> int:
    """How many letters two words begin with alike."""
    pairs = enumerate(zip(word, other, strict=False))
    return next((place for place, (ours, theirs) in pairs if ours != theirs), min(len(word), len(other)))


def _run(text: str, start: int, length: int) -> int:
    """How many letters the word has that a place of the text is in."""
    before = re.search(r"[^\W\d_]*$", text[:start])
    after = re.match(r"[^\W\d_]*", text[start + length :])
    return length + sum(len(part[0]) for part in (before, after) if part)
