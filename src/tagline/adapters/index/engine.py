"""The port Engine by DuckDB, in a process of its own that reads a private copy of the tables named.

A copy and no hard links: what looks like a SELECT may overwrite the files that it is allowed to read.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tagline.adapters.scratch import temporary
from tagline.domain.index.tables import TABLES
from tagline.domain.text.similar import suggestion
from tagline.errors import PlatformRefused, Refused, TaglineError, WrongUsage
from tagline.ports.engine import USUAL, Answer, Limits, Question
from tagline.ports.index import DataSet

#: Seconds beyond the question's own: to start, to open the files, to hand over the answer.
_AROUND = 30
_MOST_THREADS = 8
_PREFIX = "tagline-query-"
#: Words of statements that speak of tables without naming them.
_ANY_TABLE = re.compile(
    r"\b(query|query_table|json_execute_serialized_sql|show|information_schema|sqlite_master|pg_\w+|duckdb_\w+)\b"
)
#: What DuckDB says of a table that there is not, with a guess among tables of its own.
_NO_TABLE_RE = re.compile(r"Table with name (\S+) does not exist!")


class DataSetEngine:
    """Asks a data set: the tables that a question names are copied for it, and no other."""

    def __init__(self, data: DataSet) -> None:
        self._data = data

    def ask(self, question: Question, limits: Limits = USUAL) -> Answer:
        """All rows. Raises NotFound, WrongUsage or PlatformRefused by the data set too."""
        _valid(question, limits)
        with _worker() as worker, temporary(_PREFIX) as place:
            listing = self._data.read()
            if listing is None:
                name = self._data.name
                raise WrongUsage(f"There is no index at {name}.", f"Make it: tagline index REPO -o {name}")
            tables = {}
            for name in _tables_of(question):
                files = self._data.local(listing.tables.get(name, ()))
                tables[name] = {"files": _copied(files, place / name), "whole": listing.is_whole(name), "rows": []}
            return _run(worker, place, tables, question, limits)


class RowsEngine:
    """Asks rows in memory, by table, as ``domain.index.rows`` makes them."""

    def __init__(self, rows: Mapping[str, Sequence[Sequence[Any]]]) -> None:
        self._rows = rows

    def ask(self, question: Question, limits: Limits = USUAL) -> Answer:
        """All rows."""
        _valid(question, limits)
        with _worker() as worker, temporary(_PREFIX) as place:
            tables = {name: {"files": [], "rows": self._rows.get(name, ())} for name in _tables_of(question)}
            return _run(worker, place, tables, question, limits)


def _tables_of(question: Question) -> Collection[str]:
    """The tables that a statement may read: more, rather than fewer."""
    if question.tables is not None:
        return sorted(question.tables)
    words = question.sql.casefold()
    if _ANY_TABLE.search(words):
        return list(TABLES)
    return [name for name in TABLES if re.search(rf"\b{name}\b", words)]


def _copied(files: Sequence[Path], folder: Path) -> list[str]:
    """Copies of the files; on file systems that share blocks they cost nothing."""
    folder.mkdir()
    copies = []
    for number, file in enumerate(files):
        copy = folder / f"{number}.parquet"
        try:
            _copy(file, copy)
        except OSError as error:
            raise PlatformRefused(
                f"{file.name} of the index cannot be copied: {error.strerror}.",
                "See that it is there and that the temporary folder has room; TMPDIR names another one.",
            ) from error
        copies.append(str(copy))
    return copies


def _copy(file: Path, copy: Path) -> None:
    if not hasattr(os, "copy_file_range"):
        shutil.copyfile(file, copy)
        return
    with file.open("rb") as source, copy.open("xb") as target:
        try:
            while os.copy_file_range(source.fileno(), target.fileno(), 1 << 30):
                pass
        except OSError:  # between two file systems of some kinds it cannot be done
            source.seek(0)
            target.seek(0)
            target.truncate()
            shutil.copyfileobj(source, target, 1 << 20)


def _valid(question: Question, limits: Limits) -> None:
    if any("\ud800" <= char <= "\udfff" for char in question.sql):
        raise _failure("wrong", "it is no valid Unicode.", limits)


@contextlib.contextmanager
def _worker() -> Iterator[subprocess.Popen[bytes]]:
    """The process, which gets ready while its tables are; it is gone afterwards whatever happens."""
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "tagline.adapters.index.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as worker:
        try:
            yield worker
        finally:
            worker.kill()


def _run(
    worker: subprocess.Popen[bytes], place: Path, tables: Mapping[str, Any], question: Question, limits: Limits
) -> Answer:
    """Give the process its question, read its answer."""
    job = {
        "folder": str(place),
        "asking": os.getpid(),
        "tables": {
            name: {**given, "columns": [(one.name, one.kind) for one in TABLES[name].columns]}
            for name, given in tables.items()
        },
        "sql": question.sql,
        "parameters": question.parameters,
        "checked": question.tables is None,
        "threads": min(os.cpu_count() or 1, _MOST_THREADS),
        **limits._asdict(),
    }
    try:
        told, _ = worker.communicate(json.dumps(job).encode(), timeout=limits.seconds + _AROUND)
    except subprocess.TimeoutExpired:
        raise _too_long(limits) from None
    lines = told.splitlines()
    end = json.loads(lines[-1]) if lines and lines[-1].startswith(b'{"end"') else {"end": _death(worker.returncode)}
    if end["end"] != "done":
        raise _failure(end["end"], end.get("message", "").replace(str(place), ""), limits)
    columns = json.loads(lines[0])["columns"]
    rows = [row for line in lines[1:-1] for row in json.loads(line)]
    return Answer(tuple(name for name, _ in columns), tuple(kind for _, kind in columns), rows)


def _death(code: int) -> str:
    return "timeout" if code == -signal.SIGALRM else "memory"


def _too_long(limits: Limits) -> TaglineError:
    return Refused(
        f"The answer took longer than {limits.seconds} s.", "Ask for less, or give it more time: --timeout 5m",
        code="query-timeout",
    )  # fmt: skip


def _failure(kind: str, message: str, limits: Limits) -> TaglineError:
    if kind == "timeout":
        return _too_long(limits)
    if kind == "memory":
        megabytes = limits.memory // 1_000_000
        return Refused(
            f"The answer needs more memory than {megabytes} MB.", "Ask for less, or give it more: --memory 4GB",
            code="query-memory",
        )  # fmt: skip
    if kind == "answer":
        megabytes = limits.answer // 1_000_000
        return Refused(
            f"The answer is larger than {megabytes} MB.",
            "Ask for fewer rows or columns (LIMIT), or read the Parquet files of the index with an engine of yours.",
            code="query-answer",
        )
    if kind == "refused":
        return WrongUsage(
            f"The statement is refused. {message}",
            "Give one SELECT that reads the tables of the index, and nothing else: docs/query.md",
            code="query-refused",
        )
    if kind == "missing":
        return WrongUsage("DuckDB is not installed.", "pip install 'tagline[index]'", code="no-duckdb")
    if kind == "broken":
        return PlatformRefused(
            f"The tables of the index cannot be read: {message}", "Make the index anew: tagline index",
            code="index-unreadable",
        )  # fmt: skip
    if table := _NO_TABLE_RE.search(message):
        return WrongUsage(
            f"There is no table {table[1]!r} in an index.{suggestion(table[1], TABLES)}",
            f"Tables are {', '.join(TABLES)}.",
            code="query-wrong",
        )
    return WrongUsage(
        f"The statement cannot be answered: {message}",
        "tagline query --list shows examples; docs/model-index.md lists tables and columns.",
        code="query-wrong",
    )
