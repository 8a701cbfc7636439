"""The command line's grammar: every command, its options and their help."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn

from tagline import __version__
from tagline.cli.inputs import COMMANDS, LINEAGE_FORMATS
from tagline.errors import WrongUsage

FORMATS = ("text", "json", "github", "code-quality", "junit")
#: ``git`` is a server without an API.
FORGES = ("github", "gitlab", "git")


class Parser(argparse.ArgumentParser):
    """argparse whose mistakes are our errors: one boundary prints them, as JSON where asked."""

    def error(self, message: str) -> NoReturn:
        """Raise WrongUsage instead of exiting."""
        raise WrongUsage(f"{message[:1].upper()}{message[1:]}.", f"See: {self.prog} --help")


def parser() -> Parser:
    """The whole grammar."""
    top = Parser(
        prog="tagline",
        description="A Git-native model registry: versions and stages are annotated Git tags.",
        epilog="Exit codes: 0 done, 1 findings or refused, 2 wrong usage, 3 a bug, 4 the platform "
        "refused, 5 conflict, 6 not found.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"tagline {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name, summary, fill in _COMMANDS:
        sub = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        fill(sub)
    return top


def _common(sub: Parser) -> None:
    sub.add_argument("--repo", metavar="PATH|URL|OWNER/NAME", help="the repository (default: this one)")
    sub.add_argument("--repo-forge", choices=FORGES, help="whose --repo is (default: this job's)")
    sub.add_argument("--repo-api-url", metavar="URL", help="where that forge's API is (default: by its URL)")
    sub.add_argument("--json", action="store_true", help="print one JSON document")


def _reading(sub: Parser) -> None:
    _common(sub)
    sub.add_argument("--remote", metavar="NAME", help="the remote to compare with (default: origin)")
    sub.add_argument("--offline", action="store_true", help="use no network: trust the tags that are here")


def _writing(sub: Parser) -> None:
    _common(sub)
    sub.add_argument("--offline", action="store_true", help="with --no-push: trust the tags that are here")
    sub.add_argument("--remote", metavar="NAME", help="the remote to push to (default: origin)")
    sub.add_argument("--dry-run", action="store_true", help="say what would be written, write nothing")
    sub.add_argument(
        "--push",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="push to the remote (default: in CI, and with --repo URL)",
    )


def _overriding(sub: Parser) -> None:
    sub.add_argument("--override", metavar="REASON", help="act on a stage that the policy guards, and say why")


def _as_of(sub: Parser) -> None:
    sub.add_argument("--as-of", metavar="RFC3339", help="the registry as it was then: 2026-03-01T00:00:00Z")


def _show(sub: Parser) -> None:
    sub.add_argument("target", nargs="?", metavar="TARGET", help="NAME, NAME@v1.2.3, NAME@latest or NAME#stage")
    sub.add_argument("--all", action="store_true", help="deprecated artifacts too")
    _as_of(sub)
    _reading(sub)


def _history(sub: Parser) -> None:
    sub.add_argument("name", nargs="?", metavar="NAME", help="one artifact (default: all)")
    sub.add_argument("--at", metavar="STAGE", help="who held this stage: since when, how long, approved by whom")
    sub.add_argument("--from", dest="start", metavar="RFC3339", help="nothing that was over before this instant")
    sub.add_argument("--to", dest="end", metavar="RFC3339", help="nothing after this instant; --at answers as of then")
    _reading(sub)


def _check_ref(sub: Parser) -> None:
    sub.add_argument("ref", nargs="?", metavar="REF", help="a tag (default: the one that started this job)")
    _reading(sub)


def _resolve(sub: Parser) -> None:
    _target_of_job(sub, "resolve")
    sub.add_argument("--presign", type=int, metavar="SECONDS", help="a URL that reads the object for so long")
    sub.add_argument(
        "--no-storage", dest="storage", action="store_false", help="ask no store: answer from the repository alone"
    )
    _reading(sub)


def _fetch(sub: Parser) -> None:
    _target_of_job(sub, "fetch")
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
    _as_of(sub)


def _jobs(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is no number between 1 and 256")
    return int(text)


def _validate(sub: Parser) -> None:
    checked = "manifests, .tagline.yaml, .gto, request files (default: all that Git tracks)"
    sub.add_argument("files", nargs="*", metavar="FILE", help=checked)
    sub.add_argument("--format", choices=FORMATS, default=None, help="how to print findings (default: text)")
    sub.add_argument("--check-storage", action="store_true", help="look at every object: is it there, is it right")
    sub.add_argument("--check-mlflow", action="store_true", help="ask MLflow about every run that a manifest names")
    _common(sub)


def _register(sub: Parser) -> None:
    sub.add_argument("name", metavar="NAME", help="the artifact")
    sub.add_argument("--rev", default="HEAD", metavar="REV", help="the commit (default: HEAD)")
    which = sub.add_mutually_exclusive_group()
    which.add_argument("--version", dest="number", metavar="vX.Y.Z", help="this version")
    which.add_argument("--bump", choices=("major", "minor", "patch"), help="the next one (default: patch)")
    _writing(sub)


def _assign(sub: Parser) -> None:
    sub.add_argument("target", metavar="NAME#stage", help="the artifact and the stage")
    sub.add_argument("--version", dest="number", metavar="V", help="the version (default: HEAD's)")
    _overriding(sub)
    _writing(sub)


def _unassign(sub: Parser) -> None:
    sub.add_argument("target", metavar="NAME#stage", help="the artifact and the stage")
    sub.add_argument("--version", dest="number", metavar="V", help="from this version (default: the holder)")
    _overriding(sub)
    _writing(sub)


def _rollback(sub: Parser) -> None:
    sub.add_argument("target", metavar="NAME#stage", help="the artifact and the stage")
    sub.add_argument("--from", dest="from_version", metavar="V", help="only if this version holds it")
    sub.add_argument("--to", dest="to_version", metavar="V", help="to this version (default: the one before)")
    _overriding(sub)
    _writing(sub)


def _deregister(sub: Parser) -> None:
    sub.add_argument("target", metavar="NAME@V", help="the artifact and the version")
    _overriding(sub)
    _writing(sub)


def _deprecate(sub: Parser) -> None:
    sub.add_argument("name", metavar="NAME", help="the artifact")
    _overriding(sub)
    _writing(sub)


def _import(sub: Parser) -> None:
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
        "--branch", default="tagline-import-mlflow", metavar="NAME",
        help="the branch that takes the commits (default: tagline-import-mlflow)",
    )  # fmt: skip
    _overriding(sub)
    _writing(sub)


def _change(sub: Parser) -> None:
    _common(sub)
    sub.add_argument("--change", type=_number, metavar="N", help="the pull or merge request (default: this job's)")
    sub.add_argument("--dry-run", action="store_true", help="say what would be done; write, comment and set nothing")


def _number(text: str) -> int:
    if not text.isdigit() or not 0 < len(text) < 16:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a change")
    return int(text)


def _promote(sub: Parser) -> None:
    sub.add_argument(
        "--deliver", action="append", metavar="WORKFLOW[ PATTERN]",
        help="start this workflow on each new tag that assigns a stage, or that matches PATTERN",
    )  # fmt: skip
    _change(sub)


def _plan(sub: Parser) -> None:
    sub.add_argument("--open", action="store_true", help="every open change")
    _change(sub)


def _lineage(sub: Parser) -> None:
    sub.add_argument(
        "target", nargs="?", metavar="TARGET",
        help="NAME, NAME@v1.2.3, NAME@latest or NAME#stage (default: what this job's tag names)",
    )  # fmt: skip
    sub.add_argument("--change", type=_number, metavar="N", help="every artifact that a change touches or promotes")
    sub.add_argument("--format", choices=LINEAGE_FORMATS, default=None, help="how to print it (default: text)")
    sub.add_argument("-o", "--output", metavar="FILE", help="write it there instead")
    _as_of(sub)
    _reading(sub)


def _diff(sub: Parser) -> None:
    sub.add_argument("target", metavar="TARGET", help="NAME#stage, NAME@v1.2.3, NAME@latest or NAME")
    sub.add_argument("other", nargs="?", metavar="OTHER", help="what it is compared with (default: itself, at --to)")
    sub.add_argument("--from", dest="start", metavar="RFC3339", help="the first instant")
    sub.add_argument("--to", dest="end", metavar="RFC3339", help="the second instant (default: now)")
    _reading(sub)


def _ci(sub: Parser) -> None:
    sub.add_argument("step", nargs="?", choices=COMMANDS, metavar="COMMAND", help="default: TAGLINE_COMMAND")
    sub.set_defaults(json=False)


def _demo(sub: Parser) -> None:
    sub.add_argument("--keep", metavar="DIR", help="build the registry in DIR and leave it there")


_COMMANDS: tuple[tuple[str, str, Callable[[Parser], None]], ...] = (
    ("show", "What the registry holds now, or held then.", _show),
    ("history", "Every event, newest first; or who held a stage, and how long.", _history),
    ("check-ref", "What a tag did, and whether it still counts.", _check_ref),
    ("resolve", "The artifact behind a target, and where its bytes are.", _resolve),
    ("fetch", "Bring an artifact's bytes, verified.", _fetch),
    ("lineage", "What is behind an artifact, against what the stages hold.", _lineage),
    ("diff", "What changed between two versions, or in a stage between two instants.", _diff),
    ("validate", "Check manifests, policy, .gto and request files; findings at the line.", _validate),
    ("register", "Give a commit a version.", _register),
    ("assign", "Give a stage to a version.", _assign),
    ("unassign", "Take a stage away.", _unassign),
    ("rollback", "Give a stage back to the version before.", _rollback),
    ("deregister", "Withdraw a version.", _deregister),
    ("deprecate", "Hide an artifact.", _deprecate),
    ("import", "Bring a model registry of MLflow into this one.", _import),
    ("plan", "What merging a change will do, said on the change.", _plan),
    ("promote", "Do what a merged change asked for.", _promote),
    ("ci", "A command by the inputs of a CI step; outputs for later steps.", _ci),
    ("demo", "See a registry being born, in a temporary folder.", _demo),
)
