"""Resolving an artifact of a remote repository, beside what it takes with DVC, with GTO and with git.

    python -m benchmarks.resolve [--quick] [--latency MS ...] [--runs N] [--peer-limit SECONDS] [--keep DIRECTORY]

Builds two repositories of 10,000 commits and 20,000 tags, over 100 artifacts and all of one, each
commit with a new pointer of DVC's and a change to one of 200 source files; serves them over HTTP
(git http-backend) behind a proxy that delays each request, and measures in one run: ``tagline resolve
NAME#prod --repo URL`` with an empty cache and again, ``git clone``, ``dvc artifacts get --show-url``, and a
clone with ``gto show``. Prints medians. DVC and GTO run once, and no longer than the limit.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.generate import PackStream, artifact, write_packed_refs
from benchmarks.latency import Proxy, proxy
from benchmarks.measuring import BIN, TAGLINE, Command, Cost, add_latency, measure, median, print_cost, print_head
from tests.support.gitbuild import EPOCH, IDENTITY, run_git
from tests.support.githttp import serve

SOURCES = 200
MODEL = b"weights"
MD5 = hashlib.md5(MODEL).hexdigest()
COLD, WARM, CLONE = "tagline resolve", "tagline resolve, again", "git clone"
DVC, GTO = "dvc artifacts get", "git clone, gto show"


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

    def __init__(self, through: Proxy, name: str, place: Path, limit: float) -> None:
        self._through = through
        self._url = f"{through.url}/{name}.git"
        self._place = place
        self._limit = limit
        self._wanted = artifact(0)

    def run(self, runs: int) -> dict[str, Cost]:
        """All commands, one after the other, so that all see the same machine. DVC and GTO run once."""
        mine: dict[str, list[Cost]] = {COLD: [], WARM: [], CLONE: []}
        for _ in range(runs):
            resolve = Command(
                (*TAGLINE, "resolve", f"{self._wanted}#prod", "--repo", self._url, "--json"),
                self._place, {"TAGLINE_CACHE": str(self._fresh("cache"))},
            )  # fmt: skip
            mine[COLD].append(self._cost(resolve))
            mine[WARM].append(self._cost(resolve))
            mine[CLONE].append(self._cost(self._clone(self._fresh("clone"))))
        found = {name: median(costs) for name, costs in mine.items()}
        get = ("artifacts", "get", self._url, self._wanted, "--stage", "prod", "--show-url")
        found[DVC] = self._cost(Command((BIN / "dvc", *get), self._fresh("dvc"), {}))
        clone = self._fresh("gto")
        shown = Command((BIN / "gto", "show", self._wanted, "--json"), clone, {})
        return found | {GTO: self._cost(self._clone(clone), shown)}

    def _cost(self, *commands: Command) -> Cost:
        return measure(commands, self._through, self._limit)

    def _clone(self, into: Path) -> Command:
        return Command(("git", "clone", "--quiet", self._url, into), self._place, {})

    def _fresh(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(dir=self._place, prefix=f"{name}-"))


def report(title: str, costs: dict[str, Cost]) -> None:
    print_head(title)
    better = min((costs[DVC], costs[GTO]), key=lambda cost: cost.seconds)
    for name, cost in costs.items():
        print_cost(name, cost, better if name in (COLD, WARM) else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="500 commits and 1,000 tags")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer-limit", type=float, default=60, help="seconds after which DVC and GTO are stopped")
    parser.add_argument("--keep", type=Path, help="keep the repositories here and use them again")
    add_latency(parser)
    chosen = parser.parse_args()
    place = (chosen.keep or Path(tempfile.mkdtemp(prefix="resolve-"))).absolute()
    commits = 500 if chosen.quick else 10_000
    store = place / "store"
    stored = store / "files" / "md5" / MD5[:2] / MD5[2:]
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_bytes(MODEL)
    try:
        with serve(place / "served") as server, proxy(server.url) as through:
            for artifacts in (100, 1):
                name = f"{commits}-{artifacts}"
                if not (place / "served" / f"{name}.git").exists():
                    generate(place / "served" / f"{name}.git", store, commits, artifacts)
                title = f"{commits:,} commits, {2 * commits:,} tags, {artifacts} artifact{'s' * (artifacts > 1)}"
                for milliseconds in chosen.latency:
                    through.delay = milliseconds / 1000
                    work = Path(tempfile.mkdtemp(dir=place, prefix="work-"))
                    costs = Race(through, name, work, chosen.peer_limit).run(chosen.runs)
                    report(f"{title}, {milliseconds} ms a request", costs)
                    shutil.rmtree(work)
    finally:
        if chosen.keep is None:
            shutil.rmtree(place)


if __name__ == "__main__":
    main()
