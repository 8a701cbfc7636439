"""The policy: which rules a stage of an artifact has.

The model of a file that has passed its checks (``formats.policy.load_policy``); nothing here
checks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any, NamedTuple

from tagline.domain.changes.floors import ROLES, Looser, looser_keys, looser_rules
from tagline.domain.changes.tickets import patterns_of
from tagline.domain.delivery.targets import Target, read_target
from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.tracked import upwards
from tagline.domain.text.durations import parse_duration
from tagline.domain.text.similar import listed
from tagline.domain.text.times import parse_time

#: Its name, at the root of the default branch.
POLICY_FILE = ".tagline.yaml"
#: Bytes; a longer one is refused by its reader.
MAX_POLICY = 1024 * 1024
#: Among the people of an approval rule: the owners of the files that the change touches.
CODEOWNERS = "codeowners"

_Raw = Mapping[str, Any]


@dataclass(frozen=True)
class ApprovalRule:
    """Who must approve: ``count`` different people.

    ``people`` are logins, ``@org/team`` or ``@group/subgroup``, and :data:`CODEOWNERS`; None is
    everybody with write permission. ``exclude`` holds "author", "pusher" and "labeller". ``must_know_pushers``:
    no approval counts where nobody can tell who pushed. ``fresh``: only approvals of the last pushed commit
    that came after what they approve was asked for.
    """

    count: int = 1
    people: tuple[str, ...] | None = None
    exclude: frozenset[str] = frozenset({"author", "pusher"})
    fresh: bool = True
    must_know_pushers: bool = False

    @classmethod
    def read(cls, raw: _Raw) -> ApprovalRule:
        """From the file's data."""
        people = raw.get("from")
        return cls(
            int(raw.get("count", 1)),  # YAML's 2.0 is a whole number too
            None if people is None else tuple(people),
            frozenset(ROLES.get(role, role) for role in raw.get("not", ("author", "pusher"))),
            raw.get("fresh", True),
            "pusher" in raw.get("not", ()),
        )


@dataclass(frozen=True)
class Gate:
    """A condition on one metric: bounds that it may reach, a stage whose holder it is compared with.

    ``tolerance`` is by how much it may be worse than that holder, in the metric's unit.
    """

    metric: str
    min: float | None = None
    max: float | None = None
    not_worse_than: str | None = None
    higher_is_better: bool = True
    tolerance: float = 0.0

    @classmethod
    def read(cls, raw: _Raw) -> Gate:
        """From the file's data."""
        return cls(
            raw["metric"],
            raw.get("min"),
            raw.get("max"),
            raw.get("not_worse_than"),
            raw.get("direction", "max") == "max",
            raw.get("tolerance", 0.0),
        )


@dataclass(frozen=True)
class Freeze:
    """A time in which a stage does not move: ``start <= now < end``, in unix seconds."""

    start: int
    end: int

    @classmethod
    def read(cls, raw: _Raw) -> Freeze:
        """From the file's data."""
        return cls(parse_time(raw["from"]), parse_time(raw["to"]))


