"""Checks what a GitLab API answered against the shapes that GitLab's own code gives (JSON Schema)."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match

from tagline_localforge import Exchange
from tests.localforge.checked import fingerprint

#: GitLab's shapes; they lie beside the checkout, not in it.
CONTRACT = Path(__file__).parents[3] / "shared" / "contracts" / "gitlab-schemas.json"
#: More operations, which that one leaves out.
_MORE = Path(__file__).with_name("gitlab_more.json")

_PREFIX = "/api/v4"
#: What GitLab says beside the shapes: a reason, by one of two names.
_ERROR = {"type": "object", "anyOf": [{"required": ["message"]}, {"required": ["error"]}]}
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True)
class _Operation:
    method: str
    pattern: re.Pattern[str]
    #: A query parameter that makes it another operation than the same path without it.
    parameter: str
    answers: Mapping[str, Any]


class GitLabChecker:
    """An observer of a server: ``violations`` collects what GitLab's shapes do not allow."""

    def __init__(self) -> None:
        self._document, self._root, self._right = _read()
        self._operations = [_operation(name, answers) for name, answers in self._document["operations"].items()]
        self._wrong: set[int] = set()
        self.violations: list[str] = []
        #: How many different exchanges were checked.
        self.checked = 0

    def __call__(self, exchange: Exchange) -> None:
        if exchange.is_git or not exchange.path.startswith(f"{_PREFIX}/"):
            return
        by_job = "job-token" in exchange.headers
        said = (exchange.method, exchange.path, dict(exchange.query), by_job, exchange.status, exchange.answer)
        key = fingerprint(said)
        if key not in self._right and key not in self._wrong:
            self.checked += 1
            where = f"{exchange.method} {exchange.path}"
            problems = [f"{where}: {problem}" for problem in self._problems(exchange, by_job=by_job)]
            self.violations += problems
            (self._wrong if problems else self._right).add(key)

    def _problems(self, exchange: Exchange, *, by_job: bool) -> Iterator[str]:
        found = self._find(exchange)
        if found is None:
            yield "no operation of GitLab's that we know"
            return
        status, answer = exchange.status, exchange.answer
        if status == 0 or status >= 500:
            return
        if status >= 400:
            yield from self._invalid(status, answer, _ERROR if answer is not None else True)
        elif status in (204, 301):
            yield from [f"the answer {status} has content"] if answer is not None else []
        else:
            yield from self._invalid(status, answer, _schema(found.answers))
            yield from _disorder(found.answers.get("order"), answer)
        if by_job and status < 300 and not found.answers.get("job_token", True):
            yield "a job token is answered, which GitLab does not let do that"

    def _find(self, exchange: Exchange) -> _Operation | None:
        path = exchange.path.removeprefix(_PREFIX)
        for operation in self._operations:
            known = operation.method == exchange.method and operation.pattern.fullmatch(path) is not None
            if known and (not operation.parameter or operation.parameter in exchange.query):
                return operation
        return None

    def _invalid(self, status: int, answer: Any, schema: Any) -> Iterator[str]:
        error = best_match(self._root.evolve(schema=schema).iter_errors(answer))
        if error is not None:
            yield f"answer {status}: at {error.json_path}: {error.message[:300]}"


@functools.cache
def _read() -> tuple[Any, Draft202012Validator, set[int]]:
    """The shapes, what judges by them, and the exchanges that any test found to be as they say."""
    document, more = json.loads(CONTRACT.read_text()), json.loads(_MORE.read_text())
    # GitLab's own word goes first: ours fills in the shapes that it leaves out, and changes none.
    for name, answers in more["operations"].items():
        assert not set(answers) & set(document["operations"].get(name, {})), name
        document["operations"].setdefault(name, {}).update(answers)
    assert not set(more["schemas"]) & set(document["schemas"])
    document["schemas"] |= more["schemas"]
    return document, Draft202012Validator(document, format_checker=_FORMATS), set()


def _operation(name: str, answers: Mapping[str, Any]) -> _Operation:
    method, _, address = name.partition(" ")
    path, _, parameter = address.partition("?")
    pattern = re.compile(re.sub(r":\w+", "[^/]+", path))
    return _Operation(method, pattern, parameter.rstrip("="), answers)


def _schema(answers: Mapping[str, Any]) -> Any:
    if "list_of" in answers:
        return {"type": "array", "items": {"$ref": f"#/schemas/{answers['list_of']}"}}
    return {"$ref": f"#/schemas/{answers['schema']}"}


def _disorder(order: str | None, answer: Any) -> Iterator[str]:
    if order == "id desc" and isinstance(answer, list):
        ids = [row["id"] for row in answer]
        if ids != sorted(ids, reverse=True):
            yield f"not the newest first: {ids}"
