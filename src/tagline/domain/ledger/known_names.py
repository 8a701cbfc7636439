"""The names that a repository's tags tell, for whoever types one: artifacts, their versions and stages.

Read off the tags' names alone, so that a key in a terminal waits for nothing: which of them counts now is no question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tagline.domain.ledger.tags import EventKind, is_artifact, is_name, parse_tag


@dataclass
class Known:
    """What an artifact has or had. Versions and stages keep their order."""

    versions: dict[str, None] = field(default_factory=dict)
    stages: dict[str, None] = field(default_factory=dict)


def known_names(tags: Iterable[str], described: Iterable[str] = (), stages: Iterable[str] = ()) -> Mapping[str, Known]:
    """Artifacts by name, from tags' names, the names in manifests, and the stages that a policy lists.

    What is no name by the grammar is left out, whoever wrote it. So are artifacts that were deprecated, and versions
    that were withdrawn.
    """
    found: dict[str, Known] = {}
    withdrawn: set[tuple[str, str | None]] = set()
    deprecated: set[str] = set()
    for tag in tags:
        said = parse_tag(tag)
        if said is None:
            continue
        one = found.setdefault(said.artifact, Known())
        if said.kind is EventKind.DEPRECATION:
            deprecated.add(said.artifact)
        elif said.kind is EventKind.DEREGISTRATION:
            withdrawn.add((said.artifact, said.version))
        elif said.version is not None:
            one.versions[said.version] = None
        elif said.stage is not None:
            one.stages[said.stage] = None
    for name in filter(is_artifact, described):
        found.setdefault(name, Known())
    listed = [stage for stage in stages if is_name(stage)]
    for name, one in found.items():
        one.stages.update(dict.fromkeys(listed))
        one.versions = {version: None for version in one.versions if (name, version) not in withdrawn}
    return {name: one for name, one in sorted(found.items()) if name not in deprecated}
