"""A clone with names to complete, and one whose names are an attack."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.gitbuild import environment, run_git
from tests.support.terminals import terminal

TAGS = ("churn@v1.0.0", "churn@v1.1.0", "churn@v1.1.0!", "churn#prod#1", "churn#staging#1", "sub=deep@v0.1.0")
FILES = {
    "artifacts.yaml": "churn: {path: a}\nfraud:\n  path: b\n",
    "sub/dvc.yaml": "stages: {train: {}}\nartifacts:\n  deep: {path: x}\n  other: {path: y}\n",
    ".tagline.yaml": "stages: {prod: {}, canary: {}}\n",
    "tagline.lock": '{"version": 1, "pins": {"score": {}, "d:e": {}, "$(touch pwned)": {}}}',
}
#: Would leave a file behind, wherever a shell reads it as anything but a name.
RUNS = "$(touch${IFS}pwned)"
EVIL = ("';touch${IFS}pwned;'", RUNS, "`touch${IFS}pwned`", "\\$(touch pwned)", "a b", "a\nb", "x:y z", 'q"q')


def clone(folder: Path, *, hostile: bool = False) -> Path:
    """The clone; with ``hostile`` names in each place where a name may stand."""
    folder.mkdir()
    run_git(folder, "init", "--quiet")
    files = dict(FILES)
    tags = list(TAGS)
    if hostile:
        keys = "".join(f"? {_quoted(name)}\n: {{path: x}}\n" for name in EVIL)
        files["artifacts.yaml"] += keys
        files[".tagline.yaml"] = f"stages:\n  prod: {{}}\n  canary: {{}}\n  {_quoted(RUNS)}: {{}}\n"
        tags += [f"churn#{RUNS}#1", f"{RUNS}@v1.0.0", "churn';touch${IFS}pwned;'@v1.0.0"]
        files |= {f"models {RUNS}'\"/x.yaml": "", f"evil{RUNS} a'b.yaml": "a: {}\n", "new\nline.yaml": "b: {}\n"}
        files |= {f"{RUNS}/artifacts.yaml": "inner: {path: x}\n"}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "--message", "names")
    for tag in tags:
        run_git(folder, "tag", tag)
    run_git(folder, "pack-refs", "--all")
    run_git(folder, "tag", "late@v1.0.0")  # lies beside those that are packed
    return folder


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def environ(home: Path) -> dict[str, str]:
    """For a shell, with our program on its path, and no network for it."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    proxies = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    return {**environment(HOME=str(home), PATH=path), **proxies, "TERM": "dumb", "LC_ALL": "C.UTF-8"}


def asked(shell: str, folder: Path, *given: str) -> list[str]:
    """What the script of a shell is told."""
    done = subprocess.run(
        [sys.executable, "-m", "tagline", "completion", shell, "--", *given],
        cwd=folder, env=environ(folder), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


def check_in(shell: str, tmp_path: Path) -> None:
    """What a person at a terminal sees: names complete, files too, and nothing runs, whatever the clone holds."""
    folder = clone(tmp_path / "clone", hostile=True)
    (tmp_path / "empty").mkdir()
    with terminal(shell, folder, environ(tmp_path)) as there:
        assert there.complete("tagline reg") == ["register"]
        assert there.complete("tagline show frau") == ["show", "fraud"]
        assert there.complete("tagline show lat") == ["show", "late"]
        assert there.complete("tagline show churn#st") == ["show", "churn#staging"]
        assert there.complete("tagline assign churn#can") == ["assign", "churn#canary"]
        assert there.complete("tagline show churn@v1") == ["show", "churn@v1.0.0"]
        assert there.complete("tagline show sub:de") == ["show", "sub:deep"]
        assert there.complete("tagline show sub:deep@v0") == ["show", "sub:deep@v0.1.0"]
        assert there.complete("tagline rollback churn#prod --to v1") == ["rollback", "churn#prod", "--to", "v1.0.0"]
        assert there.complete("tagline resolve fraud --if-superseded sk")[-1] == "skip"
        assert there.complete("tagline show --mark") == ["show", "--markdown"]
        # A name that goes on: no blank after it.
        assert there.complete("tagline assign frau") == ["assign", "fraud#"]
        # Files are the shell's own to complete, and to quote.
        assert there.complete("tagline validate evil") == ["validate", f"evil{RUNS} a'b.yaml"]
        assert there.complete("tagline validate art") == ["validate", "artifacts.yaml"]
        if shell != "zsh":  # which itself expands what is typed, before anything is completed
            there.give_up(f"tagline show {RUNS}")
            there.give_up(f"tagline assign 'churn#prod' --version {RUNS}")
        there.give_up("tagline show '")
        there.give_up("tagline show '$(touch pwned)")
        for typed in ("tagline show ", "tagline history --at ", "tagline check-ref ", "tagline assign churn#"):
            there.give_up(typed)
        there.run(f"cd {tmp_path / 'empty'}")
        assert there.complete("tagline show x") == ["show", "x"]
        assert there.complete("tagline val") == ["validate"]
    found = [path for path in tmp_path.rglob("*") if path.name == "pwned"]
    assert found == []


def check_quoting(shell: str, tmp_path: Path) -> None:
    """Were a word anything but a name, the shell takes it for text, or not at all: also where it is run afterwards."""
    fake = tmp_path / "bin" / "tagline"
    fake.parent.mkdir()
    word = "$(touch pwned)`touch pwned`;'x"
    real = f'exec {sys.executable} -m tagline "$@"'
    fake.write_text(f'#!/bin/sh\n[ "$3" = -- ] || {real}\ncat <<"END"\nwords\n{word}\nEND\n')
    fake.chmod(0o755)
    told = environ(tmp_path)
    with terminal(shell, tmp_path, {**told, "PATH": f"{fake.parent}:{told['PATH']}"}) as there:
        assert there.complete("tagline show ") == (["show"] if shell == "bash" else ["show", word])
    assert not (tmp_path / "pwned").exists()
