"""Text, values and URIs as every reader of JSON takes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import FormatChecker

from tagline.domain.storage.objects import Location
from tagline.render.exports import in_toto
from tagline.render.exports.interchange import in_git, plain, repository, uri
from tests.support.lineages import COMMIT, PLACES, REPO, TEXTS, URLS, VALUES, pipeline

ANY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@ANY
@given(URLS | PLACES | TEXTS)
def test_uri__of_anything__is_one_or_none(value: str) -> None:
    for made in (uri(value), repository(value), in_git(repository(value), value, value)):
        if made is not None:
            FormatChecker().check(made, "uri")
            FormatChecker().check(made, "iri-reference")
            made.encode("ascii")


@pytest.mark.parametrize(
    ("written", "made"),
    [
        ("https://u:p@h/x?versionId=1", "https://h/x?versionId=1"),
        ("https://h/x?a=1&X-Amz-Signature=s", "https://h/x"),
        ("https://h/x?sv=1&sig=s#part", "https://h/x#part"),
        ("abfss://box@acc.net/x", "abfss://box@acc.net/x"),
        ("ssh://git:p@h/x", "ssh://git@h/x"),
        ("s3://b/a key/ü%20%zz", "s3://b/a%20key/%C3%BC%20%25zz"),
        ("http://[::1]:9000/x", f"http://[{'0000:' * 7}0001]:9000/x"),
        ("http://[::1::]/x", None),
        ("models/x", None),
        ("C:\\x", None),
        ("", None),
        (None, None),
    ],
)
def test_uri__of_what_people_write__is_clean(written: str | None, made: str | None) -> None:
    assert uri(written) == made


@pytest.mark.parametrize(
    ("written", "made"),
    [
        ("git@github.com:acme/risk.git", "ssh://git@github.com/acme/risk.git"),
        ("https://oauth2:t@gitlab.com/a/b.git?x=1", "https://gitlab.com/a/b.git"),
        ("/srv/a b.git", "file:///srv/a%20b.git"),
        ("../risk", None),
        (".", None),
        ("", None),
    ],
)
def test_repository__of_what_git_takes__is_a_uri(written: str, made: str | None) -> None:
    assert repository(written) == made


@ANY
@given(VALUES)
def test_plain__any_value__is_json(value: Any) -> None:
    made = plain(value)
    assert json.loads(json.dumps(made, allow_nan=False, ensure_ascii=False).encode()) == made


def test_plain__numbers_that_readers_would_change__are_strings() -> None:
    assert plain([2**53 - 1, 2**53, float("nan"), float("-inf"), True]) == [
        2**53 - 1, "9007199254740992", "NaN", "-Infinity", True,
    ]  # fmt: skip
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    assert json.dumps(plain(deep)).count("[") <= 20


def test_content__etag_alone__is_a_mark_and_no_digest() -> None:
    subject = in_toto.statement(pipeline(content=Location("s3://b/k", "etag:abc")), REPO)["subject"][0]
    assert subject["digest"] == {"gitCommit": COMMIT}
    assert subject["annotations"]["mark"] == "etag:abc"