@dataclass(frozen=True)
class StageRules:
    """What must be satisfied to move a stage, all of it. ``soak`` is in seconds.

    ``drift`` is the stage's own word on approvals of something else, ``refuse`` or ``replan``; None: as the file says.
    So is ``rollback_holds``: whether a change's rollback holds the stage. ``overriders`` (logins, teams) may pass over
    the rules about people and time.
    """

    after: tuple[str, ...] = ()
    soak: int = 0
    approvals: ApprovalRule | None = None
    gates: tuple[Gate, ...] = ()
    freeze: tuple[Freeze, ...] = ()
    drift: str | None = None
    rollback_holds: bool | None = None
    overriders: tuple[str, ...] = ()
    #: How its environment is called on the forge, a pattern; and what a tag that assigns it starts.
    environment: str | None = None
    deliver: Target | None = None
    #: Whether a deployment that failed opens a change which rolls the stage back.
    rolls_back: bool = False
    #: Patterns of tickets, each of which the request must meet.
    tickets: tuple[str, ...] = ()

    @classmethod
    def read(cls, raw: _Raw) -> StageRules:
        """From the file's data."""
        return cls(
            tuple(raw.get("after", ())),
            parse_duration(raw.get("soak", "0s")),
            ApprovalRule.read(raw["approvals"]) if "approvals" in raw else None,
            tuple(map(Gate.read, raw.get("gates", ()))),
            tuple(map(Freeze.read, raw.get("freeze", ()))),
            raw.get("drift"),
            raw.get("rollback", {}).get("hold"),
            tuple(raw.get("override", {}).get("allow", ())),
            raw.get("environment"),
            read_target(raw.get("deliver") or {}),
            (raw.get("deliver") or {}).get("on_failure") == "rollback-change",
            patterns_of(raw),
        )

    @property
    def free(self) -> bool:
        """Whether there is no rule at all: some keys ask for nothing by themselves."""
        rules = replace(self, drift=None, rollback_holds=None, overriders=(), environment=None)
        return replace(rules, deliver=None, rolls_back=False) == _FREE


_FREE = StageRules()


class Extends(NamedTuple):
    """The file that a policy starts from: a repository, a tag or a full commit of it, a path from its root."""

    repo: str
    ref: str
    path: str = POLICY_FILE

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.repo}@{self.ref}:{self.path}"


class Part(NamedTuple):
    """One of the files that a policy is made of: its data, what people call it, its digest."""

    raw: _Raw
    name: str = POLICY_FILE
    digest: str = "none"


class Layer(NamedTuple):
    """The raw rules by stage for the artifacts that match a pattern; ``origin`` is the file that has them."""

    glob: str
    stages: Mapping[str, _Raw]
    origin: str = POLICY_FILE


