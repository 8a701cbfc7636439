"""Git LFS's objects: from the clone, and from a real HTTP server that speaks the batch API, well or badly."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tagline.adapters.git.lfs import LfsStore, lfs_server
from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.urls import Login, RemoteUrl, remote_url
from tagline.domain.storage.objects import Key
from tagline.errors import ObjectMissing, StoreRefused, TaglineError
from tests.conftest import CommandLine
from tests.support.gitbuild import Commit, History, Tag, build, run_git

DATA = b"0123456789" * 50_000
OURS = {"Authorization": "Basic c2VjcmV0"}
BATCH = "/r.git/info/lfs/objects/batch"


def oid(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def key_of(data: bytes = DATA) -> Key:
    return Key(f"lfs/{oid(data)}/{len(data)}")


@dataclass
class Server:
    """A server, and how it answers: ``faults`` are statuses for the next requests, 0 for a right answer."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    #: What came: method, path, Authorization, all headers.
    requests: list[tuple[str, str, str | None, dict[str, str]]] = field(default_factory=list)
    faults: list[int] = field(default_factory=list)
    ranges: bool = True
    cut: int = 0
    #: Changes the batch answer before it is sent: bytes are sent as they are.
    change: Callable[[dict[str, Any]], Any] = lambda answer: answer
    #: Where objects are served: another server's address.
    objects_at: str = ""
    header: dict[str, str] | None = None
    redirects: dict[str, str] = field(default_factory=dict)
    redirect_status: int = 307

    @property
    def endpoint(self) -> str:
        return f"{self.url}/r.git/info/lfs"

    def sent(self, method: str) -> list[str | None]:
        return [authorization for verb, _, authorization, _ in self.requests if verb == method]


@contextlib.contextmanager
def running() -> Iterator[Server]:  # noqa: C901 - it has many faults to have
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _send(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if server.cut and self.command == "GET":
                body = body[: server.cut]
                self.close_connection = True
            self.wfile.write(body)

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            server.requests.append((self.command, self.path, self.headers["Authorization"], dict(self.headers)))
            fault = server.faults.pop(0) if server.faults else 0
            if fault:
                self._send(fault, b"no")
            elif self.path in server.redirects:
                self._send(server.redirect_status, b"", Location=server.redirects[self.path])
            elif self.command == "POST":
                self._batch(json.loads(body))
            else:
                self._object(server.objects[self.path.rpartition("/")[2]])

        def _batch(self, asked: dict[str, Any]) -> None:
            assert asked["operation"] == "download"
            rows = []
            for row in asked["objects"]:
                if row["oid"] in server.objects:
                    action = {"href": f"{server.objects_at or server.url}/o/{row['oid']}"}
                    if server.header is not None:
                        action["header"] = server.header  # type: ignore[assignment]
                    rows.append({**row, "actions": {"download": action}})
                else:
                    rows.append({**row, "error": {"code": 404, "message": "no"}})
            answer = server.change({"transfer": "basic", "objects": rows})
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self._send(200, data, Content_Type="application/vnd.git-lfs+json")

        def _object(self, data: bytes) -> None:
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "") if server.ranges else None
            if wanted is None:
                self._send(200, data)
                return
            start, end = int(wanted[1]), min(int(wanted[2] or len(data) - 1), len(data) - 1)
            self._send(206, data[start : end + 1], Content_Range=f"bytes {start}-{end}/{len(data)}")

        do_GET = do_POST = _answer  # noqa: N815

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as server:
        server.objects[oid(DATA)] = DATA
        yield server


@pytest.fixture
def other() -> Iterator[Server]:
    """Another host: the same machine under another port."""
    with running() as server:
        server.objects[oid(DATA)] = DATA
        yield server


@pytest.fixture
def store(server: Server) -> LfsStore:
    return LfsStore(server.endpoint, OURS, None)


def read(store: LfsStore, *arguments: Any) -> bytes:
    return b"".join(store.read(key_of(), *arguments))


# -- right answers ------------------------------------------------------------


def test_look__object_that_is_there__has_its_size(store, server):
    assert store.look(key_of()).size == len(DATA)
    assert server.requests[0][:3] == ("POST", BATCH, OURS["Authorization"])
    assert server.requests[0][3]["Accept"] == "application/vnd.git-lfs+json"


