"""MLflow's REST API 2.0 over HTTP: one request, its answer as a dict, its refusal as an error.

Source: https://mlflow.org/docs/latest/rest-api.html
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin

import requests

from tagline.adapters.http import retries as http_retries
from tagline.adapters.http.deadlines import Deadline, DeadlineAdapter, retry_until
from tagline.domain.mlflow.runs import query_in
from tagline.domain.text.origins import origin_of
from tagline.domain.text.public import parted, public, words_of
from tagline.errors import PlatformRefused
from tagline.settings import Login, Secret

UNREACHABLE, REFUSED = "mlflow-unreachable", "mlflow-refused"
#: Seconds: to connect, between two pieces of an answer, and for an answer as a whole, its repeats included.
_TIMEOUT = (5.0, 30.0)
LONGEST_ANSWER = 120.0
#: Bytes of one answer.
MOST_BYTES = 32 * 1024 * 1024
_PIECE = 64 * 1024
#: How often a request is repeated after a failure that may pass.
_REPEATS = 2
#: Seconds in which a server that did not answer is not asked again: a job with many artifacts waits once.
_REST = 30.0
#: Pages and rows of one list.
_MOST_PAGES, MOST_ROWS = 1_000, 100_000

Params = Mapping[str, Any]


class NoSuchThing(Exception):
    """MLflow does not have what was asked for (RESOURCE_DOES_NOT_EXIST). Whoever asked says what that means."""


class MlflowClient:
    """One server.

    ``url`` is ``http(s)://HOST[:PORT][/PATH]``; a login in it is taken out, and used where ``login`` is None.
    Every request may be repeated after a failure: only what bears being sent twice may be asked for.
    Redirects are not followed: credentials go to the server that was named, and to no other.
    Raises PlatformRefused for an address with a query or a fragment: either may be a secret, and is in every error.
    """

    def __init__(self, url: str, login: Login | None = None) -> None:
        self.url, user, password = parted(url)
        if more := query_in(self.url):
            raise PlatformRefused(
                f"MLflow at {public(self.url)} is not asked: the address has {more}.",
                "Set MLFLOW_TRACKING_URI to the server's address alone, and a secret to MLFLOW_TRACKING_TOKEN.",
                code=REFUSED,
            )
        if login is None and (user or password):
            login = Login(None, user, Secret(password) if password else None)
        self._authorization = _authorization(login)
        self._secrets = _secrets(login, self._authorization)
        self._rests_until, self._trouble = 0.0, ""
        self._deadline = Deadline()
        self._session = requests.Session()
        # Cookies are state that nobody asked for.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        retry = retry_until(self._deadline)(
            **http_retries.options()
            | {"total": _REPEATS, "allowed_methods": None, "status_forcelist": http_retries.STATUSES, "redirect": 0}
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, DeadlineAdapter(self._deadline, max_retries=retry))

    def get(self, path: str, params: Params | None = None) -> dict[str, Any]:
        """GET ``path`` below ``api/2.0/mlflow``. Raises NoSuchThing and PlatformRefused, as do the others."""
        return self._call("GET", path, params=params)

    def post(self, path: str, body: Params) -> dict[str, Any]:
        """POST a JSON object."""
        return self._call("POST", path, body=body)

    def patch(self, path: str, body: Params) -> dict[str, Any]:
        """PATCH with a JSON object."""
        return self._call("PATCH", path, body=body)

    def delete(self, path: str, body: Params) -> dict[str, Any]:
        """DELETE what a JSON object names."""
        return self._call("DELETE", path, body=body)

    def pages(self, path: str, key: str, params: Params | None = None, *, method: str = "GET") -> Iterator[Any]:
        """The items under ``key`` of all pages. ``method`` POST for searches that take their words in the body."""
        asked, rows, seen = dict(params or {}), 0, set()
        for _ in range(_MOST_PAGES):
            page = self.get(path, asked) if method == "GET" else self._call(method, path, body=asked)
            items = page.get(key, [])
            if not isinstance(items, list):
                raise self._no_mlflow(f"{key} is no list")
            yield from items
            rows += len(items)
            token = page.get("next_page_token")
            if not token:
                return
            if not isinstance(token, str) or token in seen or rows > MOST_ROWS:
                break
            seen.add(token)
            asked["page_token"] = token
        raise self._no_mlflow("its list has no end")

    # -- one request ----------------------------------------------------------

    def _call(
        self, method: str, path: str, *, params: Params | None = None, body: Params | None = None
    ) -> dict[str, Any]:
        if time.monotonic() < self._rests_until:
            raise self._unreachable(self._trouble)
        self._deadline.begin(LONGEST_ANSWER)
        try:
            answer = self._session.request(
                method,
                f"{self.url}/api/2.0/mlflow/{path}",
                params=params,
                json=body,
                headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "tagline"},
                auth=self._authorize,
                timeout=_TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                data = _whole(answer)
        except (requests.RequestException, OSError, ValueError) as error:
            # Not the error's own words: they carry the whole URL.
            late = f"its answer takes longer than {LONGEST_ANSWER:g} seconds" if self._deadline.left <= 0 else ""
            raise self._rest(late or _why(error)) from None
        return self._read(answer, data)

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Our header and no other: left alone, requests would take a login from ~/.netrc."""
        if self._authorization:
            request.headers["Authorization"] = self._authorization
        return request

    def _read(self, answer: requests.Response, data: bytes | None) -> dict[str, Any]:
        status = answer.status_code
        if 300 <= status < 400:
            raise self._refused(
                f"{self.url} sends us on to {self._clean(self._where(answer.headers.get('Location', '')))}: "
                "redirects are not followed, credentials would go along.",
                "Set MLFLOW_TRACKING_URI to the address that MLflow itself has.",
            )
        if data is None:
            raise self._no_mlflow(f"an answer of more than {MOST_BYTES // 1024 // 1024} MiB")
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            found = None
        if status == 200 and isinstance(found, dict):
            return found
        said = found if isinstance(found, dict) else {}
        if said.get("error_code") == "RESOURCE_DOES_NOT_EXIST":
            raise NoSuchThing(self._clean(said.get("message", "")))
        if status in http_retries.STATUSES:
            raise self._rest(f"it answers {status}")
        if status in (401, 403):
            raise self._refused(
                f"{self.url} does not let this job do that ({status}). {self._clean(said.get('message', ''))}".strip(),
                "Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, to a login "
                "that may read runs and models, and at promote write to them.",
            )
        if not said:
            raise self._no_mlflow(f"{status}, and no JSON object")
        words = self._clean(f"{said.get('error_code', status)}: {said.get('message', '')}")
        raise self._refused(f"{self.url} refused: {words}", "docs/mlflow.md says what is asked of MLflow.")

    def _where(self, location: str) -> str:
        """The server that a redirect names."""
        try:
            found = origin_of(urljoin(f"{self.url}/", location))
        except ValueError:
            found = None
        if found is None:
            return "an address that is none"
        return "another path of its own" if found == origin_of(self.url) else str(found)

    # -- what went wrong ------------------------------------------------------

    def _rest(self, why: str) -> PlatformRefused:
        """The error of a server that is out of order, which is let alone for a while."""
        self._rests_until, self._trouble = time.monotonic() + _REST, why
        return self._unreachable(why)

    def _unreachable(self, why: str) -> PlatformRefused:
        return PlatformRefused(
            f"MLflow at {self.url} cannot be reached: {why}.",
            "Check MLFLOW_TRACKING_URI and that this job reaches it, then run the same command again.",
            code=UNREACHABLE,
        )

    def _no_mlflow(self, what: str) -> PlatformRefused:
        return self._refused(
            f"{self.url} does not answer as MLflow does: {what}.",
            "Set MLFLOW_TRACKING_URI to the server's address, without /api or #.",
        )

    def _refused(self, message: str, hint: str) -> PlatformRefused:
        return PlatformRefused(message, hint, code=REFUSED)

    def _clean(self, words: Any) -> str:
        """A server's words for an error, without the login that it may have echoed."""
        return words_of(words, self._secrets)


def _authorization(login: Login | None) -> str:
    if login is None:
        return ""
    if login.token is not None:
        return f"Bearer {login.token.reveal()}"
    password = login.password.reveal() if login.password is not None else ""
    return "Basic " + base64.b64encode(f"{login.user}:{password}".encode()).decode()


def _secrets(login: Login | None, authorization: str) -> tuple[str, ...]:
    """What must not be repeated, the longest first."""
    login = login or Login()
    known = [secret.reveal() for secret in (login.token, login.password) if secret is not None]
    # A user without a password is a token: some servers take them so.
    known += [login.user] if login.password is None else []
    found = {*known, authorization.partition(" ")[2]} - {""}
    return tuple(sorted(found, key=len, reverse=True))


def _whole(answer: requests.Response) -> bytes | None:
    """The answer's bytes; None for more of them than an answer has."""
    data = bytearray()
    for piece in answer.iter_content(_PIECE):
        data += piece
        if len(data) > MOST_BYTES:
            return None
    return bytes(data)


def _why(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "its TLS certificate is not trusted (REQUESTS_CA_BUNDLE names a private authority's)"
    return type(error).__name__
