"""Model cards: what their front matter says, and that the Hub's own reader takes them."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tagline.domain.manifest.cards import Card
from tagline.formats.card import read_card
from tagline.formats.schema.check import compile_check, read_schema

SCHEMA = read_schema("card.schema.json")

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


def test_schema__itself__is_valid_and_has_examples_that_are() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    parts = [SCHEMA, *SCHEMA["properties"].values(), *SCHEMA["$defs"].values()]
    assert len(parts) > 15
    for part in parts:
        assert part["title"]
        assert part["description"]
        for example in part["examples"]:
            Draft202012Validator({**part, "$defs": SCHEMA["$defs"]}).validate(example)


def test_card__of_the_hubs_own_making__has_no_flaw() -> None:
    from huggingface_hub import EvalResult, ModelCard, ModelCardData

    result = EvalResult("tabular-classification", "acme/calls", "Calls", "accuracy", 0.93)
    data = ModelCardData(
        language="no", license="mit", library_name="sklearn", tags=["tabular"], datasets=["acme/calls"],
        metrics=["accuracy"], base_model=["a/b"], pipeline_tag="tabular-classification", eval_results=[result],
        model_name="churn", owner="risk-team", intended_use="Ranks calls.", risk_tier="high", data=["calls"],
    )  # fmt: skip
    card, flaws = read_card(str(ModelCard(f"---\n{data.to_yaml()}\n---\n# Churn\n")).encode())
    assert flaws == []
    assert card == Card("# Churn\n", "risk-team", "mit", "Ranks calls.", "high", "calls")
    # What our schema knows beside our own fields is the Hub's.
    theirs = {*inspect.signature(ModelCardData).parameters, "model-index", "license_name", "license_link"}
    assert set(SCHEMA["properties"]) - theirs == {"owner", "intended_use", "risk_tier", "data"}


@pytest.mark.parametrize("front", [
    {}, {"owner": None}, {"owner": ["a", "b"]}, {"data": ["a", 7]}, {"risk_tier": 3}, {"risk_tier": True}, {"tags": []},
    {"model-index": [{"name": "x"}]}, {"model-index": ["x"]}, {"other": {"a": [1]}},
])  # fmt: skip
def test_schema__compiled__agrees_with_jsonschema(front: dict[str, Any]) -> None:
    assert compile_check(SCHEMA)(front) is Draft202012Validator(SCHEMA).is_valid(front)


def _file(folder: Path, text: str) -> Path:
    (folder / "MODEL_CARD.md").write_text(text)
    return folder / "MODEL_CARD.md"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("# Churn\n", 1, "no front matter"),
        ("---\nowner: x\n", 1, "no front matter"),
        ("---\nlicense: mit\nowner: [a, 7]\n---\n", 3, "'owner[1]' must be text"),
        ("---\nrisk_tier: {a: b}\n---\n", 2, "'risk_tier' must be text"),
        ("---\nowner: x\nIntended-Use: y\n---\n", 3, "Unknown field 'Intended-Use'"),
        ("---\nlicence: mit\n---\n", 2, "Unknown field 'licence'"),
        ("---\nowner: ''\n---\n", 2, "'owner' is empty"),
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
