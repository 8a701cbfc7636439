"""The container's cold runs, beside bare Python in the same base and beside what gto-action does, in one run.

    python -m benchmarks.image [--runs N] [--image IMAGE]

A registry of 100 artifacts and 200 tags, on disk and on a local forge. Each figure is the median of whole
``docker run``s, which take turns: ``tagline --version``, ``check-ref``, ``validate`` on all artifacts, and
``promote`` of a merged change; ``python3 -c pass`` in the base with Debian's Python; and the steps of
gto-action v2 at the same tag, in an image of its pins (gto 1.7.1, dvc 3.58.0) made from the same base,
without its ``git fetch``. Its own Python is 3.12; Debian has 3.13, with which these pins need the libraries
of their time (see PEER). Exits 1 where a target is missed: 290 MB, and 150 ms more than Python.

Needs Docker: .ci/runners.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tagline_localforge import LocalForge, serve
from tests.commands.changes.world import World
from tests.e2e.machine import BASE, DOCKER, ROOT, build_image, docker, run_arguments
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, environment

ARTIFACTS = 100
MOST_START, MOST_SIZE = 0.150, 290
PYTHON = f"""
FROM {BASE}
RUN apt-get update -qq \\
 && apt-get install -y -qq --no-install-recommends python3 >/dev/null \\
 && rm -rf /var/lib/apt/lists/*
"""
# The pins: https://github.com/iterative/gto-action/blob/main/requirements.txt
# Newer typer, click and pathspec broke these versions.
PEER = f"""
FROM {BASE}
ARG PIP_CERT
RUN apt-get update -qq \\
 && apt-get install -y -qq --no-install-recommends git python3 python3-pip python3-venv >/dev/null \\
 && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv --without-pip /opt/peer \\
 && pip --python /opt/peer/bin/python3 install --quiet --no-cache-dir \\
    gto==1.7.1 dvc==3.58.0 'typer<0.13' 'click<8.2' 'pathspec<1'
ENV PATH=/opt/peer/bin:/usr/bin:/bin DVC_NO_ANALYTICS=1
"""
#: What the tag did by four processes, what the artifact is by DVC, then the registry's state and journal.
STEPS = """
name=$(gto check-ref "$REF" --name); gto check-ref "$REF" --version
gto check-ref "$REF" --event; gto check-ref "$REF" --stage
python3 -c 'import sys; from dvc.repo import Repo
print(Repo(".").artifacts.read()["dvc.yaml"][sys.argv[1]].path)' "$name"
gto show "$name"; gto history "$name"
"""
TAG = "model-007#prod#2"


def name(number: int) -> str:
    return f"model-{number:03d}"


def history() -> History:
    """Every artifact in one version, which is in prod; described where DVC and Tagline both read it."""
    entries = (
        f"  {name(n)}: {{type: model, path: models/{name(n)}.txt, desc: The model number {n}, labels: [nightly]}}\n"
        for n in range(ARTIFACTS)
    )
    files = {f"models/{name(n)}.txt": "1\n" for n in range(ARTIFACTS)}
    files |= {"dvc.yaml": "artifacts:\n" + "".join(entries), ".dvc/config": ""}
    tags = []
    for number in range(ARTIFACTS):
        one, when = name(number), EPOCH + 10 * number
        version, stage = f"Registering artifact {one} version v0.1.0", f"Assigning stage prod to artifact {one}"
        tags.append(Tag(f"{one}@v0.1.0", "c0", when, f"{version}\n"))
        tags.append(Tag(f"{one}#prod#2", "c0", when + 1, f"{stage} version v0.1.0\n"))
    return History((Commit("c0", files=files),), tuple(tags))


@contextmanager
def registry(folder: Path) -> Iterator[World]:
    """The registry on a forge, and a clone of it as ``folder/workspace``."""
    forge = LocalForge(folder / "forge")
    repo = forge.repository("org/shop")
    for login in ("alice", "bob"):
        repo.grant(login, "maintain")
    forge.token("app", kind="app")
    build(repo.path, history(), bare=True)
    for target in ("clone", "workspace"):
        subprocess.run(["git", "clone", "-q", repo.path, folder / target], check=True, env=environment())
    with serve(forge) as server:
        yield World("github", forge, repo, server, folder, None)  # type: ignore[arg-type]


def built(tag: str, dockerfile: str) -> str:
    """An image of this benchmark's own."""
    certificates = [f"--build-arg=PIP_CERT={os.environ['PIP_CERT']}"] if "PIP_CERT" in os.environ else []
    used = certificates if "ARG PIP_CERT" in dockerfile else []
    docker("build", "--network=host", f"--tag={tag}", *used, "-", input=dockerfile)
    return tag


class Bench:
    """The containers to compare."""

    def __init__(self, world: World, image: str) -> None:
        self._world, self._image = world, image
        self._workspace = world.folder / "workspace"
        self._python = built("tagline-bench:python", PYTHON)
        self._peer = built("tagline-bench:gto", PEER)
        self._changes = 0

    def cases(self) -> dict[str, Callable[[], float]]:
        return {
            "python3 -c pass": lambda: self._time(self._python, "-c", "pass", entrypoint="python3"),
            "tagline --version": lambda: self._time(self._image, "--version"),
            "tagline check-ref": lambda: self._time(self._image, "check-ref", TAG, workspace=self._workspace),
            "tagline validate": lambda: self._time(self._image, "validate", workspace=self._workspace),
            "tagline promote": self._promote,
            "gto-action's steps": lambda: self._time(
                self._peer, "-euc", STEPS, entrypoint="sh", workspace=self._workspace, env=SAFE
            ),
        }

    def _promote(self) -> float:
        """Of a fresh change each time; making and merging it is not timed."""
        self._changes += 1
        files = {f"models/{name(self._changes)}.txt": "2\n"}
        number = self._world.open(f"topic-{self._changes}", files, labels=("version:minor", "stage:prod"))
        self._world.merge(number)
        env = {key: value for key, value in self._world.environ().items() if key != "GITHUB_STEP_SUMMARY"}
        taken = self._time(self._image, "promote", "--change", str(number), env=env, network="host")
        assert f"{name(self._changes)}@v0.2.0" in self._world.tags()
        return taken

    def _time(
        self, image: str, *arguments: str, env: Mapping[str, str] | None = None, network: str = "none",
        entrypoint: str | None = None, workspace: Path | None = None,
    ) -> float:  # fmt: skip
        command = run_arguments(image, *arguments, workspace=workspace, env=env, network=network, entrypoint=entrypoint)
        start = time.perf_counter()
        done = subprocess.run(
            [DOCKER, *command], env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
        )
        taken = time.perf_counter() - start
        if done.returncode:
            sys.exit(f"docker {' '.join(command)}\n{done.stdout}{done.stderr}")
        return taken


#: The checkout belongs to another user than the container's.
SAFE = {
    "REF": f"refs/tags/{TAG}", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
}  # fmt: skip


def megabytes(image: str) -> float:
    return int(docker("image", "inspect", "--format", "{{.Size}}", image).stdout) / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--image", help="an image that is there (default: built from this folder)")
    chosen = parser.parse_args()
    image = chosen.image or build_image()
    with tempfile.TemporaryDirectory() as folder, registry(Path(folder)) as world:
        cases = Bench(world, image).cases()
        taken: dict[str, list[float]] = {what: [] for what in cases}
        for run in cases.values():
            run()  # what the first start of an image costs is the disk's matter
        for _ in range(chosen.runs):
            for what, run in cases.items():
                taken[what].append(run())
    medians = {what: statistics.median(times) for what, times in taken.items()}
    peer, bare = medians["gto-action's steps"], medians["python3 -c pass"]
    line = "{:22}{:>10}{:>10}{:>14}{:>22}".format
    print(line("docker run", "seconds", "best", "above Python", "gto-action's steps"))
    for what, seconds in medians.items():
        above, ratio = f"{(seconds - bare) * 1000:.0f} ms", f"{peer / seconds:.1f} x"
        print(line(what, f"{seconds:.3f}", f"{min(taken[what]):.3f}", above, ratio))
    print(f"size: {megabytes(image):.0f} MB; of the peer's image: {megabytes('tagline-bench:gto'):.0f} MB")
    size = subprocess.run([ROOT / ".ci/image-size", image], check=False, capture_output=True, text=True)
    print(size.stdout, end="")
    start = medians["tagline --version"] - bare
    missed = [f"starting takes {start * 1000:.0f} ms more than Python"] * (start >= MOST_START)
    missed += ["the image is too large"] * (size.returncode != 0)
    print("\n".join(missed) or "targets reached")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
