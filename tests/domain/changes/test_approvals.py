"""Whose approval counts: one rule at a time, and never what cannot be read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.changes.approvals import (
    Judged,
    People,
    Subject,
    approvers,
    is_made_by_run,
    is_team,
    judge,
    teams_of,
    who_may,
)
from tagline.domain.changes.changes import Change, Named, Review, Reviews, Unknown
from tagline.domain.changes.policy import ApprovalRule
from tests.support.promotions import HEAD

ASKED_AT = 100.0
SUBJECT = Subject(author="alice", head=HEAD, requesters=frozenset({"zoe"}), requested_at=ASKED_AT)
RULE = ApprovalRule()
NOBODY_KNOWS = Unknown("the members of @org/leads", "An App with Members: read.")


def approval(by: str = "bob", *, commit: str | None = HEAD, at: float | None = ASKED_AT + 1) -> Review:
    return Review(by, "approved", commit, at)


def people(
    *reviews: Review, pushed_at: float | None = None, retargeted_at: float | None = None, **fields: Any
) -> People:
    """Reviewers who may all write, unless ``writers`` says otherwise."""
    writers = {review.by.casefold(): True for review in reviews}
    return replace(People(Reviews(reviews, pushed_at, retargeted_at), writers), **fields)


def state(judged: Judged) -> str:
    return judged.verdict.state


def why(judged: Judged) -> str:
    """Why the one approval does not count."""
    ((_, reason),) = judged.others
    assert judged.counted == ()
    return reason


# How many


@pytest.mark.parametrize(
    ("count", "given", "expected", "message"),
    [
        (1, 0, "waiting", "0 of 1 approval."),
        (1, 1, "ok", "1 of 1 approval."),
        (2, 1, "waiting", "1 of 2 approvals."),
        (2, 2, "ok", "2 of 2 approvals."),
        (2, 3, "ok", "3 of 2 approvals."),
    ],
)
def test_count__of_different_people__decides(count, given, expected, message):
    reviews = [approval(f"p{number}") for number in range(given)]
    judged = judge(ApprovalRule(count=count), people(*reviews), SUBJECT)
    assert (judged.verdict.rule, judged.verdict.state, judged.verdict.message) == ("approvals", expected, message)
    assert judged.counted == tuple(reviews)


def test_count__one_person_twice__is_once():
    judged = judge(ApprovalRule(count=2), people(approval("bob"), approval("Bob")), SUBJECT)
    assert (state(judged), len(judged.counted)) == ("waiting", 1)


# The latest of each


@pytest.mark.parametrize(
    ("verdict", "reason"), [("rejected", "asked for changes"), ("withdrawn", "approval withdrawn")]
)
def test_latest__approval_then_no_more__does_not_count(verdict, reason):
    judged = judge(RULE, people(approval(), Review("bob", verdict, HEAD, ASKED_AT + 2)), SUBJECT)
    assert state(judged) == "waiting"
    assert why(judged) == reason


@pytest.mark.parametrize("verdict", ["rejected", "withdrawn"])
def test_latest__approval_in_the_end__counts(verdict):
    judged = judge(RULE, people(Review("bob", verdict, HEAD, ASKED_AT + 1), approval()), SUBJECT)
    assert state(judged) == "ok"


def test_latest__fresh_approval_after_a_stale_one__counts():
    assert state(judge(RULE, people(approval(commit="old"), approval()), SUBJECT)) == "ok"


def test_latest__rejection_of_another_person__takes_no_approval_away():
    judged = judge(RULE, people(approval(), Review("carol", "rejected", HEAD, ASKED_AT + 2)), SUBJECT)
    assert (state(judged), judged.others) == ("ok", (("carol", "asked for changes"),))


# Who


@pytest.mark.parametrize("login", ["alice", "Alice", "ALICE"])
def test_author__does_not_count_by_default(login):
    assert why(judge(RULE, people(approval(login)), SUBJECT)) == "is the author"


def test_author__where_the_policy_allows_it__counts():
    assert state(judge(ApprovalRule(exclude=frozenset()), people(approval("alice")), SUBJECT)) == "ok"


SOMEBODY_ELSE = Unknown("who pushed some of its commits", "A branch of a new name.")


@pytest.mark.parametrize("unread", [None, SOMEBODY_ELSE])
@pytest.mark.parametrize("rule", [RULE, ApprovalRule(must_know_pushers=True)])
def test_pusher__who_is_known__does_not_count(rule, unread):
    judged = judge(rule, people(approval("Bob"), pushers=Named(frozenset({"bob"}), unread)), SUBJECT)
    assert (state(judged), why(judged)) == ("waiting", "pushed to it")


@pytest.mark.parametrize(("must_know", "expected"), [(False, "ok"), (True, "unknown")])
def test_pushers__of_whom_some_are_not_known__are_unknown_where_the_policy_names_them(must_know, expected):
    rule = ApprovalRule(must_know_pushers=must_know)
    assert state(judge(rule, people(approval(), pushers=Named(unread=SOMEBODY_ELSE)), SUBJECT)) == expected


def test_pusher__whom_the_policy_lets_in__counts():
    rule = ApprovalRule(exclude=frozenset({"author"}))
    pushers = Named(frozenset({"bob"}), SOMEBODY_ELSE)
    assert state(judge(rule, people(approval(), pushers=pushers), SUBJECT)) == "ok"


@pytest.mark.parametrize("login", ["zoe", "Zoe"])
def test_labeller__where_the_policy_excludes_them__does_not_count(login):
    rule = ApprovalRule(exclude=frozenset({"labeller"}))
    assert why(judge(rule, people(approval(login)), SUBJECT)) == "asked for it"


def test_labeller__by_default__counts():
    assert state(judge(RULE, people(approval("zoe")), SUBJECT)) == "ok"


def test_labeller__where_nobody_knows_who_it_was__is_unknown():
    rule = ApprovalRule(exclude=frozenset({"labeller"}))
    judged = judge(rule, people(approval()), replace(SUBJECT, requesters=None))
    assert state(judged) == "unknown"
    assert judged.verdict.fix == "Remove the label and add it again."


def test_labeller__unknown_and_not_excluded__does_not_matter():
    assert state(judge(RULE, people(approval()), replace(SUBJECT, requesters=None))) == "ok"


@pytest.mark.parametrize(
    "login",
    ["dependabot[bot]", "Tagline[Bot]", "project_12_bot", "project_12_bot_a1b2", "group_3_bot_ff", "Project_12_Bot_A1"],
)
def test_robot__never_counts(login):
    assert why(judge(RULE, people(approval(login)), SUBJECT)) == "is a robot"


@pytest.mark.parametrize(
    "login", ["bot", "robot", "project_bot", "project_x_bot", "bot[bot]s", "group_1_bots", "x_bot_y"]
)
def test_robot__person_with_a_name_like_one__counts(login):
    assert state(judge(RULE, people(approval(login)), SUBJECT)) == "ok"


# Among whom


@pytest.mark.parametrize(
    ("listed", "login", "expected"),
    [
        (("bob",), "bob", "ok"),
        (("Bob",), "bOB", "ok"),
        (("carol", "bob"), "bob", "ok"),
        (("carol",), "bob", "waiting"),
        (("@bob",), "bob", "ok"),
        ((), "bob", "waiting"),
        (("bo",), "bob", "waiting"),
    ],
)
def test_from__logins__are_those_who_count(listed, login, expected):
    assert state(judge(ApprovalRule(people=listed), people(approval(login)), SUBJECT)) == expected


def test_from__not_listed__says_so_and_whose_approval_is_missing():
    judged = judge(ApprovalRule(people=("carol", "@org/leads")), people(approval()), SUBJECT)
    assert why(judged) == "is not among those who may approve"
    assert (
        judged.verdict.fix == "Missing: an approval of carol or a member of @org/leads, on the last commit. "
        "Not of alice (the author) or anybody who pushed to it or may not write."
    )


@pytest.mark.parametrize(("member", "expected"), [("bob", "ok"), ("carol", "waiting")])
def test_from__team__its_members_count(member, expected):
    team = {"@org/leads": frozenset({member})}
    judged = judge(ApprovalRule(people=("@org/leads",)), people(approval("Bob"), members=team), SUBJECT)
    assert state(judged) == expected


def test_from__team_that_nobody_asked_about__has_no_members():
    assert state(judge(ApprovalRule(people=("@org/leads",)), people(approval()), SUBJECT)) == "waiting"


def test_from__team_that_cannot_be_read__is_unknown_and_names_the_token():
    team = {"@org/leads": NOBODY_KNOWS}
    judged = judge(ApprovalRule(people=("@org/leads",)), people(approval(), members=team), SUBJECT)
    assert state(judged) == "unknown"
    assert NOBODY_KNOWS.what in judged.verdict.message
    assert judged.verdict.fix == NOBODY_KNOWS.needs
    assert why(judged) == f"{NOBODY_KNOWS.what} cannot be read"


@pytest.mark.parametrize("listed", [("@org/leads", "bob"), ("@org/leads", "@org/ops"), ("@org/ops", "@org/leads")])
def test_from__team_that_cannot_be_read_but_listed_elsewhere_too__counts(listed):
    teams: dict[str, Any] = {"@org/leads": NOBODY_KNOWS, "@org/ops": frozenset({"bob"})}
    assert state(judge(ApprovalRule(people=listed), people(approval(), members=teams), SUBJECT)) == "ok"


OWNED = replace(SUBJECT, owners=("@bob", "@org/owners", "carol@example.com"))


@pytest.mark.parametrize(
    ("login", "expected"), [("bob", "ok"), ("erin", "ok"), ("carol", "waiting"), ("dan", "waiting")]
)
def test_from__codeowners__are_those_of_the_file_by_login_or_team(login, expected):
    rule = ApprovalRule(people=("codeowners",))
    members = {"@org/owners": frozenset({"erin"})}
    assert state(judge(rule, people(approval(login), members=members), OWNED)) == expected


def test_from__codeowners_and_others__either_counts():
    rule = ApprovalRule(people=("codeowners", "dan"))
    assert state(judge(rule, people(approval("dan")), OWNED)) == "ok"


def test_from__codeowners_of_a_file_that_nobody_owns__are_nobody():
    judged = judge(ApprovalRule(people=("codeowners",)), people(approval("codeowners")), SUBJECT)
    assert state(judged) == "waiting"
    assert "nobody whom the policy names can give one (CODEOWNERS names nobody)" in judged.verdict.fix


def test_from__owners_where_the_policy_does_not_say_codeowners__do_not_count():
    assert state(judge(ApprovalRule(people=("dan",)), people(approval("bob")), OWNED)) == "waiting"


def test_writer__without_write_permission__does_not_count_though_listed():
    judged = judge(ApprovalRule(people=("bob",)), people(approval(), writers={"bob": False}), SUBJECT)
    assert why(judged) == "has no write permission"
    assert state(judged) == "waiting"


def test_writer__permission_that_cannot_be_read__is_unknown():
    unknown = Unknown("the permission of bob", "Another token.")
    judged = judge(RULE, people(approval(), writers={"bob": unknown}), SUBJECT)
    assert (state(judged), judged.verdict.fix) == ("unknown", "Another token.")


def test_writer__permission_that_was_never_asked_for__is_unknown():
    assert state(judge(RULE, people(approval(), writers={}), SUBJECT)) == "unknown"


# Fresh


def test_fresh__approval_of_an_older_commit__does_not_count():
    assert why(judge(RULE, people(approval(commit="c" * 40)), SUBJECT)) == "approved an older commit"


@pytest.mark.parametrize(("at", "expected"), [(ASKED_AT - 1, "waiting"), (ASKED_AT, "waiting"), (ASKED_AT + 0.5, "ok")])
def test_fresh__by_the_time_of_the_request__only_what_came_after_it_counts(at, expected):
    judged = judge(RULE, people(approval(at=at)), SUBJECT)
    assert state(judged) == expected
    assert expected == "ok" or why(judged) == "approved before the request"


PUSHED_AT = ASKED_AT + 50


@pytest.mark.parametrize(
    ("at", "expected"), [(PUSHED_AT - 1, "waiting"), (PUSHED_AT, "waiting"), (PUSHED_AT + 0.5, "ok")]
)
def test_fresh__approval_without_a_commit__counts_when_given_after_the_last_push(at, expected):
    judged = judge(RULE, people(approval(commit=None, at=at), pushed_at=PUSHED_AT), SUBJECT)
    assert state(judged) == expected
    assert expected == "ok" or why(judged) == "approved before the last push"


def test_fresh__approval_without_a_commit_after_the_push_and_before_the_request__does_not_count():
    subject = replace(SUBJECT, requested_at=PUSHED_AT + 10)
    judged = judge(RULE, people(approval(commit=None, at=PUSHED_AT + 5), pushed_at=PUSHED_AT), subject)
    assert why(judged) == "approved before the request"


def test_fresh__approval_with_a_commit__is_not_measured_by_the_last_push():
    assert state(judge(RULE, people(approval(), pushed_at=PUSHED_AT), SUBJECT)) == "ok"


def test_fresh__time_of_the_last_push_is_not_known__is_unknown():
    judged = judge(RULE, people(approval(commit=None), pushed_at=None), SUBJECT)
    assert state(judged) == "unknown"
    assert "the time of the approval or of the last push" in judged.verdict.message


def test_fresh__time_of_the_request_is_not_known__is_unknown():
    judged = judge(RULE, people(approval()), replace(SUBJECT, requested_at=None))
    assert state(judged) == "unknown"
    assert "when the label was applied" in judged.verdict.message


def test_fresh__time_of_the_approval_is_not_known__is_unknown():
    assert state(judge(RULE, people(approval(at=None)), SUBJECT)) == "unknown"


def test_fresh__request_by_file__covers_every_approval_of_the_last_commit():
    assert state(judge(RULE, people(approval(at=1.0)), replace(SUBJECT, requested_at=0.0))) == "ok"


@pytest.mark.parametrize("commit", [HEAD, None])
@pytest.mark.parametrize(
    ("at", "expected"), [(PUSHED_AT + 9, "waiting"), (PUSHED_AT + 10, "waiting"), (PUSHED_AT + 10.5, "ok")]
)
def test_fresh__base_branch_changed__only_an_approval_after_it_counts(commit, at, expected):
    given = people(approval(commit=commit, at=at), pushed_at=PUSHED_AT, retargeted_at=PUSHED_AT + 10)
    judged = judge(RULE, given, SUBJECT)
    assert state(judged) == expected
    assert expected == "ok" or why(judged) == "approved before the base branch was changed"


def test_fresh__base_branch_changed_and_no_time_of_the_approval__does_not_count():
    judged = judge(RULE, people(approval(at=None), retargeted_at=1.0), SUBJECT)
    assert why(judged) == "approved before the base branch was changed"


@pytest.mark.parametrize("at", [1.0, PUSHED_AT])
def test_not_fresh__approval_of_any_commit_and_time__counts(at):
    rule = ApprovalRule(fresh=False)
    judged = judge(rule, people(approval(commit="c" * 40, at=at)), replace(SUBJECT, requested_at=None))
    assert state(judged) == "ok"


def test_not_fresh__approval_without_commit_and_time__is_unknown():
    """Nobody can tell whether it was given before the merge."""
    judged = judge(ApprovalRule(fresh=False), people(approval(commit=None, at=None)), SUBJECT)
    assert state(judged) == "unknown"


# What cannot be read


def test_unknown__reviews_themselves__name_the_token():
    unknown = Unknown("The approvals", "A project token.")
    judged = judge(RULE, People(reviews=unknown), SUBJECT)
    assert (state(judged), judged.verdict.fix, judged.counted) == ("unknown", "A project token.", ())


def test_unknown__even_with_it_too_few__is_waiting():
    """Asking for a better token would not help: people are missing whatever it reads."""
    unknown = {"bob": Unknown("the permission of bob", "A token.")}
    judged = judge(ApprovalRule(count=2), people(approval(), writers=unknown), SUBJECT)
    assert (state(judged), judged.verdict.message) == ("waiting", "0 of 2 approvals.")


def test_unknown__enough_without_it__is_ok():
    judged = judge(RULE, people(approval("bob"), approval("carol"), writers={"bob": True}), SUBJECT)
    assert (state(judged), len(judged.counted)) == ("ok", 1)


@pytest.mark.parametrize(
    ("rule", "review", "reason"),
    [
        (ApprovalRule(people=("@org/leads",)), approval(commit="c" * 40), "approved an older commit"),
        (
            ApprovalRule(exclude=frozenset({"labeller"}), people=("carol",)),
            approval(),
            "is not among those who may approve",
        ),
        (RULE, approval(at=ASKED_AT - 1), "approved before the request"),
    ],
)
def test_unknown__beside_a_certain_no__is_a_no(rule, review, reason):
    subject = replace(SUBJECT, requesters=None)
    members = {"@org/leads": NOBODY_KNOWS}
    judged = judge(rule, people(review, members=members, writers={}), subject)
    assert (state(judged), why(judged)) == ("waiting", reason)


times = st.none() | st.sampled_from([1.0, ASKED_AT, ASKED_AT + 1])
reviews = st.builds(
    Review,
    st.sampled_from(["alice", "Bob", "bob", "carol", "zoe", "x[bot]"]),
    st.sampled_from(["approved", "approved", "rejected", "withdrawn"]),
    st.sampled_from([None, HEAD, "c" * 40]),
    times,
)
rules = st.builds(
    ApprovalRule,
    st.integers(1, 3),
    st.none() | st.lists(st.sampled_from(["bob", "carol", "@org/leads", "codeowners"]), max_size=3).map(tuple),
    st.frozensets(st.sampled_from(["author", "labeller"])),
    st.booleans(),
)
unknown = st.just(NOBODY_KNOWS)
everybody = st.fixed_dictionaries({
    login: st.booleans() | unknown for login in ("alice", "bob", "carol", "zoe", "x[bot]")
})  # fmt: skip
teams = st.fixed_dictionaries({"@org/leads": st.frozensets(st.sampled_from(["bob", "carol"])) | unknown})
subjects = st.builds(
    Subject,
    st.just("alice"),
    st.just(HEAD),
    st.none() | st.frozensets(st.sampled_from(["zoe", "bob"])),
    times,
    st.lists(st.sampled_from(["@bob", "@org/leads", "@carol"]), max_size=2).map(tuple),
)


@given(rules, st.lists(reviews, max_size=6), times, times, everybody, teams, subjects)
def test_judge__whatever_is_known__ok_needs_that_many_people_who_certainly_count(
    rule, given, pushed_at, retargeted_at, writers, members, subject
):
    judged = judge(rule, People(Reviews(tuple(given), pushed_at, retargeted_at), writers, members), subject)
    counted = {review.by.casefold() for review in judged.counted}
    assert (judged.verdict.state == "ok") == (len(counted) >= rule.count)
    assert len(counted) == len(judged.counted)
    assert counted.isdisjoint({login.casefold() for login, _ in judged.others})
    assert counted | {login.casefold() for login, _ in judged.others} == {review.by.casefold() for review in given}
    for review in judged.counted:
        login = review.by.casefold()
        assert review.verdict == "approved"
        assert writers[login] is True
        assert login != "x[bot]"
        assert not ("author" in rule.exclude and login == "alice")
        if "labeller" in rule.exclude:
            assert subject.requesters is not None
            assert login not in subject.requesters
        if rule.fresh:
            assert review.at is not None
            assert subject.requested_at is not None
            assert review.at > subject.requested_at
            assert review.commit == HEAD or (pushed_at is not None and review.at > pushed_at)
            assert retargeted_at is None or review.at > retargeted_at


@given(rules, st.lists(reviews, max_size=6), times, everybody, teams, subjects)
def test_judge__once_everything_can_be_read_and_says_no__what_was_unknown_is_not_ok(
    rule, given, pushed_at, writers, members, subject
):
    """The same question with every unknown answered by no: never more than before."""
    before = judge(rule, People(Reviews(tuple(given), pushed_at), writers, members), subject)
    sure = {login: found is True for login, found in writers.items()}
    known = {team: frozenset() if isinstance(found, Unknown) else found for team, found in members.items()}
    after = judge(rule, People(Reviews(tuple(given), pushed_at), sure, known), subject)
    assert after.counted == before.counted


# Helpers of those who gather


def test_approvers__are_those_whose_latest_word_is_a_yes():
    given = (
        approval("bob"),
        approval("carol"),
        Review("bob", "withdrawn", HEAD, 1.0),
        Review("dan", "rejected", HEAD, 1.0),
    )
    assert [review.by for review in approvers(Reviews(given))] == ["carol"]


def test_approvers__where_reviews_cannot_be_read__are_nobody():
    assert approvers(NOBODY_KNOWS) == []


@pytest.mark.parametrize(
    ("name", "expected"), [("@org/leads", True), ("@group", True), ("bob", False), ("a@b.c", False)]
)
def test_is_team__is_told_by_the_at(name, expected):
    assert is_team(name) == expected


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (None, []),
        (("bob",), []),
        (("@org/leads", "bob", "@org/leads"), ["@org/leads"]),
        (("codeowners",), ["@erin", "@org/owners"]),
        (("@org/leads", "codeowners"), ["@org/leads", "@erin", "@org/owners"]),
    ],
)
def test_teams_of__are_those_that_the_rule_names(listed, expected):
    owners = ("@erin", "a@b.c", "@org/owners", "@erin")
    assert teams_of(ApprovalRule(people=listed), owners) == expected


# Whose approval is missing


def missing(rule: ApprovalRule, known: People | None = None, **fields: object) -> str:
    """What is said of it; ``fields`` are the subject's, whose owner is @erin."""
    return who_may(rule, known or People(), replace(SUBJECT, owners=("@erin",), **fields))


