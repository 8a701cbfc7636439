"""What the commands about the ledger are asked, and how they answer: reading it, and the administrator's tools."""

from __future__ import annotations

import sys

from tagline.cli.presenter import Presenter
from tagline.cli.shared import instant, window, wiring_of

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from tagline.commands.ledger.show import Registry
    from tagline.domain.ledger.results import Shown, Written
    from tagline.domain.ledger.targets import Target
    from tagline.settings import Settings
    from tagline.wiring.registry import Wiring


def run_show(chosen: argparse.Namespace, settings: Settings) -> int:
    """``show``: the registry, an artifact, or one target."""
    from tagline.commands.ledger.show import show_artifact, show_commit, show_registry, show_target, show_version_at
    from tagline.domain.ledger.targets import parse_target
    from tagline.errors import WrongUsage
    from tagline.render.json import documents
    from tagline.render.terminal import tables as terminal
    from tagline.wiring.registry import now

    as_of = instant(chosen)
    target = parse_target(chosen.target) if chosen.target else None
    more = target is not None and bool(target.version or target.stage)
    if more and chosen.rev is not None:
        raise WrongUsage(
            f"{chosen.target!r} and --rev {chosen.rev} both say which version.", "Give a name alone, or no --rev."
        )
    if chosen.deployed and (as_of is not None or chosen.rev is not None or chosen.offline):
        raise WrongUsage(
            "--deployed asks the remote what is deployed now.", "Leave --as-of, --rev and --offline out.",
            code="deployed-now",
        )  # fmt: skip
    if chosen.markdown and (chosen.json or not chosen.deployed):
        raise WrongUsage("--markdown is a form of --deployed.", "Give it with --deployed, and without --json.")
    wiring = wiring_of(chosen, settings, target.artifact if target else None)
    commit = None if chosen.rev is None else wiring.commit(chosen.rev)
    source = wiring.source()
    presenter = Presenter(chosen, settings)
    if target is not None and target.stage and chosen.deployed:
        one = show_target(source, target, now(), as_of=None, deprecated=chosen.all)
        _say_deployed(presenter, one, wiring, markdown=chosen.markdown)
        return 0
    if target is not None and (more or commit is not None):
        if commit is None:
            result = show_target(source, target, now(), as_of=as_of, deprecated=chosen.all)
        else:
            result = show_version_at(source, target.artifact, commit, now(), as_of=as_of, deprecated=chosen.all)
        presenter.say(documents.shown(result), terminal.shown(result, presenter.pen), result.warnings)
        return 0
    if target is not None:
        registry = show_artifact(source, target.artifact, now(), as_of=as_of, deprecated=chosen.all)
    elif commit is not None:
        registry = show_commit(source, commit, now(), as_of=as_of, deprecated=chosen.all)
    else:
        registry = show_registry(source, now(), as_of=as_of, deprecated=chosen.all)
    if chosen.deployed:
        _say_registry_deployed(presenter, registry, wiring, markdown=chosen.markdown)
        return 0
    _say_registry(presenter, registry, whole=target is None and commit is None)
    return 0


def _say_deployed(presenter: Presenter, shown: Shown, wiring: Wiring, *, markdown: bool) -> None:
    """A stage, and what is reported of it."""
    from tagline.commands.delivery.deployed import deployed_of
    from tagline.render.json import documents
    from tagline.render.json.deployments import deployed
    from tagline.render.markdown import delivery
    from tagline.render.terminal import deployments, tables
    from tagline.wiring.registry import now

    stage, name = shown.answer.stage or "", shown.answer.artifact
    found = deployed_of(wiring.delivery_memory(), [shown.state], now())[name][stage]
    rows = deployments.rows_of([shown.state], {name: {stage: found}})
    text = f"{tables.shown(shown, presenter.pen)}\n\n{deployments.table_of(rows, presenter.pen)}"
    if markdown:
        text = delivery.deployed_table(rows)
    presenter.say({**documents.shown(shown), "deployed": deployed(found)}, text, shown.warnings)


