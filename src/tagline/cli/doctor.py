"""What ``doctor`` is asked, and how it answers: a line a check, exit code 1 where one fails."""

from __future__ import annotations

from tagline.cli.presenter import Presenter
from tagline.cli.shared import wiring_of

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from tagline.domain.doctor.checks import Check
    from tagline.settings import Settings


def run_doctor(chosen: argparse.Namespace, settings: Settings) -> int:
    """``doctor``."""
    from tagline.errors import Exit, WrongUsage
    from tagline.render.json import documents
    from tagline.render.terminal import doctor as terminal

    owner = chosen.org or chosen.group
    if owner and (chosen.repo or chosen.fix or (chosen.org and chosen.group)):
        raise WrongUsage("--org and --group look at many repositories.", "Give one of them, without --repo and --fix.")
    checks, fixed = (_of_many(chosen, settings, owner), []) if owner else _of_one(chosen, settings)
    presenter = Presenter(chosen, settings)
    presenter.say(documents.doctor(checks, fixed), terminal.doctor(checks, fixed, presenter.pen), ())
    return Exit.FINDINGS if any(check.state == "fail" for check in checks) else Exit.DONE


def _of_one(chosen: argparse.Namespace, settings: Settings) -> tuple[list[Check], list[str]]:
    """The checks of one repository, and what was mended before them."""
    from tagline.commands.doctor.questions import answers
    from tagline.wiring.changes import ChangeWiring
    from tagline.wiring.doctor import DoctorWiring

    def wiring() -> DoctorWiring:
        changes = ChangeWiring(settings, chosen.repo, chosen.repo_forge, chosen.repo_api_url)
        return DoctorWiring(settings, wiring_of(chosen, settings, None), changes)

    if not chosen.fix:
        return answers(wiring().questions()), []
    mended = wiring().mend()
    # Anew: what was read before is not as it is now.
    return [*mended.failed, *answers(wiring().questions())], mended.done


def _of_many(chosen: argparse.Namespace, settings: Settings, owner: str) -> list[Check]:
    from tagline.commands.doctor.many import look_at_all
    from tagline.wiring.doctor import of_repository, repositories

    forge, api_url = chosen.repo_forge, chosen.repo_api_url
    names = repositories(settings, owner, forge, api_url)
    return look_at_all(names, lambda name: of_repository(settings, name, forge, api_url))
