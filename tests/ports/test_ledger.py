"""One suite for the port Ledger, run on both adapters: the clone's own refs, and a remote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tagline.adapters.git.ledger import LocalLedger
from tagline.adapters.git.remote import RemoteCache
from tagline.adapters.git.remote_ledger import RemoteLedger
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.tag_objects import Tagger
from tagline.adapters.git.urls import upstream_of
from tagline.domain.ledger.planning import NewTag
from tagline.errors import Conflict, Refused
from tagline.ports.ledger import Batch, Ledger, Raced
from tests.support.gitbuild import EPOCH, Commit, History, build, run_git


@dataclass
class Place:
    """A ledger, the repository where its tags end up, and a way to open it again as another run."""

    ledger: Ledger
    path: Path
    clone: Path
    again: Callable[[], Ledger]

    def tags(self) -> set[str]:
        return set(run_git(self.path, "tag").split())


@pytest.fixture(params=["local", "remote"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    build(tmp_path / "origin", History((Commit("c0"), Commit("c1", ("c0",))), branches={"main": "c1"}), bare=True)
    run_git(tmp_path, "clone", "--quiet", "origin", "clone")
    clone = tmp_path / "clone"

    def local() -> Ledger:
        repository = GitRepository.at(clone)
        return LocalLedger(repository, Tagger(repository.git, None))

    def remote() -> Ledger:
        repository = GitRepository.at(clone)
        return RemoteLedger(RemoteCache(tmp_path / "cache"), upstream_of(repository, "origin"), repository, None)

    if request.param == "local":
        return Place(local(), clone, clone, local)
    return Place(remote(), tmp_path / "origin", clone, remote)


def _tag(place: Place, name: str, commit: str = "HEAD", time: int = EPOCH) -> NewTag:
    return NewTag(name, run_git(place.clone, "rev-parse", commit).strip(), time, f"About {name}\n\nRun: 1\n")


def _publish(place: Place, *tags: NewTag, ledger: Ledger | None = None, mark: str | None = None) -> None:
    ledger = ledger or place.ledger
    ledger.publish([Batch("rf", tags, ledger.snapshots(["rf"])["rf"].mark if mark is None else mark)])


def test_publish__two_tags__are_there_as_planned(place: Place) -> None:
    _publish(place, _tag(place, "rf@v1.0.0", time=EPOCH + 5), _tag(place, "rf#prod#1", time=EPOCH + 6))
    tags = {tag.name: tag for tag in place.again().snapshots(["rf"])["rf"].tags}
    assert set(tags) == {"rf@v1.0.0", "rf#prod#1"}
    assert tags["rf@v1.0.0"].time == EPOCH + 5
    assert tags["rf@v1.0.0"].message == "About rf@v1.0.0\n\nRun: 1\n"
    assert tags["rf@v1.0.0"].actor_name == "Ada"
    assert tags["rf@v1.0.0"].embedded_name == "rf@v1.0.0"
    run_git(place.path, "fsck", "--strict", "--no-dangling")
    assert set(run_git(place.clone, "tag").split()) == set(tags)


def test_tag_names__of_every_artifact_and_of_none(place: Place) -> None:
    _publish(place, _tag(place, "rf@v1.0.0"))
    run_git(place.path, "tag", "release-1", "HEAD")
    assert set(place.again().tag_names()) == {"rf@v1.0.0", "release-1"}


def test_publish__somebody_wrote_since__raced_and_nothing_written(place: Place) -> None:
    mark = place.ledger.snapshots(["rf"])["rf"].mark
    _publish(place, _tag(place, "rf@v1.0.0"), ledger=place.again())
    # Another stage, another ref: only the guard tells that the ledger has moved.
    with pytest.raises(Raced):
        _publish(place, _tag(place, "rf#prod#1"), mark=mark)
    assert place.tags() == {"rf@v1.0.0"}


def test_publish__other_artifact_wrote_since__is_no_race(place: Place) -> None:
    mark = place.ledger.snapshots(["rf"])["rf"].mark
    other = place.again()
    other.publish([Batch("xg", [_tag(place, "xg@v1.0.0")], other.snapshots(["xg"])["xg"].mark)])
    _publish(place, _tag(place, "rf@v1.0.0"), mark=mark)
    assert place.tags() == {"rf@v1.0.0", "xg@v1.0.0"}


def test_publish__one_of_two_is_taken__neither_is_written(place: Place) -> None:
    run_git(place.path, "tag", "rf#prod#1", "HEAD")  # lightweight: no event, and yet the name is gone
    with pytest.raises((Conflict, Raced)):
        _publish(place, _tag(place, "rf@v1.0.0"), _tag(place, "rf#prod#1"))
    assert place.tags() == {"rf#prod#1"}
    assert "rf@v1.0.0" not in run_git(place.clone, "tag")


@pytest.mark.parametrize(
    ("existing", "wanted"), [("rf", "rf/sub@v1.0.0"), ("rf#prod/eu#1", "rf#prod"), ("a/b", "a/b/c@v1.0.0")]
)
def test_publish__ref_name_collision__refused_naming_the_blocker(place: Place, existing: str, wanted: str) -> None:
    run_git(place.path, "tag", existing, "HEAD")
    with pytest.raises(Refused, match="cannot hold the tag") as caught:
        _publish(place, _tag(place, wanted))
    assert existing in caught.value.message
    assert place.tags() == {existing}


def test_publish__no_hook_of_the_user_runs(place: Place, tmp_path: Path) -> None:
    hooks = place.clone / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-push", "reference-transaction", "post-update", "pre-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran-{name}'\nexit 1\n")
        (hooks / name).chmod(0o755)
    _publish(place, _tag(place, "rf@v1.0.0"))
    assert place.tags() == {"rf@v1.0.0"}
    assert not list(tmp_path.glob("ran-*"))


def test_publish__two_artifacts__all_or_nothing(place: Place) -> None:
    marks = {name: place.ledger.snapshots([name])[name].mark for name in ("rf", "xg")}
    batches = [Batch(name, [_tag(place, f"{name}@v1.0.0")], mark) for name, mark in marks.items()]
    _publish(place, _tag(place, "rf#dev#1"), ledger=place.again())
    with pytest.raises(Raced):
        place.ledger.publish(batches)
    assert place.tags() == {"rf#dev#1"}
    marks = {name: place.ledger.snapshots([name])[name].mark for name in ("rf", "xg")}
    place.ledger.publish([batch._replace(mark=marks[batch.artifact]) for batch in batches])
    assert place.tags() == {"rf#dev#1", "rf@v1.0.0", "xg@v1.0.0"}
