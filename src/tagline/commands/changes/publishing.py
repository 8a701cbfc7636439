"""Writing the tags that were decided: in how many pushes, and what comes of the others where one is refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tagline.commands.changes.context import ChangeContext
from tagline.commands.changes.deciding import Entries
from tagline.commands.changes.request import ChangeRequest
from tagline.domain.changes.promotion import Decided
from tagline.domain.changes.steps import Step
from tagline.errors import Conflict, PlatformRefused, Refused, TaglineError
from tagline.ports.ledger import Batch

#: A push whose end nobody saw may have gone through.
BLIND = ("push-failed", "unreachable")
#: What is refused to this token for every artifact alike.
_OF_THE_TOKEN = ("access-denied", "no-write-permission")
#: So many artifacts that are refused for one reason, before any is written, stand for all of them.
_REFUSED_ENOUGH = 3


def publish(
    request: ChangeRequest, decided: Decided, entries: Entries, created: dict[str, str], *, one_by_one: bool
) -> None:
    """Write the new tags; ``created`` gains name and object id of those that are made, push by push.

    ``one_by_one``: each artifact by itself, where another's writers keep getting in the way of all. Where an artifact's
    tags are refused, the others' are made all the same, and then the first refusal is raised: Refused, Conflict or
    PlatformRefused. With ``atomic: change`` all are one push or nothing. Raises Raced when somebody else wrote
    meanwhile.
    """
    batches = _batches(request, decided, entries)
    if request.policy.atomic_change:
        if batches:
            created |= request.context.ledger.publish(batches)
        return
    most = 1 if one_by_one else request.context.options.tags_a_push
    refused: list[TaglineError] = []
    for some in _pushes(batches, most):
        _publish(request.context, some, created, refused)
    if refused:
        raise refused[0]


def _batches(request: ChangeRequest, decided: Decided, entries: Entries) -> list[Batch]:
    new: dict[str, list[Step]] = {}
    for step in decided.steps:
        if step.new:
            new.setdefault(step.intent.artifact, []).append(step)
    return [
        Batch(name, [tag for step in steps for tag in step.new], entries[name].mark, request.change.key)
        for name, steps in new.items()
    ]


def _pushes(batches: Iterable[Batch], most: int | None) -> list[list[Batch]]:
    """All in one, or as many artifacts in each as have ``most`` tags together; none of them is split."""
    found: list[list[Batch]] = []
    room = 0
    for batch in batches:
        if not found or (most is not None and len(batch.tags) > room):
            found.append([])
            room = most or 0
        found[-1].append(batch)
        room -= len(batch.tags)
    return found


def _publish(
    context: ChangeContext, batches: Sequence[Batch], created: dict[str, str], refused: list[TaglineError]
) -> None:
    """One push; in halves where it is refused, until each of ``refused`` is of one artifact."""
    try:
        created |= context.ledger.publish(batches)
    except (Refused, Conflict, PlatformRefused) as error:
        if error.code in (*BLIND, *_OF_THE_TOKEN):
            raise
        if len(batches) > 1:
            half = len(batches) // 2
            for some in (batches[:half], batches[half:]):
                _publish(context, some, created, refused)
            return
        refused.append(error)
        if not created and len(refused) == _REFUSED_ENOUGH and len({one.code for one in refused}) == 1:
            raise refused[0] from None
