"""``tagline demo``, run as a newcomer runs it: a process of its own, which starts the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tagline_localforge.demo.plain import plain
from tests.conftest import CommandLine
from tests.support.gitbuild import environment, run_git

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the demo said, and the folder that it built."""
    folder = tmp_path_factory.mktemp("demo")
    # In somebody else's job: none of its variables may reach the demo's own.
    foreign = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "somebody/else", "TAGLINE_TOKEN": "secret"}
    done = subprocess.run(
        [sys.executable, "-m", "tagline", "demo", "--keep", "kept"],
        cwd=folder,
        env={**os.environ, **environment(HOME=str(folder)), **foreign},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout, folder / "kept"


@pytest.mark.parametrize(
    "line",
    [
        "artifacts.yaml:4:3: error: Unknown key 'metrcs' in artifact 'churn'. [unknown-key]",
        "  | ⏳ Tagline: waiting",
        "  | → Missing: an approval of carol, on the last commit. Not of anybody who pushed to it or may not write.",
        "  | ✅  new version    –    v1.0.0          churn@v1.0.0",
        "#1 First trees  ok",
        "  | This merge made 3 tags.",
        "  churn#prod: accuracy is 0.81, v1.0.0 in prod has 0.9: worse. [gate:accuracy]",
        "(exit code 1)",
        "* alice opens pull request 4, 'v1.1.0 to prod'; bob labels it stage:churn@v1.1.0#prod",
        "* alice merges merge request 1 (squash-merge)",
        "churn     v1.1.0  prod v1.0.0 (held), staging v1.1.0  2",
        "tag          churn#prod#5",
        "  | churn v1.0.0 → staging, prod",
        "accuracy  0.9     0.93   +0.03 better  metrics/churn.json",
    ],
)
def test_demo__played__says(played: tuple[str, Path], line: str) -> None:
    assert line in played[0].splitlines()


def test_demo__played__can_be_read_at_a_glance(played: tuple[str, Path]) -> None:
    lines = played[0].splitlines()
    assert len(lines) <= 200
    assert not [line for line in lines if "\\" in line or "`" in line or "<!--" in line or "\x1b" in line]


def test_demo__played__has_no_shells_tricks_and_no_address_that_is_dead_by_now(played: tuple[str, Path]) -> None:
    out, _ = played
    assert "| grep" not in out
    assert "127.0.0.1" not in out
    assert "$ tagline show --repo $SHOP" in out.splitlines()


def test_demo__played__explains_its_counter_and_ends_with_a_next_step(played: tuple[str, Path]) -> None:
    out, _ = played
    assert "churn#staging#1 is the first of them, churn#prod#2 the second." in out
    *_, site, _, _, hour, _, init, _, look, _ = out.splitlines()
    assert (ROOT / "docs" / hour.rpartition("/docs/")[2]).exists()
    assert Path(site).read_text().count("<h1>Artifacts</h1>") == 1
    assert init.endswith("tagline init --dry-run")
    assert look.endswith("tagline show --repo ./kept/shop")


def test_demo__kept__leaves_a_clone_with_the_registry(played: tuple[str, Path], tagline: CommandLine) -> None:
    _, kept = played
    tags = run_git(kept / "shop", "tag", "--list").split()
    assert tags == ["churn#prod#2", "churn#prod#4", "churn#prod#5", "churn#staging#1", "churn#staging#3",
                    "churn@v1.0.0", "churn@v1.1.0"]  # fmt: skip
    listed = json.loads((kept / "page/api/v1/index.json").read_text())["artifacts"]
    assert {one["repository"].partition("/")[2]: one["stages"] for one in listed} == {
        "group/shop": {"staging": "v0.1.0", "prod": "v0.1.0"},
        "org/shop": {"staging": "v1.1.0", "prod": "v1.0.0"},
    }
    (page,) = (kept / "page/artifacts").glob("*org*shop/churn/index.html")
    assert "Ranks customers for a call." in page.read_text()
    assert tagline.json("show", "churn#prod", cwd=kept / "shop")["version"] == "v1.0.0"
    assert "v1.1.0" in tagline("show", "--repo", "./kept/shop", cwd=kept.parent).out


def test_demo__folder_that_is_not_empty__is_refused(tagline: CommandLine, here: Path) -> None:
    (here / "mine.txt").write_text("1\n")
    said = tagline("demo", "--keep", ".")
    assert said.code == 2
    assert "is not empty" in said.err
    assert [path.name for path in here.iterdir()] == ["mine.txt"]


def test_plain__comment__has_columns_and_no_markdown() -> None:
    body = (
        "### ⏳ Tagline: waiting\n\n⏳ `a#prod`: 0 of 1 approval\\.<br>→ Missing\\: \\@\u2060org\\/ml\\.\n\n"
        "|  | What | Tag |\n| --- | --- | --- |\n| ✅ | **`v1.0.0`** | [`a@v1`](http://x/a%40v1) |\n\n"
        "<details><summary>Rules: 1 of 2 satisfied</summary>\n\n| a |\n| --- |\n| b |\n\n</details>\n\n"
        "<sub>small print</sub>\n\n<!-- tagline:v1 eNq= -->"
    )
    assert list(plain(body)) == [
        "⏳ Tagline: waiting",
        "⏳ a#prod: 0 of 1 approval.",
        "→ Missing: @org/ml.",
        "    What    Tag",
        "✅  v1.0.0  a@v1",
        "▸ Rules: 1 of 2 satisfied",
    ]
