"""The process that asks DuckDB: it has no environment, no files but those that it was given, and little memory.

Its standard input is one JSON document, ``engine`` says which; its output is lines of JSON: the columns, then rows in
pieces, then how it ended. It is a process of its own because DuckDB's limit of memory does not bound one large value,
nor its interruption one long function: the kernel's limits and its alarm bound both.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from tagline.adapters.index.sql import named, of_mixed_releases, quoted

#: Beside the engine's own limit: the interpreter, and what DuckDB has before its first question.
_BESIDE = 400_000_000
#: Seconds after which the kernel ends what does not let itself be interrupted.
_GRACE = 2
#: Seconds between two looks for who asked.
_LOOK = 0.5
#: Rows that become one line.
_PIECE = 500
#: Characters of an error that are passed on.
_LONGEST = 600
Job = Mapping[str, Any]


class Failure(Exception):
    """How it ended: ``kind`` is timeout, memory, answer, refused, wrong, broken or missing."""

    def __init__(self, kind: str, message: str = "") -> None:
        self.kind, self.message = kind, message
        super().__init__(kind, message)


def main() -> None:
    """Answer the one question that stands on standard input."""
    os.environ.clear()  # what the engine's settings show must hold nothing of this machine's
    try:
        duckdb = _engine()  # before the question is there, since that takes about as long
        job = json.loads(sys.stdin.buffer.read())
        os.environ.update({"HOME": job["folder"], "TZ": "UTC"})
        _bound(job)
        _answer(duckdb, job)
        _say({"end": "done"})
    except Failure as failure:
        _say({"end": failure.kind, "message": failure.message[:_LONGEST]})
    except MemoryError:
        _say({"end": "memory"})
    sys.stdout.flush()
    os._exit(0)  # nothing is left to be tidied up, and tidying up a large answer takes long


def _bound(job: Job) -> None:
    most = job["memory"] * 5 // 4 + _BESIDE
    for what, limit in ((resource.RLIMIT_DATA, most), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    signal.alarm(job["seconds"] + _GRACE)


def _say(what: Any, most: int = 10_000) -> int:
    """Write a line of at most so many characters; how many it has."""
    line = json.dumps(what, default=_plain)
    if len(line) > most:
        raise Failure("answer")
    sys.stdout.write(line + "\n")
    return len(line) + 1


def _answer(duckdb: Any, job: Job) -> None:
    try:
        connection = _opened(duckdb, job)
    except duckdb.Error as error:
        raise Failure("broken", _first_line(error)) from error
    deadline = time.monotonic() + job["seconds"]
    done = threading.Event()
    threading.Thread(target=_interrupt, args=(connection, job, done), daemon=True).start()
    try:
        if job["checked"]:
            _check(duckdb, connection, job["sql"])
        result = connection.execute(job["sql"], job["parameters"])
        columns = [(name, str(kind)) for name, kind, *_ in result.description or ()]
        left = job["answer"] - _say({"columns": columns}, job["answer"])
        while rows := result.fetchmany(_PIECE):
            left -= _say(rows if all(map(_simple, columns)) else [list(map(_safe, row)) for row in rows], left)
            if time.monotonic() > deadline:
                raise Failure("timeout")
    except duckdb.InterruptException as error:
        raise Failure("timeout") from error
    except duckdb.OutOfMemoryException as error:
        raise Failure("memory", _first_line(error)) from error
    except duckdb.PermissionException as error:
        raise Failure("refused", _first_line(error)) from error
    except duckdb.Error as error:
        raise Failure("wrong", _first_line(error)) from error
    except (ValueError, OverflowError) as error:  # an instant beyond the calendar; text that is no Unicode
        raise Failure("wrong", f"A value cannot be shown: {error}") from error
    finally:
        done.set()


def _engine() -> Any:
    """DuckDB. Its inner module has all that is needed here, and takes a third of the time to be imported."""
    import importlib

    for name in ("_duckdb", "duckdb"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing = error
    raise Failure("missing", str(missing))


def _interrupt(connection: Any, job: Job, done: threading.Event) -> None:
    """Interrupt again and again: between two steps there is nothing to be interrupted.

    Who asked may be killed before: then nobody waits for the answer.
    """
    deadline = time.monotonic() + job["seconds"]
    while not done.wait(max(0.05, min(_LOOK, deadline - time.monotonic()))):
        if os.getppid() != job["asking"]:
            os._exit(1)
        if time.monotonic() >= deadline:
            connection.interrupt()


def _check(duckdb: Any, connection: Any, sql: str) -> None:
    """Raise a Failure for what is more, or other, than one SELECT that reads.

    ``WITH x AS (COPY ... TO ...)`` and its like are of type SELECT too, and forbidden inside of another statement only.
    """
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise Failure("refused", f"{len(statements) or 'No'} statements were given.")
    kind = statements[0].type
    if kind != duckdb.StatementType.SELECT:
        name = str(kind).rpartition(".")[2]
        raise Failure("refused", "PIVOT as a statement makes a type first." if name == "MULTI" else f"It is {name}.")
    if statements[0].named_parameters:
        raise Failure("wrong", "It has parameters ($1, ?), and a statement of yours is given none.")
    try:
        connection.execute(f"EXPLAIN SELECT * FROM query({quoted(sql)})")
    except duckdb.Error as error:
        if "at the top level" in str(error) or "single SELECT" in str(error):
            raise Failure("refused", "A part of it writes.") from error
        raise


def _opened(duckdb: Any, job: Job) -> Any:
    """A connection that has the tables and nothing else of the world."""
    options = {
        "python_enable_replacements": False,  # a name of a table is none of our variables
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_unsigned_extensions": False,
    }
    connection = duckdb.connect(":memory:", config=options)
    for table, given in job["tables"].items():
        columns = given["columns"]
        names = ", ".join(named(name) for name, _ in columns)
        if given["files"]:
            files = ", ".join(map(quoted, given["files"]))
            read = f"SELECT {names} FROM read_parquet([{files}])"
            connection.execute(f"CREATE VIEW {named(table)} AS {read if given['whole'] else _mixed(connection, given)}")
            continue
        described = ", ".join(f"{named(name)} {kind}" for name, kind in columns)
        connection.execute(f"CREATE TABLE {named(table)} ({described})")
        if given["rows"]:
            _insert(connection, table, columns, given["rows"])
    allowed = [quoted(file) for given in job["tables"].values() for file in given["files"]]
    for setting, value in (
        ("TimeZone", "'UTC'"),
        ("threads", str(job["threads"])),
        ("memory_limit", f"'{job['memory']}B'"),
        ("temp_directory", quoted(f"{job['folder']}/spill")),
        ("max_temp_directory_size", f"'{2 * job['memory']}B'"),
        ("allowed_paths", f"[{', '.join(allowed)}]"),
        ("enable_external_access", "false"),
        ("lock_configuration", "true"),
    ):
        connection.execute(f"SET {setting} = {value}")
    return connection


def _mixed(connection: Any, given: Mapping[str, Any]) -> str:
    """A SELECT of a table of which some parts, or all, are of a release that wrote fewer columns: those are NULL."""
    source = f"read_parquet([{', '.join(map(quoted, given['files']))}], union_by_name = true)"
    there = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    return of_mixed_releases(source, given["columns"], there)


def _insert(connection: Any, table: str, columns: Iterable[tuple[str, str]], rows: list[list[Any]]) -> None:
    """Rows by columns: DuckDB takes lists a thousand times faster than row after row. Instants are unix seconds."""
    cells = []
    for place, (_, kind) in enumerate(columns, 1):
        if kind == "TIMESTAMP WITH TIME ZONE":
            cells.append(f"to_timestamp(unnest(${place}::BIGINT[]))")
        else:
            cells.append(f"unnest(${place}::{kind}[])")
    by_column = [list(column) for column in zip(*rows, strict=True)]
    connection.execute(f"INSERT INTO {named(table)} SELECT {', '.join(cells)}", by_column)


def _first_line(error: Exception) -> str:
    """What DuckDB says, without its picture of the line; a second line may have what was meant."""
    lines = [line.strip() for line in str(error).split("\n")]
    told = [line for line in lines[:3] if line and not line.startswith(("LINE ", "^", "Possible solutions"))]
    return " ".join(told)


#: Types whose values JSON has as they are, or ``_plain`` makes so.
_SIMPLE = ("VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "BOOLEAN", "TIMESTAMP WITH TIME ZONE", "VARCHAR[]", "HUGEINT")


def _simple(column: tuple[str, str]) -> bool:
    return column[1] in _SIMPLE


def _safe(value: Any) -> Any:
    """A value of any type, with texts as the keys of what has keys."""
    if isinstance(value, dict):
        names = [key if isinstance(key, str) else json.dumps(_safe(key), default=_plain) for key in value]
        return dict(zip(names, map(_safe, value.values()), strict=True))
    if isinstance(value, list | tuple):
        return [_safe(part) for part in value]
    return value


def _plain(value: Any) -> Any:
    """What JSON has for a value that it has not."""
    import datetime
    from decimal import Decimal

    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            return value.isoformat()
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
        return value.isoformat() + "Z"
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)


if __name__ == "__main__":
    main()
