"""What names, tags, locations and versions of MLflow become here."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.ledger.tags import is_name, why_git_refuses
from tagline.domain.mlflow.entries import entry_of, imported_version, merged, split_tags, uri_of
from tagline.domain.mlflow.importing import is_import
from tagline.domain.mlflow.names import ListedVersion, ReadRun, RegisteredModel, valid_name


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
    ("key", "value", "label"),
    [
        ("git_sha", "abcdefabcdef", False), ("git.commit", "abcdefg", False), ("run_id", "x", False),
        ("code", "3f2a91c", False), ("image", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", False), ("rows", "12000", False),
        ("auc", "0.93", False), ("day", "2026-01-02", False), ("SHA256", "x", False),
        ("team", "defaced", True), ("tier", "gold", True), ("valid", "v2", True), ("shape", "square", True),
    ],
)  # fmt: skip
def test_split_tags__what_names_one_version__is_no_label(key: str, value: str, label: bool) -> None:
    assert split_tags({key: value}) == (([f"{key}:{value}"], {}) if label else ([], {key: value}))


@pytest.mark.parametrize(
    ("location", "uri"),
    [
        ("s3://b/x", "s3://b/x"), ("mlflow-artifacts:/1/r/artifacts", "mlflow-artifacts:///1/r/artifacts"),
        ("/srv/my runs/x", "file:///srv/my%20runs/x"), ("file:/srv/x", "file:///srv/x"), ("dbfs:/x", "dbfs:///x"),
        ("./mlruns/x", None), ("", None), ("C:/models/x", None), ("C:\\models\\x", None), ("//share/x", None),
        ("models:/m-1", None), ("models:///m-1", None), ("runs:/abc/model", None), ("https://…@c", None),
        ("https://h/x?sig=1", "https://h/x"), ("https://h/x#1", "https://h/x"), ("https://token@h/x", "https://h/x"),
        ("s3://b/x?sig=1", "s3://b/x"), ("s3://b/a#1 b?", "s3://b/a#1 b?"), ("https://u:p/w@h/x", "https://h/x"),
        ("abfss://box@account/x?sas=1", "abfss://box@account/x"), ("ftp://me:pass@h/x", "ftp://h/x"),
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
        run=ReadRun({"b": 1.0, "a": float("nan"), "c": 1.7976931348623157e308}, {"lr": "0.1", "k" * 2000: "x"}),
        server="http://h",
    )
    assert entry == {
        "type": "model",
        "path": "file:///x",
        "virtual": True,
        "description": "of the version",
        "labels": ["team:risk"],
        "metrics": {"b": 1.0},
        "mlflow": {"run_id": "r", "tracking_uri": "http://h", "model": "m", "version": 3, "params": {"lr": "0.1"}},
        "custom": {
            "mlflow": {
                "description": "of the model", "source": "/x", "created": "2023-11-14T22:13:20Z", "user": "ada",
            }
        },
    }  # fmt: skip


def test_entry_of__urls_with_secrets__have_none_left() -> None:
    url = "https://user:secret@h/x?sig=secret"
    version = ListedVersion("m", 1, source=url, description=url, tags={"a": url, url: "b"}, user=url)
    entry = entry_of(RegisteredModel("m", url), version, location=url, run=None, server=url)
    assert "secret" not in str(entry)
    assert (entry["path"], entry["mlflow"]["tracking_uri"]) == ("https://h/x", "https://h/x")


def test_entry_of__version_that_no_run_made__is_named_by_model_and_number() -> None:
    entry = entry_of(RegisteredModel("m"), ListedVersion("m", 2), location="s3://b/x", run=None, server="http://h")
    assert entry["mlflow"] == {"tracking_uri": "http://h", "model": "m", "version": 2}
    assert "custom" not in entry


def test_entry_of__only_mlflow_can_follow_its_source__has_it_in_custom_and_no_path() -> None:
    entry = entry_of(RegisteredModel("m"), ListedVersion("m", 1), location="models:/m-1", run=None, server="http://h")
    assert entry["custom"]["mlflow"]["source"] == "models:/m-1"
    assert "path" not in entry


BASE = {"type": "model", "path": "s3://b/1", "virtual": True, "labels": ["a"], "metrics": {"x": 1.0}}
NEW = {"type": "model", "path": "s3://b/2", "virtual": True, "description": "two", "metrics": {"x": 2.0}}


@pytest.mark.parametrize(
    ("people", "base", "result", "kept"),
    [
        ({}, BASE, NEW, []),
        ({"labels": ["a", "b"]}, BASE, {**NEW, "labels": ["a", "b"]}, []),
        ({"description": "mine"}, BASE, {**NEW, "description": "mine"}, ["description"]),
        ({"description": "two", "x": None}, BASE, {**NEW, "x": None}, []),
        ({"metrics": "m.json"}, BASE, {**NEW, "metrics": "m.json"}, ["metrics"]),
        ({"custom": {"o": 1, "mlflow": {"old": 1}}}, BASE, {**NEW, "custom": {"o": 1}}, []),
        ({"custom": {"mlflow": {"old": 1}}}, BASE, NEW, []),
        ({"custom": "text"}, BASE, {**NEW, "custom": "text"}, []),
        ({}, None, {**NEW, "metrics": {"x": 1.0}, "labels": ["a"]}, ["metrics"]),
    ],
)
def test_merged__what_people_wrote_since__stays(people: Any, base: Any, result: Any, kept: list[str]) -> None:
    # A description that is not there is people's to have left out only where the base had one.
    there = {**BASE, **people}
    if base is None:
        there["description"] = "two"
    assert merged(there, base, NEW) == (result, kept)


@pytest.mark.parametrize(
    ("entry", "number"),
    [
        ({"virtual": True, "mlflow": {"model": "m", "version": 2}}, 2),
        ({"virtual": True, "custom": {"mlflow": {"model": "m", "version": 2}}}, 2),
        ({"virtual": True, "mlflow": {"run_id": "r"}, "custom": {"mlflow": {"model": "m", "version": 2}}}, 2),
        ({"virtual": True, "mlflow": {"model": "n", "version": 2}}, None),
        ({"virtual": True, "mlflow": {"model": "m", "version": True}}, None),
        ({"mlflow": {"model": "m", "version": 2}}, None),
        ({"virtual": True, "mlflow": "m", "custom": []}, None),
        (None, None),
    ],
)
def test_imported_version__of_an_entry__is_what_an_import_wrote_there(entry: Any, number: int | None) -> None:
    assert imported_version(entry, "m") == number


def test_entry_of__nothing_but_a_number__says_no_more() -> None:
    entry = entry_of(RegisteredModel("m"), ListedVersion("m", 1), location="", run=None, server="http://h")
    about = {"tracking_uri": "http://h", "model": "m", "version": 1}
    assert entry == {"type": "model", "virtual": True, "mlflow": about}


def test_is_import__only_the_trailer__says_it() -> None:
    assert is_import("Registering artifact a version v1.0.0\n\nImported-From: models:/a/1\n")
    assert not is_import("Imported-From: models:/a/1\n")
    assert not is_import("Assigning stage\n\nReason: Imported-From: x\n")
