"""What ``init`` is given of the world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tagline.commands.ledger.reading import Source
from tagline.domain.setup.places import Home
from tagline.ports.repository import Tree
from tagline.ports.setup import NewFiles


@dataclass(frozen=True)
class SetupContext:
    """The work tree's tracked files, where new ones go, and the registry: compared with its remote (True), or not."""

    tree: Tree
    files: NewFiles
    source: Callable[[bool], Source]
    home: Home | None
    now: int
    dry_run: bool = False
