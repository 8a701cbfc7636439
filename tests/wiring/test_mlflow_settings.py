"""Where MLflow is and who we are to it: from the environment, and from nowhere else."""

from __future__ import annotations

import pytest

from tagline.adapters.mlflow.tracking import MlflowTracking
from tagline.domain.text.public import parted
from tagline.settings import Settings
from tagline.wiring.mlflow import mlflow_access_of


@pytest.mark.parametrize(
    ("url", "clean", "user", "password"),
    [
        ("https://m.example/ml/", "https://m.example/ml", "", None),
        ("https://me:p%40w@m.example:8443/ml?x=1", "https://m.example:8443/ml?x=1", "me", "p@w"),
        ("https://me@m.example", "https://m.example", "me", None),
        ("https://me:a@b@m.example", "https://m.example", "me", "a@b"),
        ("https://me:a@b/c@m.example", "https://", "", None),
        # No valid address, and still nothing to show.
        ("https://me:a/b@m.example", "https://m.example", "me", "a/b"),
        ("https://m.example/@team/ml", "https://m.example/@team/ml", "", None),
        ("https://m.example:80/@team", "https://m.example:80/@team", "", None),
        ("http://[::1]:5000/@x", "http://[::1]:5000/@x", "", None),
        ("postgresql://me:pw@db/mlflow", "postgresql://db/mlflow", "me", "pw"),
        ("databricks", "databricks", "", None),
        ("", "", "", None),
    ],
)
def test_parted__address__is_parted(url: str, clean: str, user: str, password: str | None):
    assert parted(url) == (clean, user, password or "")


def _login(**variables: str) -> tuple[str | None, str, str | None] | None:
    login = Settings.from_environ(variables).mlflow_login
    if login is None:
        return None
    return (
        login.token.reveal() if login.token else None,
        login.user,
        login.password.reveal() if login.password else None,
    )


def test_settings__mlflow__own_variables_before_the_addresss():
    uri = {"MLFLOW_TRACKING_URI": "https://me:pw@m.example"}
    assert _login() is None
    assert _login(**uri) == (None, "me", "pw")
    assert _login(**uri, MLFLOW_TRACKING_USERNAME="you", MLFLOW_TRACKING_PASSWORD="x") == (None, "you", "x")
    assert _login(**uri, MLFLOW_TRACKING_TOKEN="t") == ("t", "me", "pw")
    settings = Settings.from_environ(uri)
    assert settings.mlflow_url == "https://m.example"
    assert "pw" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "MLFLOW_TRACKING_URI is not set"),
        ("sqlite:////data/secret.db", "MLFLOW_TRACKING_URI is no http(s) address (sqlite:...)"),
        ("databricks", "MLFLOW_TRACKING_URI is no http(s) address (no address)"),
        ("./mlruns", "MLFLOW_TRACKING_URI is no http(s) address (no address)"),
    ],
)
def test_bridge__without_an_address__says_why(url: str, why: str):
    assert mlflow_access_of(Settings.from_environ({"MLFLOW_TRACKING_URI": url})) == (None, why)


def test_bridge__address_with_a_query__is_none_and_does_not_show_it():
    access = mlflow_access_of(Settings.from_environ({"MLFLOW_TRACKING_URI": "https://me:pw@m.example/ml/?key=sesame"}))
    assert access == (None, "MLFLOW_TRACKING_URI: the address has a query (https://m.example/ml/?…)")


def test_bridge__address__is_reached_without_the_login_in_it():
    access = mlflow_access_of(Settings.from_environ({"MLFLOW_TRACKING_URI": "https://me:pw@m.example/ml/"}))
    assert isinstance(access.tracking, MlflowTracking)
    assert access.tracking.url == "https://m.example/ml"
