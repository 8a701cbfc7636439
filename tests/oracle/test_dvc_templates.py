"""Templates in the stages of a dvc.yaml: which outs a lock has, and in which remote, is what real DVC says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine
from tests.oracle.dvc_world import in_dvc, new_project, ours, surroundings, theirs, write
from tests.support.gitbuild import run_git

pytestmark = pytest.mark.oracle

PARAMS = """\
where: {deep: work}
items: [eu, us]
table: {a: {dir: one, store: two}, b: {dir: other, store: r}}
sizes: [s, l]
store: two
end: bin
number: 7
"""
PIPELINE = """\
vars:
- more.yaml:top
- local: {name: here}
stages:
  folder:
    wdir: ${where.deep}
    cmd: printf folder > m.pkl
    outs: [m.pkl]
  both:
    wdir: ${where.deep}/${local.name}
    cmd: printf both > ${top}.${end}
    outs: ["${top}.${end}"]
  own:
    wdir: own
    vars: [inner.yaml, {x: y}]
    cmd: printf own > ${inner}-${x}.bin
    outs: ["${inner}-${x}.bin"]
  each:
    foreach: ${items}
    do:
      wdir: ${where.deep}
      cmd: printf ${item} > each-${item}.${end}
      outs: ["each-${item}.${end}"]
  some:
    foreach: ["${top}", "${items[0]}"]
    do:
      cmd: printf ${item} > some-${item}.bin
      outs: ["some-${item}.bin"]
  named:
    foreach: ${table}
    do:
      wdir: ${item.dir}
      cmd: printf ${key} > ${key}.bin
      outs:
      - ${key}.bin: {remote: "${item.store}"}
  grid:
    matrix: {size: "${sizes}", kind: ["${top}", x]}
    cmd: printf ${key} > grid-${item.size}-${item.kind}.bin
    outs: ["grid-${item.size}-${item.kind}.bin"]
  elsewhere:
    cmd: printf elsewhere > e-${number}.bin
    outs:
    - e-${number}.bin: {remote: "${store}"}
"""
FOLDERS = ("work", "work/here", "own", "one", "other")


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose pipeline real DVC ran and pushed, with a manifest of all its outs."""
    base = tmp_path_factory.mktemp("templates")
    root = base / "root"
    with surroundings(base / "home"):
        new_project(root)
        remotes = "".join(f"['remote \"{name}\"']\nurl = {base}/{name}\n" for name in ("r", "two"))
        write(root / ".dvc/config", f"[core]\nremote = r\n{remotes}")
        write(root / "params.yaml", PARAMS)
        write(root / "more.yaml", "top: t\nother: o\n")
        write(root / "own/inner.yaml", "inner: i\n")
        write(root / "dvc.yaml", PIPELINE)
        for folder in FOLDERS:
            (root / folder).mkdir(exist_ok=True)
        in_dvc(root, lambda repo: repo.reproduce())
        in_dvc(root, lambda repo: repo.push())
        run_git(root, "add", "--all")
        run_git(root, "commit", "--quiet", "--message", "run")
        paths = sorted(theirs(root, base / "home"))
        write(root / "artifacts.yaml", "".join(f"a{number}: {{path: {path}}}\n" for number, path in enumerate(paths)))
        run_git(root, "add", "--all")
        run_git(root, "commit", "--quiet", "--message", "manifest")
        for number in range(len(paths)):
            run_git(root, "tag", "--annotate", "--message", "m", f"a{number}@v1.0.0")
    return base


def test_templates__of_stages__are_what_dvc_makes_of_them(run_once: Path, tagline: CommandLine):
    expected = theirs(run_once / "root", run_once / "home")
    assert len(expected) == 14
    assert ours(run_once / "root", tagline) == expected
    assert tagline.json("validate", cwd=run_once / "root")["findings"] == []


def test_templates__of_remotes__lead_to_the_bytes_that_dvc_pushed(run_once: Path, tmp_path: Path, tagline: CommandLine):
    found: dict[str, Any] = {}
    for name in tagline.json("show", cwd=run_once / "root")["artifacts"]:
        said = tagline.json("fetch", name, "-o", str(tmp_path / name), cwd=run_once / "root")
        found[said["path"]] = said["uri"].removeprefix(f"file://{run_once}/").partition("/")[0]
    assert {path for path, remote in found.items() if remote == "two"} == {"e-7.bin", "one/a.bin"}
