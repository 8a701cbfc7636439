"""Labels that ask for nothing and are answered: those that are like a request, and those that came after the merge."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from tagline.domain.changes.asks import concerns_us, resembles
from tagline.domain.changes.changes import Change, Label
from tagline.domain.changes.labels import offered_stages
from tagline.domain.changes.policy import Policy
from tagline.domain.ledger.events import Warn

#: So many are named; a change may have a hundred.
_MOST = 10


class Unheard(NamedTuple):
    """A label that asks for nothing. ``meant`` is the request that it is like; None: it was added after the merge."""

    label: str
    meant: str | None = None


def similar(names: Iterable[str], policy: Policy, allowed: Sequence[str] | None) -> list[Unheard]:
    """The labels that are like a request. ``allowed`` are the stages of ``.gto``, None for any."""
    stages = offered_stages(policy, allowed)
    found = ((name, resembles(name, policy.label_prefix, stages)) for name in names)
    return [Unheard(name, meant) for name, meant in found if meant is not None][:_MOST]


def added_late(change: Change, stood: Collection[Label], prefix: str) -> list[Unheard]:
    """The requests among today's labels of a merged change that did not stand at the merge."""
    then = {label.name for label in stood}
    return [Unheard(name) for name in change.labels if name not in then and concerns_us(name, prefix)][:_MOST]


def warnings(unheard: Iterable[Unheard], change: Change) -> Iterator[Warn]:
    """The same in words, for whoever reads the plan."""
    late = []
    for label, meant in unheard:
        if meant is None:
            late.append(label)
            continue
        again = "" if change.open else " Labels count as they stood at the merge: ask in a new change."
        yield Warn("label-similar", None, f"{label} asks for nothing. Did you mean {meant}?{again}")
    if late:
        message = (
            f"{', '.join(late)} came after the merge, and labels count as they stood at it: nothing comes of that. Ask "
            "in a new change, by a label if it touches the artifact or by a request file; whoever may push tags can "
            "also use tagline register or tagline assign."
        )
        yield Warn("label-late", None, message)
