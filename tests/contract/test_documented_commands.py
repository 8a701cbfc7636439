"""Every command of ours that a document shows is one that the command line takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tagline.cli.commands import parser
from tagline.errors import WrongUsage
from tests.contract.test_documents import DOCS

_BLOCK = re.compile(r"^ *```(sh|console|yaml)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"(?<!`)`(tagline [^`\n]+)`(?!`)")
#: What a sentence leaves out of a command, or names by a word: it shows no whole one.
_SKETCH = re.compile(r"\.\.\.|…|[\[\]]|\b(?:COMMAND|FORMAT)\b|--version")
#: What stands between commands, and what a shell takes away.
_BETWEEN = re.compile(r"\s(?:\|\|?|&&?|;|>)\s|[$(]\(")
#: In a sentence a command may lack what it is about: "by `tagline assign`".
_LACKS = re.compile(r"required|expected")


class Shown(NamedTuple):
    """A command, and whether it stands in a block, where people copy it."""

    words: list[str]
    whole: bool


def _lines(path: Path) -> Iterator[tuple[str, bool]]:
    text = path.read_text()
    for kind, block in _BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if kind == "console":
                yield line.removeprefix("$ ") if line.startswith("$ ") else "", True
            else:
                yield line.partition("run: ")[2] if kind == "yaml" else line, True
    for span in _SPAN.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        yield span.replace("\\|", "|").replace(" N", " 7"), False


def shown(path: Path) -> Iterator[Shown]:
    """The commands of ours in a document, without what stands around them in a line of a shell."""
    for line, whole in _lines(path):
        for part in _BETWEEN.split(line):
            if "tagline " not in part or _SKETCH.search(part):
                continue
            words = [word for word in shlex.split(part, comments=True) if not re.match(r"[A-Z_]+=", word)]
            if words and words[0] == "tagline":
                yield Shown(words[1:], whole)


def test_commands__are_found() -> None:
    found = [command for path in DOCS for command in shown(path)]
    assert len([command for command in found if command.whole]) > 40
    assert len(found) > 150


def test_commands__that_are_none__are_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```sh\ntagline show --jsn\n```\n\nOr `tagline promot --change N`, not `tagline assign`.\n")
    assert _wrong(page) == [["show", "--jsn"], ["promot", "--change", "7"]]


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_commands__that_a_document_shows__are_taken(path: Path) -> None:
    assert _wrong(path) == []


def _wrong(path: Path) -> list[list[str]]:
    grammar, found = parser(), []
    for command in shown(path):
        try:
            grammar.parse_args(command.words)
        except WrongUsage as error:
            if command.whole or not _LACKS.search(error.message):
                found.append(command.words)
    return found
