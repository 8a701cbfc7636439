"""Which MLflow an import asks, and who gets this job's login; odd answers of a server."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tagline.domain.mlflow.names import ReadRun
from tagline.errors import PlatformRefused, WrongUsage
from tagline.settings import Settings
from tagline.wiring.importing import registry_of


class _Server:
    """Answers by path, one page after the other, and keeps what was sent to it."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Any]] = {}
        self.logins: list[str | None] = []
        self.asked: list[str] = []
        self.url = ""


@pytest.fixture
def server() -> Iterator[_Server]:
    with _serving() as found:
        yield found


@contextlib.contextmanager
def _serving() -> Iterator[_Server]:
    found = _Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.logins.append(self.headers.get("Authorization"))
            found.asked.append(self.path)
            path = self.path.partition("?")[0].removeprefix("/api/2.0/mlflow/")
            pages = found.answers.get(path, [{}])
            text = json.dumps(pages.pop(0) if len(pages) > 1 else pages[0]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{http.server_address[1]}"
    try:
        yield found
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def test_registry_of__login_of_the_environment__goes_to_its_own_server_only(server: _Server) -> None:
    token = {"MLFLOW_TRACKING_TOKEN": "s3cret"}
    for named, sent in (
        (server.url, "Bearer s3cret"),
        (f"{server.url}/", "Bearer s3cret"),
        ("", "Bearer s3cret"),
        ("http://127.0.0.1:9", None),
        ("https://127.0.0.1", None),
        ("file:///tmp/mlruns", None),
    ):
        settings = Settings.from_environ({**token, "MLFLOW_TRACKING_URI": named})
        registry_of(settings, server.url).models()
        assert server.logins.pop() == sent, named
    own = server.url.replace("://", "://me:mine@")
    registry = registry_of(Settings.from_environ({**token, "MLFLOW_TRACKING_URI": server.url}), own)
    registry.models()
    assert server.logins.pop() == "Basic " + base64.b64encode(b"me:mine").decode()
    assert registry.url == server.url


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        (None, "no-mlflow"), (" ", "no-mlflow"), ("sqlite:///x.db", "bad-mlflow-url"), ("databricks", "bad-mlflow-url"),
        ("http://", "bad-mlflow-url"), ("http://[::1", "bad-mlflow-url"), ("ftp://u:s3cret@h/x", "bad-mlflow-url"),
    ],
)  # fmt: skip
def test_registry_of__no_address_of_a_server__is_wrong_usage(uri: str | None, code: str) -> None:
    with pytest.raises(WrongUsage) as wrong:
        registry_of(Settings.from_environ({}), uri)
    assert wrong.value.code == code
    assert "s3cret" not in wrong.value.message


def test_models__pages_and_odd_fields__are_read_as_data(server: _Server) -> None:
    server.answers["registered-models/search"] = [
        {"registered_models": [{"name": "b", "tags": [{"key": "k", "value": 1}, "x", {}]}], "next_page_token": "2"},
        {"registered_models": [{"name": "a\ud800", "aliases": [{"alias": "c", "version": "7"}, {"alias": "d"}]}, {}]},
    ]
    first, second = registry_of(Settings(), server.url).models()
    assert (first.name, dict(first.aliases), second.name, dict(second.tags)) == ("a?", {"c": 7}, "b", {"k": ""})
    assert "page_token=2" in server.asked[1]


def test_versions__of_other_models__are_not_taken(server: _Server) -> None:
    server.answers["model-versions/search"] = [
        {"model_versions": [{"name": "m", "version": 10}, {"name": "M", "version": "1"}, {"name": "m", "version": "9"}]}
    ]
    registry = registry_of(Settings(), server.url)
    assert [version.number for version in registry.versions("m")] == [9, 10]
    registry.versions("it's")
    registry.versions("""it's "m\"""")
    assert ["filter=" in path for path in server.asked] == [True, True, False]
    assert "filter=name%3D%22it%27s%22" in server.asked[1]


@pytest.mark.parametrize("odd", [{"version": "1.5", "name": "m"}, {"version": "-1"}, {"version": None}, "m", 7])
def test_versions__that_are_none__are_refused(server: _Server, odd: Any) -> None:
    server.answers["model-versions/search"] = [{"model_versions": [odd]}]
    with pytest.raises(PlatformRefused) as refused:
        registry_of(Settings(), server.url).versions("m")
    assert refused.value.code == "mlflow-refused"


def test_metrics__numbers_and_words_for_numbers__are_figures(server: _Server) -> None:
    pairs = [("a", 1), ("b", "NaN"), ("c", "-Infinity"), ("d", True), ("e", "x"), ("f", None), ("", 1), ("g", 10**400)]
    server.answers["runs/get"] = [
        {"run": {"data": {"metrics": [{"key": key, "value": value} for key, value in pairs]}}}
    ]
    registry = registry_of(Settings(), server.url)
    run = registry.run("r")
    assert run is not None
    assert sorted(run.metrics) == ["a", "b", "c"]
    for odd in ({}, {"run": []}, {"run": {"data": {"metrics": "x", "params": [1, {"key": ""}]}}}):
        server.answers["runs/get"] = [odd]
        assert registry.run("r") == ReadRun({}, {})
