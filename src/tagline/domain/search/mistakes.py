"""A search that means nothing, said with its place."""

from __future__ import annotations

from tagline.errors import WrongUsage


class SearchMistake(WrongUsage):
    """``code`` is stable, ``place`` is the character (from 0) at which the search stops to mean anything (exit 2)."""

    def __init__(self, code: str, place: int, message: str, hint: str) -> None:
        super().__init__(f"{message} (at character {place + 1} of the search)", hint, code=f"search-{code}")
        self.place = place
