"""``tagline validate`` as a whole process against other readers of the same file, in one run.

    python benchmarks/validate.py [COUNT ...]

Prints the best of several runs and the ratios. Exits 1 where a target is missed: 1,000
artifacts in a second, and time that grows no faster than the number of artifacts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUAMEL = "from ruamel.yaml import YAML; YAML(typ='safe', pure=True).load(open('artifacts.yaml', encoding='utf8'))"
GTO = "from gto.index import Index; Index.read('artifacts.yaml')"
LIBYAML = "import yaml; yaml.load(open('artifacts.yaml', encoding='utf8'), yaml.CSafeLoader)"
TAGLINE = [sys.executable, "-m", "tagline", "validate", "--format", "json"]


def manifest(count: int) -> str:
    return "".join(
        f"team-{n % 50}/model-{n}:\n"
        f"  type: model\n"
        f"  path: models/{n % 100}/model-{n}.pkl\n"
        f"  description: The model number {n}, trained every night\n"
        f"  labels: [tabular, nightly]\n"
        f"  metrics: {{accuracy: 0.{n % 90 + 10}}}\n"
        for n in range(count)
    )


def build(directory: Path, count: int) -> None:
    """A repository whose manifest is valid: a third of the paths are in Git, the others DVC pointers."""
    (directory / "artifacts.yaml").write_text(manifest(count))
    for n in range(count):
        path = directory / f"models/{n % 100}/model-{n}.pkl"
        path.parent.mkdir(parents=True, exist_ok=True)
        if n % 3:
            pointer = f"outs:\n- md5: {n:032x}\n  size: 1\n  hash: md5\n  path: model-{n}.pkl\n"
            path.with_name(path.name + ".dvc").write_text(pointer)
        else:
            path.write_text("model")
    identity = ["-c", "user.name=B", "-c", "user.email=b@example.com", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "one"]):
        subprocess.run(["git", *command], cwd=directory, check=True)


def seconds(command: list[str], directory: Path, runs: int) -> float:
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, cwd=directory, check=True, stdout=subprocess.DEVNULL)
        best = min(best, time.perf_counter() - start)
    return best


def measure(count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        build(directory, count)
        checked = json.loads(subprocess.run(TAGLINE, cwd=directory, check=True, stdout=subprocess.PIPE).stdout)
        assert checked["ok"]
        assert checked["checked"] == [{"file": "artifacts.yaml", "artifacts": count}]
        runs = 5 if count <= 1000 else 3
        return {
            "tagline validate": seconds(TAGLINE, directory, runs),
            "ruamel.yaml load": seconds([sys.executable, "-c", RUAMEL], directory, 1),
            "gto read": seconds([sys.executable, "-c", GTO], directory, 1),
            "libyaml load": seconds([sys.executable, "-c", LIBYAML], directory, runs),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", nargs="*", type=int, default=[1_000, 10_000])
    counts: list[int] = parser.parse_args().counts
    source = Path(__file__).parents[1] / "src"
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(source), os.environ.get("PYTHONPATH"))))
    results = {count: measure(count) for count in counts}
    for count, times in results.items():
        ours = times["tagline validate"]
        print(f"{count:,} artifacts")
        for what, taken in times.items():
            print(f"  {what:<18} {taken:7.3f} s   {taken / ours:6.2f} x tagline")
    missed = []
    if 1_000 in results and results[1_000]["tagline validate"] >= 1:
        missed.append("1,000 artifacts take a second or more")
    first, last = min(counts), max(counts)
    growth = results[last]["tagline validate"] / results[first]["tagline validate"]
    print(f"growth: {growth:.1f} x the time for {last / first:.0f} x the artifacts")
    if growth > last / first:
        missed.append("the time grows faster than the number of artifacts")
    print("\n".join(missed) or "targets reached")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
