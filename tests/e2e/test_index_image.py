"""The second image: what it adds to the first, and that it keeps an index and answers without a network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.index_world import copies, template
from tests.e2e import machine
from tests.e2e.machine import image, site_image

__all__ = ["image", "site_image"]
pytestmark = pytest.mark.e2e
#: MiB that the second image adds to the first.
MOST = 120


def docker(*arguments: str) -> str:
    return machine.docker(*arguments).stdout


def test_image__keeps_an_index_and_answers(site_image: str, image: str, tmp_path: Path) -> None:
    copies(template(tmp_path / "git", 4), tmp_path / "git", 2)
    run = ["run", "--rm", "--network", "none", "--volume", f"{tmp_path}:/work", "--workdir", "/work", site_image]
    names = ["./git/team-0/repo-0000.git", "./git/team-0/repo-0001.git"]
    assert json.loads(docker(*run, "index", *names, "-o", "index", "--json"))["read"] == 2
    assert json.loads(docker(*run, "index", *names, "-o", "index", "--json"))["unchanged"] == 2
    rows = json.loads(
        docker(*run, "query", "SELECT count(*) AS n FROM versions", "--index", "index", "--format", "json")
    )
    assert rows == [{"n": 8}]
    sizes = [int(docker("image", "inspect", "--format", "{{.Size}}", name)) for name in (image, site_image)]
    assert (sizes[1] - sizes[0]) / 2**20 <= MOST
