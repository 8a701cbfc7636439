"""This machine's own word on DVC's remotes: never one that the repository brought."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tagline.adapters.git.repository import GitRepository
from tagline.adapters.stores.dvc_machine import DvcMachine
from tagline.settings import Settings
from tests.conftest import CommandLine
from tests.support.gitbuild import Commit, History, Tag, build, run_git

CONFIG = b"[core]\nremote = x\n"


def machine_in(root: Path, folders: Mapping[str, Path] | None = None) -> DvcMachine:
    return DvcMachine(folders or {}, GitRepository.at(root).git, str(root))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with two DVC projects."""
    root = tmp_path / "clone"
    files = {".dvc/config": "", "sub/.dvc/config": "", ".dvc/.gitignore": "/config.local\n"}
    build(root, History((Commit("c0", (), files),)), checkout=True)
    return root


def write(file: Path, data: bytes = CONFIG) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


@pytest.mark.parametrize("project", ["", "sub"])
def test_local__file_that_git_does_not_track__counts(clone, project):
    file = write(clone / project / ".dvc" / "config.local")
    assert machine_in(clone).config("local", project) == (CONFIG, str(file.parent))


def test_local__no_file__is_none(clone):
    assert machine_in(clone).config("local", "") is None
    assert machine_in(clone).config("local", "no/such") is None


def test_local__file_of_the_other_project__does_not_count(clone):
    write(clone / ".dvc" / "config.local")
    assert machine_in(clone).config("local", "sub") is None


@pytest.mark.parametrize("project", ["", "sub"])
def test_local__file_that_the_repository_brought__does_not_count(tmp_path, project):
    root = tmp_path / "clone"
    file = f"{project}/.dvc/config.local".lstrip("/")
    build(root, History((Commit("c0", (), {file: CONFIG, ".dvc/config": ""}),)), checkout=True)
    assert (root / file).read_bytes() == CONFIG
    assert machine_in(root).config("local", project) is None


def test_local__file_that_was_only_added__does_not_count(clone):
    write(clone / ".dvc" / "config.local")
    run_git(clone, "add", "--force", ".dvc/config.local")
    assert machine_in(clone).config("local", "") is None


def test_local__file_that_the_repository_brought_in_other_letters__does_not_count(tmp_path):
    """On a disk that takes both for one, it would be found under our spelling."""
    root = tmp_path / "clone"
    build(root, History((Commit("c0", (), {".dvc/Config.Local": CONFIG, ".dvc/config": ""}),)), checkout=True)
    (root / ".dvc/config.local").hardlink_to(root / ".dvc/Config.Local")
    assert machine_in(root).config("local", "") is None


def test_local__link_at_the_file__is_not_followed(clone):
    target = write(clone / "evil")
    (clone / ".dvc/config.local").symlink_to(target)
    assert machine_in(clone).config("local", "") is None


@pytest.mark.parametrize("name", [".dvc", "sub"])
def test_local__link_at_a_folder_above__is_not_followed(tmp_path, name):
    root = tmp_path / "clone"
    build(
        root,
        History((Commit("c0", (), {"evil/config.local": CONFIG, "evil/.dvc/config.local": CONFIG}),)),
        checkout=True,
    )
    (root / name).symlink_to("evil")
    assert machine_in(root).config("local", "sub" if name == "sub" else "") is None


def test_local__link_that_leads_out_of_the_clone__is_not_followed(tmp_path, clone):
    write(tmp_path / "elsewhere" / ".dvc" / "config.local")
    (clone / "out").symlink_to(tmp_path / "elsewhere")
    assert machine_in(clone).config("local", "out") is None


@pytest.mark.parametrize("kind", ["folder", "fifo"])
def test_local__no_plain_file__is_none(clone, kind):
    file = clone / ".dvc/config.local"
    file.mkdir() if kind == "folder" else os.mkfifo(file)
    assert machine_in(clone).config("local", "") is None


def test_local__clone_reached_by_a_link__counts(tmp_path, clone):
    """The link was made by whoever works here, not by the repository."""
    write(clone / ".dvc/config.local")
    link = tmp_path / "link"
    link.symlink_to(clone)
    found = machine_in(link).config("local", "")
    assert found is not None
    assert found[0] == CONFIG


@pytest.mark.parametrize("project", ["inner", "inner/deep"])
def test_local__file_of_a_submodule__does_not_count(tmp_path, clone, project):
    """The submodule tracks it, and ours cannot tell."""
    build(
        tmp_path / "other",
        History((Commit("c0", (), {"deep/.dvc/config.local": CONFIG, ".dvc/config.local": CONFIG}),)),
    )
    run_git(clone, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "other"), "inner")
    assert (clone / project / ".dvc/config.local").is_file()
    assert machine_in(clone).config("local", project) is None


def test_local__without_a_clone__is_none():
    machine = DvcMachine({}, None, None)
    assert machine.config("local", "") is None
    assert machine.folder("") is None
    assert machine.home is None


def test_folder__of_a_project__is_absolute(clone, monkeypatch):
    monkeypatch.chdir(clone)
    assert machine_in(clone).folder("sub") == str(clone / "sub" / ".dvc")
    assert machine_in(clone).folder("") == str(clone / ".dvc")


# -- the system's and the user's ----------------------------------------------