NO_AUTHOR = frozenset({"author"})
LAST = "on the last commit"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            ApprovalRule(),
            f"Missing: an approval of somebody who may write, {LAST}. "
            "Not of alice (the author) or anybody who pushed to it.",
        ),
        (ApprovalRule(exclude=frozenset(), fresh=False), "Missing: an approval of somebody who may write."),
        (
            ApprovalRule(2, ("bob", "codeowners"), frozenset({"labeller", "author"})),
            f"Missing: 2 approvals of bob or @erin, {LAST}. Not of anybody who may not write.",
        ),
        (
            ApprovalRule(people=("carol", "@org/leads"), exclude=NO_AUTHOR, fresh=False),
            "Missing: an approval of carol or a member of @org/leads. "
            "Not of alice (the author) or anybody who may not write.",
        ),
    ],
)
def test_who_may__says_it_in_words_and_what_is_unknown(rule, expected):
    assert missing(rule) == expected


@pytest.mark.parametrize(
    ("rule", "known", "gone"),
    [
        (ApprovalRule(people=("Alice", "bob")), {}, "Alice"),
        (ApprovalRule(people=("zoe", "bob"), exclude=frozenset({"labeller"})), {}, "zoe"),
        (ApprovalRule(people=("carol", "bob")), {"pushers": Named(frozenset({"carol"}))}, "carol"),
        (ApprovalRule(people=("carol", "bob")), {"writers": {"carol": False}}, "carol"),
        (ApprovalRule(people=("renovate[bot]", "bob")), {}, "renovate"),
        (ApprovalRule(people=("@@maintainer", "bob")), {}, "maintainer"),
        (ApprovalRule(people=("carol@example.com", "bob")), {}, "carol"),
        (ApprovalRule(people=("@org/us", "bob")), {"members": {"@org/us": frozenset({"alice"})}}, "org"),
        (ApprovalRule(people=("@ALICE", "bob")), {"members": {"@ALICE": frozenset()}}, "ALICE"),
    ],
    ids=["author", "labeller", "pusher", "reader", "robot", "role", "address", "team", "owner"],
)
def test_who_may__somebody_whose_approval_cannot_count__is_not_named(rule, known, gone):
    known = People(looked_for=frozenset({"bob"}), **{"writers": {"bob": True}, **known})
    known = replace(known, writers={"bob": True, **known.writers})
    assert gone not in missing(rule, known)
    assert missing(rule, known) == f"Missing: an approval of bob, {LAST}."


