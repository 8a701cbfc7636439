"""Untrusted text made safe for Markdown as GitHub and GitLab read it.

Names go into code spans, where neither forge looks for mentions, references, links or HTML. Sentences
are escaped sign by sign, and whatever would mention or refer to somebody is broken by an invisible
word joiner.
"""

from __future__ import annotations

import re
import string
from html import escape

from tagline.domain.changes.asks import WORD_JOINER
from tagline.render.escape import one_line

#: Before a name, these refer: people, issues, merge requests, labels, milestones, snippets, epics, vulnerabilities.
_REFERRING = "@#!~%$&^[*"
#: These refer too: issues of either forge by a word, and addresses, which GitLab looks for in the finished text.
_WORDS = re.compile(r"\bg[hl]-(?=\d)|:(?=//)", re.IGNORECASE)
_LONGEST_CODE = 120
_LONGEST_TEXT = 600


def code(text: str) -> str:
    """A code span that shows the text as it is, shortened where it is very long. Also inside tables."""
    line = _short(text, _LONGEST_CODE).replace("##\\[", "##[")
    if not line.strip():
        return "` `"
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line[0] in "` " or line[-1] in "` " else ""
    # A table is cut at its bars before code spans are read.
    body = line.replace("|", "\\|")
    return f"{fence}{pad}{body}{pad}{fence}"


def text(sentence: str) -> str:
    """A sentence that means only its words; at the beginning of a line, too."""
    line = _WORDS.sub(rf"\g<0>{WORD_JOINER}", _short(sentence, _LONGEST_TEXT).strip())
    return "".join(_sign(char) for char in line)


def _sign(char: str) -> str:
    if char not in string.punctuation or char in ",;'\"":
        return char
    return f"\\{char}{WORD_JOINER if char in _REFERRING else ''}"


def link(label: str, url: str) -> str:
    """A link whose label is Markdown already and whose target cannot leave its brackets."""
    safe = "".join(
        char if char.isascii() and char.isprintable() and char not in ' <>()"\\`|' else _percent(char) for char in url
    )
    return f"[{label}]({safe})"


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode(errors="replace"))


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def long_table(head: list[str], rows: list[list[str]], screen: int, most: int, of: str = "") -> str:
    """A table whose rows (``of`` what) beyond a screenful are folded away, and counted beyond ``most``."""
    shown, folded = rows[: min(most, screen)], rows[screen:most]
    word = f"more {of}" if of else "more"
    parts = [table(head, shown)]
    parts += [fold(f"{len(folded)} {word}", table(head, folded))] if folded else []
    parts += [f"… and {len(rows) - most} {word}."] if len(rows) > most else []
    return "\n\n".join(parts)


def html(words: str) -> str:
    """Words for the inside of an HTML tag, where no Markdown is read, but mentions and references are."""
    line = _WORDS.sub(rf"\g<0>{WORD_JOINER}", _short(words, _LONGEST_CODE))
    return "".join(f"{escape(char)}{WORD_JOINER if char in _REFERRING else ''}" for char in line)


def instant(text: str) -> str:
    """``2026-03-01 09:00 UTC`` of RFC 3339's; seconds only where dropping them would name another instant."""
    day, clock = text.removesuffix("Z").split("T")
    return f"{day} {clock.removesuffix(':00')} UTC"


def fold(summary: str, content: str) -> str:
    """A block that is opened by a click; nothing for no content."""
    return f"<details><summary>{summary}</summary>\n\n{content.rstrip()}\n\n</details>" if content else ""


def _short(text: str, longest: int) -> str:
    """The text in one line. No sign becomes less than one, so that the rest of a long text need not be read."""
    line = one_line(text[: longest + 1])
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
