"""The nearest known path to a mistyped one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.manifest.near_paths import NearPaths

KNOWN = [
    "models/churn.pkl",
    "models/fraud.pickle",
    "models/deep/Risk.onnx",
    "old/churn.pkl",
    "data/train/images.csv",
    "a/model.bin",
    "b/model.bin",
    "model.py",
    "b.pkl",
    "models/scores.bin",
    "archive/score.bin",
]


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("models/chrun.pkl", "models/churn.pkl"),
        ("model/churn.pkl", "models/churn.pkl"),
        ("modles/chrun.pkl", "models/churn.pkl"),
        ("models/fraud.pkl", "models/fraud.pickle"),
        ("models/deep/risk.onnx", "models/deep/Risk.onnx"),
        ("data/trian", "data/train"),
        ("images.csv", "data/train/images.csv"),
        ("elsewhere/images.csv", "data/train/images.csv"),
        ("models/score.bin", "models/scores.bin"),  # the same folder comes first
        ("model.bin", "model.py"),
        ("zzz/model.bin", None),  # in two folders, near neither
        ("c.pkl", None),  # the ending alone is no likeness
        ("models/deep/none.onnx", None),
    ],
)
def test_nearest__mistyped_path__is_corrected_in_its_folder_first(path: str, near: str | None):
    assert NearPaths(lambda: KNOWN).nearest(path) == near


PATHS = st.lists(st.text("abc.", min_size=1, max_size=5), min_size=1, max_size=4).map("/".join)


@given(st.lists(PATHS, max_size=6), PATHS)
def test_nearest__any_paths__proposes_only_what_is_there(known: list[str], path: str):
    near = NearPaths(lambda: known).nearest(path)
    assert near is None or any(f"{name}/".startswith(f"{near}/") for name in known)


def test_nearest__endless_path__is_not_compared():
    assert NearPaths(lambda: ["m/" + "x" * 500]).nearest("m/" + "x" * 501) is None


def test_nearest__not_asked__walks_no_paths():
    def walk() -> list[str]:
        raise AssertionError("not needed")

    NearPaths(walk)


def test_nearest__more_comparisons_than_affordable__stops_proposing():
    near = NearPaths(lambda: [f"m/churn{n:05}" for n in range(15_000)])
    assert near.nearest("m/chrun00001") is not None
    assert near.nearest("m/chrun00001") is None
