"""SHA-256 beside DVC's md5: kept in the tag of a version, and held against what is fetched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands.changes.test_bytes import BOTH, MANIFEST, Store
from tests.commands.changes.world import World

REQUIRED = "sha256: required\nstages:\n  prod: {}\n"
#: Two contents of one md5. Source: https://eprint.iacr.org/2004/199
ONE, OTHER = (
    bytes.fromhex(
        f"d131dd02c5e6eec4693d9a0698aff95c2fcab5{a}12467eab4004583eb8fb7f8955ad340609f4b30283e4888325{b}415a085125e8f7cd"
        f"c99fd91dbd{c}280373c5bd8823e3156348f5bae6dacd436c919c6dd53e2{d}87da03fd02396306d248cda0e99f33420f577ee8ce54b6"
        f"7080{e}80d1ec69821bcb6a8839396f965{f}b6ff72a70"
    )
    for a, b, c, d, e, f in (("87", "71", "f", "b4", "a", "2"), ("07", "f1", "7", "34", "2", "a"))
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def _hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _shop(make_world: Callable[..., World], store: Store, policy: str) -> World:
    store.put(b"first")
    files = {"artifacts.yaml": MANIFEST, ".dvc/config": store.config, **store.pointer(b"first")}
    return make_world("github", files=files, policy=policy)


def _promoted(world: World, store: Store, data: bytes) -> None:
    number = world.open("topic", store.pointer(data), labels=BOTH)
    assert world.plan(number).verdict == "ok"
    world.merge(number)
    ran = world.promote(number)
    assert (ran.code, ran.verdict) == (0, "ok"), ran.out + ran.err


def _ask(world: World, *arguments: str) -> Any:
    url = world.repo.path.as_uri()
    return world.run_cli(*arguments, "--repo", url, cwd=world.folder)


def test_required__is_read_once_at_the_registration_and_carried_on(
    make_world: Callable[..., World], store: Store
) -> None:
    world = _shop(make_world, store, REQUIRED)
    store.put(ONE)
    _promoted(world, store, ONE)
    for tag in ("churn@v0.1.0", "churn#prod#1"):
        assert world.trailers(tag)["Artifact-Sha256"] == [_hex(ONE)]
    resolved = json.loads(_ask(world, "resolve", "churn#prod", "--json").out)
    assert resolved["sha256"] == _hex(ONE)
    fetched = json.loads(_ask(world, "fetch", "churn#prod", "-o", "here", "--json").out)
    assert (fetched["sha256"], fetched["fetched"]) == (_hex(ONE), True)
    assert (world.folder / "here").read_bytes() == ONE
    assert json.loads(_ask(world, "lineage", "churn#prod", "--json").out)["sha256"] == _hex(ONE)
    (subject,) = json.loads(_ask(world, "lineage", "churn#prod", "--format", "in-toto").out)["subject"]
    assert subject["digest"] == {"md5": hashlib.md5(ONE).hexdigest(), "sha256": _hex(ONE)}
    bom = json.loads(_ask(world, "lineage", "churn#prod", "--format", "cyclonedx").out)["metadata"]["component"]
    assert {"alg": "SHA-256", "content": _hex(ONE)} in bom["hashes"]


@pytest.mark.parametrize("there", [False, True], ids=["fetched", "there-already"])
def test_fetch__of_other_bytes_of_the_same_md5__is_refused(
    make_world: Callable[..., World], store: Store, there: bool
) -> None:
    world = _shop(make_world, store, REQUIRED)
    store.put(ONE)
    _promoted(world, store, ONE)
    assert hashlib.md5(ONE).digest() == hashlib.md5(OTHER).digest()
    store.put(OTHER)
    target = world.folder / "here"
    if there:
        target.write_bytes(OTHER)
    said = _ask(world, "fetch", "churn#prod", "-o", "here", "--json", *(("--force",) if there else ()))
    assert (said.code, said.json["error"]["code"]) == (1, "wrong-sha256"), said.out
    assert target.exists() is there


def test_required__bytes_that_are_not_those_of_the_pointer__are_refused(
    make_world: Callable[..., World], store: Store
) -> None:
    world = _shop(make_world, store, REQUIRED)
    store.path(b"better").parent.mkdir(parents=True, exist_ok=True)
    store.path(b"better").write_bytes(b"bitter")
    number = world.open("topic", store.pointer(b"better"), labels=BOTH)
    world.merge(number)
    ran = world.promote(number)
    assert ran.code == 1, ran.out
    assert "churn#prod#1" not in world.tags()
    assert any("its digest is md5:" in row["message"] for row in ran.json["refused"])


def test_required__of_a_folder__is_that_of_its_lines(make_world: Callable[..., World], store: Store) -> None:
    files = {"a/x": b"one", "b": b"two"}
    world = _shop(make_world, store, REQUIRED)
    rows = [{"md5": hashlib.md5(data).hexdigest(), "relpath": name} for name, data in files.items()]
    listing = json.dumps(rows).encode()
    for data in (*files.values(), listing):
        store.put(data)
    listed = store.path(listing)
    listed.rename(listed.with_name(f"{listed.name}.dir"))
    digest = f"{hashlib.md5(listing).hexdigest()}.dir"
    pointer = f"outs:\n- md5: {digest}\n  size: 6\n  nfiles: 2\n  hash: md5\n  path: churn.pkl\n"
    number = world.open("topic", {"models/churn.pkl.dvc": pointer}, labels=BOTH)
    world.merge(number)
    assert world.promote(number).code == 0
    lines = "".join(f"{_hex(data)}  {name}\n" for name, data in sorted(files.items()))
    assert world.trailers("churn@v0.1.0")["Artifact-Sha256"] == [_hex(lines.encode())]
    fetched = json.loads(_ask(world, "fetch", "churn#prod", "-o", "here", "--json").out)
    assert fetched["sha256"] == _hex(lines.encode())
    (subject,) = json.loads(_ask(world, "lineage", "churn#prod", "--format", "in-toto").out)["subject"]
    assert subject["digest"]["dirHash"] == _hex(lines.encode())


@pytest.mark.parametrize(("policy", "carried"), [("", True), ("sha256: off\n", False)])
def test_git_lfs__says_it_without_a_look_at_the_bytes(
    make_world: Callable[..., World], policy: str, carried: bool
) -> None:
    sha256 = _hex(b"bytes")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize 5\n"
    files = {
        "artifacts.yaml": "churn: {path: m.bin}\n",
        ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
        "m.bin": pointer,
    }
    world = make_world("github", files=files, policy=f"{policy}storage: best-effort\nstages:\n  prod: {{}}\n")
    other = pointer.replace(sha256, _hex(b"other"))
    number = world.open("topic", {"m.bin": other}, labels=("version:minor",))
    world.merge(number)
    ran = world.promote(number)
    assert ran.code == 0, ran.out + ran.err
    assert world.trailers("churn@v0.1.0").get("Artifact-Sha256") == ([_hex(b"other")] if carried else None)


def test_trailer__that_is_none__is_passed_over(make_world: Callable[..., World], store: Store) -> None:
    world = _shop(make_world, store, "stages: {}\n")
    world.git("fetch", "--quiet", "origin", "main")
    message = "x\n\nArtifact-Sha256: everything\n"
    world.git("tag", "--annotate", "churn@v1.0.0", "--message", message, "FETCH_HEAD")
    world.git("push", "--quiet", "origin", "--tags")
    assert json.loads(_ask(world, "resolve", "churn", "--json").out)["sha256"] is None
