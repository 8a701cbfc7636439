"""Small builders for the tests of changes: ledgers from lines, policies from YAML, changes and what they ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tagline.domain.changes.asks import Ask, Mistake, read_labels
from tagline.domain.changes.changes import Change, Label
from tagline.domain.changes.intents import Intent, Known, resolve
from tagline.domain.changes.policy import NO_POLICY, Policy
from tagline.domain.changes.promotion import Decided, plan_artifact
from tagline.domain.changes.request_files import read_requests
from tagline.domain.changes.steps import Facts, Step
from tagline.domain.ledger.events import RawTag, read_events
from tagline.domain.ledger.planning import NewTag
from tagline.domain.ledger.registry import ArtifactState, fold
from tagline.formats.policy import ALONE, load_policy
from tagline.formats.yaml import reading as yaml

#: When the first tag of a ledger is made, and how far apart the tags are, in seconds.
START, APART = 1_700_000_000, 100
NOW = START + 1_000_000
URL = "https://forge.example/org/models/pull/7"
OTHER_URL = "https://forge.example/org/models/pull/6"


def commit(letter: str) -> str:
    """The commit that a test calls by one letter of hexadecimal."""
    return letter * 40


#: Where the changes of these tests land, and their last pushed commit.
MERGE, HEAD = commit("e"), commit("d")


class Ledger:
    """Tags of a few artifacts, in memory."""

    def __init__(self, tags: Iterable[RawTag] = ()) -> None:
        self.tags = list(tags)

    def state(self, name: str = "rf") -> ArtifactState:
        reading = read_events(self.tags)
        return fold(name, reading.events.get(name, ()), ignored=reading.ignored.get(name, ()))

    @property
    def raw(self) -> dict[str, RawTag]:
        return {tag.name: tag for tag in self.tags}

    @property
    def artifacts(self) -> list[str]:
        return sorted(read_events(self.tags).events)

    def add(self, new: Iterable[NewTag]) -> None:
        """Write tags, as an atomic push does."""
        self.tags += [RawTag(t.name, "", "tag", t.commit, "commit", t.time, t.name, message=t.message) for t in new]

    def after(self, steps: Iterable[Step]) -> Ledger:
        """The ledger once the steps are carried out."""
        later = Ledger(self.tags)
        later.add(tag for step in steps for tag in step.new)
        return later


def ledger(*lines: str, messages: Mapping[str, str] | None = None) -> Ledger:
    """A ledger from lines ``TAG LETTER [SECONDS]``: the tag, its commit, its time after START (default: 100 apart)."""
    tags = []
    for place, line in enumerate(lines):
        name, letter, *seconds = line.split()
        time = START + (int(seconds[0]) if seconds else place * APART)
        message = (messages or {}).get(name, "")
        tags.append(RawTag(name, "", "tag", commit(letter), "commit", time, name, message=message))
    return Ledger(tags)


def policy(text: str) -> Policy:
    """The policy that a file says."""
    return load_policy(text.encode(), ALONE)


def merged_change(**fields: Any) -> Change:
    """A change of alice that has landed."""
    values = {"merged_at": NOW - 60, "merge_commit": MERGE, "state": "merged"} | fields
    return replace(open_change(), **values)


def open_change(**fields: Any) -> Change:
    """A change of alice that is open."""
    change = Change(7, URL, "Better", author="alice", base="main", head=HEAD)
    return replace(change, **fields)


def facts(change: Change | None = None, **fields: Any) -> Facts:
    """What is known of a change, merged if none is given; nobody has reviewed it. It lands as the head is."""
    change = merged_change() if change is None else change
    same = {(name, at): "md5:1" for name in ("rf", "churn") for at in (HEAD, MERGE)}
    return replace(Facts(change, HEAD if change.open else MERGE, NOW, bytes_at=same), **fields)


#: When the labels of these tests were put, and by whom.
LABELLED = float(NOW - 3600)


def labels(*names: str, by: str | None = "zoe", at: float | None = LABELLED) -> list[Label]:
    return [Label(name, by, at) for name in names]


def asked(*names: str, files: Mapping[str, str] | None = None, prefix: str = "") -> tuple[list[Ask], list[Mistake]]:
    """What labels, and request files by path, ask for."""
    asks, mistakes = read_labels(labels(*names), prefix)
    for path, text in (files or {}).items():
        more, wrong = read_requests(path, yaml.load(text.encode()), "alice")
        asks += more
        mistakes += wrong
    return asks, mistakes


def known(
    *touched: str,
    described: Iterable[str] = ("rf", "churn"),
    tagged: Iterable[str] = (),
    stages: Iterable[str] = (),
    only_stages: bool = False,
) -> Known:
    """What can be named: the touched artifacts are described, the stages are those of each artifact."""
    names = {*touched, *described, *tagged}
    return Known(touched, {*described, *touched}, set(tagged), dict.fromkeys(names, tuple(stages)), only_stages)


def intents(
    *names: str, touched: Sequence[str] = ("rf",), tagged: Sequence[str] = (), files: Mapping[str, str] | None = None
) -> list[Intent]:
    """The intents of labels and files that must make sense."""
    asks, mistakes = asked(*names, files=files)
    assert mistakes == []
    found, mistakes = resolve(asks, known(*touched, tagged=tagged), 5)
    assert mistakes == []
    return found


def plan(
    ledger: Ledger,
    *names: str,
    touched: Sequence[str] = ("rf",),
    files: Mapping[str, str] | None = None,
    policy: Policy = NO_POLICY,
    facts: Facts | None = None,
) -> list[Step]:
    """The steps of what labels and files ask for."""
    wanted = intents(*names, touched=touched, tagged=ledger.artifacts, files=files)
    return plan_intents(ledger, wanted, policy, facts or _facts())


def plan_intents(ledger: Ledger, wanted: Sequence[Intent], policy: Policy, facts: Facts) -> list[Step]:
    """The steps of intents, artifact by artifact."""
    steps: list[Step] = []
    for name in dict.fromkeys(intent.artifact for intent in wanted):
        own = [intent for intent in wanted if intent.artifact == name]
        steps += plan_artifact(ledger.state(name), ledger.raw, own, facts, policy)
    return steps


_facts = facts


def decided(steps: Sequence[Step], change: Change | None = None, **fields: Any) -> Decided:
    """A change whose steps are these."""
    return Decided(merged_change() if change is None else change, steps=tuple(steps), **fields)


def only(steps: Sequence[Step]) -> Step:
    """The one step."""
    (step,) = steps
    return step


def said(step: Step) -> list[tuple[str, str]]:
    """The step's verdicts in short."""
    return [(verdict.rule, verdict.state) for verdict in step.verdicts]
