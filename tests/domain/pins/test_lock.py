"""The lock file: written as it is read, and data of a stranger all along."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.pins.lock import Pin, pin_of, read_lock, require_same, write_lock
from tagline.errors import Conflict, NotFound, WrongUsage

PIN = Pin(
    "churn#prod", "https://example.org/org/shop", "v1.2.0", "a" * 40, "churn#prod#3", "b" * 40, f"md5:{'c' * 32}",
    "d" * 64, 12,
)  # fmt: skip


def row(**changes: Any) -> bytes:
    pin = json.loads(write_lock({"churn": PIN}))["pins"]["churn"] | changes
    return json.dumps({"version": 1, "pins": {"churn": pin}}).encode()


def test_lock__written__reads_the_same() -> None:
    pins = {"churn": PIN, "b": replace(PIN, version=None, sha256=None, size=None)}
    assert read_lock(write_lock(pins).encode(), "tagline.lock") == pins
    assert list(json.loads(write_lock(pins))["pins"]) == ["b", "churn"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no pins"),
        (b'{"version": 2, "pins": {}}', "version is 2"),
        (b'{"version": 1, "pins": {"x": 3}}', "no object"),
        (row(commit="HEAD"), "commit is no id"),
        (row(tag_object="--upload-pack=x"), "tag_object is no id"),
        (row(digest="md5:zz"), "digest is none"),
        (row(sha256="x"), "sha256 is none"),
        (row(size=-1), "size is no number"),
        (row(size=True), "size is no number"),
        (row(tag=None), "tag is missing"),
        (row(repository="./vendored"), "repository is a folder"),
        (row(repository="/srv/git/shop"), "repository is a folder"),
        (row(repository="~/shop"), "repository is a folder"),
        (row(target="a b@@"), "no target"),
    ],
)
def test_lock__that_is_none__is_refused_with_the_place(data: bytes, why: str) -> None:
    with pytest.raises(WrongUsage, match=why):
        read_lock(data, "tagline.lock")


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(str).map(str.encode))
def test_lock__of_any_bytes__is_refused(data: bytes) -> None:
    with pytest.raises(WrongUsage, match=r"tagline\.lock"):
        read_lock(data, "tagline.lock")


def test_is_current__looks_at_version_bytes_and_replaced_tags() -> None:
    assert PIN.is_current(PIN)
    assert PIN.is_current(replace(PIN, tag="churn#prod#5", tag_object="e" * 40)), "assigned once more"
    assert PIN.is_current(replace(PIN, sha256=None, size=None))
    for other in (
        replace(PIN, version="v1.3.0"), replace(PIN, commit="f" * 40), replace(PIN, digest=f"md5:{'0' * 32}"),
        replace(PIN, sha256="0" * 64), replace(PIN, tag_object="e" * 40),
    ):  # fmt: skip
        assert not PIN.is_current(other)


def test_require_same__names_the_field() -> None:
    require_same("churn", PIN, replace(PIN, sha256=None, size=None))
    with pytest.raises(Conflict, match=r"pinned with tag_object b+, and churn#prod#3 has e+"):
        require_same("churn", PIN, replace(PIN, tag_object="e" * 40))


def test_pin_of__an_unknown_name__suggests_a_near_one() -> None:
    with pytest.raises(NotFound) as caught:
        pin_of({"churn": PIN}, "chrun", "tagline.lock")
    assert "churn" in caught.value.hint
