"""A real S3 API over HTTP: moto's server in a process of its own, with credentials in the environment."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import botocore.session
import pytest

KEY_ID, SECRET = "AKIATESTTESTTESTTEST", "testing/testing+testing"
_numbers = itertools.count()


class S3Server:
    """The server, and what tests do to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client: Any = self.service("s3")

    def service(self, name: str) -> Any:
        """botocore's client of a service, with keys of its own so that the environment does not matter."""
        session = botocore.session.Session()
        session.set_credentials(KEY_ID, SECRET)
        return session.create_client(name, region_name="us-east-1", endpoint_url=self.url)

    def bucket(self, *, versioned: bool = False) -> str:
        """A new bucket's name."""
        name = f"bucket-{os.getpid()}-{next(_numbers)}"
        self.client.create_bucket(Bucket=name)
        if versioned:
            self.client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def put(self, bucket: str, key: str, data: bytes, **options: Any) -> str | None:
        """Store an object; its version in a versioned bucket."""
        version = self.client.put_object(Bucket=bucket, Key=key, Body=data, **options).get("VersionId")
        return None if version in (None, "null") else str(version)


@contextmanager
def serving_s3() -> Iterator[S3Server]:
    """Moto's server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    # Without the pytest plugins' and the machine's variables: it must not see what a test sets.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(url, process)
            yield S3Server(url)
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """One for all tests."""
    with serving_s3() as server:
        yield server


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server, and an environment that leads boto3 there."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": s3_server.url,
    }.items():
        monkeypatch.setenv(name, value)
    return s3_server


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{url}/moto-api/").close()
            return
        except OSError:
            assert process.poll() is None, "moto's server does not start"
            time.sleep(0.1)
    raise AssertionError("moto's server does not answer")
