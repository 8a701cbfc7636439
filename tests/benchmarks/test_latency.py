"""The proxy of the benchmarks before real servers: git over HTTP both ways, the APIs, a store of objects."""

from __future__ import annotations

import contextlib
import functools
import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, RemoteDisconnected
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks.latency import Proxy, proxy
from benchmarks.measuring import Command, measure
from tagline_localforge import ForgeServer, LocalForge, serve
from tagline_localforge.web import Drop, Request
from tests.support.gitbuild import run_git
from tests.support.round_trips import RoundTrips

#: More than git sends in one piece below, so that it comes in chunks.
LARGE = 1 << 20


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[tuple[ForgeServer, Proxy]]:
    forge = LocalForge(tmp_path / "forge")
    forge.repository("org/shop").grant("alice", "admin")
    forge.token("alice-token", login="alice")
    with serve(forge) as server, proxy(server.url) as through:
        server.url = through.url
        yield server, through
        assert server.failures == []


def _client(through: Proxy) -> contextlib.closing[HTTPConnection]:
    return contextlib.closing(HTTPConnection(urlsplit(through.url).netloc))


def test_proxy__clone_and_push__passes_all_bytes_and_counts_by_kind(
    forge: tuple[ForgeServer, Proxy], tmp_path: Path
) -> None:
    server, through = forge
    clone = tmp_path / "clone"
    url = through.url.replace("://", "://x:alice-token@")
    clone.mkdir()
    for arguments in (
        ("init", "--quiet", "--initial-branch=main"), ("config", "http.postBuffer", "65536"),
        ("config", "core.compression", "0"), ("remote", "add", "origin", f"{url}/org/shop.git"),
    ):  # fmt: skip
        run_git(clone, *arguments)
    (clone / "large").write_bytes(random.Random(1).randbytes(LARGE))
    run_git(clone, "add", "--all")
    run_git(clone, "commit", "--quiet", "--message", "large")
    pushed = measure([Command(("git", "push", "--quiet", "origin", "main"), clone, {})], through)
    fetched = measure([Command(("git", "clone", "--quiet", f"{url}/org/shop.git", "again"), tmp_path, {})], through)
    assert (tmp_path / "again" / "large").read_bytes() == (clone / "large").read_bytes()
    # Each is refused once: git shows a password when it is asked for one.
    assert pushed.trips == RoundTrips(push_opened=2, push=2)
    assert fetched.trips == RoundTrips(fetch_opened=2, fetch=2)
    assert min(pushed.bytes, fetched.bytes) > LARGE
    assert [exchange.is_git for exchange in server.exchanges] == [True] * 8


def test_proxy__requests_on_one_connection__wait_and_stay_behind_it(forge: tuple[ForgeServer, Proxy]) -> None:
    _, through = forge
    through.delay = 0.05
    begun = time.monotonic()
    with _client(through) as client:
        client.request("GET", "/api/v3/repos/org/shop", headers={"Authorization": "Bearer alice-token"})
        shown = json.loads(client.getresponse().read())
        connection = client.sock
        client.request("GET", "/api/v4/projects/org%2Fshop", headers={"PRIVATE-TOKEN": "alice-token"})
        also = json.loads(client.getresponse().read())
        assert client.sock is connection, "it was kept"
    assert time.monotonic() - begun >= 0.1
    assert shown["html_url"].startswith(f"{through.url}/")
    assert also["web_url"].startswith(f"{through.url}/")
    assert through.kinds == ["api", "api"]


def test_proxy__server_that_closes_the_connection__client_hears_it(forge: tuple[ForgeServer, Proxy]) -> None:
    server, through = forge

    def drop(_: Request) -> None:
        raise Drop

    server.before.append(drop)
    with _client(through) as client:
        client.request("GET", "/api/v3/repos/org/shop")
        with pytest.raises(RemoteDisconnected):
            client.getresponse()


def test_proxy__objects__with_and_without_a_body(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"bytes" * 100)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as store:
        threading.Thread(target=store.serve_forever, args=(0.01,), daemon=True).start()
        with proxy(f"http://127.0.0.1:{store.server_port}") as through, _client(through) as client:
            answers = []
            for method in ("HEAD", "GET", "GET"):
                client.request(method, "/key")
                answer = client.getresponse()
                answers.append((answer.status, answer.headers["Content-Length"], answer.read()))
        store.shutdown()
    assert answers == [(200, "500", b""), (200, "500", b"bytes" * 100), (200, "500", b"bytes" * 100)]
    assert (through.kinds, through.received) == (["objects"] * 3, 1000)


def test_measure__processor_time_of_children_and_the_limit(tmp_path: Path) -> None:
    spend = "import time\nwhile time.process_time() < 0.2: pass"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spend!r}])"
    spent = measure([Command((sys.executable, "-c", child), tmp_path, {})])
    assert (spent.cpu >= 0.2, spent.stopped) == (True, False)
    asleep = Command((sys.executable, "-c", "import time; time.sleep(60)"), tmp_path, {})
    stopped = measure([asleep, asleep], limit=0.3)
    assert (stopped.stopped, stopped.seconds < 30) == (True, True)


def test_measure__command_that_fails__ends_the_benchmark(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="exited with 3:\nwhy"):
        measure(
            [Command((sys.executable, "-c", "import sys; print('why', file=sys.stderr); sys.exit(3)"), tmp_path, {})]
        )
