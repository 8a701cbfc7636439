"""Repositories at odd places: blanks in a ``file://`` address, bare ones without a configuration."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, run_git

FILES = {"artifacts.yaml": "churn: {type: model, path: m}\n", "m": "one\n"}
HISTORY = History((Commit("c0", (), FILES),), (Tag("churn@v1.0.0", "c0"), Tag("churn#prod#1", "c0", EPOCH + 1)))


@pytest.mark.parametrize("blank", [" ", "%20"])
def test_repo_url__file_with_a_blank__is_read_fetched_and_written(here: Path, tagline: CommandLine, blank: str) -> None:
    build(here / "sp ace" / "r", HISTORY, bare=True)
    url = f"file://{here}/sp{blank}ace/r"
    run_git(here, "ls-remote", url)  # git takes both
    assert tagline.json("show", "churn#prod", "--repo", url)["version"] == "v1.0.0"
    tagline.json("fetch", "churn", "--repo", url, "-o", "my out")
    assert (here / "my out").read_text() == "one\n"
    tagline.json("assign", "churn#dev", "--version", "v1.0.0", "--repo", url)
    run_git(here, "clone", "--quiet", url, "my clone")
    resolved = tagline.json("resolve", "churn#dev", cwd=here / "my clone", CI="true")
    assert resolved["version"] == "v1.0.0"
    assert tagline("assign", "churn#qa", "--version", "v1.0.0", "--push", cwd=here / "my clone").code == 0
    assert tagline.json("show", "churn#qa", "--repo", url)["version"] == "v1.0.0"


@pytest.mark.parametrize(
    "url", ["file:///a\tb", "file:///a\nb", " file:///a", "file:///a ", "https://h.example/a b", "git@h.example:a\tb"]
)
def test_repo_url__blank_that_no_url_has__refused_without_a_path_in_the_hint(tagline: CommandLine, url: str) -> None:
    said = tagline("show", "--repo", url)
    assert said.code == 2
    assert "%20" in said.err
    assert "./" not in said.err


def test_repo__a_sentence_with_a_colon__is_no_url(tagline: CommandLine) -> None:
    said = tagline("show", "--repo", "my models: churn")
    assert said.code == 2
    assert "write ./my models: churn" in said.err


@pytest.mark.parametrize("name", ["m.git", ".git", "odd"])
def test_bare__without_a_config__is_read_as_git_reads_it(here: Path, tagline: CommandLine, name: str) -> None:
    build(here / "r", HISTORY)
    run_git(here, "clone", "--quiet", "--mirror", "r", name)
    (here / name / "config").unlink()
    assert run_git(here, f"--git-dir={name}", "tag").split() == ["churn#prod#1", "churn@v1.0.0"]
    for repo in (f"./{name}", (here / name).as_uri()):
        assert tagline.json("resolve", "churn#prod", "--repo", repo)["version"] == "v1.0.0"
    assert tagline.json("show", "churn#prod", cwd=here / name / "refs")["version"] == "v1.0.0"
    assert tagline.json("show", "churn#prod", "--repo", f"./{name}", cwd=here, CI="true")["version"] == "v1.0.0"
    tagline.json("assign", "churn#dev", "--version", "v1.0.0", "--repo", f"./{name}")
    assert "churn#dev#2" in run_git(here, f"--git-dir={name}", "tag")


def test_work_tree__without_a_config__is_read(here: Path, tagline: CommandLine) -> None:
    build(here / "r", HISTORY, checkout=True)
    (here / "r" / ".git" / "config").unlink()
    assert tagline.json("resolve", "churn#prod", cwd=here / "r")["version"] == "v1.0.0"


@pytest.mark.parametrize("packed", [True, False])
def test_sha256__without_a_config__says_what_is_missing_and_the_fix_works(
    here: Path, tagline: CommandLine, *, packed: bool
) -> None:
    run_git(here, "init", "--quiet", "--bare", "--object-format=sha256", "m.git")
    tree = run_git(here / "m.git", "mktree", stdin=b"").strip()
    commit = run_git(here / "m.git", "commit-tree", "-m", "c", tree).strip()
    run_git(here / "m.git", "tag", "-a", "-m", "m", "churn@v1.0.0", commit)
    run_git(here / "m.git", "pack-refs", *(["--all"] if packed else []))
    (here / "m.git" / "config").unlink()
    for repo in ("./m.git", (here / "m.git").as_uri()):
        said = tagline("show", "--repo", repo)
        assert said.code == 2
        assert "SHA-256" in said.err
    fix = said.err.partition("Write it: ")[2].strip()
    subprocess.run(["sh", "-c", fix], check=True)
    assert tagline.json("show", "churn@latest", "--repo", "./m.git")["version"] == "v1.0.0"
    assert tagline.json("show", "churn@latest", "--repo", (here / "m.git").as_uri())["version"] == "v1.0.0"
