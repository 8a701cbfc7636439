"""Bytes come into the container from every kind of store, with the libraries as locked, pruned and stripped."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.e2e.machine import container_run, image
from tests.support.gitbuild import Commit, History, Tag, build
from tests.support.objectservers import PASSWORD, USER, RangeHandler, serve_http, serve_sftp, serve_webdav
from tests.support.s3server import KEY_ID, SECRET, S3Server

__all__ = ["image"]
pytestmark = pytest.mark.e2e

MODEL = b"model " * 20_000
DIGEST = hashlib.md5(MODEL).hexdigest()
KEY = f"files/md5/{DIGEST[:2]}/{DIGEST[2:]}"
POINTER = f"outs:\n- md5: {DIGEST}\n  size: {len(MODEL)}\n  hash: md5\n  path: m.bin\n"


class Shop:
    """A clone whose model lies in a store, and the container that fetches it."""

    def __init__(self, folder: Path, image: str) -> None:
        self.path, self.home, self._image = folder / "shop", folder / "home", image
        self.home.mkdir()

    def build(self, url: str, **options: str) -> None:
        """The registry; options are what a user keeps beside the repository."""
        config = f"[core]\n    remote = s\n['remote \"s\"']\n    url = {url}\n"
        files = {"artifacts.yaml": "rf: {path: m.bin}\n", "m.bin.dvc": POINTER, ".dvc/config": config}
        build(self.path, History((Commit("c0", files=files),), (Tag("rf@v1.0.0", "c0"),)), checkout=True)
        lines = "".join(f"    {name} = {value}\n" for name, value in options.items())
        (self.path / ".dvc/config.local").write_text(f"['remote \"s\"']\n{lines}")

    def fetch(self, **env: str) -> subprocess.CompletedProcess[str]:
        options = ["--volume", f"{self.home}:/github/home"]
        return container_run(
            self._image, "fetch", "rf", "-o", "out.bin", "--json", workspace=self.path, network="host",
            env={"HOME": "/github/home", **env}, options=options,
        )  # fmt: skip

    def check(self, **env: str) -> None:
        done = self.fetch(**env)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["digest"] == f"md5:{DIGEST}"
        assert (self.path / "out.bin").read_bytes() == MODEL


@pytest.fixture
def shop(tmp_path: Path, image: str) -> Shop:
    return Shop(tmp_path, image)


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    name = s3_server.bucket()
    s3_server.put(name, f"store/{KEY}", MODEL)
    return name


def test_fetch__s3__with_keys_in_the_environment(shop: Shop, s3_server: S3Server, bucket: str) -> None:
    shop.build(f"s3://{bucket}/store", endpointurl=s3_server.url)
    shop.check(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET, AWS_DEFAULT_REGION="us-east-1")


def test_fetch__s3__with_a_web_identity(shop: Shop, s3_server: S3Server, bucket: str) -> None:
    """What CI's OIDC comes down to: botocore asks STS for keys."""
    shop.build(f"s3://{bucket}/store")
    (shop.home / "token").write_text("eyJhbGciOiJub25lIn0.e30.")
    shop.check(
        AWS_ENDPOINT_URL=s3_server.url,
        AWS_ROLE_ARN="arn:aws:iam::123456789012:role/reader",
        AWS_WEB_IDENTITY_TOKEN_FILE="/github/home/token",
        AWS_DEFAULT_REGION="us-east-1",
    )


def test_fetch__s3__with_a_profile_that_asks_a_process(shop: Shop, s3_server: S3Server, bucket: str) -> None:
    shop.build(f"s3://{bucket}/store", endpointurl=s3_server.url, profile="shop")
    keys = json.dumps({"Version": 1, "AccessKeyId": KEY_ID, "SecretAccessKey": SECRET})
    (shop.home / ".aws").mkdir()
    (shop.home / "keys.json").write_text(keys)
    profile = "[profile shop]\nregion = us-east-1\ncredential_process = cat /github/home/keys.json\n"
    (shop.home / ".aws/config").write_text(profile)
    shop.check()


