"""What ``tagline plan`` and ``tagline promote`` cost: API requests, git requests, seconds.

    python -m benchmarks.changes [TAGS ...]

A change with 10 labels and 20 files on a local forge of each platform, in registries of several sizes,
as whole processes; beside them what a GTO workflow does before it can decide anything: ``git clone``
and ``gto show``. Exits 1 where a target is missed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tagline_localforge import LocalForge, serve
from tests.commands.changes.world import World
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, environment

NAMES = [f"m{place}" for place in range(10)]
LABELS = (*(f"version:{name}@minor" for name in NAMES[:9]), "stage:m0#prod")
POLICY = "stages:\n  prod: {approvals: {count: 1, from: ['@org/ml-leads']}}\n"
MOST, MOST_QUIET = 12, 3


class Cost(NamedTuple):
    """One run: API requests, git's HTTP requests, seconds."""

    api: int
    git: int
    seconds: float


def history(tags: int) -> History:
    files = {"artifacts.yaml": "".join(f"{name}: {{path: models/{name}.txt}}\n" for name in NAMES)}
    files |= {f"models/{name}.txt": "1\n" for name in NAMES} | {".tagline.yaml": POLICY}
    commits = [Commit("c0", files=files)]
    commits += [Commit(f"c{n}", (f"c{n - 1}",), files, EPOCH + n) for n in range(1, max(tags // 20, 1) + 1)]
    made = []
    for number in range(tags):
        name, commit = NAMES[number % 10], commits[number // 20]
        half = number // 20 * 2
        tag = f"{name}@v0.0.{half + 1}" if number // 10 % 2 == 0 else f"{name}#staging#{half + 1}"
        made.append(Tag(tag, commit.name, EPOCH + number))
    return History(tuple(commits), tuple(made), {"main": commits[-1].name})


@contextmanager
def world(platform: str, tags: int, folder: Path) -> Iterator[World]:
    forge = LocalForge(folder / "forge")
    repo = forge.repository("org/shop")
    for login in ("alice", "bob", "carol", "tagline-bot"):
        repo.grant(login, "maintain")
    forge.team("org/ml-leads", ["carol"])
    forge.token("app", kind="app")
    forge.token("bot", login="tagline-bot")
    build(repo.path, history(tags), bare=True)
    # As forges keep them: thousands of loose files would be the file system's benchmark.
    subprocess.run(["git", "-C", repo.path, "pack-refs", "--all"], check=True)
    subprocess.run(["git", "clone", "-q", "--no-tags", repo.path, folder / "clone"], check=True, env=environment())
    with serve(forge) as server:
        yield World(platform, forge, repo, server, folder, None)  # type: ignore[arg-type]


def run(place: World, *arguments: str) -> Cost:
    """One command as CI runs it, on a cold cache."""
    before = len(place.server.exchanges)
    with tempfile.TemporaryDirectory() as cache:
        own = {**environment(HOME=str(place.folder), TAGLINE_CACHE=cache), **place.environ()}
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "tagline", *arguments], env=own, cwd=place.folder, capture_output=True, check=False
        )
        took = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stderr.decode() + done.stdout.decode())
    made = place.server.exchanges[before:]
    return Cost(sum(not one.is_git for one in made), sum(one.is_git for one in made), took)


@dataclass
class Scenario:
    """A change with ten labels and twenty files, and one that asks for nothing."""

    place: World

    def costs(self) -> dict[str, Cost]:
        files = {f"models/{name}.txt": "2\n" for name in NAMES} | {f"docs/{number}.md": "x\n" for number in range(10)}
        number = self.place.open("topic", files, labels=LABELS)
        self.place.approve(number, "carol")
        quiet = self.place.open("quiet", {"README.md": "x\n"})
        found = {"plan": run(self.place, "plan", "--change", str(number))}
        found["plan again"] = run(self.place, "plan", "--change", str(number))
        found["plan, no labels"] = run(self.place, "plan", "--change", str(quiet))
        self.place.merge(number)
        found["promote"] = run(self.place, "promote", "--change", str(number))
        found["promote again"] = run(self.place, "promote", "--change", str(number))
        return found


def peer(place: World) -> float:
    """``git clone`` with all tags, then ``gto show``: what a workflow on GTO begins with."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"http://x:{place.environ()['TAGLINE_TOKEN']}@{place.server.url.removeprefix('http://')}/org/shop.git"
        start = time.perf_counter()
        subprocess.run(["git", "clone", "-q", url, folder], check=True, env=environment(HOME=folder))
        gto = Path(sys.executable).with_name("gto")
        subprocess.run([gto, "show"], cwd=folder, check=True, capture_output=True, env={**os.environ, "HOME": folder})
        return time.perf_counter() - start


def main(sizes: list[int]) -> int:
    missed = 0
    line = "{:8}{:>7}  {:18}{:>5}{:>6}{:>5}{:>9}{:>18}{:>8}".format
    print(line("forge", "tags", "command", "API", "most", "git", "seconds", "clone + gto show", "ratio"))
    for platform in ("github", "gitlab"):
        for tags in sizes:
            with tempfile.TemporaryDirectory() as folder, world(platform, tags, Path(folder)) as place:
                theirs = peer(place)
                for name, cost in Scenario(place).costs().items():
                    most = MOST_QUIET if "no labels" in name else MOST
                    missed += cost.api > most
                    seconds, ratio = f"{cost.seconds:.2f}", f"{theirs / cost.seconds:.1f} x"
                    print(line(platform, tags, name, cost.api, most, cost.git, seconds, f"{theirs:.2f}", ratio))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main([int(text) for text in sys.argv[1:]] or [0, 1_000, 5_000]))
