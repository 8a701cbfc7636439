"""Generated ledgers: a declared history and what about it makes GTO answer otherwise than we do."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import groupby

from hypothesis import strategies as st

from tagline.domain.ledger.messages import compose, subject
from tagline.domain.ledger.tags import EventKind, TagName, format_tag, parse_tag
from tagline.domain.ledger.versions import precedence
from tests.support.gitbuild import EPOCH, Commit, History, Tag

K = EventKind

ARTIFACTS = ("rf", "RF", "dir/sub:rf", "a.b:churn-2", "x/y", "1", "rf-2")
STAGES = ("prod", "staging", "prod/eu", "dev-1_a", "1")
VERSIONS = (
    "v0.0.1", "v1.0.0-alpha", "v1.0.0-alpha.1", "v1.0.0-rc.2", "v1.0.0-rc.10", "v1.0.0", "v1.0.0+b5",
    "v1.0.0+b7", "v1.9.0", "v1.10.0", "v2.0.0-0", "v10.0.0", "v0.99999999999999999999.0",
)  # fmt: skip
_TAGGERS = ("Ada <ada@example.com>", "Grace Hopper (CI) <grace+ci@example.com>", "Zoë 名 <z@例え.jp>")
#: Tags beside the events: of nobody, or lightweight.
_NO_EVENTS = ("v1.0.0", "nightly", "rf@1.0.0", "lw@v1.0.0", "lw#prod#1")
_MANIFESTS = ({}, {}, {"artifacts.yaml": "rf:\n  path: model.bin\nuntagged: {}\n"})


@dataclass(frozen=True)
class Event:
    """What a generated tag does, as the generator meant it."""

    artifact: str
    kind: EventKind
    version: str | None
    stage: str | None
    commit: str
    time: int


@dataclass(frozen=True)
class Ledger:
    """A repository to build and the events its registry tags stand for."""

    history: History
    events: tuple[Event, ...]

    def of(self, artifact: str) -> list[Event]:
        return [event for event in self.events if event.artifact == artifact]

    def about(self, artifact: str, field: str, key: str) -> Ledger:
        """The same repository, with only those events of an artifact that can touch one answer about it."""
        events = self.of(artifact)
        if field in ("versions", "at-version"):
            events = [event for event in events if event.version == key]
        elif field in ("stages", "at-stage"):
            events = [event for event in events if event.version is not None or event.stage == key]
        return Ledger(self.history, tuple(events))

    @property
    def artifacts(self) -> list[str]:
        return sorted({event.artifact for event in self.events})

    def without(self, artifacts: set[str]) -> Ledger:
        """The same ledger with all tags of some artifacts left out."""
        tags = tuple(t for t in self.history.tags if (p := parse_tag(t.name)) is None or p.artifact not in artifacts)
        history = History(self.history.commits, tags, self.history.branches)
        return Ledger(history, tuple(e for e in self.events if e.artifact not in artifacts))


@dataclass(frozen=True)
class Flavour:
    """How far a generated ledger strays from what careful people write."""

    #: Only what a tool would let through: deregister what is registered, unassign what is assigned.
    careful: bool = False
    #: Any event on any commit, instead of each version on its own.
    wild: bool = False
    #: Some events share a second.
    ties: bool = False
    #: Unassign, deregister, deprecate.
    cancels: bool = True
    #: Files of every commit.
    files: tuple[dict[str, str], ...] = _MANIFESTS
    artifacts: tuple[str, ...] = ARTIFACTS


@st.composite
def ledgers(draw: st.DrawFn, flavour: Flavour) -> Ledger:
    """A repository with one to three artifacts, on branches merged, unmerged and deleted."""
    commits = draw(_commits(flavour))
    names = [commit.name for commit in commits]
    home = draw(st.sampled_from(names))
    artifacts = draw(st.lists(st.sampled_from(flavour.artifacts), min_size=1, max_size=3, unique=True))
    places = {name: dict(zip(draw(_some(VERSIONS)), draw(st.permutations(names)), strict=False)) for name in artifacts}
    # Few stages, so that they change hands.
    stages = draw(st.lists(st.sampled_from(STAGES), min_size=1, max_size=2, unique=True))
    events: list[Event] = []
    tags: dict[str, Tag] = {}
    clock = EPOCH + 1000
    for _ in range(draw(st.integers(3, 24))):
        clock += draw(st.sampled_from((0, 0, 1) if flavour.ties else (1, 1, 60, 7)))
        artifact = draw(st.sampled_from(artifacts))
        event = draw(_event(artifact, places[artifact], names, stages, clock, flavour))
        assigned = [e for e in events if e.artifact == artifact and e.kind is K.ASSIGNMENT]
        if event.kind is K.UNASSIGNMENT and assigned and draw(st.booleans()):
            target = draw(st.sampled_from(assigned))
            event = replace(event, stage=target.stage, commit=target.commit)
        if flavour.careful:
            event = _careful(event, places[artifact], [e for e in events if e.artifact == artifact])
        taken = {e.time for e in events if e.artifact == artifact}
        if event.time in taken and not flavour.ties:
            continue
        tag = draw(_tag(event, tags))
        if tag is not None:
            tags[tag.name] = tag
            events.append(event)
    for name in draw(st.lists(st.sampled_from(_NO_EVENTS), unique=True)):
        tags[name] = Tag(name, names[0], clock, lightweight=name.startswith("lw"))
    order = draw(st.permutations(list(tags.values())))
    return Ledger(History(tuple(commits), tuple(order), {"main": home}), tuple(events))


def _some(pool: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(pool), min_size=1, max_size=5, unique=True)


@st.composite
def _commits(draw: st.DrawFn, flavour: Flavour) -> list[Commit]:
    """A graph of commits; those that ``main`` does not reach are unmerged or deleted branches."""
    commits: list[Commit] = []
    for number in range(draw(st.integers(1, 6))):
        known = [c.name for c in commits]
        parents = draw(st.lists(st.sampled_from(known), max_size=2, unique=True)) if known else []
        # Some commits are dated after every tag.
        time = EPOCH + number + (draw(st.sampled_from((0, 0, 0, 5000))) if flavour.wild else 0)
        files = {**draw(st.sampled_from(flavour.files)), "model.bin": f"{number}\n"}
        commits.append(Commit(f"c{number}", tuple(parents), files, time))
    return commits


_ADDING = (K.REGISTRATION, K.REGISTRATION, K.ASSIGNMENT, K.ASSIGNMENT, K.ASSIGNMENT)
_CANCELLING = (K.UNASSIGNMENT, K.DEREGISTRATION, K.DEPRECATION)


@st.composite
def _event(
    draw: st.DrawFn,
    artifact: str,
    places: dict[str, str],
    commits: list[str],
    stages: list[str],
    clock: int,
    flavour: Flavour,
) -> Event:
    kind = draw(st.sampled_from(_ADDING + _CANCELLING if flavour.cancels else _ADDING))
    version = draw(st.sampled_from(sorted(places)))
    anywhere = flavour.wild and draw(st.booleans())
    commit = draw(st.sampled_from(commits)) if anywhere else places[version]
    stage = draw(st.sampled_from(stages)) if kind in (K.ASSIGNMENT, K.UNASSIGNMENT) else None
    # Tags arrive out of order: a clock was wrong, or a branch was tagged later for an earlier time.
    time = EPOCH + 1000 + draw(st.integers(0, 300)) if draw(st.integers(0, 4)) == 0 else clock
    named = version if kind in (K.REGISTRATION, K.DEREGISTRATION) else None
    return Event(artifact, kind, named, stage, commit, time)


def _careful(event: Event, places: dict[str, str], before: list[Event]) -> Event:
    """The event itself, or what has to come before it."""
    version = next(v for v, commit in places.items() if commit == event.commit)
    registered = {e.version for e in before if e.kind is K.REGISTRATION}
    if version not in registered and event.kind is not K.DEPRECATION:
        return replace(event, kind=K.REGISTRATION, version=version, stage=None)
    assigned = {(e.stage, e.commit) for e in before if e.kind is K.ASSIGNMENT}
    if event.kind is K.UNASSIGNMENT and (event.stage, event.commit) not in assigned:
        return replace(event, kind=K.ASSIGNMENT)
    return event


@st.composite
def _tag(draw: st.DrawFn, event: Event, tags: dict[str, Tag]) -> Tag | None:
    """The event's tag as GTO or people name it; None where Git has no room for its ref."""
    plain = TagName(event.artifact, event.kind, event.version, event.stage)
    counters = [p.counter or 0 for name in tags if (p := parse_tag(name)) and p.artifact == event.artifact]
    number = 1 + max(counters, default=0)
    incremental = event.stage is not None or format_tag(plain) in tags
    if draw(st.integers(0, 9)) == 0:
        incremental = not incremental
    name = format_tag(plain._replace(counter=number)) if incremental else format_tag(plain)
    if name in tags or any(t.startswith(f"{name}/") or name.startswith(f"{t}/") for t in tags):
        return None
    first = subject(event.kind, event.artifact, event.version, event.stage)
    trailers = draw(st.sampled_from(((), (("Change", "https://x.example/1"), ("Requested-By", "ada")))))
    return Tag(
        name,
        event.commit,
        event.time,
        message=draw(st.sampled_from((compose(first, trailers), f"{first}\n", "whatever: ünïcode\n\nbody\n"))),
        tagger=draw(st.sampled_from(_TAGGERS)),
        zone=draw(st.sampled_from(("+0000", "+0530", "-0800"))),
    )


