"""The image: what is in it and what is not, how large it is, and that it runs wherever a runner puts it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.machine import DOCKER, ROOT, container_run, docker, image, run_arguments, shell
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build
from tests.support.githttp import serve

__all__ = ["image"]
pytestmark = pytest.mark.e2e

NOBODY = 65534
HISTORY = History(
    (Commit("c0", files={"artifacts.yaml": "rf: {path: m}\n", "m": "x"}),),
    (Tag("rf@v1.0.0", "c0"), Tag("rf#prod#1", "c0", time=EPOCH + 1)),
)

USE_GIT = """
export HOME=/tmp GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q -b main --bare /tmp/up
git clone -q /tmp/up /tmp/clone 2>/dev/null
cd /tmp/clone
echo x > f; git add f; git commit -qm one; git branch -M main
git tag -a v1 -m v1; git push -q --atomic --follow-tags origin HEAD:main
git -c protocol.file.allow=always submodule --quiet add /tmp/up sub; git submodule --quiet status
git worktree add -q /tmp/w; git stash -q; git rebase -q HEAD; git gc -q; git fsck
"""
#: Of AWS those services are kept that botocore's own code asks by name, for credentials.
OPEN_STORES = r"""
import importlib, pathlib, re
import botocore, botocore.session
for name in ("gcsfs", "adlfs", "fsspec.implementations.http", "aiohttp", "sshfs", "webdav4.fsspec"):
    importlib.import_module(name)
asked = {"s3"}
for file in pathlib.Path(botocore.__file__).parent.glob("*.py"):
    asked.update(re.findall(r"client(?:_creator)?\((?:self\._session, )?\s*['\"]([\w-]+)", file.read_text()))
session = botocore.session.Session()
session.set_credentials("id", "secret")
for name in asked:
    session.create_client(name, region_name="eu-central-1")
