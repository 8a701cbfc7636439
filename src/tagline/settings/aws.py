"""What the environment has of AWS: which variables are set, and no secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class AwsEnvironment:
    """``kind`` is the first four letters of the key's id, which tell a user's from a session's."""

    kind: str | None = None
    secret: bool = False
    session: bool = False
    profile: bool = False
    role: bool = False
    #: The file of a web identity's token.
    token_file: str | None = None
    #: When the session ends, as whoever made it wrote it.
    expires: str | None = None


def read(environ: Mapping[str, str]) -> AwsEnvironment:
    """Source: https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html"""
    return AwsEnvironment(
        kind=environ.get("AWS_ACCESS_KEY_ID", "")[:4] or None,
        secret=bool(environ.get("AWS_SECRET_ACCESS_KEY")),
        session=bool(environ.get("AWS_SESSION_TOKEN")),
        profile=bool(environ.get("AWS_PROFILE")),
        role=bool(environ.get("AWS_ROLE_ARN")),
        token_file=environ.get("AWS_WEB_IDENTITY_TOKEN_FILE") or None,
        expires=environ.get("AWS_CREDENTIAL_EXPIRATION") or None,
    )
