"""The SHA-256 of an artifact: of a folder as the shell's own tools recompute it."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.storage.digests import hasher_of
from tagline.domain.storage.objects import Item, Key
from tagline.domain.storage.sha256 import Sha256s, is_sha256, pointed_sha256, sha256_of_folder
from tagline.errors import WrongBytes

#: As docs/storage.md gives it to people.
RECOMPUTE = "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
FILES = {"b": b"two", "a/x": b"one", "a-b": b"three", "Z": b"", "é": b"four", "a b": b"five"}


def _hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _item(relpath: str, data: bytes, kind: str = "md5") -> Item:
    return Item(relpath, Key(relpath), f"{kind}:{hashlib.new(kind, data).hexdigest()}", len(data))


def test_folder__is_what_the_shell_says(tmp_path: Path) -> None:
    for name, data in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    done = subprocess.run(["sh", "-c", RECOMPUTE], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert sha256_of_folder({name: _hex(data) for name, data in FILES.items()}) == done.stdout.split()[0]
    assert RECOMPUTE in (Path(__file__).parents[3] / "docs" / "storage.md").read_text()


@given(st.dictionaries(st.text(min_size=1), st.binary(), min_size=1))
def test_sums__of_files_in_any_order_and_pieces__are_that_of_the_folder(files: dict[str, bytes]) -> None:
    items = [_item(name, data) for name, data in files.items() if name.isprintable()]
    sums = Sha256s(counts=True)
    for item in reversed(items):
        assert sums.of(items) is None
        hasher = hasher_of(item, sha256=True)
        for byte in files[item.relpath]:
            hasher.update(bytes([byte]))
        assert hasher.matches()
        sums.tell(item, hasher)
    expected = sha256_of_folder({item.relpath: _hex(files[item.relpath]) for item in items}) if items else None
    assert sums.of(items) == expected


def test_sums__of_one_file__are_its_own() -> None:
    item = _item("", b"bytes")
    sums = Sha256s(_hex(b"bytes"))
    assert not sums.agree([item]), "nothing has passed"
    hasher = hasher_of(item, sha256=True)
    hasher.update(b"bytes")
    sums.tell(item, hasher)
    sums.verify([item])
    other = Sha256s(_hex(b"other"))
    other.tell(item, hasher)
    with pytest.raises(WrongBytes) as caught:
        other.verify([item])
    assert caught.value.code == "wrong-sha256"


def test_pointers__of_git_lfs__say_it_and_those_of_dvc_do_not() -> None:
    one = _item("", b"x", "sha256")
    assert pointed_sha256([one]) == _hex(b"x")
    several = [_item("a", b"1", "sha256"), _item("b", b"2", "sha256")]
    assert pointed_sha256(several) == sha256_of_folder({"a": _hex(b"1"), "b": _hex(b"2")})
    assert pointed_sha256([*several, _item("c", b"3")]) is None
    assert pointed_sha256([]) is None


@pytest.mark.parametrize("text", ["", "a" * 63, "A" * 64, "a" * 65, "g" * 64, "a" * 64 + "\n"])
def test_text__that_is_none__is_not_taken_for_one(text: str) -> None:
    assert not is_sha256(text)
    assert is_sha256("0" * 64)
