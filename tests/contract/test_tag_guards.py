"""The patterns of tags that users copy: guards cover every tag that moves anything, triggers what they are for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, example, given

from tagline.domain.ledger.tags import EventKind, TagName, format_tag, parse_tag, why_git_refuses
from tests.domain.ledger.test_tags import tag_names

ROOT = Path(__file__).parents[2]
PERMISSIONS, COMPONENTS = ROOT / "docs/permissions.md", ROOT / "gitlab-ci/README.md"
#: Each with what it does; a guard that only knows `*#prod#*` and `*@v*` lets most of them pass.
FORMS = (
    "churn#prod#1", "churn#prod", "churn#prod!#2", "churn#prod!", "churn#prod/eu", "churn#prod/eu/west#3",
    "churn@v1.0.0", "churn@v1.0.0#4", "churn@v1.0.0!", "churn@v1.0.0!#5", "churn@deprecated", "churn@deprecated#6",
    "dir/sub=churn#prod#1", "dir/sub=churn#prod", "dir/sub=churn#prod/eu", "a/b/c=d/churn@deprecated",
    "dir=churn@v1.0.0-rc.1+b.2!", "a/churn#prod/eu!",
)  # fmt: skip


def _ruleset() -> list[str]:
    (line,) = re.findall(r"^  Target tags: +(.+)$", PERMISSIONS.read_text(), re.MULTILINE)
    return str(line).split(", ")


def _protected(path: Path) -> list[str]:
    (text,) = re.findall(r"Protected tags\*: (.+?), allowed to create", path.read_text())
    return re.findall(r"`([^`]+)`", text)


def fnmatch(pattern: str, name: str) -> bool:
    """Ruby's File.fnmatch with FNM_PATHNAME, by which GitHub matches refs, of what the patterns use."""
    pieces = {"**/": r"(?:(?!\.)[^/]+/)*", "*": r"[^/]*"}
    expression = re.sub(r"\*\*/|\*|[^*]+", lambda each: pieces.get(each[0], re.escape(each[0])), pattern)
    # A star at the start of a part takes no dot; Git has no such refs.
    return re.fullmatch(expression, name) is not None and not re.search(r"(?:^|/)\.", name)


def wildcard(pattern: str, name: str) -> bool:
    """GitLab's: a star is any text, with slashes."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None


GUARDS = pytest.mark.parametrize(
    ("patterns", "matches"),
    [(_ruleset(), fnmatch), (_protected(PERMISSIONS), wildcard), (_protected(COMPONENTS), wildcard)],
    ids=["ruleset", "protected tags", "protected tags, components"],
)


@pytest.mark.parametrize(
    ("pattern", "name", "matched"),
    [
        ("*#*", "churn#prod", True),
        ("*#*", "dir/sub=churn#prod", False),
        ("*#*", "churn#prod/eu", False),
        ("**/*#*", "churn#prod", True),
        ("**/*#*", "a/b/churn#prod#1", True),
        ("**/*#*", "a/churn", False),
        ("*#*/**/*", "churn#prod/eu", True),
        ("*#*/**/*", "a/churn#prod/eu/west", False),
        ("**/*#*/**/*", "a/churn#prod/eu/west", True),
        ("*@v*", "churn@deprecated", False),
    ],
)
def test_fnmatch__a_star__stops_at_slashes(pattern: str, name: str, matched: bool) -> None:
    assert fnmatch(pattern, name) is matched


@GUARDS
@pytest.mark.parametrize("name", FORMS)
def test_guard__every_form_of_tag__matched(patterns: list[str], matches: object, name: str) -> None:
    assert callable(matches)
    assert parse_tag(name) is not None
    assert any(matches(pattern, name) for pattern in patterns)


@GUARDS
@given(tag=tag_names().map(format_tag))
@example(tag="churn#prod")
def test_guard__any_tag_of_the_grammar__matched(patterns: list[str], matches: object, tag: str) -> None:
    assert callable(matches)
    assert parse_tag(tag) is not None
    assume(why_git_refuses(tag) is None)
    assert any(matches(pattern, tag) for pattern in patterns)


@GUARDS
@pytest.mark.parametrize("name", ["v1.2.3", "release/2026-11", "nightly"])
def test_guard__tags_of_code__left_alone(patterns: list[str], matches: object, name: str) -> None:
    assert callable(matches)
    assert not any(matches(pattern, name) for pattern in patterns)


@pytest.mark.parametrize("name", ["permissions", "deploying", "security"])
def test_documents__require_change__said_to_guard_against_mistakes_alone(name: str) -> None:
    text = " ".join((ROOT / f"docs/{name}.md").read_text().split())
    assert "mistakes" in text
    assert re.search(r"can (be typed|type)", text)


# What starts a record of a version: its registration, and nothing else.


def filtered(patterns: list[str], name: str) -> bool:
    """GitHub's filter of ``on: push: tags``: the last pattern that matches decides, a leading ``!`` says no.

    Source: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet
    """
    said = False
    for pattern in patterns:
        stars = {"**": ".*", "*": "[^/]*"}
        parts = re.split(r"(\*+)", pattern.removeprefix("!"))
        assert not re.search(r"[?+\[\]]", pattern)
        if re.fullmatch("".join(stars.get(part) or re.escape(part) for part in parts), name):
            said = not pattern.startswith("!")
    return said


def _record_on_github(name: str) -> bool:
    document = yaml.safe_load((ROOT / "docs/examples/github/record.yml").read_text())
    return filtered(document[True]["push"]["tags"], name)  # YAML 1.1 reads "on" as true


def _record_on_gitlab(name: str) -> bool:
    document = yaml.safe_load((ROOT / "docs/examples/gitlab/record.yml").read_text())
    conditions = {rule["if"] for each in document["include"] for rule in each["inputs"]["rules"]}
    (condition,) = conditions
    expression = re.fullmatch(r"\$CI_COMMIT_TAG =~ /(.+)/", condition)
    assert expression
    return re.search(expression[1], name) is not None


RECORDS = pytest.mark.parametrize("starts", [_record_on_github, _record_on_gitlab])


@RECORDS
@pytest.mark.parametrize("name", [*FORMS, "v1.2.3", "nightly", "team@home"])
def test_record__each_form_of_tag__started_by_registrations_alone(starts: object, name: str) -> None:
    assert callable(starts)
    tag = parse_tag(name)
    assert starts(name) is (tag is not None and tag.kind is EventKind.REGISTRATION)


@RECORDS
@given(tag=tag_names())
def test_record__any_tag__started_by_registrations_alone(starts: object, tag: TagName) -> None:
    assert callable(starts)
    assert starts(format_tag(tag)) is (tag.kind is EventKind.REGISTRATION)
