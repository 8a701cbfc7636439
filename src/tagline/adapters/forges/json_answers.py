"""HTTP whose answers are documents of the shape that was asked for.

Both forges' libraries take a proxy's page, an empty body or a redirect for an answer: some of them as an empty
list, which would be wrong without a word. What is no document is an error here, which says what came.
"""

from __future__ import annotations

import json
import re
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tagline.adapters.forges.limits import patient
from tagline.domain.text.origins import origin_of

_LISTS_RE = re.compile(r"[?&]per_page=")
_TOKENS = ("Authorization", "Private-Token", "Job-Token")
_MOST_WORDS = 80
_READ = 4_000
_MARKUP_RE = re.compile(r"(?is)<(script|style)\b.*?(?:</\1>|\Z)|<[/!a-z][^>]*>?")


def without_markup(page: str) -> str:
    """The words of a page in one line: nobody reads its tags, styles and scripts in an error."""
    return " ".join(_MARKUP_RE.sub(" ", page).split())


class OddAnswer(requests.RequestException):
    """What came is no answer of a forge's API; the message says what it is, in a line without a stop at its end."""


class JsonAdapter(HTTPAdapter):
    """Lets documents pass, errors, and redirects that will be followed.

    ``follows`` are the redirects that somebody above follows. With ``per_page`` in the address a list of objects is
    asked for, elsewhere an object; ``objects`` are the paths whose lists are inside of an object.
    """

    def __init__(
        self, retries: Retry | int, *, follows: frozenset[int], objects: re.Pattern[str] | None = None
    ) -> None:
        super().__init__(max_retries=retries)
        self._follows = follows
        self._objects = objects

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        """Send a request. Raises OddAnswer for what is no answer to it, and LimitReached."""
        send = super().send
        response = patient(lambda: send(request, *arguments, **named))
        fault = self._fault(request, response)
        if fault is not None:
            raise OddAnswer(f"{fault} ({_described(request, response)})", request=request, response=response)
        return response

    def _fault(self, request: requests.PreparedRequest, response: requests.Response) -> str | None:
        reads = request.method in ("GET", "HEAD")
        status = response.status_code
        if status >= 400:
            return None  # an error, which the libraries tell
        if status >= 300:
            if status not in self._follows:
                return "a redirect that is not followed"
            return None if response.headers.get("Location") else "a redirect without an address"
        if status == 204 and not reads:
            return None if not response.content else "a page where nothing should be"
        if reads and status != 200:
            return "no answer to a question"
        return self._shape(request.url or "", response.content)

    def _shape(self, url: str, body: bytes) -> str | None:
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return "no JSON" if body else "an empty answer"
        path, _, query = url.partition("?")
        if not _LISTS_RE.search(f"?{query}") or (self._objects is not None and self._objects.search(path)):
            return None if isinstance(document, dict) else "JSON that is no object"
        if not isinstance(document, list):
            return "JSON that is no list"
        return None if all(isinstance(item, dict) for item in document) else "a list of other things than objects"


def _described(request: requests.PreparedRequest, response: requests.Response) -> str:
    """What came, in a line: status, content type, first words. A page may repeat the token that it was asked with."""
    said = response.content[:_READ].decode(errors="replace")
    for name in _TOKENS:
        token = request.headers.get(name, "")
        for secret in (token, str(token).rpartition(" ")[2]):
            said = said.replace(str(secret), "***") if secret else said
    words = without_markup(said)[:_MOST_WORDS]
    kind = response.headers.get("Content-Type", "").partition(";")[0][:_MOST_WORDS] or "no content type"
    to = origin_of(response.headers.get("Location", ""))
    return f"HTTP {response.status_code}, {kind}{f', to {to}' if to else ''}{f', {words!r}' if words else ''}"
