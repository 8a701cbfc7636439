"""A repository in which real DVC has made every shape of an artifact, pushed, committed and tagged."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo

from tests.conftest import CommandLine
from tests.support.gitbuild import environment, run_git
from tests.support.s3server import KEY_ID, SECRET, S3Server

CRLF = b"one\r\ntwo\r\nthree\r\n"


@dataclass
class World:
    """The repository at ``root``; ``shapes`` are artifacts by name with their paths, ``bytes`` copies of them."""

    root: Path
    base: Path
    s3: S3Server
    bucket: str
    versioned: str
    shapes: dict[str, str] = field(default_factory=dict)
    #: What each tag's artifact was in the work tree: a file or a folder.
    copies: dict[str, Path] = field(default_factory=dict)

    @property
    def main(self) -> Path:
        return self.base / "main"

    def path(self, tag: str) -> str:
        return self.shapes[tag.partition("@")[0]]

    def add(self, name: str, path: str) -> None:
        self.shapes[name] = path

    def tag(self, name: str, version: str = "v1.0.0") -> None:
        """Tag an artifact, and keep what it is now."""
        tag = f"{name}@{version}"
        run_git(self.root, "tag", "--annotate", "--message", tag, tag)
        source, copy = self.root / self.shapes[name], self.base / "copies" / tag
        copy.parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy)
        else:
            shutil.copy(source, copy)
        self.copies[tag] = copy

    def commit(self, message: str = "more") -> None:
        manifest = "".join(f"{name}:\n  path: {json.dumps(path)}\n" for name, path in self.shapes.items())
        (self.root / "artifacts.yaml").write_text(manifest)
        run_git(self.root, "add", "--all")
        run_git(self.root, "commit", "--quiet", "--message", message)


@contextlib.contextmanager
def surroundings(home: Path) -> Iterator[None]:
    """DVC keeps everything below ``home`` and asks nobody."""
    home.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("GIT_", "AWS_", "DVC_", "XDG_")):
                patch.delenv(name)
        for name, value in environment(HOME=str(home)).items():
            patch.setenv(name, value)
        patch.setenv("DVC_SITE_CACHE_DIR", str(home / "site"))
        patch.setenv("DVC_GLOBAL_CONFIG_DIR", str(home / "global"))
        patch.setenv("DVC_SYSTEM_CONFIG_DIR", str(home / "system"))
        patch.setenv("DVC_NO_ANALYTICS", "1")
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, str(home / "no-such-file"))
        patch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.chdir(home)
        yield


def in_dvc(root: Path, act: Callable[[Any], Any]) -> Any:
    """Do something with DVC's repository at ``root``, in that folder."""
    with contextlib.chdir(root), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # DVC's own libraries deprecate each other
        with Repo(str(root)) as repo:
            return act(repo)


def theirs(root: Path, home: Path) -> dict[str, str]:
    """What DVC says of its outs at the tip: path to md5."""
    with warnings.catch_warnings(), surroundings(home):
        warnings.simplefilter("ignore")
        with Repo.open(str(root), rev="HEAD", uninitialized=True) as repo:
            outs = [out for out in repo.index.outs if out.hash_info]
            return {repo.fs.relpath(out.fs_path, repo.root_dir): f"md5:{out.hash_info.value}" for out in outs}


def ours(root: Path, tagline: CommandLine) -> dict[str, Any]:
    """What resolve says of each artifact that has bytes: path to digest."""
    names = tagline.json("show", cwd=root)["artifacts"]
    found = [tagline.json("resolve", name, "--no-storage", cwd=root) for name in names]
    return {answer["path"]: answer["digest"] for answer in found if answer["digest"] is not None}


def write(file: Path, data: bytes | str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data.encode() if isinstance(data, str) else data)


def ask_for(pointer: Path, remote: str) -> None:
    """Let the out of a pointer name its remote."""
    pointer.write_text(f"{pointer.read_text().rstrip()}\n  remote: {remote}\n")


def old_object(store: Path, data: bytes, *, folder: bool = False) -> str:
    """Store an object as DVC 2 did, and its md5: of text with Unix's line ends."""
    md5 = hashlib.md5(data if folder else data.replace(b"\r\n", b"\n")).hexdigest() + (".dir" if folder else "")
    write(store / md5[:2] / md5[2:], data)
    return md5


