"""The checker of GitLab's shapes sees what GitLab would not say, and operations that nobody listed."""

from __future__ import annotations

from typing import Any

import pytest

from tagline_localforge import Exchange
from tests.localforge.gitlab_contract import CONTRACT, GitLabChecker

pytestmark = pytest.mark.skipif(not CONTRACT.exists(), reason="GitLab's shapes do not lie beside this checkout")

APPROVALS = "/api/v4/projects/7/merge_requests/1/approvals"
VERSIONS = "/api/v4/projects/org%2Fshop/merge_requests/1/versions"
NOBODY = {"user_has_approved": False, "user_can_approve": True, "approved": False, "approved_by": []}


def violations(
    method: str,
    path: str,
    *,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    status: int = 200,
    answer: Any,
) -> list[str]:
    checker = GitLabChecker()
    exchange = Exchange(method, path, query or {}, headers or {}, None, status, answer, {})
    checker(exchange)
    checker(exchange)
    assert checker.checked <= 1
    return checker.violations


def test_answer__as_gitlab_shapes_it__passes() -> None:
    assert violations("GET", APPROVALS, answer=NOBODY) == []
    assert violations("GET", VERSIONS, answer=[]) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"approved": None}, "at $.approved"),
        ({"approvals_left": 0}, "'approvals_left' was unexpected"),
        ({"approved_by": [{"user": None}]}, "at $.approved_by[0].user"),
        ({"user_can_approve": ...}, "'user_can_approve' is a required property"),
    ],
)
def test_answer__otherwise__is_told(wrong: dict[str, Any], said: str) -> None:
    answer = {name: value for name, value in {**NOBODY, **wrong}.items() if value is not ...}
    assert [said in violation for violation in violations("GET", APPROVALS, answer=answer)] == [True]


def test_versions__the_oldest_first__are_told() -> None:
    common = {"head_commit_sha": None, "base_commit_sha": None, "start_commit_sha": None, "real_size": None}
    rows = [
        {"id": number, "merge_request_id": 1, "state": "collected", "created_at": "2026-01-01T00:00:00.000Z", **common}
        for number in (1, 2)
    ]
    assert violations("GET", VERSIONS, answer=rows[::-1]) == []
    assert len(violations("GET", VERSIONS, answer=rows)) == 1


def test_operation__unknown__is_told() -> None:
    assert len(violations("GET", "/api/v4/projects/7/hooks", answer=[])) == 1
    assert len(violations("DELETE", APPROVALS, answer=None, status=204)) == 1
    assert len(violations("GET", "/api/v4/users", answer=[])) == 1
    assert violations("GET", "/api/v4/users", query={"username": "bob"}, answer=[]) == []
    assert violations("GET", "/api/v3/anything", answer=[]) == []


def test_refusal__has_a_reason() -> None:
    assert violations("GET", APPROVALS, status=404, answer={"message": "404 Not Found"}) == []
    assert violations("GET", APPROVALS, status=404, answer={"error": "404 Not Found"}) == []
    assert len(violations("GET", APPROVALS, status=404, answer={"reason": "no"})) == 1
    assert violations("GET", APPROVALS, status=502, answer=None) == []


def test_job_token__answered_where_gitlab_answers_none__is_told() -> None:
    job = {"job-token": "secret"}
    assert len(violations("GET", APPROVALS, headers=job, answer=NOBODY)) == 1
    assert violations("GET", APPROVALS, headers=job, status=404, answer={"message": "404 Not Found"}) == []
    assert violations("GET", "/api/v4/projects/7/merge_requests", headers=job, answer=[]) == []
