"""One suite for the port Forge, run on both adapters over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tagline.adapters.forges.github.forge import GitHub
from tagline.adapters.forges.gitlab.forge import GitLab
from tagline.domain.changes.changes import Status
from tagline.domain.ledger.records import ChangeKey
from tagline.errors import NotFound, PlatformRefused
from tagline.ports.forge import CannotComment, CannotRead, Forge
from tagline.settings import Secret
from tagline_localforge import ForgeServer, LocalForge, Repository, serve
from tagline_localforge.switches import Late
from tests.localforge.contracts import all_checkers, violations
from tests.support.gitbuild import Commit, History, build

FLAVOURS = ("github", "gitlab")


@dataclass
class Place:
    """A forge of one flavour with one open change, number 1, and ways to reach it with other tokens."""

    forge: Forge
    repo: Repository
    server: ForgeServer
    flavour: str
    local: LocalForge
    with_token: Callable[[str | None], Forge]
    ids: dict[str, str]


@pytest.fixture(params=FLAVOURS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    forge = LocalForge(tmp_path / "forge")
    repo = forge.repository("org/sub-group/shop" if request.param == "gitlab" else "org/shop")
    history = History(
        (Commit("c0", files={"a": "1"}), Commit("c1", ("c0",), {"a": "2"}), Commit("c2", ("c1",), {"a": "3"})),
        branches={"main": "c0", "topic": "c2"},
    )
    ids = build(repo.path, history, bare=True)
    for login, role in {"alice": "admin", "bob": "write", "tess": "triage", "mallory": "read"}.items():
        repo.grant(login, role)
        forge.token(f"{login}-token", login=login)
    forge.team("org/ml", ["bob", "Carol"])
    forge.token("app", kind="app")
    forge.token("fork", kind="fork")
    forge.token("job", login="bob", kind="job")
    forge.token("actions", kind="actions")
    repo.open_change(author="alice", source="topic", target="main", title="Better", body="")
    with serve(forge) as server:
        checkers = all_checkers()
        server.observers += checkers

        def with_token(token: str | None) -> Forge:
            secret = Secret(token) if token else None
            if request.param == "github":
                return GitHub(f"{server.url}/api/v3", repo.full_name, server.url, secret)
            page = f"{server.url}/{repo.full_name}"
            return GitLab(server.url, repo.full_name, page, secret, job_token=token == "job")

        yield Place(with_token("alice-token"), repo, server, request.param, forge, with_token, ids)
    assert server.failures == []
    assert violations(checkers) == []


def test_change__open__tells_what_a_plan_needs(place: Place) -> None:
    place.repo.label(1, "stage:prod", by="bob")
    place.repo.comment(1, by="bob", body="hello")
    change = place.forge.change(1)
    assert (change.number, change.author, change.base, change.head) == (1, "alice", "main", place.ids["c2"])
    assert (change.open, change.merged, change.merge_commit) == (True, False, None)
    assert (change.labels, change.title, change.from_fork) == (("stage:prod",), "Better", False)
    assert change.comments == 1
    assert change.url.startswith(place.server.url)
    assert place.forge.merge_base(change) == place.ids["c0"]
    assert [found.number for found in place.forge.open_changes()] == [1]


def test_change__key__is_the_same_by_number_and_in_lists_whatever_the_repository_is_called(place: Place) -> None:
    first = place.forge.change(1)
    assert first.key == ChangeKey(place.server.url.removeprefix("http://"), str(place.repo.id), 1)
    assert [found.key for found in place.forge.open_changes()] == [first.key]
    tip = place.repo.merge(1, by="alice", method="merge")
    assert [found.key for found in (*place.forge.changes_with(tip), *place.forge.merged_since("main", 0).changes)] == [
        first.key
    ] * 2


def test_change__unknown__not_found(place: Place) -> None:
    with pytest.raises(NotFound):
        place.forge.change(99)


METHODS = [("github", m) for m in ("merge", "squash", "rebase")]
METHODS += [("gitlab", m) for m in ("merge", "squash", "ff", "squash-merge")]


@pytest.mark.parametrize(("place", "method"), METHODS, indirect=["place"])
def test_change__merged__by_number_by_commit_and_in_the_list(place: Place, method: str) -> None:
    tip = place.repo.merge(1, by="alice", method=method)
    change = place.forge.change(1)
    named = None if method == "ff" else tip
    assert (change.state, change.merge_commit, change.head) == ("merged", named, tip if method == "ff" else change.head)
    assert change.squashed == ((place.flavour, method) == ("gitlab", "squash"))
    assert [found.number for found in place.forge.changes_with(tip)] == [1]
    assert change.merged_at is not None
    listed, whole = place.forge.merged_since("main", change.merged_at - 10)
    assert whole
    assert [(found.number, found.merge_commit, found.merged_at) for found in listed] == [(1, named, change.merged_at)]
    assert place.forge.merged_since("main", change.merged_at + 10) == ([], True)
    assert place.forge.merged_since("other", 0) == ([], True)
    assert place.forge.changes_with(place.ids["c0"]) == []


@pytest.mark.parametrize("place", ["gitlab"], indirect=True)
def test_change__merged_without_a_time__is_told_by_its_events(place: Place) -> None:
    place.repo.merge(1, by="alice")
    place.repo.switches.no_merged_at = True
    assert place.forge.change(1).merged_at == place.repo.change(1).merged_at
    for token, state in (("alice-token", "merged"), ("job", "merged")):
        (listed,) = place.with_token(token).merged_since("main", 0).changes
        assert (listed.state, listed.merged_at) == (state, None)
    assert place.with_token("job").change(1).merged_at is None


@pytest.mark.parametrize("place", ["gitlab"], indirect=True)
def test_change__locked__is_being_merged(place: Place) -> None:
    tip = place.repo.merge(1, by="alice")
    place.repo.switches.late_merged_state = Late(2)
    assert place.forge.change(1).state == "merging"
    assert [(found.number, found.state) for found in place.forge.changes_with(tip)] == [(1, "merging")]
    assert place.forge.change(1).state == "merged"


@pytest.mark.parametrize("queued", [False, True])
def test_pushes_to__of_a_merge__begin_where_the_branch_was(place: Place, *, queued: bool) -> None:
    if queued:
        (tip,) = place.repo.merge_together([1], by="alice")
    else:
        tip = place.repo.merge(1, by="alice")
    kind = ("queue" if queued else "merge") if place.flavour == "github" else "push"
    at = place.forge.change(1).merged_at
    (push,) = place.forge.pushes_to("main", at)
    assert (push.before, push.after, push.kind) == (place.ids["c0"], tip, kind)
    assert list(place.forge.pushes_to("other")) == []
    denied = place.with_token("job" if place.flavour == "gitlab" else "nobody")
    with pytest.raises(PlatformRefused):
        list(denied.pushes_to("main"))


def test_labels__with_who_and_when__as_they_stood_at_the_merge(place: Place) -> None:
    place.repo.label(1, "a", by="bob")
    place.repo.label(1, "b", by="tess")
    place.repo.unlabel(1, "a", by="bob")
    place.repo.label(1, "a", by="tess")
    now = {label.name: label.by for label in place.forge.labels(place.forge.change(1))}
    assert now == {"a": "tess", "b": "tess"}
    place.repo.merge(1, by="alice", method="merge")
    place.repo.unlabel(1, "b", by="bob")
    place.repo.label(1, "c", by="bob")
    labels = place.forge.labels(place.forge.change(1))
    assert {label.name for label in labels} == {"a", "b"}
    assert all(label.at is not None and label.by == "tess" for label in labels)


def test_labels_of_author__of_other_changes__whatever_became_of_them(place: Place) -> None:
    for author, label in (("alice", "stage:prod"), ("bob", "version:minor")):
        other = place.repo.open_change(author=author, source="topic", target="main", title="Other", body="")
        place.repo.label(other.number, label, by="bob")
        place.repo.close(other.number)
    place.repo.label(1, "bug", by="bob")
    before = len(place.server.exchanges)
    assert place.forge.labels_of_author(place.forge.change(1)) == {"stage:prod"}
    assert len(place.server.exchanges) == before + 2


def test_labels__more_than_a_page_of_events__all_are_read(place: Place) -> None:
    for number in range(70):
        place.repo.label(1, f"l{number}", by="bob")
        place.repo.unlabel(1, f"l{number}", by="bob")
    place.repo.label(1, "last", by="tess")
    assert [(label.name, label.by) for label in place.forge.labels(place.forge.change(1))] == [("last", "tess")]


def test_reviews__approved_and_withdrawn__those_before_the_merge(place: Place) -> None:
    if place.flavour == "github":
        place.repo.review(1, by="bob", state="approved")
        place.repo.review(1, by="tess", state="changes_requested")
        place.repo.review(1, by="tess", state="commented")
    else:
        place.repo.approve(1, by="bob")
        place.repo.approve(1, by="tess")
        place.repo.unapprove(1, by="tess")
    place.repo.merge(1, by="alice", method="merge")
    (place.repo.review if place.flavour == "github" else place.repo.approve)(1, by="mallory")
    change = place.forge.change(1)
    found = place.forge.reviews(change)
    approved = [review for review in found.reviews if review.verdict == "approved"]
    assert [review.by for review in approved] == ["bob"]
    assert all(review.at is not None and review.at < (change.merged_at or 0) for review in found.reviews)
    if place.flavour == "github":
        assert approved[0].commit == change.head
        assert [review.verdict for review in found.reviews if review.by == "tess"] == ["rejected"]
    else:
        assert found.pushed_at is not None
        assert found.pushed_at < (approved[0].at or 0)


def test_reviews__base_branch_changed__say_when(place: Place) -> None:
    approve = place.repo.review if place.flavour == "github" else place.repo.approve
    approve(1, by="bob")
    assert place.forge.reviews(place.forge.change(1)).retargeted_at is None
    place.repo.git.set_ref("refs/heads/other", place.ids["c1"])
    place.repo.edit(1, by="bob", target="other")
    approve(1, by="tess")
    found = place.with_token("alice-token").reviews(place.forge.change(1))
    before, after = ({review.by: review.at or 0 for review in found.reviews}[by] for by in ("bob", "tess"))
    assert found.retargeted_at is not None
    # GitHub tells whole seconds.
    assert int(before) <= found.retargeted_at <= int(after)
    if place.flavour == "gitlab":
        assert found.pushed_at is not None
        assert found.pushed_at < before


def test_may_write__by_role__from_write_on(place: Place) -> None:
    who = {login: place.forge.may_write(login) for login in ("alice", "bob", "tess", "mallory", "nobody", "x[bot]")}
    assert who == {"alice": True, "bob": True, "tess": False, "mallory": False, "nobody": False, "x[bot]": False}


def test_members__of_a_team__folded_logins(place: Place) -> None:
    assert place.forge.members("@org/ml") == {"bob", "carol"}


def test_members__of_a_team_that_is_not_there__unknown(place: Place) -> None:
    # Both forges answer the same for a team that the token may not see.
    with pytest.raises(CannotRead, match="members"):
        place.forge.members("@org/none")


def test_comments__written_edited_deleted__all_pages(place: Place) -> None:
    for number in range(130):
        place.repo.comment(1, by="bob", body=f"chatter {number}")
    change = place.forge.change(1)
    mine = place.forge.comment(change, "ours |\u202e <b>")
    assert mine.author == "alice"
    place.forge.edit_comment(change, mine, "other words")
    found = place.forge.comments(change)
    assert len(found) == 131
    assert [c.key for c in found] == sorted(c.key for c in found)
    assert found[-1]._replace(url="") == mine._replace(body="other words", url="")
    assert str(mine.key) in mine.url
    place.forge.delete_comment(change, mine)
    assert len(place.forge.comments(change)) == 130


def test_comment__by_whoever_may_not__cannot_comment(place: Place) -> None:
    other = place.with_token("fork" if place.flavour == "github" else "job")
    change = other.change(1)
    with pytest.raises(CannotComment):
        other.comment(change, "no")
    with pytest.raises(CannotComment):
        other.set_status(change, change.head, Status("success", "no"))


def test_status__set_twice__stands(place: Place) -> None:
    change = place.forge.change(1)
    for state, text in (("pending", "x" * 500), ("pending", "again"), ("failure", "no"), ("success", "yes")):
        place.forge.set_status(change, change.head, Status(state, text, change.url))  # type: ignore[arg-type]
    # GitLab refuses pending over pending, and moves what is pending; GitHub adds up.
    assert len(place.repo.statuses) == {"github": 4, "gitlab": 2}[place.flavour]
    assert place.repo.statuses[-1].state == "success"
    assert place.repo.statuses[-1].sha == change.head


def test_me__by_the_tokens_own_word(place: Place) -> None:
    assert place.forge.me() == "alice"
    assert place.with_token("job" if place.flavour == "gitlab" else "app").me() == (
        None if place.flavour == "gitlab" else "github-actions[bot]"
    )


def test_reading__with_a_token_that_may_less__is_told_and_no_empty_answer(place: Place) -> None:
    place.repo.label(1, "stage:prod", by="bob")
    if place.flavour == "github":
        with pytest.raises(CannotRead, match="members"):
            place.with_token("actions").members("@org/ml")
        return
    other = place.with_token("job")
    change = other.change(1)
    for ask in (lambda: other.reviews(change), lambda: other.may_write("bob"), lambda: other.members("@org/ml")):
        with pytest.raises(CannotRead):
            ask()
    (label,) = other.labels(change)
    assert (label.name, label.by, label.at) == ("stage:prod", None, None)


def test_pages__of_tags_and_commits__encode_the_name(place: Place) -> None:
    tag = place.forge.tag_url("dir/sub=churn#prod#3")
    assert tag.startswith(f"{place.server.url}/{place.repo.full_name}/")
    assert tag.endswith("dir%2Fsub%3Dchurn%23prod%233")
    assert place.forge.commit_url("abc").endswith("/commit/abc")


def test_retries__an_error_that_passes__is_not_seen(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.localforge.faults import fail_once

    def slept(_seconds: float) -> None: ...

    monkeypatch.setattr("time.sleep", slept)
    faults: list[Any] = [
        fail_once(place.server, "GET", r"/1$", 502),
        fail_once(place.server, "GET", r"/1$", 503, headers={"Retry-After": "1"}),
    ]
    assert place.forge.change(1).number == 1
    assert [fault.fired for fault in faults] == [1, 1]


def test_comment__whose_answer_was_lost__is_there_once(place: Place) -> None:
    from tests.localforge.faults import fail_once

    change = place.forge.change(1)
    fault = fail_once(place.server, "POST", r"/(comments|notes)$", "drop-after")
    comment = place.forge.comment(change, "said once")
    assert fault.fired == 1
    assert [found.key for found in place.forge.comments(change)] == [comment.key]


@pytest.mark.parametrize("place", ["github"], indirect=True)
def test_labels__added_in_the_second_of_the_merge_but_after_it__did_not_stand_then(place: Place) -> None:
    place.repo.label(1, "before", by="bob")
    moment = place.local.clock()
    place.local.clock = lambda: moment
    place.repo.label(1, "just before", by="bob")
    place.repo.merge(1, by="alice", method="merge")
    place.repo.label(1, "just after", by="bob")
    names = [label.name for label in place.forge.labels(place.forge.change(1))]
    assert sorted(names) == ["before", "just before"]
