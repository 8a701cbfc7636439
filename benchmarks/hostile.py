"""What a stranger's megabyte costs: one row per kind of input, seconds of processor time and peak memory.

    python -m benchmarks.hostile [WORD ...]

Each row is a whole process (with the git processes that it starts) over a megabyte of one kind that a change may bring,
made so that it is worst for a reader that multiplies two sizes. WORD chooses the rows whose names have it. Exits 1
where a row takes more than 5 s or 300 MB. Time is the processor's, so that other work on the machine does not count.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tagline_localforge import LocalForge, serve
from tests.commands.changes.world import World
from tests.support.bombs import bomb
from tests.support.gitbuild import Commit, History, build, environment

MEGABYTE = 1_000_000
#: Seconds and megabytes that a row may take.
SECONDS, MEGABYTES = 5.0, 300
#: Seconds after which a row is given up.
GIVEN_UP = 60
Files = Mapping[str, str]


def filled(line: Callable[[int], str], size: int = MEGABYTE, head: str = "") -> str:
    """Lines until there are so many characters."""
    lines, length = [head], len(head)
    while length < size:
        lines.append(line(len(lines) - 1))
        length += len(lines[-1])
    return "".join(lines)


def names(count: int) -> str:
    """A manifest of many artifacts."""
    return "".join(f"model-{n:05}: {{path: m/{n:05}}}\n" for n in range(count))


class Kind(NamedTuple):
    """A kind of input: what is on the default branch, what the change brings, and what is run over it.

    ``bombed`` adds a folder that repeats itself, of files with that name. ``command`` is ``validate``, ``plan``,
    ``lineage`` (of ``m``) or ``resolve``.
    """

    command: str
    brings: Callable[[], Files]
    main: Callable[[], Files] = dict
    labels: tuple[str, ...] = ()
    bombed: str | None = None


def _laughs() -> str:
    rows = ["l0: &l0 {custom: [x, x, x, x, x, x, x, x, x]}\n"]
    rows += [f"l{n}: &l{n} {{custom: [{', '.join([f'*l{n - 1}'] * 9)}]}}\n" for n in range(1, 30)]
    return "".join(rows) + "# " + "x" * MEGABYTE + "\n"


def _many_small() -> Files:
    return {f"d{n}/artifacts.yaml": "m: {path: x}\n" for n in range(20_000)}


def _lock(outs: Callable[[int], str], size: int = MEGABYTE) -> str:
    return filled(outs, size, "schema: '2.0'\nstages:\n  train:\n    cmd: x\n    outs:\n")


RULES = "stages: {prod: {approvals: {count: 1, from: [codeowners]}, gates: [{metric: acc, min: 0.5}]}}\n"
LISTED = "".join(f"    s{n}: {{after: [s{n - 1}]}}\n" for n in range(1, 500))
MD5 = "0" * 32

KINDS: dict[str, Kind] = {
    # One file of YAML.
    "aliases that repeat one another": Kind("validate", lambda: {"artifacts.yaml": _laughs()}),
    "nested lists": Kind("validate", lambda: {"artifacts.yaml": "a: " + "[" * MEGABYTE}),
    "keys, each unknown": Kind("validate", lambda: {"artifacts.yaml": "m:\n" + filled(lambda n: f"  pathh{n}: 1\n")}),
    "one long text": Kind("validate", lambda: {"artifacts.yaml": f"m: {{path: {'x' * MEGABYTE}}}\n"}),
    "one path of many folders": Kind(
        "validate", lambda: {"artifacts.yaml": f"m: {{path: {'a/' * (MEGABYTE // 2)}b}}\n"}
    ),
    "brackets and quotes that never end": Kind("validate", lambda: {"artifacts.yaml": "m: {path: '" + "''{" * 300_000}),
    # A manifest beside what it is compared with.
    "mistyped paths, many files": Kind(
        "validate",
        lambda: {"artifacts.yaml": filled(lambda n: f"m{n}: {{path: d/fole-{n:05}.bin}}\n")},
        lambda: {f"d/file-{n:05}.bin": "x" for n in range(20_000)},
    ),
    "mistyped types, many types": Kind(
        "validate",
        lambda: {
            "artifacts.yaml": filled(lambda n: f"m{n}: {{type: kind-x{n:05}, virtual: true}}\n", MEGABYTE // 2),
            ".gto": filled(lambda n: f"- kind-{n:05}\n", MEGABYTE // 2, "types:\n"),
        },
    ),
    "paths, submodules": Kind(
        "validate",
        lambda: {
            "artifacts.yaml": filled(lambda n: f"m{n}: {{path: p{n:05}}}\n", MEGABYTE // 2),
            ".gitmodules": filled(lambda n: f"path = s{n}\n", MEGABYTE // 2),
        },
    ),
    "paths, templated folders of a pipeline": Kind(
        "validate",
        lambda: {
            "artifacts.yaml": filled(lambda n: f"m{n}: {{path: p{n:05}}}\n", MEGABYTE // 2),
            "dvc.yaml": filled(
                lambda n: f"    - o{n}\n", MEGABYTE // 2, "stages:\n  s:\n    cmd: x\n    wdir: ${item}\n    outs:\n"
            ),
        },
    ),
    "paths, outs of a lock": Kind(
        "validate",
        lambda: {
            "artifacts.yaml": filled(lambda n: f"m{n}: {{path: p{n:05}}}\n", MEGABYTE // 2),
            "dvc.lock": _lock(lambda n: f"    - {{path: o{n}, md5: {MD5}}}\n", MEGABYTE // 2),
        },
    ),
    "templates, parameters": Kind(
        "validate",
        lambda: {
            "dvc.yaml": filled(lambda n: f"  m{n}: {{path: '${{p{n}}}${{p{n}}}'}}\n", MEGABYTE // 2, "artifacts:\n"),
            "params.yaml": filled(lambda n: f"p{n}: {n}\n", MEGABYTE // 2),
        },
    ),
    "templates of long values": Kind(
        "validate",
        lambda: {
            "dvc.yaml": filled(lambda n: f"  m{n}: {{path: '{'${p}' * 20}'}}\n", MEGABYTE // 2, "artifacts:\n"),
            "params.yaml": f"p: {'x' * (MEGABYTE // 2)}\n",
        },
    ),
    "manifests, one in each folder": Kind("validate", _many_small),
    # The policy that a change proposes.
    "policy: stages, patterns": Kind(
        "plan",
        lambda: {
            ".tagline.yaml": "stages:\n  s0: {}\n"
            + LISTED.replace("    s", "  s")
            + filled(lambda n: f"  a{n}: {{stages: {{s{n % 500}: {{after: [s0]}}}}}}\n", MEGABYTE // 2, "artifacts:\n")
        },
    ),
    "policy: stages that are not listed": Kind(
        "plan",
        lambda: {
            ".tagline.yaml": filled(lambda n: f"  stage-{n:05}: {{}}\n", MEGABYTE // 2, "stages:\n")
            + filled(lambda n: f"  zz{n}: {{after: [stagf-x{n:05}]}}\n", MEGABYTE // 2)
        },
    ),
    "policy: wrong values": Kind(
        "plan", lambda: {".tagline.yaml": filled(lambda n: f"  s{n}: {{soak: x}}\n", head="stages:\n")}
    ),
    # What a change asks for.
    "requests, misspelt; many artifacts": Kind(
        "plan",
        lambda: {"promotions/prod/a.yaml": "".join(f"- {{artifact: modle-{n:05}x}}\n" for n in range(1000))},
        lambda: {"artifacts.yaml": names(40_000)},
    ),
    "requests, one each; many artifacts, all rules": Kind(
        "plan",
        lambda: {"promotions/prod/a.yaml": "".join(f"- {{artifact: model-{n:05}}}\n" for n in range(1000))},
        lambda: {"artifacts.yaml": names(30_000), ".tagline.yaml": RULES, "CODEOWNERS": "* @alice\n"},
    ),
    "requests of unknown stages, many stages": Kind(
        "plan",
        lambda: {"promotions/prad/a.yaml": "".join(f"- {{artifact: model-{n:05}}}\n" for n in range(1000))},
        lambda: {
            "artifacts.yaml": names(1000),
            ".tagline.yaml": filled(lambda n: f"  prod-{n:05}: {{}}\n", head="stages:\n"),
        },
    ),
    "request files": Kind(
        "plan",
        lambda: {f"promotions/prod/{n}.yaml": f"- {{artifact: model-{n:05}}}\n" for n in range(30_000)},
        lambda: {"artifacts.yaml": names(1000)},
    ),
    "labels, many artifacts": Kind(
        "plan",
        lambda: {"m/00001": "new\n"},
        lambda: {"artifacts.yaml": names(30_000)},
        tuple(f"version:modle-{n:05}x@minor" for n in range(90)),
    ),
    "a label, every artifact touched": Kind(
        "plan",
        lambda: {"artifacts.yaml": names(30_000).replace("m/", "n/")},
        lambda: {"artifacts.yaml": names(30_000)},
        ("version:minor", "stage:prod"),
    ),
    "artifacts, a lock that changes": Kind(
        "plan",
        lambda: {
            "artifacts.yaml": filled(lambda n: f"m{n}: {{path: o{n}/x}}\n", MEGABYTE // 2),
            "dvc.lock": _lock(lambda n: f"    - {{path: o{n}, md5: {MD5}}}\n", MEGABYTE // 2),
        },
        lambda: {"artifacts.yaml": filled(lambda n: f"m{n}: {{path: o{n}/x}}\n", MEGABYTE // 2)},
        ("version:minor",),
    ),
    "outs of a lock, templates of its pipeline": Kind(
        "plan",
        lambda: {
            "dvc.lock": _lock(lambda n: f"    - {{path: o{n}, md5: {MD5}}}\n", MEGABYTE // 2),
            "dvc.yaml": filled(
                lambda n: f"    - o${{a}}x${{b}}{n}: {{remote: r{n}}}\n",
                MEGABYTE // 2,
                "stages:\n  train:\n    cmd: x\n    outs:\n",
            ),
        },
        lambda: {"artifacts.yaml": "m: {path: o1}\n"},
        ("version:m@minor",),
    ),
    "owners, patterns with stars": Kind(
        "plan",
        lambda: {"promotions/prod/a.yaml": "".join(f"- {{artifact: model-{n:05}}}\n" for n in range(1000))},
        lambda: {
            "artifacts.yaml": names(1000),
            ".tagline.yaml": RULES,
            "CODEOWNERS": filled(lambda n: f"*a*t*{n}* @alice\n"),
        },
    ),
    # What is behind an artifact.
    "steps in a row": Kind(
        "lineage",
        lambda: {
            "artifacts.yaml": "m: {path: o1}\n",
            "dvc.lock": filled(
                lambda n: f"  s{n}: {{cmd: x, deps: [{{path: o{n + 1}}}], outs: [{{path: o{n}, md5: {MD5}}}]}}\n",
                head="schema: '2.0'\nstages:\n",
            ),
        },
    ),
    "steps that all read all": Kind(
        "lineage",
        lambda: {
            "artifacts.yaml": "m: {path: o1}\n",
            "dvc.lock": "schema: '2.0'\nstages:\n  z: {cmd: x, deps: [{path: d}], outs: [{path: o1}]}\n"
            + filled(lambda n: f"  s{n}: {{cmd: x, deps: [{{path: d}}], outs: [{{path: d/{n}, md5: {MD5}}}]}}\n"),
        },
    ),
    "parameters, numbers": Kind(
        "lineage",
        lambda: {
            "artifacts.yaml": "m: {path: o1, metrics: metrics.json}\n",
            "metrics.json": "{" + filled(lambda n: f'"k{n}": {n},\n') + '"z": 1}',
        },
    ),
    "pointers, one for each file": Kind(
        "lineage",
        lambda: {
            "artifacts.yaml": "m: {path: o1}\n",
            **{f"o{n}.dvc": f"outs: [{{path: o{n}, md5: {MD5}}}]\n" for n in range(20_000)},
        },
    ),
    # Trees that repeat themselves.
    "tree of ten million files": Kind("plan", dict, bombed="x"),
    "tree of ten million manifests": Kind("plan", dict, labels=("version:minor",), bombed="artifacts.yaml"),
    "tree of ten million files, an artifact of it": Kind(
        "plan", lambda: {"artifacts.yaml": "m: {path: bomb}\n"}, labels=("version:minor",), bombed="x"
    ),
    "tree of ten million requests": Kind("plan", dict, labels=("version:minor",), bombed="a.yaml"),
    "tree of ten million files, its lineage": Kind(
        "lineage", lambda: {"artifacts.yaml": "m: {path: models}\n", "models": "x"}, bombed="x"
    ),
}


class Cost(NamedTuple):
    """Processor seconds, and the largest process's peak in megabytes; the exit code and the last words."""

    seconds: float
    megabytes: float
    code: int
    said: str


