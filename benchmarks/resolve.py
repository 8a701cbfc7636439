"""Resolving an artifact of a remote repository, beside what it takes with DVC, with GTO and with git.

    python benchmarks/resolve.py [--quick] [--runs N] [--peer-limit SECONDS] [--keep DIRECTORY]

Builds two repositories of 10,000 commits and 20,000 tags, over 100 artifacts and all of one, each
commit with a new pointer of DVC's and a change to one of 200 source files; serves them over HTTP
(git http-backend) and times in one run: ``tagline resolve NAME#prod --repo URL`` with an empty
cache and again, ``git clone``, ``dvc artifacts get --show-url``, and a clone with ``gto show``.
Prints medians, ratios, HTTP requests and bytes. DVC and GTO run once, and no longer than the limit.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.generate import PackStream, artifact, write_packed_refs
from tests.support.gitbuild import EPOCH, IDENTITY, environment, run_git
from tests.support.githttp import GitServer, serve

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
SOURCES = 200
MODEL = b"weights"
MD5 = hashlib.md5(MODEL).hexdigest()
COLD, WARM, CLONE, DVC, GTO = "tagline resolve", "tagline resolve, again", "git clone", "dvc artifacts get", "gto show"


@dataclass(frozen=True)
class Cost:
    """Median seconds of a command (None: it was stopped at the limit), requests and bytes of its last run."""

    seconds: float | None
    requests: int
    sent: int


def generate(path: Path, store: Path, commits: int, artifacts: int) -> None:
    """Write the bare repository: two tags a commit, a version and its stage."""
    path.mkdir(parents=True)
    run_git(path, "init", "--quiet", "--bare", "--template=", "--initial-branch=main")
    pack = PackStream(path, 3 + artifacts + SOURCES + 8 * commits)
    config = f"[core]\n    remote = here\n['remote \"here\"']\n    url = {store}\n"
    entries = "".join(
        f"  {artifact(n)}:\n    type: model\n    path: models/{artifact(n)}.pkl\n" for n in range(artifacts)
    )
    fixed = {
        ".dvc": _tree(pack, {"config": pack.add("blob", config.encode())}),
        "dvc.yaml": pack.add("blob", f"artifacts:\n{entries}".encode()),
    }
    models = {f"{artifact(n)}.pkl.dvc": pack.add("blob", _pointer(artifact(n), "new")) for n in range(artifacts)}
    sources = {f"part_{n:03d}.py": pack.add("blob", _source(n, "new")) for n in range(SOURCES)}
    refs: list[str] = []
    parent = ""
    for number in range(commits):
        name = artifact(number % artifacts)
        models[f"{name}.pkl.dvc"] = pack.add("blob", _pointer(name, str(number)))
        sources[f"part_{number % SOURCES:03d}.py"] = pack.add("blob", _source(number % SOURCES, str(number)))
        top = _tree(pack, {**fixed, "models": _tree(pack, models), "src": _tree(pack, sources)})
        when = EPOCH + 100 * number
        who = f"{IDENTITY} {when} +0000"
        head = f"tree {top}\n" + (f"parent {parent}\n" if parent else "")
        parent = pack.add("commit", f"{head}author {who}\ncommitter {who}\n\n{number}\n".encode())
        refs += _tags(pack, name, number // artifacts, parent, when)
    pack.close()
    write_packed_refs(path / "packed-refs", [*refs, f"refs/heads/main {parent}"])
    run_git(path, "config", "uploadpack.allowFilter", "true")
    # As a forge keeps it: deltas, one pack, bitmaps.
    run_git(path, "repack", "-a", "-d", "-q", "-f", "--write-bitmap-index")


def _tags(pack: PackStream, name: str, turn: int, commit: str, when: int) -> list[str]:
    version = f"v{turn // 1000}.{turn // 100 % 10}.{turn % 100}"
    change = f"Change: https://forge.example/team/models/pull/{when}\n"
    refs = []
    for tag, seconds, line in (
        (f"{name}@{version}", when + 1, f"Registering artifact {name} version {version}"),
        (f"{name}#prod#{turn + 1}", when + 2, f"Assigning stage prod to artifact {name} version {version}"),
    ):
        tagger = f"tagger {IDENTITY} {seconds} +0000"
        content = f"object {commit}\ntype commit\ntag {tag}\n{tagger}\n\n{line}\n\n{change}"
        refs.append(f"refs/tags/{tag} {pack.add('tag', content.encode())}\n^{commit}")
    return refs


def _pointer(name: str, when: str) -> bytes:
    return f"desc: as of {when}\nouts:\n- md5: {MD5}\n  size: {len(MODEL)}\n  hash: md5\n  path: {name}.pkl\n".encode()


def _source(number: int, when: str) -> bytes:
    lines = [f"def step_{line}(x):  # {hashlib.md5(b'%d %d' % (number, line)).hexdigest()}" for line in range(40)]
    return "\n".join([*lines, f"CHANGED = {when!r}", ""]).encode()


def _tree(pack: PackStream, entries: Mapping[str, str]) -> str:
    folders = (".dvc", "models", "src")
    rows = {name + "/" * (name in folders): (name, object_id) for name, object_id in entries.items()}
    data = b"".join(
        b"%s %s\0%s" % (b"40000" if key.endswith("/") else b"100644", name.encode(), bytes.fromhex(object_id))
        for key, (name, object_id) in sorted(rows.items())
    )
    return pack.add("tree", data)


class Race:
    """The commands about one repository, in a folder of their own."""

    def __init__(self, server: GitServer, name: str, place: Path, limit: float) -> None:
        self._server = server
        self._url = f"{server.url}/{name}.git"
        self._place = place
        self._limit = limit
        self._wanted = artifact(0)

    def run(self, runs: int) -> dict[str, Cost]:
        """All commands, one after the other, so that all see the same machine."""
        mine: dict[str, list[Cost]] = {COLD: [], WARM: [], CLONE: []}
        for _ in range(runs):
            cache = self._fresh("cache")
            mine[COLD].append(self._timed(lambda c=cache: self._resolve(c)))  # type: ignore[misc]
            mine[WARM].append(self._timed(lambda c=cache: self._resolve(c)))  # type: ignore[misc]
            mine[CLONE].append(self._timed(lambda: self._clone(self._fresh("clone"))))
        found = {name: _median(costs) for name, costs in mine.items()}
        return found | {DVC: self._timed(self._dvc), f"git clone, {GTO}": self._timed(self._gto)}

    def _timed(self, run: Callable[[], None]) -> Cost:
        requests, sent, start = len(self._server.requests), self._server.sent, time.perf_counter()
        try:
            run()
            seconds: float | None = time.perf_counter() - start
        except subprocess.TimeoutExpired:
            seconds = None
        return Cost(seconds, len(self._server.requests) - requests, self._server.sent - sent)

    def _resolve(self, cache: Path) -> None:
        command = [sys.executable, "-m", "tagline", "resolve", f"{self._wanted}#prod", "--repo", self._url, "--json"]
        self._call(command, self._place, TAGLINE_CACHE=str(cache))

    def _clone(self, into: Path) -> None:
        self._call(["git", "clone", "--quiet", self._url, str(into)], self._place)

    def _dvc(self) -> None:
        get = ["artifacts", "get", self._url, self._wanted, "--stage", "prod", "--show-url"]
        self._call([str(BIN / "dvc"), *get], self._fresh("dvc"))

    def _gto(self) -> None:
        clone = self._fresh("gto")
        self._clone(clone)
        self._call([str(BIN / "gto"), "show", self._wanted, "--json"], clone)

    def _call(self, command: list[str], directory: Path, **more: str) -> None:
        home = {"HOME": str(self._place), "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT / "src"))}
        variables = environment(**home, **more, DVC_NO_ANALYTICS="1")
        done = subprocess.run(
            command, cwd=directory, env=variables, capture_output=True, timeout=self._limit, check=False
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} exited with {done.returncode}: {done.stderr.decode()[-500:]}")

    def _fresh(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(dir=self._place, prefix=f"{name}-"))


def _median(costs: list[Cost]) -> Cost:
    return Cost(statistics.median(cost.seconds or 0.0 for cost in costs), costs[-1].requests, costs[-1].sent)


def report(title: str, costs: dict[str, Cost], limit: float) -> None:
    print(f"\n{title}")
    base = costs[COLD].seconds or 1.0
    for name, cost in costs.items():
        seconds = limit if cost.seconds is None else cost.seconds
        more = "more than" if cost.seconds is None else ""
        print(
            f"  {name:24} {more:>9} {seconds:8.2f} s {seconds / base:8.1f} x {cost.requests:6} requests "
            f"{cost.sent / 1e6:8.2f} MB"
        )
    peers = [
        limit if cost.seconds is None else cost.seconds for name, cost in costs.items() if DVC in name or GTO in name
    ]
    print(f"  {COLD}: the better of DVC and GTO takes {min(peers) / base:.0f} times as long")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="500 commits and 1,000 tags")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer-limit", type=float, default=300, help="seconds after which DVC and GTO are stopped")
    parser.add_argument("--keep", type=Path, help="keep the repositories here and use them again")
    arguments = parser.parse_args()
    place = (arguments.keep or Path(tempfile.mkdtemp(prefix="resolve-"))).absolute()
    commits = 500 if arguments.quick else 10_000
    store = place / "store"
    stored = store / "files" / "md5" / MD5[:2] / MD5[2:]
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_bytes(MODEL)
    try:
        with serve(place / "served") as server:
            for artifacts in (100, 1):
                name = f"{commits}-{artifacts}"
                if not (place / "served" / f"{name}.git").exists():
                    generate(place / "served" / f"{name}.git", store, commits, artifacts)
                work = Path(tempfile.mkdtemp(dir=place, prefix="work-"))
                costs = Race(server, name, work, arguments.peer_limit).run(arguments.runs)
                title = f"{commits:,} commits, {2 * commits:,} tags, {artifacts} artifact{'s' * (artifacts > 1)}"
                report(title, costs, arguments.peer_limit)
                shutil.rmtree(work)
    finally:
        if arguments.keep is None:
            shutil.rmtree(place)


if __name__ == "__main__":
    main()