PIPELINE = """\
stages:
  train:
    wdir: work
    cmd: python3 -c "open('model.bin', 'wb').write(b'model' * 99); open('report.json', 'w').write('{}')"
    outs:
    - model.bin
    metrics:
    - report.json:
        cache: false
  each:
    foreach: [eu, us]
    do:
      cmd: python3 -c "open('${item}.bin', 'wb').write(b'${item}' * 50)"
      outs:
      - ${item}.bin:
          remote: Other
  placed:
    foreach: [left, right]
    do:
      wdir: ${item}
      cmd: printf m-${item} > model.bin; printf o > ${item}.bin
      outs:
      - model.bin
      - ${item}.bin:
          remote: Other
  grid:
    matrix: {size: [big], place: [in-a, in-b]}
    wdir: ${item.place}
    cmd: printf ${key} > model.bin
    outs:
    - model.bin
  reports:
    cmd: mkdir -p reports/in; printf r > reports/in/r; printf s > reports/s; printf p > kept/p
    outs:
    - reports:
        cache: false
    - kept/p:
        cache: false
  folder:
    cmd: mkdir -p made/in; printf f > made/in/f; printf gg > made/g
    outs:
    - made:
        remote: Other
"""


def new_project(root: Path) -> None:
    """An empty repository of Git and DVC."""
    root.mkdir(parents=True)
    run_git(root, "init", "--quiet", "--initial-branch=main")
    Repo.init(str(root)).close()


def build_world(base: Path, s3: S3Server) -> World:
    """Everything, by real DVC."""
    world = World(base / "root", base, s3, s3.bucket(), s3.bucket(versioned=True))
    root = world.root
    new_project(root)
    write(root / ".dvc/config", configuration(world))
    _plain(world)
    _named(world)
    _pipeline(world)
    _old(world)
    _subproject(world)
    _imports(world)
    _clouds(world)
    in_dvc(root, lambda repo: repo.push())
    world.commit()
    for name in world.shapes:
        world.tag(name)
    _second_version(world)
    return world


def configuration(world: World) -> str:
    endpoint = f"endpointurl = {world.s3.url}\n"
    return (
        "[core]\nremote = MAIN\nanalytics = false\n"
        "['remote \"Main\"']\nurl = ../../main\n"
        f"['remote \"other\"']\nurl = {world.base}/other\n"
        "['remote \"ref\"']\nurl = remote://OTHER/below/it\n"
        f"['remote \"s3\"']\nurl = s3://{world.bucket}/pre/fix\n{endpoint}"
        f"['remote \"versions\"']\nurl = s3://{world.versioned}/v\nversion_aware = true\n{endpoint}"
        f"['remote \"tree\"']\nurl = s3://{world.versioned}/w\nworktree = true\n{endpoint}"
    )


def _plain(world: World) -> None:
    root = world.root
    write(root / "plain.bin", os.urandom(3000))
    write(root / "crlf.txt", CRLF)
    write(root / "nothing.bin", b"")
    for file, data in {
        "a.txt": b"a",
        "sub/b.bin": os.urandom(500),
        "sub/deep/ü ñ.txt": "ü".encode(),
        "same": b"a",
    }.items():
        write(root / "data" / file, data)
    (root / "empty").mkdir()
    in_dvc(root, lambda repo: [repo.add(name) for name in ("plain.bin", "crlf.txt", "nothing.bin", "data", "empty")])
    world.add("plain", "plain.bin")
    world.add("crlf", "crlf.txt")
    world.add("nothing", "nothing.bin")
    world.add("data", "data")
    world.add("data-file", "data/sub/b.bin")
    world.add("data-sub", "data/sub")
    world.add("data-deep", "data/sub/deep/ü ñ.txt")
    world.add("empty", "empty")
    write(root / "in-git/a", "in Git")
    write(root / "in-git/b/c", "as well")
    world.add("git-file", "in-git/a")
    world.add("git-folder", "in-git")


def _named(world: World) -> None:
    root = world.root
    write(root / "odd/one.bin", b"one" * 11)
    write(world.base / "outside.bin", b"outside" * 12)
    write(root / "ref.bin", b"by reference")

    def act(repo: Any) -> None:
        repo.add("odd/one.bin")
        (root / "renamed").mkdir()
        repo.add(str(world.base / "outside.bin"), out="renamed/inside.bin")
        repo.add("ref.bin")

    in_dvc(root, act)
    ask_for(root / "ref.bin.dvc", "Ref")
    # As dvc add --file made it in DVC 2.
    pointer = root / "odd/one.bin.dvc"
    write(root / "pointer-of-another-name.dvc", f"wdir: odd\n{pointer.read_text()}")
    pointer.unlink()
    world.add("other-pointer", "odd/one.bin")
    world.add("renamed", "renamed/inside.bin")
    world.add("ref", "ref.bin")


def _pipeline(world: World) -> None:
    root = world.root
    write(root / "nested/dvc.yaml", PIPELINE)
    for name in ("work", "left", "right", "in-a", "in-b", "kept"):
        (root / "nested" / name).mkdir()
    in_dvc(root, lambda repo: repo.reproduce("nested/dvc.yaml", pull=False))
    world.add("stage", "nested/work/model.bin")
    world.add("stage-in-git", "nested/work/report.json")
    world.add("each-eu", "nested/eu.bin")
    world.add("each-us", "nested/us.bin")
    for name in ("left", "right", "in-a", "in-b"):
        world.add(f"placed-{name}", f"nested/{name}/model.bin")
    world.add("folder-in-git", "nested/reports")
    world.add("part-in-git", "nested/reports/in")
    world.add("out-below-in-git", "nested/kept")
    world.add("stage-folder", "nested/made")
    world.add("stage-inner", "nested/made/in")


