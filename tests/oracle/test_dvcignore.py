"""``.dvcignore``: which pointers DVC passes over in a work tree, and Tagline too."""

from __future__ import annotations

import posixpath
from pathlib import Path

import pytest
from dvc.repo import Repo

from tagline.domain.manifest.dvcignore import DvcIgnore
from tests.conftest import CommandLine
from tests.oracle.dvc_world import in_dvc, new_project, surroundings, write
from tests.support.gitbuild import run_git

pytestmark = pytest.mark.oracle

FILES = [
    "a.dvc", "old/a.dvc", "old/deep/a.dvc", "x/old/a.dvc", "x/old/keep.dvc", "x/y/b.dvc", "x/y/old.dvc", "x/b.dvc",
    "keep/a.dvc", "x/y/z/c.dvc", "p/dvc.yaml", "q/old/dvc.yaml", "x/oldest/a.dvc", "x/y/a b.dvc", "x/y/[a].dvc",
    "#a/c.dvc",
]  # fmt: skip
IGNORES: list[dict[str, str]] = [
    {"": "old/\n"},
    {"": "old\n"},
    {"": "/old\n"},
    {"": "x/old\n"},
    {"": "x/old/\n!x/old/keep.dvc\n"},
    {"": "x/old/*\n!x/old/keep.dvc\n"},
    {"": "*.dvc\n!a.dvc\n"},
    {"": "*.dvc\n!/a.dvc\n"},
    {"": "**/old/**\n"},
    {"": "x/**\n"},
    {"": "x/**/c.dvc\n"},
    {"": "**/y/*\n"},
    {"": "/*\n!/x/\n!/keep\n"},
    {"": "old\n!/old/\n"},
    {"": "!old\nold/\n!x/old/\n"},
    {"": "  old/  \n# keep/\n\n \n/\n"},
    {"": "ol[ad]/\n?.dvc\n"},
    {"": "dvc.yaml\n"},
    {"": "x/y/*b.dvc\n"},
    {"x": "old\n"},
    {"x": "/y\n"},
    {"x": "y/z\n"},
    {"x/y": "*.dvc\n!b.dvc\n"},
    {"": "*.dvc\n", "x": "!*.dvc\n"},
    {"": "!b.dvc\n", "x": "b.dvc\n"},
    {"": "x/\n", "x": "!*\n!y/\n"},
    {"": "old/\n", "old": "!*\n"},
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("ignores")
    root = base / "root"
    with surroundings(base / "home"):
        new_project(root)
    for file in FILES:
        write(root / file, "x")
    return root


@pytest.mark.parametrize("texts", IGNORES, ids=str)
def test_dvcignore__of_files__passes_over_what_dvc_does(project: Path, texts: dict[str, str]):
    for folder, text in texts.items():
        write(project / folder / ".dvcignore", text)
    try:
        with surroundings(project.parent / "home"), Repo(str(project)) as repo:
            walked = {
                posixpath.relpath(f"{folder}/{name}", str(project))
                for folder, _, names in repo.dvcignore.walk(repo.fs, str(project))
                for name in names
            }
    finally:
        for folder in texts:
            (project / folder / ".dvcignore").unlink()
    ignore = DvcIgnore(texts)
    assert {file for file in FILES if ignore.ignores(file, "")} == set(FILES) - walked


def test_dvcignore__of_pointers_in_a_work_tree__is_what_dvc_tracks(tmp_path: Path, tagline: CommandLine):
    root = tmp_path / "root"
    with surroundings(tmp_path / "home"):
        new_project(root)
        write(root / ".dvc/config", f"[core]\nremote = r\n['remote \"r\"']\nurl = {tmp_path}/store\n")
        for number, folder in enumerate(("", "old/", "sub/old/")):
            write(root / f"{folder}m.bin", str(number))
            in_dvc(root, lambda repo, path=f"{folder}m.bin": repo.add(path))
        write(root / "old/dup.dvc", (root / "old/m.bin.dvc").read_text().replace("outs:", "wdir: ..\nouts:"))
        (root / "old/m.bin.dvc").unlink()
        write(root / ".dvcignore", "/old/\n")
        write(root / "artifacts.yaml", "m: {path: m.bin}\nsub: {path: sub/old/m.bin}\n")
        theirs = in_dvc(
            root, lambda repo: {repo.fs.relpath(out.fs_path): out.hash_info.value for out in repo.index.outs}
        )
        run_git(root, "add", "--all")
        run_git(root, "commit", "--quiet", "--message", "m")
        for name in ("m", "sub"):
            run_git(root, "tag", "--annotate", "--message", "m", f"{name}@v1.0.0")
    said = [tagline.json("resolve", name, "--no-storage", cwd=root) for name in ("m", "sub")]
    assert {one["path"]: one["digest"].removeprefix("md5:") for one in said} == theirs
    assert tagline.json("validate", cwd=root)["findings"] == []
