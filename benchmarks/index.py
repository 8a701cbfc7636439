"""What an index of many repositories takes: the first time, with nothing changed, with ten changed, by four shards.

    python -m benchmarks.index [COUNT] [local|http] [--keep DIR]

Repositories are bare ones of 100 tags (``index_world``), in folders and behind HTTP with 20 ms for every request.
Beside it stands ``git ls-remote`` over all of them, as many at once. Each number is of one cold process.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from benchmarks.index_world import add_tag, copies, template
from tagline.domain.index.listing import INDEX, decode
from tagline.domain.index.tables import TABLES
from tests.support.githttp import GitServer, _Handler

JOBS = 16
DELAY = 0.020
CHANGED = 10
COUNT = 1000


class Taken(NamedTuple):
    """Seconds of the wall and of processors, and the most memory of one process, in MiB."""

    seconds: float
    processor: float
    memory: float


def run(command: Sequence[str], **variables: str) -> Taken:
    """One process until its end."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:4]} ended with {process.returncode}")
    return Taken(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


class _Slow(_Handler):
    """Each request waits as long as a trip to a server and back takes."""

    def _answer(self) -> None:
        time.sleep(DELAY)
        super()._answer()

    do_GET = do_POST = _answer  # noqa: N815


@contextlib.contextmanager
def slow_server(root: Path) -> Iterator[str]:
    """Git over HTTP, in this process."""
    handler: Any = type("Handler", (_Slow,), {"root": root, "password": None})

    class Http(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    http = Http(("127.0.0.1", 0), handler)
    handler.git_server = GitServer(f"http://127.0.0.1:{http.server_address[1]}")
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        yield handler.git_server.url
    finally:
        http.shutdown()
        http.server_close()


def ls_remote(addresses: Sequence[str], folder: Path) -> Taken:
    """git's own look at all of them."""
    names = folder / "addresses"
    names.write_text("".join(f"{one}\0" for one in addresses))
    return run(["xargs", "-0", f"-P{JOBS}", "-n1", "-a", str(names), "git", "ls-remote", "--quiet"])


def rows(index: Path) -> dict[str, Any]:
    """A mark of all rows by table, but for when they were read.

    The rows themselves would make this process large, and the memory of each child counts from its parent's.
    """
    found = {}
    listing = decode((index / INDEX).read_bytes(), str(index))
    for name, table in TABLES.items():
        columns = ", ".join(column for column in table.names if column != "indexed_at")
        files = ", ".join(f"'{index}/{part.file}'" for part in listing.tables[name])
        query = f"SELECT count(*), sum(hash(one)::HUGEINT) FROM (SELECT {columns} FROM read_parquet([{files}])) one"
        found[name] = duckdb.sql(query).fetchall()
    return found


def four_shards(kind: str, command: Sequence[str], cache: dict[str, str], whole: Path, sharded: Path) -> None:
    """At once, into one place; the same rows as of one run."""
    began = time.perf_counter()
    shards = [
        subprocess.Popen(
            [*command, "-o", str(sharded), "--shard", f"{number}/4"],
            env={**os.environ, **cache}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for number in range(1, 5)
    ]  # fmt: skip
    assert [shard.wait() for shard in shards] == [0] * 4
    print(f"{kind}: four shards at once: {time.perf_counter() - began:.1f} s", flush=True)
    assert rows(whole) == rows(sharded), "shards have other rows"


def measure(kind: str, addresses: Sequence[str], paths: Sequence[Path], folder: Path, *, with_shards: bool) -> None:
    """All figures of one way to reach the repositories."""
    whole, sharded = folder / f"{kind}-index", folder / f"{kind}-shards"
    names = folder / f"{kind}.txt"
    names.write_text("\n".join(addresses) + "\n")
    command = [
        str(Path(sys.executable).with_name("tagline")),
        "index",
        "--from",
        str(names),
        f"--jobs={JOBS}",
        "--json",
    ]
    cache = {"TAGLINE_CACHE": str(folder / "cache")}

    def index(*more: str, into: Path = whole) -> Taken:
        return run([*command, "-o", str(into), *more], **cache)

    say(kind, "first run", index())
    if with_shards:
        four_shards(kind, command, cache, whole, sharded)
    seen = min((ls_remote(addresses, folder) for _ in range(3)), key=lambda one: one.seconds)
    say(kind, "git ls-remote over all", seen)
    same = min((index() for _ in range(3)), key=lambda one: one.seconds)
    say(kind, "nothing changed", same)
    print(f"{kind}: nothing changed, against git ls-remote: {same.seconds / seen.seconds:.2f}", flush=True)
    before = {file: file.stat().st_size for file in whole.glob("*/*.parquet")}
    for number, path in enumerate(paths[:: len(paths) // CHANGED][:CHANGED]):
        add_tag(path, len(list(folder.glob("*.txt"))) * 100 + number)
    say(kind, f"{CHANGED} changed", index())
    new = [file.stat().st_size for file in whole.glob("*/*.parquet") if file not in before]
    total = sum(before.values())
    print(f"{kind}: written anew: {len(new)} files, {sum(new) / 2**20:.1f} of {total / 2**20:.1f} MiB", flush=True)


def say(kind: str, what: str, taken: Taken) -> None:
    """One line."""
    print(
        f"{kind}: {what}: {taken.seconds:.1f} s ({taken.processor:.1f} s of processors), {taken.memory:.0f} MiB",
        flush=True,
    )


def main() -> None:
    """Everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=COUNT)
    parser.add_argument("kinds", nargs="*", default=["local", "http"], metavar="local|http")
    parser.add_argument("--keep", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = chosen.keep or Path(name)
        (folder / "repositories").mkdir(parents=True, exist_ok=True)
        paths = copies(template(folder), folder / "repositories", chosen.count)
        if "local" in chosen.kinds:
            measure("local", [str(path) for path in paths], paths, folder, with_shards=True)
        if "http" in chosen.kinds:
            with slow_server(folder / "repositories") as url:
                addresses = [f"{url}/{path.relative_to(folder / 'repositories')}" for path in paths]
                measure("http", addresses, paths, folder, with_shards=False)


if __name__ == "__main__":
    main()
