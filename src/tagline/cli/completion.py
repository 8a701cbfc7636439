"""``completion``: the script that teaches a shell to complete ``tagline``, and what that script asks at each key."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from tagline.cli.arguments import Parser
    from tagline.cli.completing import Word
    from tagline.settings import Settings

SHELLS = ("bash", "zsh", "fish")


def ask_completion(sub: Parser) -> None:
    """The options of ``completion``."""
    sub.add_argument("shell", choices=SHELLS, metavar="SHELL", help="the shell: bash, zsh or fish")
    sub.set_defaults(json=False)


def run_completion(chosen: argparse.Namespace, _settings: Settings) -> int:
    """Print the script of a shell."""
    print((Path(__file__).parent / "shells" / f"tagline.{chosen.shell}").read_text(encoding="utf-8"), end="")
    return 0


def answer(shell: str, given: Sequence[str]) -> int:
    """Say what may come where somebody is typing: one line that is ``words`` or ``files``, then a line a word.

    bash gives its line up to the cursor and what breaks words there, the others their words. Whatever goes wrong, a
    terminal is not disturbed by it.
    """
    try:
        from tagline.cli.completing import FILES, complete

        cut = 0
        if shell == "bash":
            line, breaks = (*given, "", "")[:2]
            words, cut = split(line, breaks)
        else:
            words = list(given)
        found = complete(words[1:], Path.cwd())
        shown = ["files"] if found is FILES else ["words", *(_line(one, cut, shell) for one in found)]
        sys.stdout.write("".join(f"{one}\n" for one in shown if one))
    except Exception:  # noqa: S110 - there is nobody to tell
        pass
    return 0


def _line(one: Word, cut: int, shell: str) -> str:
    """A word without what stands there already, and for those shells that show it what it means."""
    return one.word[cut:] if shell == "bash" or not one.help else f"{one.word}\t{' '.join(one.help.split())}"


#: Signs that break words and are a part of the one behind them, to readline (rl_special_prefixes).
_STAY = "@$"


def split(line: str, breaks: str) -> tuple[list[str], int]:
    """The words of a line of bash as they are without quotes, and how much of the last one bash leaves as it is.

    Nothing is expanded: a ``$`` is a dollar sign. bash replaces what follows the last sign that breaks words
    (``COMP_WORDBREAKS``), unless a quote is open.
    """
    words: list[str] = []
    word: str | None = None
    quote, kept, escaped = "", 0, False
    for char in line:
        if escaped:
            word, escaped = (word or "") + char, False
        elif char == "\\" and quote != "'":
            word, escaped = word or "", True
        elif quote:
            quote, word = ("", word) if char == quote else (quote, (word or "") + char)
        elif char in "'\"":
            quote, word = char, word or ""
        elif char in " \t\n":
            words += [word] if word is not None else []
            word, kept = None, 0
        else:
            word = (word or "") + char
            kept = len(word) - (char in _STAY) if char in breaks else kept
    return [*words, word or ""], 0 if quote else kept
