"""Shells in a terminal, with keys pressed by hand."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

#: Seconds; a busy machine needs some of them.
_PATIENCE = 60.0
#: How a shell is started: without anybody's own settings.
START: Mapping[str, list[str]] = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
#: What ``tagline`` does there once it is called, not completed: it tells its arguments, each between marks.
_TELL: Mapping[str, str] = {
    "bash": "tagline() { printf 'G''OT<%s>' \"$@\"; printf 'E''ND\\n'; }",
    "zsh": "tagline() { printf 'G''OT<%s>' \"$@\"; printf 'E''ND\\n'; }",
    "fish": "function tagline; printf 'G''OT<%s>' $argv; printf 'E''ND\\n'; end",
}
_SETUP: Mapping[str, str] = {
    "bash": "bind 'set enable-bracketed-paste off'; source <(tagline completion bash)",
    "zsh": "autoload -Uz compinit; compinit -D -u; source <(tagline completion zsh)",
    "fish": "tagline completion fish | source",
}


class Terminal:
    """An interactive shell that knows our completion."""

    def __init__(self, handle: int, shell: str) -> None:
        self._handle = handle
        self._seen = ""
        self.run(_SETUP[shell])
        self.run(_TELL[shell])

    def run(self, line: str) -> None:
        """Run a line and wait until it is done."""
        self._seen = ""
        self.press(f"{line}\r")
        self.press("echo R''EADY\r")
        self._wait("READY")

    def complete(self, typed: str, tabs: int = 1) -> list[str]:
        """Type something, press the tabulator, press enter: the arguments that the program got."""
        self._seen = ""
        self.press(typed)
        for _ in range(tabs):
            self.press("\t")
        self.press("\r")
        self._wait("END")
        return re.findall(r"GOT<(.*?)>(?=GOT<|END)", self._seen.replace("\r\n", "\n"), re.DOTALL)

    def give_up(self, typed: str) -> None:
        """Type something, press the tabulator twice, and throw the line away."""
        self.press(f"{typed}\t\t\x15")
        self.run("true")

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._handle, keys.encode())

    def _wait(self, words: str) -> None:
        end = time.monotonic() + _PATIENCE
        while words not in self._seen:
            ready, _, _ = select.select([self._handle], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{words} did not come: {self._seen!r}"
            self._seen += os.read(self._handle, 65536).decode(errors="replace")


@contextmanager
def terminal(shell: str, folder: Path, environ: Mapping[str, str]) -> Iterator[Terminal]:
    """A shell in a folder."""
    handle, theirs = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", *START[shell]], cwd=folder, env=dict(environ), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    try:
        yield Terminal(handle, shell)
    finally:
        process.kill()
        process.wait()
        os.close(handle)
