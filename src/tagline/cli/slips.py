"""Slips of the hand on the command line, and the line that was meant. Imported where one is made."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Collection, Iterable, Sequence

from tagline.domain.ledger.misread import as_version, meant
from tagline.domain.ledger.tags import is_artifact, is_name
from tagline.domain.ledger.targets import parse_target
from tagline.domain.text.similar import did_you_mean
from tagline.errors import WrongUsage

#: What other tools call what these commands do.
_ELSEWHERE = {
    "show": ("list", "ls", "status", "describe", "info", "models", "artifacts", "versions", "stages", "latest"),
    "history": ("log", "logs", "events", "audit"),
    "check-ref": ("checkref", "parse-ref"),
    "resolve": ("where", "which", "url", "uri", "locate"),
    "fetch": ("download", "pull", "get", "dl", "cp", "checkout"),
    "validate": ("check", "lint", "verify"),
    "init": ("setup", "bootstrap", "scaffold"),
    "register": ("tag", "release", "publish", "create", "new", "add"),
    "assign": ("deploy", "stage", "set-stage", "transition"),
    "unassign": ("unstage", "demote"),
    "rollback": ("revert", "undo", "back"),
    "deregister": ("unregister", "delete", "remove", "rm", "withdraw"),
    "deprecate": ("archive", "retire", "hide"),
    "lineage": ("graph", "dag", "trace", "provenance"),
    "diff": ("compare",),
    "index": ("crawl", "scan", "catalog", "catalogue"),
    "query": ("sql", "select", "ask"),
    "search": ("find", "grep"),
    "site": ("page", "pages", "ui", "web", "dashboard"),
    "pin": ("lock", "freeze"),
    "outdated": ("stale", "updates"),
    "propose": ("request", "pr", "mr"),
    "completion": ("completions", "autocomplete"),
    "--help": ("help",),
    "--version": ("version",),
}
_COMMANDS = {word: command for command, words in _ELSEWHERE.items() for word in words}
_ALL = "All commands: tagline --help"


def no_command(word: str, commands: Collection[str]) -> WrongUsage:
    """The error for a command that there is not."""
    near = _COMMANDS.get(word.casefold()) or did_you_mean(word, commands)
    if near is None and any(sign in word for sign in "#@"):
        near = f"show {word}"
    return WrongUsage(f"There is no command {word!r}.", f"Did you mean: tagline {near}? {_ALL}" if near else _ALL)


def left_over(chosen: argparse.Namespace, left: Sequence[str], top: argparse.ArgumentParser) -> WrongUsage:
    """The error for arguments that a command does not take."""
    command = chosen.command
    said = f"tagline {command}" if command else "tagline"
    message = f"{said} does not take {' '.join(left)}."
    option = next((text.partition("=")[0] for text in left if text.startswith("-")), None)
    if option is not None:
        near = did_you_mean(option, _options(top, command))
        return WrongUsage(message, f"{f'Did you mean {near}? ' if near else ''}See: {said} --help")
    if command == "search":
        return WrongUsage(message, f"Quote the whole: tagline search {shlex.quote(' '.join([chosen.query, *left]))}")
    line = _line(command, [*_words(chosen), *left])
    return WrongUsage(message, f"Did you mean: {line}" if line else f"See: {said} --help")


def _options(top: argparse.ArgumentParser, command: str | None) -> Iterable[str]:
    """The options of a command."""
    commands = next((a for a in top._actions if isinstance(a, argparse._SubParsersAction)), None)
    parser = commands.choices[command] if commands is not None and command is not None else top
    return [option for action in parser._actions for option in action.option_strings]


def _words(chosen: argparse.Namespace) -> list[str]:
    """What a command took for its target."""
    given = (getattr(chosen, dest, None) for dest in ("target", "name", "other"))
    return [text for text in given if text]


def _line(command: str | None, words: Sequence[str]) -> str | None:
    """The line for an artifact, a version and a stage that were written as words of their own."""
    parts = [part for word in words for part in word.replace("#", " ").replace("@", " ").split()]
    version = next(filter(None, map(as_version, parts)), None)
    names = [part for part in parts if as_version(part) is None]
    if not names or not is_artifact(names[0]) or len(names) > 2 or not all(map(is_name, names[1:])):
        return None
    artifact, stage = names[0], names[1] if len(names) == 2 else None
    option = f" --version {version}" if version else ""
    match command:
        case "assign" | "unassign" if stage:
            return f"tagline {command} {artifact}#{stage}{option}"
        case "rollback" if stage:
            return f"tagline rollback {artifact}#{stage}{f' --to {version}' if version else ''}"
        case "register":
            return f"tagline register {artifact}{option}"
        case "deregister" if version:
            return f"tagline deregister {artifact}@{version}"
        case "history" if stage:
            return f"tagline history {artifact} --at {stage}"
        case "show" | "resolve" | "fetch" | "lineage" if stage or version:
            return f"tagline {command} {artifact}{f'#{stage}' if stage else f'@{version}'}"
    return None


def require_name(chosen: argparse.Namespace) -> None:
    """Raise WrongUsage where ``register`` or ``deprecate`` is given more than an artifact's name."""
    name = chosen.name
    if is_artifact(name) or " " in name or (meant(name) is None and not any(sign in name for sign in "#@")):
        return
    artifact, version, stage = parse_target(name)
    lines = {
        "register": f"register {artifact} --version {version}" if version else f"assign {artifact}#{stage}",
        "deprecate": f"deregister {artifact}@{version}" if version else f"unassign {artifact}#{stage}",
    }
    raise WrongUsage(
        f"{name!r} is more than an artifact's name.", f"Did you mean: tagline {lines[chosen.command]}", code="bad-name"
    )
