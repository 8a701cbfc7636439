"""The port Job on GitLab CI: predefined variables, a report file that the job keeps as an artifact."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tagline.domain.changes.triggers import Event
from tagline.errors import PlatformRefused
from tagline.ports.job import Piece
from tagline.settings import Settings

#: In the job's folder; the components declare them as artifacts.
REPORT = Path("tagline-report.md")
FILES: Mapping[Piece, Path] = {
    "dotenv": Path("tagline.env"),
    "document": Path("tagline.json"),
    "annotations": Path("tagline-annotations.json"),
    "code-quality": Path("tagline-codequality.json"),
    "junit": Path("tagline-junit.xml"),
}


class GitLabJob:
    """This pipeline's job."""

    takes = frozenset(FILES)
    reads_commands = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def event(self) -> Event:
        """The pipeline's source. What merged results and trains build is on no branch and never looked at."""
        settings = self._settings
        number = int(settings.change) if settings.change and settings.change.isdigit() else None
        commit = settings.commit if number is None else None
        return Event("gitlab", settings.event_name, "", number, commit, settings.before, settings.branch)

    def begin(self) -> None:
        """Remove the files: without a checkout of its own a job finds the folder as the last one left it."""
        for file in (REPORT, *FILES.values()):
            with contextlib.suppress(OSError):  # whoever writes there next says what is wrong
                if file.is_dir() and not file.is_symlink():
                    shutil.rmtree(file)
                file.unlink(missing_ok=True)

    def report(self, markdown: str, *, posted: bool = False) -> str | None:
        """Add to the report file; a step keeps there, as long as the job says, also what is posted."""
        if posted and not self._settings.step:
            return None
        try:
            # The folder is a checkout of somebody's change: a link in the file's place leads nowhere.
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
            with os.fdopen(os.open(REPORT, flags, 0o644), "a", encoding="utf-8") as file:
                file.write(f"{markdown}\n")
        except OSError:
            return None
        return str(REPORT)

    def keep(self, piece: Piece, text: str) -> None:
        """Into its file, which replaces whatever lies there, a link included."""
        file = FILES.get(piece)
        if file is None:
            return
        try:
            descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
                # The runner's own part of the job, which collects the files, may be another user.
                os.fchmod(stream.fileno(), 0o644)
            Path(temporary).replace(file)
        except OSError as error:
            raise PlatformRefused(
                f"{file} cannot be written: {error.strerror}.",
                "The job's folder must be writable: later jobs read this step's answer there.",
                code="no-outputs",
            ) from error
