"""One slip of the hand, and names that differ on purpose."""

from __future__ import annotations

import pytest

from tagline.domain.text.similar import one_slip


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("chrun", "churn"),
        ("churm", "churn"),
        ("chun", "churn"),
        ("churrn", "churn"),
        ("hcurn", "churn"),
        ("CHURN", "churn"),
        ("Prod", "prod"),
        ("prdo", "prod"),
        ("prd", "prod"),
        ("rff", "rf"),
        ("fraud_model", "fraud-model"),
        ("fraudmodel", "fraud-model"),
        ("fraud-modle", "fraud-model"),
        ("team-a:chrun", "team-a:churn"),
        ("stagign", "staging"),
    ],
)
def test_one_slip__one_letter_or_sign__is_one(word, known):
    assert one_slip(word, ["other", known]) == known


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("churn", "churn"),
        ("m1", "m2"),
        ("churn2", "churn"),
        ("churn-v1", "churn-v2"),
        ("model-a", "model-b"),
        ("a", "b"),
        ("rf", "rg"),
        ("cat", "car"),
        ("prod/eu", "prod/us"),
        ("team-a:churn", "team-b:churn"),
        ("staging", "prod"),
        ("", "a"),
        ("x" * 300, "x" * 299),
        ("dev", "test"),
    ],
)
def test_one_slip__other_numbers_or_short_words__is_on_purpose(word, known):
    assert one_slip(word, [known]) is None
