"""What ``propose`` is asked, and how it answers."""

from __future__ import annotations

from tagline.cli.arguments import Parser, ask_repository
from tagline.cli.presenter import Presenter
from tagline.cli.shared import wiring_of

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from tagline.settings import Settings


def ask_propose(sub: Parser) -> None:
    """The options of ``propose``."""
    sub.add_argument("artifact", metavar="ARTIFACT", help="the artifact (in a directory: dir/sub:NAME)")
    sub.add_argument(
        "version",
        metavar="VERSION",
        help="the version: v1.2.3 or latest; with --rollback the version that the stage is taken from",
    )
    sub.add_argument("stage", metavar="STAGE", help="the stage")
    sub.add_argument("--action", choices=("promote", "rollback"), default="promote", help="default: promote")
    sub.add_argument(
        "--rollback", dest="action", action="store_const", const="rollback",
        help="ask to give the stage back to the version before: --action rollback",
    )  # fmt: skip
    sub.add_argument("--reason", metavar="TEXT", help="why, for people and for the tag")
    sub.add_argument("--ticket", metavar="TICKET", help="the ticket that this is about, where the policy wants one")
    sub.add_argument("--dry-run", action="store_true", help="say what would be opened; open nothing")
    sub.add_argument("--remote", metavar="NAME", help="the remote of a clone (default: origin)")
    ask_repository(sub)


def run_propose(chosen: argparse.Namespace, settings: Settings) -> int:
    """``propose``."""
    from tagline.commands.changes.proposing import propose
    from tagline.domain.delivery.proposals import Request
    from tagline.render.json import proposals as document
    from tagline.render.markdown.proposal import proposal
    from tagline.render.terminal import proposals as terminal
    from tagline.wiring.changes import ChangeWiring
    from tagline.wiring.proposing import ProposingWiring

    request = Request(
        chosen.artifact,
        chosen.version,
        chosen.stage,
        chosen.action,
        chosen.reason,
        chosen.ticket,
    )
    if chosen.repo is None and chosen.remote is None and settings.repository_url is not None:
        chosen.repo = f"{settings.repository_url}.git"  # a job that asks needs no checkout
    registry = ChangeWiring(settings, chosen.repo, chosen.repo_forge, chosen.repo_api_url)
    context = ProposingWiring(settings, wiring_of(chosen, settings, chosen.artifact), registry).context(proposal)
    found = propose(context, request, dry_run=chosen.dry_run)
    presenter = Presenter(chosen, settings)
    presenter.say(document.asked(found), terminal.asked(found, presenter.pen), found.warnings)
    return 0
