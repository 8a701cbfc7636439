"""Where a repository's policy is looser than the floor that the platform team set, key by key.

Both are raw rules, as their files have them, with only the keys that are written. What a repository does not say, the
floor says; what it says must be as strict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tagline.domain.changes.tickets import patterns_of
from tagline.domain.text.durations import parse_duration
from tagline.domain.text.times import parse_time

_Raw = Mapping[str, Any]


class Looser(NamedTuple):
    """A key, what the repository says, and what the floor asks, in words."""

    key: str
    own: str
    floor: str


def below_floor(found: Looser, own: str, floor: str) -> tuple[str, str]:
    """The refusal and its fix; ``own`` and ``floor`` are what the two files are called."""
    return (
        f"{found.key} is {found.own} in {own}, which is looser than {floor}: {found.floor}.",
        f"Mend {own}, or leave the key out: then the floor's counts. Only the platform team changes {floor}.",
    )


#: Of keys with a few words: the words from loose to strict.
_SCALES: Mapping[str, Sequence[Any]] = {
    "atomic": ("artifact", "change"),
    "drift": ("replan", "refuse"),
    "other_stages": ("allow", "refuse"),
    "mlflow": ("best-effort", "required"),
    "reproduced": ("best-effort", "required"),
    "sha256": ("off", "preferred", "required"),
}
#: Roles that have two names.
ROLES = {"requester": "labeller"}
#: Lists that let something pass: a repository may leave out of them, not add.
_GRANTS = ("branches", "comment_authors")


def looser_keys(own: _Raw, floor: _Raw) -> Iterator[Looser]:
    """Of what holds for a whole repository."""
    for key in _SCALES.keys() & own.keys() & floor.keys():
        yield from _on_scale(key, own[key], floor[key], _SCALES[key])
    if "max_artifacts" in own and own["max_artifacts"] > floor.get("max_artifacts", own["max_artifacts"]):
        yield Looser("max_artifacts", str(own["max_artifacts"]), f"at most {floor['max_artifacts']}")
    for key in _GRANTS:
        yield from _granted(key, own.get(key), floor.get(key))
    for key in ("paths", "tags"):
        yield from _granted(f"ignore.{key}", own.get("ignore", {}).get(key), floor.get("ignore", {}).get(key))
    yield from _held(own, floor)
    ours, theirs = _look(own), _look(floor)
    if ours is not None and theirs is not None:
        yield from _on_scale("storage", ours, theirs, ("best-effort", "required"))


def looser_rules(own: _Raw, floor: _Raw, whole: _Raw | None = None) -> Iterator[Looser]:
    """Of the rules of one stage of one artifact.

    ``whole`` is what the floor says for a whole repository of keys that a stage may have too, and win by.
    """
    yield from _all_of("after", own.get("after"), floor.get("after", ()))
    yield from _all_of("ticket", patterns_of(own) if "ticket" in own else None, patterns_of(floor))
    if "soak" in own and parse_duration(own["soak"]) < parse_duration(floor.get("soak", "0s")):
        yield Looser("soak", own["soak"], f"at least {floor['soak']}")
    if "approvals" in own and "approvals" in floor:
        yield from _approvals(own["approvals"], floor["approvals"])
    if "gates" in own:
        for gate in floor.get("gates", ()):
            if not any(_covers(ours, gate) for ours in own["gates"]):
                yield Looser("gates", "no gate as strict", f"{gate['metric']}: {_gate(gate)}")
    if "freeze" in own:
        for window in floor.get("freeze", ()):
            if not any(_contains(ours, window) for ours in own["freeze"]):
                yield Looser("freeze", "another time", f"{window['from']} to {window['to']}")
    # An approval is of what was approved, unless the floor itself says otherwise.
    strict = {"drift": "refuse"} if "approvals" in floor else {}
    strict = {**strict, **(whole or {}), **floor}
    if "drift" in own and "drift" in strict:
        yield from _on_scale("drift", own["drift"], strict["drift"], _SCALES["drift"])
    yield from _held(own, strict)
    if own.get("deliver", {}).get("required") is False and floor.get("deliver", {}).get("required"):
        yield Looser("deliver.required", "false", "true")
    # Nobody passes over the rules of a floor that names nobody who may.
    if floor:
        yield from _granted("override.allow", own.get("override", {}).get("allow"), _allowed(floor))


def _all_of(key: str, own: Sequence[str] | None, floor: Sequence[str]) -> Iterator[Looser]:
    """Lists of which each must be met: a repository may add, not leave out."""
    missing = [one for one in floor if own is not None and one not in own]
    if missing:
        yield Looser(key, _list(own or (), "nothing"), f"{_list(missing)} too")


def _approvals(own: _Raw, floor: _Raw) -> Iterator[Looser]:
    if own.get("count", floor.get("count", 1)) < floor.get("count", 1):
        yield Looser("approvals.count", str(own.get("count")), f"at least {floor.get('count', 1)}")
    yield from _granted("approvals.from", own.get("from"), floor.get("from"))
    needed = _roles(floor.get("not", ("author", "pusher")))
    left_out = [role for role in needed if role not in _roles(own.get("not", needed))]
    if left_out:
        yield Looser("approvals.not", _list(own["not"]), f"{_list(left_out)} too")
    if not own.get("fresh", True) and floor.get("fresh", True):
        yield Looser("approvals.fresh", "false", "true")


def _roles(names: Iterable[str]) -> list[str]:
    return [ROLES.get(name, name) for name in names]


def _covers(own: _Raw, floor: _Raw) -> bool:
    """Whether a gate lets nothing pass that the other stops."""
    if own["metric"] != floor["metric"] or own.get("direction", "max") != floor.get("direction", "max"):
        return False
    if "min" in floor and own.get("min", float("-inf")) < floor["min"]:
        return False
    if "max" in floor and own.get("max", float("inf")) > floor["max"]:
        return False
    if "not_worse_than" not in floor:
        return True
    same = own.get("not_worse_than") == floor["not_worse_than"]
    return same and bool(own.get("tolerance", 0) <= floor.get("tolerance", 0))


def _contains(own: _Raw, floor: _Raw) -> bool:
    begins = parse_time(own["from"]) <= parse_time(floor["from"])
    return begins and parse_time(floor["to"]) <= parse_time(own["to"])


def _held(own: _Raw, floor: _Raw) -> Iterator[Looser]:
    ours, theirs = own.get("rollback", {}).get("hold"), floor.get("rollback", {}).get("hold")
    if ours is False and theirs is True:
        yield Looser("rollback.hold", "false", "true")


def _on_scale(key: str, own: Any, floor: Any, scale: Sequence[Any]) -> Iterator[Looser]:
    if scale.index(own) < scale.index(floor):
        yield Looser(key, str(own), str(floor))


def _granted(key: str, own: Sequence[str] | None, floor: Sequence[str] | None) -> Iterator[Looser]:
    added = [one for one in own or () if floor is not None and one not in floor]
    if added:
        yield Looser(key, _list(added), f"only {_list(floor or ())}" if floor else "nobody")


def _allowed(floor: _Raw) -> Sequence[str]:
    return tuple(floor.get("override", {}).get("allow", ()))


def _look(raw: _Raw) -> str | None:
    storage = raw.get("storage")
    found = storage.get("look") if isinstance(storage, Mapping) else storage
    return None if found is None else str(found)


def _gate(gate: _Raw) -> str:
    words = {"min": "at least", "max": "at most", "not_worse_than": "not worse than"}
    return ", ".join(f"{word} {gate[key]}" for key, word in words.items() if key in gate)


def _list(names: Sequence[str], none: str = "nobody") -> str:
    return ", ".join(map(str, names)) or none