def _say_registry_deployed(presenter: Presenter, registry: Registry, wiring: Wiring, *, markdown: bool) -> None:
    """Artifacts, and beside each stage what is reported of it: by one look at what is remembered."""
    from tagline.commands.delivery.deployed import deployed_of
    from tagline.render.json import documents
    from tagline.render.json.deployments import deployed
    from tagline.render.markdown import delivery
    from tagline.render.terminal import deployments
    from tagline.wiring.registry import now

    states = list(registry)
    found = deployed_of(wiring.delivery_memory(), states, now())
    if presenter.as_json:
        told = {name: {stage: deployed(one) for stage, one in stages.items()} for name, stages in found.items()}
        for piece in documents.registry(states, registry.warnings, told):
            sys.stdout.write(piece)
        sys.stdout.write("\n")
    else:
        rows = deployments.rows_of(states, found)
        table = delivery.deployed_table(rows) if markdown else deployments.table_of(rows, presenter.pen)
        print(table if rows else "No artifact holds a stage.")
    presenter.warn(registry.warnings)


def _say_registry(presenter: Presenter, registry: Registry, *, whole: bool) -> None:
    """Artifacts: a line each for the whole registry, else each with its versions."""
    from tagline.render.json import documents
    from tagline.render.terminal import tables as terminal

    if presenter.as_json:
        for piece in documents.registry(registry, registry.warnings):
            sys.stdout.write(piece)
        sys.stdout.write("\n")
    elif whole:
        rows = terminal.registry(registry, presenter.pen)
        aside = terminal.hidden(registry.hidden, presenter.pen) if registry.hidden else ""
        print("\n".join(filter(None, (rows, aside))) or terminal.NOTHING)
    else:
        known = (registry.only_here, registry.remote)
        print("\n\n".join(terminal.artifact(state, presenter.pen, *known) for state in registry))
    presenter.warn(registry.warnings)


def run_history(chosen: argparse.Namespace, settings: Settings) -> int:
    """``history``: events, or with ``--at`` who held a stage."""
    from tagline.commands.ledger.history import history
    from tagline.commands.ledger.holds import holds
    from tagline.domain.ledger.targets import parse_target
    from tagline.errors import WrongUsage
    from tagline.render.json import documents
    from tagline.render.terminal import holds as held
    from tagline.render.terminal import tables as terminal
    from tagline.wiring.registry import now

    name = parse_target(chosen.name) if chosen.name else None
    if name is not None and (name.version or name.stage):
        at = f" --at {name.stage}" if name.stage else ""
        raise WrongUsage(f"{chosen.name!r} is more than a name.", f"Write: tagline history {name.artifact}{at}")
    artifact = name.artifact if name else None
    start, end = window(chosen)
    source = wiring_of(chosen, settings, artifact).source()
    presenter = Presenter(chosen, settings)
    if chosen.at is not None and chosen.overrides:
        raise WrongUsage("--at lists holds, and --overrides events.", "Give one of them.")
    if chosen.at is not None:
        past = holds(source, artifact, chosen.at, now(), start=start, end=end)
        presenter.say(documents.holds(past), held.holds(past, presenter.pen, artifact), past.warnings)
        return 0
    result = history(source, artifact, now(), start=start, end=end, overrides=chosen.overrides)
    presenter.say(documents.history(result), terminal.history(result, presenter.pen), result.warnings)
    return 0


def run_check_ref(chosen: argparse.Namespace, settings: Settings) -> int:
    """``check-ref``."""
    from tagline.commands.ledger.check_ref import artifact_of, check_ref
    from tagline.render.json import documents
    from tagline.render.terminal import tables as terminal
    from tagline.wiring.registry import now

    ref = chosen.ref if chosen.ref is not None else settings.tag
    source = wiring_of(chosen, settings, artifact_of(ref)).source
    result = check_ref(source, ref, now())
    presenter = Presenter(chosen, settings)
    presenter.say(documents.checked(result), terminal.checked(result, presenter.pen), result.warnings)
    return 0


def run_register(chosen: argparse.Namespace, settings: Settings) -> int:
    """``register``."""
    from tagline.cli.slips import require_name
    from tagline.commands.ledger.register import register

    require_name(chosen)
    wiring = wiring_of(chosen, settings, chosen.name)
    context = wiring.context(push=chosen.push, dry_run=chosen.dry_run)
    written = register(
        context,
        chosen.name,
        lambda: wiring.commit(chosen.rev),
        version=chosen.number,
        bump=chosen.bump or "patch",
        new=chosen.new,
    )
    return _say_written(chosen, settings, written, None)


