"""What the parts of GitLab's REST API share: the client, and its failures in our words."""

from __future__ import annotations

from typing import Any

import gitlab
import requests
from gitlab.exceptions import GitlabError

from tagline.adapters.forges.json_answers import JsonAdapter, OddAnswer
from tagline.adapters.forges.limits import LimitReached, fault_retry
from tagline.adapters.forges.refusals import (
    ElsewhereError,
    Refusal,
    elsewhere,
    explain,
    limited,
    misshapen,
    unreachable,
)
from tagline.adapters.http import retries as http_retries
from tagline.domain.text.origins import origin_of
from tagline.errors import PlatformRefused
from tagline.settings import Secret

PER_PAGE = 100
#: Those that requests follows, within the server.
_REDIRECTS = frozenset((301, 302, 303, 307, 308))


class _OneServer(requests.Session):
    """A session that asks one server only: requests would take GitLab's headers of tokens along to any other.

    Redirects come by here, and addresses of next pages.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, **named: Any) -> requests.Response:
        """Send a request. Raises ElsewhereError for another scheme, host or port."""
        # As requests itself writes it: a name in any alphabet becomes one of DNS.
        own = origin_of(requests.Request("GET", self._url).prepare().url or "")
        other = origin_of(request.url or "")
        if own is None or other != own:
            raise ElsewhereError("GitLab", own, other)
        return super().send(request, **named)


class _Client(gitlab.Gitlab):
    """python-gitlab, with the retries of both forges instead of its own, which know no end of patience."""

    def http_request(self, *arguments: Any, **named: Any) -> requests.Response:
        """Send a request once more only as the session's adapter decides."""
        return super().http_request(*arguments, **{**named, "obey_rate_limit": False, "retry_transient_errors": False})


def client(server_url: str, token: Secret | None, *, job_token: bool) -> gitlab.Gitlab:
    """python-gitlab with a token, a job's own or another."""
    session = _OneServer(server_url)
    retry = fault_retry()
    for scheme in ("http://", "https://"):
        session.mount(scheme, JsonAdapter(retry, follows=_REDIRECTS))
    text = token.reveal() if token else None
    return _Client(
        server_url,
        private_token=None if job_token else text,
        job_token=text if job_token else None,
        per_page=PER_PAGE,
        timeout=30,
        keep_base_url=True,
        session=session,
    )


def username(user: dict[str, Any] | None) -> str | None:
    """Whose something is; None for people who are gone."""
    return user["username"] if user else None


def is_passing(error: Exception) -> float | None:
    """The seconds to wait before it is tried again; None for what stays as it is, or was waited for already."""
    if isinstance(error, (ElsewhereError, OddAnswer, LimitReached)):
        return None
    if isinstance(error, requests.RequestException):
        return 0.0
    passes = isinstance(error, GitlabError) and error.response_code in (*http_retries.FAULTS, 409)
    return 0.0 if passes else None


def explained(web_url: str, error: Exception) -> PlatformRefused:
    """The error for a failure that repeating did not mend."""
    if isinstance(error, ElsewhereError):
        return elsewhere(error, "CI_API_V4_URL (external_url of GitLab)")
    if isinstance(error, LimitReached):
        return explain("GitLab", limited(error))
    if isinstance(error, GitlabError) and error.response_code:
        status = error.response_code
        words: object = error.error_message
        said = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
        return explain("GitLab", Refusal(status, said))
    if isinstance(error, requests.RequestException):
        return unreachable(web_url, error)
    return misshapen(web_url, error)
