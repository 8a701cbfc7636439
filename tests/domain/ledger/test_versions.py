"""Versions: the grammar, and precedence against the ``semver`` package."""

from __future__ import annotations

from itertools import pairwise

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.ledger.versions import BUMPS, bumped, first, is_version, precedence

_NUMBER = st.integers(0, 30).map(str) | st.sampled_from(("99999999999999999999999", "100000000000000000000000"))
_PRE_ID = _NUMBER | st.from_regex(r"[0-9]{0,2}[a-zA-Z-][0-9a-zA-Z-]{0,2}", fullmatch=True)
_BUILD = st.from_regex(r"[0-9a-zA-Z-]{1,3}(\.[0-9a-zA-Z-]{1,3})?", fullmatch=True)


@st.composite
def versions(draw: st.DrawFn) -> str:
    core = ".".join(draw(st.tuples(_NUMBER, _NUMBER, _NUMBER)))
    pre = draw(st.lists(_PRE_ID, max_size=3))
    build = draw(st.none() | _BUILD)
    return f"v{core}" + (f"-{'.'.join(pre)}" if pre else "") + (f"+{build}" if build else "")


@given(versions())
def test_is_version__valid__accepted_with_and_only_with_its_v(version):
    assert is_version(version)
    assert not is_version(version[1:])
    assert not is_version(version.upper().replace("v", "V"))


@pytest.mark.parametrize(
    "text",
    ["", "v", "1.0.0", "V1.0.0", "v1", "v1.0", "v1.0.0.0", "v01.0.0", "v1.00.0", "v1.0.0-", "v1.0.0-01", "v1.0.0-a..b",
     "v1.0.0+", "v1.0.0+a+b", "v1.0.0\n", " v1.0.0", "v1.0.0 ", "v1.0.0-ä", "v١.0.0", "v1.0.-1"],
)  # fmt: skip
def test_is_version__not_semver_with_a_v__refused(text):
    assert not is_version(text)


@given(st.text(st.sampled_from("v01.-+aA"), max_size=10))
def test_is_version__any_text__says_what_the_semver_package_says(text):
    assert is_version(text) == (text.startswith("v") and semver.Version.is_valid(text[1:]))


@given(versions(), versions())
def test_precedence__two_versions__orders_as_the_semver_package(a, b):
    compared = semver.Version.parse(a[1:]).compare(b[1:])
    assert (precedence(a) > precedence(b)) - (precedence(a) < precedence(b)) == compared


def test_precedence__the_example_of_the_specification__ascends():
    ladder = ["v1.0.0-alpha", "v1.0.0-alpha.1", "v1.0.0-alpha.beta", "v1.0.0-beta", "v1.0.0-beta.2", "v1.0.0-beta.11",
              "v1.0.0-rc.1", "v1.0.0", "v1.0.1", "v1.9.0", "v1.10.0", "v2.0.0"]  # fmt: skip
    assert all(precedence(low) < precedence(high) for low, high in pairwise(ladder))


def test_precedence__build_metadata__ignored():
    assert precedence("v1.0.0+b5") == precedence("v1.0.0") == precedence("v1.0.0+b7.x-9")
    assert precedence("v1.0.0-rc.1+b5") == precedence("v1.0.0-rc.1")


@pytest.mark.parametrize("digits", [5_000, 50_000])
def test_precedence__more_digits_than_python_converts__still_ordered(digits):
    small, large = f"v{'9' * digits}.0.0", f"v1{'0' * digits}.0.0"
    assert precedence(small) < precedence(large)


@given(versions(), st.sampled_from(BUMPS))
def test_bumped__any_version__is_a_higher_release_and_changes_one_place(version, bump):
    result = bumped(version, bump)

    assert is_version(result)
    assert precedence(result) > precedence(version)
    major, minor, patch = (int(part) for part in version[1:].partition("+")[0].partition("-")[0].split("."))
    parts = {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0), "patch": (major, minor, patch + 1)}
    assert result == "v{}.{}.{}".format(*parts[bump])


def test_first__each_bump__is_its_own_number():
    assert [first(bump) for bump in ("patch", "minor", "major")] == ["v0.0.1", "v0.1.0", "v1.0.0"]
