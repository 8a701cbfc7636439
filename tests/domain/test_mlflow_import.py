"""What names, tags, locations and versions of MLflow become here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.mlflow_import import entry_of, is_import, split_tags, uri_of
from tagline.domain.mlflow_names import ListedVersion, RegisteredModel, valid_name
from tagline.domain.tags import is_name, why_git_refuses


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("churn", "churn"), ("Churn Model (v2)", "Churn-Model-v2"), ("main.risk.churn", "main-risk-churn"),
        ("a / b", "a/b"), ("//a//b/-/", "a/b"), ("--a--", "a--".strip("-")), ("été", "t"), ("☃", None), ("", None),
        ("a\n@v1.0.0", "a-v1-0-0"), ("a#prod", "a-prod"),
    ],
)  # fmt: skip
def test_valid_name__of_a_model__is_of_our_grammar(theirs: str, ours: str | None) -> None:
    assert valid_name(theirs) == ours


@given(st.text(max_size=60))
def test_valid_name__any_text__can_name_a_tag(text: str) -> None:
    name = valid_name(text)
    if name is not None:
        assert is_name(name)
        assert why_git_refuses(f"{name}@v1.0.0") is None
        assert valid_name(name) == name


def test_split_tags__words_are_labels__all_else_is_kept_and_ours_is_left_out() -> None:
    tags = {
        "a": "", "b": "true", "team": "risk", "note": "two words", "x y": "z", "mlflow.user": "ada",
        "tagline.tag": "a@v1.0.0", "k" * 2000: "x", "long": "v" * 64,
    }  # fmt: skip
    labels, rest = split_tags(tags)
    assert labels == ["a", "b", "team:risk"]
    assert rest == {"long": "v" * 64, "mlflow.user": "ada", "note": "two words", "x y": "z"}


@pytest.mark.parametrize(
    ("location", "uri"),
    [
        ("s3://b/x", "s3://b/x"), ("mlflow-artifacts:/1/r/artifacts", "mlflow-artifacts:///1/r/artifacts"),
        ("/srv/my runs/x", "file:///srv/my%20runs/x"), ("file:/srv/x", "file:///srv/x"), ("dbfs:/x", "dbfs:///x"),
        ("./mlruns/x", None), ("", None), ("ftp://me:pass@h/x", "ftp://h/x"),
        ("wasbs://box@account.blob.core.windows.net/x", "wasbs://box@account.blob.core.windows.net/x"),
    ],
)  # fmt: skip
def test_uri_of__location_of_a_version__is_a_uri_without_a_password(location: str, uri: str | None) -> None:
    assert uri_of(location) == uri


def test_entry_of__everything_there_is__has_its_place() -> None:
    model = RegisteredModel("m", "of the model", {"team": "risk"})
    version = ListedVersion(
        "m", 3, run_id="r", source="/x", description="of the version", created=1_700_000_000_999, user="ada"
    )
    entry = entry_of(
        model,
        version,
        location="/x",
        metrics={"b": 1.0, "a": float("nan"), "c": 1.7976931348623157e308},
        server="http://h",
    )
    assert entry == {
        "type": "model",
        "path": "file:///x",
        "virtual": True,
        "description": "of the version",
        "labels": ["team:risk"],
        "metrics": {"b": 1.0},
        "mlflow": {"run_id": "r", "tracking_uri": "http://h", "model": "m", "version": 3},
        "custom": {
            "mlflow": {
                "description": "of the model", "source": "/x", "created": "2023-11-14T22:13:20Z", "user": "ada",
            }
        },
    }  # fmt: skip


def test_entry_of__nothing_but_a_number__says_no_more() -> None:
    entry = entry_of(RegisteredModel("m"), ListedVersion("m", 1), location="", metrics={}, server="http://h")
    about = {"tracking_uri": "http://h", "model": "m", "version": 1}
    assert entry == {"type": "model", "virtual": True, "custom": {"mlflow": about}}


def test_is_import__only_the_trailer__says_it() -> None:
    assert is_import("Registering artifact a version v1.0.0\n\nImported-From: models:/a/1\n")
    assert not is_import("Imported-From: models:/a/1\n")
    assert not is_import("Assigning stage\n\nReason: Imported-From: x\n")
