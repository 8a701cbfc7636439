"""What ``lineage`` is asked, and how it answers: for people, for programs, and in the formats of others."""

from __future__ import annotations

from tagline.cli.presenter import Presenter
from tagline.cli.shared import instant, meanwhile, shown, wiring_of

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tagline.domain.changes.changes import Change
    from tagline.domain.changes.pages import Pages
    from tagline.domain.ledger.events import Warn
    from tagline.domain.lineage.comparison import Traced
    from tagline.render.json.lineage import Document
    from tagline.settings import Settings

#: Formats that tell of one version and no comparison.
_EXPORTS = ("in-toto", "openlineage", "cyclonedx")


def run_lineage(chosen: argparse.Namespace, settings: Settings) -> int:
    """``lineage``."""
    from tagline.errors import WrongUsage

    if chosen.json and chosen.format not in (None, "json"):
        raise WrongUsage(f"--json and --format {chosen.format} contradict each other.", "Use one of them.")
    chosen.json = chosen.json or chosen.format == "json"
    if chosen.change is not None:
        return _of_change(chosen, settings)
    return _of_target(chosen, settings)


def _of_target(chosen: argparse.Namespace, settings: Settings) -> int:
    from tagline.commands.ledger.check_ref import artifact_of
    from tagline.commands.lineage.lineage import trace_target
    from tagline.commands.storage.resolve import target_of_job
    from tagline.render.json import lineage as lineage_document
    from tagline.wiring.registry import now

    meanwhile("yaml")
    target = target_of_job(chosen.target, settings.tag)
    artifact = artifact_of(target) if isinstance(target, str) else target.artifact
    wiring = wiring_of(chosen, settings, artifact)
    traced, warnings = trace_target(
        wiring.source(), wiring.lineage_source(), wiring.policy, target, now(), instant(chosen)
    )
    _say(chosen, settings, lineage_document.traced(traced, warnings), [traced], warnings, wiring.repository.url)
    return 0


def _of_change(chosen: argparse.Namespace, settings: Settings) -> int:
    from tagline.commands.changes.traced import trace_of_change
    from tagline.errors import WrongUsage
    from tagline.render.json import lineage as lineage_document
    from tagline.wiring.changes import ChangeWiring

    if chosen.target or chosen.as_of:
        raise WrongUsage("--change stands alone.", "Leave TARGET and --as-of out, or --change.")
    if chosen.format in _EXPORTS:
        raise WrongUsage(
            f"--format {chosen.format} tells of a version, and a change has none yet.", "Name it: NAME@v1.2.3"
        )
    wiring = ChangeWiring(settings, chosen.repo, chosen.repo_forge, chosen.repo_api_url)
    context = wiring.context(dry_run=True)
    change, traced = trace_of_change(context, chosen.change)
    warnings = [warn for one in traced if one.lineage is not None for warn in one.lineage.warnings]
    document = lineage_document.changed(change, traced, warnings)
    _say(chosen, settings, document, traced, warnings, context.history.url, (context.forge, change))
    return 0


def run_diff(chosen: argparse.Namespace, settings: Settings) -> int:
    """``diff``."""
    from tagline.cli.shared import window
    from tagline.commands.lineage.diff import diff
    from tagline.domain.ledger.targets import parse_target
    from tagline.render.json import lineage as lineage_document
    from tagline.render.terminal import lineage as lineage_terminal
    from tagline.wiring.registry import now

    meanwhile("yaml")
    targets = [parse_target(text) for text in (chosen.target, chosen.other) if text is not None]
    start, end = window(chosen)
    wiring = wiring_of(chosen, settings, targets[0].artifact)
    found = diff(wiring.source(), wiring.lineage_source(), wiring.policy, targets, now(), start=start, end=end)
    presenter = Presenter(chosen, settings)
    presenter.say(lineage_document.between(found), lineage_terminal.between(found, presenter.pen), found.warnings)
    return 0


def _say(
    chosen: argparse.Namespace,
    settings: Settings,
    document: Document,
    traced: Sequence[Traced],
    warnings: Sequence[Warn],
    url: str,
    seen_on: tuple[Pages, Change] | None = None,
) -> None:
    """``seen_on``: the forge's pages and the change, where it is about one."""
    from tagline.render.json.documents import dumps
    from tagline.wiring.runner import job_of

    presenter, job = Presenter(chosen, settings), job_of(settings)
    # The presenter itself makes a document's JSON where that is said.
    text = "" if presenter.as_json else _text(chosen.format or "text", traced, presenter, url, seen_on)
    if chosen.output is not None:
        from pathlib import Path

        from tagline.render.escape import one_line
        from tagline.wiring.runner import write_answer

        write_answer(Path(chosen.output), dumps(document) if presenter.as_json else text)
        text = f"Written to {one_line(chosen.output)}."
    elif not presenter.as_json:
        text = shown(text, settings)
    presenter.say(document, text, warnings)
    if settings.step:
        job.report(_markdown(traced, seen_on))


def _markdown(traced: Sequence[Traced], seen_on: tuple[Pages, Change] | None) -> str:
    from tagline.render.markdown.lineage import section

    pages, change = seen_on or (None, None)
    return section(traced, pages, change=change)


def _text(
    form: str, traced: Sequence[Traced], presenter: Presenter, url: str, seen_on: tuple[Pages, Change] | None
) -> str:
    from tagline.render.json.documents import dumps

    if form == "text":
        from tagline.render.terminal.lineage import lineages

        return lineages(traced, presenter.pen)
    if form == "markdown":
        return _markdown(traced, seen_on)
    if form == "mermaid":
        from tagline.render.markdown.lineage_mermaid import diagram

        return "\n".join(diagram(one.lineage, one.against) for one in traced if one.lineage is not None)
    from tagline.render.exports import cyclonedx, in_toto, openlineage

    found = traced[0].lineage
    assert found is not None  # noqa: S101 - a target has one, or there was an error
    if form == "in-toto":
        return dumps(in_toto.statement(found, url))
    return dumps(openlineage.events(found, url) if form == "openlineage" else cyclonedx.bom(found, url))
