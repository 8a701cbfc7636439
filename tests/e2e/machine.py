"""Docker on this machine: the image as its Dockerfile makes it, and containers of it.

``.ci/runners`` sets the machine up. A test that finds no Docker is skipped, which in CI is a failure.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest

ROOT = Path(__file__).parents[2]
#: Where .ci/runners keeps things; read before a test moves HOME.
CACHE = Path(os.environ.get("TAGLINE_E2E_CACHE") or Path.home() / ".cache" / "tagline-e2e")
BASE = "debian:trixie-slim"
IMAGE = "tagline:e2e"
#: The second image, under the name that workflows and components give it.
SITE_IMAGE = "ghcr.io/tagline-dev/tagline-site:1"
#: Where GitHub's runner mounts the workspace in a Docker action.
WORKSPACE = "/github/workspace"
#: In the environment of the build, and in files of its folder: must be nowhere in the image.
BUILD_SECRET = "tgl-build-secret-3f1c9a"
#: Debian's client before others: a much newer one does not speak to Debian's daemon.
DOCKER = next((path for path in ("/usr/bin/docker", shutil.which("docker")) if path and Path(path).exists()), "docker")
#: Seconds; the build needs the network.
_LONGEST = 900


def docker(
    *arguments: str,
    check: bool = True,
    env: Mapping[str, str] | None = None,
    input: str | None = None,  # noqa: A002
) -> subprocess.CompletedProcess[str]:
    """Run the docker client; with ``check``, its failure fails the test."""
    done = subprocess.run(
        [DOCKER, *arguments],
        input=input,
        env={**os.environ, "DOCKER_BUILDKIT": "0", **(env or {})},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_LONGEST,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(
            f"docker {' '.join(arguments[:3])} exited with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    return done


def container_run(
    image: str,
    *arguments: str,
    workspace: Path | None = None,
    env: Mapping[str, str] | None = None,
    network: Literal["none", "host"] = "none",
    entrypoint: str | None = None,
    options: Sequence[str] = (),
    check: bool = False,
) -> subprocess.CompletedProcess[str]:
    """One run of a container, as a runner starts it: the workspace mounted, the environment by name."""
    return docker(
        *run_arguments(
            image, *arguments, workspace=workspace, env=env, network=network, entrypoint=entrypoint, options=options
        ),
        check=check,
        env=env,
    )


def run_arguments(
    image: str,
    *arguments: str,
    workspace: Path | None = None,
    env: Mapping[str, str] | None = None,
    network: str = "none",
    entrypoint: str | None = None,
    options: Sequence[str] = (),
) -> list[str]:
    """What :func:`container_run` says to docker; ``env`` has to be in docker's own environment."""
    place = ["--volume", f"{workspace}:{WORKSPACE}", "--workdir", WORKSPACE] if workspace else []
    # By name only: a value would be in the argv of the client.
    variables = [part for name in env or {} for part in ("--env", name)]
    start = ["--entrypoint", entrypoint] if entrypoint is not None else []
    return ["run", "--rm", "--network", network, *place, *variables, *start, *options, image, *arguments]


def shell(image: str, script: str, **options: object) -> str:
    """The output of a shell script in the image; its failure fails the test."""
    return container_run(image, "-euc", script, entrypoint="sh", check=True, **options).stdout  # type: ignore[arg-type]


def need_docker() -> None:
    """Skip where no Docker answers."""
    if not Path(DOCKER).exists() or docker("info", check=False).returncode:
        pytest.skip("no Docker here: run .ci/runners as root")


@functools.cache
def build_image() -> str:
    """Build the image from the files that a clone would have, and some that it must not take; its name."""
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder) / "tagline"
        copy_sources(context)
        for name in (".env", ".git/config", "src/.env", ".netrc"):
            (context / name).parent.mkdir(exist_ok=True)
            (context / name).write_text(f"TAGLINE_TOKEN={BUILD_SECRET}\n")
        certificates = [f"--build-arg=PIP_CERT={os.environ['PIP_CERT']}"] if os.environ.get("PIP_CERT") else []
        docker(
            "build", "--network=host", f"--tag={IMAGE}", *certificates, "--build-arg=VERSION=1.2.3",
            "--build-arg=REVISION=0123456789abcdef", str(context),
            env={"TAGLINE_TOKEN": BUILD_SECRET, "GITHUB_TOKEN": BUILD_SECRET},
        )  # fmt: skip
    return IMAGE


@functools.cache
def build_site_image() -> str:
    """Build the second image on the first; its name."""
    certificates = [f"--build-arg=PIP_CERT={os.environ['PIP_CERT']}"] if os.environ.get("PIP_CERT") else []
    docker(
        "build", "--quiet", "--network=host", *certificates, f"--build-arg=TAGLINE={build_image()}",
        f"--file={ROOT / 'Dockerfile.site'}", f"--tag={SITE_IMAGE}", str(ROOT),
    )  # fmt: skip
    return SITE_IMAGE


def copy_sources(target: Path) -> None:
    """Copy what Git tracks or would track, as it is now."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_symlink() or (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)


@pytest.fixture(scope="session")
def image() -> str:
    """The name of the image, built once in a run of the tests."""
    need_docker()
    return build_image()


@pytest.fixture(scope="session")
def site_image(image: str) -> str:
    """The name of the second image, built once in a run of the tests."""
    return build_site_image()
