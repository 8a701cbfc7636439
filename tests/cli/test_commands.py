"""The grammar of one command is that of the whole command line."""

from __future__ import annotations

import pytest

from tagline.cli.commands import BY_NAME, parser
from tagline.cli.main import main
from tagline.cli.slips import _ELSEWHERE
from tagline.errors import TaglineError


@pytest.mark.parametrize("name", BY_NAME)
def test_parser__of_one_command__reads_and_helps_as_the_whole_one(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        [name, "--help"],
        [name],
        [name, "rf"],
        [name, "rf", "prod", "v1.0.0"],
        [name, "--jsn"],
        [name, "--version"],
    ]
    for line in lines:
        assert _outcome(line, name, capsys) == _outcome(line, None, capsys), line


@pytest.mark.parametrize("line", [[], ["--help"], ["--version"], ["shwo", "rf"], ["--json", "show"]])
def test_parser__of_no_command__is_the_whole_one(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    first = line[0] if line else None
    assert _outcome(line, first, capsys) == _outcome(line, None, capsys)


def _outcome(line: list[str], command: str | None, capsys: pytest.CaptureFixture[str]) -> object:
    """What comes of a line: what was chosen, or the error; and what was printed."""
    try:
        found: object = vars(parser(command).parse_args(line))
    except TaglineError as error:
        found = (error.code, error.message, error.hint)
    except SystemExit as ended:
        found = ended.code
    return found, capsys.readouterr()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["sql"], "tagline query"),
        (["find"], "tagline search"),
        (["dashboard"], "tagline site"),
        (["download"], "tagline fetch"),
        (["search", "stage:prod", "metric:a"], "Quote the whole: tagline search 'stage:prod metric:a'"),
        (["resolve", "churn", "prod"], "tagline resolve churn#prod"),
    ],
)
def test_main__a_slip_of_the_hand__is_told_what_was_meant(
    line: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line) == 2
    assert told in capsys.readouterr().err


def test_slips__words_of_other_tools__are_no_commands_of_ours() -> None:
    assert set(_ELSEWHERE) <= {*BY_NAME, "--help", "--version"}
    words = [word for words in _ELSEWHERE.values() for word in words]
    assert len(words) == len(set(words))
    assert not set(words) & set(BY_NAME)
