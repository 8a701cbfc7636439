"""What a statement may do, tried: everything that reads or writes elsewhere, and everything that takes too much."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tagline.adapters.index.engine import DataSetEngine, RowsEngine
from tagline.adapters.index.folder import Folder, ReadDataSet
from tagline.domain.index.questions import QUESTIONS
from tagline.domain.index.tables import TABLES
from tagline.errors import Exit, PlatformRefused, Refused, TaglineError, WrongUsage
from tagline.ports.engine import Engine, Limits, Question
from tests.support.indexes import HOSTILE, ROWS, build, bytes_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("index"), ROWS)


@pytest.fixture(params=["files", "rows"])
def engine(request: pytest.FixtureRequest, folder: Path) -> Engine:
    return DataSetEngine(ReadDataSet(Folder(folder))) if request.param == "files" else RowsEngine(ROWS)


def test_engine__both_kinds__answer_every_table_alike(engine: Engine) -> None:
    for name, table in TABLES.items():
        answer = engine.ask(Question(f"SELECT * FROM {name}"))
        assert answer.columns == table.names
        assert answer.kinds == tuple(one.kind for one in table.columns)
        assert len(answer.rows) == len(ROWS[name])
    metrics = engine.ask(Question("SELECT value FROM metrics ORDER BY version")).rows
    assert metrics[0] == [0.91]
    assert math.isnan(metrics[1][0])
    since = engine.ask(Question("SELECT since FROM stages")).rows
    assert since == [["2023-11-14T22:13:21Z"]]


@pytest.mark.parametrize("name", QUESTIONS)
def test_question__named__is_answered(name: str, engine: Engine) -> None:
    words = {
        "who-approved": ["rf"],
        "trained-on": ["md5:dd"],
        "in-stage-on": ["2024-01-01"],
        "metric-over-versions": ["rf", "accuracy"],
    }
    one = QUESTIONS[name]
    answer = engine.ask(Question(one.sql, one.bind(words.get(name, [])), one.tables))
    assert [row[1] for row in answer.rows][:1] == ["rf"]
    of_kind = {"text": HOSTILE, "instant": "2024-01-01", "digest": "md5:'OR'1'='1"}
    hostile = [of_kind[parameter.kind] for parameter in one.parameters]
    assert engine.ask(Question(one.sql, one.bind(hostile), one.tables)).rows == []


#: What is of type SELECT, or is not, and reads or writes more than the tables. FILE is a part of the index, COPY the
#: private copy of it, DIR a folder beside the index.
ESCAPES = (
    "", "-- nothing", "SELECT 1; SELECT 2", "SELECT 1; COPY (SELECT 1) TO 'DIR/out.csv'",
    "COPY (SELECT 1) TO 'DIR/out.csv'", "COPY stages TO 'FILE' (FORMAT parquet)", "ATTACH 'DIR/a.db'",
    "EXPORT DATABASE 'DIR/out'", "IMPORT DATABASE 'DIR'", "INSTALL httpfs", "LOAD httpfs",
    "LOAD 'DIR/x.duckdb_extension'",
    "SET threads = 64", "SET enable_external_access = true", "SET lock_configuration = false", "RESET memory_limit",
    "PRAGMA enable_profiling", "PRAGMA database_list", "CALL enable_logging()", "CHECKPOINT", "VACUUM",
    "CREATE TABLE t AS SELECT 1", "CREATE VIEW versions AS SELECT 1", "CREATE MACRO f() AS 1",
    "CREATE SECRET (TYPE s3)",
    "DROP VIEW stages", "INSERT INTO stages SELECT * FROM stages", "DELETE FROM stages",
    "UPDATE stages SET stage = 'x'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO 'DIR/out.csv'", "PREPARE p AS SELECT 1", "BEGIN", "USE memory",
    "PIVOT stages ON stage", "SELECT $1", "SELECT ?",
    # Of type SELECT.
    "WITH x AS (COPY (SELECT 1) TO 'DIR/out.csv') SELECT * FROM x",
    "WITH x AS (COPY (SELECT 1) TO 'FILE' (FORMAT csv, USE_TMP_FILE false)) SELECT * FROM x",
    "WITH x AS (COPY (SELECT 1) TO 'COPY' (FORMAT csv, USE_TMP_FILE false)) SELECT * FROM x, stages",
    "WITH x AS (INSERT INTO stages SELECT * FROM stages RETURNING *) SELECT * FROM x",
    "WITH x AS (DELETE FROM stages RETURNING *) SELECT * FROM x",
    "WITH x AS (UPDATE stages SET stage = 'x' RETURNING *) SELECT * FROM x",
    "SELECT * FROM (WITH x AS (DELETE FROM stages RETURNING *) SELECT * FROM x)",
    "SELECT * FROM query('COPY (SELECT 1) TO ''DIR/out.csv''')",
    "SELECT * FROM query('SELECT 1; COPY (SELECT 1) TO ''DIR/out.csv''')",
    "SELECT * FROM query('WITH x AS (DELETE FROM stages RETURNING *) SELECT * FROM x')",
    "SELECT 1) TO 'DIR/out.csv'; --", "SELECT 1'); COPY (SELECT 1) TO 'DIR/out.csv'; --",
    "SELECT * FROM read_text('DIR/secret')", "SELECT * FROM read_blob('DIR/secret')",
    "SELECT * FROM read_csv('DIR/secret')", "SELECT * FROM read_json('DIR/secret')", "SELECT * FROM 'DIR/secret.csv'",
    "SELECT * FROM read_parquet('FILE')", "SELECT * FROM 'FILE'", "SELECT * FROM parquet_metadata('FILE')",
    "SELECT * FROM read_duckdb('DIR/a.db')", "SELECT * FROM sniff_csv('DIR/secret')", "SELECT * FROM glob('DIR/*')",
    "SELECT * FROM glob('/tmp/*')", "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM read_parquet('http://127.0.0.1:9/x')", "SELECT * FROM read_parquet('s3://bucket/x')",
    "SELECT getenv('HOME')", "SELECT * FROM duckdb_secrets()", "SELECT * FROM which_secret('s3://a', 's3')",
    "SELECT * FROM enable_logging()", "SELECT * FROM enable_profiling()", "SELECT * FROM add_grammar_extension('a')",
    "SELECT * FROM worker", "SELECT * FROM job", "SELECT * FROM rows", "SELECT * FROM python_map_function()",
    "SELECT * FROM sql_auto_complete('S')", "SELECT set_config('threads', '64')",
    "SELECT " + "(" * 5000 + "1" + ")" * 5000,
    "SELECT 'a\x00b' FROM nothing", "SELECT '\udcff'",
)  # fmt: skip


def test_statement__that_is_more_than_a_select__is_refused_and_does_nothing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    (tmp_path / "secret.csv").write_text("a\nhunter2")
    before, beside = bytes_of(folder), bytes_of(tmp_path)
    part = next((folder / "stages").iterdir())
    passed, told = [], []
    for statement in ESCAPES:
        sql = statement.replace("FILE", str(part)).replace("DIR", str(tmp_path)).replace("COPY'", "0.parquet'")
        try:
            DataSetEngine(ReadDataSet(Folder(folder))).ask(Question(sql))
            passed.append(statement)
        except WrongUsage as error:
            told.append(error.message)
    assert passed == []
    assert "tagline-scratch-" not in "".join(told)  # nor is it said where the private copy is
    assert bytes_of(folder) == before
    assert bytes_of(tmp_path) == beside


def test_settings__shown__hold_nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "AWS_SECRET_ACCESS_KEY", "TAGLINE_TOKEN"):
        monkeypatch.setenv(name, "http://user:hunter2@proxy")
    settings = RowsEngine({}).ask(Question("SELECT name, value FROM duckdb_settings()")).rows
    assert len(settings) > 50
    assert "hunter2" not in str(settings)
    assert str(Path.home()) not in {row[1] for row in settings}


#: What takes too much, by how it ends.
LIMITS: Mapping[str, tuple[str, ...]] = {
    "query-timeout": (
        "SELECT count(*) FROM range(1000000000000)",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
        "SELECT a.range FROM range(1000000) a, range(1000000) b ORDER BY random()",
        # It does not let itself be interrupted.
        "SELECT length(lpad('x', 2000000000, 'y'))",
    ),
    "query-memory": (
        "SELECT length(repeat('x', 4000000000))",
        "SELECT length(range(1000000000))",
        "SELECT list(i) FROM range(1000000000) t(i)",
    ),
    "query-answer": ("SELECT repeat('x', 1000000) FROM range(100)", "FROM range(1000000000)"),
}


@pytest.mark.parametrize(("code", "sql"), [(code, sql) for code, many in LIMITS.items() for sql in many])
def test_statement__that_takes_too_much__ends_in_time(code: str, sql: str) -> None:
    begun = time.monotonic()
    with pytest.raises(Refused) as caught:
        RowsEngine({}).ask(Question(sql), Limits(2 if code == "query-timeout" else 20, 300_000_000, 1_000_000))
    assert caught.value.code == code
    assert caught.value.exit_code == Exit.FINDINGS
    assert time.monotonic() - begun < 20


def test_cells__of_every_type__are_what_json_has() -> None:
    sql = """
        SELECT 1.5::DECIMAL(4, 1) AS d, 3::HUGEINT AS h, {'a': [1, NULL]} AS s, MAP {1: 'x'} AS m, INTERVAL 1 DAY AS i,
          '\\x01'::BLOB AS b, DATE '2026-01-02' AS day, TIME '10:00' AS t, to_timestamp(0) AS at, TRUE AS yes,
          to_timestamp(0.5) AS half, [to_timestamp(0)] AS many, uuid() AS u
    """
    row = RowsEngine({}).ask(Question(sql)).rows[0]
    assert row[:-1] == [
        1.5, 3, {"a": [1, None]}, {"1": "x"}, "1 day, 0:00:00", "\\x01", "2026-01-02", "10:00:00",
        "1970-01-01T00:00:00Z", True, "1970-01-01T00:00:00.500000Z", ["1970-01-01T00:00:00Z"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("WITH x AS (SELECT stage FROM stages) SELECT * FROM x -- and so on", [["prod"]]),
        ("FROM stages SELECT stage;", [["prod"]]),
        ("SELECT count(*) FROM query_table('sta' || 'ges')", [[1]]),
        ("SELECT * FROM query('SELECT artifact FROM ' || 'artifacts')", [["rf"]]),
        ("SELECT list_transform([1, 2], lambda x: x + 1)", [[[2, 3]]]),
        ("SELECT count(*) FROM (DESCRIBE versions)", [[len(TABLES["versions"].columns)]]),
        ("SELECT 1 AS a, 2 AS a ORDER BY ALL", [[1, 2]]),
        ("SELECT 'COPY x TO y; DROP TABLE versions'", [["COPY x TO y; DROP TABLE versions"]]),
    ],
)
def test_statement__that_only_reads__is_answered(sql: str, found: list[list[object]], engine: Engine) -> None:
    assert engine.ask(Question(sql)).rows == found


def test_tables__of_hostile_cells__come_back_as_they_are(tmp_path: Path) -> None:
    rows = {
        name: [
            tuple(
                HOSTILE if one.kind == "VARCHAR" else [HOSTILE] if one.kind == "VARCHAR[]" else None if one.nullable
                else 0 if one.kind != "BOOLEAN" else False
                for one in table.columns
            )
        ]
        for name, table in TABLES.items()
    }  # fmt: skip
    for engine in (RowsEngine(rows), DataSetEngine(ReadDataSet(Folder(build(tmp_path, rows))))):
        for name, table in TABLES.items():
            row = engine.ask(Question(f"SELECT * FROM {name}")).rows[0]
            assert {str(cell) for cell, one in zip(row, table.columns, strict=True) if one.kind == "VARCHAR"} == {
                HOSTILE
            }


def test_killed__with_its_private_copy__the_next_question_clears_that_and_no_other(
    folder: Path, tmp_path: Path
) -> None:
    def started(sql: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tagline", "query", sql, "--index", str(folder)]
        return subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.DEVNULL)

    def copies() -> set[Path]:
        return {file.parents[1] for file in tmp_path.glob("tagline-scratch-*/tagline-query-*/stages/*.parquet")}

    kept = tmp_path / "tagline-query-link"
    kept.symlink_to(folder / "stages")
    long = "SELECT count(*) FROM stages, range(1000000000000)"
    killed = started(long)
    _until(lambda: bool(copies()))
    (left,) = copies()
    (worker,) = "".join(file.read_text() for file in Path(f"/proc/{killed.pid}/task").glob("*/children")).split()
    killed.kill()
    killed.wait()
    alive = started(long)
    try:
        _until(lambda: bool(copies()) and left not in copies())
        (of_alive,) = copies()
        assert started("SELECT 1").wait(60) == 0
        assert copies() == {of_alive}
        assert kept.is_symlink()
        # Nor does its process go on for nobody.
        _until(lambda: not _runs(worker))
    finally:
        alive.terminate()
        alive.wait()


def _runs(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("break_it", "kind"),
    [
        (lambda folder: next((folder / "stages").iterdir()).write_bytes(b"no parquet"), PlatformRefused),
        (lambda folder: next((folder / "stages").iterdir()).unlink(), PlatformRefused),
        (lambda folder: (folder / "index.json").write_text("{"), WrongUsage),
        (lambda folder: (folder / "index.json").unlink(), WrongUsage),
        (lambda folder: _replace(folder, "stages/", "stages/../"), WrongUsage),
        (lambda folder: _replace(folder, '"format": 1', '"format": 99'), WrongUsage),
        (lambda folder: _replace(folder, '"rows": 1', '"rows": Infinity'), WrongUsage),
        (lambda folder: _replace(folder, '"rows": 1', '"rows": -1'), WrongUsage),
        (lambda folder: _replace(folder, '"buckets": [0]', '"buckets": [256]'), WrongUsage),
        (lambda folder: _replace(folder, '"file": "stages/', '"file": "versions/'), WrongUsage),
        (lambda folder: _replace(folder, '"stages": [', '"stages": [' + _part_of(folder, "stages") + ", "), WrongUsage),
    ],
)
def test_index__that_is_broken__is_told(break_it: object, kind: type[TaglineError], tmp_path: Path) -> None:
    build(tmp_path, ROWS)
    assert callable(break_it)
    break_it(tmp_path)
    with pytest.raises(kind):
        DataSetEngine(ReadDataSet(Folder(tmp_path))).ask(Question("SELECT * FROM stages"))


def _part_of(folder: Path, table: str) -> str:
    return json.dumps(json.loads((folder / "index.json").read_text())["tables"][table][0])


def _replace(folder: Path, old: str, new: str) -> None:
    text = (folder / "index.json").read_text()
    assert old in text
    (folder / "index.json").write_text(text.replace(old, new))
