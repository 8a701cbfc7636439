"""What ``tagline index`` is asked, and how it answers."""

from __future__ import annotations

import gc
import sys

from tagline.cli.presenter import Presenter, colored

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from tagline.settings import Settings


def run_index(chosen: argparse.Namespace, settings: Settings) -> int:
    """``index``."""
    from tagline.cli.progress import Count
    from tagline.commands.index.index import index
    from tagline.domain.index.buckets import shard_of
    from tagline.errors import Exit, WrongUsage
    from tagline.render.json import index as documents
    from tagline.render.terminal import index as terminal
    from tagline.wiring.index import IndexWiring

    # Each repository leaves circles behind; of the many here nobody waits for the end of the process.
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)
    gc.enable()
    if chosen.jobs is not None and not 1 <= chosen.jobs <= 64:
        raise WrongUsage(f"--jobs {chosen.jobs} is not between 1 and 64.", "The default is 16.")
    named = (chosen.repositories, chosen.lists, chosen.org, chosen.group)
    if not any(named):
        raise WrongUsage(
            "Nothing says which repositories to index.",
            "Name them, or a file (--from), an organization (--org) or a group (--group).",
            code="no-repositories",
        )
    shard = shard_of(chosen.shard)
    wiring = IndexWiring(settings, chosen.repo_forge, chosen.repo_api_url)
    presenter = Presenter(chosen, settings)
    with wiring.data(chosen.output) as data:
        wanted = wiring.wanted(*named)
        with Count("Repositories", sys.stderr, terminal=colored(sys.stderr, settings) and not chosen.json) as count:
            wanted = wiring.with_visibility(wanted, count.say)
            context = wiring.context(data, chosen.jobs, count.say, count.report)
            done = index(context, wanted, shard, add=chosen.add)
    presenter.say(documents.indexed(done), terminal.indexed(done, presenter.pen), ())
    if done.bugs:
        return Exit.BUG
    return Exit.FINDINGS if chosen.strict and done.failed else Exit.DONE
