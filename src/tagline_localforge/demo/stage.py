"""Where the demo plays: it tells the story, runs commands and shows what they say."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tagline_localforge import ForgeServer

#: Whose commits these are. The jobs are nobody's: their tags are by the platform's robot.
_ALICE = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "alice"), ("EMAIL", "alice@example.com"))
}
#: Variables that would make the demo's commands believe to be a step of somebody's job.
_FOREIGN = ("CI", "GITHUB_", "GITLAB_", "GIT_", "TAGLINE_")


class Stage:
    """A folder, a forge and a terminal."""

    def __init__(self, folder: Path, server: ForgeServer, *, color: bool) -> None:
        self.folder = folder
        self.server = server
        self._color = color
        self._names: dict[str, str] = {}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "TAGLINE_CACHE": str(folder / "cache")}
        self._environment = {**inherited, **own}

    def say(self, text: str) -> None:
        """A line of the story."""
        print()
        self._print(f"# {text}", "1;33")

    def act(self, text: str) -> None:
        """What somebody does."""
        self._print(f"* {text}", "36")

    def show(self, text: str) -> None:
        """A text as it stands somewhere else."""
        for line in self._told(text).splitlines():
            print(f"  | {line}", flush=True)

    def call(self, url: str, name: str) -> None:
        """Write ``name`` for an address that nobody can open once the demo is over."""
        self._names[url] = name

    def _told(self, text: str) -> str:
        for url, name in self._names.items():
            text = text.replace(url, name)
        return text

    def _print(self, text: str, style: str) -> None:
        print(f"\x1b[{style}m{text}\x1b[0m" if self._color else text, flush=True)

    def git(self, where: str, *arguments: str) -> None:
        """Set the scene, without a word."""
        command = ["git", "-c", "init.defaultBranch=main", *arguments]
        environment = {**self._environment, **_ALICE}
        subprocess.run(command, cwd=self.folder / where, env=environment, check=True, capture_output=True)

    def tagline(
        self,
        *arguments: str,
        where: str = ".",
        job: Mapping[str, str] | None = None,
        why: str = "",
        only: str = "",
        expect: int = 0,
    ) -> None:
        """Run one command of ours, in a ``job`` if given, and show what it says.

        With ``only`` it is the lines that have it, and an ellipsis for the others. Raises RuntimeError on another
        exit code than expected.
        """
        shown = shlex.join(("tagline", *arguments))
        self._print(f"$ {self._told(shown)}{why}", "1")
        done = subprocess.run(
            [sys.executable, "-m", "tagline", *arguments],
            cwd=self.folder / where,
            env={**self._environment, **(job or {})},
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode != expect:
            raise RuntimeError(f"{shown} exited with {done.returncode}, not {expect}: {done.stdout}")
        lines = self._told(done.stdout).splitlines()
        kept = [line for line in lines if only in line]
        print("\n".join(kept) + (" …" if kept != lines else ""), flush=True)
        if expect:
            print(f"(exit code {expect})", flush=True)