@dataclass(frozen=True)
class Policy:
    """A policy file as a whole.

    ``layers`` are the rules for all artifacts and then the overrides, in the file's order.
    ``digest`` names the file's bytes (``sha256:<hex>``), or is ``none`` where there is no file.
    Stages that are not listed are refused where the file lists any for the artifact; the file may say that they are
    refused wherever, or allowed.
    ``floor`` is the platform team's policy: what this one does not say it says, and ``looser`` are the keys for a whole
    repository that are looser than it.
    ``findings`` are what is wrong in a file that cannot be understood; then nobody knows its rules, and this
    has none of them: whatever asks for something is refused.
    """

    layers: tuple[Layer, ...] = ()
    label_prefix: str = ""
    max_artifacts: int = 5
    atomic_change: bool = False
    drift: str = "refuse"
    rollback_holds: bool = True
    comment_authors: tuple[str, ...] = ()
    other_stages: str = ""
    ignore_paths: tuple[str, ...] = ()
    ignore_tags: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    mlflow_required: bool = False
    storage_required: bool = True
    storage_moved: Mapping[str, str] = field(default_factory=dict)
    reproduced_required: bool = False
    sha256: str = "preferred"
    teach: bool = True
    digest: str = "none"
    name: str = POLICY_FILE
    findings: tuple[Finding, ...] = ()
    floor: Policy | None = None
    looser: tuple[Looser, ...] = ()
    #: Of the keys for a whole repository: the file that says them.
    origins: Mapping[str, str] = field(default_factory=dict)

    def rules(self, artifact: str, stage: str) -> StageRules | None:
        """The rules of a stage of an artifact; None if the policy does not list it there."""
        own, floor = self._raw(artifact, stage), self.floor and self.floor._raw(artifact, stage)
        return None if own is None and floor is None else StageRules.read(merge(floor or {}, own or {}))

    def looser_rules(self, artifact: str, stage: str) -> list[tuple[Looser, str]]:
        """The rules of a stage that are looser than the floor's, each with the file that says so."""
        if (floor := self.floor) is None:
            return []
        own, rules = self._raw(artifact, stage), floor._raw(artifact, stage)
        if own is not None and rules is None and floor.other_stages == "refuse" and floor.refuses(artifact, stage):
            others = listed(floor.stages(artifact)) or "none"
            origin = [layer.origin for layer in self._layers_of(artifact) if stage in layer.stages][-1]
            return [(Looser("stages", f"{stage} too", f"{others}, and no others"), origin)]
        whole: dict[str, Any] = {"drift": floor.drift, "rollback": {"hold": floor.rollback_holds}}
        whole = {key: value for key, value in whole.items() if key in floor.origins}
        # Where the floor says it neither here nor for all, what this file says for all counts here.
        ours = {"drift": self.drift} if self.origins.get("drift", floor.name) != floor.name else {}
        said = {**(ours if "drift" not in {*whole, *(rules or ())} else {}), **(own or {})}
        found = looser_rules(said, rules or {}, whole)
        return [(one, self.origin(artifact, stage, one.key.partition(".")[0])) for one in found]

    def origin(self, artifact: str, stage: str, key: str) -> str:
        """The file that has the rule ``key`` of a stage; this policy's own where none has it."""
        own = [one.origin for one in self._layers_of(artifact) if key in one.stages.get(stage, {})]
        if not own and self.floor is not None and key in (self.floor._raw(artifact, stage) or {}):
            return self.floor.name
        return own[-1] if own else self.name

    def listing(self, artifact: str) -> list[str]:
        """The files that list stages of an artifact."""
        return [layer.origin for layer in self._all_layers_of(artifact)]

    def _raw(self, artifact: str, stage: str) -> _Raw | None:
        """The keys that the layers have; None where none lists the stage."""
        found = [layer.stages[stage] for layer in self._layers_of(artifact) if stage in layer.stages]
        if not found:
            return None
        merged: _Raw = {}
        for raw in found:
            merged = merge(merged, raw)
        return merged

    def refuses_drift(self, rules: StageRules) -> bool:
        """Whether an approval that was given for something else than what lands does not count."""
        return (rules.drift or self.drift) == "refuse"

    def holds_rollbacks(self, artifact: str, stage: str) -> bool:
        """Whether nothing is promoted past what a change rolls back to, until that is lifted."""
        rules = self.rules(artifact, stage)
        own = rules.rollback_holds if rules is not None else None
        return self.rollback_holds if own is None else own

    def guards(self, artifact: str, stage: str, *, leaving: bool = False) -> bool:
        """Whether the stage moves only as the policy allows. Listed without rules, it is free.

        ``leaving``: a version only leaves it, which a stage that is not listed never forbids.
        """
        rules = self.rules(artifact, stage)
        return (not leaving and self.refuses(artifact, stage)) if rules is None else not rules.free

    def refuses(self, artifact: str, stage: str) -> bool:
        """Whether it is a stage that the policy does not list, and no other than those may be held."""
        if self.other_stages == "allow" or self.rules(artifact, stage) is not None:
            return False
        return (bool(self.stages(artifact)) or self.other_stages == "refuse") and stage not in self._named(artifact)

    def _named(self, artifact: str) -> Iterable[str]:
        """The stages that others come after, or are compared with: they are meant to be."""
        for layer in self._all_layers_of(artifact):
            for raw in layer.stages.values():
                yield from raw.get("after", ())
                yield from (gate["not_worse_than"] for gate in raw.get("gates", ()) if "not_worse_than" in gate)

    def stages(self, artifact: str) -> tuple[str, ...]:
        """The stages that the policy lists for an artifact, by name."""
        return tuple(sorted({stage for layer in self._all_layers_of(artifact) for stage in layer.stages}))

    @property
    def listed_stages(self) -> tuple[str, ...]:
        """The stages that it lists for any artifact, in the files' order."""
        return tuple(dict.fromkeys(stage for layer in self.all_layers for stage in layer.stages))

    @property
    def all_layers(self) -> tuple[Layer, ...]:
        """Its own and the floor's."""
        return (*self.layers, *(self.floor.layers if self.floor is not None else ()))

    def ignores(self, path: str) -> bool:
        """Whether a file is another tool's: itself, or a folder that it is in."""
        return any(fnmatchcase(part, glob.rstrip("/")) for glob in self.ignore_paths for part in upwards(path))

    def lists_branch(self, branch: str) -> bool:
        """Whether changes merged into this branch are promoted although it is not the default one."""
        return any(fnmatchcase(branch, glob) for glob in self.branches)

    def _layers_of(self, artifact: str) -> Iterable[Layer]:
        return (layer for layer in self.layers if fnmatchcase(artifact, layer.glob))

    def _all_layers_of(self, artifact: str) -> Iterable[Layer]:
        return (layer for layer in self.all_layers if fnmatchcase(artifact, layer.glob))