@pytest.mark.parametrize("level", ["system", "global"])
def test_config__of_this_machine__is_read_with_its_folder(tmp_path, clone, level):
    write(tmp_path / "etc" / "config")
    machine = machine_in(clone, {level: tmp_path / "etc"})
    assert machine.config(level, "sub") == (CONFIG, str(tmp_path / "etc"))
    assert machine.config("global" if level == "system" else "system", "") is None


def test_config__too_long__is_cut_where_the_parser_sees_it(tmp_path):
    write(tmp_path / "config", b"#" * (2 * 1024 * 1024))
    found = DvcMachine({"system": tmp_path}, None, None).config("system", "")
    assert found is not None
    assert len(found[0]) == 1024 * 1024 + 1


def test_config__folder_in_its_place__is_none(tmp_path):
    (tmp_path / "config").mkdir()
    assert DvcMachine({"system": tmp_path}, None, None).config("system", "") is None


LINUX = sys.platform != "darwin"


@pytest.mark.skipif(not LINUX, reason="the folders of Linux")
@pytest.mark.parametrize(
    ("environ", "system", "user"),
    [
        ({"HOME": "/h"}, "/etc/xdg/dvc", "/h/.config/dvc"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_CONFIG_DIRS": "/d:/e"}, "/d/dvc", "/c/dvc"),
        ({"HOME": "/h", "DVC_SYSTEM_CONFIG_DIR": "/s", "DVC_GLOBAL_CONFIG_DIR": "/g"}, "/s", "/g"),
        (
            {"DVC_SYSTEM_CONFIG_DIR": "/s", "XDG_CONFIG_DIRS": "/d", "XDG_CONFIG_HOME": "/c", "HOME": "/h"},
            "/s",
            "/c/dvc",
        ),
        ({}, "/etc/xdg/dvc", None),
    ],
)
def test_settings__folders_of_dvc__are_dvcs_own(monkeypatch, environ, system, user):
    from dvc.dirs import global_config_dir, system_config_dir

    found = Settings.from_environ(environ).dvc_folders
    assert found["system"] == Path(system)
    assert found.get("global") == (Path(user) if user else None)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "DVC_SYSTEM_CONFIG_DIR", "DVC_GLOBAL_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
        if name in environ:
            monkeypatch.setenv(name, environ[name])
    assert system_config_dir() == str(found["system"])
    if user:
        assert global_config_dir() == str(found["global"])


# -- end to end ---------------------------------------------------------------

MD5 = "5d41402abc4b2a76b9719d911017c592"  # hello
FILES = {
    "artifacts.yaml": "m:\n  path: m.pkl\n",
    "m.pkl.dvc": f"outs:\n- md5: {MD5}\n  size: 5\n  hash: md5\n  path: m.pkl\n",
}


def stored(folder: Path) -> str:
    write(folder / "files" / "md5" / MD5[:2] / MD5[2:], b"hello")
    return str(folder)


def where(tagline: CommandLine, root: Path, **variables: str) -> str:
    uri: str = tagline.json("resolve", "m@v1.0.0", cwd=root, **variables)["uri"]
    return uri


def test_resolve__levels_of_configuration__the_nearest_counts(tmp_path, tagline):
    root = tmp_path / "clone"
    config = "[core]\nremote = r\n['remote \"r\"']\nurl = {}\n".format
    places = {level: stored(tmp_path / level) for level in ("system", "global", "repo", "local")}
    files = {**FILES, ".dvc/config": config(places["repo"])}
    tags = (Tag("m@v1.0.0", "c0"), Tag("m@v2.0.0", "c1"))
    build(root, History((Commit("c0", (), files), Commit("c1", (), FILES)), tags), checkout=True)
    system, user = tmp_path / "etc", tmp_path / "user"
    variables = {"DVC_SYSTEM_CONFIG_DIR": str(system), "DVC_GLOBAL_CONFIG_DIR": str(user)}

    def of(version: str) -> str:
        return Path(tagline.json("resolve", f"m@{version}", cwd=root, **variables)["uri"]).parents[3].name

    said = tagline("resolve", "m@v2.0.0", cwd=root, **variables)
    assert (said.code, "No DVC remote is configured" in said.err) == (2, True)
    write(system / "config", config(places["system"]).encode())
    assert (of("v1.0.0"), of("v2.0.0")) == ("repo", "system")
    write(user / "config", config(places["global"]).encode())
    assert (of("v1.0.0"), of("v2.0.0")) == ("repo", "global")
    write(root / ".dvc/config.local", config(places["local"]).encode())
    assert (of("v1.0.0"), of("v2.0.0")) == ("local", "local")


def test_resolve__repository_that_brought_a_config_local__asks_where_its_config_says(tmp_path, tagline):
    root = tmp_path / "clone"
    config = "[core]\nremote = r\n['remote \"r\"']\nurl = {}\n".format
    right, wrong = (stored(tmp_path / name) for name in ("right", "wrong"))
    files = {**FILES, ".dvc/config": config(right), ".dvc/config.local": config(wrong)}
    build(root, History((Commit("c0", (), files),), (Tag("m@v1.0.0", "c0"),)), checkout=True)
    assert where(tagline, root).startswith(f"file://{tmp_path}/right/")
