"""What the commands about bytes are asked, and how they answer: where they are, bring them, are they right."""

from __future__ import annotations

import sys

from tagline.cli.presenter import Presenter, colored
from tagline.cli.shared import instant, meanwhile, wiring_of

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from tagline.commands.storage.resolve import Wanted
    from tagline.domain.manifest.findings import Finding
    from tagline.domain.manifest.manifest import Declared
    from tagline.domain.manifest.validation import ValidationReport
    from tagline.render.findings.formats import Format
    from tagline.settings import Settings
    from tagline.wiring.registry import Wiring


def run_resolve(chosen: argparse.Namespace, settings: Settings) -> int:
    """``resolve``."""
    import time

    from tagline.commands.storage.resolve import resolve
    from tagline.render import escape
    from tagline.render.json import documents
    from tagline.render.terminal import tables as terminal
    from tagline.wiring.registry import now
    from tagline.wiring.runner import job_of

    wanted, wiring = _wanted(chosen, settings)
    begun = time.monotonic()
    result = resolve(
        wiring.source(), wanted, now(), wiring.storage.context(), look=chosen.storage, presign=chosen.presign,
        passed=lambda: time.monotonic() - begun,
    )  # fmt: skip
    presenter = Presenter(chosen, settings)
    if result.presigned is not None and job_of(settings).reads_commands:
        # Whoever has the URL has the bytes: the runner hides it in its logs.
        print(f"::add-mask::{escape.command_data(result.presigned.url)}", file=sys.stderr)
    text = terminal.resolved(result, presenter.pen, public=presenter.public)
    presenter.say(documents.resolved(result), text, result.warnings)
    return 0


def run_fetch(chosen: argparse.Namespace, settings: Settings) -> int:
    """``fetch``."""
    import contextlib
    import time
    from pathlib import Path

    from tagline.cli.progress import Progress
    from tagline.commands.storage.fetch import fetch
    from tagline.render.json import documents
    from tagline.render.terminal import tables as terminal
    from tagline.wiring.registry import now

    wanted, wiring = _locked(chosen, settings) if chosen.locked else _wanted(chosen, settings)
    cache = Path(chosen.cache) if chosen.cache else settings.objects
    destination = wiring.storage.destination(chosen.output, cache, chosen.jobs)
    with contextlib.ExitStack() as stack:
        stack.callback(wiring.storage.close)

        def begin(size: int | None, files: int) -> Callable[[int, int], None]:
            terminal = sys.stderr.isatty() and not settings.ci
            bar = Progress(
                chosen.output, size=size, files=files, stream=sys.stderr, clock=time.monotonic, terminal=terminal,
                plain=settings.no_color,
            )  # fmt: skip
            return stack.enter_context(bar).report

        fetched = fetch(
            wiring.source(),
            wanted,
            now(),
            wiring.storage.context(),
            destination,
            begin,
            force=chosen.force,
        )
    presenter = Presenter(chosen, settings)
    presenter.say(documents.fetched(fetched), terminal.fetched(fetched, presenter.pen), fetched.resolved.warnings)
    return 0


def _wanted(chosen: argparse.Namespace, settings: Settings) -> tuple[Wanted, Wiring]:
    """What is asked of the ledger, and the adapters for it."""
    from tagline.commands.ledger.check_ref import artifact_of
    from tagline.commands.storage.resolve import Wanted, target_of_job

    meanwhile("yaml")
    target = target_of_job(chosen.target, settings.tag)
    artifact = artifact_of(target) if isinstance(target, str) else target.artifact
    wanted = Wanted(target, instant(chosen), chosen.require_change, chosen.if_superseded)
    return wanted, wiring_of(chosen, settings, artifact)


def _locked(chosen: argparse.Namespace, settings: Settings) -> tuple[Wanted, Wiring]:
    """What a lock pins, by the tag that decided then."""
    from tagline.cli.pins import locked
    from tagline.commands.storage.resolve import Wanted
    from tagline.errors import WrongUsage

    if chosen.as_of is not None:
        raise WrongUsage("--locked and --as-of both say when.", "Give one of them.")
    # GitLab's component says "fail" where nobody said anything: in a step it means nothing.
    if chosen.if_superseded not in (None, "run") and not settings.step:
        raise WrongUsage("--locked takes what is pinned, overtaken or not.", "Leave --if-superseded out.")
    pin, wiring = locked(chosen, settings)
    return Wanted(pin.tag, None, chosen.require_change, pin=pin), wiring


def run_validate(chosen: argparse.Namespace, settings: Settings) -> int:
    """``validate``: exit code 1 with findings."""
    from tagline.errors import WrongUsage
    from tagline.render.findings.formats import render_findings

    if chosen.json and chosen.format not in (None, "json"):
        raise WrongUsage(f"--json and --format {chosen.format} contradict each other.", "Use one of them.")
    fmt: Format = "json" if chosen.json else chosen.format or "text"
    report = report_of(chosen, settings)
    color = colored(sys.stdout, settings)
    sys.stdout.write(render_findings(report, fmt, sources=report.sources, color=color))
    return 0 if report.ok else 1


def report_of(chosen: argparse.Namespace, settings: Settings) -> ValidationReport:
    """What ``validate`` found."""
    from tagline.commands.manifest.validate import validate
    from tagline.commands.mlflow.check import check_mlflow
    from tagline.commands.mlflow.held import check_held
    from tagline.commands.storage.check import check_storage

    wiring = wiring_of(chosen, settings, None)
    tree = wiring.manifests()
    files = [wiring.repository_path(file) for file in chosen.files] or None

    def look(items: Sequence[Declared]) -> list[Finding]:
        found: list[Finding] = []
        if chosen.check_storage:
            found += check_storage(tree, items, wiring.storage.context(), wiring.repository.url)
        if chosen.check_mlflow:
            found += check_mlflow(tree, items, wiring.tracking)
            only = [item.entry.name for item in items] if files else None
            found += check_held(wiring.source(), wiring.repository, items, only, wiring.tracking)
        return found

    return validate(
        tree,
        files,
        has_registry_tags=wiring.has_registry_tags,
        untracked_exists=wiring.exists,
        look=look if chosen.check_storage or chosen.check_mlflow else None,
    )
