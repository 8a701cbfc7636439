"""What each command of the command line is asked: its options and their help. ``commands`` has the table."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from tagline.errors import WrongUsage

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

FORMATS = ("text", "json", "github", "code-quality", "junit")
#: What a lineage can be written as.
LINEAGE_FORMATS = ("text", "json", "markdown", "mermaid", "in-toto", "openlineage", "cyclonedx")
#: What is done with an answer that another tag has overtaken.
IF_SUPERSEDED = ("fail", "skip", "run")
#: ``git`` is a server without an API.
FORGES = ("github", "gitlab", "git")


class _Once(argparse.Action):
    """Keeps a value. A second one is refused: argparse would take the last, and nobody would know."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        """Set the value."""
        if option is not None and (given := _given(namespace, self.dest)):
            raise WrongUsage(
                f"{option} is given twice: {getattr(namespace, self.dest)} and {values}.",
                f"Give {given} once. See: {parser.prog} --help",
            )
        if option is not None:
            vars(namespace).setdefault("given", {})[self.dest] = option
        setattr(namespace, self.dest, values)


class _OneOfTwo(argparse.BooleanOptionalAction):
    """``--push`` or ``--no-push``: whoever writes both is asked which."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        """Set the value."""
        given = _given(namespace, self.dest)
        if given not in (None, option):
            raise WrongUsage(f"{given} and {option} contradict each other.", f"Give one. See: {parser.prog} --help")
        vars(namespace).setdefault("given", {})[self.dest] = option
        super().__call__(parser, namespace, values, option)


def _given(namespace: argparse.Namespace, dest: str) -> str | None:
    """By which option a value came, if it came."""
    options: dict[str, str] = vars(namespace).get("given", {})
    return options.get(dest)


class Parser(argparse.ArgumentParser):
    """argparse whose mistakes are our errors: one boundary prints them, as JSON where asked."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for name in (None, "store"):
            self.register("action", name, _Once)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read arguments. What is left over is a mistake, for which the whole line tells what was meant."""
        chosen, left = self.parse_known_args(args, namespace)
        if left:
            from tagline.cli.slips import left_over

            raise left_over(chosen, left, self)
        return chosen

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse what is none of the choices; of commands there is a nearest one."""
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            from tagline.cli.slips import no_command

            raise no_command(value, action.choices)
        super()._check_value(action, value)

    def error(self, message: str) -> NoReturn:
        """Raise WrongUsage instead of exiting."""
        raise WrongUsage(f"{message[:1].upper()}{message[1:]}.", f"See: {self.prog} --help")

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """Write the help; argparse itself passes over a disk that is full."""
        if message:
            (file or sys.stderr).write(message)


def ask_repository(sub: Parser) -> None:
    """Which repository, and the form of the answer."""
    sub.add_argument("--repo", metavar="PATH|URL|OWNER/NAME", help="the repository (default: this one)")
    sub.add_argument("--repo-forge", choices=FORGES, help="whose --repo is (default: this job's)")
    sub.add_argument("--repo-api-url", metavar="URL", help="where that forge's API is (default: by its URL)")
    sub.add_argument("--json", action="store_true", help="print one JSON document")


def _reading(sub: Parser) -> None:
    ask_repository(sub)
    sub.add_argument("--remote", metavar="NAME", help="the remote to compare with (default: origin)")
    sub.add_argument("--offline", action="store_true", help="use no network: trust the tags that are here")
    sub.add_argument(
        "--fresh", action="store_true", help="ask the remote whether the tags here are all that it has now"
    )


def _writing(sub: Parser) -> None:
    ask_repository(sub)
    sub.add_argument("--offline", action="store_true", help="with --no-push: trust the tags that are here")
    sub.add_argument("--remote", metavar="NAME", help="the remote to push to (default: origin)")
    sub.add_argument("--dry-run", action="store_true", help="say what would be written, write nothing")
    sub.add_argument(
        "--push",
        action=_OneOfTwo,
        default=None,
        help="push to the remote (default: in CI, and with --repo URL)",
    )


