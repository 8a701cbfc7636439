"""A lock keeps what its dvc.yaml no longer has: what counts of it is what real DVC takes of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.oracle.dvc_world import in_dvc, new_project, ours, surroundings, theirs, write
from tests.support.gitbuild import run_git

pytestmark = pytest.mark.oracle

PIPELINE = """\
stages:
  train:
    cmd: printf model > m.pkl; printf side > side.bin
    outs:
    - m.pkl
    - side.bin
  folder:
    cmd: mkdir -p mod/in; printf old > mod/in/w
    outs:
    - mod
  part:
    wdir: work
    cmd: printf part > part.bin
    outs:
    - part.bin
  each:
    foreach: [eu, us]
    do:
      cmd: printf ${item} > ${item}.bin
      outs:
      - ${item}.bin
  grid:
    matrix: {size: [s, l], kind: [x, y]}
    cmd: printf ${key} > grid-${key}.bin
    outs:
    - grid-${key}.bin
  many:
    foreach: ${regions}
    do:
      cmd: printf ${key} > many-${key}.bin
      outs:
      - many-${key}.bin
"""
PATHS = [
    "m.pkl", "side.bin", "mod", "work/part.bin", "eu.bin", "us.bin", "grid-s-x.bin", "grid-s-y.bin",
    "grid-l-x.bin", "grid-l-y.bin",
    "many-a.bin", "many-b.bin",
]  # fmt: skip


def edit(*pairs: tuple[str, str]) -> Callable[[Path], None]:
    """The dvc.yaml in other words, and nothing else: as people edit it."""

    def do(root: Path) -> None:
        text = (root / "dvc.yaml").read_text()
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        (root / "dvc.yaml").write_text(text)

    return do


def into_git(root: Path) -> None:
    stage = PIPELINE[PIPELINE.index("  folder:") : PIPELINE.index("  part:")]
    edit((stage, ""))(root)
    ignored = (root / ".gitignore").read_text()
    assert "/mod\n" in ignored
    (root / ".gitignore").write_text(ignored.replace("/mod\n", ""))
    write(root / "mod/in/w", "new, in Git")


def into_a_dvc_file(root: Path) -> None:
    stage = PIPELINE[PIPELINE.index("  train:") : PIPELINE.index("  folder:")]
    edit((stage, ""))(root)
    write(root / "m.pkl", "another model")
    with surroundings(root.parent / "home"):
        in_dvc(root, lambda repo: repo.add("m.pkl"))


EDITS: dict[str, Callable[[Path], None]] = {
    "nothing": edit(),
    "renamed": edit(("  train:\n", "  train2:\n")),
    "renamed group": edit(("  each:\n", "  every:\n")),
    "out not listed": edit(("    - side.bin\n", "")),
    "out under another name": edit(("    - m.pkl\n", "    - n.pkl\n")),
    "fewer expansions": edit(("[eu, us]", "[eu]"), ("[s, l]", "[s]")),
    "a loop no more": edit(("    foreach: [eu, us]\n    do:\n", ""), ("${item}", "eu")),
    "other working directory": edit(("wdir: work", "wdir: other")),
    "template in other words": edit(("      - many-${key}.bin", "      - ${name}-${key}.bin")),
    "no stages": lambda root: write(root / "dvc.yaml", "metrics: [m.json]\n"),
    "no dvc.yaml": lambda root: (root / "dvc.yaml").unlink(),
    "into Git": into_git,
    "into a .dvc file": into_a_dvc_file,
}


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose pipeline real DVC ran, with a manifest of all its outs."""
    base = tmp_path_factory.mktemp("stale-locks")
    root = base / "root"
    with surroundings(base / "home"):
        new_project(root)
        write(root / ".dvc/config", f"[core]\nremote = r\n['remote \"r\"']\nurl = {base}/store\n")
        write(root / "params.yaml", "regions: {a: 1, b: 2}\nname: many\n")
        write(root / "dvc.yaml", PIPELINE)
        (root / "work").mkdir()
        (root / "other").mkdir()
        in_dvc(root, lambda repo: repo.reproduce())
        manifest = "".join(f"a{number}: {{path: {path}}}\n" for number, path in enumerate([*PATHS, "n.pkl"]))
        write(root / "artifacts.yaml", manifest + "moved: {path: other/part.bin}\n")
    return base


@pytest.mark.parametrize("name", EDITS)
def test_lock__beside_a_dvc_yaml_that_people_edited__counts_as_far_as_dvc_takes_it(
    run_once: Path, tmp_path: Path, tagline: CommandLine, name: str
):
    root = tmp_path / "root"
    shutil.copytree(run_once / "root", root, symlinks=True)
    EDITS[name](root)
    run_git(root, "add", "--all")
    run_git(root, "commit", "--quiet", "--message", name)
    for line in (root / "artifacts.yaml").read_text().splitlines():
        tag = f"{line.partition(':')[0]}@v1.0.0"
        run_git(root, "tag", "--annotate", "--message", tag, tag)
    own, dvc = ours(root, tagline), theirs(root, run_once / "home")
    in_git = {path for path, digest in own.items() if digest.startswith("git")}
    assert in_git == ({"mod"} if name == "into Git" else set())
    assert {path: digest for path, digest in own.items() if path not in in_git} == dvc
