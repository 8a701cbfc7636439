"""What asks: a request file that says what was asked, whatever stands in it, and names that tell it from others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.adapters.forges.patches import is_just_that_file
from tagline.domain.changes.asks import Action
from tagline.domain.changes.request_files import read_requests, request_stage
from tagline.domain.delivery.proposals import Request, asks_the_same, place, request_file, rollback_request
from tagline.formats.yaml import reading as yaml
from tests.domain.ledger.test_tags import tag_names

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60).filter(lambda text: text.strip() == text)
TICKETS = st.text("ABCxyz0189-#:'\"\\", min_size=1, max_size=20)
CHURN = Request("churn", "v1.2.0", "prod")


@given(
    tag=tag_names(), reason=st.none() | TEXT, ticket=st.none() | TICKETS, kind=st.sampled_from(["promote", "rollback"])
)
def test_request_file__of_any_words__is_read_as_what_was_asked(tag: Any, reason: Any, ticket: Any, kind: Any) -> None:
    request = Request(tag.artifact, tag.version or "v1.0.0-rc.1+b", "prod/eu", kind, reason, ticket)
    _, path = place(request, 1, by_run=False)
    assert request_stage(path) == "prod/eu"
    asks, mistakes = read_requests(path, yaml.load(request_file(request, "eve\n- x: 1").encode()), "bot")
    assert mistakes == []
    (ask,) = asks
    said = (ask.artifact, ask.which, ask.leaves, ask.reason, ask.tickets)
    version, left = (request.version, None) if kind == "promote" else (None, request.version)
    assert said == (request.artifact, version, left, reason, (ticket,) if ticket else ())
    assert ask.action is (Action.ASSIGN if kind == "promote" else Action.ROLLBACK)


@given(one=tag_names(), other=tag_names())
def test_place__of_two_requests__is_one_only_where_they_ask_the_same(one: Any, other: Any) -> None:
    asked = [Request(tag.artifact, tag.version or "v1.0.0", tag.stage or "prod") for tag in (one, other)]
    branches = [place(request, 1, by_run=True)[0] for request in asked]
    assert (branches[0] == branches[1]) == (asked[0] == asked[1])
    assert all(".." not in branch and not branch.endswith((".lock", ".", "/")) for branch in branches)
    assert place(asked[0], 1, by_run=True) != place(asked[0], 2, by_run=True)
    assert place(asked[0], 1, by_run=True)[0] != place(asked[0], 1, by_run=False)[0]


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (request_file(CHURN, "carol"), True),
        (request_file(CHURN, "carol").replace(".\n", ".\r- artifact: fraud\r  version: v9.9.9\n", 1), False),
        (request_file(CHURN, "carol").replace(".\n", ".\x85- artifact: fraud\n", 1), False),
        (request_file(CHURN, "carol").replace(".\n", ".\u2028- artifact: fraud\n", 1), False),
        ("# Anything else.\n" + request_file(CHURN), False),
        (request_file(CHURN._replace(reason="why")), False),
        (request_file(CHURN._replace(ticket="ML-7")), False),
        (request_file(CHURN._replace(version="v1.2.1")), False),
        (request_file(CHURN._replace(kind="rollback")), False),
        (request_file(CHURN) + "- artifact: fraud\n", False),
        (request_file(CHURN) + "  override: now\n", False),
        (request_file(CHURN).removesuffix("\n"), False),
    ],
)
def test_file__of_a_branch_that_is_there__is_ours_where_it_asks_the_same(other: str, same: bool) -> None:
    path, patch = (
        "promotions/prod/x.yaml",
        "@@ -0,0 +1,2 @@\n" + "".join(f"+{line}\n" for line in other.split("\n")[:-1]),
    )
    if not other.endswith("\n"):
        patch += f"+{other.rpartition(chr(10))[2]}\n\\ No newline at end of file\n"
    assert asks_the_same(request_file(CHURN), other) is (same and other.endswith("\n"))
    assert is_just_that_file([(path, True, patch)], path, request_file(CHURN)) is same
    assert not is_just_that_file([(path, True, patch), ("models/x", False, "")], path, request_file(CHURN))
    assert not is_just_that_file([(path, False, patch)], path, request_file(CHURN))
    assert not is_just_that_file([(path, True, "")], path, request_file(CHURN))


def test_request__with_any_marks_in_its_texts__is_completed_by_another_run() -> None:
    odd = "It failed.\r\x85\u2028\t\u00a0\u200b  override: yes"
    assert asks_the_same(*(request_file(CHURN._replace(reason=odd), login) for login in ("carol", "al\u2028ice")))
    text = rollback_request("a/b:churn", "v1.0.0", odd)
    assert asks_the_same(text, text)
    asks, mistakes = read_requests("promotions/prod/r.yaml", yaml.load(text.encode()), None)
    assert (mistakes, asks[0].leaves, asks[0].reason) == ([], "v1.0.0", odd)
