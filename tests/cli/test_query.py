"""``tagline query`` from its command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tagline.cli.main import main
from tests.support.indexes import ROWS, build


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(build(tmp_path_factory.mktemp("index"), ROWS))


def test_query__named__is_printed(index: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", "--named", "in-stage-on", "2024-01-01", "--index", index, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "repository": "h/o/r",
            "artifact": "rf",
            "stage": "prod",
            "version": "v1.0.0",
            "since": "2023-11-14T22:13:21Z",
            "until": None,
            "change": "https://h/o/r/pull/7",
            "approved_by": ["alice"],
        }
    ]


def test_query__list__names_each_question_and_reads_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", "--list"]) == 0
    assert "in-stage-on DATE [STAGE]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["SELECT 1", "--format", "csv"], 0, '"1"\r\n1\n'),
        (["COPY (SELECT 1) TO 'x'"], 2, "It is COPY"),
        (["SELECT typo FROM stages"], 2, "typo"),
        (["SELECT count(*) FROM range(1000000000000)", "--timeout", "1s"], 1, "longer than 1 s"),
        (["SELECT length(repeat('x', 4000000000))", "--memory", "200MB"], 1, "more memory than 200 MB"),
        ([], 2, "Give one statement"),
        (["SELECT 1", "--list"], 2, "Give one statement"),
        (["--named", "prod-modles"], 2, "Did you mean prod-models?"),
        (["--named", "trained-on"], 2, "1 argument, and 0 were given"),
        (["--named", "in-stage-on", "yesterday"], 2, "no instant"),
        (["SELECT 1", "--timeout", "0s"], 2, "not between"),
        (["SELECT 1", "--memory", "1"], 2, "no size"),
    ],
)
def test_query__exit_code__says_how_it_ended(
    arguments: list[str], code: int, told: str, index: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["query", *arguments, "--index", index]) == code
    out, err = capsys.readouterr()
    assert told in (err if code else out)
    assert not (code and out)


def test_query__no_index_there__says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", "SELECT 1 FROM stages", "--index", str(tmp_path)]) == 2
    assert "tagline index" in capsys.readouterr().err
