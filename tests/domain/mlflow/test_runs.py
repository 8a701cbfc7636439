"""Stages as aliases, metrics compared, servers compared."""

from __future__ import annotations

import math

import pytest

from tagline.domain.manifest.manifest import ManifestEntry, MlflowRun
from tagline.domain.mlflow.runs import (
    MOST_VALUE,
    Run,
    alias_of,
    alias_trouble,
    collisions,
    compare,
    elsewhere,
    figures,
    query_in,
    refuses_alias,
    same_server,
    sharers,
    tags_for,
)


@pytest.mark.parametrize(("stage", "alias"), [("prod", "prod"), ("eu/prod", "eu-prod"), ("a/b/c_d", "a-b-c_d")])
def test_alias_of__stage__has_no_slash(stage: str, alias: str):
    assert alias_of(stage) == alias


@pytest.mark.parametrize("alias", ["latest", "Latest", "LATEST", "v1", "V20", "x" * 256])
def test_refuses_alias__that_means_something_else__says_so(alias: str):
    assert refuses_alias(alias)


@pytest.mark.parametrize("alias", ["prod", "latest-1", "v", "v1-2", "1", "x" * 255])
def test_refuses_alias__any_other__does_not(alias: str):
    assert not refuses_alias(alias)


def test_refuses_alias__mlflows_own_rule__agrees():
    from mlflow.exceptions import MlflowException
    from mlflow.utils.validation import _validate_model_alias_name, _validate_model_alias_name_reserved

    for alias in ("latest", "LaTest", "v1", "V22", "v", "v1a", "prod", "eu-prod", "x" * 255, "x" * 256, "1"):
        try:
            _validate_model_alias_name(alias)
            _validate_model_alias_name_reserved(alias)
            takes = True
        except MlflowException:
            takes = False
        assert takes is not refuses_alias(alias), alias


def test_collisions__of_stages__are_told_by_alias():
    assert collisions(["eu/prod", "prod", "eu-prod", "prod"]) == {"eu-prod": ["eu-prod", "eu/prod"]}
    assert alias_trouble("prod", ["eu/prod", "eu-prod"]) == ""
    assert "eu-prod" in alias_trouble("eu/prod", ["eu-prod"])
    assert alias_trouble("latest", [])


def test_compare__groups_and_odd_figures__tells_what_differs():
    manifest = {
        "acc": 0.9,
        "test": {"auc": 0.8, "deep": {"f1": 1}},
        "nan": math.nan,
        "inf": math.inf,
        "huge": 10**400,
        "only": 1,
        "flag": True,
        "text": "x",
    }
    run = {
        "acc": 0.9 * (1 + 1e-12),
        "test.auc": 0.7,
        "test.deep.f1": 1.0,
        "nan": math.nan,
        "inf": math.inf,
        "huge": math.inf,
        "flag": 0.0,
        "text": 1.0,
        "more": 3.0,
    }
    found, same = compare(manifest, Run("r", metrics=run))
    assert found == [("test.auc", 0.8, 0.7)]
    assert same == 5


@pytest.mark.parametrize("metrics", [None, "no metrics were read.", {}])
def test_compare__nothing_to_compare__is_nothing(metrics: object):
    assert compare(metrics, Run("r", metrics={"a": 1.0})) == ([], 0)  # type: ignore[arg-type]


def test_tags_for__long_and_absent__are_cut_and_left_out():
    assert tags_for("churn@v1.0.0", "c" * 40, "") == {"tagline.tag": "churn@v1.0.0", "tagline.commit": "c" * 40}
    assert len(tags_for("t", "c", "u" * 9000)["tagline.change"]) == MOST_VALUE


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://m.example", "HTTPS://M.example:443/", True),
        ("http://m.example/ml/", "http://me:pw@m.example:80/ml", True),
        ("http://m.example", "https://m.example", False),
        ("http://m.example:5000", "http://m.example", False),
        ("http://m.example/a", "http://m.example/b", False),
        ("http://m.example", "http://m.example.evil", False),
        ("http://m.example@evil.example", "http://m.example", False),
        ("file:./mlruns", "file:./mlruns", False),
        ("http://[::1", "http://[::1", False),
        ("http://m.example:99999", "http://m.example", False),
    ],
)
def test_same_server__two_addresses__by_scheme_host_port_and_path(one: str, other: str, same: bool):
    assert same_server(one, other) is same
    assert (elsewhere(MlflowRun("r", one), other) == "") is same


def test_elsewhere__no_uri__is_this_server():
    assert elsewhere(MlflowRun("r"), "http://m.example") == ""


def test_sharers__of_one_model__are_the_other_artifacts_on_this_server():
    here, there = "https://m.example", "https://other.example"
    runs = {
        "churn": MlflowRun("r", None, "m"),
        "fraud": MlflowRun("q", here, "m"),
        "far": MlflowRun("r", there, "m"),
        "other": MlflowRun("r", None, "n"),
        "plain": None,
    }
    entries = {name: ManifestEntry(name, "artifacts.yaml", 1, mlflow=run) for name, run in runs.items()}
    assert sharers("churn", MlflowRun("r", None, "m"), entries, here) == ["fraud"]
    assert sharers("churn", MlflowRun("r", None, "m"), entries, None) == ["far", "fraud"]
    assert sharers("churn", MlflowRun("r"), entries, here) == []


@pytest.mark.parametrize(
    ("url", "what"),
    [("https://m.example/p", ""), ("https://m.example?", "a query"), ("https://m.example/#/x", "a fragment (#)")],
)
def test_query_in__address__says_what_is_behind_its_path(url: str, what: str):
    assert query_in(url) == what


@pytest.mark.parametrize("metrics", [None, "no file", {}, {"a": "0.5", "b": True, "c": [1]}])
def test_figures__without_a_number__are_none(metrics: object):
    assert figures(metrics) == {}  # type: ignore[arg-type]