def test_who_may__of_a_team__names_who_cannot_and_tells_nobody_who_is_in_it():
    known = People(members={"@org/us": frozenset({"bob", "carol"})}, pushers=Named(frozenset({"mallory"})))
    words = missing(ApprovalRule(people=("@org/us",), fresh=False), known)
    assert words == (
        "Missing: an approval of a member of @org/us. "
        "Not of mallory (pushed to it), alice (the author) or anybody who pushed to it or may not write."
    )


def test_who_may__whoever_approved_already__is_not_asked_again():
    judged = judge(ApprovalRule(2, ("bob", "carol")), people(approval()), SUBJECT)
    assert judged.verdict.fix.startswith("Missing: an approval of carol, on the last commit.")


def test_who_may__nobody_is_left__says_so_and_the_way_out():
    rule = ApprovalRule(2, people=("alice", "zoe", "bob"), exclude=frozenset({"author", "labeller"}))
    assert missing(rule) == (
        "Missing: 2 approvals, and only bob can give one: not alice (the author) or zoe (asked for it). "
        "Have somebody else ask for it in a new change, or name more people in .tagline.yaml (approvals: from)."
    )
    assert "and nobody whom the policy names can give one" in missing(ApprovalRule(people=("alice",)))


@given(
    st.lists(st.sampled_from(["alice", "bob", "carol", "zoe", "dave[bot]"]), min_size=1, unique=True),
    st.sets(st.sampled_from(["author", "pusher", "labeller"])),
    st.sets(st.sampled_from(["bob", "carol"])),
    st.sets(st.sampled_from(["bob", "carol"])),
)
def test_who_may__whom_it_names__would_count(listed, exclude, pushers, readers):
    rule = ApprovalRule(people=tuple(listed), exclude=frozenset(exclude))
    names = frozenset(listed)
    known = People(
        pushers=Named(frozenset(pushers)), looked_for=names, writers={name: name not in readers for name in names}
    )
    offered = missing(rule, known).partition(":")[2].partition(":")[0].partition(", on the last")[0]
    for name in listed:
        given = replace(known, reviews=Reviews((approval(name),)))
        assert (f" {name}" in offered) == (state(judge(rule, given, SUBJECT)) == "ok"), name


