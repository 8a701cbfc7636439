"""What ``tagline plan`` and ``tagline promote`` cost: requests by kind, bytes, processor seconds, seconds.

    python -m benchmarks.changes [--tags N ...] [--latency MS ...] [--artifacts N] [--rounds N] [--peer-limit SECONDS]

A change of all artifacts that asks for a version and a stage of each, on a local forge of each platform, in registries
of several sizes, behind a proxy that delays each request. Whole processes on an empty cache; each round has a fresh
copy of the registry, and the figures are medians. Beside them GTO through the same proxy: for a plan ``git clone`` and
``gto show``, for a promote ``git clone``, ``gto register`` and ``gto assign`` for each artifact, ``git push``.
Exits 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.latency import Proxy, proxy
from benchmarks.measuring import BIN, TAGLINE, Command, Cost, add_latency, measure, median, print_cost, print_head
from tagline_localforge import LocalForge, serve
from tests.commands.changes.world import Platform, World
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, environment

PLAN, AGAIN, QUIET = "plan", "plan again", "plan, no labels"
PROMOTE, PROMOTE_AGAIN = "promote", "promote again"
PEER, GTO_PLAN, GTO_PROMOTE = "peer", "clone, gto show", "clone, gto, push"


class Most(NamedTuple):
    """Requests of the API and of git."""

    api: int
    git: int


#: With ten artifacts, and git's with any number of them; then how often a promote fits into its peer's time, by tags.
#: The API's are what is asked today, each for a reason: who approved and may, who pushed, what the status says.
MOST = {PLAN: Most(12, 10), AGAIN: Most(11, 10), QUIET: Most(3, 4), PROMOTE: Most(12, 16), PROMOTE_AGAIN: Most(5, 8)}
#: Artifacts, of two tags each, that a push carries where it starts GitLab's pipelines; what else is one push.
A_PUSH_ON_GITLAB = 2
MOST_GIT = {PLAN: 20, PROMOTE: 40}
LEAST_RATIO = {0: 1.0, 1_000: 3.0, 5_000: 10.0}
#: The milliseconds at which that ratio counts.
COUNTED_AT = 50
#: Seconds: a peer that takes longer runs in the first round alone.
PEER_ONCE = 20
POLICY = "max_artifacts: 1000\nstages:\n  prod: {approvals: {count: 1, from: ['@org/ml-leads']}}\n"
PLATFORMS: tuple[Platform, ...] = ("github", "gitlab")


def history(tags: int, names: list[str]) -> History:
    """Tags upon ten of the artifacts: half of them versions, half stages, twenty a commit."""
    files = {"artifacts.yaml": "".join(f"{name}: {{path: models/{name}.txt}}\n" for name in names)}
    files |= {f"models/{name}.txt": "1\n" for name in names} | {".tagline.yaml": POLICY}
    commits = [Commit("c0", files=files)]
    commits += [Commit(f"c{n}", (f"c{n - 1}",), files, EPOCH + n) for n in range(1, max(tags // 20, 1) + 1)]
    made = []
    for number in range(tags):
        name, commit = names[number % 10], commits[number // 20]
        half = number // 20 * 2
        tag = f"{name}@v0.0.{half + 1}" if number // 10 % 2 == 0 else f"{name}#staging#{half + 1}"
        made.append(Tag(tag, commit.name, EPOCH + number))
    return History(tuple(commits), tuple(made), {"main": commits[-1].name})


def template(folder: Path, tags: int, names: list[str]) -> Path:
    """The repository that each round begins with."""
    repo = LocalForge(folder).repository("org/shop")
    build(repo.path, history(tags, names), bare=True)
    # As forges keep them: thousands of loose files would be the file system's benchmark.
    subprocess.run(["git", "-C", repo.path, "pack-refs", "--all"], check=True)
    return Path(repo.path)


@contextmanager
def world(platform: Platform, start: Path, milliseconds: int) -> Iterator[tuple[World, Proxy]]:
    """A copy of a repository on a forge behind a proxy."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        forge = LocalForge(folder / "forge")
        repo = forge.repository("org/shop")
        for login in ("alice", "bob", "carol", "tagline-bot"):
            repo.grant(login, "maintain")
        forge.team("org/ml-leads", ["carol"])
        forge.token("app", kind="app")
        forge.token("bot", login="tagline-bot")
        shutil.copytree(start, repo.path, dirs_exist_ok=True)
        subprocess.run(["git", "clone", "-q", "--no-tags", repo.path, folder / "clone"], check=True, env=environment())
        with serve(forge) as server, proxy(server.url) as through:
            through.delay = milliseconds / 1000
            server.url = through.url
            yield World(platform, forge, repo, server, folder, None), through  # type: ignore[arg-type]


