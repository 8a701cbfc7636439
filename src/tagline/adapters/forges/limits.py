"""Both forges' rate limits: which answers are one, how long to wait, and what to say where that is too long.

A limited request was not carried out, so a POST may wait as a GET does.
Sources: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api,
https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from tagline.adapters.http.retries import FAULTS, LONGEST_WAIT, PatientRetry, options

#: GitHub says so with 403 too, where only its words or headers tell it from a denial.
_WORDS_RE = re.compile(rb"rate limit|abuse detection", re.IGNORECASE)
#: Seconds to wait where the forge does not say how long: at least a minute, then longer, then no more.
_PAUSES = (60.0, 120.0)
#: Seconds: so long a request may wait in all.
_MOST_WAITED = sum(_PAUSES)
_READ = 4_000


class FaultRetry(PatientRetry):
    """Repeats what failed; a limit is no fault, and waited for in :func:`patient`, whatever the method."""

    RETRY_AFTER_STATUS_CODES = frozenset((503,))


def fault_retry() -> FaultRetry:
    """The retries of both forges' connections."""
    return FaultRetry(status_forcelist=FAULTS, **options())


class LimitReached(requests.RequestException):
    """The forge limits the rate of this token for longer than we wait. ``ends_in`` is in seconds; None: unknown."""

    def __init__(self, response: requests.Response, ends_in: float | None) -> None:
        self.status = response.status_code
        self.words = _words(response)
        self.ends_in = ends_in
        super().__init__(self.words, request=response.request, response=response)


def is_limited(response: requests.Response) -> bool:
    """Whether an answer says that too much was asked."""
    if response.status_code != 403:
        return response.status_code == 429
    headers = response.headers
    told = "Retry-After" in headers or headers.get("X-RateLimit-Remaining") == "0"
    return told or _WORDS_RE.search(response.content[:_READ]) is not None


def patient(send: Callable[[], requests.Response], *, sleep: Callable[[float], None] = time.sleep) -> requests.Response:
    """Send a request, and again after the waits that a limit asks for. Raises LimitReached where they are too long."""
    waited = 0.0
    for unasked in (*_PAUSES, None):
        response = send()
        if not is_limited(response):
            return response
        asked = _asked_wait(response)
        if unasked is None:
            break
        pause = unasked if asked is None else asked
        if pause > LONGEST_WAIT or waited + pause > _MOST_WAITED:
            break
        _ = response.content  # read to its end, so that the connection serves again
        sleep(pause)
        waited += pause
    raise LimitReached(response, asked)


def _asked_wait(response: requests.Response) -> float | None:
    """The seconds until the limit ends; None where the forge does not say."""
    headers = response.headers
    if told := headers.get("Retry-After"):
        try:
            return max(float(Retry().parse_retry_after(told)), 0.0)
        except InvalidHeader:
            return None
    spent = headers.get("X-RateLimit-Remaining") == "0" or headers.get("RateLimit-Remaining") == "0"
    ends = headers.get("X-RateLimit-Reset") or headers.get("RateLimit-Reset") or ""
    # It ends within that second, nobody says where in it.
    return max(int(ends) + 1 - time.time(), 0.0) if spent and ends.isdecimal() and len(ends) < 12 else None


def _words(response: requests.Response) -> str:
    """What the forge says of it: JSON with a message, else the text."""
    try:
        document = response.json()
    except ValueError:
        return response.text[:_READ]
    message = document.get("message") or document.get("error") if isinstance(document, dict) else document
    return str(message or response.status_code)