def test_proxy__of_the_environment__is_used_but_for_hosts_that_it_leaves_out(server, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url.replace("http://", "http://me:p%40ss@"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert read(LfsStore("http://lfs.invalid/r.git/info/lfs", OURS, None)) == DATA
    asked, fetched = server.requests
    assert asked[1] == "http://lfs.invalid/r.git/info/lfs/objects/batch"
    assert base64.b64decode(asked[3]["proxy-authorization"].removeprefix("Basic ")) == b"me:p@ss"
    assert fetched[1] == f"/o/{oid(DATA)}"
    assert "proxy-authorization" not in {name.lower() for name in fetched[3]}


def test_look_many__three_hundred__are_asked_a_hundred_at_a_time(store, server):
    keys = [key_of(str(number).encode()) for number in range(250)]
    server.objects |= {oid(str(number).encode()): str(number).encode() for number in range(0, 250, 2)}
    assert set(store.look_many(keys)) == set(keys[::2])
    assert len(server.requests) == 3


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize(
    ("start", "length"), [(0, None), (0, 5), (7, 100), (499_990, None), (499_990, 500), (300_000, 100_000), (3, 0)]
)
def test_read__whole_or_range__is_that_part_whether_or_not_the_server_knows_ranges(
    store, server, ranges, start, length
):
    server.ranges = ranges
    end = None if length is None else start + length
    assert read(store, start, length) == DATA[start:end]


def test_read__closed_early__leaves_the_next_read_right(store):
    pieces = store.read(key_of())
    next(pieces)
    pieces.close()
    assert read(store) == DATA


def test_read__after_a_look__asks_nothing_twice(store, server):
    store.look(key_of())
    read(store)
    assert [request[0] for request in server.requests] == ["POST", "GET"]


# -- from the clone -----------------------------------------------------------


def test_local__object_of_the_clone__is_read_without_the_server(tmp_path, server):
    file = tmp_path / oid(DATA)[:2] / oid(DATA)[2:4] / oid(DATA)
    file.parent.mkdir(parents=True)
    file.write_bytes(DATA)
    for store in (LfsStore(server.endpoint, OURS, tmp_path), LfsStore(None, {}, tmp_path)):
        assert store.look(key_of()).size == len(DATA)
        assert read(store) == DATA
        assert read(store, 5, 10) == DATA[5:15]
    assert server.requests == []


def test_local__without_a_server__says_how_to_reach_one(tmp_path):
    with pytest.raises(StoreRefused, match="not reached by HTTP") as caught:
        LfsStore(None, {}, tmp_path).look(key_of())
    assert caught.value.code == "no-lfs"


# -- wrong answers ------------------------------------------------------------


def test_missing__object_that_the_server_lacks__is_missing(store, server):
    server.objects.clear()
    for act in (lambda: store.look(key_of()), lambda: read(store)):
        with pytest.raises(ObjectMissing, match=oid(DATA)):
            act()


@pytest.mark.parametrize(
    ("status", "code"), [(401, "access-denied"), (403, "access-denied"), (404, "no-lfs"), (422, "store-refused")]
)
def test_refusal__of_the_batch__says_why_and_asks_once(store, server, status, code):
    server.faults = [status] * 9
    with pytest.raises(StoreRefused) as caught:
        store.look(key_of())
    assert (caught.value.code, len(server.requests), bool(caught.value.hint)) == (code, 1, True)


@pytest.mark.parametrize(("status", "code"), [(429, "throttled"), (500, "store-refused"), (503, "store-refused")])
def test_refusal__that_may_pass__is_tried_again_and_then_said(store, server, status, code):
    server.faults = [status] * 2
    assert store.look(key_of()).size == len(DATA)
    server.faults = [status] * 50
    with pytest.raises(StoreRefused) as caught:
        read(LfsStore(server.endpoint, OURS, None))
    assert caught.value.code == code
    assert len(server.requests) < 12


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "access-denied"), (429, "store-refused"), (500, "store-refused"), (None, "store-refused")],
)
def test_refusal__of_one_object__says_why(store, server, status, code):
    row = {"oid": oid(DATA), "size": len(DATA), "error": {"code": status, "message": "no"}}
    server.change = lambda answer: {"objects": [row]}
    with pytest.raises(StoreRefused) as caught:
        store.look(key_of())
    assert caught.value.code == code