def _overriding(sub: Parser) -> None:
    sub.add_argument("--override", metavar="REASON", help="act on a stage that the policy guards, and say why")


def _as_of(sub: Parser) -> None:
    sub.add_argument(
        "--as-of",
        metavar="INSTANT",
        help="the registry as it was then: 2026-03-01T09:30:00Z; a date alone is its first instant, midnight UTC",
    )


def ask_init(sub: Parser) -> None:
    """The options of ``init``."""
    sub.add_argument(
        "--forge", choices=("github", "gitlab"), help="whose pipelines to write (default: this job's, or asked)"
    )
    sub.add_argument(
        "--stages", metavar="A,B", help="the stages of a new policy (default: those of .gto or of the tags)"
    )
    sub.add_argument("--repo", metavar="PATH", help="the clone (default: this one)")
    sub.add_argument("--dry-run", action="store_true", help="say what would be written, write nothing")
    sub.add_argument("--json", action="store_true", help="print one JSON document")


def ask_show(sub: Parser) -> None:
    """The options of ``show``."""
    sub.add_argument("target", nargs="?", metavar="TARGET", help="NAME, NAME@v1.2.3, NAME@latest or NAME#stage")
    sub.add_argument("--all", action="store_true", help="deprecated artifacts too")
    sub.add_argument("--rev", metavar="REV", help="which version this commit is: of NAME, or of every artifact")
    sub.add_argument("--deployed", action="store_true", help="also what deployments reported, and where that differs")
    sub.add_argument("--markdown", action="store_true", help="with --deployed: a Markdown table, for a job's summary")
    _as_of(sub)
    _reading(sub)


def ask_history(sub: Parser) -> None:
    """The options of ``history``."""
    sub.add_argument("name", nargs="?", metavar="NAME", help="one artifact (default: all)")
    sub.add_argument("--overrides", action="store_true", help="only what passed over the policy's rules, and why")
    sub.add_argument("--at", metavar="STAGE", help="who held this stage: since when, how long, approved by whom")
    sub.add_argument(
        "--from", dest="start", metavar="INSTANT", help="nothing that was over before this instant or date"
    )
    sub.add_argument(
        "--to",
        dest="end",
        metavar="INSTANT",
        help="nothing after this instant, or this date's midnight UTC; --at: as of then",
    )
    _reading(sub)


def ask_check_ref(sub: Parser) -> None:
    """The options of ``check-ref``."""
    sub.add_argument("ref", nargs="?", metavar="REF", help="a tag (default: the one that started this job)")
    _reading(sub)


def ask_resolve(sub: Parser) -> None:
    """The options of ``resolve``."""
    _target_of_job(sub, "resolve")
    sub.add_argument("--presign", type=int, metavar="SECONDS", help="a URL that reads the object for so long")
    sub.add_argument(
        "--no-storage", dest="storage", action="store_false", help="ask no store: answer from the repository alone"
    )
    _reading(sub)


def ask_fetch(sub: Parser) -> None:
    """The options of ``fetch``."""
    _target_of_job(sub, "fetch")
    sub.add_argument("--locked", action="store_true", help="TARGET is a pin of the lock file: exactly that, or nothing")
    sub.add_argument("--file", metavar="FILE", default="tagline.lock", help="that lock file (default: tagline.lock)")
    sub.add_argument(
        "-o",
        "--output",
        metavar="DEST",
        required=True,
        help="the file or folder that it becomes; with / at the end: the folder that it goes into",
    )
    sub.add_argument(
        "--force", action="store_true", help="replace the file at DEST, or the folder that an earlier fetch made"
    )
    sub.add_argument("--cache", metavar="DIR", help="keep objects there too, such as .dvc/cache (or TAGLINE_OBJECTS)")
    sub.add_argument("--jobs", type=_jobs, metavar="N", help="transfers at once (default: what the store bears)")
    _reading(sub)