def _old(world: World) -> None:
    """DVC 2's pointers and objects: no ``hash``, text hashed with other line ends, nothing before the digest."""
    root, store = world.root, world.main
    md5 = old_object(store, CRLF * 2)
    write(root / "old.txt.dvc", f"outs:\n- md5: {md5}\n  size: {len(CRLF * 2)}\n  path: old.txt\n")
    write(root / "old.txt", CRLF * 2)
    files = {"t.txt": b"text\r\n", "in/b.bin": bytes(range(256))}
    rows = [{"md5": old_object(store, data), "relpath": name} for name, data in sorted(files.items())]
    md5 = old_object(store, json.dumps(rows, sort_keys=True).encode(), folder=True)
    size = sum(map(len, files.values()))
    write(root / "old.dvc", f"outs:\n- md5: {md5}\n  size: {size}\n  nfiles: 2\n  path: old\n")
    for name, data in files.items():
        write(root / "old" / name, data)
    write(root / ".gitignore", (root / ".gitignore").read_text() + "/old.txt\n/old\n")
    world.add("old", "old.txt")
    world.add("old-folder", "old")
    world.add("old-inner", "old/in/b.bin")


def _subproject(world: World) -> None:
    sub = world.root / "sub"
    sub.mkdir()
    with contextlib.chdir(sub):
        Repo.init(str(sub), subdir=True).close()
    config = (
        f"[core]\nremote = own\n['remote \"own\"']\nurl = {world.base}/subs-own\n"
        f"['remote \"versions\"']\nurl = s3://{world.versioned}/subs\nversion_aware = true\n"
        f"endpointurl = {world.s3.url}\n"
    )
    write(sub / ".dvc/config", config)
    write(sub / "x/m.bin", b"of a project in a project")
    write(sub / "y/v.bin", b"of a project in a project, with versions")
    in_dvc(sub, lambda repo: (repo.add("x/m.bin"), repo.add("y/v.bin")))
    ask_for(sub / "y/v.bin.dvc", "versions")
    in_dvc(sub, lambda repo: repo.push())
    world.add("subproject", "sub/x/m.bin")
    world.add("subproject-versions", "sub/y/v.bin")


def _imports(world: World) -> None:
    other = world.base / "source"
    new_project(other)
    write(other / ".dvc/config", f"[core]\nremote = r\n['remote \"r\"']\nurl = {world.base}/sources-own\n")
    write(other / "m.bin", b"imported")
    in_dvc(other, lambda repo: (repo.add("m.bin"), repo.push()))
    run_git(other, "add", "--all")
    run_git(other, "commit", "--quiet", "--message", "source")
    write(world.base / "by-url.bin", b"by url")

    def act(repo: Any) -> None:
        repo.imp(str(other), "m.bin", out="imported.bin")
        repo.imp_url(str(world.base / "by-url.bin"), out="by-url.bin")

    in_dvc(world.root, act)
    world.add("imported", "imported.bin")
    world.add("by-url", "by-url.bin")


CLOUDS = {"s3": "S3", "versions": "Versions", "tree": "Tree"}


def _clouds(world: World) -> None:
    root = world.root
    for name, remote in CLOUDS.items():
        _fill(root, name, "first")
        in_dvc(root, lambda repo, name=name: [repo.add(f"{name}/file.bin"), repo.add(f"{name}/folder")])
        for pointer in ("file.bin.dvc", "folder.dvc"):
            ask_for(root / name / pointer, remote)
        world.add(f"{name}-file", f"{name}/file.bin")
        world.add(f"{name}-folder", f"{name}/folder")
        world.add(f"{name}-inner", f"{name}/folder/in")
        world.add(f"{name}-inner-file", f"{name}/folder/in/b")


def _fill(root: Path, name: str, what: str) -> None:
    write(root / name / "file.bin", f"{what} {name}".encode() * 20)
    write(root / name / "folder/a", "the same in both")
    write(root / name / "folder/in/b", f"{what} b")


def _second_version(world: World) -> None:
    """The same paths with other bytes: on a remote that keeps versions, under the same keys."""
    root = world.root
    for name in CLOUDS:
        _fill(root, name, "second")
        in_dvc(root, lambda repo, name=name: [repo.add(f"{name}/file.bin"), repo.add(f"{name}/folder")])
    write(root / "plain.bin", b"second")
    in_dvc(root, lambda repo: (repo.add("plain.bin"), repo.push()))
    world.commit("second")
    for name in (
        "plain",
        *(f"{cloud}-{kind}" for cloud in CLOUDS for kind in ("file", "folder", "inner", "inner-file")),
    ):
        world.tag(name, "v2.0.0")
