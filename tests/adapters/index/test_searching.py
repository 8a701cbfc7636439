"""What searches find: the vectors, by the SQL that they are compiled to."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tagline.domain.index.questions import QUESTIONS
from tagline.domain.index.rows import About, Registry, Row, repository_rows
from tagline.domain.index.tables import TABLES, Column
from tagline.domain.ledger.events import RawTag, read_events
from tagline.domain.ledger.registry import ArtifactState, state_of
from tagline.domain.search.compiling import COLUMNS, compile_search, version_key
from tagline.domain.search.reading import read_search
from tagline.domain.text.times import format_time, parse_time
from tests.support.indexes import HOSTILE, into

VECTORS = json.loads((Path(__file__).parents[3] / "schemas" / "search" / "vectors.json").read_text())


def _cell(column: Column, value: Any) -> Any:
    if value is not None and column.kind.startswith("TIMESTAMP"):
        return parse_time(value)
    return float(value) if isinstance(value, str) and column.kind == "DOUBLE" else value


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    rows = {}
    for name, found in VECTORS["data"].items():
        columns = TABLES[name].columns
        assert all(set(row) <= {one.name for one in columns} for row in found)
        rows[name] = [[_cell(one, row.get(one.name)) for one in columns] for row in found]
    with duckdb.connect() as made:
        made.execute("SET TimeZone = 'UTC'; SET threads = 1")
        into(made, rows)
        yield made


@pytest.mark.parametrize("vector", VECTORS["searches"], ids=lambda vector: vector["query"])
def test_search__of_the_vectors__finds_these(vector: dict[str, Any], connection: duckdb.DuckDBPyConnection) -> None:
    for name, all_versions in (("found", False), ("all", True)):
        compiled = compile_search(read_search(vector["query"]), all_versions=all_versions)
        answer = connection.execute(compiled.sql, list(compiled.parameters))
        assert tuple(column[0] for column in answer.description) == COLUMNS
        told = [dict(zip(COLUMNS, row, strict=True)) for row in answer.fetchall()]
        found = [f"{one['repository'].split('/')[-1]} {one['artifact']}@{one['version']}" for one in told]
        assert found == vector[name]


def test_search__hostile_text__is_nothing_but_text(connection: duckdb.DuckDBPyConnection) -> None:
    quoted = json.dumps(HOSTILE[:200], ensure_ascii=False).replace("\\u", "u")
    for key in ("", "artifact:", "repository=", "type:", "label:", "owner:", "stage:", "version:", "input:", "change:",
                "approved:", "param:", "metric:", "param:x="):  # fmt: skip
        compiled = compile_search(read_search(f"{key}{quoted}"))
        assert HOSTILE[:20] not in compiled.sql
        assert connection.execute(compiled.sql, list(compiled.parameters)).fetchall() == []


@pytest.mark.parametrize(
    ("key", "value"), [("artifact", "a%"), ("artifact", "c_urn"), ("label", "tab%"), ("stage", "p\\rod")]
)
def test_pattern__signs_of_like__are_themselves(key: str, value: str, connection: duckdb.DuckDBPyConnection) -> None:
    compiled = compile_search(read_search(f"{key}:{value}*"))
    assert connection.execute(compiled.sql, list(compiled.parameters)).fetchall() == []


def test_versions__in_sql__are_in_the_order_of_semver(connection: duckdb.DuckDBPyConnection) -> None:
    from tagline.domain.ledger.versions import precedence

    versions = [
        "v0.0.1", "v0.0.2-rc.1", "v1.0.0-alpha", "v1.0.0-alpha.1", "v1.0.0-alpha.beta", "v1.0.0-beta", "v1.0.0-beta.2",
        "v1.0.0-beta.11", "v1.0.0-rc.1", "v1.0.0-0", "v1.0.0-1a", "v1.0.0--", "v1.0.0", "v1.2.0", "v1.10.0", "v2.0.0",
        "v10.0.0", "v100000000000000000000.0.0", "v99999999999999999999.0.0", "v1.0.0-rc.1+b.2",
        "v1.0.0-99999999999999999999",
    ]  # fmt: skip
    ordered = connection.execute(
        f"SELECT v FROM (SELECT unnest($1) AS v) ORDER BY {version_key('v')}, v", [versions]
    ).fetchall()
    assert [row[0] for row in ordered] == sorted(versions, key=lambda one: (precedence(one), one))


def test_search_and_in_stage_on__at_every_second_of_any_history__say_what_the_ledger_says() -> None:
    """Also where events share a second, a version is registered twice, and two differ in build metadata alone."""
    histories = {f"h/o/{number:02}": _history(random.Random(number)) for number in range(40)}
    rows: dict[str, list[Row]] = {}
    for name, tags in histories.items():
        registry = Registry(_states(tags), {tag.name: tag for tag in tags}, {}, {})
        for table, some in repository_rows(About(name, name, "git"), registry).items():
            rows.setdefault(table, []).extend(some)
    with duckdb.connect() as made:
        made.execute("SET TimeZone = 'UTC'; SET threads = 1")
        into(made, rows)
        for at in (None, *range(9)):
            asked = read_search("" if at is None else f"as-of:{format_time(at)}")
            states = [(name, state) for name, tags in histories.items() for state in _states(tags, at)]
            active = [(name, state) for name, state in states if not state.deprecated and state.latest]
            compiled = compile_search(asked, all_versions=True)
            found = [row[:4] for row in made.execute(compiled.sql, list(compiled.parameters)).fetchall()]
            assert found == [
                (name, state.name, row.version, sorted(row.stages))
                for name, state in active
                for row in state.versions
                if row.active
            ], at
            compiled = compile_search(asked)
            newest = [row[:3] for row in made.execute(compiled.sql, list(compiled.parameters)).fetchall()]
            assert at is not None or newest == [
                (name, one.name, one.latest.version) for name, one in active if one.latest
            ]
            question = QUESTIONS["in-stage-on"]
            for stage in ("prod", "1") if at is not None else ():
                held = made.execute(question.sql, list(question.bind([format_time(at or 0), stage]))).fetchall()
                assert [row[:4] for row in held] == [
                    (name, state.name, stage, state.stages[stage].version)
                    for name, state in states
                    if stage in state.stages
                ], at


def test_metric_over_versions__registered_in_one_second__is_in_the_order_of_numbers() -> None:
    versions = ["v1.10.0", "v1.2.0", "v1.9.0"]
    rows: dict[str, list[Row]] = {
        "versions": [("r", "public", "rf", one, "c", "t", 9, True, *[None] * 6) for one in versions],
        "metrics": [("r", "public", "rf", one, "auc", float(one.split(".")[1]), None) for one in versions],
    }
    question = QUESTIONS["metric-over-versions"]
    with duckdb.connect() as made:
        into(made, rows)
        found = made.execute(question.sql, list(question.bind(["rf", "auc"]))).fetchall()
    assert [(row[2], row[5]) for row in found] == [("v1.2.0", None), ("v1.9.0", 7.0), ("v1.10.0", 1.0)]


def _states(tags: list[RawTag], at: int | None = None) -> list[ArtifactState]:
    reading = read_events(tags)
    states = [state_of(reading, name, at) for name in sorted(reading.events)]
    return [state for state in states if state.events]


def _history(chance: random.Random) -> list[RawTag]:
    """Tags as GTO and Tagline make them, in a few seconds, with a counter or without."""
    names = {}
    for _ in range(chance.randint(1, 12)):
        version = chance.choice(["v1.0.0", "v1.0.0+b", "v1.1.0", "v2.0.0-rc.1"])
        stage = chance.choice(["prod", "1"])
        event = chance.choice(
            [f"@{version}", f"@{version}", f"#{stage}", f"#{stage}", f"@{version}!", f"#{stage}!", "@deprecated"]
        )
        counter = chance.choice(["", f"#{chance.randint(0, 12)}"])
        names[f"{chance.choice(['rf', 'd=x'])}{event}{counter}"] = (
            chance.randint(0, 7),
            f"{chance.randint(0, 2):040x}",
        )
    return [RawTag(name, "o", "tag", commit, "commit", time, name) for name, (time, commit) in names.items()]
