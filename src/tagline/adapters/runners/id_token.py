"""The job's identity token for AWS: GitLab's from the environment, GitHub's from the runner, or the file of one.

Source: https://docs.github.com/actions/reference/openid-connect-reference
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import requests

from tagline.errors import PlatformRefused
from tagline.settings import Settings

_TIMEOUT = 30
_MOST = 64 * 1024


def id_token(settings: Settings, audience: str) -> str | None:
    """The token; None where this job has none. Raises PlatformRefused where its runner does not answer."""
    readers: list[Callable[[], str | None]] = [
        lambda: settings.id_token.reveal() if settings.id_token else None,
        lambda: _from_file(settings.aws.token_file),
        lambda: _from_runner(settings, audience),
    ]
    return next((found for reader in readers if (found := reader())), None)


def _from_file(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        with Path(name).open("rb") as stream:
            return stream.read(_MOST).decode("ascii", "replace").strip()
    except OSError as error:
        raise PlatformRefused(
            f"AWS_WEB_IDENTITY_TOKEN_FILE cannot be read: {error.strerror}.",
            "Write the token into it in this job, or unset it.",
            code="no-id-token",
        ) from error


def _from_runner(settings: Settings, audience: str) -> str | None:
    """GitHub's runner makes one for whoever has its address and its own token."""
    url, secret = settings.id_token_url, settings.id_token_request
    if url is None or secret is None:
        return None
    try:
        answer = requests.get(
            url, {"audience": audience}, headers={"Authorization": f"Bearer {secret.reveal()}"}, timeout=_TIMEOUT,
            allow_redirects=False,
        )  # fmt: skip
        answer.raise_for_status()
        return str(answer.json()["value"])
    except (requests.RequestException, ValueError, LookupError, TypeError) as error:
        raise PlatformRefused(
            f"The runner gives no identity token: {type(error).__name__}.",
            "Check that the job has the permission id-token: write, and run it again.",
            code="no-id-token",
        ) from None
