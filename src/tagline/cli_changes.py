"""What the commands about changes are asked, and how they answer."""

from __future__ import annotations

from tagline.voice import Voice

# As in cli.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tagline.change_wiring import ChangeWiring
    from tagline.domain.record import Record
    from tagline.domain.results import Planned
    from tagline.ports import Forge
    from tagline.settings import Settings


def say_plan(chosen: argparse.Namespace, settings: Settings) -> int:
    """``plan``."""
    from tagline.commands.plan import plan, task_of
    from tagline.errors import WrongUsage

    if chosen.open and chosen.change is not None:
        raise WrongUsage("--open and --change exclude each other.", "Use one of them.")
    wiring = _change_wiring(chosen, settings)
    task = task_of(wiring.job.event, chosen.change, every=chosen.open)
    return _say_changes(chosen, settings, plan(wiring.desk(dry_run=chosen.dry_run), task, _comment), task.why)


def say_promote(chosen: argparse.Namespace, settings: Settings) -> int:
    """``promote``."""
    from tagline.commands.promote import promote, task_of

    wiring = _change_wiring(chosen, settings)
    task = task_of(wiring.job.event, chosen.change)
    return _say_changes(chosen, settings, promote(wiring.desk(dry_run=chosen.dry_run), task, _comment), task.why)


def _change_wiring(chosen: argparse.Namespace, settings: Settings) -> ChangeWiring:
    from tagline.change_wiring import ChangeWiring

    return ChangeWiring(settings, chosen.repo, chosen.repo_forge, chosen.repo_api_url)


def _comment(planned: Planned, record: Record, forge: Forge, now: int) -> str:
    from tagline.render.comment import Pages, comment

    pages = Pages(forge.tag_url, forge.commit_url)
    return comment(planned.decided, record, pages, planned.policy.digest, now)


def _say_changes(chosen: argparse.Namespace, settings: Settings, planned: Sequence[Planned], why: str) -> int:
    from tagline.errors import Exit
    from tagline.render import changes, documents

    voice = Voice(chosen, settings)
    found = [warning for each in planned for one in (*each.earlier, each) for warning in one.warnings]
    voice.say(documents.changes(planned, why), changes.changes(planned, why, voice.pen), found)
    every = [one for each in planned for one in (each, *each.earlier)]
    codes = {one.error.exit_code for one in every if one.error is not None}
    # What was refused of an earlier change stands on that change; what failed concerns whoever sees it.
    codes |= {Exit.FINDINGS for one in planned if one.decided.verdict == "refused"}
    codes |= {Exit.PLATFORM for one in planned if one.decided.unreadable}
    return next((code for code in Exit.precedence() if code in codes), Exit.DONE)
