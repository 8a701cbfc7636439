"""docs/first-hour.md as it is typed: its commands, files and edits, with real DVC, on a local forge and an S3 server.

Names of the page become those of this machine; nothing else is changed. What people do on the forge's page is done in
the forge, and what its CI would run is run by ``on_github`` and ``on_gitlab``.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tagline_localforge import ForgeServer, LocalForge, Repository
from tests.support.gitbuild import environment
from tests.support.s3server import KEY_ID, SECRET, S3Server

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PAGE = ROOT / "docs" / "first-hour.md"
KEYS = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
#: Alice's own, what jobs have, the project's bot, and who may read the shop from another repository.
PERSON, ACTIONS, BOT, JOB, READER = "alice-own", "actions", "bot", "job", "reader"
_PIECE = re.compile(
    r"^```(?P<kind>sh|diff|console)\n(?P<text>.*?)^```|\[[^]]+\]\((?P<from>examples/\S+)\) as `(?P<to>[^`]+)`",
    re.DOTALL | re.MULTILINE,
)


class Done(NamedTuple):
    """One thing that was done: ``command``, ``file`` (written or edited by hand), ``page`` or ``job``.

    ``seconds`` are the processor's, of the processes that were started: the same however busy the machine is.
    """

    kind: str
    what: str
    seconds: float
    #: Of a file, how many were written by hand.
    lines: int = 0
    out: str = ""


class Counted(NamedTuple):
    """An hour in figures: commands typed, files and their lines written by hand, things done on a page; seconds."""

    commands: int
    files: int
    lines: int
    pages: int
    typed: float
    jobs: float


@dataclass
class Hour:
    """A new team on one forge: ``org/shop`` is empty, and a bucket is there."""

    platform: str
    server: ForgeServer
    shop: Repository
    folder: Path
    s3: S3Server
    bucket: str
    done: list[Done] = field(default_factory=list)
    #: What a terminal has: where one stands, and what was exported.
    cwd: Path = Path()
    exported: dict[str, str] = field(default_factory=dict)
    _read: set[str] = field(default_factory=set)

    # -- the page -----------------------------------------------------------------

    def section(self, title: str, codes: Mapping[str, int] | None = None) -> None:
        """Type what stands below a heading. ``codes``: commands that exit otherwise than 0, by how they begin."""
        found = re.search(rf"(?ms)^##+ {re.escape(title)}\n(.*?)(?=^##+ |\Z)", PAGE.read_text())
        assert found, title
        self._read.add(title)
        for piece in _PIECE.finditer(found[1]):
            if piece["kind"] == "sh":
                for line in piece["text"].splitlines():
                    self.type(line, codes)
            elif piece["kind"] == "diff":
                self._edit(piece["text"])
            elif piece["kind"] == "console":
                self._shown(piece["text"])
            else:
                self._save(ROOT / "docs" / piece["from"], piece["to"])

    def unread(self) -> set[str]:
        """Headings whose commands nobody has typed yet; those of the other forge are not among them."""
        other = "On GitLab" if self.platform == "github" else "On GitHub"  # pipelines are saved, not typed
        parts = re.findall(r"(?ms)^##+ ([^\n]*)\n(.*?)(?=^##+ |\Z)", PAGE.read_text())
        return {title for title, text in parts if "```sh" in text} - self._read - {other}

    def type(self, line: str, codes: Mapping[str, int] | None = None) -> None:
        """One line of a terminal, as the page has it."""
        command = self._here(line.partition("   #")[0])
        word, _, rest = command.partition(" ")
        if word == "cd":
            self.cwd = Path(os.path.normpath(self.cwd / rest))
            return
        if word == "export":
            name, _, value = rest.partition("=")
            self.exported[name] = PERSON if value == "..." else value
            return
        before = _processor()
        said = subprocess.run(["bash", "-ec", command], cwd=self.cwd, env=self.at_home(), text=True,
                              capture_output=True, check=False)  # fmt: skip
        wanted = next((code for start, code in (codes or {}).items() if line.startswith(start)), 0)
        assert said.returncode == wanted, f"{command}: exit code {said.returncode}\n{said.stdout}\n{said.stderr}"
        self.done.append(Done("command", line, _processor() - before, out=said.stdout))

    def _here(self, line: str) -> str:
        """A line of the page with the names of this machine."""
        for name, ours in (
            ("https://github.com", self.server.url),
            ("TAGLINE_REPO_HOST=github.com", f"TAGLINE_REPO_HOST={self.server.url}"),
            ("s3://models", f"s3://{self.bucket}"), ("github", self.platform),
        ):  # fmt: skip
            line = line.replace(name, ours)
        return line

    def _shown(self, text: str) -> None:
        """What the page says that a command said, which was typed before."""
        command, *lines = text.removeprefix("$ ").splitlines()
        assert set(lines) <= set(self.out(command).splitlines()), self.out(command)

    def _save(self, example: Path, to: str) -> None:
        self.write(self.cwd / to, example.read_text())

    def write(self, place: Path, text: str) -> None:
        """A file that is written, or copied from a document, by hand."""
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        lines = sum(not line.lstrip().startswith("#") and bool(line.strip()) for line in text.splitlines())
        self.done.append(Done("file", str(place.relative_to(self.folder)), 0.0, lines=lines))

    def _edit(self, diff: str) -> None:
        subprocess.run(["git", "apply"], cwd=self.cwd, input=diff, text=True, check=True, env=self.at_home())
        for part in diff.split("--- a/")[1:]:
            added = sum(line.startswith("+") and not line.startswith("+++") for line in part.splitlines())
            self.done.append(Done("file", f"{self.cwd.name}/{part.splitlines()[0]}", 0.0, lines=added))

    # -- what is around it ----------------------------------------------------------

    def plain(self) -> dict[str, str]:
        """What every process has: programs, and where S3 is; nobody's keys or tokens."""
        found = {
            **environment(HOME=str(self.folder / "home")), "AWS_ENDPOINT_URL": self.s3.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "DVC_NO_ANALYTICS": "1",
            "TAGLINE_CACHE": str(self.folder / "cache"),
        }  # fmt: skip
        return found | {"PATH": f"{BIN}:{os.environ['PATH']}"}

    def at_home(self) -> dict[str, str]:
        """Alice's terminal."""
        return self.plain() | {"GIT_CONFIG_GLOBAL": str(self.folder / "home" / ".gitconfig")} | KEYS | self.exported

    def page(self, what: str, act: Callable[[], Any]) -> Any:
        """What somebody does on the forge's page."""
        self.done.append(Done("page", what, 0.0))
        return act()

    def job(self, what: str, act: Callable[[], Any]) -> Any:
        """What CI does meanwhile."""
        before = _processor()
        found = act()
        self.done.append(Done("job", what, _processor() - before))
        return found

    def counted(self) -> Counted:
        """What people had to do, and how long the machine took for it."""
        files = {one.what for one in self.done if one.kind == "file"}
        seconds = {kind: sum(one.seconds for one in self.done if one.kind == kind) for kind in ("command", "job")}
        return Counted(
            sum(one.kind == "command" for one in self.done), len(files), sum(one.lines for one in self.done),
            sum(one.kind == "page" for one in self.done), seconds["command"], seconds["job"],
        )  # fmt: skip

    def out(self, start: str) -> str:
        """What the last command said that begins so."""
        return [one.out for one in self.done if one.what.startswith(start)][-1]


