"""The image's locks: what pyproject.toml asks for in versions that it allows, with hashes, from no place named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: One image serves every store, and MLflow.
EXTRAS = ("gs", "azure", "http", "ssh", "webdav", "mlflow")
PYTHON = "3.13"


class Locked(NamedTuple):
    """One line of a lock, with those that continue it."""

    version: Version
    hashes: list[str]


def read(name: str) -> dict[str, Locked]:
    lines = (ROOT / ".ci" / name).read_text().replace("\\\n", " ").splitlines()
    found: dict[str, Locked] = {}
    for line in lines:
        if line.startswith("#"):
            continue
        match = re.fullmatch(r"([\w.-]+)==(\S+)((?:\s+--hash=sha256:[0-9a-f]{64})+)\s*", line)
        assert match, line
        found[canonicalize_name(match[1])] = Locked(Version(match[2]), match[3].split())
    return found


def unmet(requirements: list[str], lock: dict[str, Locked]) -> list[str]:
    """Those that the lock does not meet."""
    environment: dict[str, Any] = {
        **default_environment(),
        "python_version": PYTHON,
        "sys_platform": "linux",
        "extra": "",
    }
    wanted = [Requirement(text) for text in requirements]
    return [
        str(one)
        for one in wanted
        if one.marker is None or one.marker.evaluate(environment)
        if (name := canonicalize_name(one.name)) not in lock or not one.specifier.contains(lock[name].version)
    ]


def test_image_lock__project_and_every_store__has_what_they_ask_for() -> None:
    lock = read("image.lock")
    assert unmet(PROJECT["dependencies"], lock) == []
    for extra in EXTRAS:
        assert unmet(PROJECT["optional-dependencies"][extra], lock) == []
    assert not set(lock) & {"pytest", "moto", "dvc", "gto", "hatchling", "pip", "setuptools"}


def test_image_lock__stores__are_all_extras_but_those_of_development() -> None:
    # The index and the page have an image of their own.
    assert set(PROJECT["optional-dependencies"]) - {"test", "lint", "index", "site"} == set(EXTRAS)
    chosen = re.search(r"EXTRAS=\((.*)\)", (ROOT / ".ci/lock").read_text())
    assert chosen is not None
    assert set(chosen[1].split()) == set(EXTRAS)


def test_site_lock__has_what_the_index_and_the_page_need_beside_the_first_image() -> None:
    first, second = read("image.lock"), read("site.lock")
    extras = PROJECT["optional-dependencies"]
    wanted = [one for name in ("index", "site") for one in extras[name] if not one.startswith("tagline[")]
    assert len(wanted) > 3
    assert unmet(wanted, second) == []
    # Where both have it, the second image would have two versions.
    assert all(first[name].version == second[name].version for name in set(first) & set(second))


def test_build_lock__has_what_builds_the_wheel() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert unmet(build, read("image-build.lock")) == []


@pytest.mark.parametrize("name", ["image.lock", "site.lock", "image-build.lock"])
def test_locks__every_version__has_hashes_and_no_place_that_it_comes_from(name: str) -> None:
    assert all(entry.hashes for entry in read(name).values())
    text = (ROOT / ".ci" / name).read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text


def test_unmet__too_old_or_absent__is_told() -> None:
    lock = {"boto3": Locked(Version("1.0"), [])}
    assert unmet(["boto3>=1.36,<2", "PyYAML"], lock) == ["boto3<2,>=1.36", "PyYAML"]
    assert unmet(["boto3", "tomli; python_version < '3.11'"], lock) == []


def test_dockerfile__installs__by_hash_and_only_wheels() -> None:
    for name, count in (("Dockerfile", 3), ("Dockerfile.site", 1)):
        installs = [line for line in (ROOT / name).read_text().splitlines() if re.search(r"\bpip\b.* install ", line)]
        assert len(installs) == count, name
        for line in installs:
            assert "--require-hashes --only-binary :all:" in line or "--no-deps --no-index" in line
