"""AWS's keys in a job's environment, and who the job is to AWS: judged without asking anybody."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tagline.domain.doctor.checks import Check
from tagline.domain.text.times import format_time, time_or_none

AUDIENCE = "sts.amazonaws.com"
#: What AWS's own keys begin with: those of a user, and those of a session.
_LASTING, _PASSING = "AKIA", "ASIA"


class AwsKeys(NamedTuple):
    """What the environment has of AWS. ``kind`` is the first four letters of the key's id; no secret is in here.

    ``expires`` is when the session ends, in unix seconds, where the environment says so.
    """

    kind: str | None = None
    secret: bool = False
    session: bool = False
    profile: bool = False
    web_identity: bool = False
    role: bool = False
    #: Tagline itself takes on a role, and passes over keys that lie about.
    own_role: bool = False
    expires: float | None = None


def judge_keys(keys: AwsKeys, now: float) -> Iterator[Check]:
    """No check where the environment has nothing of AWS."""
    has_key = keys.kind is not None or keys.secret or keys.session
    found = list(_wrong(keys, now)) if has_key and not keys.own_role else []
    if found:
        yield from found
    elif keys.web_identity and not keys.role:
        fix = "Set AWS_ROLE_ARN to the role that the token is for."
        yield Check("aws", "fail", "There is a web identity token and no AWS_ROLE_ARN.", fix)
    elif keys.own_role or (keys.web_identity and keys.role):
        yield Check("aws", "ok", "A role by OpenID Connect, and no other keys that count before it.")
    elif has_key:
        yield Check("aws", "ok", "One kind of AWS keys is set.")
    elif keys.profile:
        yield Check("aws", "ok", "AWS keys come from a profile (AWS_PROFILE).")


def _wrong(keys: AwsKeys, now: float) -> Iterator[Check]:
    if keys.web_identity or keys.profile:
        other = "a role by OpenID Connect" if keys.web_identity else "AWS_PROFILE"
        fix = "Unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN (a variable of the group, perhaps)."
        yield Check("aws", "fail", f"Keys and {other} are both set, and AWS's libraries take the keys.", fix)
    if keys.kind is None or not keys.secret:
        missing = "AWS_ACCESS_KEY_ID" if keys.kind is None else "AWS_SECRET_ACCESS_KEY"
        yield Check("aws", "fail", f"{missing} is missing beside the other half of the keys.", "Set both, or none.")
    elif keys.kind == _PASSING and not keys.session:
        fix = "Set AWS_SESSION_TOKEN too, from the same answer of AWS."
        yield Check("aws", "fail", "These are keys of a session (ASIA...), and AWS_SESSION_TOKEN is missing.", fix)
    elif keys.kind == _LASTING and keys.session:
        fix = "Unset AWS_SESSION_TOKEN: it is left from a session, and AWS refuses the pair."
        yield Check("aws", "fail", "These are keys of a user (AKIA...), and AWS_SESSION_TOKEN is set.", fix)
    if keys.expires is not None and keys.expires <= now:
        message = f"The session of these AWS keys ended at {format_time(int(keys.expires))}."
        yield Check("aws", "fail", message, "Log in again, or let the job take on its role right before.")


def claims_of(token: str) -> Mapping[str, Any] | None:
    """What a JSON Web Token says, unverified; None for a text that is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def judge_identity(token: str, now: float) -> Check:
    """Who the job is to AWS: subject and audience, as a role's trust policy must have them."""
    claims = claims_of(token)
    if claims is None:
        fix = "It is written by the runner: id_tokens (GitLab), permissions: id-token: write (GitHub)."
        return Check("oidc", "fail", "The job's identity token is no JSON Web Token.", fix)
    subject, said = str(claims.get("sub", "")), claims.get("aud")
    audiences = said if isinstance(said, list) else [said]
    told = f"AWS will see sub {subject!r} and aud {', '.join(map(repr, map(str, audiences)))}"
    ends = claims.get("exp")
    if isinstance(ends, (int, float)) and ends <= now:
        return Check("oidc", "fail", f"{told}; the token ended at {time_or_none(int(ends))}.", "Start the job again.")
    if AUDIENCE not in audiences:
        fix = f"Ask for aud: {AUDIENCE}, or let the role's trust policy and identity provider name this one."
        return Check("oidc", "warn", f"{told}, which is not {AUDIENCE}.", fix)
    hint = "The role's trust policy must allow exactly this sub; whether it does shows where a store is read (storage)."
    return Check("oidc", "ok", f"{told}.", hint)
