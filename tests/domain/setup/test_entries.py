"""What looks like a model or data, and what it is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.ledger.tags import is_name
from tagline.domain.setup.entries import Found, entries, is_model_file, looks


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("models/churn.pkl", "model"), ("net.safetensors", "model"), ("model.tar.gz", None), ("models/net", "model"),
        ("data/raw", "dataset"), ("x.csv.gz", "dataset"), ("plots/roc.png", None), ("src/models.py/x", None),
    ],
)  # fmt: skip
def test_looks__of_a_path(path: str, kind: str | None) -> None:
    assert looks(path) == kind


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("churn.pkl", True), ("models/net.bin", True), ("firmware.bin", False), ("tests/tiny.pkl", False),
        ("models/churn.pkl.dvc", False), ("model.py", False),
    ],
)  # fmt: skip
def test_model_file__in_git_itself(path: str, is_one: bool) -> None:
    assert is_model_file(path) is is_one


@given(st.lists(st.lists(st.text("aB1-_. é#", min_size=1, max_size=6), min_size=1, max_size=3), max_size=12))
def test_entries__of_any_paths__have_valid_names_that_differ(parts: list[list[str]]) -> None:
    found = [Found("/".join(each), "x.dvc", tracked=True) for each in parts]
    made = entries(found, (), ["taken"])
    names = [entry.name.casefold() for entry in made]
    assert len({*names, "taken"}) == len(names) + 1
    assert all(is_name(entry.name) for entry in made)
    assert {entry.path for entry in made} == {one.path for one in found}
