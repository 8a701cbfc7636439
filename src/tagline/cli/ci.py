"""``tagline ci``: a command as a step of CI runs it, by inputs of the environment, its answer handed to later steps."""

from __future__ import annotations

import sys

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, MutableMapping
    from typing import Any

    from tagline.domain.manifest.validation import ValidationReport
    from tagline.ports.job import Job, Piece
    from tagline.render.findings.formats import Format
    from tagline.render.runner.outputs import Handed
    from tagline.settings import Settings


def run_ci(chosen: argparse.Namespace, settings: Settings) -> int:
    """``ci``: the command that the step's inputs name, with what they say."""
    import dataclasses

    from tagline.cli.commands import BY_NAME, parser
    from tagline.cli.inputs import command_line, command_of
    from tagline.errors import TaglineError
    from tagline.render.json import documents
    from tagline.wiring.runner import cloud_identity, job_of

    environ: MutableMapping[str, str] = chosen.variables
    settings = dataclasses.replace(settings, step=True)
    step = _Step(settings, job_of(settings), command_of(chosen.step, environ))
    step.begin()
    try:
        arguments = command_line(chosen.step, environ)
        asked = parser().parse_args(arguments)
        asked.on_document = step.hand_over
        step.check(asked)
        with cloud_identity(settings, environ):
            if asked.command == "validate":
                return step.validate(asked)
            return BY_NAME[asked.command].load()(asked, settings)
    except TaglineError as error:
        step.hand_over(documents.failure(error))
        raise
    finally:
        step.warn()


class _Step:
    """What the runner gets of one command."""

    def __init__(self, settings: Settings, job: Job, command: str) -> None:
        self._settings = settings
        self._job = job
        self._command = command
        self._left_out: tuple[str, ...] = ()

    def begin(self) -> None:
        """What an earlier job left here shall not be taken for this one's answer, whatever becomes of it."""
        self._job.begin()
        # Whether there is a place for the answer shows before anything is done.
        self._job.keep("outputs", "")
        self.hand_over({})

    def check(self, asked: argparse.Namespace) -> None:
        """Raise WrongUsage for what the runner would lose without a word."""
        import os
        from pathlib import Path

        from tagline.errors import WrongUsage

        name, given = ("lock-file", asked.file) if asked.command == "pin" else ("dest", getattr(asked, "output", None))
        if not given:
            return
        here, workspace = Path.cwd(), self._settings.container_workspace
        dest = Path(os.path.normpath(here / given))
        # What lies at the destination is replaced and not followed, but what goes into a folder is.
        into = given.endswith("/")
        real = Path(os.path.realpath(dest)) if into else Path(os.path.realpath(dest.parent), dest.name)
        absolute = Path(given).is_absolute()
        if workspace is not None and absolute and not dest.is_relative_to(workspace):
            raise WrongUsage(
                f"{name} is {given}, which is outside the workspace: this container's files end with it.",
                "Name a path inside the workspace, relative to it, such as models/churn.pkl.",
                code="outside-workspace",
            )
        inside = dest.is_relative_to(here) or not absolute
        if self._settings.ci and inside and not real.is_relative_to(os.path.realpath(here)):
            # A checkout is somebody's change: its links, and dots in an input, lead no write out of it.
            raise WrongUsage(
                f"{name} is {given}, which leads out of the job's folder, to {real}.",
                "Name a path inside it that goes through no link.",
                code="outside-workspace",
            )

    def hand_over(self, document: Mapping[str, Any]) -> None:
        """Give an answer to later steps; the last one counts."""
        import secrets

        from tagline.render.runner import outputs as render
        from tagline.render.runner.summary import summary

        job, values = self._job, render.outputs(document)
        if "outputs" in job.takes and document:  # the file is new for each step
            self._keep("outputs", render.github_outputs(values, f"tagline-{secrets.token_hex(16)}"))
        if "dotenv" in job.takes:
            self._keep("dotenv", render.dotenv(values, self._prefix(), self._command))
        job.keep("document", values["json"] + "\n")
        job.keep("annotations", render.links(document))
        if "summary" in job.takes and (text := summary(document)):
            job.keep("summary", text)

    def _keep(self, piece: Piece, handed: Handed) -> None:
        self._job.keep(piece, handed.text)
        self._left_out = handed.left_out

    def _prefix(self) -> str:
        from tagline.errors import WrongUsage
        from tagline.render.runner.outputs import is_prefix

        prefix = self._settings.dotenv_prefix
        if not is_prefix(prefix):
            raise WrongUsage(
                f"dotenv-prefix is {prefix!r}, and no variable can begin so.",
                "Letters, digits and _, at most 64, no digit first.",
                code="bad-input",
            )
        return prefix

    def warn(self) -> None:
        """Say which outputs are empty because the runner cannot carry them."""
        if self._left_out:
            names = ", ".join(self._left_out)
            where = "tagline.json has them" if "document" in self._job.takes else "they are too long"
            sys.stdout.flush()
            print(f"note: left out of the outputs: {names} ({where})", file=sys.stderr)

    def validate(self, asked: argparse.Namespace) -> int:
        """``validate`` in all the forms that the runner shows."""
        import json

        from tagline.cli.storage import report_of
        from tagline.render.findings.formats import render_findings

        report = report_of(asked, self._settings)
        sys.stdout.write(_render(report, "github" if self._job.reads_commands else "text"))
        if "code-quality" in self._job.takes:
            self._job.keep("code-quality", _render(report, "code-quality"))
        if "junit" in self._job.takes:
            self._job.keep("junit", _render(report, "junit"))
        self.hand_over(json.loads(render_findings(report, "json", sources={}, color=False)))
        return 0 if report.ok else 1


def _render(report: ValidationReport, fmt: Format) -> str:
    from tagline.render.findings.formats import render_findings

    return render_findings(report, fmt, sources=report.sources, color=False)