ROW = {"oid": oid(DATA), "size": len(DATA)}


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"\xff", b"[]", b"null", b"5", b"{}", b'{"objects": 5}', b'{"objects": null}',
     b'{"objects": ["a"]}',
     b"[" * 100_000, b" " * (20 * 1024 * 1024), {"objects": [ROW]}, {"objects": [{**ROW, "actions": {}}]},
     {"objects": [{**ROW, "actions": {"download": {}}}]}, {"objects": [{**ROW, "actions": {"download": "x"}}]},
     {"objects": [{**ROW, "actions": {"download": {"href": "http://h/", "header": ["x"]}}}]},
     {"objects": [{**ROW, "error": "no"}]}],
)  # fmt: skip
def test_garbage__of_the_batch__is_said(store, server, answer):
    server.change = lambda _: answer
    with pytest.raises(StoreRefused, match="not Git LFS's") as caught:
        read(store)
    assert caught.value.code == "no-lfs"


@pytest.mark.parametrize("href", ["", "/o/x", "file:///etc/passwd", "http://[x", "ftp://h/x", "http://", "x" * 9999])
def test_garbage__address_of_an_object__is_said(store, server, href):
    server.change = lambda _: {"objects": [{**ROW, "actions": {"download": {"href": href}}}]}
    with pytest.raises(TaglineError) as caught:
        read(store)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("header", ["a\r\nX-Evil: 1", "ä\u2028"])
def test_garbage__header_that_would_add_another__is_said(store, server, header):
    server.header = {"X": header}
    with pytest.raises(TaglineError) as caught:
        read(store)
    assert caught.value.exit_code == 4
    assert all("X-Evil" not in request[3] for request in server.requests)


def test_lost__connection_in_the_middle_of_an_object__is_said_after_what_came(store, server):
    server.cut = 100_000
    came = bytearray()
    with pytest.raises(StoreRefused) as caught:
        for piece in store.read(key_of()):
            came += piece
    assert caught.value.code == "connection-lost"
    assert DATA.startswith(bytes(came))


def test_lost__server_that_is_not_there__is_unreachable():
    with running() as gone:
        endpoint = gone.endpoint
    with pytest.raises(StoreRefused) as caught:
        LfsStore(endpoint, {}, None).look(key_of())
    assert caught.value.code == "unreachable"


def test_read__address_that_is_no_longer_good__is_asked_for_again(store, server):
    store.look(key_of())
    server.faults = [403]
    assert read(store) == DATA
    assert [request[0] for request in server.requests] == ["POST", "GET", "POST", "GET"]
    server.faults = [403, 0, 403]
    with pytest.raises(StoreRefused):
        read(store)


# -- credentials --------------------------------------------------------------


def test_credentials__object_on_another_host__does_not_get_ours(store, server, other):
    server.objects_at = other.url
    assert read(store) == DATA
    assert (server.sent("POST"), other.sent("GET")) == ([OURS["Authorization"]], [None])


def test_credentials__object_on_another_host__gets_what_the_server_gave_for_it(store, server, other):
    server.objects_at, server.header = other.url, {"Authorization": "Bearer theirs"}
    assert read(store) == DATA
    assert other.sent("GET") == ["Bearer theirs"]


