"""The rules of ``--deliver``: which lines are rules, and which tags they want."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tagline.domain.delivery.targets import LONGEST_WAIT, Rule, by_rules, parse_rule, parse_wait
from tagline.domain.ledger.planning import Row
from tagline.domain.ledger.tags import EventKind, format_tag, parse_tag
from tagline.errors import WrongUsage
from tests.domain.ledger.test_tags import tag_names
from tests.support.work import work


def row(tag: str) -> Row:
    name = parse_tag(tag)
    assert name is not None
    return Row(tag, "c0ffee", name.artifact, name.kind, name.version, name.stage, created=True)


def workflows(rules: list[Rule], found: Row) -> list[str | None]:
    return [target.workflow for target in by_rules(rules, found)]


def matches(pattern: str, tag: str) -> bool:
    found = Row(tag, "c0ffee", "a", EventKind.REGISTRATION, None, None, created=True)
    return workflows([Rule("w.yml", pattern)], found) == ["w.yml"]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("deploy.yml", Rule("deploy.yml")),
        ("  deploy.yaml\t", Rule("deploy.yaml")),
        ("deploy.yml **#prod#*", Rule("deploy.yml", "**#prod#*")),
        ("a-b_c.1.yml   models/*=x@v1.0.0-rc.1+b!", Rule("a-b_c.1.yml", "models/*=x@v1.0.0-rc.1+b!")),
        ("%2e%2e.yml *", Rule("%2e%2e.yml", "*")),
    ],
)
def test_parse_rule__workflow_and_pattern__read(line: str, rule: Rule) -> None:
    assert parse_rule(line) == rule


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "no workflow"),
        (" \t ", "no workflow"),
        (".github/workflows/deploy.yml", "is a path"),
        ("../deploy.yml", "is a path"),
        ("deploy", "ends in .yml"),
        ("**#prod#* deploy.yml", "ends in .yml"),
        ("deploy.yml.txt", "ends in .yml"),
        (".yml", "ends in .yml"),
        (".yaml *", "ends in .yml"),
        ("deploy.yml a b", "more than"),
        # GitHub's own patterns know more than two stars; here it would never match, and nobody would notice.
        ("deploy.yml **#prod#[0-9]+", "matches no tag"),
        ("deploy.yml churn#prod#?", "matches no tag"),
        ("deploy.yml !**#dev#*", "matches no tag"),
        ("deploy.yml dir:churn#prod#1", "matches no tag"),
    ],
)
def test_parse_rule__what_means_nothing__is_wrong_usage_with_a_fix(line: str, said: str) -> None:
    with pytest.raises(WrongUsage, match=said) as caught:
        parse_rule(line)
    assert "deploy.yml **#prod#*" in caught.value.hint
    assert caught.value.code == "bad-deliver"


@pytest.mark.parametrize(
    ("tag", "is_wanted"),
    [
        ("churn#prod#3", True),
        ("churn#prod", True),
        ("dir/sub=churn#eu/prod#12", True),
        ("churn#prod!#4", False),
        ("churn@v1.0.0", False),
        ("churn@v1.0.0!", False),
        ("churn@v1.0.0#2", False),
        ("churn@deprecated", False),
    ],
)
def test_wanted__without_a_pattern__tags_that_assign_a_stage(tag: str, is_wanted: bool) -> None:
    assert workflows([Rule("deploy.yml")], row(tag)) == (["deploy.yml"] if is_wanted else [])


@pytest.mark.parametrize(
    ("pattern", "tag", "is_wanted"),
    [
        ("*#prod#*", "churn#prod#3", True),
        ("*#prod#*", "churn#prod!#3", False),
        ("*#prod#*", "models/churn#prod#3", False),
        ("**#prod#*", "models/churn#prod#3", True),
        ("**#prod#*", "churn#prod/eu#3", False),
        ("**#prod**", "churn#prod/eu#3", True),
        ("***#prod#*", "models/churn#prod#3", True),
        ("**@v*", "churn@v1.2.3-rc.1", True),
        ("churn@v1.2.3", "churn@v1x2.3", False),
        ("churn@v1.0.0+a", "churn@v1.0.0+a", True),
        ("churn@v1.0.0+a", "churn@v1.0.00a", False),
        ("churn#prod#1", "churn#prod#12", False),
        ("hurn#prod#1", "churn#prod#1", False),
        ("CHURN#prod#*", "churn#prod#1", False),
    ],
)
def test_wanted__by_a_pattern__every_tag_that_it_matches(pattern: str, tag: str, is_wanted: bool) -> None:
    assert matches(pattern, tag) == is_wanted


def test_wanted__several_rules__each_workflow_once_in_their_order() -> None:
    rules = [Rule("b.yml", "**#prod#*"), Rule("a.yml"), Rule("b.yml"), Rule("c.yml", "**#dev#*")]
    assert workflows(rules, row("churn#prod#1")) == ["b.yml", "a.yml"]


_TEXT = "ab#/.+"
_PATTERNS = st.lists(st.sampled_from([*_TEXT, "*", "**"]), max_size=7).map("".join)


@given(_PATTERNS, st.text(st.sampled_from(_TEXT), max_size=9))
@example("**a*", "a/a")
@example("*a**", "ba/")
@example(".", "a")
@example("a+", "aa")
def test_pattern__any__as_by_trying_every_way(pattern: str, tag: str) -> None:
    assert matches(pattern, tag) == _by_trying(pattern, tag)


@cache
def _by_trying(pattern: str, tag: str) -> bool:
    """One star takes no slash; from the second on a run of stars takes anything."""
    if not pattern.startswith("*"):
        same = pattern[:1] == tag[:1]
        return same and (not pattern or _by_trying(pattern[1:], tag[1:]))
    rest = pattern.lstrip("*")
    deep = pattern.startswith("**")
    ends = [end for end in range(len(tag) + 1) if deep or "/" not in tag[:end]]
    return any(_by_trying(rest, tag[end:]) for end in ends)


@given(tag_names())
def test_pattern__a_tag_itself__matches_it_and_nothing_longer(name) -> None:
    tag = format_tag(name)
    rule = parse_rule(f"deploy.yml {tag}")
    assert rule == Rule("deploy.yml", tag)
    assert matches(tag, tag)
    assert not matches(tag, f"{tag}0")
    assert matches("**", tag)
    assert matches("*", tag) == ("/" not in tag)


def test_pattern__of_many_stars__costs_no_more_than_both_are_long() -> None:
    assert work(lambda: matches("**a" * 40 + "*b", "a" * 200)) < 50_000


@pytest.mark.parametrize("text", ["61m", "2h", "999999999w", "soon"])
def test_parse_wait__longer_than_a_job__is_refused(text: str) -> None:
    assert parse_wait("1h") == LONGEST_WAIT
    with pytest.raises(WrongUsage):
        parse_wait(text)
