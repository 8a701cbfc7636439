"""Checks what was said to and by a GitHub API against GitHub's own description of it (OpenAPI 3.0)."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft4Validator, FormatChecker
from jsonschema.exceptions import best_match

from tagline_localforge import Exchange
from tests.localforge.checked import fingerprint

#: GitHub's description of the routes that we use; it lies beside the checkout, not in it.
CONTRACT = Path(__file__).parents[3] / "shared" / "contracts" / "github-openapi-subset.json"
#: The same routes as GitHub Enterprise Server has them.
GHES_CONTRACT = CONTRACT.with_name("github-openapi-subset-ghes-3.17.json")
#: More of them, which those leave out.
_MORE = Path(__file__).with_name("github_more.json")

_PREFIX = "/api/v3"
#: What any route may answer, documented or not.
_ANYWHERE = {301, 307, 400, 401, 403, 404, 409, 422, 429}
_ERROR = {"$ref": "#/components/schemas/basic-error"}
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@_FORMATS.checks("uri")
def _is_address(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[a-z][a-z0-9+.-]*:[^\s<>{}]+", value) is not None


@dataclass(frozen=True)
class _Operation:
    method: str
    template: str
    pattern: re.Pattern[str]
    parameters: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any]
    responses: Mapping[str, Any]


class ContractChecker:
    """An observer of a server: ``violations`` collects what GitHub's description does not allow."""

    def __init__(self, path: Path = CONTRACT) -> None:
        self._document, self._root, self._right = _read(path)
        # A name at the end takes what has slashes: longer paths go before it.
        self._operations = sorted(
            self._read_operations(), key=lambda operation: (operation.template.count("{"), -len(operation.template))
        )
        self._wrong: set[int] = set()
        self.violations: list[str] = []
        #: How many different exchanges were checked.
        self.checked = 0

    def __call__(self, exchange: Exchange) -> None:
        if exchange.is_git or exchange.path.startswith("/api/v4/") or "/-/" in exchange.path:
            return  # Git, GitLab's API, and its pages
        said = (exchange.method, exchange.path, dict(exchange.query), exchange.json, exchange.status, exchange.answer)
        key = fingerprint(said)
        if key not in self._right and key not in self._wrong:
            self.checked += 1
            where = f"{exchange.method} {exchange.path}"
            problems = [f"{where}: {problem}" for problem in self._problems(exchange)]
            self.violations += problems
            (self._wrong if problems else self._right).add(key)

    def _problems(self, exchange: Exchange) -> Iterator[str]:
        # By its number a repository is asked for where a redirect says so; the answers are the same.
        path = re.sub(r"^/repositories/\d+", "/repos/-/-", exchange.path.removeprefix(_PREFIX))
        found = self._find(exchange.method, path)
        if found is None:
            yield "GitHub's description has no such operation"
            return
        operation, values = found
        yield from self._parameter_problems(operation, values, exchange.query)
        yield from self._request_problems(operation, exchange.json)
        if exchange.status:
            yield from self._response_problems(operation, exchange.status, exchange.answer)

    def _find(self, method: str, path: str) -> tuple[_Operation, dict[str, str]] | None:
        for operation in self._operations:
            if operation.method == method and (match := operation.pattern.fullmatch(path)):
                return operation, {name: unquote(value) for name, value in match.groupdict().items()}
        return None

    def _parameter_problems(
        self, operation: _Operation, values: Mapping[str, str], query: Mapping[str, str]
    ) -> Iterator[str]:
        known = {(each["in"], each["name"]): each["schema"] for each in operation.parameters}
        given = [("path", *pair) for pair in values.items()] + [("query", *pair) for pair in query.items()]
        for place, name, value in given:
            schema = known.get((place, name))
            if schema is None:
                yield f"no {place} parameter {name}"
            else:
                yield from self._invalid(f"{place} parameter {name}", _typed(value, schema), schema)
        for each in operation.parameters:
            if each["in"] == "query" and each.get("required") and each["name"] not in query:
                yield f"the query parameter {each['name']} is missing"

    def _request_problems(self, operation: _Operation, sent: Any) -> Iterator[str]:
        schema = _json_schema(operation.body)
        if sent is None:
            if operation.body.get("required"):
                yield "the request has no body"
            return
        if schema is None:
            yield "the operation takes no body"
            return
        if isinstance(sent, list) and operation.template.endswith("/labels"):
            # In prose the description allows the bare list, which PyGithub sends; in its schema it does not.
            sent = {"labels": sent}
        yield from self._invalid("request", sent, schema)

    def _response_problems(self, operation: _Operation, status: int, answer: Any) -> Iterator[str]:
        documented = operation.responses.get(str(status))
        if documented is None:
            if status not in _ANYWHERE and status < 500:
                yield f"no answer {status}"
            elif answer is not None:
                yield from self._invalid(f"answer {status}", answer, _ERROR)
            return
        schema = _json_schema(self._resolved(documented)) or (_ERROR if status >= 400 else None)
        if schema is not None:
            yield from self._invalid(f"answer {status}", answer, schema)
        elif answer is not None:
            yield f"the answer {status} has no content"

    def _invalid(self, what: str, value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
        error = best_match(self._root.evolve(schema=schema).iter_errors(value))
        if error is not None:
            yield f"{what}: at {error.json_path}: {error.message[:300]}"

    def _read_operations(self) -> Iterator[_Operation]:
        for template, methods in self._document["paths"].items():
            for method, operation in methods.items():
                parameters = tuple(self._resolved(each) for each in operation.get("parameters", ()))
                body, responses = operation.get("requestBody", {}), operation["responses"]
                yield _Operation(method.upper(), template, _pattern(template), parameters, body, responses)

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in node:
            return node
        found: Any = self._document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found


@functools.cache
def _read(path: Path) -> tuple[Any, Draft4Validator, set[int]]:
    """The description, what judges by it, and the exchanges that any test found to be as it says."""
    document = json.loads(path.read_text())
    document["paths"] |= json.loads(_MORE.read_text())["paths"]
    # Its schema says an instant; its prose says the ranges of GitHub's searches, which is what it takes.
    document["components"]["parameters"]["created"]["schema"].pop("format")
    document = _translated(document)
    for name in ("basic-error", "validation-error"):
        # Of refusals it describes less than GitHub says: each has a status, as a text.
        del document["components"]["schemas"][name]["additionalProperties"]
    return document, Draft4Validator(document, format_checker=_FORMATS), set()


def _pattern(template: str) -> re.Pattern[str]:
    """A name at the end may have slashes: paths, branches, and labels, whose slashes PyGithub does not quote."""
    ending = re.sub(r"\{(ref|branch|path|basehead|name)\}$", r"(?P<\1>.+)", template)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", ending))


def _json_schema(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return content.get("content", {}).get("application/json", {}).get("schema")


def _typed(value: str, schema: Mapping[str, Any]) -> Any:
    """A parameter's text as the value that its schema speaks of."""
    kind = schema.get("type")
    if kind == "integer" and value.isdigit():
        return int(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    return value


def _translated(node: Any) -> Any:
    """OpenAPI's ``nullable`` in words of JSON Schema, also where it stands beside no ``type``."""
    if isinstance(node, list):
        return [_translated(each) for each in node]
    if not isinstance(node, dict):
        return node
    translated = {name: _translated(value) for name, value in node.items()}
    if isinstance(node.get("properties"), dict) and node.get("type") == "object":
        # GitHub passes over what it does not know, and may say more one day; for us both are typing errors.
        translated.setdefault("additionalProperties", False)
    # A property may have that name too; then it is a schema.
    if translated.get("nullable") is True:
        return {"anyOf": [{"type": "null"}, translated]}
    return translated
