"""Requests, responses, routes and pages: what both APIs have in common."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, unquote, urlencode

_T = TypeVar("_T")
_MOST_PER_PAGE = 100
#: ``{name}`` is one segment, ``{name:int}`` a number, ``{name:path}`` may have slashes.
_PATTERNS = {"": "[^/]+", "int": r"\d+", "path": ".+"}


class Drop(Exception):
    """Raised by a hook: close the connection without an answer."""


class ApiError(Exception):
    """An answer other than success; each API words it its own way."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(message)
        self.headers = dict(headers or {})
        self.status = status
        self.message = message
        self.more = more


@dataclass
class Request:
    """A request as it came. Header names are in lower case, ``path`` is still quoted."""

    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes
    #: The server's address.
    url: str
    #: Set by a hook: do what is asked, then close the connection without an answer.
    drop_answer: bool = False

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of a repeated one the last."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def json(self) -> Any:
        """The body as JSON, or as a form's fields; None if it is neither."""
        if "x-www-form-urlencoded" in self.headers.get("content-type", ""):
            return dict(parse_qsl(self.body.decode()))
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def password(self) -> str | None:
        """The token of ``Authorization``, be it basic, bearer or token."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return value.strip() or None
        return base64.b64decode(value).decode(errors="replace").partition(":")[2]


@dataclass
class Response:
    """An answer. ``json`` None: ``body`` as it is."""

    status: int = 200
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def content(self) -> bytes:
        """The bytes to send."""
        return self.body if self.json is None else json.dumps(self.json).encode()


@dataclass(frozen=True)
class Exchange:
    """A request and what was answered; ``status`` 0 if the connection was closed instead."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    json: Any
    status: int
    answer: Any
    answer_headers: Mapping[str, str]
    is_git: bool = False


@dataclass(frozen=True)
class Page(Generic[_T]):
    """One page of a list, and where it lies among the others."""

    items: Sequence[_T]
    number: int
    size: int
    total: int

    @property
    def last(self) -> int:
        """The number of the last page; an empty list has one."""
        return max(1, -(-self.total // self.size))

    def links(self, address: str, query: Mapping[str, str]) -> str:
        """The ``Link`` header."""
        numbers = {"prev": self.number - 1, "next": self.number + 1, "last": self.last, "first": 1}
        shown = {"prev": self.number > 1, "next": self.number < self.last}
        shown |= {"last": self.number < self.last, "first": self.number > 1}
        return ", ".join(
            f'<{address}?{urlencode({**query, "page": numbers[rel]})}>; rel="{rel}"' for rel in numbers if shown[rel]
        )


def page(items: Sequence[_T], query: Mapping[str, str], *, default: int) -> Page[_T]:
    """The page that ``query`` asks for."""
    size = min(max(_number(query.get("per_page"), default), 1), _MOST_PER_PAGE)
    number = max(_number(query.get("page"), 1), 1)
    return Page(items[(number - 1) * size : number * size], number, size, len(items))


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdigit() else default


class Routes(Generic[_T]):
    """Which handler answers which method and path."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], _T]] = []

    def __call__(self, method: str, template: str) -> Callable[[_T], _T]:
        """Register the decorated handler for ``template``."""

        def register(handler: _T) -> _T:
            self._routes.append((method, _pattern(template), handler))
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[_T, dict[str, str]] | None:
        """The handler of a quoted path, and the path's parameters, unquoted."""
        for registered, pattern, handler in self._routes:
            if registered == method and (match := pattern.fullmatch(path)):
                return handler, {name: unquote(value) for name, value in match.groupdict().items()}
        return None


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(?::(\w+))?\}", template)
    pattern = re.escape(parts[0])
    for name, kind, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        pattern += f"(?P<{name}>{_PATTERNS[kind or '']}){re.escape(text)}"
    return re.compile(pattern)
