"""An index of another release: more columns are none of its format, and an older format is made anew as one state."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from tagline.cli.main import main
from tagline.domain.index.listing import INDEX, decode
from tagline.domain.index.tables import FORMAT, TABLES
from tests.support.gitbuild import Commit, History, Tag, build, run_git
from tests.support.indexes import ROWS
from tests.support.indexes import build as build_index


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TAGLINE_CACHE", str(tmp_path / "cache"))
    build(tmp_path / "r.git", History((Commit("c0"),), (Tag("rf@v1.0.0", "c0"),)), bare=True)
    return tmp_path / "r.git"


def asked(index: Path, sql: str, capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    capsys.readouterr()
    assert main(["query", sql, "--index", str(index), "--json"]) == 0
    return [list(row.values()) for row in json.loads(capsys.readouterr().out)]


def without_last_column(index: Path, table: str) -> None:
    """The table as a release wrote it that did not know its last column."""
    document = json.loads((index / INDEX).read_text())
    for part in document["tables"][table]:
        file, last = index / part["file"], TABLES[table].names[-1]
        new = file.with_name(f"{'0' * 32}.parquet")
        duckdb.sql(f"COPY (SELECT * EXCLUDE ({last}) FROM '{file}') TO '{new}' (FORMAT parquet)")
        part.update(file=f"{table}/{new.name}", bytes=new.stat().st_size)
    document["columns"][table] -= 1
    (index / INDEX).write_text(json.dumps(document))


def test_columns__that_an_older_release_did_not_write__are_null_until_read_again(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = tmp_path / "index"
    assert main(["index", str(repository), "-o", str(index)]) == 0
    for table in ("repositories", "versions", "events", "cards"):
        without_last_column(index, table)
    assert asked(index, "SELECT branch, change FROM repositories, events", capsys) == [[None, None]]
    # The next run goes on from it: the same repository, another one, a changed one.
    build(tmp_path / "s.git", History((Commit("c0"),), (Tag("rf@v1.0.0", "c0"),)), bare=True)
    assert main(["index", str(repository), str(tmp_path / "s.git"), "-o", str(index)]) == 0
    assert asked(index, "SELECT branch FROM repositories ORDER BY ALL", capsys) == [["main"], [None]]
    run_git(repository, "tag", "--annotate", "rf@v1.1.0", "--message", "x", "main")
    assert main(["index", str(repository), str(tmp_path / "s.git"), "-o", str(index)]) == 0
    assert asked(index, "SELECT branch FROM repositories ORDER BY ALL", capsys) == [["main"], ["main"]]
    assert asked(index, "SELECT count(*) FROM versions", capsys) == [[3]]
    for table, parts in decode((index / INDEX).read_bytes(), "index").tables.items():
        for part in parts:
            assert tuple(duckdb.read_parquet(str(index / part.file)).columns) == TABLES[table].names


def test_columns__that_some_parts_lack__are_null_in_those(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As after a run of an older release into an index of a newer one."""
    index = build_index(tmp_path / "index", {**ROWS, "repositories": [(*ROWS["repositories"][0][:-1], "main")]})
    document = json.loads((index / INDEX).read_text()) | {"columns": {}}
    ((part,), new) = document["tables"]["repositories"], index / "repositories" / f"{'0' * 32}.parquet"
    duckdb.sql(f"COPY (SELECT * EXCLUDE (branch) FROM '{index / part['file']}') TO '{new}' (FORMAT parquet)")
    for order in (1, -1):
        document["tables"]["repositories"] = [part, {**part, "file": f"repositories/{new.name}"}][::order]
        (index / INDEX).write_text(json.dumps(document))
        assert asked(index, "SELECT branch FROM repositories ORDER BY ALL", capsys) == [["main"], [None]]


def test_format__of_an_older_release__is_replaced_in_one_step(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = build_index(tmp_path / "index", ROWS)
    document = json.loads((index / INDEX).read_text()) | {"format": FORMAT - 1, "others": "of that time"}
    (index / INDEX).write_text(json.dumps(document))
    old = sorted(index.glob("*/*.parquet"))
    for command in (["query", "SELECT 1 FROM stages", "--index"], ["index", str(repository), "--add", "-o"],
                    ["index", str(repository), "--shard", "1/2", "-o"]):  # fmt: skip
        assert main([*command, str(index)]) == 2, command
        assert f"format {FORMAT - 1}" in capsys.readouterr().err
        assert json.loads((index / INDEX).read_text()) == document
    assert main(["index", str(repository), "-o", str(index)]) == 0
    assert "every repository is read anew" in capsys.readouterr().err
    assert asked(index, "SELECT repository FROM repositories", capsys) == [[repository.as_uri()]]
    # Who began to read the old one can finish: its files stay a day.
    assert all(file.exists() for file in old)
    listing = decode((index / INDEX).read_bytes(), "index")
    assert {str(file.relative_to(index)) for file in old} <= set(listing.retired)
