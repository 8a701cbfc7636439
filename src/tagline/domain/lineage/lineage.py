"""The lineage of an artifact at one commit: everything that is known to be behind it, as data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tagline.domain.ledger.commits import CommitFacts
from tagline.domain.ledger.events import Event, RawTag, Warn
from tagline.domain.ledger.messages import (
    APPROVED_BY,
    CHANGE,
    OVERRIDE,
    POLICY,
    REASON,
    REQUESTED_BY,
    ROLLBACK_FROM,
    RUN,
    TICKET,
    parse_trailers,
)
from tagline.domain.ledger.tags import EventKind
from tagline.domain.lineage.graph import Graph
from tagline.domain.lineage.pipelines import Step, flatten
from tagline.domain.lineage.published import checked_of, entry_of, location_of, maybe
from tagline.domain.manifest.manifest import ManifestEntry
from tagline.domain.manifest.metrics import Metrics
from tagline.domain.mlflow.runs import Checked
from tagline.domain.storage.objects import Location
from tagline.domain.storage.sha256 import told_sha256
from tagline.domain.text.public import public

#: A plain value of a parameter or a metric; lists are compared as a whole.
Value = Any
#: What stands for a file where a parameter is of the MLflow run.
RUN_FILE = "mlflow"


class Figure(NamedTuple):
    """A metric: its name with dots, its value, and the file that has it (None: the manifest itself)."""

    name: str
    value: Value
    file: str | None = None

    @property
    def number(self) -> float | None:
        """The value as a finite number; None for anything else."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            return None
        try:
            number = float(self.value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None


class Parameter(NamedTuple):
    """A parameter that steps ran with: its name with dots, its value, its file, and those steps.

    Of an MLflow run: ``RUN_FILE`` stands for the file, and there are no steps.
    """

    name: str
    value: Value
    file: str
    steps: tuple[str, ...] = ()


class Stale(NamedTuple):
    """A step whose outs are not what it would make of this commit, and why; ``path`` is what differs, if a file."""

    step: str
    why: str
    path: str | None = None


class Passage(NamedTuple):
    """What the ledger says of a version: one event, and by which change, for whom and with whose word.

    ``time`` is unix seconds. ``approved_by`` are lines as trailers have them: login, reviewed commit, time.
    """

    time: int
    kind: EventKind
    stage: str | None
    tag: str
    change: str | None = None
    requested_by: tuple[str, ...] = ()
    approved_by: tuple[str, ...] = ()
    policy: str | None = None
    run: str | None = None
    override: str | None = None
    rollback_from: str | None = None
    reason: str | None = None
    tagger: str = ""
    version: str | None = None
    sha256: str | None = None
    tickets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lineage:
    """An artifact at a commit, and what is behind it.

    ``version`` and ``tag`` are those of the ledger, None before there is a version. ``content`` says where the bytes
    are, by Git's word. ``run`` is MLflow's word on the run that ``entry`` names, None where it names none.
    ``no_metrics`` and ``no_content`` say why there are none. ``stale`` and ``warnings`` are what a
    reviewer should know. Nothing in it has the secrets of a URL, whoever made it: renderers show it as it is.
    """

    artifact: str
    commit: CommitFacts
    version: str | None = None
    tag: str | None = None
    entry: ManifestEntry | None = None
    content: Location = field(default_factory=Location)
    graph: Graph = field(default_factory=Graph)
    parameters: tuple[Parameter, ...] = ()
    metrics: tuple[Figure, ...] = ()
    no_metrics: str = ""
    no_content: str = ""
    stale: tuple[Stale, ...] = ()
    #: What of its steps nobody could compare; empty where there is nothing.
    unchecked: str = ""
    run: Checked | None = None
    passages: tuple[Passage, ...] = ()
    warnings: tuple[Warn, ...] = ()
    #: Why the graph may lack something; empty where it is whole.
    partial: str = ""

    def __post_init__(self) -> None:
        clean = {
            "commit": self.commit._replace(subject=public(self.commit.subject)),
            "content": location_of(self.content, self.entry),
            "entry": entry_of(self.entry) if self.entry is not None else None,
            "run": checked_of(self.run) if self.run is not None else None,
            "no_metrics": public(self.no_metrics),
            "no_content": public(self.no_content),
            "unchecked": public(self.unchecked),
            "warnings": tuple(warn._replace(message=public(warn.message)) for warn in self.warnings),
        }
        for name, value in clean.items():
            object.__setattr__(self, name, value)

    @property
    def label(self) -> str:
        """What a person calls it: its version, else its commit."""
        return self.version or self.commit.id[:7]


def parameters_of(steps: Sequence[Step]) -> tuple[Parameter, ...]:
    """The parameters of some steps, each once; those that two steps ran with different values, twice."""
    found: dict[tuple[str, str, str], Parameter] = {}
    for step in steps:
        for file, values in step.params.items():
            for name, value in values.items():
                key = (file, name, _key(value))
                known = found.get(key, Parameter(name, value, file))
                found[key] = known._replace(steps=(*known.steps, step.name))
    return tuple(sorted(found.values(), key=lambda p: (p.file, p.name, p.steps)))


def run_parameters(lineage: Lineage) -> tuple[Parameter, ...] | None:
    """The parameters of the run that an artifact's manifest names: those that the manifest keeps, else MLflow's word.

    None where nobody read them; none where no run is named.
    """
    named = lineage.entry.mlflow if lineage.entry is not None else None
    if named is None:
        return ()
    run = lineage.run.run if lineage.run is not None else None
    params = named.params if named.params is not None else run.params if run is not None else None
    return None if params is None else parameters_of_run(params)


def parameters_of_run(params: Mapping[str, str]) -> tuple[Parameter, ...]:
    """An MLflow run's parameters, whoever tells them, without the secrets of URLs."""
    return tuple(Parameter(public(name), public(value), RUN_FILE) for name, value in sorted(params.items()))


def _key(value: Value) -> str:
    """A text that tells values apart. Not Python's own: that refuses whole numbers of thousands of digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return hex(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_key, value))}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{_key(key)}:{_key(part)}' for key, part in value.items())}}}"
    return repr(value)


def figures_of(metrics: Metrics, file: str | None) -> list[Figure]:
    """A metrics file's figures, flat, by name. Lists are none: nobody compares curves by a number."""
    if isinstance(metrics, str):
        return []
    flat = flatten(metrics)
    file = maybe(file)
    return [
        Figure(name, value, file) for name, value in sorted(flat.items()) if isinstance(value, int | float | str | bool)
    ]


def passages_of(events: Sequence[Event], raw: Mapping[str, RawTag], version: str, commit: str) -> tuple[Passage, ...]:
    """The events of one version, oldest first: its registration, and every stage that it was given or lost."""
    own = (e for e in events if (e.version == version if e.stage is None else e.commit == commit))
    return tuple(passage(event, raw[event.tag]) for event in own if event.tag in raw)


def passage(event: Event, tag: RawTag) -> Passage:
    """An event with the words of its tag's trailers, without the secrets of URLs in them."""
    trailers = {key: tuple(map(public, lines)) for key, lines in parse_trailers(tag.message).items()}

    def one(key: str) -> str | None:
        return next(iter(trailers.get(key, ())), None)

    return Passage(
        event.time, event.kind, event.stage, event.tag, one(CHANGE), trailers.get(REQUESTED_BY, ()),
        trailers.get(APPROVED_BY, ()), one(POLICY), one(RUN), one(OVERRIDE), one(ROLLBACK_FROM), one(REASON),
        tag.actor_name, event.version, told_sha256(trailers), trailers.get(TICKET, ()),
    )  # fmt: skip


def same(one: Value, other: Value) -> bool:
    """Whether two values are the same: NaN is itself, 1 and 1.0 are one, true and 1 are not; so it is in lists."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other):
        return True
    return bool(one == other)
