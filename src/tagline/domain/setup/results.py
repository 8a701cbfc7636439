"""What ``tagline init`` found, wrote and leaves to people."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from tagline.domain.ledger.events import Warn
from tagline.domain.setup.entries import Entry
from tagline.domain.setup.places import Forge, Todo


class FileState(StrEnum):
    """What became of a file."""

    WRITTEN = "written"
    #: It would be written.
    MISSING = "missing"
    THERE = "there"


class SetUpFile(NamedTuple):
    """A file: from the repository's root, what became of it, what it is for, and its text where it is new."""

    path: str
    state: FileState
    what: str
    text: str | None = None


class HeldStage(NamedTuple):
    """A stage that the tags give somebody now."""

    artifact: str
    stage: str
    version: str | None


class OldTags(NamedTuple):
    """What the registry tags that are here will mean."""

    tags: int
    artifacts: tuple[str, ...]
    versions: int
    holders: tuple[HeldStage, ...]
    #: Every stage that any of them names, in the order of their first appearance.
    stages: tuple[str, ...]


class SetUp(NamedTuple):
    """The answer of ``tagline init``."""

    forge: Forge
    files: tuple[SetUpFile, ...]
    entries: tuple[Entry, ...]
    old: OldTags
    todo: tuple[Todo, ...]
    dry_run: bool
    warnings: tuple[Warn, ...]
