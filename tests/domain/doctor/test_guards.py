"""Who may write a stage's tags, by patterns of both forges; owners of what decides."""

from __future__ import annotations

import pytest

from tagline.domain.changes.codeowners import Flavour, parse_codeowners
from tagline.domain.doctor.guards import BranchGuard, TagRule, judge_branch, judge_owners, judge_tag_guards


def states(rules: list[TagRule], artifact: str = "churn", forge: Flavour = "github") -> list[str]:
    return [check.state for check in judge_tag_guards(rules, ["prod"], artifact, forge)]


@pytest.mark.parametrize(
    ("pattern", "artifact", "forge", "covered"),
    [
        ("~ALL", "churn", "github", True),
        ("refs/tags/*#*", "churn", "github", True),
        ("refs/tags/*#prod#*", "churn", "github", True),
        ("refs/tags/*#dev#*", "churn", "github", False),
        # A star of GitHub's stops at a slash, one of GitLab's does not.
        ("refs/tags/*#*", "dir/sub:churn", "github", False),
        ("refs/tags/**/*#*", "dir/sub:churn", "github", True),
        ("refs/tags/churn#prod#?", "churn", "github", True),
        ("*#*", "dir/sub:churn", "gitlab", True),
        ("*@*", "churn", "gitlab", False),
    ],
)
def test_guard__by_its_pattern(pattern: str, artifact: str, forge: Flavour, covered: bool) -> None:
    assert states([TagRule("r", (pattern,), passes=True)], artifact, forge) == ["ok" if covered else "warn"]


def test_guard__that_excludes__does_not_count() -> None:
    assert states([TagRule("r", ("~ALL",), ("refs/tags/*#prod#*",), passes=True)]) == ["warn"]


@pytest.mark.parametrize(
    ("passes", "state"),
    [([True, True], "ok"), ([True, None], "unknown"), ([None, False], "fail"), ([True, False], "fail")],
)
def test_guards__of_several__the_strictest_counts(passes: list[bool | None], state: str) -> None:
    assert states([TagRule("r", ("~ALL",), passes=one) for one in passes]) == [state]


def test_guard__says_who_else_may_pass() -> None:
    (check,) = judge_tag_guards([TagRule("r", ("~ALL",), (), True, ("App 7",))], ["prod"], "churn", "github")
    assert "App 7" in check.message


@pytest.mark.parametrize(
    ("guard", "state"),
    [
        (BranchGuard(True), "ok"), (BranchGuard(False), "warn"), (BranchGuard(None), "unknown"),
    ],
)  # fmt: skip
def test_branch(guard: BranchGuard, state: str) -> None:
    assert judge_branch(guard, "main").state == state


@pytest.mark.parametrize(
    ("text", "state"), [(None, "warn"), ("* @a", "ok"), ("/.tagline.yaml @a", "warn"), ("* @a\n/.tagline.yaml", "warn")]
)
def test_owners(text: str | None, state: str) -> None:
    read = None if text is None else parse_codeowners(text, "github")
    assert judge_owners(read, [".tagline.yaml", "CODEOWNERS"], "github").state == state
