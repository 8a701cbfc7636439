"""The table of commands: what each is called and asked, which function runs it, and whether a step of CI may be it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import NamedTuple

from tagline import __version__
from tagline.cli import arguments, completion, delivery_arguments, index_arguments, pins, proposing
from tagline.cli.arguments import Parser


class Command(NamedTuple):
    """One command. ``run`` is its function, as ``module:function`` of ``tagline.cli``: imported when it is chosen."""

    name: str
    help: str
    ask: Callable[[Parser], None]
    run: str
    #: Whether ``tagline ci`` runs it.
    step: bool = False
    #: The word that follows the name, where there is one: a step is called by both, as ``labels-sync``.
    action: str = ""

    @property
    def line(self) -> list[str]:
        """How its command line begins."""
        return [self.name, *([self.action] if self.action else [])]

    def load(self) -> Callable[..., int]:
        """The function that runs it: arguments and settings to an exit code."""
        module, _, function = self.run.partition(":")
        loaded: Callable[..., int] = getattr(importlib.import_module(f"tagline.cli.{module}"), function)
        return loaded


def _ask_ci(sub: Parser) -> None:
    sub.add_argument("step", nargs="?", choices=STEPS, metavar="COMMAND", help="default: TAGLINE_COMMAND")
    sub.set_defaults(json=False)


#: In the order of the help.
COMMANDS = (
    Command(
        "init", "Write what a repository needs and has not; say what is left.", arguments.ask_init, "setup:run_init"
    ),
    Command("show", "What the registry holds now, or held then.", arguments.ask_show, "ledger:run_show"),
    Command(
        "history",
        "Every event, newest first; or who held a stage, and how long.",
        arguments.ask_history,
        "ledger:run_history",
    ),
    Command(
        "check-ref",
        "What a tag did, and whether it still counts.",
        arguments.ask_check_ref,
        "ledger:run_check_ref",
        step=True,
    ),
    Command(
        "resolve",
        "The artifact behind a target, and where its bytes are.",
        arguments.ask_resolve,
        "storage:run_resolve",
        step=True,
    ),
    Command("fetch", "Bring an artifact's bytes, verified.", arguments.ask_fetch, "storage:run_fetch", step=True),
    Command(
        "pin", "Keep exactly this version of another repository's artifact.", pins.ask_pin, "pins:run_pin", step=True
    ),
    Command("outdated", "What has moved since it was pinned.", pins.ask_outdated, "pins:run_outdated"),
    Command(
        "lineage",
        "What is behind an artifact, against what the stages hold.",
        arguments.ask_lineage,
        "lineage:run_lineage",
        step=True,
    ),
    Command(
        "diff",
        "What changed between two versions, or in a stage between two instants.",
        arguments.ask_diff,
        "lineage:run_diff",
    ),
    Command(
        "validate",
        "Check manifests, policy, .gto and request files; findings at the line.",
        arguments.ask_validate,
        "storage:run_validate",
        step=True,
    ),
    Command("register", "Give a commit a version.", arguments.ask_register, "ledger:run_register"),
    Command("assign", "Give a stage to a version.", arguments.ask_assign, "ledger:run_assign"),
    Command("unassign", "Take a stage away.", arguments.ask_unassign, "ledger:run_unassign"),
    Command("rollback", "Give a stage back to the version before.", arguments.ask_rollback, "ledger:run_rollback"),
    Command("deregister", "Withdraw a version.", arguments.ask_deregister, "ledger:run_deregister"),
    Command("deprecate", "Hide an artifact.", arguments.ask_deprecate, "ledger:run_deprecate"),
    Command("import", "Bring a model registry of MLflow into this one.", arguments.ask_import, "importing:run_import"),
    Command("site", "Make the static site of an index: look, compare, ask.", index_arguments.ask_site, "site:run_site"),
    Command(
        "plan", "What merging a change will do, said on the change.", arguments.ask_plan, "changes:run_plan", step=True
    ),
    Command("promote", "Do what a merged change asked for.", arguments.ask_promote, "changes:run_promote", step=True),
    Command(
        "propose",
        "Open the change that asks for a promotion or a rollback.",
        proposing.ask_propose,
        "proposing:run_propose",
        step=True,
    ),
    Command(
        "deployed",
        "Report a deployment: checked against the ledger, told to the forge.",
        delivery_arguments.ask_deployed,
        "delivery:run_deployed",
        step=True,
    ),
    Command(
        "labels",
        "Make the labels that people ask with, where they are missing.",
        arguments.ask_labels,
        "changes:run_labels",
        step=True,
        action="sync",
    ),
    Command(
        "doctor",
        "What is set up, what is wrong, and how to mend it.",
        arguments.ask_doctor,
        "doctor:run_doctor",
        step=True,
    ),
    Command(
        "index",
        "Keep the registries of many repositories as tables of Parquet.",
        index_arguments.ask_index,
        "index:run_index",
    ),
    Command("search", "Find versions by what is known of them.", index_arguments.ask_search, "query:run_search"),
    Command("query", "Ask the index, or this repository, in SQL.", index_arguments.ask_query, "query:run_query"),
    Command("ci", "A command by the inputs of a CI step; outputs for later steps.", _ask_ci, "ci:run_ci"),
    Command(
        "completion",
        "Print what teaches bash, zsh or fish to complete commands and names.",
        completion.ask_completion,
        "completion:run_completion",
    ),
    Command("demo", "See a registry being born, in a temporary folder.", arguments.ask_demo, "main:run_demo"),
)
BY_NAME = {command.name: command for command in COMMANDS}
#: What ``tagline ci`` can run, by what a step calls it.
BY_STEP = {"-".join(command.line): command for command in COMMANDS if command.step}
STEPS = tuple(BY_STEP)


def parser(command: str | None = None) -> Parser:
    """The whole grammar; of a line that begins with a command that one's alone, since all take long to make."""
    top = Parser(
        prog="tagline",
        description="A Git-native model registry: versions and stages are annotated Git tags.",
        epilog="Exit codes: 0 done, 1 findings or refused, 2 wrong usage, 3 a bug, 4 the platform "
        "refused, 5 conflict, 6 not found.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"tagline {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for one in [BY_NAME[command]] if command in BY_NAME else COMMANDS:
        sub = commands.add_parser(one.name, help=one.help, description=one.help, allow_abbrev=False)
        one.ask(sub)
    return top
