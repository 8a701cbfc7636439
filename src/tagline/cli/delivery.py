"""What ``deployed`` is asked, and how it answers."""

from __future__ import annotations

from tagline.cli.presenter import Presenter
from tagline.cli.shared import wiring_of

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tagline.errors import TaglineError
    from tagline.settings import Settings


def run_deployed(chosen: argparse.Namespace, settings: Settings) -> int:
    """``deployed``: exit code 1 for a digest that the ledger does not know, 4 for what could not be told."""
    from tagline.commands.delivery.reporting import Said, report, target_of
    from tagline.commands.ledger.check_ref import artifact_of
    from tagline.domain.delivery.deployments import check_page, parse_digest
    from tagline.errors import Exit
    from tagline.render.json import deployments as document
    from tagline.render.markdown.rollback_change import rollback_change
    from tagline.render.terminal import deployments as terminal
    from tagline.wiring.changes import ChangeWiring
    from tagline.wiring.delivery import DeploymentWiring

    target = target_of(chosen.target, settings.tag)
    said = Said(
        target,
        chosen.state,
        None if chosen.digest is None else parse_digest(chosen.digest),
        None if not chosen.url else check_page(chosen.url),
        chosen.record,
        chosen.dry_run,
    )
    artifact = artifact_of(target) if isinstance(target, str) else target.artifact
    if chosen.repo is None and settings.repository_url is not None:
        chosen.repo = f"{settings.repository_url}.git"  # a job that deploys needs no checkout
    registry = ChangeWiring(settings, chosen.repo, chosen.repo_forge, chosen.repo_api_url)
    wiring = wiring_of(chosen, settings, artifact)
    try:
        result = report(DeploymentWiring(settings, wiring, registry).context(rollback_change), said)
    finally:
        wiring.storage.close()
    presenter = Presenter(chosen, settings)
    presenter.say(document.reported(result), terminal.reported(result, presenter.pen), result.warnings)
    _complain(result.errors, settings)
    codes = {error.exit_code for error in result.errors}
    return next((code for code in Exit.precedence() if code in codes), Exit.DONE)


def _complain(errors: Sequence[TaglineError], settings: Settings) -> None:
    """What could not be told, and how to mend it, on stderr; in a step also where its runner shows errors."""
    import sys

    from tagline.cli.presenter import colored
    from tagline.render.runner import annotations
    from tagline.render.terminal import tables as terminal
    from tagline.wiring.runner import job_of

    sys.stdout.flush()
    for error in errors:
        print(terminal.failure(error, terminal.Pen(color=colored(sys.stderr, settings))), file=sys.stderr)
        if settings.step and job_of(settings).reads_commands:
            print(annotations.failure(error))
