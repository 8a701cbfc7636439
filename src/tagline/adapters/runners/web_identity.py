"""The identity of a CI job as AWS's libraries take it: a file with its token, and the role by environment.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/access-assume-role-web.html
"""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

from tagline.adapters.scratch import temporary
from tagline.errors import WrongUsage
from tagline.settings import Secret

#: What the libraries look at before a role's token: left over from elsewhere, it would win without a word.
_STRONGER = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")


@contextmanager
def web_identity(role: str | None, token: Secret | None, environ: MutableMapping[str, str]) -> Iterator[None]:
    """Let AWS's libraries take on ``role`` by ``token``; its file is for this user only, and gone afterwards.

    Without a role everything stays as it is. Raises WrongUsage for a role without a token.
    """
    if role is None:
        yield
        return
    if token is None:
        raise WrongUsage(
            "An AWS role is given and no ID token of this job.",
            "Let the job have one: id_tokens: {TAGLINE_AWS_ID_TOKEN: {aud: sts.amazonaws.com}}",
            code="no-id-token",
        )
    with temporary("tagline-identity-") as folder:
        file = folder / "token"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(token.reveal())
        for name in _STRONGER:
            environ.pop(name, None)
        environ.update(AWS_ROLE_ARN=role, AWS_WEB_IDENTITY_TOKEN_FILE=str(file))
        yield
