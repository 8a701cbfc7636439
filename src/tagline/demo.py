"""``tagline demo``: a registry is born in a temporary folder, each command shown with its output."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from tagline.errors import WrongUsage

_MANIFEST = """\
churn:
  type: model
  path: models/churn.txt
  description: Who is about to leave
  labels: [classification]
fraud:
  type: model
  path: models/fraud.txt
"""
_BROKEN = _MANIFEST.replace("path: models/fraud.txt", "pth: models/fraud.txt\n  labels: fraud")

_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
#: Variables that would make the demo's commands believe to be a step of somebody's job.
_FOREIGN = ("CI", "GITHUB_", "GITLAB_", "CI_", "GIT_", "TAGLINE_")


class _Stage:
    """Where the demo plays: echoes a command, runs it, shows what it says."""

    def __init__(self, folder: Path, *, color: bool) -> None:
        self.folder = folder
        self._color = color
        environment = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
        self._environment = {**environment, **_ENVIRONMENT, "TAGLINE_CACHE": str(folder / "cache")}

    def say(self, text: str) -> None:
        """A line of the story."""
        print(f"\n\x1b[1;33m# {text}\x1b[0m" if self._color else f"\n# {text}", flush=True)

    def git(self, *arguments: str) -> None:
        """Set the scene, without a word."""
        command = ["git", "-c", "init.defaultBranch=main", *arguments]
        subprocess.run(command, cwd=self.folder / "shop", env=self._environment, check=True, capture_output=True)

    def commit(self, message: str, files: dict[str, str]) -> None:
        """Write files, commit and push them."""
        for name, content in files.items():
            path = self.folder / "shop" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        self.git("add", "-A")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "HEAD")
        print(f"$ git commit -m {shlex.quote(message)} && git push", flush=True)

    def tagline(self, *arguments: str, expect: int = 0, where: str = "shop") -> None:
        """Run one command of ours and show it. Raises RuntimeError on another exit code than expected."""
        shown = shlex.join(("tagline", *arguments))
        print(f"\x1b[1m$ {shown}\x1b[0m" if self._color else f"$ {shown}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "tagline", *arguments],
            cwd=self.folder / where,
            env=self._environment,
            check=False,
            stderr=subprocess.STDOUT,
        )
        if done.returncode != expect:
            raise RuntimeError(f"{shown} exited with {done.returncode}, not {expect}")
        if expect:
            print(f"(exit code {expect})", flush=True)


def demo(keep: str | None, *, color: bool) -> int:
    """Play the demo in a temporary folder, or in ``keep``, which then stays.

    Raises WrongUsage when ``keep`` exists already and is not empty.
    """
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="tagline-demo-") as folder:
            _play(_Stage(Path(folder), color=color))
        return 0
    folder_to_keep = Path(keep)
    if folder_to_keep.exists() and any(folder_to_keep.iterdir()):
        raise WrongUsage(f"{keep} is not empty.", "Name a new folder: tagline demo --keep DIR")
    folder_to_keep.mkdir(parents=True, exist_ok=True)
    _play(_Stage(folder_to_keep.resolve(), color=color))
    print(f"\nThe registry is in {folder_to_keep / 'shop'}.")
    return 0


def _play(stage: _Stage) -> None:
    (stage.folder / "shop").mkdir()
    stage.git("init", "--quiet")
    stage.git("init", "--quiet", "--bare", "../origin.git")
    stage.git("remote", "add", "origin", "../origin.git")

    stage.say("A shop has two models in Git, described in artifacts.yaml.")
    models = {"models/churn.txt": "trees: 10\n", "models/fraud.txt": "rules: 3\n"}
    stage.commit("Two models", {"artifacts.yaml": _MANIFEST, **models})
    stage.tagline("validate")
    stage.tagline("register", "churn", "--version", "v1.0.0", "--push")
    stage.tagline("register", "fraud", "--bump", "minor", "--push")
    stage.tagline("assign", "churn#prod", "--push")

    stage.say("Better models come; a version is a tag, a stage is a tag, everybody's clone has them.")
    stage.commit("Deeper trees", {"models/churn.txt": "trees: 50\n"})
    stage.tagline("register", "churn", "--bump", "minor", "--push")
    stage.tagline("assign", "churn#staging", "--push")
    stage.commit("Even deeper trees", {"models/churn.txt": "trees: 500\n"})
    stage.tagline("register", "churn", "--bump", "minor", "--push")
    stage.tagline("assign", "churn#prod", "--push")
    stage.tagline("assign", "fraud#prod", "--version", "v0.1.0", "--push")
    stage.tagline("show")

    stage.say("A mistake in the manifest is refused at its line, before it is merged.")
    (stage.folder / "shop" / "artifacts.yaml").write_text(_BROKEN)
    stage.tagline("validate", expect=1)
    stage.git("checkout", "--quiet", "artifacts.yaml")

    stage.say("So is a question without an answer, and asking twice for the same thing changes nothing.")
    stage.tagline("show", "chrun#prod", expect=6)
    stage.tagline("assign", "churn#prod", "--push")

    stage.say("The new model is bad: back to the one before.")
    stage.tagline("rollback", "churn#prod", "--push")
    stage.tagline("show", "churn")
    stage.tagline("history", "churn")

    stage.say("Which model is in prod? From any folder, without a clone, for people and for programs.")
    url = (stage.folder / "origin.git").as_uri()
    stage.tagline("resolve", "churn#prod", "--repo", url, where=".")
    stage.tagline("show", "churn#prod", "--json", "--repo", url, where=".")
