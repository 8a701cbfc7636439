"""Where we read artifacts.yaml otherwise than GTO does."""

from __future__ import annotations

from pathlib import Path

import gto.api
import pytest

from tagline.commands.manifest.describe import describe
from tests.support.fakes import MemoryTree
from tests.support.gitbuild import EPOCH, Commit, History, build

pytestmark = pytest.mark.oracle


TEXT = "left-out: {path: x}\nset: {path: y, virtual: true}\nunset: {path: z, virtual: false}\n"


def test_virtual__left_out__is_true_to_gto_and_false_to_us(tmp_path: Path):
    build(tmp_path, History((Commit("c", (), {"artifacts.yaml": TEXT}, EPOCH),), (), {"main": "c"}))
    names = ("left-out", "set", "unset")

    theirs = [gto.api.describe(tmp_path, name).virtual for name in names]  # type: ignore[union-attr]
    ours = [describe(name, MemoryTree({"artifacts.yaml": TEXT})).virtual for name in names]  # type: ignore[union-attr]

    assert theirs == [True, True, False]
    assert ours == [False, True, False]
