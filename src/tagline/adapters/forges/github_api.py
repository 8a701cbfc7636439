"""What the adapters of GitHub's REST API share: the client, and its failures in our words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import github
import requests
from github.GithubException import (
    BadAttributeException,
    GithubException,
    IncompletableObject,
    RateLimitExceededException,
)
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, RequestsResponse

from tagline.adapters.forges import refusals as forge_refusals
from tagline.adapters.forges.json_answers import JsonAdapter, OddAnswer
from tagline.adapters.forges.refusals import ElsewhereError, Refusal, elsewhere, explain, misshapen, unreachable
from tagline.adapters.http import retries as http_retries
from tagline.domain.text.origins import origin_of
from tagline.errors import PlatformRefused
from tagline.settings import Secret


class _Retry(github.GithubRetry, http_retries.PatientRetry):  # type: ignore[misc] # they differ in a name
    """PyGithub's, which knows GitHub's rate limits by their words, with our bound on waiting."""


#: GitHub's for what has another address, of a renamed repository too: the same request is for that address.
#: Source: https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
_REDIRECTS = frozenset((301, 302, 307, 308))
_MOST_REDIRECTS = 5
#: What PyGithub and we fail with where an answer is not GitHub's.
GARBLED = (BadAttributeException, IncompletableObject, *forge_refusals.GARBLED)
#: Where GitHub answers with an object although a page of a list is asked for.
#: A branch in the address may have slashes.
_OBJECTS_RE = re.compile(r"/(actions/runs|compare/.+\.\.\..+)$")


class _OneServer:
    """A connection of PyGithub's that follows redirects by itself, within the server that was named.

    PyGithub follows some, drops the question that goes with them, and does not look at the port.
    """

    def __init__(self: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        adapter = JsonAdapter(self.retry, follows=_REDIRECTS, objects=_OBJECTS_RE)
        self.session.mount(f"{self.protocol}://", adapter)

    def getresponse(self: Any) -> RequestsResponse:
        """Send the request, and again to where it is sent on. Raises ElsewhereError for another server."""
        url = f"{self.protocol}://{self.host}:{self.port}{self.url}"
        own = origin_of(url)
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self.session.request(
                self.verb,
                url,
                headers=self.headers,
                data=self.input,
                timeout=self.timeout,
                verify=self.verify,
                allow_redirects=False,
            )
            location = answer.headers.get("Location", "")
            if answer.status_code not in _REDIRECTS or not location:
                return RequestsResponse(answer)
            url = _joined(url, location)
            if own is None or origin_of(url) != own:
                raise ElsewhereError("GitHub", own, origin_of(url))
        raise requests.TooManyRedirects(f"{own} sends us on and on.")


class _Plain(_OneServer, HTTPRequestsConnectionClass):
    pass


class _Encrypted(_OneServer, HTTPSRequestsConnectionClass):
    pass


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def client(api_url: str, token: Secret | None) -> github.Github:
    """A client whose objects are lazy: one that only carries a URL costs no request."""
    made = github.Github(
        base_url=api_url.rstrip("/"),
        auth=github.Auth.Token(token.reveal()) if token else None,
        per_page=100,
        lazy=True,
        timeout=30,
        # GitHub asks for pauses between writes of a crowd; a run writes two things.
        seconds_between_requests=None,
        seconds_between_writes=None,
        retry=_Retry(
            secondary_rate_wait=60,
            max_rate_limit_wait=http_retries.LONGEST_WAIT,
            status_forcelist=list(http_retries.STATUSES),
            **http_retries.options(),
        ),
    )
    # The library has only a switch for all clients of a process, which costs a connection a request.
    setattr(made.requester, "_Requester__connectionClass", _Plain if api_url.startswith("http://") else _Encrypted)  # noqa: B010
    return made


def text(value: object) -> str:
    """A text of an answer, which PyGithub gives as None where there is none. Raises TypeError, one of ``GARBLED``."""
    if not isinstance(value, str):
        raise TypeError(f"no text, but {type(value).__name__}")
    return value


def refusal_of(error: Exception) -> Refusal:
    """What the library's exception says, in words of both forges."""
    if not isinstance(error, GithubException):
        return Refusal(0, str(error), None, rate_limited=False)
    data: Any = error.data
    message = data.get("message") if isinstance(data, Mapping) else data
    headers = error.headers or {}
    asked = headers.get("retry-after") or headers.get("Retry-After") or ""
    wait = float(asked) if asked.isdigit() else None
    limited = isinstance(error, RateLimitExceededException) or error.status == 429 or wait is not None
    return Refusal(error.status, str(message or error.status), wait, limited)


def is_passing(error: Exception) -> float | None:
    """The seconds to wait before it is tried again; None for what stays as it is."""
    if isinstance(error, (ElsewhereError, OddAnswer)):
        return None
    if isinstance(error, requests.RequestException):
        return 0.0
    if isinstance(error, GithubException):
        refusal = refusal_of(error)
        if refusal.status in http_retries.STATUSES or refusal.rate_limited:
            return refusal.wait or 0.0
    return None


def explained(web_url: str, error: Exception) -> PlatformRefused:
    """The error for a failure that repeating did not mend."""
    if isinstance(error, ElsewhereError):
        return elsewhere(error, "GITHUB_API_URL")
    if isinstance(error, requests.RequestException):
        return unreachable(web_url, error)
    if isinstance(error, GARBLED):
        return misshapen(web_url, error)
    return explain("GitHub", refusal_of(error))
