"""A word that people dressed up: emoji, odd signs and blanks around it, and letters that only look like plain ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

#: Signs for which Unicode knows no plain one.
_LOOKALIKES = str.maketrans({"\u2236": ":", "\ua789": ":", "\u02d0": ":", "\u266f": "#", "\u2044": "/"})
#: Emoji and other pictures, and numbers in circles: some of them Unicode would take for letters.
_PICTURES = ("So", "No", "Cs", "Co", "Cn")
#: Accents, what chooses an emoji's form, and what nobody sees.
_MARKS = ("Mn", "Me", "Cf")
_KEYCAP = re.compile("[0-9#*]\ufe0f?\u20e3")
#: How GitHub lets people write an emoji.
_SHORTCODE = re.compile(r":([\w+-]+):")


def plain(text: str) -> str:
    """The text in plain letters and signs, without pictures."""
    text = _KEYCAP.sub("", text)
    text = "".join(char for char in text if unicodedata.category(char) not in _PICTURES)
    text = unicodedata.normalize("NFKD", text.translate(_LOOKALIKES))
    return "".join(char for char in text if unicodedata.category(char) not in _MARKS)


def undressed(text: str, words: Collection[str]) -> str:
    """The plain text without what stands around it; ``words`` between two colons are no emoji."""
    parts = [part for part in plain(text).split() if not _is_emoji(_SHORTCODE.fullmatch(part), words)]
    joined = " ".join(parts)
    while _is_emoji(first := _SHORTCODE.match(joined), words) and first is not None:
        joined = joined[first.end() :]
    inside = [place for place, char in enumerate(joined) if char.isalnum()]
    return joined[inside[0] : inside[-1] + 1] if inside else ""


def _is_emoji(found: re.Match[str] | None, words: Collection[str]) -> bool:
    return found is not None and found[1] not in words
