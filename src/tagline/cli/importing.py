"""What ``tagline import`` is asked, and how it answers."""

from __future__ import annotations

from tagline.cli.presenter import Presenter
from tagline.cli.shared import wiring_of

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from tagline.settings import Settings


def run_import(chosen: argparse.Namespace, settings: Settings) -> int:
    """``import mlflow``, the only source there is."""
    from tagline.commands.mlflow.importing import Wanted, import_mlflow
    from tagline.render.terminal import imported
    from tagline.wiring.importing import bytes_of, registry_of

    wiring = wiring_of(chosen, settings, None)
    registry = registry_of(settings, chosen.tracking_uri)
    commits = wiring.commits(chosen.branch, push=chosen.push, dry_run=chosen.dry_run)
    context = wiring.context(push=chosen.push, dry_run=chosen.dry_run, override=chosen.override)
    wanted = Wanted(chosen.model or (), chosen.stage or (), wiring.allowed_stages())
    brings = bytes_of(settings, chosen.tracking_uri, wiring.repository.place.root) if chosen.artifacts else None
    result = import_mlflow(context, registry, commits, wanted, brings)
    presenter = Presenter(chosen, settings)
    presenter.say(imported.document(result), imported.text(result, presenter.pen), result.warnings)
    return 0