# Whoever has a run ask


@pytest.mark.parametrize(
    ("fields", "requesters", "expected"),
    [
        ({"by_run": True, "starters": Named(frozenset({"bob"}))}, {"alice"}, "started a run that may have opened it"),
        ({"by_run": True, "starters": Named(frozenset({"carol"}))}, {"alice"}, None),
        # A person put the label on what a robot opened: they asked.
        ({"by_run": True, "starters": Named(frozenset({"bob"}))}, {"zoe"}, None),
        ({"by_run": False, "starters": Named(frozenset({"bob"}))}, {"alice"}, None),
        ({"by_run": True, "starters": Named(unread=NOBODY_KNOWS)}, {"alice"}, f"{NOBODY_KNOWS.what} cannot be read"),
    ],
)
def test_author__of_what_a_run_asks__is_also_who_started_it(fields: Any, requesters: set[str], expected: Any) -> None:
    judged = judge(RULE, people(approval(), **fields), replace(SUBJECT, requesters=frozenset(requesters)))
    if expected is None:
        assert state(judged) == "ok"
        return
    assert why(judged) == expected
    lenient = replace(RULE, exclude=frozenset({"pusher"}))
    assert (
        state(judge(lenient, people(approval(), **fields), replace(SUBJECT, requesters=frozenset(requesters)))) == "ok"
    )


@pytest.mark.parametrize(
    ("author", "branch", "expected"),
    [
        ("alice", "topic", False),
        ("alice", "tagline/ask-promote-churn", False),
        ("alice", "tagline/run-promote-churn", True),
        ("tagline-bot", "tagline/rollback-churn-prod-1a2b", True),
        ("my-app[bot]", "topic", True),
        ("project_7_bot_5e1f", "topic", True),
    ],
)
def test_run__that_opened_a_change__is_told_by_its_author_or_its_branch(
    author: str, branch: str, expected: bool
) -> None:
    change = Change(1, "https://x/1", "A change", author, "main", HEAD, branch=branch)
    assert is_made_by_run(change) is expected
