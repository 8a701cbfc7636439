"""What ``--fix`` does: only what takes nothing away and changes nothing that is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tagline.commands.changes.context import ChangeContext
from tagline.commands.changes.labels import sync_labels
from tagline.commands.ledger.reading import Source
from tagline.domain.changes.labels import LabelState
from tagline.domain.doctor.checks import Check, some
from tagline.domain.ledger.tags import parse_tag
from tagline.errors import TaglineError


class Mended(NamedTuple):
    """What was done, in sentences, and what could not be."""

    done: list[str]
    failed: list[Check]


def mend(attempts: Iterable[tuple[str, Callable[[], str | None]]]) -> Mended:
    """Try each, by the check that it is about. None: there was nothing to do."""
    found = Mended([], [])
    for name, attempt in attempts:
        try:
            if said := attempt():
                found.done.append(said)
        except TaglineError as error:
            found.failed.append(Check(name, "fail", f"--fix could not mend it: {error.message}", error.hint))
    return found


def bring_tags(source: Source) -> str | None:
    """The registry tags that the remote has and the clone lacks; none that is here is moved."""
    upstream = None if source.is_remote else source.upstream()
    if upstream is None:
        return None
    here = set(source.repository.tag_names())
    missing = sorted(name for name in upstream.tag_objects(None) if name not in here and parse_tag(name) is not None)
    if not missing:
        return None
    upstream.bring(missing)
    return f"Fetched {len(missing)} registry tag{'s' * (len(missing) != 1)} from {upstream.name}: {some(missing)}."


def make_labels(context: ChangeContext) -> str | None:
    """The labels that are missing."""
    made = [one.offer.name for one in sync_labels(context, per_artifact=False).labels if one.state is LabelState.MADE]
    return f"Made {len(made)} label{'s' * (len(made) != 1)}: {some(made)}." if made else None
