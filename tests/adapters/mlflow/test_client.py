"""MLflow's client against servers that misbehave, over real HTTP."""

from __future__ import annotations

import base64
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tagline.adapters.mlflow import client as mlflow_client
from tagline.adapters.mlflow.client import MlflowClient, NoSuchThing
from tagline.errors import PlatformRefused
from tagline.settings import Login, Secret
from tests.support.mlflowserver import MlflowStub

TOKEN = Login(Secret("sesame-open"))


def _refusal(answer: Any, login: Login | None = TOKEN) -> PlatformRefused:
    with MlflowStub(lambda *_: answer) as stub, pytest.raises(PlatformRefused) as caught:
        MlflowClient(stub.url, login).get("runs/get", {"run_id": "r"})
    assert "sesame" not in caught.value.message + caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ((200, b"<html>"), "mlflow-refused", "no JSON object"),
        ((200, b"[1]"), "mlflow-refused", "no JSON object"),
        ((200, b"[" * 100_000), "mlflow-refused", "no JSON object"),
        ((404, b"<html>"), "mlflow-refused", "404"),
        ((400, {"error_code": "BAD", "message": "sesame-open\x1b[31m\nx"}), "mlflow-refused", "BAD: …"),
        ((401, {"message": "who are you"}), "mlflow-refused", "who are you"),
        ((403, b"no"), "mlflow-refused", "403"),
        ((429, {}), "mlflow-unreachable", "429"),
        ((503, b"sesame-open"), "mlflow-unreachable", "503"),
        ((301, b"", {"Location": "https://sesame:sesame@evil.example/x"}), "mlflow-refused", "https://evil.example"),
        ((307, b"", {"Location": "/there"}), "mlflow-refused", "another path"),
    ],
)
def test_get__odd_answer__is_refused_without_the_login(answer: Any, code: str, words: str):
    error = _refusal(answer)
    assert error.code == code
    assert words in error.message
    assert error.message.isprintable()


def test_get__echo_of_the_login__shows_none_of_its_forms():
    basic = base64.b64encode(b"me:sesame-open").decode()
    error = _refusal(
        (400, {"error_code": "X", "message": f"Basic {basic} sesame-open"}), Login(None, "me", Secret("sesame-open"))
    )
    assert basic not in error.message


def test_get__not_there__is_told_apart():
    body = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}
    with MlflowStub(lambda *_: (404, body)) as stub, pytest.raises(NoSuchThing):
        MlflowClient(stub.url).get("runs/get")


def test_get__more_bytes_than_an_answer_has__is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mlflow_client, "MOST_BYTES", 1024 * 1024)
    assert "1 MiB" in _refusal((200, b'{"a": "' + b"x" * 1024 * 1024 + b'"}')).message


@contextmanager
def _dribble(start: bytes) -> Iterator[str]:
    """A server that begins an answer, and sends one byte of it every 0.2 s for ever."""
    done = threading.Event()

    def send(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(start)
            while not done.wait(0.2):
                connection.sendall(b"a")

    def wait() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=send, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            done.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(5)


@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-A: ", b""],
    ids=["body", "headers", "status"],
)
def test_get__answer_without_an_end__is_given_up_in_time(start: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mlflow_client, "LONGEST_ANSWER", 1.0)
    caught: list[BaseException] = []

    def ask(url: str) -> None:
        try:
            MlflowClient(url).get("runs/get")
        except PlatformRefused as error:
            caught.append(error)

    with _dribble(start) as url:
        began = time.monotonic()
        asking = threading.Thread(target=ask, args=(url,), daemon=True)
        asking.start()
        asking.join(10)
        assert time.monotonic() - began < 5
    (error,) = caught
    assert isinstance(error, PlatformRefused)
    assert error.code == "mlflow-unreachable"
    assert "longer than 1 seconds" in error.message


def test_get__server_that_asks_for_more_patience_than_is_left__is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mlflow_client, "LONGEST_ANSWER", 1.0)
    began = time.monotonic()
    assert "503" in _refusal((503, b"", {"Retry-After": "4"})).message
    assert time.monotonic() - began < 3


def test_get__slow_answer_within_the_time__is_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mlflow_client, "LONGEST_ANSWER", 20.0)

    def answer(*_: Any) -> Any:
        time.sleep(0.3)
        return {"a": "x" * 300_000}

    with MlflowStub(answer) as stub:
        client = MlflowClient(stub.url)
        assert [len(client.get("runs/get")["a"]) for _ in range(3)] == [300_000] * 3


def test_redirect__to_another_host__is_not_followed():
    with MlflowStub(lambda *_: {}) as other, MlflowStub(lambda *_: (302, b"", {"Location": other.url})) as stub:
        with pytest.raises(PlatformRefused) as caught:
            MlflowClient(stub.url, TOKEN).post("runs/set-tag", {})
        assert stub.url in caught.value.message
        assert other.url in caught.value.message
        assert other.requests == []
        assert len(stub.requests) == 1


@pytest.mark.parametrize(
    ("method", "status"), [("get", 500), ("get", 429), ("post", 503), ("patch", 502), ("delete", 504)]
)
def test_request__fails_twice__is_repeated(method: str, status: int):
    answers = iter([(status, b""), (status, b""), (200, {"ok": 1})])
    with MlflowStub(lambda *_: next(answers)) as stub:
        client = MlflowClient(stub.url)
        ask: Callable[..., Any] = getattr(client, method)
        assert ask("runs/x", {"a": "b"}) == {"ok": 1}