class Race:
    """The commands about one change, in a registry of their own."""

    def __init__(self, place: World, through: Proxy, names: list[str], limit: float) -> None:
        self._place, self._through, self._names, self._limit = place, through, names, limit

    def ours(self) -> dict[str, Cost]:
        number = self._change()
        quiet = self._place.open("quiet", {"README.md": "x\n"})
        found = {PLAN: self._tagline("plan", number), AGAIN: self._tagline("plan", number)}
        found[QUIET] = self._tagline("plan", quiet)
        self._place.merge(number)
        found |= {PROMOTE: self._tagline("promote", number), PROMOTE_AGAIN: self._tagline("promote", number)}
        assert len(self._place.tags()) >= 2 * len(self._names), "a version and a stage of each"
        return found

    def peers(self) -> dict[str, Cost]:
        self._place.merge(self._change())
        return {GTO_PLAN: self._gto("shown", [["show"]]), GTO_PROMOTE: self._gto("promoted", self._writes(), push=True)}

    def _change(self) -> int:
        files = {f"models/{name}.txt": "2\n" for name in self._names} | {f"docs/{n}.md": "x\n" for n in range(10)}
        number = self._place.open("topic", files, labels=("version:minor", "stage:prod"))
        self._place.approve(number, "carol")
        return number

    def _tagline(self, command: str, number: int) -> Cost:
        with tempfile.TemporaryDirectory() as cache:
            own = self._place.environ()
            # The workflow's own token, as most have it: its pushes start nothing, so that all tags are one push.
            variables = {**own, "TAGLINE_JOB_TOKEN": own["TAGLINE_TOKEN"], "TAGLINE_CACHE": cache}
            arguments = (*TAGLINE, command, "--change", str(number))
            return measure([Command(arguments, self._place.folder, variables)], self._through)

    def _writes(self) -> list[list[str]]:
        return [
            arguments for name in self._names for arguments in (["register", name], ["assign", name, "--stage", "prod"])
        ]

    def _gto(self, folder: str, calls: list[list[str]], *, push: bool = False) -> Cost:
        """What it does in a clone of its own."""
        clone = self._place.folder / folder
        url = self._place.server.url.replace("://", f"://x:{self._place.environ()['TAGLINE_TOKEN']}@")
        commands = [Command(["git", "clone", "-q", f"{url}/org/shop.git", clone], self._place.folder, {})]
        commands += [Command([BIN / "gto", *arguments], clone, {}) for arguments in calls]
        commands += [Command(["git", "push", "-q", "--tags"], clone, {})] * push
        return measure(commands, self._through, self._limit)


def rounds(start: Path, milliseconds: int, chosen: argparse.Namespace) -> dict[tuple[str, str], Cost]:
    """The medians of each command on each platform; the peers know none and are beside both."""
    names = [f"m{place}" for place in range(chosen.artifacts)]
    seen: dict[tuple[str, str], list[Cost]] = {}
    for number in range(chosen.rounds):
        for platform in PLATFORMS:
            with world(platform, start, milliseconds) as (place, through):
                for name, cost in Race(place, through, names, chosen.peer_limit).ours().items():
                    seen.setdefault((platform, name), []).append(cost)
        if (
            number
            and max(cost.seconds for (who, _), costs in seen.items() if who == PEER for cost in costs) > PEER_ONCE
        ):
            continue
        with world("github", start, milliseconds) as (place, through):
            for name, cost in Race(place, through, names, chosen.peer_limit).peers().items():
                seen.setdefault((PEER, name), []).append(cost)
    return {key: median(costs) for key, costs in seen.items()}


def beside(name: str, costs: dict[tuple[str, str], Cost]) -> Cost:
    """What the peer needs for the same."""
    return costs[PEER, GTO_PROMOTE if name.startswith(PROMOTE) else GTO_PLAN]


def report(title: str, costs: dict[tuple[str, str], Cost]) -> None:
    print_head(title)
    for (platform, name), cost in costs.items():
        print_cost(f"{platform}: {name}", cost, None if platform == PEER else beside(name, costs))


def judged(
    tags: int, milliseconds: int, artifacts: int, costs: dict[tuple[str, str], Cost]
) -> Iterator[tuple[bool, str]]:
    """Each target that the run has a figure of: whether it is met, and both in words."""
    for (platform, name), cost in costs.items():
        if platform == PEER:
            continue
        what, git = f"{platform}: {name}, {tags:,} tags, {milliseconds} ms", sum(cost.trips.of_git)
        if (platform, name) == ("gitlab", PROMOTE):
            git -= 2 * (artifacts // A_PUSH_ON_GITLAB - 1)  # its pushes counted as the one that GitHub has
        if artifacts <= 10:
            most = MOST[name]
            yield cost.trips.api <= most.api, f"{what}: {cost.trips.api} API requests, at most {most.api}"
            yield git <= most.git, f"{what}: {git} git requests, at most {most.git}"
        elif name in MOST_GIT:
            yield git <= MOST_GIT[name], f"{what}: {git} git requests, at most {MOST_GIT[name]}"
        if name == PROMOTE and milliseconds == COUNTED_AT and tags in LEAST_RATIO:
            peer, least = beside(name, costs), LEAST_RATIO[tags]
            ratio, more = peer.seconds / cost.seconds, "more than " * peer.stopped
            yield ratio >= least, f"{what}: the peer takes {more}{ratio:.1f} x, at least {least:g} x"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tags", type=int, nargs="+", default=[0, 1_000, 5_000])
    add_latency(parser)
    parser.add_argument("--artifacts", type=int, default=10, help="ten or more")
    parser.add_argument("--rounds", type=int, default=1, help="five for figures to quote")
    parser.add_argument("--peer-limit", type=float, default=60, help="seconds after which GTO is stopped")
    chosen = parser.parse_args()
    verdicts: list[tuple[bool, str]] = []
    for tags in chosen.tags:
        with tempfile.TemporaryDirectory() as folder:
            start = template(Path(folder), tags, [f"m{place}" for place in range(chosen.artifacts)])
            for milliseconds in chosen.latency:
                costs = rounds(start, milliseconds, chosen)
                report(f"{tags:,} tags, {chosen.artifacts} artifacts, {milliseconds} ms a request", costs)
                verdicts += judged(tags, milliseconds, chosen.artifacts, costs)
    missed = [text for met, text in verdicts if not met]
    print(
        "", *(f"MISS {text}" for text in missed), f"{len(verdicts) - len(missed)} of {len(verdicts)} targets", sep="\n"
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
