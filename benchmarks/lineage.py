"""``tagline lineage`` of an artifact with hundreds of files upstream, beside DVC's own commands for the same answers.

    python -m benchmarks.lineage [FILES ...] [--latency MS ...]

Whole processes: in a clone, the best of several runs, and by URL behind a proxy that delays each request. DVC needs
four: ``dag``, ``metrics diff``, ``params diff`` and ``diff``, and by URL a clone before them.
Exits 1 where a target is missed: with 500 files upstream under 2 seconds, and a comment that a forge takes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.latency import Proxy, proxy
from benchmarks.measuring import SOURCE, TAGLINE, Command, add_latency, measure, print_cost, print_head
from tests.support.gitbuild import Commit, History, Tag, build
from tests.support.githttp import serve

#: Seconds, and characters of a comment on GitHub.
MOST_SECONDS, MOST_CHARACTERS = 2.0, 65_536
DVC = (sys.executable, "-m", "dvc")
PIPELINE = """\
stages:
  train:
    cmd: python train.py
    deps: [{deps}]
    params: [lr]
    outs: [models/churn.pkl]
  evaluate:
    cmd: python evaluate.py
    deps: [models/churn.pkl]
    metrics: [{{metrics.json: {{cache: false}}}}]
"""


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def files(count: int, run: int) -> dict[str, str]:
    """A project as of one run: half of what is upstream is code, half data; a tenth of it differs between runs."""
    code = {f"src/part_{n:05}.py": f"# {n} {run if n % 10 == 0 else 0}\n" for n in range(count // 2)}
    data = {f"data/part-{n:05}.csv": f"{n} {run if n % 10 == 0 else 0}" for n in range(count - count // 2)}
    metrics = json.dumps({"accuracy": 0.9 + run / 100, "loss": 0.3 - run / 100})
    model = f"model {run}"

    def row(path: str, text: str) -> str:
        return f"    - {{path: {path}, hash: md5, md5: {md5(text)}, size: {len(text)}}}\n"

    deps = "".join(row(path, text) for path, text in {**code, **data}.items())
    lock = (
        f"schema: '2.0'\nstages:\n  train:\n    cmd: python train.py\n    deps:\n{deps}"
        f"    params:\n      params.yaml: {{lr: 0.{run}}}\n    outs:\n{row('models/churn.pkl', model)}"
        f"  evaluate:\n    cmd: python evaluate.py\n    deps:\n{row('models/churn.pkl', model)}"
        f"    outs:\n{row('metrics.json', metrics)}"
    )
    pointers = {
        f"{path}.dvc": f"outs:\n- {{md5: {md5(text)}, hash: md5, size: {len(text)}, path: {Path(path).name}}}\n"
        for path, text in data.items()
    }
    return {
        **code, **pointers, "dvc.lock": lock, "metrics.json": metrics, "params.yaml": f"lr: 0.{run}\n",
        "dvc.yaml": PIPELINE.format(deps=", ".join([*code, *data])), ".dvc/config": "[core]\n    analytics = false\n",
        ".dvc/.gitignore": "/tmp\n/cache\n/config.local\n",
        "artifacts.yaml": "churn: {path: models/churn.pkl, metrics: metrics.json}\n",
    }  # fmt: skip


def project(folder: Path, count: int) -> None:
    """A repository of two versions, checked out."""
    commits = (Commit("c1", files=files(count, 1)), Commit("c2", ("c1",), files(count, 2), 1_700_000_100))
    tags = (
        Tag("churn@v1.0.0", "c1", 1_700_000_010),
        Tag("churn#prod#1", "c1", 1_700_000_020),
        Tag("churn@v1.1.0", "c2", 1_700_000_110),
    )
    build(folder, History(commits, tags, {"main": "c2"}))
    subprocess.run(["git", "-C", str(folder), "checkout", "--quiet", "--force", "main"], check=True)
    # As forges let it be read.
    subprocess.run(["git", "-C", str(folder), "config", "uploadpack.allowFilter", "true"], check=True)


def dvc(folder: Path) -> dict[str, Command]:
    between = ("churn@v1.0.0", "churn@v1.1.0", "--json")
    asked = {"dag": ("--md",), "metrics diff": between, "params diff": between, "diff": between}
    return {f"dvc {name}": Command((*DVC, *name.split(), *more), folder, {}) for name, more in asked.items()}


def here(folder: Path, count: int) -> bool:
    """In a clone, without a network; whether the targets are reached."""
    command = [*TAGLINE, "lineage", "churn@v1.1.0"]
    variables = {**os.environ, "PYTHONPATH": SOURCE}
    said = [
        subprocess.run([*command, *form], cwd=folder, check=True, stdout=subprocess.PIPE, env=variables).stdout.decode()
        for form in (["--json"], ["--format", "markdown"])
    ]
    found, written = json.loads(said[0]), said[1]
    (against,) = found["against"]
    assert len(found["code"]) + len(found["data"]) == count, "everything upstream is there"
    assert len(against["files"]) == count // 10 + 1, "and what differs, with the metrics file"
    ours = min((measure([Command((*command, "--json"), folder, {})]) for _ in range(3)), key=lambda cost: cost.seconds)
    theirs = {name: measure([each]) for name, each in dvc(folder).items()}
    print_head(f"{count:,} files upstream, in a clone")
    for name, cost in {"tagline lineage": ours, **theirs}.items():
        print_cost(name, cost)
    together = sum(cost.seconds for cost in theirs.values())
    print(f"all four of DVC's: {together / ours.seconds:.1f} x; as Markdown, all of it: {len(written):,} characters")
    return count > 500 or (ours.seconds < MOST_SECONDS and len(written) < 20 * MOST_CHARACTERS)


def by_url(folder: Path, count: int, milliseconds: int, through: Proxy) -> None:
    """By URL on an empty cache and again, beside a clone and DVC's four commands there."""
    through.delay = milliseconds / 1000
    with tempfile.TemporaryDirectory() as name:
        place, url = Path(name), f"{through.url}/{folder.name}/.git"
        command = (*TAGLINE, "lineage", "churn@v1.1.0", "--json", "--repo", url)
        asked = Command(command, place, {"TAGLINE_CACHE": str(place / "cache")})
        cold, warm = measure([asked], through), measure([asked], through)
        clone = Command(("git", "clone", "--quiet", url, place / "clone"), place, {})
        peer = measure([clone, *dvc(place / "clone").values()], through)
    print_head(f"{count:,} files upstream, by URL, {milliseconds} ms a request")
    print_cost("tagline lineage", cold, peer)
    print_cost("tagline lineage, again", warm, peer)
    print_cost("git clone, DVC's four", peer)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=int, nargs="*", default=[100, 500])
    add_latency(parser)
    chosen = parser.parse_args()
    kept = []
    with tempfile.TemporaryDirectory() as name:
        for count in chosen.files:
            project(Path(name) / str(count), count)
            kept.append(here(Path(name) / str(count), count))
        with serve(Path(name)) as server, proxy(server.url) as through:
            for count in chosen.files:
                for milliseconds in chosen.latency:
                    by_url(Path(name) / str(count), count, milliseconds, through)
    print("targets reached" if all(kept) else "MISSED")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
