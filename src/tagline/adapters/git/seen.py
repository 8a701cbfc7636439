"""What the cached repository of one artifact's tags held before its remote moved them."""

from __future__ import annotations

import json
from pathlib import Path

from tagline.adapters.git.records import recorded_tags
from tagline.adapters.git.running import Git
from tagline.domain.ledger.moved import Moved, find_moved, to_remember

#: In the cached repository: the first object of each tag that is gone or moved since.
_FILE = "tagline-seen"
_TAGS = "refs/tags/"


def objects(git: Git) -> dict[str, str]:
    """The refs of a cached repository: full name to object id."""
    output = git.run("for-each-ref", "--format=%(objectname) %(refname)").stdout.decode(errors="surrogateescape")
    return {ref: object_id for object_id, _, ref in (line.partition(" ") for line in output.splitlines())}


def look(git: Git, path: Path, before: dict[str, str], guard: str | None) -> list[Moved]:
    """The tags that were moved, after a fetch. ``before`` are the objects that were here; ``guard`` is a full ref.

    What was here is remembered, so that every later run says the same.
    """
    found = objects(git)
    now = _tags(found)
    recorded = recorded_tags(git, found[guard]) if guard is not None and guard in found else ()
    known = _read(path)
    seen = to_remember(_tags(before), now, known, recorded)
    if seen != known:
        fresh = path / f"{_FILE}.new"
        fresh.write_text(json.dumps(seen))
        fresh.replace(path / _FILE)
    return find_moved(now, seen, recorded, str(path))


def _tags(found: dict[str, str]) -> dict[str, str]:
    return {ref[len(_TAGS) :]: object_id for ref, object_id in found.items() if ref.startswith(_TAGS)}


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads((path / _FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
