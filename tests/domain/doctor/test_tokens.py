"""Tokens that the local forge does not have: what a forge leaves unsaid is unknown, never ok."""

from __future__ import annotations

import pytest

from tagline.domain.doctor.tokens import Token, judge_statuses, judge_token

NOW = 1_700_000_000.0
DAY = 86_400


def scopes(*names: str) -> frozenset[str]:
    return frozenset(names)


@pytest.mark.parametrize(
    ("token", "states", "statuses"),
    [
        (Token("none"), ["warn"], "warn"),
        (Token("other"), ["unknown"], "unknown"),
        (Token("installation"), ["unknown"], "unknown"),
        (Token("workflow"), ["warn"], "unknown"),
        (Token("classic", scopes("public_repo"), "write", public=True), ["ok"], "fail"),
        (Token("classic", scopes("public_repo"), "write"), ["fail"], "fail"),
        (Token("classic", scopes("repo:status", "public_repo"), "write", public=True), ["ok"], "ok"),
        (Token("classic", scopes("repo"), "triage"), ["fail"], "fail"),
        # To its administrators GitLab tells no role.
        (Token("access", scopes("api", "write_repository")), ["unknown"], "unknown"),
        (Token("job"), ["unknown"], "warn"),
        (Token("access", scopes("api", "write_repository"), "write", NOW + 13 * DAY), ["warn", "ok"], "ok"),
        (Token("access", scopes("api", "write_repository"), "write", NOW + 15 * DAY), ["ok"], "ok"),
    ],
)
def test_token__by_what_is_told(token: Token, states: list[str], statuses: str) -> None:
    checks = list(judge_token(token, NOW))
    assert [check.state for check in checks] == states
    assert all(check.hint for check in checks if check.state != "ok")
    assert judge_statuses(token).state == statuses


@pytest.mark.parametrize(
    ("token", "writes"),
    [(Token("workflow"), False), (Token("installation"), None), (Token("classic", scopes("repo", "workflow")), True)],
)
def test_token__writes_workflows(token: Token, writes: bool | None) -> None:
    assert token.writes_workflows is writes
