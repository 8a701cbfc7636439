"""Model cards: what their front matter says, and that the Hub's own reader takes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagline.domain.manifest.cards import Card
from tagline.formats.card import read_card

FULL = """---
license: apache-2.0
tags: [tabular]
owner: risk-team
intended_use: Ranks customers for a call.
risk_tier: high
data: [contracts, calls]
---
# Churn
"""


def test_card__full__is_read_and_the_hub_reads_the_same(tmp_path: Path) -> None:
    card, flaws = read_card(FULL.encode())
    assert flaws == []
    assert card == Card(
        "# Churn\n", "risk-team", "apache-2.0", "Ranks customers for a call.", "high", "contracts, calls"
    )
    from huggingface_hub import ModelCard

    theirs = ModelCard.load(_file(tmp_path, FULL))
    assert theirs.data.license == "apache-2.0"
    assert theirs.data.to_dict()["owner"] == "risk-team"
    assert theirs.text.strip() == "# Churn"


def _file(folder: Path, text: str) -> Path:
    (folder / "MODEL_CARD.md").write_text(text)
    return folder / "MODEL_CARD.md"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("# Churn\n", 1, "no front matter"),
        ("---\nowner: x\n", 1, "no front matter"),
        ("---\nlicense: mit\nowner: [a, 7]\n---\n", 3, "'owner'"),
        ("---\nrisk_tier: {a: b}\n---\n", 2, "'risk_tier'"),
        ("---\ntags: {a: b}\n---\n", 2, "'tags'"),
        ("---\n- a\n---\n", 2, "no mapping"),
        ("---\nowner: [\n---\n", 2, ""),
        ("---\nowner: a\nowner: b\n---\n", 3, ""),
    ],
)
def test_card__flawed__is_told_at_its_line_and_the_text_is_kept(text: str, line: int, told: str) -> None:
    _, flaws = read_card(text.encode())
    assert [one.line for one in flaws][:1] == [line]
    assert told in flaws[0].message


def test_card__not_text__is_a_flaw() -> None:
    assert read_card(b"\xff---\n")[1][0].message == "The card is not UTF-8."


def test_card__fields_of_the_hub__stand_for_ours() -> None:
    assert read_card(b"---\ndatasets: [a, b]\nlicense: [mit]\n---\n")[0][5] == "a, b"
