"""``.dvcignore`` on what nobody has, but anybody can write. What people have is in tests/oracle."""

from __future__ import annotations

import time

from tagline.domain.manifest.dvcignore import DvcIgnore


def test_ignores__of_a_deep_path_and_many_lines__takes_bounded_time():
    ignore = DvcIgnore({"": "\n".join(f"*a*b*{number}*c/" for number in range(200)), "a": "**/**/**/**/x*y*z\n"})
    deep = "/".join(["a"] * 1000) + "/m.dvc"
    start = time.perf_counter()
    assert not ignore.ignores(deep, "")
    assert not ignore.ignores("a/" * 5000 + "m.dvc", "")
    assert time.perf_counter() - start < 5


def test_ignores__another_project_below__begins_there():
    ignore = DvcIgnore({"": "*.dvc\n", "sub": "old/\n"})
    assert [ignore.ignores(file, "sub") for file in ("sub/m.dvc", "sub/old/m.dvc", "sub/x/old/m.dvc")] == [
        False, True, True,
    ]  # fmt: skip
