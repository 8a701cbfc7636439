"""The command line: arguments to commands, answers to text, errors to exit codes.

The only error boundary. Imports stay inside the functions that need them, because every step
of a CI job pays for them.
"""

from __future__ import annotations

import errno
import os
import sys

from tagline import __version__
from tagline.voice import Voice, colored

# Not typing's own constant: importing typing would be a quarter of the time of --version.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from tagline.change_wiring import ChangeWiring
    from tagline.domain.record import Record
    from tagline.domain.results import Planned, Written
    from tagline.errors import TaglineError
    from tagline.ports import Forge
    from tagline.render.findings import Format
    from tagline.settings import Settings
    from tagline.wiring import Wiring


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run one command. Returns the exit code of the contract."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:
        print(f"tagline {__version__}")
        return 0
    return _guarded(arguments, environ)


def _guarded(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Run, and turn every failure into an exit code and a text."""
    from tagline.errors import Exit, TaglineError

    try:
        return _run(arguments, environ)
    except TaglineError as error:
        _fail(error, arguments, environ)
        return error.exit_code
    except BrokenPipeError:
        # The reader has seen enough (head, less). Python must not complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS):
            return _unexpected(error, arguments, environ)
        from tagline.errors import PlatformRefused

        full = PlatformRefused(f"This machine cannot write: {error.strerror}.", "Free some space and try again.")
        _fail(full, arguments, environ)
        return full.exit_code
    except Exception as error:
        return _unexpected(error, arguments, environ)


def _unexpected(error: Exception, arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    if environ.get("TAGLINE_DEBUG"):
        raise error
    _fail(_bug(error), arguments, environ)
    return 3


def _bug(error: Exception) -> TaglineError:
    from tagline.errors import TaglineError

    return TaglineError(
        f"This is a bug in Tagline: {type(error).__name__}: {error}",
        "Please report it with the output of the same command under TAGLINE_DEBUG=1.",
        code="bug",
    )


def _fail(error: TaglineError, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    from tagline.render import documents, terminal
    from tagline.settings import Settings

    if "--json" in arguments:
        print(documents.dumps(documents.failure(error)))
    pen = terminal.Pen(color=colored(sys.stderr, Settings.from_environ(environ)))
    print(terminal.failure(error, pen), file=sys.stderr)


def _run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    import gc
    import io

    from tagline.arguments import parser
    from tagline.errors import WrongUsage
    from tagline.settings import Settings

    # A run is short and its data is one growing tree without cycles: collecting it costs a
    # third of the time at a million tags and frees nothing.
    gc.disable()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a character shows its escape; that is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    grammar = parser()
    chosen = grammar.parse_args(arguments)
    if chosen.command is None:
        grammar.print_help()
        raise WrongUsage("No command was given.", "For a first look: tagline demo")
    run = _COMMANDS[chosen.command]
    code = run(chosen, Settings.from_environ(environ))
    if sys.stdout is not None:
        sys.stdout.flush()  # a full disk or a closed pipe must be met here, not when Python exits
    return code


def _wiring(chosen: argparse.Namespace, settings: Settings, artifact: str | None) -> Wiring:
    from tagline.wiring import Wiring

    return Wiring(
        settings,
        repo=chosen.repo,
        remote=getattr(chosen, "remote", None),
        artifact=artifact,
        offline=getattr(chosen, "offline", False),
    )


def _instant(chosen: argparse.Namespace) -> int | None:
    from tagline.domain.times import parse_time

    return None if chosen.as_of is None else parse_time(chosen.as_of)


def _show(chosen: argparse.Namespace, settings: Settings) -> int:
    from tagline.commands.show import show_artifact, show_registry, show_target
    from tagline.domain.targets import parse_target
    from tagline.render import documents, terminal
    from tagline.wiring import now

    as_of = _instant(chosen)
    target = parse_target(chosen.target) if chosen.target else None
    source = _wiring(chosen, settings, target.artifact if target else None).source()
    voice = Voice(chosen, settings)
    if target is not None and (target.version or target.stage):
        result = show_target(source, target, now(), as_of=as_of, deprecated=chosen.all)
        voice.say(documents.shown(result), terminal.shown(result, voice.pen), result.warnings)
        return 0
    if target is None:
        registry = show_registry(source, now(), as_of=as_of, deprecated=chosen.all)
    else:
        registry = show_artifact(source, target.artifact, now(), as_of=as_of, deprecated=chosen.all)
    if voice.as_json:
        for piece in documents.registry(registry, registry.warnings):
            sys.stdout.write(piece)
        sys.stdout.write("\n")
    elif target is None:
        rows = terminal.registry(registry, voice.pen)
        aside = terminal.hidden(registry.hidden, voice.pen) if registry.hidden else ""
        print("\n".join(filter(None, (rows, aside))) or terminal.NOTHING)
    else:
        print("\n".join(terminal.artifact(state, voice.pen) for state in registry))
    voice.warn(registry.warnings)
    return 0


def _history(chosen: argparse.Namespace, settings: Settings) -> int:
    from tagline.commands.history import history
    from tagline.domain.targets import parse_target
    from tagline.errors import WrongUsage
    from tagline.render import documents, terminal
    from tagline.wiring import now

    name = parse_target(chosen.name) if chosen.name else None
    if name is not None and (name.version or name.stage):
        raise WrongUsage(f"{chosen.name!r} is more than a name.", f"Write: tagline history {name.artifact}")
    artifact = name.artifact if name else None
    result = history(_wiring(chosen, settings, artifact).source(), artifact, now())
    voice = Voice(chosen, settings)
    voice.say(documents.history(result), terminal.history(result, voice.pen), result.warnings)
    return 0


def _check_ref(chosen: argparse.Namespace, settings: Settings) -> int:
    from tagline.commands.check_ref import artifact_of, check_ref
    from tagline.render import documents, terminal
    from tagline.wiring import now

    ref = chosen.ref if chosen.ref is not None else settings.tag
    source = _wiring(chosen, settings, artifact_of(ref)).source
    result = check_ref(source, ref, now())
    voice = Voice(chosen, settings)
    voice.say(documents.checked(result), terminal.checked(result, voice.pen), result.warnings)
    return 0


def _resolve(chosen: argparse.Namespace, settings: Settings) -> int:
    from tagline.commands.check_ref import artifact_of
    from tagline.commands.resolve import resolve, target_of_job
    from tagline.render import documents, terminal
    from tagline.wiring import now

    as_of = _instant(chosen)
    target = target_of_job(chosen.target, settings.tag)
    artifact = artifact_of(target) if isinstance(target, str) else target.artifact
    source = _wiring(chosen, settings, artifact).source()
    result = resolve(source, target, now(), as_of=as_of, require_change=chosen.require_change)
    voice = Voice(chosen, settings)
    voice.say(documents.resolved(result), terminal.resolved(result, voice.pen), result.warnings)
    return 0


def _validate(chosen: argparse.Namespace, settings: Settings) -> int:
    from tagline.commands.validate import validate
    from tagline.errors import WrongUsage
    from tagline.render.findings import render_findings

    if chosen.json and chosen.format not in (None, "json"):
        raise WrongUsage(f"--json and --format {chosen.format} contradict each other.", "Use one of them.")
    fmt: Format = "json" if chosen.json else chosen.format or "text"
    wiring = _wiring(chosen, settings, None)
    tree = wiring.manifests()
    files = [wiring.repository_path(file) for file in chosen.files] or None
    report = validate(tree, files, has_registry_tags=wiring.has_registry_tags, untracked_exists=wiring.exists)
    color = colored(sys.stdout, settings)
    sys.stdout.write(render_findings(report, fmt, sources=report.sources, color=color))
    return 0 if report.ok else 1


def _register(chosen: argparse.Namespace, settings: Settings) -> int:
    from tagline.commands.register import register

    wiring = _wiring(chosen, settings, chosen.name)
    desk = wiring.desk(push=chosen.push, dry_run=chosen.dry_run)
    written = register(
        desk, chosen.name, lambda: wiring.commit(chosen.rev), version=chosen.number, bump=chosen.bump or "patch"
    )
    return _say_written(chosen, settings, written, None)


def _stage_target(chosen: argparse.Namespace) -> tuple[str, str]:
    from tagline.domain.targets import parse_target
    from tagline.errors import WrongUsage

    target = parse_target(chosen.target)
    if target.stage is None:
        raise WrongUsage(f"{chosen.target!r} names no stage.", f"Write NAME#stage, such as {target.artifact}#prod.")
    return target.artifact, target.stage


def _assign(chosen: argparse.Namespace, settings: Settings) -> int:
    from tagline.commands.assign import assign

    artifact, stage = _stage_target(chosen)
    wiring = _wiring(chosen, settings, artifact)
    desk = wiring.desk(push=chosen.push, dry_run=chosen.dry_run, override=chosen.override)
    written = assign(
        desk,
        artifact,
        stage,
        version=chosen.number,
        head=lambda: wiring.commit("HEAD"),
        stages=wiring.allowed_stages(),
    )
    return _say_written(chosen, settings, written, stage)


def _unassign(chosen: argparse.Namespace, settings: Settings) -> int:
    from tagline.commands.unassign import unassign

    artifact, stage = _stage_target(chosen)
    desk = _wiring(chosen, settings, artifact).desk(push=chosen.push, dry_run=chosen.dry_run, override=chosen.override)
    return _say_written(chosen, settings, unassign(desk, artifact, stage, version=chosen.number), stage)


def _rollback(chosen: argparse.Namespace, settings: Settings) -> int:
    from tagline.commands.rollback import rollback

    artifact, stage = _stage_target(chosen)
    desk = _wiring(chosen, settings, artifact).desk(push=chosen.push, dry_run=chosen.dry_run, override=chosen.override)
    written = rollback(desk, artifact, stage, from_version=chosen.from_version, to_version=chosen.to_version)
    return _say_written(chosen, settings, written, stage)


def _deregister(chosen: argparse.Namespace, settings: Settings) -> int:
    from tagline.commands.deregister import deregister
    from tagline.domain.targets import LATEST, parse_target
    from tagline.errors import WrongUsage

    target = parse_target(chosen.target)
    if target.version in (None, LATEST):
        raise WrongUsage(f"{chosen.target!r} names no version.", "Write NAME@v1.2.3: the version to withdraw.")
    desk = _wiring(chosen, settings, target.artifact).desk(
        push=chosen.push, dry_run=chosen.dry_run, override=chosen.override
    )
    return _say_written(chosen, settings, deregister(desk, target.artifact, target.version or ""), None)


def _deprecate(chosen: argparse.Namespace, settings: Settings) -> int:
    from tagline.commands.deprecate import deprecate

    desk = _wiring(chosen, settings, chosen.name).desk(
        push=chosen.push, dry_run=chosen.dry_run, override=chosen.override
    )
    return _say_written(chosen, settings, deprecate(desk, chosen.name), None)


def _say_written(chosen: argparse.Namespace, settings: Settings, written: Written, stage: str | None) -> int:
    from tagline.render import documents, terminal

    voice = Voice(chosen, settings)
    text = terminal.written(written, stage, voice.pen)
    voice.say(documents.written(written, stage), text, written.warnings)
    return 0


def _plan(chosen: argparse.Namespace, settings: Settings) -> int:
    from tagline.commands.plan import plan, task_of
    from tagline.errors import WrongUsage

    if chosen.open and chosen.change is not None:
        raise WrongUsage("--open and --change exclude each other.", "Use one of them.")
    wiring = _change_wiring(chosen, settings)
    task = task_of(wiring.job.event, chosen.change, every=chosen.open)
    return _say_changes(chosen, settings, plan(wiring.desk(dry_run=chosen.dry_run), task, _comment), task.why)


def _promote(chosen: argparse.Namespace, settings: Settings) -> int:
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


def _demo(chosen: argparse.Namespace, settings: Settings) -> int:
    from tagline.demo import demo

    return demo(chosen.keep, color=colored(sys.stdout, settings))


_COMMANDS = {
    "show": _show,
    "history": _history,
    "check-ref": _check_ref,
    "resolve": _resolve,
    "validate": _validate,
    "register": _register,
    "assign": _assign,
    "unassign": _unassign,
    "rollback": _rollback,
    "deregister": _deregister,
    "deprecate": _deprecate,
    "plan": _plan,
    "promote": _promote,
    "demo": _demo,
}
