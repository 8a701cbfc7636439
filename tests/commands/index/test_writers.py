"""Several runs that write one index, and runs that are killed: in a folder, and at a real S3 API."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.index_world import add_tag
from tagline.adapters.index.bucket import Bucket
from tagline.adapters.index.dataset import PlacedDataSet
from tagline.cli.main import main
from tagline.commands.index.index import index
from tagline.domain.index.buckets import Shard
from tagline.settings import Settings
from tagline.wiring.index import IndexWiring
from tests.support.index_runs import VERSIONS, Run, everything, listing
from tests.support.s3server import S3Server

TAGLINE = str(Path(sys.executable).with_name("tagline"))
State = Callable[[], dict[str, list[Any]]]


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        return f"s3://{request.getfixturevalue('bucket')}/some/index"
    return str(tmp_path / "index")


@pytest.fixture
def state(place: str, s3_server: S3Server, tmp_path: Path) -> State:
    """All rows that are there now, of S3 by a copy of all objects."""

    def now() -> dict[str, list[Any]]:
        return everything(copied(place, s3_server, tmp_path) if place.startswith("s3://") else Path(place))

    return now


def copied(place: str, server: S3Server, tmp_path: Path) -> Path:
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    shutil.rmtree(tmp_path / "copy", ignore_errors=True)
    for row in server.client.list_objects_v2(Bucket=bucket)["Contents"]:
        file = tmp_path / "copy" / row["Key"].removeprefix(f"{prefix}/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(server.client.get_object(Bucket=bucket, Key=row["Key"])["Body"].read())
    return tmp_path / "copy"


def keep(data: PlacedDataSet, paths: Sequence[Path], *, add: bool) -> None:
    """A run within this process."""
    wiring = IndexWiring(Settings.from_environ(os.environ))
    with data:
        context = wiring.context(data, 2, lambda _: None, lambda _: None)
        index(context, wiring.wanted([*map(str, paths)], [], [], []), Shard(), add=add)


# -- shards ------------------------------------------------------------------------------------------


def test_shards__four_at_once_and_again__have_the_rows_of_one_run(
    run: Run, many: list[Path], tmp_path: Path, place: str, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    run(*many, into=tmp_path / "whole")
    command = [TAGLINE, "index", *map(str, many), "-o", place]
    for _ in range(1 if place.startswith("s3://") else 2):
        shards = [subprocess.Popen([*command, "--shard", f"{one}/4"], stdout=subprocess.DEVNULL) for one in range(1, 5)]
        assert [shard.wait(120) for shard in shards] == [0] * 4
        assert state() == everything(tmp_path / "whole")
    assert run(*many, into=place).unchanged == len(many)
    assert run(*many, "--shard", "5/4").code == 2
    # It is asked where it is; the copies of parts are brought again.
    shutil.rmtree(tmp_path / "cache")
    assert main(["query", "SELECT count(*) AS n FROM versions", "--index", place, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"n": len(many) * VERSIONS}]
    assert main(["search", "stage:prod metric:accuracy>0.9", "--index", place, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["artifacts"]) == len(many)


# -- at S3 -------------------------------------------------------------------------------------------


def test_s3__written_and_read_again__is_what_a_folder_has(
    run: Run, many: list[Path], tmp_path: Path, bucket: str, s3_server: S3Server
) -> None:
    place = f"s3://{bucket}/some/index"
    assert run(*many[:3], into=place).read == 3
    add_tag(many[0], 1)
    assert (again := run(*many[:3], into=place)).unchanged == 2
    assert again.read == 1
    shutil.rmtree(tmp_path / "cache")
    assert run(*many[:3], into=place).unchanged == 3
    s3_server.client.put_object(Bucket=bucket, Key="some/index/inputs/train.parquet", Body=b"of people")
    strays = Bucket(place, tmp_path / "cache").strays((), time.time() + 60)
    assert strays
    assert "inputs/train.parquet" not in strays
    copy = copied(place, s3_server, tmp_path)
    run(*many[:3], into=tmp_path / "here")
    assert everything(copy) == everything(tmp_path / "here")
    manifest = (copy / "events" / "_symlink_format_manifest" / "manifest").read_text().splitlines()
    assert manifest == [f"{place}/{part.file}" for part in listing(copy).tables["events"]]


class Overtaken(Bucket):
    """A bucket in which somebody else is faster: right before the first attempt to replace the index."""

    def __init__(self, address: str, cache: Path, rival: Callable[[], None]) -> None:
        super().__init__(address, cache)
        self._rivals = [rival]
        self.answers: list[bool] = []

    def replace(self, data: bytes, mark: str | None) -> bool:
        if self._rivals:
            self._rivals.pop()()
        self.answers.append(super().replace(data, mark))
        return self.answers[-1]


@pytest.mark.parametrize("there", [False, True])
def test_s3__somebody_is_faster__both_runs_rows_are_there(
    run: Run, many: list[Path], tmp_path: Path, bucket: str, s3_server: S3Server, there: bool
) -> None:
    place, cache = f"s3://{bucket}/index", tmp_path / "cache"
    if there:
        run(many[0], into=place)
        add_tag(many[0], 1)
    rival = PlacedDataSet(Bucket(place, cache / "other"), cache)
    slow = Overtaken(place, cache / "own", lambda: keep(rival, many[1:2], add=True))
    keep(PlacedDataSet(slow, cache), [many[0], many[2]], add=True)
    assert slow.answers == [False, True]
    run(*many[:3], into=tmp_path / "whole")
    assert everything(copied(place, s3_server, tmp_path)) == everything(tmp_path / "whole")


# -- killed ------------------------------------------------------------------------------------------

#: A run that kills itself: while it reads, with its new parts written, or with the new state listed.
DYING = """
import os, signal, sys
from pathlib import Path
from tagline.adapters.index.bucket import Bucket
from tagline.adapters.index.dataset import PlacedDataSet
from tagline.adapters.index.folder import Folder
from tagline.commands.index.index import index
from tagline.domain.index.buckets import Shard
from tagline.settings import Settings
from tagline.wiring.index import IndexWiring

