"""The words of SQL that the index's writer and the engine's process share."""

from __future__ import annotations

import subprocess
import sys

from tagline.adapters.index import duck, sql, worker


def test_columns__that_an_older_release_did_not_write__are_null_for_both_readers() -> None:
    found = sql.of_mixed_releases("t", [("a", "BIGINT"), ('b"c', "VARCHAR")], {"a"})
    assert found == 'SELECT "a", NULL::VARCHAR AS "b""c" FROM t'
    assert {id(vars(one)["of_mixed_releases"]) for one in (duck, worker)} == {id(sql.of_mixed_releases)}


def test_engines_process__before_its_question__loads_nothing_else_of_ours() -> None:
    words = "import sys, tagline.adapters.index.worker; print(*(n for n in sys.modules if n.startswith('tagline.')))"
    loaded = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout.split()
    room = "tagline.adapters.index"
    assert sorted(loaded) == ["tagline.adapters", room, f"{room}.sql", f"{room}.worker"]
