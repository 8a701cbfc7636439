"""A hostile checkout in the container: nothing of it is executed, and every command answers rightly or refuses."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.commands.changes.conftest import make_world, platform
from tests.commands.changes.world import BETTER, World
from tests.e2e.hostile import PWNED, build_hostile
from tests.e2e.machine import container_run, image
from tests.support.gitbuild import environment

__all__ = ["image", "make_world", "platform"]
pytestmark = pytest.mark.e2e

#: What a workflow for Python projects may well set, for all its steps.
CI = {"CI": "true", "PYTHONPATH": "/github/workspace", "PYTHONSTARTUP": "/github/workspace/sitecustomize.py"}
UPSTREAM = "/up.git"
POINTER = "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  size: 3\n  hash: md5\n  path: m\n"
AWS = f"[default]\ncredential_process = touch {PWNED}/aws\n[profile p]\ncredential_process = touch {PWNED}/aws\n"


class Place:
    """The hostile checkout, and the folder that says what ran."""

    def __init__(self, folder: Path, image: str) -> None:
        self.folder, self._image = folder, image
        self.workspace = folder / "workspace"
        self._pwned = folder / "pwned"
        self._pwned.mkdir(parents=True)

    def __call__(
        self,
        *arguments: str,
        entrypoint: str | None = None,
        network: str = "none",
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        mounts = {"pwned": PWNED, "scripts": f"{PWNED}-scripts", "up.git": UPSTREAM}
        return container_run(
            self._image, *arguments, workspace=self.workspace, env=env, entrypoint=entrypoint,
            network=network,  # type: ignore[arg-type]
            options=[f"--volume={self.folder / name}:{path}" for name, path in mounts.items()],
        )  # fmt: skip

    @property
    def ran(self) -> list[str]:
        """What was executed of what must not be."""
        return sorted(path.name for path in self._pwned.iterdir())


@pytest.fixture
def make_place(tmp_path: Path, image: str) -> Callable[..., Place]:
    def make(origin: str = UPSTREAM, *, reaching: bool = False) -> Place:
        place = Place(tmp_path / "place", image)
        build_hostile(place.folder, origin=origin, reaching=reaching)
        return place

    return make


GULLIBLE = """
export HOME=/tmp PYTHONSAFEPATH=
git config --global --add safe.directory '*'
git config --global protocol.file.allow always
./git
python3 -c 'import yaml'
git ls-remote https://forge.invalid/x
git status
git config --unset filter.evil-process.process  # git gives up where this one fails
git log -p --max-count=1
git fetch origin
git -c core.hooksPath=.git/hooks checkout -q -b other
git checkout -q -f -b another
rm m big; git checkout -f m big
echo changed >>m; git --no-pager diff -- m; git add m
git -c core.hooksPath=/dev/null -c commit.gpgSign=false commit -q -m two
git -c core.hooksPath=/dev/null tag -s -m x signed
git push --no-verify origin HEAD:x
git evil
"""


def test_traps__tools_that_trust_the_checkout__are_caught(make_place: Callable[..., Place]) -> None:
    """The traps are real: without this, all that follows would prove nothing."""
    place = make_place()
    place("-c", GULLIBLE, entrypoint="sh")
    wanted = {
        "alias", "clean", "diff-command", "ext", "fsmonitor", "gpg", "hook-post-checkout", "process", "program-git",
        "python", "receivepack", "smudge", "textconv", "their-post-checkout", "uploadpack",
    }  # fmt: skip
    assert wanted <= set(place.ran)


COMMANDS: list[tuple[list[str], int, str]] = [
    (["validate"], 0, "No findings in 2 artifacts"),
    (["validate", "--format", "github"], 0, ""),
    (["show"], 0, "rf "),
    (["show", "rf@latest"], 0, "v1.0.0"),
    (["history"], 0, "registration"),
    (["check-ref", "rf@v1.0.0"], 0, "registration"),
    (["resolve", "rf"], 0, "gitblob:"),
    (["resolve", "lfs"], 4, "Git LFS keeps these bytes"),
    (["fetch", "rf", "-o", "/tmp/m"], 0, "fetched and verified"),
    (["register", "rf", "--bump", "minor", "--dry-run"], 0, "v1.0.0"),
    (["assign", "rf#prod", "--version", "v1.0.0", "--dry-run"], 0, "rf#prod#"),
    (["assign", "rf#dev", "--version", "v1.0.0", "--no-push"], 0, "rf#dev#1"),
]


@pytest.mark.parametrize("env", [{}, CI], ids=["here", "in CI"])
def test_hostile_checkout__every_command__executes_nothing(
    make_place: Callable[..., Place], env: dict[str, str]
) -> None:
    """In CI the remote is asked for its tags: git's own upload-pack runs there, not the configured one."""
    place = make_place(reaching=True)
    for arguments, code, shown in COMMANDS:
        done = place(*arguments, env=env)
        assert done.returncode == code, (arguments, done.stderr)
        assert shown in done.stdout + done.stderr
        assert place.ran == [], arguments


def test_hostile_checkout__pushed_to_its_remote__executes_nothing(make_place: Callable[..., Place]) -> None:
    place = make_place(reaching=True)
    done = place("assign", "rf#dev", "--version", "v1.0.0", "--push", env=CI)
    assert done.returncode == 0, done.stderr
    assert place.ran == []
    assert (place.folder / "up.git/refs/tags/rf#dev#1").exists()


