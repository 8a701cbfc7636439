"""The map in CONTRIBUTING.md has every room of the tree, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tagline"


def _rooms() -> set[str]:
    folders = (init.parent.relative_to(SOURCE).as_posix() for init in SOURCE.rglob("__init__.py"))
    return {folder for folder in folders if folder != "."}


def test_map__names_every_room() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    block = text.partition("## The map")[2].split("```")[1]
    assert set(re.findall(r"(?m)^  ([a-z_/]+)/ ", block)) == _rooms()
    for name in re.findall(r"(?m)^([\w./-]+)", block):
        assert (ROOT / name).exists(), name


def test_rooms__say_what_they_are_for() -> None:
    for room in _rooms():
        said = ast.get_docstring(ast.parse((SOURCE / room / "__init__.py").read_text())) or ""
        assert len(said) > 30, room