# What about an artifact's events makes GTO answer otherwise. Each is one deliberate difference
# of docs/gto.md with a test of its own in test_where_gto_goes_wrong.py.


def crashes_gto(ledger: Ledger, artifact: str) -> bool:
    """Two versions on a commit where a stage tag stands, or where HEAD's manifest names the artifact."""
    events = ledger.of(artifact)
    versions: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if event.version is not None:
            versions[event.commit].add(event.version)
    crowded = {commit for commit, there in versions.items() if len(there) > 1}
    head = (ledger.history.branches or {})["main"]
    manifest = next(c for c in ledger.history.commits if c.name == head).files.get("artifacts.yaml", "")
    if head in crowded and f"{artifact}:" in str(manifest):
        return True
    return any(event.stage is not None and event.commit in crowded for event in events)


def registered_twice(ledger: Ledger, artifact: str) -> bool:
    """One version, registered on two commits: two rows in GTO."""
    places: dict[str | None, set[str]] = defaultdict(set)
    for event in ledger.of(artifact):
        if event.kind is K.REGISTRATION:
            places[event.version].add(event.commit)
    return any(len(there) > 1 for there in places.values())


def deregistered_elsewhere(ledger: Ledger, artifact: str) -> bool:
    """A deregister tag on another commit than the registration: a second version in GTO."""
    events = ledger.of(artifact)
    registered = {(e.version, e.commit) for e in events if e.kind is K.REGISTRATION}
    return any(e.kind is K.DEREGISTRATION and (e.version, e.commit) not in registered for e in events)