@pytest.mark.parametrize(
    "origin",
    [
        "https://forge.invalid/x.git",
        f"ext::sh -c touch% {PWNED}/ext",
        "evil::x",
        f"--upload-pack=touch {PWNED}/up",
        "-x",
    ],
)
@pytest.mark.parametrize("arguments", [["show"], ["assign", "rf#dev", "--version", "v1.0.0", "--push"]])
def test_hostile_remote__asked__refused_and_nothing_executed(
    make_place: Callable[..., Place], origin: str, arguments: list[str]
) -> None:
    """The first is rewritten to an ext:: transport, which would run a command."""
    place = make_place(origin)
    done = place(*arguments, env=CI)
    assert done.returncode in (2, 4), done.stdout + done.stderr
    assert "fix: " in done.stderr
    assert place.ran == []


def test_clones_own_ssh_command__remote_over_ssh__is_all_that_runs(make_place: Callable[..., Place]) -> None:
    """It is how git reaches such remotes, and where actions/checkout puts its key; no commit can bring it."""
    place = make_place("ssh://git@forge.invalid/x.git", reaching=True)
    assert place("show", env=CI).returncode == 4
    assert place.ran == ["ssh-command"]


def test_promote__in_a_hostile_checkout__tags_and_executes_nothing(
    make_place: Callable[..., Place], make_world: Callable[..., World], platform: str
) -> None:
    world = make_world(platform)
    number = world.open("better", BETTER, labels=("version:minor",))
    place = make_place(reaching=True)
    env = {**world.environ(), **CI, "GITHUB_STEP_SUMMARY": ""}
    planned = place("plan", "--change", str(number), network="host", env=env)
    assert planned.returncode == 0, planned.stderr
    world.merge(number)
    done = place("promote", "--change", str(number), network="host", env=env)
    assert done.returncode == 0, done.stderr
    assert "churn@v0.1.0" in world.tags()
    assert place.ran == []


# -- What a commit can bring: links and DVC's configuration -----------------------


def _commit(place: Place, files: Mapping[str, str], links: Mapping[str, str]) -> None:
    """A repository of these files, its artifact ``rf`` registered."""
    (place.folder / "scripts").mkdir()
    (place.folder / "up.git").mkdir()
    place.workspace.mkdir()
    for name, content in files.items():
        (place.workspace / name).parent.mkdir(exist_ok=True)
        (place.workspace / name).write_text(content)
    for name, target in links.items():
        (place.workspace / name).parent.mkdir(exist_ok=True)
        (place.workspace / name).symlink_to(target)
    for command in (
        ["init", "--quiet", "--template="], ["add", "--all", "--force"], ["commit", "--quiet", "--message", "one"],
        ["tag", "--annotate", "--message", "Registering artifact rf version v1.0.0", "rf@v1.0.0"],
    ):  # fmt: skip
        subprocess.run(["git", *command], cwd=place.workspace, env=environment(), check=True)


MANIFEST = {"artifacts.yaml": "rf: {path: m}\n"}


@pytest.mark.parametrize(
    ("files", "links", "rule"),
    [
        ({}, {"artifacts.yaml": "/etc/passwd"}, "file-not-regular"),
        ({}, {"artifacts.yaml": "/proc/self/environ"}, "file-not-regular"),
        ({"artifacts.yaml": "rf: {path: ../../../etc/passwd}\n"}, {}, "path-outside"),
        ({"artifacts.yaml": "rf: {path: /etc/passwd}\n"}, {}, "path-absolute"),
        (MANIFEST, {"m": "/etc/passwd"}, "path-not-regular"),
        (MANIFEST, {"m.dvc": "/etc/passwd"}, None),
        ({**MANIFEST, "m.dvc": POINTER}, {".dvc/config": "/etc/passwd"}, None),
    ],
    ids=["manifest", "environment", "outside", "absolute", "artifact", "pointer", "dvc config"],
)
def test_links__out_of_the_repository__are_not_followed(
    tmp_path: Path, image: str, files: dict[str, str], links: dict[str, str], rule: str | None
) -> None:
    place = Place(tmp_path / "place", image)
    _commit(place, files, links)
    validated = place("validate", "--format", "json", env={"TAGLINE_TOKEN": "s3cret-of-the-job"})
    assert validated.returncode in (0, 1), validated.stderr
    rules = [finding["rule"] for finding in json.loads(validated.stdout)["findings"]]
    assert rule is None or rule in rules
    resolved, fetched = place("resolve", "rf", "--json"), place("fetch", "rf", "-o", "/tmp/m")
    assert fetched.returncode in (1, 2, 6), fetched.stdout
    for done in (validated, resolved, fetched):
        assert "root:" not in done.stdout + done.stderr
        assert "s3cret-of-the-job" not in done.stdout + done.stderr


@pytest.mark.parametrize("option", ["configpath = aws.cfg", "credentialpath = aws.cfg", "profile = p"])
@pytest.mark.parametrize("file", [".dvc/config", ".dvc/config.local"])
def test_dvc_configuration__committed__runs_no_credential_process(
    tmp_path: Path, image: str, file: str, option: str
) -> None:
    """Also where ``config.local``, which should be this machine's, is part of a commit."""
    place = Place(tmp_path / "place", image)
    remote = "[core]\n    remote = s\n['remote \"s\"']\n    url = s3://bucket/store\n"
    files = {**MANIFEST, "m.dvc": POINTER, "aws.cfg": AWS, ".aws/config": AWS, ".dvc/config": remote}
    files[file] = (remote if file == ".dvc/config" else "['remote \"s\"']\n") + f"    {option}\n"
    _commit(place, files, {})
    for arguments in (["resolve", "rf"], ["fetch", "rf", "-o", "/tmp/m"], ["validate", "--check-storage"]):
        done = place(*arguments, env={"AWS_EC2_METADATA_DISABLED": "true"})
        assert done.returncode in (1, 2, 4)
        assert place.ran == []
