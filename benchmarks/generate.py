"""Writes a repository with any number of registry tags, as fast as one core hashes.

    python benchmarks/generate.py DIRECTORY TAGS [ARTIFACTS]

100 artifacts if not said otherwise; half of the tags register versions, half assign stages, but for a few that
unassign and deregister; a tenth as many commits. ``git fast-import`` would make a loose ref of every
tag, a file each; here the objects go through ``git index-pack`` and the refs straight
into ``packed-refs``, as after ``git pack-refs``.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.gitbuild import EPOCH, IDENTITY, environment, object_id, pack_entry, pack_header, run_git

ARTIFACTS = 100
STAGES = ("dev", "staging", "prod")


class PackStream:
    """Objects on their way into ``git index-pack``."""

    def __init__(self, directory: Path, count: int) -> None:
        command = ["git", "-C", str(directory), "index-pack", "--stdin"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment())
        assert self._process.stdin is not None
        self._pipe: BinaryIO = self._process.stdin
        self._checksum = hashlib.sha1()
        self._write(pack_header(count))

    def _write(self, data: bytes) -> None:
        self._checksum.update(data)
        self._pipe.write(data)

    def add(self, kind: str, data: bytes) -> str:
        self._write(pack_entry(kind, data))
        return object_id(kind, data)

    def close(self) -> None:
        self._pipe.write(self._checksum.digest())
        self._pipe.close()
        if self._process.wait():
            raise RuntimeError("git index-pack failed")


def artifact(number: int) -> str:
    return f"model-{number:02d}"


def events(tags: int, artifacts: int) -> Iterator[tuple[str, int, int, str]]:
    """Name, number of its commit, time and first line of each tag."""
    commits_per_turn = artifacts // 5
    for number in range(tags // 2):
        turn, model = divmod(number, artifacts)
        name, seconds = artifact(model), EPOCH + 200 * turn + model
        commit = commits_per_turn * turn + model % commits_per_turn
        before = commit - commits_per_turn
        version, stage = _version(turn), STAGES[turn % 3]
        yield f"{name}@{version}", commit, seconds, f"Registering artifact {name} version {version}"
        odd = (turn + model) % 50 if turn else -1
        if odd == 0:
            last, held = _version(turn - 1), STAGES[(turn - 1) % 3]
            line = f"Unassigning stage '{held}' to artifact '{name}' version '{last}'"
            yield f"{name}#{held}!#{turn + 1}", before, seconds + 100, line
        elif odd == 1:
            last = _version(turn - 1)
            yield f"{name}@{last}!", before, seconds + 100, f"Deregistering artifact {name} version {last}"
        else:
            line = f"Assigning stage {stage} to artifact {name} version {version}"
            yield f"{name}#{stage}#{turn + 1}", commit, seconds + 100, line


def _version(turn: int) -> str:
    return f"v{turn // 100}.{turn // 10 % 10}.{turn % 10}"


def generate(directory: Path, tags: int, artifacts: int = ARTIFACTS) -> None:
    """Write a repository with ``tags`` registry tags over ``artifacts``, a multiple of 5."""
    if tags % (2 * artifacts) or artifacts % 5:
        raise SystemExit("The number of tags must be a multiple of twice that of artifacts, and that one of 5.")
    directory.mkdir(parents=True)
    run_git(directory, "init", "--quiet", "--template=", "--initial-branch=main")
    commits = tags // 10
    pack = PackStream(directory, 1 + commits + tags)
    tree = pack.add("tree", b"")
    ids: list[str] = []
    for number in range(commits):
        parent = f"parent {ids[-1]}\n" if ids else ""
        who = f"{IDENTITY} {EPOCH - commits + number} +0000"
        ids.append(pack.add("commit", f"tree {tree}\n{parent}author {who}\ncommitter {who}\n\n{number}\n".encode()))
    refs = [f"refs/heads/main {ids[-1]}"]
    for name, commit, seconds, line in events(tags, artifacts):
        body = f"{line}\n\nChange: https://forge.example/team/models/pull/{commit}\n"
        target = ids[commit]
        content = f"object {target}\ntype commit\ntag {name}\ntagger {IDENTITY} {seconds} +0000\n\n{body}"
        refs.append(f"refs/tags/{name} {pack.add('tag', content.encode())}\n^{target}")
    pack.close()
    write_packed_refs(directory / ".git" / "packed-refs", refs)


def write_packed_refs(path: Path, refs: list[str]) -> None:
    """Refs in the order of their names, a space being below every character of them."""
    with path.open("w") as file:
        file.write("# pack-refs with: peeled fully-peeled sorted \n")
        for entry in sorted(refs):
            name, rest = entry.split(" ", 1)
            object_id, _, peeled = rest.partition("\n")
            file.write(f"{object_id} {name}\n" + (f"{peeled}\n" if peeled else ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("tags", type=int)
    parser.add_argument("artifacts", type=int, nargs="?", default=ARTIFACTS)
    arguments = parser.parse_args()
    start = time.perf_counter()
    generate(arguments.directory, arguments.tags, arguments.artifacts)
    print(f"{arguments.tags:,} tags in {time.perf_counter() - start:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
