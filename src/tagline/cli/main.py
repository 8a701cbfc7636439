"""The command line: arguments to commands, answers to text, errors to exit codes.

The only error boundary. Imports stay inside the functions that need them, because every step
of a CI job pays for them.
"""

from __future__ import annotations

import errno
import os
import sys

from tagline import __version__
from tagline.cli.presenter import colored

# Not typing's own constant: importing typing would be a quarter of the time of --version.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import MutableMapping, Sequence

    from tagline.errors import TaglineError
    from tagline.settings import Settings


def main(argv: Sequence[str] | None = None, environ: MutableMapping[str, str] = os.environ) -> int:
    """Run one command. Returns the exit code of the contract."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        try:
            code = _run(arguments, environ)
        except SystemExit as shown:  # argparse has printed its help
            code = int(shown.code or 0)
        if sys.stdout is not None:
            sys.stdout.flush()  # a full disk or a closed pipe must be met here, not when Python exits
        return code
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        return _failed(error, arguments, environ)


def _failed(error: Exception, arguments: Sequence[str], environ: MutableMapping[str, str]) -> int:
    """Turn a failure into a text and an exit code."""
    from tagline.errors import Exit, PlatformRefused, TaglineError

    if isinstance(error, BrokenPipeError):
        # The reader has seen enough (head, less).
        _close_stdout()
        return Exit.DONE
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS):
        _close_stdout()
        error = PlatformRefused(f"This machine cannot write: {error.strerror}.", "Free some space and try again.")
    if not isinstance(error, TaglineError):
        if environ.get("TAGLINE_DEBUG"):
            raise error
        error = _bug(error)
    try:
        _fail(error, arguments, environ)
    except OSError:
        _close_stdout()  # nothing can be said; the exit code still tells
    return error.exit_code


def _close_stdout() -> None:
    """Python flushes stdout once more at exit: what cannot be written must not fail there again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _bug(error: Exception) -> TaglineError:
    from tagline.errors import TaglineError

    return TaglineError(
        f"This is a bug in Tagline: {type(error).__name__}: {error}",
        "Please report it with the output of the same command under TAGLINE_DEBUG=1.",
        code="bug",
    )


def _fail(error: TaglineError, arguments: Sequence[str], environ: MutableMapping[str, str]) -> None:
    from tagline.render.json import documents
    from tagline.render.runner import annotations
    from tagline.render.terminal import tables as terminal
    from tagline.settings import Settings
    from tagline.wiring.runner import job_of

    settings = Settings.from_environ(environ)
    if arguments[:1] == ["ci"] and job_of(settings).reads_commands:
        print(annotations.failure(error), flush=True)
        return
    pen = terminal.Pen(color=colored(sys.stderr, settings))
    print(terminal.failure(error, pen), file=sys.stderr, flush=True)
    if "--json" in arguments:
        print(documents.dumps(documents.failure(error)), flush=True)


def _run(arguments: Sequence[str], environ: MutableMapping[str, str]) -> int:
    if arguments == ["--version"]:
        print(f"tagline {__version__}")
        return 0
    if arguments[:1] == ["completion"] and arguments[2:3] == ["--"]:
        from tagline.cli.completion import answer

        return answer(arguments[1], arguments[3:])
    import atexit
    import gc
    import io

    from tagline.cli.commands import BY_NAME, parser
    from tagline.errors import WrongUsage
    from tagline.settings import Settings

    # A run is short and its data is one growing tree without cycles: collecting it costs a
    # third of the time at a million tags and frees nothing.
    gc.disable()
    # Python collects once more at its exit: a tenth of a second after botocore, for memory that ends with it.
    atexit.register(gc.freeze)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a character shows its escape; that is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    grammar = parser(arguments[0] if arguments else None)
    chosen = grammar.parse_args(arguments)
    if chosen.command is None:
        grammar.print_help()
        raise WrongUsage("No command was given.", "For a first look: tagline demo. In a repository: tagline init")
    run = BY_NAME[chosen.command].load()
    if chosen.command == "ci":
        from tagline.cli.inputs import of_action

        environ.update(of_action(environ))
        chosen.variables = environ
    return run(chosen, Settings.from_environ(environ))


def run_demo(chosen: argparse.Namespace, settings: Settings) -> int:
    """``demo``, where the local forge is installed."""
    from tagline.errors import NotFound, WrongUsage

    try:
        from tagline_localforge.demo import demo
    except ModuleNotFoundError as error:
        if error.name != "tagline_localforge":
            raise
        # The image has no forge: its jobs need none.
        raise NotFound("The demo is not installed here.", "pip install tagline, then: tagline demo") from error
    try:
        return demo(chosen.keep, color=colored(sys.stdout, settings))
    except FileExistsError as error:
        raise WrongUsage(str(error), "Name a new folder: tagline demo --keep DIR") from error
