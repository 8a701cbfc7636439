"""The tag grammar: round trip, GTO's examples, and agreement with what Git accepts as a ref."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tagline.domain.ledger.tags import (
    EventKind,
    TagName,
    artifact_in_tag,
    format_tag,
    is_artifact,
    is_created_tag,
    is_name,
    parse_tag,
    why_git_refuses,
)
from tests.domain.ledger.test_versions import versions

K = EventKind

_NAMES = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9_/-]{0,4}[a-zA-Z0-9])?", fullmatch=True)
_DIRNAMES = st.from_regex(r"[a-zA-Z0-9_./-]{1,5}", fullmatch=True)
_ARTIFACTS = _NAMES | st.tuples(_DIRNAMES, _NAMES).map(":".join)
_COUNTERS = st.none() | st.integers(0, 10**30)


@st.composite
def tag_names(draw: st.DrawFn) -> TagName:
    kind = draw(st.sampled_from(K))
    version = draw(versions()) if kind in (K.REGISTRATION, K.DEREGISTRATION) else None
    stage = draw(_NAMES) if kind in (K.ASSIGNMENT, K.UNASSIGNMENT) else None
    return TagName(draw(_ARTIFACTS), kind, version, stage, draw(_COUNTERS))


@given(tag_names())
def test_parse_tag__a_formatted_tag__gives_it_back(tag):
    assert parse_tag(format_tag(tag)) == tag


#: Characters on which the grammar turns, so that random text often is a tag or nearly one.
_NEAR_TAGS = st.text(st.sampled_from("ab1v0.-+_/=#@!:\n "), max_size=12)


@given(tag_names().map(format_tag), st.integers(0, 40), st.sampled_from("a1.-_/=#@! \nv"))
@example("rf@v1.0.0", 9, "\n")
def test_parse_tag__one_character_more__parses_only_what_it_can_write_back(tag, place, character):
    near = tag[:place] + character + tag[place:]
    parsed = parse_tag(near)
    if parsed is None:
        return
    written = format_tag(parsed)
    # The only spelling that is lost is a counter's leading zeros.
    assert re.sub(r"#0*([0-9])", r"#\1", near) == re.sub(r"#0*([0-9])", r"#\1", written)


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("rf@v1.0.0-rc.1+b5#3", TagName("rf", K.REGISTRATION, "v1.0.0-rc.1+b5", None, 3)),
        ("rf#prod#007", TagName("rf", K.ASSIGNMENT, None, "prod", 7)),
        ("rf#prod", TagName("rf", K.ASSIGNMENT, None, "prod", None)),
        ("rf#prod#0", TagName("rf", K.ASSIGNMENT, None, "prod", 0)),
        ("a//b@v1.0.0", TagName("a//b", K.REGISTRATION, "v1.0.0")),
        ("..=x@v1.0.0", TagName("..:x", K.REGISTRATION, "v1.0.0")),
        ("RF@v1.0.0", TagName("RF", K.REGISTRATION, "v1.0.0")),
        ("rf#1", TagName("rf", K.ASSIGNMENT, None, "1", None)),
        ("rf#1#2", TagName("rf", K.ASSIGNMENT, None, "1", 2)),
        ("rf#prod!#2", TagName("rf", K.UNASSIGNMENT, None, "prod", 2)),
        ("rf#prod/eu#1", TagName("rf", K.ASSIGNMENT, None, "prod/eu", 1)),
        ("rf@v1.0.0!", TagName("rf", K.DEREGISTRATION, "v1.0.0")),
        ("rf@v1.0.0!#4", TagName("rf", K.DEREGISTRATION, "v1.0.0", None, 4)),
        ("rf@deprecated", TagName("rf", K.DEPRECATION)),
        ("rf@deprecated#9", TagName("rf", K.DEPRECATION, None, None, 9)),
        ("dir/sub=rf@v1.0.0", TagName("dir/sub:rf", K.REGISTRATION, "v1.0.0")),
        ("x@v1.0.0", TagName("x", K.REGISTRATION, "v1.0.0")),
    ],
)
def test_parse_tag__gtos_accepted_forms__read(name, parsed):
    assert parse_tag(name) == parsed


@pytest.mark.parametrize(
    "name",
    ["rf@1.0.0", "rf@v1.0", "rf@V1.0.0", "rf@v01.0.0", "rf@v1.0.0-01", "rf#pr.od", "r.f@v1.0.0", "-r@v1.0.0",
     "r-@v1.0.0", "_r@v1.0.0", "a=b=c@v1.0.0", "=x@v1.0.0", "rf#prod#", "rf#prod#x", "rf#prod!!", "rf@deprecated!",
     "v1.0.0", "rf@latest", "rf@created", "rf", "", "@v1.0.0", "#prod", "rf@v1.0.0 ", "rf@v1.0.0\n", "rf#prod#1\n",
     "rf#-prod", "rf#prod-#1", "rf@v1.0.0#-1", "rf@v1.0.0##1", "dir:rf@v1.0.0", "rf#prod@v1.0.0", "é@v1.0.0"],
)  # fmt: skip
def test_parse_tag__not_ours__none(name):
    assert parse_tag(name) is None


def test_parse_tag__counter_of_absurd_length__none_and_at_once():
    assert parse_tag("rf#prod#" + "9" * 1000) is not None
    assert parse_tag("rf#prod#" + "9" * 1001) is None


@pytest.mark.parametrize("name", ["a" * 100_000 + "!", "a-" * 50_000 + "@", "a/" * 50_000, "1." * 50_000 + "=x@v1"])
def test_parse_tag__long_near_miss__is_decided_without_backtracking(name):
    assert parse_tag(name) is None


@pytest.mark.parametrize("name", ["rf@created", "dir/sub=rf@created", "rf@created#3"])
def test_is_created_tag__gtos_created_event__is_one(name):
    assert is_created_tag(name)
    assert parse_tag(name) is None


@pytest.mark.parametrize("name", ["rf@created!", "@created", "rf@v1.0.0", "rf@creates", "rf@created\n"])
def test_is_created_tag__anything_else__is_none(name):
    assert not is_created_tag(name)


@given(_ARTIFACTS)
def test_artifact_in_tag__any_artifact__comes_back_from_a_tag(artifact):
    assert is_artifact(artifact)
    tag = parse_tag(f"{artifact_in_tag(artifact)}@deprecated")
    assert tag is not None
    assert tag.artifact == artifact


@pytest.mark.parametrize("text", ["", "-a", "a-", "a/", "_", "a.b", "a b", "a:b", "a\n"])
def test_is_name__not_a_name__refused(text):
    assert not is_name(text)


@pytest.mark.parametrize("text", ["a:b:c", ":a", "a:", "dir=rf", "dir/sub:r.f", "a b:c", "dir:rf\n"])
def test_is_artifact__not_an_artifact__refused(text):
    assert not is_artifact(text)


def _git_accepts(ref: str) -> bool:
    return subprocess.run(["git", "check-ref-format", ref], check=False).returncode == 0


@given(tag_names().map(format_tag))
@example("..=x@v1.0.0")
@example("a//b@v1.0.0")
@example("rf@v1.0.0-a.lock")
@example("a.lock/b=rf@v1.0.0")
@example("./a=rf#prod#1")
@example("a/.b=rf#prod#1")
def test_why_git_refuses__any_tag_of_the_grammar__agrees_with_git(name):
    assume(len(name) < 200)
    assert (why_git_refuses(name) is None) == _git_accepts(f"refs/tags/{name}")


def test_why_git_refuses__component_that_no_file_system_holds__says_so():
    assert why_git_refuses(f"{'a' * 300}@v1.0.0") is not None
