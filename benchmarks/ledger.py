"""Reading the ledger, beside Git's own listing and GTO, in one run.

    python benchmarks/ledger.py [TAGS ...] [--runs N] [--gto TAGS] [--keep DIRECTORY]

Generates a repository for each number of tags and times, in turn: ``git for-each-ref`` with
object, peeled object and tagger date (the reference), ``tagline show``, ``tagline show NAME#prod``
and, up to the size given with ``--gto``, ``gto show``; then ``tagline --version`` and, in a clone
with two tags, ``tagline show NAME#prod`` beside ``python -c pass``. Prints medians, ratios and the
memory of the largest process. Exits 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.generate import artifact
from benchmarks.measuring import BIN, TAGLINE, Command, Cost, measure, median
from tests.support.gitbuild import Commit, History, Tag, build, run_git

ROOT = Path(__file__).resolve().parents[1]
FORMAT = "%(objectname) %(*objectname) %(taggerdate:unix) %(refname)"
REFERENCE, SHOW, STAGE, GTO = "for-each-ref", "tagline show", "tagline show NAME#prod", "gto show"
VERSION, PASS = "tagline --version", "python -c pass"
#: Of a small clone the processor seconds, children included: what a start costs, beside others on the machine.
SMALL, PASS_CPU = "tagline show NAME#prod, CPU", "python -c pass, CPU"


@dataclass(frozen=True)
class Target:
    """``what`` takes at most ``limit`` times ``than``."""

    what: tuple[int, str]
    than: tuple[int, str]
    limit: float


TARGETS = [
    Target((100_000, SHOW), (100_000, REFERENCE), 1.5),
    Target((100_000, STAGE), (100_000, REFERENCE), 0.6),
    Target((1_000_000, SHOW), (100_000, SHOW), 15),
    Target((10_000, SHOW), (10_000, GTO), 1 / 100),
    Target((0, VERSION), (0, PASS), 4),
    Target((0, SMALL), (0, PASS_CPU), 12),
]
MEMORY_LIMIT = 1500


def artifacts_of(tags: int) -> int:
    """A small registry has few artifacts with many versions each; GTO is quadratic in the latter."""
    return 10 if tags <= 10_000 else 100


def commands(tags: int, gto_up_to: int) -> dict[str, list[str]]:
    """What is timed in a repository of that size."""
    listed = {
        REFERENCE: ["git", "for-each-ref", f"--format={FORMAT}", "refs/tags"],
        SHOW: [*TAGLINE, "show", "--json"],
        STAGE: [*TAGLINE, "show", f"{artifact(4)}#prod", "--json"],
    }
    if tags <= gto_up_to:
        listed[GTO] = [str(BIN / "gto"), "show", "--json"]
    return listed


def start_commands() -> dict[str, list[str]]:
    """What it takes to start: the console script, where it is installed."""
    script = BIN / "tagline"
    tagline = [str(script)] if script.exists() else [*TAGLINE]
    stage = [*TAGLINE, "show", f"{artifact(4)}#prod"]
    return {PASS: [sys.executable, "-c", "pass"], VERSION: [*tagline, "--version"], STAGE: stage}


def small_clone(place: Path) -> Path:
    """A clone with a version and its stage."""
    tags = (Tag(f"{artifact(4)}@v1.0.0", "c0"), Tag(f"{artifact(4)}#prod#1", "c0"))
    build(place / "small", History((Commit("c0"),), tags))
    run_git(place, "clone", "--quiet", "small", "small-clone")
    return place / "small-clone"


def timed(listed: dict[str, list[str]], directory: Path, runs: int) -> dict[str, Cost]:
    """Each command as often as asked for, one after the other, so that all see the same machine."""
    seen: dict[str, list[Cost]] = {name: [] for name in listed}
    home = {"HOME": str(directory.parent)}
    for run in range(runs):
        for name, command in listed.items():
            if name != GTO or run == 0:  # minutes at 10,000 tags: once is enough
                seen[name].append(measure([Command(command, directory, home)]))
    return {name: median(costs) for name, costs in seen.items()}


def report(tags: int, costs: dict[str, Cost], reference: str) -> None:
    print(f"\n{tags:,} tags" if tags else "\nStart")
    base = costs[reference].seconds
    for name, cost in costs.items():
        ratio = f"{cost.seconds / base:9.2f} x"
        print(f"  {name:24} {cost.seconds:9.3f} s {ratio} {cost.cpu:9.3f} s CPU {cost.memory:8.0f} MB")


def judge(costs: dict[tuple[int, str], Cost]) -> bool:
    """Print each target that was measured beside its figure; whether all were met."""
    print("\nTargets")
    good = True
    for target in TARGETS:
        if target.what not in costs or target.than not in costs:
            continue
        ratio = costs[target.what].seconds / costs[target.than].seconds
        met = ratio <= target.limit
        good &= met
        names = f"{_name(*target.what)} / {_name(*target.than)}"
        print(f"  {'ok  ' if met else 'MISS'} {names:60} {ratio:8.3f} x, at most {target.limit:g}")
    memory = max(cost.memory for (_, name), cost in costs.items() if name in (SHOW, STAGE))
    met = memory <= MEMORY_LIMIT
    print(
        f"  {'ok  ' if met else 'MISS'} {'memory of the largest process':60} {memory:8.0f} MB, at most {MEMORY_LIMIT}"
    )
    return good and met


def _name(tags: int, name: str) -> str:
    return f"{name} at {tags:,}" if tags else name


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tags", type=int, nargs="*", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--gto", type=int, default=10_000, help="run gto show up to this size (10,000 takes minutes)")
    parser.add_argument("--keep", type=Path, help="keep the repositories here and use them again")
    arguments = parser.parse_args()
    place = arguments.keep or Path(tempfile.mkdtemp(prefix="ledger-"))
    costs: dict[tuple[int, str], Cost] = {}
    try:
        for tags in arguments.tags:
            repository = place / f"ledger-{tags}"
            if not repository.exists():
                # In a process of its own: a child's peak memory begins with that of its parent.
                script = str(ROOT / "benchmarks" / "generate.py")
                command = [sys.executable, script, str(repository), str(tags), str(artifacts_of(tags))]
                subprocess.run(command, check=True)
            runs = arguments.runs if tags < 1_000_000 else min(arguments.runs, 3)
            found = timed(commands(tags, arguments.gto), repository, runs)
            report(tags, found, REFERENCE)
            costs |= {(tags, name): cost for name, cost in found.items()}
        with tempfile.TemporaryDirectory(prefix="ledger-") as folder:
            found = timed(start_commands(), small_clone(Path(folder)), 8 * arguments.runs)
        report(0, found, PASS)
        costs |= {(0, name): found[name] for name in (PASS, VERSION)}
        costs |= {
            (0, of): found[what]._replace(seconds=found[what].cpu) for of, what in ((SMALL, STAGE), (PASS_CPU, PASS))
        }
    finally:
        if arguments.keep is None:
            shutil.rmtree(place)
    return 0 if judge(costs) else 1


if __name__ == "__main__":
    sys.exit(main())
