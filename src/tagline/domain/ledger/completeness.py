"""Whether a clone has all of its remote's registry tags: what is missing, what differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.tags import is_created_tag, parse_tag


class Difference(NamedTuple):
    """Registry tags by name: not here; here with other content; lightweight here; only here."""

    missing: list[str]
    different: list[str]
    lightweight: list[str]
    only_here: list[str]


def compare(local: Iterable[RawTag], remote: Mapping[str, str]) -> Difference:
    """Compare the tags of a clone with its remote's (tag name to object id)."""
    here = {tag.name: tag for tag in local}
    missing = [name for name in remote if name not in here and _counts(name)]
    only_here = [name for name in here if name not in remote and _counts(name)]
    other = [name for name, tag in here.items() if name in remote and remote[name] != tag.object_id and _counts(name)]
    lightweight = [name for name in other if here[name].object_type != "tag"]
    different = [name for name in other if here[name].object_type == "tag"]
    return Difference(sorted(missing), sorted(different), sorted(lightweight), sorted(only_here))


def _counts(name: str) -> bool:
    return parse_tag(name) is not None or is_created_tag(name)
