"""The port Job on GitHub Actions: the event's file, the step's summary."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tagline.domain.changes.triggers import Event
from tagline.errors import PlatformRefused, WrongUsage
from tagline.ports.job import Piece
from tagline.settings import Settings

#: Bytes; a summary that is longer is not shown at all.
_MAX_SUMMARY = 1024 * 1024 - 1024
_QUEUE_RE = re.compile(r"refs/heads/gh-readonly-queue/.+/pr-(\d+)-[0-9a-f]+")


class GitHubJob:
    """This workflow's step."""

    takes: frozenset[Piece] = frozenset(("outputs", "summary"))
    reads_commands = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def event(self) -> Event:
        """The event by its file; of a closed pull request whose file is empty, by the commit."""
        settings = self._settings
        payload = _read(settings.event_file)
        pull = _mapping(payload.get("pull_request"))
        group = _mapping(payload.get("merge_group"))
        number = _number(pull.get("number", payload.get("number")))
        queued = _QUEUE_RE.fullmatch(str(group.get("head_ref", "")))
        return Event(
            "github",
            settings.event_name,
            str(payload.get("action") or ""),
            int(queued[1]) if queued else number,
            _text(group.get("head_sha")) if group else settings.commit if number is None else None,
            _text(payload.get("before")),
            settings.branch,
            _text(group.get("head_sha")),
            pull.get("merged") is True,
        )

    def begin(self) -> None:
        """Every step has files of its own."""

    def report(self, markdown: str, *, posted: bool = False) -> str | None:
        """Add to the step's summary what stands nowhere else."""
        file = self._settings.summary
        if file is None or posted:
            return None
        data = f"{markdown}\n".encode()
        try:
            room = _MAX_SUMMARY - (file.stat().st_size if file.exists() else 0)
            with file.open("ab") as summary:
                summary.write(data[: max(room, 0)])
        except OSError:
            return None
        return "the summary of this step"

    def keep(self, piece: Piece, text: str) -> None:
        """Outputs go to the step's file, a summary as a report does; the rest has no place here."""
        if piece == "summary":
            self.report(text)
        if piece != "outputs":
            return
        file = self._settings.outputs
        if file is None:
            raise PlatformRefused(
                "This step's outputs have no place: GITHUB_OUTPUT is not set.",
                "Run the step on a runner of GitHub Actions, and pass the variable on.",
                code="no-outputs",
            )
        try:
            with file.open("ab") as outputs:
                outputs.write(text.encode())
        except OSError as error:
            raise PlatformRefused(
                f"This step's outputs cannot be written: {error.strerror}.",
                "GITHUB_OUTPUT must name a file that this step may write to.",
                code="no-outputs",
            ) from error


def _read(file: Path | None) -> Mapping[str, Any]:
    if file is None:
        return {}
    try:
        return _mapping(json.loads(file.read_bytes()))
    except (OSError, ValueError) as error:
        raise WrongUsage(
            f"The event's file cannot be read: {error}.",
            "GitHub names it in GITHUB_EVENT_PATH; pass it on, or name the change: --change N.",
            code="bad-event",
        ) from error


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
