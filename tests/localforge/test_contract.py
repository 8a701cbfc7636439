"""The contract checker sees what GitHub would not say, and what we should not ask."""

from __future__ import annotations

from typing import Any

import pytest

from tagline_localforge import Exchange
from tests.localforge.openapi import CONTRACT, ContractChecker

pytestmark = pytest.mark.skipif(not CONTRACT.exists(), reason="GitHub's description does not lie beside this checkout")

MEMBERSHIP = {"url": "https://api.github.com/x", "role": "member", "state": "active"}
MEMBER_PATH = "/api/v3/orgs/org/teams/ml/memberships/bob"


def violations(
    method: str, path: str, *, query: dict[str, str] | None = None, json: Any = None, status: int = 200, answer: Any
) -> list[str]:
    checker = ContractChecker()
    exchange = Exchange(method, path, query or {}, {}, json, status, answer, {})
    checker(exchange)
    checker(exchange)
    assert checker.checked <= 1
    return checker.violations


def test_answer__as_described__passes() -> None:
    assert violations("GET", MEMBER_PATH, answer=MEMBERSHIP) == []
    assert violations("GET", MEMBER_PATH.removeprefix("/api/v3"), answer=MEMBERSHIP) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"role": None}, "at $.role"),
        ({"role": "boss"}, "'boss' is not one of"),
        ({"url": 5}, "at $.url"),
        ({"state": ...}, "'state' is a required property"),
    ],
)
def test_answer__otherwise__is_told(wrong: dict[str, Any], said: str) -> None:
    answer = {name: value for name, value in {**MEMBERSHIP, **wrong}.items() if value is not ...}
    assert [said in violation for violation in violations("GET", MEMBER_PATH, answer=answer)] == [True]


def test_operation__unknown__is_told() -> None:
    assert len(violations("GET", "/api/v3/orgs/org", answer={})) == 1
    assert len(violations("POST", MEMBER_PATH, answer={})) == 1
    assert violations("GET", "/api/v4/anything", answer={}) == []


def test_parameters__unknown_or_of_the_wrong_type__are_told() -> None:
    path = "/api/v3/repos/o/r/pulls"
    assert violations("GET", path, query={"state": "all", "per_page": "100", "base": "main"}, answer=[]) == []
    assert len(violations("GET", path, query={"per_page": "many"}, answer=[])) == 1
    assert len(violations("GET", path, query={"state": "merged"}, answer=[])) == 1
    assert len(violations("GET", path, query={"target": "main"}, answer=[])) == 1
    assert len(violations("GET", f"{path}/one", answer=None, status=0)) == 1


def test_request__missing_unknown_or_wrong__is_told() -> None:
    path, error = "/api/v3/repos/o/r/statuses/abc", {"message": "no"}
    good = {"state": "success", "context": "tagline", "description": None}
    assert violations("POST", path, json=good, status=403, answer=error) == []
    for wrong in ({"state": "green"}, {}, {**good, "name": "tagline"}, None):
        assert len(violations("POST", path, json=wrong, status=403, answer=error)) == 1


def test_status__undocumented__only_what_any_route_may_answer() -> None:
    for status in (401, 403, 422, 429, 502):
        assert violations("GET", MEMBER_PATH, status=status, answer={"message": "no"}) == []
    assert len(violations("GET", MEMBER_PATH, status=201, answer=MEMBERSHIP)) == 1
    assert len(violations("GET", MEMBER_PATH, status=403, answer={"message": 5})) == 1


def test_nullable__beside_no_type__allows_null() -> None:
    checker = ContractChecker()
    schema = checker._document["components"]["schemas"]["commit"]["properties"]["author"]
    assert list(checker._root.evolve(schema=schema).iter_errors(None)) == []
