"""Which remote becomes which store, and what of its options is believed, used or refused."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tagline.adapters.stores.choice import RemoteStores
from tagline.adapters.stores.fsspec import FsspecStore
from tagline.adapters.stores.fsspec_options import plan
from tagline.adapters.stores.local import LocalStore
from tagline.adapters.stores.s3 import S3Store
from tagline.domain.storage.objects import Key, Remote
from tagline.errors import ObjectChanged, ObjectMissing, StoreRefused, TaglineError, WrongUsage
from tests.support.objectservers import PASSWORD, USER, PlainHandler, RangeHandler, serve_http, serve_sftp, serve_webdav


def remote(url: str, *, own: bool = True, **options: str) -> Remote:
    return Remote("origin", url, options, frozenset(options) if own else frozenset())


def opened(url: str, **options: str) -> Any:
    return RemoteStores(request_payer=False).remote(remote(url, **options), "")


def refused(act: Callable[[], Any]) -> TaglineError:
    with pytest.raises(TaglineError) as caught:
        act()
    assert caught.value.hint
    assert PASSWORD not in caught.value.message + caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("s3://bucket/path", S3Store),
        ("/srv/dvc", LocalStore),
        ("file:///srv/dvc%20store", LocalStore),
        ("gs://bucket/path", FsspecStore),
        ("azure://container/path", FsspecStore),
        ("http://h/p", FsspecStore),
        ("https://h/p", FsspecStore),
        ("ssh://h/p", FsspecStore),
        ("webdavs://h/p", FsspecStore),
    ],
)
def test_remote__by_its_scheme__opens_without_asking_anybody(url: str, kind: type) -> None:
    assert isinstance(opened(url), kind)


@pytest.mark.parametrize("scheme", ["gdrive", "oss", "hdfs", "webhdfs", "ftp"])
def test_remote__of_a_kind_we_do_not_know__unsupported(scheme: str) -> None:
    error = refused(lambda: opened(f"{scheme}://x/y"))
    assert (type(error), error.code) == (WrongUsage, "unsupported-remote")
    assert scheme in error.message


def test_remote__that_is_still_relative__means_nothing() -> None:
    for folder in ("", "sub/project"):
        with pytest.raises(WrongUsage, match="relative path") as caught:
            RemoteStores(request_payer=False).remote(remote("../store"), folder)
        assert caught.value.code == "relative-remote"
        assert folder in caught.value.message
        assert "--repo ./PATH" in caught.value.hint


@pytest.mark.parametrize("extra", ["gs", "azure"])
def test_remote__whose_library_is_not_installed__names_the_extra(extra: str) -> None:
    error = refused(lambda: opened(f"{extra}://bucket/x").look(Key("k")))
    assert (type(error), error.code) == (WrongUsage, "needs-extra")
    assert f"pip install 'tagline[{extra}]'" in error.hint
    assert "origin" in error.message


FILES = [
    ("gs://b/x", "credentialpath"),
    ("ssh://h/x", "keyfile"),
    ("webdavs://h/x", "cert_path"),
    ("webdavs://h/x", "key_path"),
    ("webdavs://h/x", "bearer_token_command"),
]


@pytest.mark.parametrize(("url", "option"), FILES)
def test_options__that_name_files_or_programs__not_from_the_repository(url: str, option: str) -> None:
    error = refused(lambda: plan(remote(url, own=False, **{option: "/tmp/x"})))
    assert error.code == "untrusted-option"
    assert f"dvc remote modify --local origin {option}" in error.hint
    if option != "bearer_token_command":
        plan(remote(url, **{option: "/tmp/x"}))
    else:
        assert refused(lambda: plan(remote(url, **{option: "x"}))).code == "unsupported-option"


def test_plan__gs__as_dvc_gs_does() -> None:
    found = plan(remote("gs://bucket/a/b/", projectname="p", credentialpath="/k.json", endpointurl="http://e"))
    assert (found.root, found.address) == ("bucket/a/b", "gs://bucket/a/b")
    assert found.arguments == {
        "project": "p",
        "token": "/k.json",
        "endpoint_url": "http://e",
        "use_listings_cache": False,
    }
    anonymous = plan(remote("gs://bucket", allow_anonymous_login="true", version_aware="true")).arguments
    assert anonymous == {"token": "anon", "version_aware": True, "use_listings_cache": False}


def test_plan__azure__as_dvc_azure_does() -> None:
    options = {
        "connection_string": "c",
        "account_name": "name",
        "account_key": "k",
        "sas_token": "s",
        "tenant_id": "t",
        "client_id": "i",
        "client_secret": "z",
    }
    found = plan(remote("azure://container/a", **options, read_timeout="7"))
    assert found.root == "container/a"
    assert found.arguments == {**options, "anon": False, "use_listings_cache": False, "read_timeout": 7}
    assert plan(remote("azure://c", account_name="name", allow_anonymous_login="true")).arguments["anon"] is True


def test_plan__ssh__user_and_port_of_options_before_those_of_the_url() -> None:
    options = {
        "user": "bob",
        "port": "2222",
        "keyfile": "/k",
        "password": "p",
        "passphrase": "q",
        "allow_agent": "false",
    }
    found = plan(remote("ssh://alice:word@host:22/srv/x", **options))
    expected = {
        "host": "host",
        "port": 2222,
        "username": "bob",
        "password": "p",
        "client_keys": ["/k"],
        "passphrase": "q",
    }
    assert {name: found.arguments[name] for name in expected} == expected
    assert found.arguments["agent_path"] is None
    # Nobody's word but known_hosts' is taken for who the host is.
    assert found.arguments["known_hosts"] == ()
    assert (found.root, found.address) == ("/srv/x", "ssh://host:2222/srv/x")
    plain = plan(remote("ssh://alice@host/srv")).arguments
    assert plain["username"] == "alice"
    assert "port" not in plain


def test_plan__webdav__certificates_tokens_and_headers() -> None:
    found = plan(remote("webdavs://h/a b", token="t", cert_path="/c", key_path="/k", ssl_verify="/ca.pem", timeout="5"))
    assert found.arguments == {
        "base_url": "https://h/a%20b",
        "headers": {"Authorization": "Bearer t"},
        "cert": ("/c", "/k"),
        "verify": "/ca.pem",
        "timeout": 5.0,
    }
    login = plan(remote("webdav://h/a", user="u", password="p")).arguments
    assert (login["auth"], login["base_url"]) == (("u", "p"), "http://h/a")
    custom = plan(remote("webdav://h", custom_auth_header="X-Key", password="p")).arguments
    assert custom["headers"] == {"X-Key": "p"}


def test_plan__http__ways_of_logging_in() -> None:
    basic = plan(remote("https://h/a?b", auth="basic", user="u", password="p"))
    assert basic.arguments["client_kwargs"]["headers"] == {"Authorization": "Basic dTpw"}
    assert basic.root == "https://h/a%3Fb"
    custom = plan(remote("http://h", auth="custom", custom_auth_header="X-Key", password="p", ssl_verify="false"))
    assert custom.arguments["client_kwargs"]["headers"] == {"X-Key": "p"}
    assert custom.arguments["client_kwargs"]["verify"] is False
    assert refused(lambda: plan(remote("http://h", auth="basic", user="u"))).code == "no-credentials"
    assert refused(lambda: plan(remote("http://h", auth="digest"))).code == "unsupported-option"


@pytest.mark.parametrize(
    "url",
    [
        "gs://",
        "ssh:///p",
        "http://h:port/x",
        "ssh://git:/word/@h/x",
        "https://u:/word@h/x",
        "ssh://git:1/word@h/x",
        "ssh://u:12#3@h/p",
        "ssh://u:12?3@h/p",
        "ssh://me@corp:12/34@h/p",
    ],
)
def test_url__without_a_host__bad_remote(url: str) -> None:
    assert refused(lambda: opened(url)).code == "bad-remote"


# Over the wire


class Refusing(PlainHandler):
    """Says whatever status its path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.rpartition("/")[2]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "object-missing"), (403, "access-denied"), (401, "access-denied"), (503, "throttled"), (500, "unreachable")],
)
def test_http__refusals__by_their_status(tmp_path: Path, status: int, code: str) -> None:
    with serve_http(tmp_path, Refusing) as url:
        store = opened(url, auth="basic", user=USER, password=PASSWORD)
        assert refused(lambda: store.look(Key(str(status)))).code == code
        assert refused(lambda: list(store.read(Key(str(status))))).code == code


