"""Names that look the same and are not."""

from __future__ import annotations

import pytest

from tagline.domain.text.alike import alike, difference

NFC, NFD = "mod\u00e8le", "mode\u0300le"


@pytest.mark.parametrize(
    ("one", "other", "only"),
    [
        (NFC, NFD, "Unicode form (NFC and NFD)"), ("churn", "Churn", "case"), (NFC, NFD.upper(), "case"),
        ("\u00df", "SS", "case"), ("churn", "churn", None), ("churn", "chrun", None), ("a", "a ", None),
    ],
)  # fmt: skip
def test_difference__of_two_names__is_told_where_they_are_alike(one: str, other: str, only: str | None) -> None:
    assert difference(one, other) == only
    assert difference(other, one) == only


def test_alike__many_names__only_groups_of_several() -> None:
    assert alike(["b", "A", "a", NFC, NFD, "c", "a"]) == [["A", "a"], sorted([NFC, NFD])]