Serve = Callable[[Path, Path], AbstractContextManager[str]]


@contextmanager
def _sftp(folder: Path, home: Path) -> Iterator[str]:
    with serve_sftp(folder, home / ".ssh" / "known_hosts") as url:
        yield url


@pytest.mark.parametrize(
    ("serve", "options"),
    [
        (lambda folder, _home: serve_http(folder, RangeHandler), {}),
        (_sftp, {"user": USER, "password": PASSWORD, "allow_agent": "false"}),
        (lambda folder, _home: serve_webdav(folder), {"user": USER, "password": PASSWORD}),
    ],
    ids=["http", "ssh", "webdav"],
)
def test_fetch__other_stores__verified(shop: Shop, tmp_path: Path, serve: Serve, options: dict[str, str]) -> None:
    served = tmp_path / "served"
    (served / KEY).parent.mkdir(parents=True)
    (served / KEY).write_bytes(MODEL)
    with serve(served, shop.home) as url:
        shop.build(url, **options)
        shop.check()


class _Google(BaseHTTPRequestHandler):
    """Google's storage with one object: what it is, and its bytes."""

    def do_GET(self) -> None:
        path = unquote(self.path)
        start, end = _range(self.headers.get("Range"))
        if f"/b/models/o/store/{KEY}" not in path:
            _answer(self, 404, b"{}")
        elif "alt=media" in path:
            _answer(self, 206, MODEL[start:end], {"Content-Range": f"bytes {start}-{end - 1}/{len(MODEL)}"})
        else:
            when = "2026-01-01T00:00:00Z"
            about = {"kind": "storage#object", "bucket": "models", "name": f"store/{KEY}", "size": str(len(MODEL))}
            about |= {"etag": "one", "generation": "1", "updated": when, "timeCreated": when}
            _answer(self, 200, json.dumps(about).encode(), {"Content-Type": "application/json"})

    def log_message(self, *_: object) -> None:
        pass


class _Azure(BaseHTTPRequestHandler):
    """Azure's blobs, likewise."""

    def do_HEAD(self) -> None:
        self._say(b"")

    def do_GET(self) -> None:
        self._say(MODEL)

    def _say(self, body: bytes) -> None:
        if unquote(self.path).partition("?")[0] != f"/acct/models/store/{KEY}":
            _answer(self, 404, b"", {"x-ms-error-code": "BlobNotFound"})
            return
        start, end = _range(self.headers.get("x-ms-range") or self.headers.get("Range"))
        headers = {
            "ETag": '"one"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "x-ms-blob-type": "BlockBlob",
            "x-ms-version": "2021-01-01", "Content-Type": "application/octet-stream",
        }  # fmt: skip
        if body:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(MODEL)}"
        _answer(self, 206 if body else 200, body[start:end], headers, len(MODEL) if not body else None)

    def log_message(self, *_: object) -> None:
        pass


def _range(header: str | None) -> tuple[int, int]:
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", header or "")
    return (int(match[1]), min(int(match[2] or len(MODEL)) + 1, len(MODEL))) if match else (0, len(MODEL))


def _answer(
    to: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None, size: int | None = None
) -> None:
    to.send_response(status)
    for name, value in {**(headers or {}), "Content-Length": str(len(body) if size is None else size)}.items():
        to.send_header(name, value)
    to.end_headers()
    to.wfile.write(body)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Who closes early is no failure of the server."""


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_fetch__google__verified(shop: Shop) -> None:
    with _served(_Google) as url:
        shop.build("gs://models/store", allow_anonymous_login="true", endpointurl=url)
        # Left alone, gcsfs asks by gRPC first what kind of bucket it is, and waits a minute for an answer.
        shop.check(GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT="false")


def test_fetch__azure__verified(shop: Shop) -> None:
    with _served(_Azure) as url:
        login = f"AccountName=acct;AccountKey=c2VjcmV0;BlobEndpoint={url}/acct;DefaultEndpointsProtocol=http"
        shop.build("azure://models/store", connection_string=f"'{login}'")
        shop.check()