def test_credentials__object_on_the_same_host__gets_ours_unless_the_server_gave_some(store, server):
    assert read(store) == DATA
    server.header = {"authorization": "Bearer theirs"}
    assert b"".join(LfsStore(server.endpoint, OURS, None).read(key_of())) == DATA
    assert server.sent("GET") == [OURS["Authorization"], "Bearer theirs"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects__on_the_same_host__are_followed_with_credentials(store, server, status):
    server.redirect_status = status
    server.redirects = {BATCH: "/moved/objects/batch", f"/o/{oid(DATA)}": f"{server.url}/elsewhere/{oid(DATA)}"}
    assert read(store, 5) == DATA[5:]
    assert server.sent("POST") == [OURS["Authorization"]] * 2
    assert server.sent("GET") == [OURS["Authorization"]] * 2


def test_redirects__to_another_host__are_followed_without_credentials(store, server, other):
    server.header = {"Authorization": "Bearer theirs", "X-Key": "theirs"}
    server.redirects = {f"/o/{oid(DATA)}": f"{other.url}/o/{oid(DATA)}"}
    assert read(store, 3, 4) == DATA[3:7]
    assert other.sent("GET") == [None]
    assert "X-Key" not in other.requests[0][3]
    server.redirects = {BATCH: f"{other.url}/x/objects/batch"}
    assert LfsStore(server.endpoint, OURS, None).look(key_of()).size == len(DATA)
    assert other.sent("POST") == [None]


@pytest.mark.parametrize("location", [BATCH, "", "http://[x", "file:///etc/passwd"])
def test_redirects__that_lead_nowhere__end(store, server, location):
    server.redirects = {BATCH: location}
    with pytest.raises(TaglineError) as caught:
        store.look(key_of())
    assert caught.value.exit_code == 4
    assert len(server.requests) < 8


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    build(tmp_path / "any", History((Commit("c0"),)))
    return GitRepository.at(tmp_path / "any")


@pytest.mark.parametrize(
    ("config", "endpoint", "ours"),
    [
        (None, "https://h/o/r.git/info/lfs", True),
        (b"", "https://h/o/r.git/info/lfs", True),
        (b"[lfs]\n\turl = https://h/o/other/lfs/\n", "https://h/o/other/lfs", True),
        (b"[lfs]\n\turl = https://H:443/o/r\n", "https://H:443/o/r", True),
        (b"[lfs]\n\turl = https://evil/o/r\n", "https://evil/o/r", False),
        (b"[lfs]\n\turl = http://h/o/r\n", "http://h/o/r", False),
        (b"[lfs]\n\turl = https://h:8443/o/r\n", "https://h:8443/o/r", False),
        (b"[lfs]\n\turl = https://h@evil/o/r\n", "https://h@evil/o/r", False),
        (b"[lfs]\n\turl = https://h.evil/o/r\n", "https://h.evil/o/r", False),
        (b"[lfs]\n\turl = https://[h/o/r\n", "https://[h/o/r", False),
        (b"[lfs]\n\turl = ssh://h/o/r\n", None, False),
        (b"[lfs]\n\turl = file:///etc\n", None, False),
        (b"[lfs]\n\turl = git@h:o/r\n", None, False),
        (b"[lfs\nbroken", "https://h/o/r.git/info/lfs", True),
        (b"[include]\n\tpath = /etc/x\n[lfs]\n\turl = https://evil/\n", "https://evil", False),
    ],
)
def test_lfs_server__lfsconfig__is_a_strangers_word(repository, config, endpoint, ours):
    remote = remote_url("https://h/o/r", login=Login("secret"))
    found, headers = lfs_server(repository.git, remote, config)
    assert found == endpoint
    assert set(headers) == ({"Authorization"} if ours else set())


@pytest.mark.parametrize("url", ["ssh://git@h/o/r", "git@h:o/r.git", "file:///x/r"])
def test_lfs_server__remote_without_http__is_none(repository, url):
    assert lfs_server(repository.git, RemoteUrl(url), None) == (None, {})


@pytest.mark.parametrize(
    ("config", "sent"),
    [
        ([("http.extraheader", "X: 1")], {"X": "1"}),
        ([("http.https://h/.extraHeader", "X: 1")], {"X": "1"}),
        ([("http.https://h/o.extraheader", "X: 1")], {"X": "1"}),
        ([("http.https://h/other.extraheader", "X: 1")], {}),
        ([("http.https://other/.extraheader", "AUTHORIZATION: basic of-another-host")], {}),
        ([("http.http://h/.extraheader", "X: 1")], {}),
        (
            [("http.https://h/.extraheader", "AUTHORIZATION: a"), ("http.https://h/.extraheader", "Authorization: b")],
            {"Authorization": "b"},
        ),
        (
            [
                ("http.https://h/.extraheader", "X: 1"),
                ("http.https://h/.extraheader", ""),
                ("http.https://h/.extraheader", "Y: 2"),
            ],
            {"Y": "2"},
        ),
        ([("http.https://h/.extraheader", "no header")], {}),
        ([("http.https://h/.proxy", "X: 1")], {}),
    ],
)
def test_lfs_server__headers__are_those_that_git_would_send_there(repository, config, sent):
    _, headers = lfs_server(repository.git, RemoteUrl("https://h/o/r", (), tuple(config)), None)
    assert headers == sent


def test_lfs_server__header_for_every_host__is_not_for_one_that_the_repository_names(repository):
    remote = RemoteUrl("https://h/o/r", (), (("http.extraheader", "Authorization: ours"),))
    assert lfs_server(repository.git, remote, b"[lfs]\n\turl = https://evil/x\n") == ("https://evil/x", {})


# -- end to end ---------------------------------------------------------------


def pointer(data: bytes) -> bytes:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid(data)}\nsize {len(data)}\n".encode()


