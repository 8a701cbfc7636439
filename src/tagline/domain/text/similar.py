"""Did you mean: the known word nearest to a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The closest of ``known`` to ``word``, or None when none is as close as ``cutoff`` (0 to 1)."""
    import difflib

    candidates = sorted(set(known))
    by_fold = {name.casefold(): name for name in candidates}
    if word.casefold() in by_fold:
        return by_fold[word.casefold()]
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=cutoff)
    return close[0] if close else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """`` Did you mean X?`` with a leading space, or nothing."""
    near = did_you_mean(word, known)
    return f" Did you mean {near}?" if near else ""
