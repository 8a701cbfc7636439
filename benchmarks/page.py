"""The page of 2,000 artifacts with 20,000 versions: ``python -m benchmarks.page [ARTIFACTS]``.

Builds the site from an index on disk, again after one change, and looks at the first page in Chromium: how much it
weighs, when it can be used, how long a search takes.
"""

from __future__ import annotations

import gzip
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tagline.cli.main import main as tagline
from tagline.domain.index.listing import Listing, Part, encode
from tagline.domain.index.tables import TABLES
from tests.support import sites
from tests.support.pages import chromium

_KINDS = {
    "VARCHAR": pa.string(),
    "BOOLEAN": pa.bool_(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "VARCHAR[]": pa.list_(pa.string()),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("s", "UTC"),
}


def index(folder: Path, rows: sites.Rows) -> None:
    """An index of one part a table."""
    folder.mkdir(exist_ok=True)
    parts = {}
    for number, (name, table) in enumerate(TABLES.items()):
        found = rows.get(name, [])
        columns = [pa.array([row[place] for row in found], _KINDS[one.kind]) for place, one in enumerate(table.columns)]
        file = f"{name}/{number:032x}.parquet"
        (folder / name).mkdir(exist_ok=True)
        pq.write_table(pa.table(columns, names=list(table.names)), folder / file)
        parts[name] = [Part(file, len(found), (folder / file).stat().st_size, (0,))]
    (folder / "index.json").write_bytes(encode(Listing("2026-03-01T00:00:00Z", parts)))


def timed(*line: str) -> str:
    """Seconds of a command, by the clock and of the processor: on a busy machine they differ."""
    begin, worked = time.perf_counter(), time.process_time()
    if tagline(list(line)):
        raise SystemExit(1)
    return f"{time.perf_counter() - begin:6.1f} s, {time.process_time() - worked:.1f} s of processor"


def first_page(site: Path) -> int:
    """Bytes of the first page and all that it loads, compressed one by one."""
    text = (site / "index.html").read_text()
    files = [
        site / "index.html",
        *(site / name for name in re.findall(r'(?:src|href)="((?:assets|data)/[^"]+)"', text)),
    ]
    return sum(len(gzip.compress(file.read_bytes(), 6)) for file in dict.fromkeys(files))


def looked_at(site: Path) -> dict[str, Any]:
    """What a browser measures."""
    with chromium() as browser:
        page = browser.new_page()
        page.goto((site / "index.html").as_uri())
        page.locator("#hits tbody tr").first.wait_for()
        usable = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
        took = {}
        for query in (
            "churn risk",
            "stage:prod metric:accuracy>0.8",
            "stage:prod metric:accuracy>0.82 param:train.depth=5",
        ):
            ask = "async (query) => { await tagline.find(query, {}); const began = performance.now();"
            took[query] = page.evaluate(
                ask + " await tagline.find(query, {}); return performance.now() - began; }", query
            )
        return {"usable": usable, "searches": took}


def main() -> None:
    """Measure and print."""
    artifacts = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    rows = sites.many(artifacts, 10)
    with tempfile.TemporaryDirectory() as place:
        where, site = Path(place) / "index", Path(place) / "site"
        index(where, rows)
        line = ("site", "--index", str(where), "-o", str(site))
        print(f"load     {os.getloadavg()[0]:6.1f}     on {os.cpu_count()} processors")
        print(f"build    {timed(*line)} (at most 60)")
        rows["artifacts"][7] = (*rows["artifacts"][7][:7], "somebody-else", *rows["artifacts"][7][8:])
        index(where, rows)
        print(f"rebuild  {timed(*line)}, after one change (at most 5)")
        print(f"first    {first_page(site) / 1000:6.0f} kB  compressed (at most 300)")
        seen = looked_at(site)
        print(f"usable   {seen['usable'] / 1000:6.2f} s   (at most 1)")
        for query, took in seen["searches"].items():
            print(f"search   {took:6.1f} ms  {query} (at most 100)")


if __name__ == "__main__":
    main()
