"""``tagline query`` from its command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tagline.cli.main import main
from tests.support.gitbuild import Commit, History, Tag
from tests.support.gitbuild import build as build_repository
from tests.support.indexes import ROWS, build
from tests.support.printed import check


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
        (["SELECT 1 FROM version"], 2, "no table 'version' in an index. Did you mean versions?"),
        (["--named", "trained-on", "22a1a2931c8370d3aeedd7183606fd7f"], 2, "is no digest"),
        (["--named", "who-approved"], 2, "1 to 2 arguments, and 0 were given"),
        (["--named", "trained-on", "x", "y"], 2, "1 argument, and 2 were given"),
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


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    files = {"artifacts.yaml": "rf: {path: m, type: model, labels: [tabular], metrics: {accuracy: 0.9}}\n", "m": "x"}
    tags = (Tag("rf@v1.0.0", "c0"), Tag("rf#prod#1", "c0", time=1_700_000_001), Tag("rf@v1.1.0", "c1"))
    build_repository(folder, History((Commit("c0", files=files), Commit("c1", files=files)), tags), checkout=True)
    (folder / "inner").mkdir()
    return folder


def test_search__in_a_repository__needs_no_index(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(clone / "inner")
    assert main(["search", "stage:prod metric:accuracy>=0.9 label:tabular", "--json"]) == 0
    out = capsys.readouterr().out
    check(["search", "--json"], out)
    found = json.loads(out)["artifacts"]
    assert [(one["artifact"], one["version"], one["stages"]) for one in found] == [("rf", "v1.0.0", ["prod"])]
    assert found[0]["metrics"] == {"accuracy": 0.9}
    assert found[0]["repository"] == clone.resolve().as_uri()
    assert main(["query", "SELECT version FROM versions ORDER BY ALL", "--format", "csv"]) == 0
    assert capsys.readouterr().out == '"version"\r\n"v1.0.0"\r\n"v1.1.0"\n'


def test_search__of_an_index__is_a_table_of_the_newest(index: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "metric:accuracy", "--index", index]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "h/o/r       rf        v1.1.0           model  2023-11-16T02:00:00Z  accuracy=NaN",
        "1 row",
    ]
    assert main(["search", "metric:accuracy", "--index", index, "--all-versions", "--json"]) == 0
    out = capsys.readouterr().out
    check(["search", "--json"], out)
    assert [one["metrics"] for one in json.loads(out)["artifacts"]] == [{"accuracy": "NaN"}, {"accuracy": 0.91}]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["stge:prod"], "Did you mean stage?"),
        (["stage:prod", "--index", "x", "--repo", "."], "--index and --repo"),
        (["stage:prod", "--timeout", "2h"], "not between"),
        (["(stage:prod", "--json"], "not closed"),
    ],
)
def test_search__that_means_nothing__exits_with_2(
    arguments: list[str], told: str, clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(clone)
    assert main(["search", *arguments]) == 2
    out, err = capsys.readouterr()
    assert told in err
    assert ("error" in out) == ("--json" in arguments)
