"""Whether a job of GitLab is in a pipeline, by its ``rules``: conditions on variables, as far as ours go.

Source: https://docs.gitlab.com/ci/jobs/job_rules/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOKEN_RE = re.compile(r'\s*(\$\w+|"[^"]*"|/(?:\\/|[^/])+/|=~|!~|==|!=|&&|\|\||\(|\)|null)')


def runs(job: Mapping[str, Any], variables: Mapping[str, str]) -> bool:
    """Whether the job is in the pipeline with these variables. One without rules is in those of branches and tags."""
    if "rules" not in job:
        return variables.get("CI_PIPELINE_SOURCE") != "merge_request_event"
    for rule in job["rules"]:
        if "if" not in rule or holds(rule["if"], variables):
            return rule.get("when") != "never"
    return False


def holds(condition: str, variables: Mapping[str, str]) -> bool:
    """Whether a condition holds. A variable that is not there is null, which is not the empty text."""
    tokens, place = [], 0
    while place < len(condition.rstrip()):
        match = _TOKEN_RE.match(condition, place)
        assert match, condition[place:]
        tokens.append(match[1])
        place = match.end()
    found = _or(tokens, variables)
    assert not tokens, tokens
    return found


def _or(tokens: list[str], variables: Mapping[str, str]) -> bool:
    found = _and(tokens, variables)
    while tokens[:1] == ["||"]:
        tokens.pop(0)
        found = _and(tokens, variables) or found
    return found


def _and(tokens: list[str], variables: Mapping[str, str]) -> bool:
    found = _one(tokens, variables)
    while tokens[:1] == ["&&"]:
        tokens.pop(0)
        found = _one(tokens, variables) and found
    return found


def _one(tokens: list[str], variables: Mapping[str, str]) -> bool:
    if tokens[0] == "(":
        tokens.pop(0)
        found = _or(tokens, variables)
        assert tokens.pop(0) == ")"
        return found
    left = _value(tokens.pop(0), variables)
    if tokens[:1] and tokens[0] in ("==", "!="):
        same = tokens.pop(0) == "=="
        return (left == _value(tokens.pop(0), variables)) is same
    if tokens[:1] and tokens[0] in ("=~", "!~"):
        wanted = tokens.pop(0) == "=~"
        pattern = tokens.pop(0)[1:-1].replace("\\/", "/")
        return (left is not None and re.search(pattern, left) is not None) is wanted
    return bool(left)


def _value(token: str, variables: Mapping[str, str]) -> str | None:
    if token[0] == "$":
        return variables.get(token[1:])
    return None if token == "null" else token[1:-1]