def test_server__that_does_not_answer__is_let_alone_for_a_while():
    with MlflowStub(lambda *_: (503, b"")) as stub:
        client = MlflowClient(stub.url)
        for _ in range(5):
            with pytest.raises(PlatformRefused, match="cannot be reached"):
                client.get("runs/get")
        assert len(stub.requests) == 3


@pytest.mark.parametrize(
    ("login", "url", "header"),
    [
        (TOKEN, "http://", "Bearer sesame-open"),
        (Login(None, "me", Secret("p:w")), "http://", "Basic " + base64.b64encode(b"me:p:w").decode()),
        (None, "http://me:p%40w@", "Basic " + base64.b64encode(b"me:p@w").decode()),
        (TOKEN, "http://me:other@", "Bearer sesame-open"),
        (None, "http://", None),
    ],
)
def test_login__goes_as_a_header_only(
    login: Login | None, url: str, header: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    # Left alone, requests would send what a .netrc says.
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login stranger password stranger\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with MlflowStub(lambda *_: {}) as stub:
        client = MlflowClient(stub.url.replace("http://", url), login)
        client.get("runs/get", {"run_id": "r"})
        ((_, path, headers, _),) = stub.requests
        assert client.url == stub.url
    assert headers.get("Authorization") == header
    assert path == "/api/2.0/mlflow/runs/get?run_id=r"


@pytest.mark.parametrize(
    ("login", "url"), [(None, "http://sesame-open@"), (Login(None, "sesame-open"), "http://")], ids=["url", "login"]
)
def test_get__echo_of_a_user_without_a_password__is_masked(login: Login | None, url: str):
    answer = (400, {"error_code": "X", "message": "bad user sesame-open"})
    with MlflowStub(lambda *_: answer) as stub, pytest.raises(PlatformRefused, match="bad user") as caught:
        MlflowClient(stub.url.replace("http://", url), login).get("runs/get")
    assert "sesame" not in caught.value.message


@pytest.mark.parametrize(("more", "what"), [("/m?api_key=sesame", "a query"), ("/m#/sesame", "a fragment")])
def test_address__with_more_than_a_path__is_refused_and_not_shown(more: str, what: str):
    with MlflowStub(lambda *_: {}) as stub, pytest.raises(PlatformRefused) as caught:
        MlflowClient(stub.url + more).get("runs/get")
    assert caught.value.code == "mlflow-refused"
    assert f"{stub.url}/m?… is not asked: the address has {what}" in caught.value.message
    assert "sesame" not in caught.value.message + caught.value.hint
    assert stub.requests == []


@pytest.mark.parametrize("token", ["with\nnewline: x", "ümläut€"])
def test_token__that_no_header_can_carry__is_refused_and_not_shown(token: str):
    with MlflowStub(lambda *_: {}) as stub, pytest.raises(PlatformRefused) as caught:
        MlflowClient(stub.url, Login(Secret(token))).get("runs/get")
    assert token not in caught.value.message
    assert stub.requests == []


def test_pages__several__are_followed_in_the_query_or_the_body():
    def answer(method: str, path: str, body: bytes) -> Any:
        token = {"GET": path, "POST": body.decode()}[method]
        return {"rows": [2]} if "page_token" in token else {"rows": [1], "next_page_token": "t"}

    with MlflowStub(answer) as stub:
        client = MlflowClient(stub.url)
        assert list(client.pages("runs/search", "rows", {"max_results": 1}, method="POST")) == [1, 2]


@pytest.mark.parametrize(
    "answer",
    [{"rows": [1], "next_page_token": "same"}, {"rows": {"a": 1}}, {"rows": [], "next_page_token": {"a": 1}}],
    ids=["without-end", "no-list", "no-text"],
)
def test_pages__odd__are_refused(answer: Any):
    with MlflowStub(lambda *_: answer) as stub, pytest.raises(PlatformRefused, match="as MLflow does"):
        list(MlflowClient(stub.url).pages("runs/search", "rows"))


def test_pages__tokens_that_alternate__are_an_endless_list():
    tokens = itertools.cycle("AB")
    with MlflowStub(lambda *_: {"rows": [], "next_page_token": next(tokens)}) as stub:
        with pytest.raises(PlatformRefused, match="its list has no end"):
            list(MlflowClient(stub.url).pages("runs/search", "rows"))
        assert len(stub.requests) == 3


def test_pages__more_rows_than_a_list_has__are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mlflow_client, "MOST_ROWS", 10)
    tokens = itertools.count()
    with MlflowStub(lambda *_: {"rows": [1] * 4, "next_page_token": str(next(tokens))}) as stub:
        with pytest.raises(PlatformRefused, match="its list has no end"):
            list(MlflowClient(stub.url).pages("runs/search", "rows"))
        assert len(stub.requests) == 3


def test_address__where_nobody_listens__is_unreachable():
    with pytest.raises(PlatformRefused) as caught:
        MlflowClient("http://me:sesame@127.0.0.1:9").get("runs/get")
    assert caught.value.code == "mlflow-unreachable"
    assert "sesame" not in caught.value.message
