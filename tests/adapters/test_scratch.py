"""What a run leaves on this machine: nothing, and what it leaves when it is killed goes with the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tagline.adapters.scratch import clear, scratch, scratch_file

#: A run that has the token of an AWS role in a file, and is killed, or waits.
RUN = """
import os, signal, sys
from tagline.adapters.runners.web_identity import web_identity
from tagline.settings import Secret

with web_identity("arn:aws:iam::1:role/r", Secret("s3cr3t"), {}):
    print("ready", flush=True)
    if sys.argv[1] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if sys.argv[1] == "waits":
        sys.stdin.read()
"""


def test_token__of_a_killed_run__goes_with_the_next_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    command, environ = [sys.executable, "-c", RUN], {**os.environ, "TMPDIR": str(tmp_path)}

    def tokens() -> set[Path]:
        return set(tmp_path.glob("tagline-identity-*/token"))

    with subprocess.Popen([*command, "waits"], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as waits:
        assert waits.stdout is not None
        waits.stdout.readline()
        (living,) = tokens()
        killed = subprocess.run([*command, "killed"], env=environ, stdout=subprocess.DEVNULL, check=False)
        assert (killed.returncode, len(tokens())) == (-signal.SIGKILL, 2)
        assert subprocess.run([*command, "ends"], env=environ, stdout=subprocess.DEVNULL, check=True)
        assert tokens() == {living}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [scratch, scratch_file])
def test_clear__takes_what_nobody_holds__and_only_this_users_own(tmp_path: Path, make: object) -> None:
    assert callable(make)
    (tmp_path / "new-left").mkdir()
    (tmp_path / "new-left" / "file").write_text("x")
    (tmp_path / "new-file").write_text("x")
    (tmp_path / "other").write_text("x")
    (tmp_path / "new-link").symlink_to(tmp_path / "other")
    os.mkfifo(tmp_path / "new-pipe")
    with make(tmp_path, "new-") as own:
        clear(tmp_path, "new-")
        assert {path.name for path in tmp_path.iterdir()} == {own.name, "other", "new-link"}
    assert {path.name for path in tmp_path.iterdir()} == {"other", "new-link"}