when, place, *paths = sys.argv[1:]
settings = Settings.from_environ(os.environ)

def die(_):
    os.kill(os.getpid(), signal.SIGKILL)

class Dying(Bucket if place.startswith("s3://") else Folder):
    def replace(self, data, mark):
        if when == "parts":
            die(0)
        assert super().replace(data, mark)
        die(0)

at = Dying(place, settings.cache / "index") if place.startswith("s3://") else Dying(Path(place))
wiring = IndexWiring(settings)
context = wiring.context(PlacedDataSet(at, settings.cache), 1, print, die if when == "reading" else lambda _: None)
index(context, wiring.wanted(paths, [], [], []), Shard(), add=False)
"""


def test_killed__at_any_time__the_old_state_and_then_the_new(
    run: Run, many: list[Path], tmp_path: Path, place: str, state: State
) -> None:
    run(*many[:2], into=place)
    old = state()
    add_tag(many[0], 1)
    for when in ("reading", "parts", "listed"):
        command = [sys.executable, "-c", DYING, when, place, *map(str, many[:2])]
        assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == -signal.SIGKILL
        assert list((tmp_path / "cache").glob(".tagline-rows-*")), when
        if when != "listed":
            assert state() == old, when
    new = state()
    assert len(new["versions"]) == len(old["versions"]) + 1
    assert run(*many[:2], into=place).unchanged == 2
    assert state() == new
    # Nothing is left of them on this machine.
    assert not list((tmp_path / "cache").glob(".tagline-*"))
    assert not [*(tmp_path / "index").glob(".tagline-new-*"), *(tmp_path / "cache" / "index").glob(".tagline-new-*")]
