"""A real MLflow server over HTTP: ``mlflow server`` on SQLite, in a process of its own."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tagline.adapters.mlflow.client import MlflowClient

_numbers = itertools.count()
#: Seconds; it imports half of data science first.
_LONGEST_START = 120


class MlflowServer:
    """The server, and what tests do to it. What they make has names of its own: one server serves them all."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = MlflowClient(url)

    def name(self, what: str = "model") -> str:
        """A name that nothing here has yet."""
        return f"{what}-{os.getpid()}-{next(_numbers)}"

    def run(
        self,
        metrics: Mapping[str, float] | None = None,
        params: Mapping[str, str] | None = None,
        experiment: str = "0",
        datasets: tuple[Mapping[str, str], ...] = (),
    ) -> str:
        """A finished run's id. ``datasets``: name, digest, source_type, source."""
        made = self.client.post("runs/create", {"experiment_id": experiment, "start_time": 1_700_000_000_000})
        run_id: str = made["run"]["info"]["run_id"]
        self.client.post(
            "runs/log-batch",
            {
                "run_id": run_id,
                "metrics": [
                    {
                        "key": key,
                        "value": _figure(value),
                        "timestamp": 1_700_000_000_000,
                        "step": 0,
                    }
                    for key, value in (metrics or {}).items()
                ],
                "params": [{"key": key, "value": value} for key, value in (params or {}).items()],
            },
        )
        if datasets:
            tags = [{"key": "mlflow.data.context", "value": "training"}]
            body = {"run_id": run_id, "datasets": [{"tags": tags, "dataset": dict(one)} for one in datasets]}
            self.client.post("runs/log-inputs", body)
        self.client.post("runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": 1_700_000_060_000})
        return run_id

    def model(self, name: str | None = None) -> str:
        """A registered model's name."""
        name = name or self.name()
        self.client.post("registered-models/create", {"name": name})
        return name

    def version(self, model: str, run_id: str | None) -> str:
        """A new version of a model, made by a run; None: by none."""
        made = {"source": f"runs:/{run_id}/model", "run_id": run_id} if run_id else {"source": "s3://bucket/model"}
        body = {"name": model, **made}
        return str(self.client.post("model-versions/create", body)["model_version"]["version"])

    def run_tags(self, run_id: str) -> dict[str, str]:
        data = self.client.get("runs/get", {"run_id": run_id})["run"]["data"]
        return {tag["key"]: tag["value"] for tag in data.get("tags", ())}

    def version_tags(self, model: str, version: str) -> dict[str, str]:
        found = self.client.get("model-versions/get", {"name": model, "version": version})["model_version"]
        return {tag["key"]: tag["value"] for tag in found.get("tags", ())}

    def aliases(self, model: str) -> dict[str, str]:
        found = self.client.get("registered-models/get", {"name": model})["registered_model"]
        return {one["alias"]: one["version"] for one in found.get("aliases", ())}


def _figure(value: float) -> float | str:
    """JSON has no infinity: protobuf's JSON writes words."""
    words = {math.inf: "Infinity", -math.inf: "-Infinity"}
    return "NaN" if math.isnan(value) else words.get(value, value)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def mlflow_server() -> Iterator[MlflowServer]:
    """One server for the whole session."""
    with running() as server:
        yield server


@contextlib.contextmanager
def running() -> Iterator[MlflowServer]:
    """A server of one's own."""
    folder = Path(tempfile.mkdtemp(prefix="tagline-mlflow-"))
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    words = ["server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--disable-security-middleware"]
    store = f"sqlite:///{folder}/mlflow.db"
    files = ["--backend-store-uri", store, "--artifacts-destination", str(folder / "artifacts")]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "HOME": str(folder)}
    # Nobody gives it jobs, and their runners are a dozen processes.
    quiet["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words, *files],
            stdout=log,
            stderr=log,
            cwd=folder,
            env={**kept, **quiet},
            start_new_session=True,
        )
    try:
        _wait(process, url, folder / "log")
        yield MlflowServer(url)
    finally:
        _stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + _LONGEST_START
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except OSError:
            said = log.read_text(errors="replace")[-2000:]
            assert process.poll() is None, f"the MLflow server ended: {said}"
            assert time.monotonic() < end, f"the MLflow server does not start: {said}"
            time.sleep(0.2)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """The whole group: the server has workers of its own."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


class MlflowStub:
    """A server that answers as it is told: to method, path and body a document, ``(status, body)`` or with headers."""

    def __init__(self, answer: Callable[[str, str, bytes], Any]) -> None:
        stub = self
        #: Method, path with query, headers and body of whatever came.
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                stub.requests.append((self.command, self.path, dict(self.headers), body))
                said = answer(self.command, self.path.partition("?")[0], body)
                status, content, *more = said if isinstance(said, tuple) else (200, said)
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                try:
                    self.send_response(status)
                    for key, value in (more[0] if more else {}).items():
                        self.send_header(key, value)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:  # whoever asked is gone
                    self.close_connection = True

            do_GET = do_POST = do_PATCH = do_DELETE = _any  # noqa: N815

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> MlflowStub:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
