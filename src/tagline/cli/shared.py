"""What several commands do with their arguments."""

from __future__ import annotations

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from tagline.ports.forge import Forge
    from tagline.render.markdown.escaping import Pages
    from tagline.settings import Settings
    from tagline.wiring.registry import Wiring


def wiring_of(chosen: argparse.Namespace, settings: Settings, artifact: str | None) -> Wiring:
    """The adapters that the arguments ask for; ``artifact`` is the only one that the question is about."""
    from tagline.wiring.registry import Wiring

    return Wiring(
        settings,
        repo=chosen.repo,
        forge=chosen.repo_forge,
        api_url=chosen.repo_api_url,
        remote=getattr(chosen, "remote", None),
        artifact=artifact,
        offline=getattr(chosen, "offline", False),
    )


def instant(chosen: argparse.Namespace) -> int | None:
    """What ``--as-of`` says, in unix seconds."""
    from tagline.domain.text.times import parse_time

    return None if chosen.as_of is None else parse_time(chosen.as_of)


def window(chosen: argparse.Namespace) -> tuple[int | None, int | None]:
    """What ``--from`` and ``--to`` say, in unix seconds. Raises WrongUsage where the end comes first."""
    from tagline.domain.text.times import parse_time
    from tagline.errors import WrongUsage

    start, end = (None if text is None else parse_time(text) for text in (chosen.start, chosen.end))
    if start is not None and end is not None and start > end:
        raise WrongUsage(f"--from {chosen.start} is later than --to {chosen.end}.", "Exchange them.")
    return start, end


def pages_of(forge: Forge) -> Pages:
    """Where a forge shows what we write about."""
    from tagline.render.markdown.escaping import Pages

    return Pages(forge.tag_url, forge.commit_url, forge.file_url, forge.compare_url)


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
