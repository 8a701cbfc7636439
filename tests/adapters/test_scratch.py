"""What a run leaves on this machine: nothing, and what it leaves when it is killed goes with the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tagline.adapters.scratch import clear, scratch, scratch_file, temporary

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
        return set(tmp_path.glob("tagline-scratch-*/tagline-identity-*/token"))

    with subprocess.Popen([*command, "waits"], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as waits:
        assert waits.stdout is not None
        waits.stdout.readline()
        (living,) = tokens()
        killed = subprocess.run([*command, "killed"], env=environ, stdout=subprocess.DEVNULL, check=False)
        assert (killed.returncode, len(tokens())) == (-signal.SIGKILL, 2)
        assert subprocess.run([*command, "ends"], env=environ, stdout=subprocess.DEVNULL, check=True)
        assert tokens() == {living}
    (private,) = tmp_path.iterdir()
    assert (list(private.iterdir()), private.stat().st_mode & 0o777) == ([], 0o700)


def test_temporary__beside_files_of_people__leaves_those_and_a_folder_that_is_not_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    own = tmp_path / f"tagline-scratch-{os.getuid()}"
    (tmp_path / "tagline-query-answer.csv").write_text("theirs")
    (tmp_path / "tagline-query-demo0000").mkdir()
    with temporary("tagline-query-") as place:
        assert place.parent == own
    left, named = own / "tagline-query-leftover", own / "tagline-query-answer.csv"
    named.write_text("theirs")
    elsewhere = tmp_path / "elsewhere"

    def in_place_of_it(mode: int = 0o700, *, link: bool = False) -> Path:
        left.mkdir(exist_ok=True)
        if link:
            own.rename(elsewhere)
            own.symlink_to(elsewhere)
        else:
            own.chmod(mode)
        with temporary("tagline-query-") as place:
            return place.parent

    assert (in_place_of_it(0o755), left.exists()) == (tmp_path, True)
    assert (in_place_of_it(), left.exists()) == (own, False)
    assert (in_place_of_it(link=True), left.exists()) == (tmp_path, True)
    assert named.exists()
    assert {path.name for path in tmp_path.iterdir()} == {
        "tagline-query-answer.csv", "tagline-query-demo0000", own.name, "elsewhere",
    }  # fmt: skip


@pytest.mark.parametrize("make", [scratch, scratch_file])
def test_clear__takes_what_nobody_holds__and_only_this_users_own(tmp_path: Path, make: object) -> None:
    assert callable(make)
    (tmp_path / "new-leftover").mkdir()
    (tmp_path / "new-leftover" / "file").write_text("x")
    (tmp_path / "new-file0000").write_text("x")
    for kept in ("other", "new-answer.csv"):
        (tmp_path / kept).write_text("x")
    (tmp_path / "new-link0000").symlink_to(tmp_path / "other")
    os.mkfifo(tmp_path / "new-pipe0000")
    with make(tmp_path, "new-") as own:
        clear(tmp_path, "new-")
        assert {path.name for path in tmp_path.iterdir()} == {own.name, "other", "new-answer.csv", "new-link0000"}
    assert {path.name for path in tmp_path.iterdir()} == {"other", "new-answer.csv", "new-link0000"}
