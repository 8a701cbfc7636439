"""Completion: which words may follow, and what a real bash makes of them."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tagline.cli.commands import COMMANDS
from tagline.cli.completing import FILES, complete
from tagline.cli.completion import SHELLS, split
from tagline.domain.index.questions import QUESTIONS
from tagline.formats.yaml.keys import keys
from tests.support.completion import EVIL, asked, check_in, check_quoting, clone, environ

#: As an interactive bash has it.
BREAKS = " \t\n\"'@><=;|&(:"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone(tmp_path_factory.mktemp("completion") / "clone", hostile=True)


ARTIFACTS = ["churn", "fraud", "late", "sub:deep", "sub:other"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sh", ["show"]),
        ("--ver", ["--version"]),
        ("show ", ARTIFACTS),
        ("show f", ["fraud"]),
        ("show churn", ["churn", "churn#prod", "churn#staging", "churn#canary", "churn@v1.0.0", "churn@latest"]),
        ("show churn@", ["churn@v1.0.0", "churn@latest"]),
        ("diff churn#prod churn@l", ["churn@latest"]),
        ("diff churn#prod churn extra ", []),
        ("assign c", ["churn#"]),
        ("assign fraud#", ["fraud#prod", "fraud#canary"]),
        ("deregister churn@", ["churn@v1.0.0"]),
        ("register ", ARTIFACTS),
        ("register churn --version ", ["v1.0.0"]),
        ("rollback --to v9 churn#prod --from ", ["v1.0.0"]),
        ("history --at ", ["prod", "staging", "canary"]),
        ("history --at=st", ["--at=staging"]),
        ("check-ref ch", ["churn@v1.0.0", "churn@v1.1.0", "churn@v1.1.0!", "churn#prod#1", "churn#staging#1"]),
        ("propose fr", ["fraud"]),
        ("propose churn ", ["v1.0.0"]),
        ("propose churn v1.0.0 st", ["staging"]),
        ("fetch --locked -o x ", ["score", "d:e"]),
        ("pin --update s", ["score"]),
        ("fetch --locked --file none.lock ", []),
        ("labels ", ["sync"]),
        ("query --named ", list(QUESTIONS)),
        ("query --named who", ["who-approved"]),
        ("resolve churn --if-superseded ", ["fail", "skip", "run"]),
        ("assign churn#prod --lift --ver", ["--version"]),
        ("show --all --a", ["--as-of"]),
        ("show -- --a", []),
        ("show --repo org/other ", []),
        ("show --repo . f", ["fraud"]),
        ("show --repo ./none ", []),
        ("show --remote ", []),
        ("nonsense ", []),
        ("completion ", list(SHELLS)),
    ],
)
def test_complete__each_place_of_a_line__has_its_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch, line: str, words: list[str]
) -> None:
    monkeypatch.chdir(folder)
    found = complete(line.split(" "), folder)
    assert found is not FILES
    assert sorted(one.word for one in found) == sorted(words)


@pytest.mark.parametrize("line", ["fetch churn -o ", "validate ", "show --repo ", "lineage churn --output=x"])
def test_complete__a_file__is_left_to_the_shell(folder: Path, line: str) -> None:
    assert complete(line.split(" "), folder) is FILES


def test_complete__nothing_typed__offers_every_command_with_its_help(folder: Path) -> None:
    found = complete([""], folder)
    assert found is not FILES
    assert [one.word for one in found] == [one.name for one in COMMANDS]
    assert all(one.help for one in found)
    for command in COMMANDS:
        assert complete([command.name, "--he"], folder) == [("--help", "show this help message and exit")]


@pytest.mark.parametrize(
    ("line", "words", "kept"),
    [
        ("tagline show ", ["tagline", "show", ""], 0),
        ("tagline  show sub:de", ["tagline", "show", "sub:de"], 4),
        ("tagline show churn@v1", ["tagline", "show", "churn@v1"], 5),
        ("tagline show 'sub:de", ["tagline", "show", "sub:de"], 0),
        ("tagline show 'sub:'de", ["tagline", "show", "sub:de"], 0),
        (r"tagline show a\ b", ["tagline", "show", "a b"], 0),
        ("tagline show $(touch x) `y`", ["tagline", "show", "$(touch", "x)", "`y`"], 0),
        ('tagline show "a\\"b" \'', ["tagline", "show", 'a"b', ""], 0),
        ("", [""], 0),
    ],
)
def test_split__a_line_of_bash__is_words_and_expands_nothing(line: str, words: list[str], kept: int) -> None:
    assert split(line, BREAKS) == (words, kept)


def test_keys__of_hostile_yaml__are_those_before_it_breaks() -> None:
    assert keys(b"a: {x: 1}\n? [b]\n: 1\n? {c: d}\n: e\nlast: [y: 1]\n") == ["a", "last"]
    assert keys(b"stages: {p: {q: 1}, r: [s]}\nother: {t: 1}", "stages") == ["p", "r"]
    assert keys(b"a: 1\nb: 'open") == ["a", "b"]
    assert keys(b"- a: 1\n") == keys(b"\xff\x00") == keys(b"") == keys(b"- [{stages: {a: b}}]", "stages") == []
    assert keys(b"[" * 100_000) == []


def test_answer__in_a_hostile_clone__is_names_by_the_grammar_alone(folder: Path, tmp_path: Path) -> None:
    said = asked("bash", folder, "tagline show ", BREAKS)
    assert said == ["words", *ARTIFACTS]
    assert not any(name in line for name in EVIL for line in asked("zsh", folder, "tagline", "history", "--at", ""))
    assert asked("fish", folder, "tagline", "nonsense", "") == ["words"]
    assert asked("bash", tmp_path, "tagline show ", BREAKS) == ["words"]
    assert asked("bash", folder, "tagline show sub:", BREAKS) == ["words", "deep", "other"]
    assert asked("bash", folder) == ["words", *(one.name for one in COMMANDS)]
    assert asked("zsh", folder)[1:] == [f"{one.name}\t{one.help}" for one in COMMANDS]
    # Without tags, without a work tree, in a linked one, and where .git is anything.
    subprocess.run(["git", "worktree", "add", "-q", tmp_path / "linked"], cwd=folder, check=True, capture_output=True)
    assert asked("bash", tmp_path / "linked", "tagline show churn@", BREAKS) == ["words", "@v1.0.0", "@latest"]
    subprocess.run(["git", "clone", "-q", "--mirror", folder, tmp_path / "bare"], check=True, capture_output=True)
    assert "late" in asked("bash", tmp_path / "bare", "tagline show l", BREAKS)
    for odd in (b"gitdir: /nonsense", b"", b"\xff" * 9000):
        (tmp_path / "odd").mkdir(exist_ok=True)
        (tmp_path / "odd" / ".git").write_bytes(odd)
        assert asked("bash", tmp_path / "odd", "tagline show ", BREAKS) == ["words"]


def test_answer__of_many_tags__comes_before_anybody_waits(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "many"
    shutil.copytree(folder, copy, symlinks=True)
    with (copy / ".git" / "packed-refs").open("a") as file:
        file.writelines(f"{'0' * 40} refs/tags/m{n % 500}@v0.{n}.0\n" for n in range(20_000))
    begun = time.process_time()
    found = complete(["show", "m4"], copy)
    assert time.process_time() - begun < 1
    assert found is not FILES
    assert len(found) == 111


def test_bash__at_a_terminal__completes_names_and_runs_nothing(tmp_path: Path) -> None:
    check_in("bash", tmp_path)


def test_bash__a_word_that_is_no_name__is_not_taken(tmp_path: Path) -> None:
    check_quoting("bash", tmp_path)


def test_bash__the_function_itself__fills_compreply(folder: Path) -> None:
    script = """
source <(tagline completion bash)
ask() { COMP_LINE=$1 COMP_POINT=${#1}; _tagline tagline; printf '<%s>' "${COMPREPLY[@]}"; echo; }
ask "tagline show churn@"; ask "tagline show 'sub:"; ask "tagline nonsense x"; ask "tagline fetch -o "
COMP_LINE="tagline show frau and more" COMP_POINT=17; _tagline; echo "${COMPREPLY[@]}"
"""
    env = environ(folder)
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["<@v1.0.0><@latest>", "<sub:deep><sub:other>", "<>", "<>", "fraud"]
