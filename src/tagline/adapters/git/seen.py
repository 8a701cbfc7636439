"""What the cached repository of some artifacts' tags held before its remote moved them."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from tagline.adapters.git.records import recorded_tags
from tagline.adapters.git.running import Git
from tagline.adapters.git.tags import tags_among
from tagline.domain.ledger.moved import Moved, find_moved, to_remember

#: In the cached repository: the first object of each tag that is gone or moved since.
_FILE = "tagline-seen"


def objects(git: Git) -> dict[str, str]:
    """The refs of a cached repository: full name to object id."""
    output = git.run("for-each-ref", "--format=%(objectname) %(refname)").stdout.decode(errors="surrogateescape")
    return {ref: object_id for object_id, _, ref in (line.partition(" ") for line in output.splitlines())}


def look(
    git: Git, path: Path, before: dict[str, str], guards: Collection[str], alone: Collection[Path] = ()
) -> list[Moved]:
    """The tags that were moved, after a fetch. ``before`` are the objects that were here; ``guards`` are full refs.

    What was here is remembered, so that every later run says the same; so is what was seen where each of the artifacts
    is cached ``alone``.
    """
    found = objects(git)
    now = tags_among(found)
    recorded = recorded_tags(git, [found[guard] for guard in guards if guard in found])
    known = _read(path)
    for other in alone:
        known = {**_read(other), **known}
    seen = to_remember(tags_among(before), now, known, recorded)
    if seen != known:
        fresh = path / f"{_FILE}.new"
        fresh.write_text(json.dumps(seen))
        fresh.replace(path / _FILE)
    return find_moved(now, seen, recorded, str(path))


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads((path / _FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