def unassigned_unregistered(ledger: Ledger, artifact: str) -> bool:
    """Unassign on a commit without a version: no effect in GTO, whose two rows know nothing of each other."""
    events = ledger.of(artifact)
    versioned = {e.commit for e in events if e.version is not None}
    return any(e.kind is K.UNASSIGNMENT and e.commit not in versioned for e in events)


def commit_after_deprecation(ledger: Ledger, artifact: str) -> bool:
    """A tagged commit, dated at or after the deprecation, revives the artifact in GTO."""
    events = ledger.of(artifact)
    times = {commit.name: commit.time for commit in ledger.history.commits}
    newest = max(event.time for event in events)
    head = (ledger.history.branches or {})["main"]
    tagged = {event.commit for event in events if event.kind is not K.DEPRECATION} | {head}
    return any(times[commit] >= newest for commit in tagged)


def same_second(ledger: Ledger, artifact: str) -> bool:
    """Two events of the artifact in one second."""
    times = [event.time for event in ledger.of(artifact)]
    return len(set(times)) < len(times)


def build_metadata_only(ledger: Ledger, artifact: str) -> bool:
    """Versions that differ only in build metadata, one of them registered again later."""
    registered = sorted((e.version or "" for e in ledger.of(artifact) if e.kind is K.REGISTRATION), key=precedence)
    groups = (list(group) for _, group in groupby(registered, key=precedence))
    return any(len(set(group)) > 1 and len(group) > len(set(group)) for group in groups)


#: Reason, the fields of ``readers.Answers`` that it may change, and when it applies.
EXCUSES = {
    "registered-twice": (registered_twice, {"versions", "latest", "at-latest", "stages", "at-stage", "at-version"}),
    "deregistered-elsewhere": (
        deregistered_elsewhere,
        {"versions", "latest", "at-latest", "stages", "at-stage", "at-version", "history"},
    ),
    "unassigned-unregistered": (unassigned_unregistered, {"stages", "at-stage"}),
    "commit-after-deprecation": (commit_after_deprecation, {"deprecated", "at-latest"}),
    "same-second": (
        same_second,
        {"versions", "latest", "at-latest", "stages", "at-stage", "at-version", "deprecated", "order"},
    ),
    "build-metadata-only": (build_metadata_only, {"latest", "at-latest"}),
}