def spend(command: list[str], folder: Path, env: Mapping[str, str]) -> Cost:
    """Run a command and see what it took, with all that it started and waited for."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(command, cwd=folder, env=dict(env), stdout=out, stderr=err)
        resource.prlimit(child.pid, resource.RLIMIT_CPU, (GIVEN_UP, GIVEN_UP))
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        said = err.read().decode(errors="replace").strip().splitlines()
    took = used.ru_utime + used.ru_stime
    return Cost(took, used.ru_maxrss / 1024, child.returncode, said[-1][:100] if said else "")


@contextmanager
def world(folder: Path, main: Files) -> Iterator[World]:
    """A local forge with what is on the default branch."""
    forge = LocalForge(folder / "forge")
    repo = forge.repository("org/shop")
    for login in ("alice", "bob", "carol", "mallory"):
        repo.grant(login, "maintain")
    forge.token("app", kind="app")
    build(repo.path, History((Commit("c0", files={"README.md": "x\n", **main}),)), bare=True)
    subprocess.run(["git", "clone", "-q", "--no-tags", repo.path, folder / "clone"], check=True, env=environment())
    with serve(forge) as server:
        yield World("github", forge, repo, server, folder, None)  # type: ignore[arg-type]


def bring(place: World, kind: Kind) -> str:
    """Push what the change brings, on a branch of its own; its commit."""
    build(
        place.folder / "brought", History((Commit("c1", files={"README.md": "x\n", **kind.main(), **kind.brings()}),))
    )
    place.git("fetch", "--quiet", str(place.folder / "brought"), "main")
    commit = place.git("commit-tree", "FETCH_HEAD^{tree}", "-p", "origin/main", "-m", "more")
    if kind.bombed is not None:
        commit = bomb(place.clone, commit, "promotions" if kind.bombed == "a.yaml" else "bomb", kind.bombed)
    place.git("push", "--quiet", "origin", f"{commit}:refs/heads/topic")
    return commit


def measure(kind: Kind) -> Cost:
    """One row."""
    with tempfile.TemporaryDirectory() as name, world(Path(name), kind.main()) as place:
        env = {**environment(HOME=name, TAGLINE_CACHE=f"{name}/cache"), **place.environ()}
        tagline = [sys.executable, "-m", "tagline"]
        if kind.command == "plan":
            bring(place, kind)
            change = place.repo.open_change(author="mallory", source="topic", target="main", title="More")
            for label in kind.labels:
                place.repo.label(change.number, label, by="bob")
            return spend([*tagline, "plan", "--change", str(change.number), "--json"], place.folder, env)
        commit = bring(place, kind)
        place.git("push", "--quiet", "origin", f"{commit}:refs/heads/main")
        plain = environment(HOME=name, TAGLINE_CACHE=f"{name}/cache")
        if kind.command == "validate":
            return spend(
                [*tagline, "validate", "--repo", str(place.repo.path), "--format", "github"], place.folder, plain
            )
        place.git("tag", "-a", "m@v1.0.0", "-m", "x", commit)
        place.git("push", "--quiet", "origin", "m@v1.0.0")
        url = place.repo.path.as_uri()
        return spend([*tagline, kind.command, "m", "--repo", url, "--format", "markdown"], place.folder, plain)


def main(words: list[str]) -> int:
    """Measure and print the rows whose names have one of the words; 1 where one is over a limit."""
    missed = 0
    line = "{:50}{:>10}{:>9}{:>8}{:>6}{:>6}  {}".format
    print(line("a megabyte of", "command", "seconds", "MB", "exit", "", "said"))
    print(line("(at most)", "", f"{SECONDS:.1f}", MEGABYTES, "", "", ""))
    for name, kind in KINDS.items():
        if words and not any(word in name for word in words):
            continue
        cost = measure(kind)
        over = cost.seconds > SECONDS or cost.megabytes > MEGABYTES or cost.code not in (0, 1, 2, 6)
        missed += over
        seconds, size = f"{cost.seconds:.1f}", f"{cost.megabytes:.0f}"
        print(line(name, kind.command, seconds, size, cost.code, "OVER" if over else "", cost.said), flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
