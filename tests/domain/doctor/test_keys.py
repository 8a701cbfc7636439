"""AWS keys and the job's identity: every mistake, and what is right."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tagline.domain.doctor.keys import AwsKeys, judge_identity, judge_keys

NOW = 1_700_000_000
USER = AwsKeys("AKIA", secret=True)
SESSION = AwsKeys("ASIA", secret=True, session=True)


@pytest.mark.parametrize(
    ("keys", "states"),
    [
        (AwsKeys(), []),
        (USER, ["ok"]),
        (SESSION, ["ok"]),
        (AwsKeys(profile=True), ["ok"]),
        (AwsKeys(web_identity=True, role=True), ["ok"]),
        (AwsKeys(web_identity=True), ["fail"]),
        (AwsKeys("AKIA"), ["fail"]),
        (AwsKeys(secret=True), ["fail"]),
        (AwsKeys("ASIA", secret=True), ["fail"]),
        (USER._replace(session=True), ["fail"]),
        (USER._replace(web_identity=True, role=True), ["fail"]),
        (USER._replace(profile=True), ["fail"]),
        (SESSION._replace(expires=NOW - 1), ["fail"]),
        (SESSION._replace(expires=NOW + 1), ["ok"]),
        # Tagline itself takes on the role, and passes over what lies about.
        (USER._replace(own_role=True, session=True), ["ok"]),
    ],
)
def test_keys__of_each_kind(keys: AwsKeys, states: list[str]) -> None:
    assert [check.state for check in judge_keys(keys, NOW)] == states


def jwt(**claims: Any) -> str:
    parts = ({"alg": "RS256"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{'.'.join(encoded)}.c2lnbmF0dXJl"


SUBJECT = "repo:org/shop:ref:refs/heads/main"


@pytest.mark.parametrize(
    ("token", "state", "told"),
    [
        (jwt(sub=SUBJECT, aud="sts.amazonaws.com", exp=NOW + 60), "ok", SUBJECT),
        (jwt(sub=SUBJECT, aud=["a", "sts.amazonaws.com"]), "ok", SUBJECT),
        (jwt(sub=SUBJECT, aud="https://gitlab.com"), "warn", "https://gitlab.com"),
        (jwt(sub=SUBJECT, aud="sts.amazonaws.com", exp=NOW - 60), "fail", "ended"),
        (jwt(sub=SUBJECT, aud="sts.amazonaws.com", exp=10**30), "ok", SUBJECT),
        ("no-token", "fail", "no JSON Web Token"),
        ("a.b.c", "fail", "no JSON Web Token"),
        ("a.é.c", "fail", "no JSON Web Token"),
    ],
)
def test_identity__says_subject_and_audience_and_never_the_token(token: str, state: str, told: str) -> None:
    check = judge_identity(token, NOW)
    assert (check.state, told in check.message) == (state, True)
    assert token not in str(check)
    assert "c2lnbmF0dXJl" not in str(check)
