"""What the commands about changes are asked, and how they answer."""

from __future__ import annotations

from tagline.cli.presenter import Presenter

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tagline.commands.changes.comments import Compose
    from tagline.commands.changes.context import ChangeContext
    from tagline.domain.changes.pages import Pages
    from tagline.domain.changes.record import Record
    from tagline.domain.ledger.events import Warn
    from tagline.domain.lineage.planned import Planned
    from tagline.settings import Settings
    from tagline.wiring.changes import ChangeWiring


def run_plan(chosen: argparse.Namespace, settings: Settings) -> int:
    """``plan``."""
    from tagline.commands.changes.plan import plan, task_of
    from tagline.commands.changes.silence import why_none
    from tagline.errors import WrongUsage

    if chosen.open and chosen.change is not None:
        raise WrongUsage("--open and --change exclude each other.", "Use one of them.")
    wiring = _change_wiring(chosen, settings)
    task = task_of(wiring.job.event, chosen.change, every=chosen.open)
    context = wiring.context(dry_run=chosen.dry_run)
    planned = plan(context, task, _writes(settings.run_url, wiring.flavour))
    _summarize(context, settings, planned)
    return _present_changes(chosen, settings, planned, why_none(task))


def run_promote(chosen: argparse.Namespace, settings: Settings) -> int:
    """``promote``."""
    from tagline.commands.changes.plan import refresh
    from tagline.commands.changes.promote import promote, task_of
    from tagline.domain.delivery.targets import parse_rule

    deliver = [parse_rule(line) for line in chosen.deliver or ()]
    wiring = _change_wiring(chosen, settings)
    task = task_of(wiring.job.event, chosen.change)
    context = wiring.context(dry_run=chosen.dry_run, deliver=deliver)
    write = _writes(settings.run_url, wiring.flavour)
    try:
        promoted = promote(context, task, write)
        refresh(context, promoted.planned, write)
    finally:
        wiring.close()
    _summarize(context, settings, promoted.planned)
    return _present_changes(chosen, settings, promoted.planned, promoted.why, promoted.warnings)


def run_labels(chosen: argparse.Namespace, settings: Settings) -> int:
    """``labels sync``: exit code 1 where a label is in the way."""
    from tagline.commands.changes.labels import sync_labels
    from tagline.errors import Exit
    from tagline.render.terminal import labels as render

    wiring = _change_wiring(chosen, settings)
    context = wiring.context(dry_run=chosen.dry_run)
    synced = sync_labels(context, per_artifact=chosen.per_artifact, token=lambda: wiring.inspection().token())
    presenter = Presenter(chosen, settings)
    presenter.say(render.document(synced), render.text(synced, presenter.pen), ())
    return Exit.FINDINGS if synced.blocked else Exit.DONE


def _summarize(context: ChangeContext, settings: Settings, planned: Sequence[Planned]) -> None:
    """What is behind the artifacts, in the step's summary, which has more room than a comment.

    On GitLab the comment's text is kept with the job; and what could not be posted is shown whole anyway.
    """
    import contextlib

    from tagline.render.markdown.lineage import section

    if not settings.step or "summary" not in context.job.takes:
        return
    for one in planned:
        if one.traced and one.comment_url:
            # What could not be written was said in the comment.
            with contextlib.suppress(Exception):
                context.job.keep("summary", section(one.traced, context.forge, change=one.decided.change))


def _change_wiring(chosen: argparse.Namespace, settings: Settings) -> ChangeWiring:
    from tagline.wiring.changes import ChangeWiring

    return ChangeWiring(settings, chosen.repo, chosen.repo_forge, chosen.repo_api_url)


def _writes(run_url: str | None, flavour: str | None) -> Compose:
    """What writes the comment's text for a job, by its page and whose it is."""

    def write(planned: Planned, record: Record, pages: Pages, now: int) -> str:
        import dataclasses

        from tagline.render.markdown.comment import comment
        from tagline.render.markdown.foot import Run
        from tagline.render.markdown.teaching import teaching, too_late

        if record.teaches:
            return teaching(planned, record)
        if record.answers and planned.decided.verdict == "nothing":
            return too_late(planned, record)
        run = Run(run_url, "gitlab" if flavour == "gitlab" else "github")
        decided, policy, error = planned.decided, planned.policy.digest, planned.error
        try:
            return comment(decided, record, pages, policy, now, planned.traced, error, run, planned.delivery)
        except Exception:
            # Tags that are pushed need their comment, whatever a picture of them does; without one it is our bug.
            if not planned.traced:
                raise
            decided = dataclasses.replace(decided, warnings=(*decided.warnings, _no_picture()))
            planned.warnings.append(_no_picture())
            return comment(decided, record, pages, policy, now, error=error, run=run, delivery=planned.delivery)

    return write


def _no_picture() -> Warn:
    from tagline.domain.ledger.events import Warn

    return Warn("lineage-failed", None, "What is behind the artifacts could not be written: a bug of ours.")


def _present_changes(
    chosen: argparse.Namespace,
    settings: Settings,
    planned: Sequence[Planned],
    why: str,
    warnings: Sequence[Warn] = (),
) -> int:
    from tagline.errors import Exit
    from tagline.render.json import documents
    from tagline.render.runner import annotations
    from tagline.render.terminal import changes
    from tagline.wiring.runner import job_of

    presenter = Presenter(chosen, settings)
    found = [*warnings, *(warning for each in planned for one in (*each.earlier, each) for warning in one.warnings)]
    document, text = documents.changes(planned, why, warnings), changes.changes(planned, why, presenter.pen)
    presenter.say(document, text, found)
    every = [one for each in planned for one in (each, *each.earlier)]
    failures = {id(one.error): one.error for one in every if one.error is not None}
    if settings.step and job_of(settings).reads_commands:
        for error in failures.values():
            print(annotations.failure(error))
    codes = {error.exit_code for error in failures.values()}
    # What was refused of an earlier change stands on that change; what failed concerns whoever sees it.
    own = [one for one in planned if not one.late]
    codes |= {Exit.FINDINGS for one in own if one.decided.verdict == "refused"}
    codes |= {Exit.PLATFORM for one in own if one.decided.unreadable}
    codes |= {got.error.exit_code for one in every for got in one.delivery if got.error is not None and got.fails}
    return next((code for code in Exit.precedence() if code in codes), Exit.DONE)
