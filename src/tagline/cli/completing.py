"""What may follow on a command line that somebody is typing, by the same grammar that reads it.

Answers are names by our own grammar, so that none of them means anything to a shell; where a file belongs the shell
completes files by itself, which quotes what they are called.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tagline.cli.commands import BY_NAME, COMMANDS, parser
from tagline.cli.pins import LOCK_FILE
from tagline.domain.ledger.known_names import Known
from tagline.wiring.names import names_at, pins_at, tags_at


class Word(NamedTuple):
    """A word that may stand there, and what it means."""

    word: str
    help: str = ""


#: What an option or argument is called that is a file or folder.
_FILES = ("FILE", "PATH", "DIR", "DEST", "PATH|URL|OWNER/NAME")
#: Instead of words: the shell knows the files.
FILES = None


class Line:
    """A command line up to the word that is being typed."""

    def __init__(self, command: argparse.ArgumentParser, words: Iterable[str]) -> None:
        self.options = {name: action for action in command._actions for name in action.option_strings}
        self.given: dict[str, list[str]] = {}
        #: The option whose value comes next; whether no option may follow; arguments that are still to come.
        self.pending: argparse.Action | None = None
        self.closed = False
        self.places = [action for action in command._actions if not action.option_strings]
        for word in words:
            self._take(word)

    def _take(self, word: str) -> None:
        pending, self.pending = self.pending, None
        is_option = word.startswith("-") and word != "-" and not self.closed
        if pending is not None and not (pending.nargs == "?" and is_option):
            self._give(pending, word)
        elif word == "--" and not self.closed:
            self.closed = True
        elif is_option:
            name, equals, value = word.partition("=")
            action = self.options.get(name)
            if action is not None:
                self.given.setdefault(action.dest, [])
                if equals:
                    self._give(action, value)
                elif action.nargs != 0:
                    self.pending = action
        elif self.places:
            place = self.places[0]
            self._give(place, word)
            if place.nargs not in ("*", "+"):
                self.places.pop(0)

    def _give(self, action: argparse.Action, word: str) -> None:
        self.given.setdefault(action.dest, []).append(word)


class Names:
    """The names of the clone that the line is about, read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def known(self) -> Mapping[str, Known]:
        """Artifacts by name."""
        return names_at(self._folder)

    def tags(self) -> Iterator[str]:
        """The names of its tags."""
        return tags_at(self._folder)

    def pins(self, file: str) -> Iterable[str]:
        """The names of what is pinned in a lock file."""
        return pins_at(self._folder / file)


def complete(words: Sequence[str], folder: Path) -> list[Word] | None:
    """What the last of ``words`` may become; None where it is a file. The program's own name is none of them."""
    typed = words[-1] if words else ""
    if len(words) < 2:
        return _beginning(_commands(typed), typed)
    chosen = BY_NAME.get(words[0])
    if chosen is None:
        return []
    (commands,) = (a for a in parser(chosen.name)._actions if isinstance(a, argparse._SubParsersAction))
    line = Line(commands.choices[chosen.name], words[1:-1])
    if line.pending is not None and not (line.pending.nargs == "?" and typed.startswith("-")):
        return _values(line.pending, line, typed, folder)
    if typed.startswith("--") and "=" in typed and not line.closed:
        name, _, value = typed.partition("=")
        action = line.options.get(name)
        found = _values(action, line, value, folder) if action is not None and action.nargs != 0 else []
        return found if found is FILES else [Word(f"{name}={one.word}", one.help) for one in found]
    if typed.startswith("-") and not line.closed:
        return _beginning(_options(line), typed)
    return _values(line.places[0], line, typed, folder) if line.places else []


def _commands(typed: str) -> Iterator[Word]:
    if typed.startswith("-"):
        yield from (Word("--help", "say how it is used"), Word("--version", "say which release this is"))
    yield from (Word(one.name, one.help) for one in COMMANDS)


def _options(line: Line) -> Iterator[Word]:
    """Those that were not given, short ones only where there is no long one."""
    for action in dict.fromkeys(line.options.values()):
        if action.dest not in line.given or isinstance(action, argparse._AppendAction):
            names = [name for name in action.option_strings if name.startswith("--")] or list(action.option_strings)
            yield from (Word(name, _said(action.help)) for name in names)


def _said(words: str | None) -> str:
    return "" if words is None or words == argparse.SUPPRESS else words.replace("%%", "%").partition("; ")[0]


def _values(action: argparse.Action, line: Line, typed: str, folder: Path) -> list[Word] | None:
    """What an argument or the value of an option may be."""
    if action.choices is not None:
        return _beginning(map(Word, map(str, action.choices)), typed)
    if action.metavar in _FILES:
        return FILES
    repo = (line.given.get("repo") or [""])[-1]
    if repo:
        there = Path(repo).expanduser()
        if not (repo.startswith((".", "/", "~")) and there.is_dir()):
            return []  # it is not here, and nobody waits for a network
        folder = there
    return _beginning(_named(action, line, typed, Names(folder)), typed)


def _named(action: argparse.Action, line: Line, typed: str, names: Names) -> Iterable[Word]:
    """The names that something may be called by."""
    match action.metavar:
        case "TARGET" if "locked" in line.given or "update" in line.given:
            return map(Word, names.pins((line.given.get("file") or [LOCK_FILE])[-1]))
        case "TARGET" | "OTHER":
            return _targets(names.known, typed, "@#", whole=True)
        case "NAME#stage":
            return _targets(names.known, typed, "#")
        case "NAME@V":
            return _targets(names.known, typed, "@")
        case "NAME" | "ARTIFACT" if not action.option_strings:
            return map(Word, names.known)
        case "V" | "vX.Y.Z" | "VERSION":
            return map(Word, _of(line, names).versions)
        case "STAGE" if not action.option_strings:
            return map(Word, _of(line, names).stages)
        case "STAGE":
            return map(Word, dict.fromkeys(stage for one in names.known.values() for stage in one.stages))
        case "REF":
            return map(Word, filter(_is_registry_tag, names.tags()))
        case ("NAME", "ARG"):
            from tagline.domain.index.questions import QUESTIONS

            return (Word(one.name, one.help) for one in QUESTIONS.values())
    return ()


def _of(line: Line, names: Names) -> Known:
    """The artifact that the line is about."""
    said = next((line.given[key][0] for key in ("target", "name", "artifact") if line.given.get(key)), "")
    return names.known.get(said.partition("#")[0].partition("@")[0], Known())


def _targets(known: Mapping[str, Known], typed: str, signs: str, *, whole: bool = False) -> Iterator[Word]:
    """Artifacts; once one is typed out, what of it may be meant. ``whole``: it may stand by itself."""
    name = typed.partition("#")[0].partition("@")[0]
    fitting = [one for one in known if one.startswith(name)]
    if name not in known or (typed == name and len(fitting) > 1):
        yield from (Word(one if whole else f"{one}{signs}") for one in fitting)
        return
    if whole:
        yield Word(name)
    if "#" in signs:
        yield from (Word(f"{name}#{stage}") for stage in known[name].stages)
    if "@" in signs:
        yield from (Word(f"{name}@{version}") for version in known[name].versions)
        yield from [Word(f"{name}@latest")] if whole else ()


def _is_registry_tag(name: str) -> bool:
    from tagline.domain.ledger.tags import parse_tag

    return parse_tag(name) is not None


def _beginning(words: Iterable[Word], typed: str) -> list[Word]:
    """Those that begin as what is typed, once each."""
    found = dict.fromkeys(word for word in words if word.word.startswith(typed))
    return list(found)