@pytest.fixture
def clone(tmp_path: Path, server: Server) -> Path:
    root = tmp_path / "clone"
    files = {
        "artifacts.yaml": "m:\n  path: m.bin\nfolder:\n  path: folder\n", ".gitattributes": "*.bin filter=lfs\n",
        "m.bin": pointer(DATA), "folder/a.bin": pointer(b"a"), "folder/b.txt": "in Git",
        "folder/in/c.bin": pointer(b"c"),
    }  # fmt: skip
    build(root, History((Commit("c0", (), files),), (Tag("m@v1.0.0", "c0"), Tag("folder@v1.0.0", "c0"))))
    run_git(root, "remote", "add", "origin", f"{server.url}/r.git")
    server.objects |= {oid(data): data for data in (b"a", b"c")}
    return root


def test_resolve__file_of_lfs__is_its_object(clone, tagline: CommandLine, server):
    found = tagline.json("resolve", "m@v1.0.0", "--offline", cwd=clone)
    assert (found["digest"], found["size"], found["files"]) == (f"sha256:{oid(DATA)}", len(DATA), 1)
    assert [request[0] for request in server.requests] == ["POST"]


def test_fetch__file_of_lfs__is_its_bytes(clone, tagline: CommandLine, tmp_path):
    tagline.json("fetch", "m@v1.0.0", "--offline", "-o", str(tmp_path / "dest"), cwd=clone)
    assert (tmp_path / "dest").read_bytes() == DATA


def test_fetch__folder_partly_of_lfs__is_all_of_it(clone, tagline: CommandLine, tmp_path):
    answer = tagline.json("fetch", "folder@v1.0.0", "--offline", "-o", str(tmp_path / "dest"), cwd=clone)
    found = {str(path.relative_to(tmp_path / "dest")): path.read_bytes() for path in (tmp_path / "dest").rglob("*.*")}
    assert found == {"a.bin": b"a", "b.txt": b"in Git", "in/c.bin": b"c"}
    assert answer["files"] == 3


@pytest.mark.parametrize("wrong", [DATA[:-1], bytes(byte ^ 1 for byte in DATA), DATA + b"x"])
def test_fetch__server_that_sends_other_bytes__leaves_nothing(clone, tagline: CommandLine, tmp_path, server, wrong):
    server.objects[oid(DATA)] = wrong
    said = tagline("fetch", "m@v1.0.0", "--offline", "-o", str(tmp_path / "dest"), cwd=clone)
    assert (said.code, (tmp_path / "dest").exists()) == (1, False)


def test_resolve__object_that_the_server_lacks__is_missing(clone, tagline: CommandLine, server):
    server.objects.clear()
    said = tagline("resolve", "m@v1.0.0", "--offline", cwd=clone)
    assert (said.code, "has no object" in said.err) == (6, True)


def test_resolve__pointer_that_cannot_be_read__is_refused(tmp_path, tagline: CommandLine):
    bad = pointer(DATA).replace(b"sha256:", b"sha256:zz")
    files = {"artifacts.yaml": "m:\n  path: m.bin\n", "m.bin": bad}
    build(tmp_path / "r", History((Commit("c0", (), files),), (Tag("m@v1.0.0", "c0"),)))
    said = tagline("resolve", "m@v1.0.0", cwd=tmp_path / "r")
    assert (said.code, "cannot be read as one" in said.err) == (1, True)