#: Where there is no policy file: everything is free.
NO_POLICY = Policy()


def merge(base: _Raw, override: _Raw) -> dict[str, Any]:
    """``base`` with what ``override`` says: mappings key by key, all else replaced."""
    merged = dict(base)
    for key, value in override.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def read_policy(own: Part, base: Part | None = None, floor: Part | None = None) -> Policy:
    """The policy of a repository from the data of files that have passed their checks.

    ``base`` is what its own file extends, ``floor`` what it may only tighten.
    """
    said = merge(base.raw if base is not None else {}, own.raw)
    policy = _read_keys(merge(floor.raw if floor is not None else {}, said))
    parts = [part for part in (base, own) if part is not None]
    every = [part for part in (floor, base, own) if part is not None]
    layers = [Layer("*", _stages(part.raw), part.name) for part in parts]
    for part in parts:
        layers += [Layer(glob, _stages(raw), part.name) for glob, raw in (part.raw.get("artifacts") or {}).items()]
    return replace(
        policy,
        layers=tuple(layer for layer in layers if layer.stages),
        digest=_digest([part for part in (own, base, floor) if part is not None]),
        name=own.name,
        floor=read_policy(floor) if floor is not None else None,
        looser=tuple(looser_keys(said, floor.raw)) if floor is not None else (),
        origins={key: part.name for part in every for key in part.raw},
    )


def _digest(parts: list[Part]) -> str:
    """The digest of the one file, or of a list of all."""
    if len(parts) == 1:
        return parts[0].digest
    lines = "".join(f"{part.digest}  {part.name}\n" for part in parts)
    return f"sha256:{sha256(lines.encode()).hexdigest()}"


def _read_keys(raw: _Raw) -> Policy:
    """The keys for a whole repository."""
    storage = raw.get("storage", {})
    storage = storage if isinstance(storage, Mapping) else {"look": storage}
    return Policy(
        label_prefix=raw.get("labels", {}).get("prefix", ""),
        max_artifacts=int(raw.get("max_artifacts", 5)),
        atomic_change=raw.get("atomic") == "change",
        drift=raw.get("drift", "refuse"),
        rollback_holds=raw.get("rollback", {}).get("hold", True),
        comment_authors=tuple(raw.get("comment_authors", ())),
        other_stages=raw.get("other_stages", ""),
        ignore_paths=tuple(raw.get("ignore", {}).get("paths", ())),
        ignore_tags=tuple(raw.get("ignore", {}).get("tags", ())),
        branches=tuple(raw.get("branches", ())),
        mlflow_required=raw.get("mlflow") == "required",
        storage_required=storage.get("look", "required") == "required",
        storage_moved=storage.get("moved", {}),
        reproduced_required=raw.get("reproduced") == "required",
        sha256=raw.get("sha256", "preferred"),
        teach=raw.get("teach", True),
    )


def _stages(section: _Raw) -> dict[str, _Raw]:
    """The rules by stage; a stage without a value has none."""
    return {stage: rules or {} for stage, rules in (section.get("stages") or {}).items()}
