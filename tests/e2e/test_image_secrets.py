"""No token in the image, its history, an argv or a log: looked for in every layer, and while it runs."""

from __future__ import annotations

import gzip
import os
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tagline_localforge import Response
from tests.commands.changes.conftest import make_world, platform
from tests.commands.changes.world import BETTER, World
from tests.e2e.machine import BUILD_SECRET, container_run, docker, image
from tests.support.gitbuild import Commit, History, Tag, build
from tests.support.githttp import serve

__all__ = ["image", "make_world", "platform"]
pytestmark = pytest.mark.e2e

TOKEN = "tgl-token-7d1e0b52c9"


# -- In the image ----------------------------------------------------------------


def test_history__built_with_tokens_in_the_environment__has_none(image: str) -> None:
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}} {{.Comment}}", image).stdout
    config = docker("image", "inspect", image).stdout
    assert "ENTRYPOINT" in history
    for said in (history, config):
        assert BUILD_SECRET not in said
        assert "PIP_CERT" not in said


def test_layers__built_among_files_with_tokens__have_none_of_them(image: str) -> None:
    with tempfile.NamedTemporaryFile() as saved:
        docker("save", "--output", saved.name, image)
        seen = 0
        with tarfile.open(saved.name) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                if file is not None:
                    seen += _search(file, BUILD_SECRET.encode())
    assert seen > 200_000_000


def _search(file: IO[bytes], secret: bytes) -> int:
    """Read all of a file, unpacked; how many bytes it was. Fails where the secret is in it."""
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    stream: IO[bytes] = gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[assignment]
    total, rest = 0, b""
    while piece := stream.read(1 << 20):
        assert secret not in rest + piece
        total, rest = total + len(piece), piece[-len(secret) :]
    return total


def test_search__a_secret_across_two_pieces__is_found(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * ((1 << 20) - 3) + BUILD_SECRET.encode())
    with (tmp_path / "f").open("rb") as file, pytest.raises(AssertionError):
        _search(file, BUILD_SECRET.encode())


# -- While it runs ---------------------------------------------------------------


class Watched:
    """The command lines of all processes of this machine, also those in containers, as they come and go."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._over = threading.Event()

    def watch(self) -> None:
        while not self._over.wait(0.002):
            for process in os.listdir("/proc"):  # noqa: PTH208 - a quarter of the time that Path takes
                if process.isdigit():
                    try:
                        self.seen.add(Path("/proc", process, "cmdline").read_bytes())
                    except OSError:
                        continue

    def stop(self) -> None:
        self._over.set()

    def lines(self, *words: str) -> list[str]:
        """Those that have all these words."""
        decoded = [line.replace(b"\0", b" ").decode(errors="replace") for line in self.seen]
        return [line for line in decoded if all(word in line for word in words)]


@contextmanager
def watched() -> Iterator[Watched]:
    found = Watched()
    thread = threading.Thread(target=found.watch)
    thread.start()
    try:
        yield found
    finally:
        found.stop()
        thread.join()


def test_promote__on_a_slow_forge__token_is_in_no_argv_and_no_log(
    image: str, make_world: Callable[..., World], platform: str
) -> None:
    world = make_world(platform)
    if platform == "github":
        world.forge.token(TOKEN, kind="app")
    else:
        world.forge.token(TOKEN, login="tagline-bot")
    number = world.open("better", BETTER, labels=("version:minor",))
    world.merge(number)

    def slow(_request: object) -> Response | None:
        time.sleep(0.1)
        return None

    world.server.before.append(slow)
    with watched() as processes:
        env = {**world.environ(TOKEN), "TAGLINE_IDENTITY": "my-app[bot]", "TAGLINE_DEBUG": "1", "GIT_TRACE": "1"}
        env.pop("GITHUB_STEP_SUMMARY", None)
        done = container_run(image, "promote", "--change", str(number), env=env, network="host")
    assert done.returncode == 0, done.stderr
    assert "churn@v0.1.0" in world.tags()
    # The watch is quick enough to have seen what matters, and looks at what runs in containers.
    assert processes.lines("tagline", "promote", "--change")
    assert processes.lines("git", "push")
    assert processes.lines("git", "remote-http")
    assert processes.lines(TOKEN) == []
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize("password", [TOKEN, "another"], ids=["right", "wrong"])
def test_resolve__elsewhere__token_is_in_no_argv_and_no_log(image: str, tmp_path: Path, password: str) -> None:
    files = {"artifacts.yaml": "rf: {path: m}\n", "m": "x"}
    build(tmp_path / "r.git", History((Commit("c0", files=files),), (Tag("rf@v1.0.0", "c0"),)), bare=True)
    with serve(tmp_path, password=password) as server, watched() as processes:
        done = container_run(
            image, "resolve", "rf", "--json", "--repo", f"{server.url}/r.git", network="host",
            env={"TAGLINE_REPO_TOKEN": TOKEN, "TAGLINE_DEBUG": "1", "GIT_TRACE": "1"},
        )  # fmt: skip
    assert done.returncode == (0 if password == TOKEN else 4), done.stderr
    assert processes.lines("git", "remote-http")
    assert processes.lines(TOKEN) == []
    assert TOKEN not in done.stdout + done.stderr


def test_git_trace_curl__asked_for_by_the_user__shows_no_token(image: str, tmp_path: Path) -> None:
    """What people set when a job does not work, and forget about."""
    build(tmp_path / "r.git", History((Commit("c0"),), (Tag("rf@v1.0.0", "c0"),)), bare=True)
    with serve(tmp_path, password=TOKEN) as server:
        done = container_run(
            image, "show", "--repo", f"{server.url}/r.git", network="host",
            env={"TAGLINE_REPO_TOKEN": TOKEN, "GIT_TRACE_CURL": "1", "GIT_CURL_VERBOSE": "1", "GIT_TRACE": "1"},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    import base64

    encoded = [
        base64.b64encode(f"{user}:{TOKEN}".encode()).decode() for user in ("x-access-token", "oauth2", "tagline")
    ]
    assert not [text for text in (TOKEN, *encoded) if text in said]
