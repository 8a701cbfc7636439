"""Real PySpark reads an index, and prints what it read.

    PYTHON_WITH_PYSPARK benchmarks/index_spark.py INDEX

It installs nothing: PySpark and Java have to be there. It imports nothing of Tagline.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    """Every table by the parts that index.json lists, then one question."""
    try:
        import pyspark
        from pyspark.sql import SparkSession
    except ImportError:
        raise SystemExit("PySpark is not installed for this Python.") from None
    index = Path(sys.argv[1]).resolve()
    tables = json.loads((index / "index.json").read_text())["tables"]
    spark = SparkSession.builder.master("local[2]").appName("tagline").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    print(f"PySpark {pyspark.__version__}")
    for name, parts in sorted(tables.items()):
        frame = spark.read.parquet(*(f"file://{index / part['file']}" for part in parts))
        frame.createOrReplaceTempView(name)
        columns = ", ".join(f"{field.name} {field.dataType.simpleString()}" for field in frame.schema.fields)
        rows = frame.count()
        assert rows == sum(part["rows"] for part in parts), name
        print(f"{name}: {rows} rows of ({columns})")
    found = spark.sql(
        "SELECT s.stage, s.version, m.value, s.since "
        "FROM stages s JOIN metrics m USING (repository, artifact, version) "
        "WHERE m.name = 'accuracy' AND m.value > 0.93 ORDER BY s.repository, s.stage LIMIT 2"
    )
    for row in found.collect():
        print(f"{row.stage} {row.version} accuracy {row.value} since {row.since.isoformat()}")
    spark.stop()


if __name__ == "__main__":
    main()
