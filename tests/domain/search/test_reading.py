"""What searches are read as: the vectors, which the page reads too, and what no search may cost."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagline.domain.search.keys import KEYS, OPERATORS
from tagline.domain.search.mistakes import SearchMistake
from tagline.domain.search.reading import MOST_CHARACTERS, read_search
from tagline.errors import Exit

VECTORS = json.loads((Path(__file__).parents[3] / "schemas" / "search" / "vectors.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["searches"], ids=lambda vector: vector["query"])
def test_search__of_the_vectors__is_read_as_its_tree(vector: dict[str, object]) -> None:
    assert read_search(str(vector["query"])).to_dict() == vector["tree"]


@pytest.mark.parametrize("vector", VECTORS["mistakes"], ids=lambda vector: vector["query"][:40])
def test_mistake__of_the_vectors__is_told_at_its_place(vector: dict[str, object]) -> None:
    with pytest.raises(SearchMistake) as caught:
        read_search(str(vector["query"]))
    assert caught.value.code == f"search-{vector['code']}"
    assert caught.value.place == vector["place"]
    assert caught.value.exit_code == Exit.USAGE
    assert caught.value.hint


def test_vectors__name_every_key_and_operator() -> None:
    told = json.dumps(VECTORS["searches"])
    assert {key for key in KEYS if f'"key": "{key}"' in told or key == "as-of"} == set(KEYS)
    assert {one for one in OPERATORS if f'"op": "{one}"' in told} == set(OPERATORS)
    assert len(VECTORS["searches"]) + len(VECTORS["mistakes"]) >= 250


def test_unknown_key__near_a_known_one__is_suggested() -> None:
    for wrong, right in (
        ("stge:x", "stage"),
        ("lables:x", "label"),
        ("metrics:x>1", "metric"),
        ("asof:2026-01-01", "as-of"),
    ):
        with pytest.raises(SearchMistake, match=f"Did you mean {right}"):
            read_search(wrong)
    with pytest.raises(SearchMistake) as caught:
        read_search("accuracy>0.9")
    assert "metric:accuracy>" in caught.value.hint
    with pytest.raises(SearchMistake) as caught:
        read_search("eu:churn")
    assert "artifact:eu:" in caught.value.hint


PIECES = st.sampled_from(
    [
        *KEYS,
        *OPERATORS,
        " ",
        " ",
        "(",
        ")",
        '"',
        "AND",
        " OR ",
        "NOT ",
        "\\",
        "*",
        "0.5",
        "2026-01-01",
        "v1.2",
        "\n",
        "é",
        "\x00",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_search__of_any_pieces__is_read_or_a_mistake_with_a_place(text: str) -> None:
    place = 0
    try:
        json.dumps(read_search(text).to_dict())
    except SearchMistake as mistake:
        place = mistake.place
    assert 0 <= place <= len(text)


@pytest.mark.parametrize(
    "piece",
    ["(", ")", "NOT ", "a ", '"', '"\\', "a OR ", "metric:", "*", "(a OR ", "not(", "stage:" + "*a" * 9, "=", "v1."],
)
def test_search__of_hostile_length__ends_at_once(piece: str) -> None:
    begun = time.monotonic()
    for times in (10, 100, MOST_CHARACTERS // len(piece), 10**5):
        try:
            read_search(piece * times)
        except SearchMistake:
            continue
    assert time.monotonic() - begun < 2
