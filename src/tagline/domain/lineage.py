"""The lineage of an artifact at one commit: everything that is known to be behind it, as data."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tagline.domain.commits import CommitFacts
from tagline.domain.conditions import Metrics
from tagline.domain.events import Event, RawTag, Warn
from tagline.domain.lineage_graph import File, Graph
from tagline.domain.listings import Entry, folder_digest
from tagline.domain.manifest import ManifestEntry, is_uri
from tagline.domain.messages import (
    APPROVED_BY,
    CHANGE,
    OVERRIDE,
    POLICY,
    REASON,
    REQUESTED_BY,
    ROLLBACK_FROM,
    RUN,
    parse_trailers,
)
from tagline.domain.mlflow import Checked
from tagline.domain.pipelines import Behind, Step, flatten
from tagline.domain.storage import Location
from tagline.domain.tags import EventKind
from tagline.domain.tracked import TrackedPaths

#: A plain value of a parameter or a metric; lists are compared as a whole.
Value = Any


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
    """A parameter that steps ran with: its name with dots, its value, its file, and those steps."""

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


@dataclass(frozen=True)
class Lineage:
    """An artifact at a commit, and what is behind it.

    ``version`` and ``tag`` are those of the ledger, None before there is a version. ``content`` says where the bytes
    are, by Git's word. ``run`` is MLflow's word on the run that ``entry`` names, None where it names none.
    ``no_metrics`` and ``no_content`` say why there are none. ``stale`` and ``warnings`` are what a
    reviewer should know.
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
    run: Checked | None = None
    passages: tuple[Passage, ...] = ()
    warnings: tuple[Warn, ...] = ()

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
    return [Figure(name, value, file) for name, value in sorted(flat.items()) if _is_figure(value)]


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float | str | bool)


def passages_of(events: Sequence[Event], raw: Mapping[str, RawTag], version: str, commit: str) -> tuple[Passage, ...]:
    """The events of one version, oldest first: its registration, and every stage that it was given or lost."""
    own = (e for e in events if (e.version == version if e.stage is None else e.commit == commit))
    return tuple(passage(event, raw[event.tag]) for event in own if event.tag in raw)


def passage(event: Event, tag: RawTag) -> Passage:
    """An event with the words of its tag's trailers."""
    trailers = parse_trailers(tag.message)

    def one(key: str) -> str | None:
        return next(iter(trailers.get(key, ())), None)

    return Passage(
        event.time, event.kind, event.stage, event.tag, one(CHANGE), tuple(trailers.get(REQUESTED_BY, ())),
        tuple(trailers.get(APPROVED_BY, ())), one(POLICY), one(RUN), one(OVERRIDE), one(ROLLBACK_FROM), one(REASON),
        tag.actor_name, event.version,
    )  # fmt: skip


# -- does the commit still say what the steps ran with ---------------------------


def md5_of(data: bytes, *, text: bool) -> str:
    """The digest that DVC gives a file's content; ``text``: DVC 2, which read Unix's line ends into every text."""
    if text and b"\0" not in data[:512]:
        data = data.replace(b"\r\n", b"\n")
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def stale_steps(
    graph: Graph,
    contents: Mapping[str, bytes],
    params: Mapping[str, Mapping[str, Any] | None],
    tracked: TrackedPaths | None = None,
) -> list[Stale]:
    """The steps that would have to run again: what they read, or their command, is another one in this commit.

    ``contents`` are files in Git (what could not be read is left out, and counts as unchanged), ``params`` the
    parameter files of the commit, flat; None for one that is not there. What DVC calls changed, without a work tree.
    ``tracked`` are the files in Git; without them nobody looks at folders, nor for outs that are gone.
    """
    found: list[Stale] = []
    for step in graph.steps:
        if step.gone:
            found.append(Stale(step.name, f"{step.file} has no such step any more"))
        elif step.written is not None and step.written != step.command:
            found.append(Stale(step.name, "its command is another one now"))
        for dep in step.deps:
            if why := _stale_dep(dep, graph.files.get(dep.path), contents, tracked):
                found.append(Stale(step.name, f"{dep.path} {why}", dep.path))
        for out in step.outs:
            if not out.cached and (why := _stale_out(out, contents, tracked)):
                found.append(Stale(step.name, f"{out.path} {why}", out.path))
        found += _stale_params(step, params)
        for what in step.new:
            path, _, name = what.partition(": ")
            said = f"the parameter {name} of {path}" if name else path
            found.append(Stale(step.name, f"{said} is new in {step.file} since it ran", path))
    return found


def _stale_dep(
    dep: Behind, now: File | None, contents: Mapping[str, bytes], tracked: TrackedPaths | None
) -> str | None:
    if now is not None and now.missing:
        return "is gone"
    if now is not None and now.pointer is not None:
        known = dep.digest is not None and now.digest is not None
        return "is another one than it read" if known and dep.digest != now.digest else None
    return "was changed since it ran" if _differs(dep, contents, tracked) else None


def _stale_out(out: Behind, contents: Mapping[str, bytes], tracked: TrackedPaths | None) -> str | None:
    if tracked is not None and not is_uri(out.path) and not tracked.is_file(out.path) and not tracked.below(out.path):
        return "is not in this commit"
    return "is not what it wrote" if _differs(out, contents, tracked) else None


def _differs(was: Behind, contents: Mapping[str, bytes], tracked: TrackedPaths | None) -> bool:
    digest = was.digest
    if digest is None or not digest.startswith("md5:"):
        return False
    if not digest.endswith(".dir"):
        data = contents.get(was.path)
        return data is not None and digest != f"md5:{md5_of(data, text=was.text)}"
    inside = tracked.below(was.path) if tracked is not None else []
    if was.files is None or len(inside) != was.files:
        # Fewer: DVC also saw what Git does not have, such as compiled files. More: something was added.
        return was.files is not None and len(inside) > was.files
    entries = [(path[len(was.path) + 1 :], contents.get(path)) for path in inside]
    listed = [Entry(name, md5_of(data, text=was.text)) for name, data in entries if data is not None]
    return len(listed) == was.files and digest != f"md5:{folder_digest(listed)}"


def _stale_params(step: Step, params: Mapping[str, Mapping[str, Any] | None]) -> list[Stale]:
    found = []
    for file, values in step.params.items():
        if file not in params:
            continue
        now = params[file]
        if now is None:
            found.append(Stale(step.name, f"{file}, which has its parameters, is gone", file))
            continue
        for name, value in values.items():
            if name not in now:
                found.append(Stale(step.name, f"the parameter {name} is gone from {file}", file))
            elif not same(now[name], value):
                found.append(Stale(step.name, f"the parameter {name} of {file} is another one than it ran with", file))
        groups = tuple(f"{group}." for group in step.groups.get(file, ()))
        for name in now:
            if name not in values and groups and name.startswith(groups):
                found.append(Stale(step.name, f"the parameter {name} of {file} is new since it ran", file))
    return found


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
