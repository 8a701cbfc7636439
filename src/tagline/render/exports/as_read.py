"""Files as the steps read them, where that is not what the commit has now: an export's inputs are what was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tagline.domain.lineage.graph import File
from tagline.domain.lineage.lineage import Lineage


class Reading(NamedTuple):
    """A file's bytes, and the steps that read these. ``now``: those that the commit has."""

    file: File
    steps: tuple[str, ...]
    now: bool = True


def readings(lineage: Lineage) -> Mapping[str, list[Reading]]:
    """By path, only of files of which some step surely read other bytes than the commit has.

    First the bytes of now, where they were read too.
    """
    graph = lineage.graph
    # Git and DVC name the same bytes by different digests: then only a step that would run again read others.
    stale = {(one.path, one.step) for one in lineage.stale}
    others: dict[str, dict[str, list[str]]] = {}
    for (path, step), digest in graph.read.items():
        file = graph.files.get(path)
        if file is None or not path or file.missing or digest == file.digest:
            continue
        if (file.digest or "").startswith("gitblob:") and (path, step) not in stale:
            continue
        others.setdefault(path, {}).setdefault(digest, []).append(step)
    found: dict[str, list[Reading]] = {}
    for path, digests in others.items():
        file = graph.files[path]
        elsewhere = {step for steps in digests.values() for step in steps}
        rest = tuple(step for read, step in graph.reads if read == path and step not in elsewhere)
        found[path] = [Reading(file, rest)] if rest else []
        for digest, steps in digests.items():
            was = file._replace(digest=digest, size=None, files=None, maker=None, origin=None)
            found[path].append(Reading(was, tuple(steps), now=False))
    return found
