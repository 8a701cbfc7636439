"""Files of others are those that their lists name, with a licence beside each."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "src/tagline/render/site/vendored", ROOT / "tests/support/vendored")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parts[-3])
def test_vendored__each_file__is_listed_with_licence_and_hash(folder: Path) -> None:
    rows = [line.split() for line in (folder / "VENDORED.txt").read_text().splitlines()]
    listed = {row[0]: row for row in rows if len(row) == 5 and len(row[-1]) == 64}
    assert listed.keys() == {file.name for file in folder.iterdir() if not file.name.endswith(".txt")}
    for name, row in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == row[4], name
        assert len((folder / row[3]).read_text()) > 500, row[3]