def _target_of_job(sub: Parser, verb: str) -> None:
    sub.add_argument("target", nargs="?", metavar="TARGET", help=f"what to {verb} (default: what this job's tag names)")
    sub.add_argument("--require-change", action="store_true", help="refuse a tag whose message names no change")
    sub.add_argument(
        "--if-superseded",
        choices=IF_SUPERSEDED,
        default="run",
        help="what to do where another tag has overtaken the one that decides, looked at once more right before the "
        "bytes are handed over: fail, skip (hand nothing over and say so), or run all the same (default: run)",
    )
    _as_of(sub)


def _jobs(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is no number between 1 and 256")
    return int(text)


def ask_validate(sub: Parser) -> None:
    """The options of ``validate``."""
    checked = "manifests, .tagline.yaml, .gto, request files (default: all that Git tracks)"
    sub.add_argument("files", nargs="*", metavar="FILE", help=checked)
    sub.add_argument("--format", choices=FORMATS, default=None, help="how to print findings (default: text)")
    sub.add_argument("--check-storage", action="store_true", help="look at every object: is it there, is it right")
    sub.add_argument("--check-mlflow", action="store_true", help="ask MLflow about every run that a manifest names")
    ask_repository(sub)


def ask_register(sub: Parser) -> None:
    """The options of ``register``."""
    sub.add_argument("name", metavar="NAME", help="the artifact")
    sub.add_argument("--rev", default="HEAD", metavar="REV", help="the commit (default: HEAD)")
    which = sub.add_mutually_exclusive_group()
    which.add_argument("--version", dest="number", metavar="vX.Y.Z", help="this version")
    which.add_argument("--bump", choices=("major", "minor", "patch"), help="the next one (default: patch)")
    sub.add_argument("--new", action="store_true", help="a first version, though the name looks like a slip of another")
    _writing(sub)


def ask_assign(sub: Parser) -> None:
    """The options of ``assign``."""
    sub.add_argument("target", metavar="NAME#stage", help="the artifact and the stage")
    sub.add_argument("--version", dest="number", metavar="V", help="the version (default: HEAD's)")
    sub.add_argument("--new", action="store_true", help="a new stage, though its name looks like a slip of another")
    sub.add_argument(
        "--lift", nargs="?", const="by hand", metavar="REASON",
        help="the stage is held no more; without --version nothing else is done",
    )  # fmt: skip
    _overriding(sub)
    _writing(sub)


def ask_unassign(sub: Parser) -> None:
    """The options of ``unassign``."""
    sub.add_argument("target", metavar="NAME#stage", help="the artifact and the stage")
    sub.add_argument("--version", dest="number", metavar="V", help="from this version (default: the holder)")
    _overriding(sub)
    _writing(sub)


def ask_rollback(sub: Parser) -> None:
    """The options of ``rollback``."""
    sub.add_argument("target", metavar="NAME#stage", help="the artifact and the stage")
    sub.add_argument("--from", dest="from_version", metavar="V", help="only if this version holds it")
    sub.add_argument("--to", dest="to_version", metavar="V", help="to this version (default: the one before)")
    sub.add_argument(
        "--hold", metavar="REASON", help="nothing is promoted past it until a change asks lift:NAME#stage, and why"
    )
    _overriding(sub)
    _writing(sub)


def ask_deregister(sub: Parser) -> None:
    """The options of ``deregister``."""
    sub.add_argument("target", metavar="NAME@V", help="the artifact and the version")
    _overriding(sub)
    _writing(sub)


def ask_deprecate(sub: Parser) -> None:
    """The options of ``deprecate``."""
    sub.add_argument("name", metavar="NAME", help="the artifact")
    _overriding(sub)
    _writing(sub)


def ask_import(sub: Parser) -> None:
    """The options of ``import``."""
    sub.add_argument("source", choices=("mlflow",), metavar="mlflow", help="where from: MLflow's registry of models")
    sub.add_argument("--tracking-uri", metavar="URI", help="the server (default: MLFLOW_TRACKING_URI)")
    sub.add_argument(
        "--model", action="append", metavar="MODEL[=NAME]",
        help="only this model, and what it is called here; may be repeated (default: all)",
    )  # fmt: skip
    sub.add_argument(
        "--stage", action="append", metavar="MLFLOW=OURS",
        help="what an alias or an old stage is called here, empty to leave it out; may be repeated",
    )  # fmt: skip
    sub.add_argument(
        "--artifacts", action="store_true",
        help="bring the bytes too: into DVC's remote, by the programs mlflow and dvc",
    )  # fmt: skip
    sub.add_argument(
        "--branch", default="tagline-import-mlflow", metavar="NAME",
        help="the branch that takes the commits (default: tagline-import-mlflow)",
    )  # fmt: skip
    _overriding(sub)
    _writing(sub)


def _change(sub: Parser) -> None:
    ask_repository(sub)
    sub.add_argument("--change", type=_number, metavar="N", help="the pull or merge request (default: this job's)")
    sub.add_argument("--dry-run", action="store_true", help="say what would be done; write, comment and set nothing")


def _number(text: str) -> int:
    if not text.isdigit() or not 0 < len(text) < 16:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a change")
    return int(text)


def ask_promote(sub: Parser) -> None:
    """The options of ``promote``."""
    sub.add_argument(
        "--deliver", action="append", metavar="WORKFLOW[ PATTERN]",
        help="start this workflow on each new tag that assigns a stage, or that matches PATTERN",
    )  # fmt: skip
    _change(sub)


def ask_plan(sub: Parser) -> None:
    """The options of ``plan``."""
    sub.add_argument("--open", action="store_true", help="every open change")
    _change(sub)


def ask_labels(sub: Parser) -> None:
    """The options of ``labels``."""
    sub.add_argument("action", choices=("sync",), metavar="sync", help="make those that are missing")
    sub.add_argument(
        "--per-artifact", action="store_true",
        help="also those that name an artifact, such as version:NAME@minor; at most 100 labels in all",
    )  # fmt: skip
    ask_repository(sub)
    sub.add_argument("--dry-run", action="store_true", help="say which labels would be made; make none")


def ask_lineage(sub: Parser) -> None:
    """The options of ``lineage``."""
    sub.add_argument(
        "target", nargs="?", metavar="TARGET",
        help="NAME, NAME@v1.2.3, NAME@latest or NAME#stage (default: what this job's tag names)",
    )  # fmt: skip
    sub.add_argument("--change", type=_number, metavar="N", help="every artifact that a change touches or promotes")
    sub.add_argument("--format", choices=LINEAGE_FORMATS, default=None, help="how to print it (default: text)")
    sub.add_argument("-o", "--output", metavar="FILE", help="write it there instead; its folders are made")
    _as_of(sub)
    _reading(sub)


def ask_diff(sub: Parser) -> None:
    """The options of ``diff``."""
    sub.add_argument("target", metavar="TARGET", help="NAME#stage, NAME@v1.2.3, NAME@latest or NAME")
    sub.add_argument("other", nargs="?", metavar="OTHER", help="what it is compared with (default: itself, at --to)")
    sub.add_argument("--from", dest="start", metavar="INSTANT", help="the first instant; of a date, its midnight UTC")
    sub.add_argument("--to", dest="end", metavar="INSTANT", help="the second instant, likewise (default: now)")
    _reading(sub)


def ask_doctor(sub: Parser) -> None:
    """The options of ``doctor``."""
    sub.add_argument("--fix", action="store_true", help="first make missing labels and fetch missing tags; no more")
    sub.add_argument("--org", metavar="ORG", help="GitHub: all repositories of an organization, what their forge says")
    sub.add_argument("--group", metavar="GROUP", help="GitLab: all projects of a group and of those below it")
    sub.add_argument("--remote", metavar="NAME", help="the remote to compare with (default: origin)")
    ask_repository(sub)


def ask_demo(sub: Parser) -> None:
    """The options of ``demo``."""
    sub.add_argument("--keep", metavar="DIR", help="build the registry in DIR and leave it there")
