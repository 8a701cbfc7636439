"""``dvc import-url`` from a bucket with versions: Tagline reads what DVC itself brings into a fresh clone."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.oracle.dvc_world import in_dvc, new_project, surroundings, write
from tests.support.gitbuild import run_git
from tests.support.s3server import S3Server

pytestmark = pytest.mark.oracle

#: Of each import: what is imported, and whether as one that knows versions.
IMPORTS = {
    "file": ("remote://src/m.pkl", True),
    "folder": ("remote://src/d", True),
    "aware": ("remote://aware/m.pkl", False),
    "plain": ("remote://src/m.pkl", False),
}


@pytest.fixture
def imported(tmp_path: Path, s3: S3Server) -> Path:
    """A repository with imports by real DVC, whose sources have newer bytes since."""
    bucket, root = s3.bucket(versioned=True), tmp_path / "root"
    for key, data in {"src/m.pkl": b"one", "src/d/a": b"aa", "src/d/sub/b": b"bb"}.items():
        s3.put(bucket, key, data)
    with surroundings(tmp_path / "home"):
        new_project(root)
        source = f"url = S3://{bucket}/src\nendpointurl = {s3.url}\n"
        write(
            root / ".dvc/config",
            f"[core]\nremote = r\n['remote \"r\"']\nurl = {tmp_path}/store\n['remote \"src\"']\n{source}"
            f"['remote \"aware\"']\n{source}version_aware = true\n",
        )
        for name, (address, aware) in IMPORTS.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                in_dvc(root, lambda repo, a=address, n=name, v=aware: repo.imp_url(a, out=n, version_aware=v))
        in_dvc(root, lambda repo: repo.push())
        manifest = "".join(f"{name}: {{path: {name}}}\n" for name in IMPORTS)
        write(root / "artifacts.yaml", f"{manifest}part: {{path: folder/sub}}\n")
        run_git(root, "add", "--all")
        run_git(root, "commit", "--quiet", "--message", "imports")
        for name in (*IMPORTS, "part"):
            run_git(root, "tag", "--annotate", "--message", "m", f"{name}@v1.0.0")
    for key in ("src/m.pkl", "src/d/a"):
        s3.put(bucket, key, b"newer than what was imported")
    return root


def test_import__of_a_bucket_with_versions__is_fetched_as_dvc_does(
    imported: Path, tmp_path: Path, tagline: CommandLine
):
    fresh = tmp_path / "fresh"
    run_git(tmp_path, "clone", "--quiet", str(imported), str(fresh))
    with surroundings(tmp_path / "other-home"):
        in_dvc(fresh, lambda repo: repo.pull())
    for name in (*IMPORTS, "part"):
        said = tagline.json("fetch", name, "-o", str(tmp_path / "got" / name), cwd=imported)
        theirs, got = fresh / ("folder/sub" if name == "part" else name), tmp_path / "got" / name
        assert contents(got) == contents(theirs)
        assert said["uri"].startswith("s3://")
        assert (said["version_id"] is None) == theirs.is_dir()


def contents(path: Path) -> dict[str, bytes]:
    if path.is_file():
        return {"": path.read_bytes()}
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}
