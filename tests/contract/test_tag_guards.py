"""The patterns of tags that users copy: guards cover every tag that moves anything, triggers what they are for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import assume, example, given

from tagline.domain.ledger.tags import format_tag, parse_tag, why_git_refuses
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
