"""What the commands that ask the index are asked, and how they answer."""

from __future__ import annotations

import sys

from tagline.cli.presenter import colored

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from tagline.ports.engine import Engine, Limits
    from tagline.settings import Settings


def run_query(chosen: argparse.Namespace, settings: Settings) -> int:
    """``query``: a statement, a named question, or the list of these."""
    from tagline.commands.index.query import named, query
    from tagline.domain.index.questions import question
    from tagline.errors import WrongUsage
    from tagline.render import answers
    from tagline.render.terminal.tables import Pen

    if (chosen.sql is not None) + (chosen.named is not None) + chosen.list != 1:
        raise WrongUsage(
            "Give one statement, or one named question.",
            "tagline query 'SELECT * FROM stages' --index DEST; tagline query --list shows the named ones.",
        )
    pen = Pen(color=colored(sys.stdout, settings))
    if chosen.list:
        _list(pen)
        return 0
    if chosen.named is not None:
        question(chosen.named[0]).bind(chosen.named[1:])  # a slip is told before anything is read
    engine, limits = _engine(chosen, settings), _limits(chosen)
    answer = query(engine, chosen.sql, limits) if chosen.named is None else named(engine, chosen.named, limits)
    how = "json" if chosen.json else chosen.format or "table"
    print(answers.as_table(answer, pen) if how == "table" else answers.FORMATS[how](answer))
    return 0


def run_search(chosen: argparse.Namespace, settings: Settings) -> int:
    """``search``: versions by what is known of them."""
    from tagline.cli.presenter import Presenter
    from tagline.commands.index.search import search
    from tagline.domain.search.reading import read_search
    from tagline.render import answers

    asked = read_search(chosen.query)
    found = search(_engine(chosen, settings), asked, _limits(chosen), all_versions=chosen.all_versions)
    presenter = Presenter(chosen, settings)
    presenter.say(answers.found_as_json(found), answers.found_as_table(found, presenter.pen), ())
    return 0


def _engine(chosen: argparse.Namespace, settings: Settings) -> Engine:
    from tagline.errors import WrongUsage
    from tagline.wiring.engine import engine_of

    if chosen.index is None:
        raise WrongUsage("No index was named.", "Add: --index DEST")
    return engine_of(chosen.index, settings)


def _limits(chosen: argparse.Namespace) -> Limits:
    """What ``--timeout`` and ``--memory`` say. Raises WrongUsage for what is none, or senseless."""
    from tagline.domain.text.durations import parse_duration
    from tagline.domain.text.sizes import parse_size
    from tagline.errors import WrongUsage
    from tagline.ports.engine import Limits

    seconds, memory = parse_duration(chosen.timeout), parse_size(chosen.memory)
    if not 1 <= seconds <= 3600:
        raise WrongUsage(f"--timeout {chosen.timeout} is not between 1s and 1h.", "Give a time within: --timeout 5m")
    if not 100_000_000 <= memory <= 1_000_000_000_000:
        raise WrongUsage(f"--memory {chosen.memory} is not between 100MB and 1TB.", "Give a size within: --memory 4GB")
    return Limits(seconds, memory)


def _list(pen: object) -> None:
    """Each named question with its arguments and what it answers."""
    from tagline.domain.index.questions import QUESTIONS

    for one in QUESTIONS.values():
        print(f"{one.usage}\n    {one.help}")
        for parameter in one.parameters:
            default = "" if parameter.default is None else f" (default: {parameter.default})"
            print(f"      {parameter.name}: {parameter.meaning}{default}")