class Cutting(PlainHandler):
    """Claims more than it sends."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5000")
        self.end_headers()
        self.wfile.write(b"x" * 3000)
        self.close_connection = True


@pytest.mark.parametrize("scheme", ["http", "webdav"])
def test_http__cut_in_mid_object__lost(tmp_path: Path, scheme: str) -> None:
    with serve_http(tmp_path, Cutting) as url:
        store = opened(url.replace("http", scheme))
        error = refused(lambda: list(store.read(Key("k"))))
    assert (type(error), error.code) == (StoreRefused, "connection-lost")


@pytest.mark.parametrize("scheme", ["http", "webdav"])
@pytest.mark.parametrize("way", ["basic", "custom"])
@pytest.mark.parametrize("elsewhere", [True, False])
def test_http__redirect__login_goes_to_the_named_server_alone(
    tmp_path: Path, scheme: str, way: str, *, elsewhere: bool
) -> None:
    (tmp_path / "k").write_bytes(b"data")
    heard: list[str] = []

    class Hearing(RangeHandler):
        protocol_version = "HTTP/1.0"  # no connection outlives its answer

        def _answer(self, *, body: bool) -> None:
            heard.append(str(self.headers))
            super()._answer(body=body)

    class Sending(Hearing):
        def _answer(self, *, body: bool) -> None:
            if self.path.startswith("/moved"):
                self.path = self.path.removeprefix("/moved")
                super()._answer(body=body)
                return
            self.send_response(302)
            self.send_header("Location", f"{other if elsewhere else ''}/moved{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

    class Other(Hearing):
        def _answer(self, *, body: bool) -> None:
            self.path = self.path.removeprefix("/moved")
            super()._answer(body=body)

    login = {"auth": way, "user": USER} if scheme == "http" or way == "basic" else {}
    login |= {"custom_auth_header": "X-Key"} if way == "custom" else {}
    if scheme == "webdav":
        login.pop("auth", None)
    with serve_http(tmp_path, Other) as other, serve_http(tmp_path, Sending) as url:
        store = opened(url.replace("http", scheme), password=PASSWORD, **login)
        assert b"".join(store.read(Key("k"))) == b"data"
    assert len(heard) == 1
    secret = PASSWORD if way == "custom" else b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert (secret in heard[0]) is not elsewhere


def test_http__nobody_there_and_a_password_in_the_url__unreachable_and_not_told() -> None:
    store = opened(f"http://{USER}:{PASSWORD}@127.0.0.1:1/x")
    error = refused(lambda: store.look(Key("k")))
    assert error.code == "unreachable"
    assert PASSWORD not in store.uri(Key("k"))


def test_ssh__wrong_password_or_unknown_host__refused(tmp_path: Path) -> None:
    known = Path.home() / ".ssh" / "known_hosts"
    with serve_sftp(tmp_path, known) as url:
        error = refused(lambda: opened(url, user=USER, password="wrong-one", allow_agent="false").look(Key("k")))
        assert error.code == "access-denied"
        assert "wrong-one" not in error.message
        known.write_text("")
        error = refused(lambda: opened(url, user=USER, password=PASSWORD).look(Key("k")))
        assert error.code == "unreachable"
        assert "known_hosts" in error.hint


def test_webdav__wrong_password__refused(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(b"x")
    with serve_webdav(tmp_path) as url:
        store = opened(url, user=USER, password="wrong-one")
        assert refused(lambda: store.look(Key("k"))).code == "access-denied"
        assert refused(lambda: list(store.read(Key("k")))).code == "access-denied"


# A folder


def test_local__links__followed_inside_and_never_out(tmp_path: Path) -> None:
    real, outside = tmp_path / "real", tmp_path / "outside"
    real.mkdir()
    outside.write_bytes(b"not yours")
    (real / "data").write_bytes(b"mine")
    (real / "inside").symlink_to("data")
    (real / "out").symlink_to(outside)
    (real / "dir").symlink_to(tmp_path)
    (real / "dangling").symlink_to("nothing")
    link = tmp_path / "store"
    link.symlink_to(real)
    store = LocalStore(link)
    assert b"".join(store.read(Key("inside"))) == b"mine"
    for path in ("out", "dir/outside"):
        for act in (lambda path=path: store.look(Key(path)), lambda path=path: list(store.read(Key(path)))):  # type: ignore[misc]
            assert refused(act).code == "outside-store"
    assert isinstance(refused(lambda: store.look(Key("dangling"))), ObjectMissing)
    assert isinstance(refused(lambda: store.look(Key("dir"))), StoreRefused)


def test_local__no_regular_file__missing(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("dir", "pipe"):
        assert isinstance(refused(lambda name=name: LocalStore(tmp_path).look(Key(name))), ObjectMissing)  # type: ignore[misc]


def test_local__no_folder_at_all__is_told_from_a_missing_object(tmp_path: Path) -> None:
    error = refused(lambda: LocalStore(tmp_path / "none").look(Key("k")))
    assert (type(error), error.code) == (StoreRefused, "not-mounted")
    assert "folder" in error.message


def test_local__written_while_it_is_read__changed(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"x" * (9 << 20))
    pieces = LocalStore(tmp_path).read(Key("data"))
    next(pieces)
    with (tmp_path / "data").open("ab") as file:
        file.write(b"more")
    with pytest.raises(ObjectChanged):
        list(pieces)
    pieces = LocalStore(tmp_path).read(Key("data"))
    next(pieces)
    with (tmp_path / "data").open("r+b") as file:
        file.truncate(5 << 20)
    with pytest.raises(StoreRefused):
        list(pieces)


def test_import__of_the_stores__brings_no_library() -> None:
    code = (
        "import sys, tagline.adapters.stores.choice, tagline.adapters.stores.s3, tagline.adapters.stores.fsspec;"
        "print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"boto3", "botocore", "fsspec", "asyncssh", "aiohttp", "httpx"} & set(loaded)


def test_gs__endpoint_that_the_repository_names__refused_but_for_anonymous_reading() -> None:
    options = {"endpointurl": "http://127.0.0.1:1"}
    with pytest.raises(WrongUsage) as refusal:
        plan(Remote("r", "gs://bucket/x", options))
    assert refusal.value.code == "untrusted-option"
    plan(Remote("r", "gs://bucket/x", options, frozenset(["endpointurl"])))
    plan(Remote("r", "gs://bucket/x", {**options, "allow_anonymous_login": "true"}))


@pytest.mark.parametrize("name", ["127.0.0.1:8767/a?", "a.b", "evil/", "UPPER", "ab", "x" * 25, "a@b", ""])
def test_azure__account_that_would_be_another_host__refused(name: str) -> None:
    with pytest.raises(WrongUsage) as refusal:
        plan(Remote("r", "azure://container/x", {"account_name": name}))
    assert refusal.value.code == "bad-option"
