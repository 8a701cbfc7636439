"""What ``tagline init`` is asked, and how it answers."""

from __future__ import annotations

import sys

from tagline.cli.presenter import Presenter

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from tagline.domain.setup.places import Forge
    from tagline.settings import Settings
    from tagline.wiring.setup import SetupWiring


def run_init(chosen: argparse.Namespace, settings: Settings) -> int:
    """``init``."""
    from tagline.commands.setup.init import init
    from tagline.render.terminal import setup as render
    from tagline.wiring.setup import SetupWiring

    wiring = SetupWiring(settings, chosen.repo)
    forge = chosen.forge or wiring.forge or _asked(wiring, as_json=chosen.json)
    stages = [stage.strip() for stage in chosen.stages.split(",")] if chosen.stages is not None else []
    done = init(wiring.context(dry_run=chosen.dry_run), forge, stages)
    presenter = Presenter(chosen, settings)
    presenter.say(render.document(done), render.text(done, presenter.pen), done.warnings)
    return 0


def _asked(wiring: SetupWiring, *, as_json: bool) -> Forge:
    """What a person at a terminal says. Raises WrongUsage where there is none, or no answer."""
    from tagline.domain.setup.places import FORGES
    from tagline.errors import WrongUsage

    where = f" ({wiring.host})" if wiring.host else ""
    if not as_json and sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty():
        print(f"Which forge is this repository on{where}? [github/gitlab] ", end="", file=sys.stderr, flush=True)
        said = sys.stdin.readline().strip().casefold()
        for forge in FORGES:
            if said == forge:
                return forge
    raise WrongUsage(
        f"Nothing says which forge this repository is on{where}: a host's name alone does not.",
        "Say it: tagline init --forge github, or --forge gitlab",
        code="which-forge",
    )