@contextmanager
def hour(platform: str, server: ForgeServer, folder: Path, s3: S3Server) -> Iterator[Hour]:
    """A team on a forge of one platform."""
    forge: LocalForge = server.forge
    shop = forge.repository("org/shop")
    for login, role in (("alice", "admin"), ("bob", "write"), ("tagline-bot", "maintain")):
        shop.grant(login, role)
    forge.repository("org/scoring").grant("alice", "admin")
    scopes = ("repo", "workflow") if platform == "github" else ("api", "write_repository")
    forge.token(PERSON, login="alice", scopes=scopes)
    forge.token(READER, login="bob")
    forge.token(ACTIONS, kind="actions")
    forge.token(JOB, login="bob", kind="job")
    forge.token(BOT, login="tagline-bot")
    home = folder / "home"
    home.mkdir(parents=True)
    helper = f"!f() {{ echo username=alice; echo password={PERSON}; }}; f"
    made = Hour(platform, server, shop, folder, s3, s3.bucket(), cwd=folder)
    for name, value in {"credential.helper": helper, "user.name": "Alice", "user.email": "alice@example.com",
                        "init.defaultBranch": "main"}.items():  # fmt: skip
        subprocess.run(["git", "config", "--global", name, value], check=True, env=made.at_home())
    yield made


def _processor() -> float:
    """Seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
