"""Starting what tags start, with a starter and a memory that go wrong: nothing twice, and nothing forgotten."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tagline.commands.delivery.notebook import Notebook
from tagline.commands.delivery.starting import Delivering, start_all
from tagline.domain.delivery.book import Book
from tagline.domain.delivery.receipts import How, Receipt, Run, Start
from tagline.domain.delivery.targets import Target
from tagline.errors import PlatformRefused, WrongUsage
from tagline.ports.clock import Clock
from tagline.ports.delivery import Page
from tagline.ports.ledger import Raced


@dataclass
class Memory:
    """Books of a remote, whose next writes fail with ``failures``."""

    books: dict[str, Book] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)

    def read(self, artifacts: Collection[str]) -> Mapping[str, Page]:
        return {artifact: Page(self.books.get(artifact, Book())) for artifact in artifacts}

    def write(self, pages: Mapping[str, Page], like: str, now: int) -> Mapping[str, str]:
        if self.failures:
            raise self.failures.pop(0)
        self.books |= {artifact: page.book for artifact, page in pages.items()}
        return dict.fromkeys(pages, "id")


@dataclass
class Forge:
    """Starts runs that it tells nothing of; ``late`` ones never come."""

    late: bool = False
    heard: bool = False
    lost: bool = False
    begun: list[str] = field(default_factory=list)
    lists: list[Sequence[str]] = field(default_factory=list)
    looks: int = 0

    def how(self, start: Start) -> How:
        if start.target.workflow is None:
            raise WrongUsage("No pipelines here.", "")
        return "dispatch"

    def pushes_start(self, start: Start, tags_in_push: int) -> bool:
        return self.heard

    def find(self, start: Start, since: float, *, asked_for: bool = False) -> Run | None:
        self.looks += 1
        return Run(f"https://forge/{start.tag}") if start.tag in self.begun and not self.late else None

    def begin(self, start: Start, tags: Sequence[str] = ()) -> Run | None:
        if not self.lost:
            self.begun.append(start.tag)
        self.lists.append(tags)
        return None


class World:
    """What several changes of one run share."""

    def __init__(self, memory: Memory | None = None, forge: Forge | None = None, file: bytes = b"on: push") -> None:
        self.memory, self.forge, self.now = memory or Memory(), forge or Forge(), 1000.0
        clock = Clock(lambda: self.now, self._pause)
        self.context = Delivering(self.forge, Notebook(self.memory, clock), clock, None, lambda *_: file)

    def _pause(self, seconds: float) -> None:
        self.now += seconds

    def start(self, *starts: Start, tags_in_push: int = 0) -> list[Receipt]:
        return start_all(self.context, starts, tags_in_push)


def start(tag: str, workflow: str | None = "deploy.yml") -> Start:
    artifact = tag.partition("#")[0]
    return Start(artifact, "prod", "v1.0.0", tag, f"object of {tag}", "c0", Target(workflow, required=True), None)


def states(receipts: list[Receipt]) -> list[str]:
    return [receipt.run.state for receipt in receipts]


def test_claim_that_could_not_be_written__is_not_written_by_a_later_change() -> None:
    world = World(Memory(failures=[PlatformRefused("hook declined")]))
    assert states(world.start(start("churn#prod#1"))) == ["none"]
    assert states(world.start(start("fraud#prod#1"))) == ["started"]
    assert set(world.memory.books) == {"fraud"}
    assert states(world.start(start("churn#prod#1"))) == ["started"]
    assert world.forge.begun == ["fraud#prod#1", "churn#prod#1"]


def test_target_that_the_forge_has_not__stops_no_other() -> None:
    world = World()
    assert states(world.start(start("churn#prod#1"), start("churn#staging#2", None))) == ["started", "none"]


def test_runs_that_never_come__are_waited_for_together() -> None:
    world = World(forge=Forge(late=True))
    found = world.start(*(start(f"churn#prod#{number}") for number in range(30)))
    assert (set(states(found)), len(world.forge.begun)) == ({"unknown"}, 30)
    assert world.now <= 1000 + 120 + 15


def test_others_who_claim_meanwhile__make_nobody_wait_for_the_push_again() -> None:
    world = World(Memory(failures=[Raced(), Raced(), Raced()]), Forge(heard=True))
    assert states(world.start(start("churn#prod#1"), tags_in_push=1)) == ["started"]
    assert world.forge.begun == ["churn#prod#1"]
    assert world.now <= 1000 + 120 + 15


def test_superseded__what_was_claimed_before__is_looked_for_and_fails_nobody() -> None:
    world = World(forge=Forge(late=True))
    assert states(world.start(start("churn#prod#1"))) == ["unknown"]
    (receipt,) = world.start(start("churn#prod#1")._replace(superseded=True))
    assert (receipt.run.state, receipt.fails) == ("unknown", False)
    world.forge.late = False
    assert states(world.start(start("churn#prod#1")._replace(superseded=True))) == ["started"]
    assert world.forge.begun == ["churn#prod#1"]


# -- a list of tags is one start ---------------------------------------------------------

TAKES_TAGS = b"on: {workflow_dispatch: {inputs: {tags: {type: string}}}}"
NAMES = ("churn", "fraud", "risk")


def test_list__of_a_workflow_that_takes_tags__is_one_start_and_each_has_its_receipt() -> None:
    world = World(file=TAKES_TAGS)
    starts = [start(f"{name}#prod#1") for name in NAMES]
    receipts = world.start(*starts, start("churn#staging#1")._replace(stage="staging"))
    assert states(receipts) == ["started"] * 4
    assert [receipt.run.url for receipt in receipts[:3]] == ["https://forge/risk#prod#1"] * 3
    assert world.forge.begun == ["risk#prod#1", "churn#staging#1"]
    assert world.forge.lists == [("churn#prod#1", "fraud#prod#1", "risk#prod#1"), ()]
    assert world.forge.looks == 6  # before, and once for each run after
    assert states(world.start(*starts)) == ["started"] * 3
    assert len(world.forge.begun) == 2


def test_list__claimed_by_a_run_that_died__is_looked_for_on_its_tag_and_never_started_again() -> None:
    world = World(forge=Forge(lost=True), file=TAKES_TAGS)
    starts = [start(f"{name}#prod#1") for name in NAMES]
    assert states(world.start(*starts)) == ["unknown"] * 3
    assert states(found := world.start(starts[0])) == ["unknown"]
    assert found[0].error is not None
    assert "risk#prod#1, with the list" in found[0].error.hint
    assert len(world.forge.lists) == 1
    world.forge.begun.append("risk#prod#1")
    assert states(world.start(*starts)) == ["started"] * 3
    assert len(world.forge.lists) == 1


def test_list__longer_than_one_start_takes__is_several() -> None:
    world = World(file=TAKES_TAGS)
    assert set(states(world.start(*(start(f"a{number}#prod#1") for number in range(250))))) == {"started"}
    assert [len(tags) for tags in world.forge.lists] == [100, 100, 50]


def test_list__where_only_some_commits_workflow_takes_it__the_others_start_alone() -> None:
    world = World()
    files = {"new": TAKES_TAGS, "old": b"on: workflow_dispatch"}
    world.context = replace(world.context, read=lambda commit, _: files[commit])
    starts = [
        start(f"{name}#prod#1")._replace(commit=commit)
        for name, commit in zip(NAMES, ("new", "old", "new"), strict=True)
    ]
    assert states(world.start(*starts)) == ["started"] * 3
    assert world.forge.lists == [(), ("churn#prod#1", "risk#prod#1")]


def test_list__where_the_policy_says_so__is_given_even_of_one() -> None:
    world = World()
    one = start("churn#prod#1")._replace(target=Target("deploy.yml", "org/app", together=True))
    assert states(world.start(one)) == ["started"]
    assert world.forge.lists == [("churn#prod#1",)]


def test_look__at_a_tag_of_this_very_run_whose_push_starts_nothing__is_spared() -> None:
    for made, looks in ((True, 1), (False, 2)):
        world = World()
        world.start(start("churn#prod#1")._replace(made=made), tags_in_push=1)
        assert (world.forge.begun, world.forge.looks) == (["churn#prod#1"], looks)
