"""What the adapters of GitHub's REST API share: the client, and its failures in our words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import github
import requests
from github.GithubException import BadAttributeException, GithubException, IncompletableObject
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, RequestsResponse

from tagline.adapters.forges import refusals as forge_refusals
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

#: GitHub's for what has another address, of a renamed repository too: the same request is for that address.
#: Source: https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
_REDIRECTS = frozenset((301, 302, 307, 308))
_MOST_REDIRECTS = 5
#: The newest that every server we know has (GHES since 3.9); an older one ignores it.
#: Source: https://docs.github.com/rest/about-the-rest-api/api-versions
_API_VERSION = "2022-11-28"
#: What PyGithub and we fail with where an answer is not GitHub's.
GARBLED = (BadAttributeException, IncompletableObject, *forge_refusals.GARBLED)
#: Where GitHub answers with an object although a page of a list is asked for.
#: A branch in the address may have slashes.
_OBJECTS_RE = re.compile(r"/(actions/(runs|workflows|runs/\d+/attempts/\d+/jobs)|compare/.+\.\.\..+)$")


class _OneServer:
    """A connection of PyGithub's that follows redirects by itself, within the server that was named.

    PyGithub follows some, drops the question that goes with them, and does not look at the port.
    """

    def __init__(self: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        adapter = JsonAdapter(self.retry, follows=_REDIRECTS, objects=_OBJECTS_RE)
        self.session.mount(f"{self.protocol}://", adapter)
        self.session.headers["X-GitHub-Api-Version"] = _API_VERSION

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
        # Not PyGithub's, which waits for limits in its own way.
        retry=fault_retry(),
    )
    # The library has only a switch for all clients of a process, which costs a connection a request.
    setattr(made.requester, "_Requester__connectionClass", _Plain if api_url.startswith("http://") else _Encrypted)  # noqa: B010
    return made


def text(value: object) -> str:
    """A text of an answer, which PyGithub gives as None where there is none. Raises TypeError, one of ``GARBLED``."""
    if not isinstance(value, str):
        raise TypeError(f"no text, but {type(value).__name__}")
    return value


def login(user: Any) -> str | None:
    """Whose something is; None for people who are gone."""
    return user.login if user is not None else None


def refusal_of(error: Exception) -> Refusal:
    """What the library's exception says, in words of both forges."""
    if isinstance(error, LimitReached):
        return limited(error)
    if not isinstance(error, GithubException):
        return Refusal(0, str(error))
    data: Any = error.data
    # Under "data" PyGithub puts what is no JSON: the page of something in front of GitHub.
    message = data.get("message") or data.get("data") if isinstance(data, Mapping) else data
    return Refusal(error.status, ": ".join([str(message or error.status), *_details(data)]))


def _details(data: Any) -> list[str]:
    """What is wrong with a field, which GitHub's "Validation Failed" leaves to a list of its own."""
    errors = data.get("errors") if isinstance(data, Mapping) else None
    found = errors if isinstance(errors, list) else []
    told = [error.get("message") if isinstance(error, Mapping) else error for error in found]
    return [words for words in told if isinstance(words, str)]


def is_passing(error: Exception) -> float | None:
    """The seconds to wait before it is tried again; None for what stays as it is, or was waited for already."""
    if isinstance(error, (ElsewhereError, OddAnswer, LimitReached)):
        return None
    if isinstance(error, requests.RequestException):
        return 0.0
    return 0.0 if isinstance(error, GithubException) and error.status in http_retries.FAULTS else None


def explained(web_url: str, error: Exception) -> PlatformRefused:
    """The error for a failure that repeating did not mend."""
    if isinstance(error, ElsewhereError):
        return elsewhere(error, "GITHUB_API_URL")
    if isinstance(error, LimitReached):
        return explain("GitHub", limited(error))
    if isinstance(error, requests.RequestException):
        return unreachable(web_url, error)
    if isinstance(error, GARBLED):
        return misshapen(web_url, error)
    return explain("GitHub", refusal_of(error))
