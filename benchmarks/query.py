"""Questions to an index: a million versions as a cold process, beside MLflow; the five questions by size.

    python -m benchmarks.query [--sizes 1,10,100,1000] [--mlflow 10000]

Data sets are written by DuckDB as ``tagline index`` sorts them: 10 artifacts a repository, 100 versions each, of each
version 3 metrics, 2 parameters and 1 input, of each artifact what staging and prod hold, and held.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from tagline.domain.index.tables import FORMAT, TABLES

ARTIFACTS, VERSIONS = 10, 100
#: Parts of a table at most: those of a run over everything.
PARTS = 16

_BASE = """
    CREATE OR REPLACE TABLE base AS
    SELECT 'github.com/acme/team-' || lpad((i // 1000)::VARCHAR, 4, '0') AS repository, 'private' AS visibility,
      'model-' || (i // 100 % 10) AS artifact, 'v1.' || (i % 100) || '.0' AS version, i, i // 1000 AS number,
      md5(i::VARCHAR) AS hex, to_timestamp(1700000000 + i % 100 * 86400) AS moment
    FROM range($1) t(i)
"""
_PAGE = "'https://' || repository || '/pull/' || (i % 1000)"
_COMMIT = "substr(hex || hex, 1, 40)"
_OF = "repository, visibility, artifact"
_ROWS = {
    "repositories": """
        SELECT DISTINCT repository, 'https://' || repository, 'github', visibility, md5(repository), now(), 'ok', NULL,
          'main'
        FROM base
    """,
    "artifacts": f"""
        SELECT DISTINCT ON (repository, artifact) {_OF}, 'model', 'models/m.pkl', 'predicts', ['tabular'], 'team', NULL,
          'v1.99.0', false
        FROM base
    """,
    "versions": f"""
        SELECT {_OF}, version, {_COMMIT}, artifact || '@' || version, moment, true, 'md5:' || hex, NULL, 1000 + i,
          's3://bucket/' || hex, {_PAGE}, ['alice', 'bob']
        FROM base
    """,
    "stages": f"""
        SELECT {_OF}, s.stage, version, {_COMMIT}, artifact || '#' || s.stage || '#9', moment, false
        FROM base, (VALUES ('prod', 90), ('staging', 99)) s(stage, n)
        WHERE i % 100 = s.n
    """,
    "holds": f"""
        SELECT {_OF}, 'prod', version, moment, CASE WHEN i % 100 < 90 THEN moment + INTERVAL 10 DAY END, {_PAGE},
          ['alice']
        FROM base
        WHERE i % 10 = 0 AND i % 100 <= 90
    """,
    "metrics": f"""
        SELECT {_OF}, version, m.name, hash(i * 7 + m.n) % 100000 / 100000.0, 'metrics.json'
        FROM base, (VALUES ('accuracy', 1), ('auc', 2), ('loss', 3)) m(name, n)
    """,
    "params": f"""
        SELECT {_OF}, version, p.name, (i % p.n)::VARCHAR, 'params.yaml'
        FROM base, (VALUES ('train.depth', 12), ('train.seed', 1000)) p(name, n)
    """,
    "inputs": f"""
        SELECT {_OF}, version, 'data', 'train', 'data/train.csv', 'md5:' || md5((i // 3)::VARCHAR), 5000, NULL
        FROM base
    """,
}
_ORDER = {
    "versions": "repository, artifact, version", "stages": "stage, repository, artifact", "holds": "stage, since",
    "metrics": "name, value", "params": "name, value", "inputs": "digest, path",
}  # fmt: skip


def build(folder: Path, versions: int) -> Path:
    """A data set of so many versions, as an index keeps it."""
    connection = duckdb.connect()
    connection.execute(_BASE, [versions])
    parts = min(PARTS, max(1, versions // 20_000))
    tables: dict[str, list[dict[str, object]]] = {name: [] for name in TABLES}
    for name, rows in _ROWS.items():
        (folder / name).mkdir(parents=True)
        columns = ", ".join(f'"{one.name}"' for one in TABLES[name].columns)
        connection.execute(f"CREATE OR REPLACE TABLE made AS WITH rows({columns}) AS ({rows}) SELECT * FROM rows")
        for part in range(parts):
            written = folder / name / "written"
            order = _ORDER.get(name, "ALL")
            chosen = f"SELECT * FROM made WHERE hash(repository) % {parts} = {part} ORDER BY {order}"
            options = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536"
            count = connection.execute(f"COPY ({chosen}) TO '{written}' ({options})").fetchall()[0][0]
            data = written.read_bytes()
            file = f"{name}/{hashlib.sha256(data).hexdigest()[:32]}.parquet"
            written.rename(folder / file)
            tables[name].append({"file": file, "rows": count, "bytes": len(data), "buckets": [part]})
    columns_of = {name: len(table.columns) for name, table in TABLES.items()}
    document = {"format": FORMAT, "generated_at": "2026-01-01T00:00:00Z", "tables": tables, "columns": columns_of}
    (folder / "index.json").write_text(json.dumps(document))
    return folder


def timed(*words: str, runs: int = 5) -> tuple[float, float, str]:
    """Median and worst seconds of a cold process, and what it printed."""
    took, out = [], ""
    for _ in range(runs):
        begun = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "tagline", *words], capture_output=True, text=True, check=False)
        took.append(time.perf_counter() - begun)
        if done.returncode:
            sys.exit(f"{words}: {done.stderr}")
        out = done.stdout
    return statistics.median(took), max(took), out


def questions(index: Path) -> dict[str, list[str]]:
    """The commands that are measured."""
    where = ["--index", str(index), "--format", "json"]
    digest = "md5:" + hashlib.md5(b"7").hexdigest()
    return {
        "prod-models": ["query", "--named", "prod-models", *where],
        "who-approved": ["query", "--named", "who-approved", "model-3", *where],
        "trained-on": ["query", "--named", "trained-on", digest, *where],
        "in-stage-on": ["query", "--named", "in-stage-on", "2024-01-10", *where],
        "metric-over-versions": ["query", "--named", "metric-over-versions", "model-3", "accuracy", *where],
        "search": ["search", "stage:prod metric:accuracy>0.95", "--index", str(index), "--json"],
    }


def mlflow_search(versions: int, folder: Path) -> None:
    """What MLflow's own search can say of so many versions: no metrics, no aliases, no OR."""
    code = f"""
import time, mlflow
from mlflow import MlflowClient
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
begun = time.perf_counter()
client = MlflowClient("sqlite:///{folder}/mlflow.db", "sqlite:///{folder}/mlflow.db")
found, token = [], None
while True:
    page = client.search_model_versions("tags.stage = 'prod'", max_results=10000, page_token=token)
    found += page
    token = page.token
    if not token:
        break
print(len(found), time.perf_counter() - begun)
try:
    client.search_model_versions("metrics.accuracy > 0.95")
except Exception as error:
    print(type(error).__name__, str(error)[:200])
"""
    _fill_mlflow(versions, folder)
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    print(f"mlflow, {versions} versions, tags.stage = 'prod': cold process {time.perf_counter() - begun:.2f} s")
    print(done.stdout.strip() or done.stderr[-500:])


def _fill_mlflow(versions: int, folder: Path) -> None:
    """A registry in SQLite, filled below its API, which takes 20 ms a version."""
    import sqlite3

    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

    SqlAlchemyStore(f"sqlite:///{folder}/mlflow.db")
    with sqlite3.connect(folder / "mlflow.db") as database:
        models = [(f"model-{n}", 0, 0, "") for n in range(versions // VERSIONS)]
        _insert(database, "registered_models", ("name", "creation_time", "last_updated_time", "description"), models)
        rows = [
            (f"model-{n // VERSIONS}", n % VERSIONS + 1, n, n, "None", f"s3://b/{n}", "READY") for n in range(versions)
        ]
        columns = ("name", "version", "creation_time", "last_updated_time", "current_stage", "source", "status")
        _insert(database, "model_versions", columns, rows)
        tags = [
            (f"model-{n // VERSIONS}", n % VERSIONS + 1, "stage", "prod" if n % VERSIONS == 90 else "")
            for n in range(versions)
        ]
        _insert(database, "model_version_tags", ("name", "version", "key", "value"), tags)


def _insert(database: object, table: str, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    marks = ", ".join("?" * len(columns))
    database.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # type: ignore[attr-defined]


def main() -> None:
    """Print a line a measurement."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--sizes", default="1,10,100,1000", help="repositories, of 1,000 versions each")
    words.add_argument("--mlflow", type=int, default=10_000)
    chosen = words.parse_args()
    with tempfile.TemporaryDirectory() as place:
        for size in [int(one) for one in chosen.sizes.split(",") if one]:
            index = build(Path(place, f"of-{size}"), size * ARTIFACTS * VERSIONS)
            for name, command in questions(index).items():
                median, worst, out = timed(*command)
                answer = json.loads(out)
                rows = len(answer["artifacts"] if name == "search" else answer)
                print(f"{size} repositories, {name}: {median:.2f} s (worst {worst:.2f}), {rows} rows", flush=True)
        if chosen.mlflow:
            mlflow_search(chosen.mlflow, Path(place))


if __name__ == "__main__":
    main()