def _stage_target(chosen: argparse.Namespace) -> tuple[str, str]:
    from tagline.domain.ledger.targets import parse_target
    from tagline.errors import WrongUsage

    target = parse_target(chosen.target)
    if target.stage is None:
        raise WrongUsage(f"{chosen.target!r} names no stage.", _with_stage(chosen.command, target))
    return target.artifact, target.stage


def _with_stage(command: str, target: Target) -> str:
    """How the stage is written, for a target without one."""
    from tagline.domain.ledger.tags import is_artifact

    if target.version is not None:
        return f"Did you mean: tagline {command} {target.artifact}#STAGE --version {target.version}"
    before, colon, stage = target.artifact.rpartition(":")
    near = f"Did you mean {before}#{stage}? " if colon and is_artifact(before) else ""
    return f"{near}Write NAME#stage, such as {target.artifact}#prod."


def run_assign(chosen: argparse.Namespace, settings: Settings) -> int:
    """``assign``."""
    from tagline.commands.ledger.assign import assign

    artifact, stage = _stage_target(chosen)
    wiring = wiring_of(chosen, settings, artifact)
    context = wiring.context(push=chosen.push, dry_run=chosen.dry_run, override=chosen.override)
    written = assign(
        context,
        artifact,
        stage,
        version=chosen.number,
        head=lambda: wiring.commit("HEAD"),
        stages=wiring.allowed_stages(),
        new=chosen.new,
        lift=_reason(chosen.lift, "--lift"),
    )
    return _say_written(chosen, settings, written, stage)


def _reason(text: str | None, option: str) -> str | None:
    """Why something is held, or lifted. Raises WrongUsage for a blank: nobody would know later."""
    from tagline.errors import WrongUsage

    if text is not None and not text.strip():
        raise WrongUsage(f"{option} says no reason.", f"Write why: {option} 'REASON'")
    return text


def run_unassign(chosen: argparse.Namespace, settings: Settings) -> int:
    """``unassign``."""
    from tagline.commands.ledger.unassign import unassign

    artifact, stage = _stage_target(chosen)
    context = wiring_of(chosen, settings, artifact).context(
        push=chosen.push, dry_run=chosen.dry_run, override=chosen.override
    )
    return _say_written(chosen, settings, unassign(context, artifact, stage, version=chosen.number), stage)


def run_rollback(chosen: argparse.Namespace, settings: Settings) -> int:
    """``rollback``."""
    from tagline.commands.ledger.rollback import rollback

    artifact, stage = _stage_target(chosen)
    context = wiring_of(chosen, settings, artifact).context(
        push=chosen.push, dry_run=chosen.dry_run, override=chosen.override
    )
    written = rollback(
        context,
        artifact,
        stage,
        from_version=chosen.from_version,
        to_version=chosen.to_version,
        stop=_reason(chosen.hold, "--hold"),
    )
    return _say_written(chosen, settings, written, stage)


def run_deregister(chosen: argparse.Namespace, settings: Settings) -> int:
    """``deregister``."""
    from tagline.commands.ledger.deregister import deregister
    from tagline.domain.ledger.targets import LATEST, parse_target
    from tagline.errors import WrongUsage

    target = parse_target(chosen.target)
    if target.version in (None, LATEST):
        raise WrongUsage(f"{chosen.target!r} names no version.", "Write NAME@v1.2.3: the version to withdraw.")
    context = wiring_of(chosen, settings, target.artifact).context(
        push=chosen.push, dry_run=chosen.dry_run, override=chosen.override
    )
    return _say_written(chosen, settings, deregister(context, target.artifact, target.version or ""), None)


def run_deprecate(chosen: argparse.Namespace, settings: Settings) -> int:
    """``deprecate``."""
    from tagline.cli.slips import require_name
    from tagline.commands.ledger.deprecate import deprecate

    require_name(chosen)
    context = wiring_of(chosen, settings, chosen.name).context(
        push=chosen.push, dry_run=chosen.dry_run, override=chosen.override
    )
    return _say_written(chosen, settings, deprecate(context, chosen.name), None)


def _say_written(chosen: argparse.Namespace, settings: Settings, written: Written, stage: str | None) -> int:
    from tagline.render.json import documents
    from tagline.render.terminal import tables as terminal

    presenter = Presenter(chosen, settings)
    text = terminal.written(written, stage, presenter.pen)
    presenter.say(documents.written(written, stage), text, written.warnings)
    return 0
