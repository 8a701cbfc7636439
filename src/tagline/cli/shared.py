"""What several commands do with their arguments."""

from __future__ import annotations

import sys

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from tagline.settings import Settings
    from tagline.wiring.registry import Wiring


def wiring_of(chosen: argparse.Namespace, settings: Settings, artifact: str | None) -> Wiring:
    """The adapters that the arguments ask for; ``artifact`` is the only one that the question is about."""
    from tagline.errors import WrongUsage
    from tagline.wiring.registry import Wiring

    fresh, offline = getattr(chosen, "fresh", False), getattr(chosen, "offline", False)
    if fresh and offline:
        raise WrongUsage("--fresh asks the remote, and --offline nobody.", "Give one of them.")
    return Wiring(
        settings,
        repo=chosen.repo,
        forge=chosen.repo_forge,
        api_url=chosen.repo_api_url,
        remote=getattr(chosen, "remote", None),
        artifact=artifact,
        offline=offline,
        takes_offline=hasattr(chosen, "offline"),
        fresh=fresh,
        # A person cannot see how old a clone is; a program asks, or compares.
        tells_age=sys.stderr.isatty(),
    )


def instant(chosen: argparse.Namespace) -> int | None:
    """What ``--as-of`` says, in unix seconds."""
    from tagline.domain.text.times import parse_instant

    return None if chosen.as_of is None else parse_instant(chosen.as_of)


def window(chosen: argparse.Namespace) -> tuple[int | None, int | None]:
    """What ``--from`` and ``--to`` say, in unix seconds. Raises WrongUsage where the end comes first."""
    from tagline.domain.text.times import parse_instant
    from tagline.errors import WrongUsage

    start, end = (None if text is None else parse_instant(text) for text in (chosen.start, chosen.end))
    if start is not None and end is not None and start > end:
        raise WrongUsage(f"--from {chosen.start} is later than --to {chosen.end}.", "Exchange them.")
    return start, end


def shown(text: str, settings: Settings) -> str:
    """Markdown as it may be printed: names stand in it as they are, and the runner of a job reads what is printed."""
    from tagline.wiring.runner import job_of

    if not job_of(settings).reads_commands:
        return text
    from tagline.render.escape import break_commands, no_command

    return "\n".join(no_command(break_commands(line)) for line in text.split("\n"))


def meanwhile(*modules: str) -> None:
    """Import libraries that will be needed while git waits for the network."""
    import contextlib
    import importlib
    import threading

    def load() -> None:
        for name in modules:
            with contextlib.suppress(ImportError):  # whoever needs it says so
                importlib.import_module(name)

    threading.Thread(target=load, daemon=True).start()