print(*asked)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout that belongs to somebody else, as every runner mounts it."""
    path = tmp_path / "workspace"
    build(path, HISTORY, checkout=True)
    for found in [path, *path.rglob("*")]:
        os.chown(found, NOBODY, NOBODY, follow_symlinks=False)
    return path


# -- What it is ------------------------------------------------------------------


def test_image__configuration__is_what_a_docker_action_must_have(image: str) -> None:
    config = json.loads(docker("image", "inspect", image).stdout)[0]["Config"]
    assert config["Entrypoint"] == ["tagline"]
    assert not config.get("Cmd")
    # GitHub: run as root, and the runner sets the folder.
    assert config.get("User", "") == ""
    assert config.get("WorkingDir", "") in ("", "/")
    assert not config.get("Volumes")
    assert not config.get("ExposedPorts")


def test_image__labels__say_what_it_is_and_of_which_commit(image: str) -> None:
    labels = json.loads(docker("image", "inspect", image).stdout)[0]["Config"]["Labels"]
    own = {name.removeprefix("org.opencontainers.image."): text for name, text in labels.items()}
    assert own["title"] == "Tagline"
    assert own["licenses"] == "Apache-2.0"
    assert own["source"] == "https://github.com/tagline-dev/tagline"
    assert (own["version"], own["revision"]) == ("1.2.3", "0123456789abcdef")
    assert f'description = "{own["description"]}"' in (ROOT / "pyproject.toml").read_text()


def test_image__size__is_below_290_megabytes(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run([ROOT / ".ci/image-size", image], capture_output=True, text=True, check=False)
    with capsys.disabled():
        print(f"\n{done.stdout}", end="")
    assert done.returncode == 0, done.stdout + done.stderr
    for part in ("base", "Python", "git, with its libraries", "dependencies", "Tagline"):
        assert re.search(rf"^{part} +[\d.]+ +[\d.]+$", done.stdout, re.MULTILINE)
    files, disk = (float(number) for number in re.search(r"^all +([\d.]+) +([\d.]+)$", done.stdout, re.M).groups())  # type: ignore[union-attr]
    assert 100 < files < disk < 290


def test_image__programs__git_shell_and_ssh_but_nothing_that_builds(image: str) -> None:
    said = shell(
        image,
        "git --version; ssh -V 2>&1; python3 --version; sh -c 'echo shell'\n"
        "for absent in pip pip3 uv gcc g++ cc c++ clang ld make strip curl wget sudo; do\n"
        "  if command -v $absent; then echo THERE $absent; fi\n"
        "done\n"
        "for absent in pip ensurepip setuptools wheel hatchling; do\n"
        "  for python in python3 /opt/tagline/bin/python3; do\n"
        '    if $python -c "import $absent" 2>/dev/null; then echo THERE $absent; fi\n'
        "  done\n"
        "done\n"
        "find /var/lib/apt/lists /var/cache/apt /tmp /root -type f ! -name lock ! -name '.*'\n"
        "find /opt/tagline -name '*.pyc' | head -n 1 | grep -q .\n",
    )
    assert re.fullmatch(r"git version 2\.\S+\nOpenSSH_\S.*\nPython 3\.13\.\d+\nshell\n", said)


def test_image__packages__are_consistent_for_images_made_from_it(image: str) -> None:
    """perl is left out in a way that apt agrees with."""
    assert "E:" not in shell(image, "apt-get check 2>&1; dpkg --audit")


def test_image__git__works_without_perl(image: str) -> None:
    shell(image, USE_GIT)


def test_image__stores__all_can_be_opened(image: str) -> None:
    python = "/opt/tagline/bin/python3"
    done = container_run(image, "-IB", "-c", OPEN_STORES, entrypoint=python)
    assert done.returncode == 0, done.stderr
    assert {"s3", "sso", "sso-oidc", "sts"} <= set(done.stdout.split())


# -- That it runs ----------------------------------------------------------------


@pytest.mark.parametrize("home", ["", "/nonexistent", "/github/home", "/proc/1", None])
def test_validate__no_network_read_only_and_no_home__works(image: str, workspace: Path, home: str | None) -> None:
    env = {} if home is None else {"HOME": home}
    options = ["--read-only", "--tmpfs=/tmp"]
    done = container_run(image, "validate", "--format", "json", workspace=workspace, env=env, options=options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["checked"] == [{"file": "artifacts.yaml", "artifacts": 1}]
    assert done.stderr == ""


@pytest.mark.parametrize("user", ["0", "12345"])
def test_foreign_workspace__as_root_or_as_anyone__is_read(image: str, workspace: Path, user: str) -> None:
    def ask(*arguments: str) -> Any:
        done = container_run(
            image, *arguments, "--json", workspace=workspace, options=[f"--user={user}", "--read-only", "--tmpfs=/tmp"]
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert ask("show", "rf#prod")["version"] == "v1.0.0"
    assert ask("resolve", "rf")["digest"].startswith("gitblob:")
    assert ask("fetch", "rf", "-o", "/tmp/out")["artifact"] == "rf"
    assert len(ask("history")["events"]) == 2
    assert ask("check-ref", "rf#prod#1")["current"] is True
    assert ask("assign", "rf#dev", "--version", "v1.0.0", "--dry-run")["tags"][0]["tag"] == "rf#dev#2"


def test_assign__foreign_workspace__writes_a_tag(image: str, workspace: Path) -> None:
    env = {"CI": "true"}
    done = container_run(
        image, "assign", "rf#dev", "--version", "v1.0.0", "--no-push", "--offline", workspace=workspace, env=env
    )
    assert done.returncode == 0, done.stderr
    assert (workspace / ".git/refs/tags/rf#dev#2").exists()


def test_another_repository__read_only_container__is_read_over_http(image: str, tmp_path: Path) -> None:
    build(tmp_path / "served/r.git", HISTORY, bare=True)
    with serve(tmp_path / "served", password="s3cret") as server:
        done = container_run(
            image, "resolve", "rf#prod", "--json", "--repo", f"{server.url}/r.git", "--repo-forge", "git",
            env={"TAGLINE_REPO_TOKEN": "s3cret", "TAGLINE_CACHE": "/tmp/cache"}, network="host",
            options=["--read-only", "--tmpfs=/tmp"],
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["version"] == "v1.0.0"


def test_demo__is_not_in_the_image__and_says_where_it_is(image: str) -> None:
    done = container_run(image, "demo")
    assert (done.returncode, done.stdout) == (6, "")
    assert "pip install tagline" in done.stderr


def test_stop__in_the_middle__ends_at_once(image: str) -> None:
    """The first process of a container ignores SIGTERM: a cancelled job would hang until it is killed."""
    name = f"tagline-stop-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/r.git"
        arguments = run_arguments(image, "show", "--repo", url, network="host", options=["--name", name])
        with subprocess.Popen([DOCKER, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            silent.settimeout(60)
            asked, _ = silent.accept()
            start = time.monotonic()
            docker("stop", "--time", "30", name)
            took = time.monotonic() - start
            process.communicate()
            asked.close()
    assert process.returncode == 130
    assert took < 10
