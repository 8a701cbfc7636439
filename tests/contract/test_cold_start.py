"""Cold start: no command imports a library that it does not use."""

from __future__ import annotations

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
    "configobj", "github", "gitlab",
}  # fmt: skip

CASES = [
    (["--version"], set()),
    (["--help"], set()),
    (["show"], {"git"}),
    (["show", "--json"], {"git"}),
    (["show", "rf#prod", "--json"], {"git"}),
    (["show", "rf"], {"git"}),
    (["history"], {"git"}),
    (["history", "--at", "prod"], {"git"}),
    (["check-ref", "not-a-registry-tag"], set()),
    (["register", "rf", "--dry-run"], {"git", "yaml", "jsonschema"}),
    (["assign", "rf#dev", "--version", "v1.0.0"], {"git", "yaml"}),
    # What lies in Git needs no store.
    (["resolve", "rf"], {"git", "yaml", "jsonschema"}),
    (["fetch", "rf", "-o", "out"], {"git", "yaml", "jsonschema"}),
    (["validate", "--check-storage"], {"git", "yaml", "jsonschema"}),
    # No entry names a run.
    (["validate", "--check-mlflow"], {"git", "yaml", "jsonschema"}),
    (["lineage", "rf"], {"git", "yaml", "jsonschema"}),
    (["diff", "rf@v1.0.0", "rf#prod"], {"git", "yaml", "jsonschema"}),
    (["validate"], {"git", "yaml", "jsonschema"}),
    (["ci", "check-ref"], set()),
    (["ci", "validate"], {"git", "yaml", "jsonschema"}),
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
    build(
        tmp_path, History((Commit("c0", files={"artifacts.yaml": "rf: {path: m}\n", "m": "x"}),), tags), checkout=True
    )
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
