"""Cold start: no command imports a library that it does not use, or runs more git than it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.gitbuild import Commit, History, Tag, build

_PROBE = """
import sys
from tagline.cli.main import main
try:
    main({arguments!r})
finally:
    print("\\nLOADED", *sorted(m for m in sys.modules if "." not in m), file=sys.stderr)
"""
HEAVY = {
    "git", "yaml", "jsonschema", "importlib_metadata", "click", "rich", "requests", "boto3", "botocore", "fsspec",
    "configobj", "github", "gitlab", "duckdb", "jinja2", "markdown_it", "nh3",
    "_duckdb",
}  # fmt: skip

CASES = [
    (["--version"], set()),
    (["--help"], set()),
    (["completion", "bash"], set()),
    # A key is pressed: no library of Git's.
    (["completion", "bash", "--", "tagline show r", ":"], {"yaml"}),
    (["show"], {"git"}),
    (["show", "--json"], {"git"}),
    (["show", "rf#prod", "--json"], {"git"}),
    (["show", "rf"], {"git"}),
    (["show", "rf", "--deployed"], {"git"}),
    (["deployed", "rf#prod", "--state", "success", "--dry-run"], {"git"}),
    (["history"], {"git"}),
    (["history", "--at", "prod"], {"git"}),
    (["check-ref", "not-a-registry-tag"], set()),
    (["register", "rf", "--dry-run"], {"git", "yaml"}),
    (["assign", "rf#dev", "--version", "v1.0.0"], {"git", "yaml"}),
    # What lies in Git needs no store.
    (["resolve", "rf"], {"git", "yaml"}),
    (["fetch", "rf", "-o", "out"], {"git", "yaml"}),
    (["validate", "--check-storage"], {"git", "yaml"}),
    # No entry names a run.
    (["validate", "--check-mlflow"], {"git", "yaml"}),
    (["lineage", "rf"], {"git", "yaml"}),
    (["diff", "rf@v1.0.0", "rf#prod"], {"git", "yaml"}),
    (["validate"], {"git", "yaml"}),
    (["doctor"], {"git", "yaml"}),
    (["pin", "--update"], set()),
    (["pin", "--propose"], set()),
    (["propose", "rf", "v1.0.0", "dev"], set()),
    (["propose", "rf", "1.0.0", "dev", "--repo", "http://127.0.0.1:9/o/r", "--repo-forge", "gitlab"], set()),
    (["site", "--index", ".", "-o", "site"], {"jinja2", "duckdb", "_duckdb"}),
    # DuckDB is another process's; an index is asked without what reads repositories.
    (["query", "--list"], set()),
    (["query", "SELECT 1", "--index", "none"], set()),
    (["search", "stage:prod", "--index", "none"], set()),
    (["search", "stage:prod"], {"git", "yaml"}),
    (["ci", "check-ref"], set()),
    (["ci", "validate"], {"git", "yaml"}),
    (["import", "mlflow"], set()),
    (["import", "mlflow", "--tracking-uri", "http://127.0.0.1:9"], {"git", "yaml", "requests"}),
    (["plan", "--change", "1"], set()),
    (["promote", "--change", "1"], set()),
    (
        ["plan", "--change", "1", "--repo", "http://127.0.0.1:9/o/r", "--repo-forge", "github"],
        {"git", "github", "requests"},
    ),
    (
        ["plan", "--change", "1", "--repo", "http://127.0.0.1:9/o/r", "--repo-forge", "gitlab"],
        {"git", "gitlab", "requests"},
    ),
]


@pytest.mark.parametrize(("arguments", "may"), CASES, ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_command__cold_start__loads_only_what_it_uses(arguments: list[str], may: set[str], tmp_path: Path) -> None:
    tags = (Tag("rf@v1.0.0", "c0"), Tag("rf#prod#1", "c0", time=1_700_000_001))
    files = {
        "artifacts.yaml": "rf: {path: m}\n",
        "m": "x",
        # What is fine needs no jsonschema, which explains what is not.
        ".tagline.yaml": "stages: {prod: {approvals: {count: 1, from: [alice], not: [author]}}, dev: {}}\n",
    }
    build(tmp_path, History((Commit("c0", files=files),), tags), checkout=True)
    done = subprocess.run(
        [sys.executable, "-c", _PROBE.format(arguments=arguments)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "LOADED" in done.stderr, done.stderr
    loaded = set(done.stderr.rsplit("LOADED", 1)[1].split())
    assert loaded & HEAVY <= may
    assert "importlib_metadata" not in loaded
    if arguments == ["--version"]:
        assert not loaded & {"argparse", "typing", "dataclasses", "json"}


#: What show loads none of: what other commands are about.
OTHERS = {
    f"tagline.{name}"
    for name in (
        "adapters.git.facts", "adapters.git.trees", "adapters.git.remote", "domain.ledger.holds",
        "domain.ledger.planning", "domain.ledger.records", "ports.repository", "ports.ledger",
    )
}  # fmt: skip


def test_show__of_a_stage__loads_nothing_of_other_commands(small_clone: Path) -> None:
    probe = "import sys\nfrom tagline.cli.main import main\nmain(['show', 'rf#prod'])\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], cwd=small_clone, capture_output=True, text=True, check=True)
    assert not OTHERS.intersection(done.stdout.split())


@pytest.fixture
def small_clone(tmp_path: Path) -> Path:
    tags = (Tag("rf@v1.0.0", "c0"), Tag("rf#prod#1", "c0", time=1_700_000_001))
    files = {"artifacts.yaml": "rf: {path: m}\n", "m": "x"}
    build(tmp_path / "origin", History((Commit("c0", files=files),), tags), checkout=True)
    subprocess.run(["git", "clone", "--quiet", "origin", "clone"], cwd=tmp_path, check=True)
    return tmp_path / "clone"


@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        (["--version"], 0),
        (["check-ref", "not-a-registry-tag"], 0),
        (["show", "rf#prod"], 2),
        (["show", "rf", "--json"], 2),
        (["show", "--json"], 2),
        (["history", "rf"], 2),
        (["resolve", "rf#prod"], 5),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_command__in_a_clone__runs_few_gits(arguments: list[str], most: int, small_clone: Path, tmp_path: Path) -> None:
    # git, found first, that notes each call of it.
    (tmp_path / "bin").mkdir()
    calls = tmp_path / "calls"
    calls.touch()
    noting = tmp_path / "bin" / "git"
    noting.write_text(f'#!/bin/sh\necho "$*" >>"{calls}"\nexec "{shutil.which("git")}" "$@"\n')
    noting.chmod(0o755)
    subprocess.run(
        [sys.executable, "-m", "tagline", *arguments],
        cwd=small_clone,
        env={**os.environ, "PATH": f"{noting.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        check=True,
    )
    assert len(calls.read_text().splitlines()) <= most, calls.read_text()


def test_gitpython__is_imported__without_git_and_leaves_the_environment_as_it_was() -> None:
    told = {"PATH": "", "GIT_PYTHON_REFRESH": "raise", "PYTHONPATH": os.pathsep.join(sys.path)}
    probe = (
        "import os\nbefore = dict(os.environ)\nimport tagline.adapters.git.gitpython\nassert dict(os.environ) == before"
    )
    subprocess.run([sys.executable, "-c", probe], env=told, check=True)


def test_command__exit__collects_no_garbage() -> None:
    probe = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 0))\n"
    code = f"{probe}from tagline.cli.main import main; main(['--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "True"
