"""The second image: it keeps an index and answers, also as the examples ``index.yml`` of both forges run it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from benchmarks.index_world import copies, template
from tests.e2e.machine import image

__all__ = ["image"]

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.e2e
#: MiB that the second image adds to the first.
MOST = 120


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def site(image: str) -> str:
    name = "tagline-site-under-test"
    build = ["build", "--quiet", "--network", "host", "--file", str(ROOT / "Dockerfile.site")]
    docker(*build, "--build-arg", f"TAGLINE={image}", "--tag", name, str(ROOT))
    return name


def test_image__keeps_an_index_and_answers(site: str, image: str, tmp_path: Path) -> None:
    copies(template(tmp_path / "git", 4), tmp_path / "git", 2)
    run = ["run", "--rm", "--network", "none", "--volume", f"{tmp_path}:/work", "--workdir", "/work", site]
    names = ["./git/team-0/repo-0000.git", "./git/team-0/repo-0001.git"]
    assert json.loads(docker(*run, "index", *names, "-o", "index", "--json"))["read"] == 2
    assert json.loads(docker(*run, "index", *names, "-o", "index", "--json"))["unchanged"] == 2
    rows = json.loads(
        docker(*run, "query", "SELECT count(*) AS n FROM versions", "--index", "index", "--format", "json")
    )
    assert rows == [{"n": 8}]
    sizes = [int(docker("image", "inspect", "--format", "{{.Size}}", name)) for name in (image, site)]
    assert (sizes[1] - sizes[0]) / 2**20 <= MOST
