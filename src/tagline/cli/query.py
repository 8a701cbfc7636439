"""What the commands that ask the index are asked, and how they answer."""

from __future__ import annotations

import sys

from tagline.cli.presenter import Presenter, colored
from tagline.cli.shared import meanwhile, wiring_of

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import TypeVar

    from tagline.commands.index.search import Found
    from tagline.domain.ledger.events import Warn
    from tagline.ports.engine import Answer, Engine, Limits
    from tagline.settings import Settings

    Answered = TypeVar("Answered")


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
    limits = _limits(chosen)
    meanwhile("tagline.render.json.documents", "tagline.render.terminal.tables")

    def ask(engine: Engine) -> Answer:
        return query(engine, chosen.sql, limits) if chosen.named is None else named(engine, chosen.named, limits)

    answer, warnings = _asked(chosen, settings, ask)
    how = "json" if chosen.json else chosen.format or "table"
    print(answers.as_table(answer, pen) if how == "table" else answers.FORMATS[how](answer))
    Presenter(chosen, settings).warn(warnings)
    return 0


def run_search(chosen: argparse.Namespace, settings: Settings) -> int:
    """``search``: versions by what is known of them."""
    from tagline.commands.index.search import search
    from tagline.domain.search.reading import read_search
    from tagline.render import answers

    asked, limits = read_search(chosen.query), _limits(chosen)
    meanwhile("tagline.render.json.documents", "tagline.render.terminal.tables")

    def ask(engine: Engine) -> Found:
        return search(engine, asked, limits, all_versions=chosen.all_versions)

    found, warnings = _asked(chosen, settings, ask)
    presenter = Presenter(chosen, settings)
    presenter.say(answers.found_as_json(found, warnings), answers.found_as_table(found, presenter.pen), warnings)
    return 0


def _asked(
    chosen: argparse.Namespace, settings: Settings, ask: Callable[[Engine], Answered]
) -> tuple[Answered, list[Warn]]:
    """What the index answers, or without one the repository; and what a person should know of it."""
    from tagline.errors import WrongUsage
    from tagline.wiring.engine import engine_here, engine_of

    if chosen.index is not None:
        if chosen.repo is not None:
            raise WrongUsage("--index and --repo both say what is asked.", "Give one of them.")
        with engine_of(chosen.index, settings) as engine:
            return ask(engine), []
    from tagline.commands.ledger.reading import read
    from tagline.domain.ledger.events import Warn
    from tagline.wiring.registry import now

    wiring = wiring_of(chosen, settings, None)
    warnings = read(wiring.source(), None).warnings(None, now())
    engine, gaps = engine_here(wiring)
    return ask(engine), [*warnings, *(Warn("lineage-gap", None, gap) for gap in gaps)]


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
