"""Which tags are a change's: also of a repository that is called otherwise now, and of none that took its old name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tagline.domain.changes.written import is_written_by
from tagline.domain.ledger.messages import compose
from tagline.domain.ledger.records import ChangeKey
from tests.support.promotions import MERGE, URL, merged_change

KEY = ChangeKey("git.example.com:8443", "42", 7)
CHANGE = replace(merged_change(merge_commit=MERGE), key=KEY)
OLD = URL.replace("org/models", "old-org/old-models")


def _written(change: str | None, key: ChangeKey | None = None, merge: str | None = MERGE) -> bool:
    trailers = [("Change", change or ""), ("Change-Key", str(key or "")), ("Merge-Commit", merge or "")]
    return is_written_by(compose("Assigning stage prod to artifact churn version v1.0.0", trailers), CHANGE)


@pytest.mark.parametrize("change", [URL, OLD, None])
def test_tag__with_the_key__is_the_changes_whatever_its_page(change: str | None) -> None:
    assert _written(change, KEY)


@pytest.mark.parametrize("key", [KEY._replace(repository="43"), KEY._replace(number=77), KEY._replace(host="other")])
def test_tag__with_another_key__is_anothers_whatever_its_page(key: ChangeKey) -> None:
    """A repository that was made anew under the name of one that is gone."""
    assert not _written(URL, key)


@pytest.mark.parametrize(
    ("change", "merge", "own"),
    [
        (URL, MERGE, True),
        (URL, None, True),
        (OLD, MERGE, True),
        (OLD, "f" * 40, False),
        (OLD, None, False),
        (f"{OLD}7", MERGE, False),
        (OLD.replace("forge.example", "elsewhere.example"), MERGE, False),
        (None, MERGE, False),
    ],
)
def test_tag__older_than_keys__is_told_by_its_page_or_by_merge_and_number(
    change: str | None, merge: str | None, *, own: bool
) -> None:
    assert _written(change, None, merge) is own


def test_key__in_one_line__has_no_white_space_and_is_read_whole() -> None:
    assert str(KEY) == "git.example.com:8443/42/7"
    assert not is_written_by(compose("x", [("Change-Key", f"{KEY}7")]), CHANGE)
    assert not is_written_by(f"Assigning\n\nprose that names {KEY}\n", CHANGE)
