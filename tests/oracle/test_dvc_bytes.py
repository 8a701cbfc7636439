"""Where an artifact's bytes are and what they are: real DVC made, pushed and answers for every shape of them."""

from __future__ import annotations

import filecmp
import hashlib
import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest
from dvc.repo import Repo

from tests.conftest import CommandLine
from tests.oracle.dvc_world import CLOUDS, World, build_world, in_dvc, surroundings, write
from tests.support.gitbuild import run_git
from tests.support.s3server import S3Server

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[World]:
    base = tmp_path_factory.mktemp("dvc-world")
    with surroundings(base / "home"):
        yield build_world(base, s3_server)


@pytest.fixture(autouse=True)
def clouds(s3: S3Server) -> None:
    """Credentials for the server of S3."""


@pytest.fixture
def broken(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same with a copy of the clone and of the folders that are remotes: a test may break it."""
    for name in ("root", "main", "other"):
        shutil.copytree(world.base / name, tmp_path / name, symlinks=True)
    (tmp_path / "root/.dvc/config.local").write_text(f"['remote \"other\"']\nurl = {tmp_path}/other\n")
    return World(tmp_path / "root", tmp_path, world.s3, world.bucket, world.versioned, world.shapes, world.copies)


class Theirs(NamedTuple):
    """DVC's own answer."""

    url: str
    version: str | None
    md5: str | None
    size: int | None
    files: int | None


def theirs(world: World, tag: str) -> Theirs:
    """Ask DVC about a path at a tag."""
    with warnings.catch_warnings(), surroundings(world.base / "home"):
        warnings.simplefilter("ignore")
        with Repo.open(str(world.root), rev=tag, subrepos=True, uninitialized=True) as repo:
            index, entry = repo.get_data_index_entry(world.path(tag))
            fs, path = index.storage_map.get_remote(entry)
            version = None
            if getattr(fs, "version_aware", False):
                path, version = fs.coalesce_version(path, entry.meta.version_id)
            md5 = entry.hash_info.value if entry.hash_info else None
            return Theirs(fs.unstrip_protocol(path), version, md5, entry.meta.size, entry.meta.nfiles)


def same_tree(one: Path, other: Path) -> bool:
    if one.is_file() or other.is_file():
        return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)
    names = [sorted(str(file.relative_to(top)) for file in top.rglob("*") if file.is_file()) for top in (one, other)]
    return names[0] == names[1] and all(filecmp.cmp(one / name, other / name, shallow=False) for name in names[0])


def place(uri: str) -> str:
    """An address without its spelling: a file's path, or the address itself."""
    return str(Path(unquote(urlsplit(uri).path)).resolve()) if uri.startswith("file:") else uri


FILES = ["plain", "crlf", "nothing", "other-pointer", "renamed", "ref", "stage", "each-eu", "each-us", "old",
         "placed-left", "placed-right", "placed-in-a", "placed-in-b",
         "subproject", "subproject-versions", "by-url", "s3-file", "versions-file", "tree-file"]  # fmt: skip
FOLDERS = ["data", "empty", "stage-folder", "old-folder", "s3-folder"]
#: DVC answers with the address of the list for what lies in a folder, and knows no more of it.
INNER_FILES = ["data-file", "data-deep", "old-inner", "s3-inner-file"]
INNER_FOLDERS = ["data-sub", "stage-inner", "s3-inner"]
LISTED = [f"{cloud}-{kind}" for cloud in ("versions", "tree") for kind in ("folder", "inner")]
LISTED_FILES = ["versions-inner-file", "tree-inner-file"]
IN_GIT = ["stage-in-git", "folder-in-git", "part-in-git", "out-below-in-git", "git-file", "git-folder"]
SECOND = ["plain", *(f"{cloud}-{kind}" for cloud in CLOUDS for kind in ("file", "folder", "inner", "inner-file"))]
EVERYTHING = [
    f"{name}@v1.0.0" for name in [*FILES, *FOLDERS, *INNER_FILES, *INNER_FOLDERS, *LISTED, *LISTED_FILES, *IN_GIT]
]
EVERYTHING += [f"{name}@v2.0.0" for name in SECOND]


def of(*kinds: list[str]) -> list[str]:
    names = {name for kind in kinds for name in kind}
    return [tag for tag in EVERYTHING if tag.partition("@")[0] in names]


def test_everything__of_the_world__is_asked_for(world):
    assert {tag.partition("@")[0] for tag in EVERYTHING} == world.shapes.keys() - {"imported"}
    assert set(EVERYTHING) == world.copies.keys() - {"imported@v1.0.0"}


@pytest.mark.parametrize("tag", of(FILES, FOLDERS))
def test_resolve__what_one_object_stands_for__is_dvcs_own_answer(world, tagline, tag):
    ours, dvc = tagline.json("resolve", tag, cwd=world.root), theirs(world, tag)
    assert place(ours["uri"]) == place(dvc.url)
    assert (ours["digest"], ours["size"], ours["version_id"]) == (f"md5:{dvc.md5}", dvc.size, dvc.version)
    assert ours["files"] == (1 if dvc.files is None else dvc.files)
    assert ours["warnings"] == []


@pytest.mark.parametrize("tag", of(INNER_FILES))
def test_resolve__file_inside_a_folder__is_dvcs_object_of_it(world, tagline, tag):
    ours, dvc = tagline.json("resolve", tag, cwd=world.root), theirs(world, tag)
    assert place(ours["uri"]) == place(dvc.url)
    assert (ours["digest"], ours["files"]) == (f"md5:{dvc.md5}", 1)
    assert ours["size"] == world.copies[tag].stat().st_size


@pytest.mark.parametrize("tag", of(INNER_FOLDERS, LISTED))
def test_resolve__folder_without_an_object_of_its_own__has_the_digest_that_dvc_would_give_it(world, tagline, tag):
    ours, copy = tagline.json("resolve", tag, cwd=world.root), world.copies[tag]
    files = [file for file in copy.rglob("*") if file.is_file()]
    rows = [
        {"md5": hashlib.md5(file.read_bytes()).hexdigest(), "relpath": file.relative_to(copy).as_posix()}
        for file in sorted(files, key=lambda file: file.relative_to(copy).as_posix())
    ]
    assert ours["digest"] == f"md5:{hashlib.md5(json.dumps(rows).encode()).hexdigest()}.dir"
    assert (ours["files"], ours["version_id"]) == (len(files), None)
    if tag in of(LISTED):
        assert ours["size"] == sum(file.stat().st_size for file in files)
        assert ours["uri"] == theirs(world, tag).url


@pytest.mark.parametrize("tag", of(LISTED_FILES))
def test_resolve__file_of_a_folder_that_the_pointer_lists__has_its_version(world, tagline, tag):
    ours, dvc = tagline.json("resolve", tag, cwd=world.root), theirs(world, tag)
    assert (ours["uri"], ours["version_id"]) == (dvc.url, dvc.version)
    assert (ours["digest"], ours["size"], ours["files"]) == (f"md5:{dvc.md5}", dvc.size, 1)


@pytest.mark.parametrize("tag", of(IN_GIT))
def test_resolve__what_lies_in_git__is_gits_own(world, tagline, tag):
    ours = tagline.json("resolve", tag, cwd=world.root)
    path = world.path(tag)
    kind, oid = run_git(world.root, "ls-tree", tag, path).split()[1:3]
    files = [file for file in (world.root / path, *(world.root / path).rglob("*")) if file.is_file()]
    assert ours["digest"] == f"git{kind}:{oid}"
    assert ours["uri"] == f"git+{world.root.as_uri()}@{ours['commit']}#{path}"
    assert (ours["files"], ours["size"]) == (len(files), sum(file.stat().st_size for file in files))


@pytest.mark.parametrize("tag", EVERYTHING)
def test_fetch__any_shape__is_what_was_in_the_work_tree(world, tagline, tmp_path, tag):
    destination = tmp_path / "new" / "dest"
    answer = tagline.json("fetch", tag, "-o", str(destination), cwd=world.root)
    copy = world.copies[tag]
    assert same_tree(destination, copy)
    assert destination.is_dir() == copy.is_dir()
    files = [file for file in (copy, *copy.rglob("*")) if file.is_file()]
    assert answer["files"] == len(files)
    assert answer["size"] == sum(file.stat().st_size for file in files)
    again = tagline.json("fetch", tag, "-o", str(destination), cwd=world.root)
    # The sizes of what lies in a folder stand nowhere but in the store, which is not asked again.
    assert again == {**answer, "fetched": False, "size": again["size"]}
    assert again["size"] in (answer["size"], None)


@pytest.mark.parametrize("name", SECOND)
def test_resolve__two_versions_of_one_path__are_two_answers(world, tagline, name):
    first, second = (tagline.json("resolve", f"{name}@v{n}.0.0", cwd=world.root) for n in (1, 2))
    assert first["digest"] != second["digest"]
    if name in ("versions-file", "tree-file", "versions-inner-file"):
        assert first["uri"] == second["uri"]
        assert None not in {first["version_id"], second["version_id"]}
        assert first["version_id"] != second["version_id"]


def test_resolve__imported_from_another_repository__is_refused(world, tagline):
    said = tagline("resolve", "imported@v1.0.0", "--json", cwd=world.root)
    assert (said.code, f"{world.base}/source" in said.err) == (1, True)
    assert "was brought by dvc import" in said.err


def test_resolve__clone_without_storage__says_nothing_of_the_work_tree(world, tagline):
    """The same from a bare clone: nothing of it is in any work tree."""
    bare = world.base / "bare.git"
    if not bare.exists():
        run_git(world.base, "clone", "--quiet", "--bare", str(world.root), str(bare))
    for tag in ("s3-file@v1.0.0", "versions-folder@v2.0.0", "each-eu@v1.0.0"):
        here, there = (tagline.json("resolve", tag, cwd=folder) for folder in (world.root, bare))
        assert {**here, "uri": None} == {**there, "uri": None}
        assert place(here["uri"]) == place(there["uri"])
    said = tagline("resolve", "plain@v1.0.0", cwd=bare)
    assert (said.code, "relative path" in said.err) == (2, True)


# -- the tag's commit counts, and nothing else --------------------------------


def test_resolve__work_tree_that_says_something_else__does_not_count(broken, tagline, tmp_path):
    before = {
        tag: tagline.json("resolve", tag, cwd=broken.root)
        for tag in ("plain@v1.0.0", "stage@v1.0.0", "data-file@v1.0.0")
    }
    for pointer in ("plain.bin.dvc", "data.dvc", "nested/dvc.lock", "nested/dvc.yaml", "artifacts.yaml", ".dvc/config"):
        (broken.root / pointer).write_text("outs:\n- md5: 00000000000000000000000000000000\n  path: other\n")
    for tag, answer in before.items():
        assert tagline.json("resolve", tag, cwd=broken.root) == answer
    (broken.root / "plain.bin").write_bytes(b"other")
    tagline.json("fetch", "plain@v1.0.0", "-o", str(tmp_path / "dest"), cwd=broken.root)
    assert same_tree(tmp_path / "dest", broken.copies["plain@v1.0.0"])


def test_resolve__config_local__counts_before_the_commits_own(broken, tagline, tmp_path):
    mirror = tmp_path / "mirror"
    shutil.move(broken.main, mirror)
    assert tagline("resolve", "plain@v1.0.0", cwd=broken.root).code != 0
    local = f"['remote \"main\"']\nurl = {mirror}\n"
    (broken.root / ".dvc/config.local").write_text(local)
    ours, dvc = tagline.json("resolve", "plain@v1.0.0", cwd=broken.root), theirs(broken, "plain@v1.0.0")
    assert place(ours["uri"]) == place(dvc.url)
    assert place(ours["uri"]).startswith(f"{mirror}/")


# -- what is broken -----------------------------------------------------------


def object_of(world: World, tagline: CommandLine, tag: str) -> Path:
    return Path(place(tagline.json("resolve", tag, cwd=world.root)["uri"].partition("#")[0]))


def refusal(tagline: CommandLine, world: World, *arguments: str) -> tuple[int, str]:
    said = tagline(*arguments, "--json", cwd=world.root)
    document: Any = json.loads(said.out) if said.out.strip() else {}
    assert "Traceback" not in said.err
    code = document.get("error", {}).get("code") or said.err
    return said.code, code


LOCAL = ["plain", "data", "each-eu", "old", "ref", "by-url"]


@pytest.mark.parametrize("name", LOCAL)
def test_object__deleted__is_missing(broken, tagline, tmp_path, name):
    tag = f"{name}@v1.0.0"
    object_of(broken, tagline, tag).unlink()
    code, said = refusal(tagline, broken, "resolve", tag)
    assert code == 6, said
    code, said = refusal(tagline, broken, "fetch", tag, "-o", str(tmp_path / "dest"))
    assert code == 6, said
    assert not (tmp_path / "dest").exists()


@pytest.mark.parametrize("name", ["plain", "each-eu", "old", "ref", "by-url"])
def test_object__cut__has_the_wrong_size(broken, tagline, tmp_path, name):
    tag = f"{name}@v1.0.0"
    file = object_of(broken, tagline, tag)
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1])
    code, said = refusal(tagline, broken, "resolve", tag)
    assert code == 1, said
    code, said = refusal(tagline, broken, "fetch", tag, "-o", str(tmp_path / "dest"))
    assert code == 1, said
    assert not (tmp_path / "dest").exists()


@pytest.mark.parametrize("name", ["plain", "each-eu", "old", "ref", "data-file", "old-inner"])
def test_object__other_bytes_of_the_same_size__are_wrong_and_nothing_is_left(broken, tagline, tmp_path, name):
    tag = f"{name}@v1.0.0"
    file = object_of(broken, tagline, tag)
    file.chmod(0o644)
    file.write_bytes(bytes(byte ^ 1 for byte in file.read_bytes()))
    code, said = refusal(tagline, broken, "fetch", tag, "-o", str(tmp_path / "dest" / "x"))
    assert code == 1, said
    assert not (tmp_path / "dest" / "x").exists()


HOSTILE = [
    [{"md5": "0" * 32, "relpath": "../../escaped"}],
    [{"md5": "0" * 32, "relpath": "/tmp/escaped"}],
    [{"md5": "../../../x", "relpath": "a"}],
    {"relpath": "a"},
]


@pytest.mark.parametrize("listing", HOSTILE)
@pytest.mark.parametrize("honest_digest", [False, True])
def test_listing__hostile__is_refused_and_nothing_is_written(broken, tagline, tmp_path, listing, honest_digest):
    """Even where the pointer names the hostile list itself."""
    data = json.dumps(listing).encode()
    if honest_digest:
        md5 = hashlib.md5(data).hexdigest()
        write(broken.main / "files/md5" / md5[:2] / f"{md5[2:]}.dir", data)
        write(broken.root / "data.dvc", f"outs:\n- md5: {md5}.dir\n  size: 5\n  nfiles: 1\n  hash: md5\n  path: data\n")
        broken.commit("hostile")
        run_git(broken.root, "tag", "-a", "-m", "x", "data@v9.0.0")
        run_git(broken.root, "tag", "-a", "-m", "x", "data-file@v9.0.0")
        version = "v9.0.0"
    else:
        file = object_of(broken, tagline, "data@v1.0.0")
        file.chmod(0o644)
        file.write_bytes(data)
        version = "v1.0.0"
    before = sorted(str(path) for path in tmp_path.rglob("*") if ".git/" not in str(path))
    for name in ("data", "data-file"):
        code, said = refusal(tagline, broken, "fetch", f"{name}@{version}", "-o", str(tmp_path / "a/b/c/dest"))
        assert code == 1, said
    code, said = refusal(tagline, broken, "resolve", f"data-file@{version}")
    assert code == 1, said
    (tmp_path / "a/b/c").rmdir() if (tmp_path / "a/b/c").exists() else None
    after = sorted(str(path) for path in tmp_path.rglob("*") if ".git/" not in str(path) and str(path)[-2:] != "/a")
    assert [path for path in after if path not in before and "/a/b" not in path] == []
    assert not any("escaped" in path for path in after)


def test_listing__of_another_folder__is_refused_though_all_its_files_are_there(broken, tagline, tmp_path):
    file = object_of(broken, tagline, "data@v1.0.0")
    file.chmod(0o644)
    rows = json.loads(file.read_bytes())
    file.write_bytes(json.dumps([{**row, "relpath": f"x{row['relpath']}"} for row in rows]).encode())
    for arguments in (("fetch", "data@v1.0.0", "-o", str(tmp_path / "dest")), ("resolve", "data-sub@v1.0.0")):
        code, said = refusal(tagline, broken, *arguments)
        assert (code, "is damaged" in said or said == "wrong-bytes") == (1, True), said
    assert not (tmp_path / "dest").exists()


@pytest.mark.parametrize(
    "md5",
    [
        "nothing",
        "../../../../../../etc/passwd",
        "'12345678901234567890123456789012/'",
        "5",
        "ABCDEF78901234567890123456789012",
    ],
)
def test_pointer__md5_that_is_none__is_refused(broken, tagline, md5):
    write(broken.root / "plain.bin.dvc", f"outs:\n- md5: {md5}\n  size: 5\n  hash: md5\n  path: plain.bin\n")
    broken.commit("bad")
    run_git(broken.root, "tag", "-a", "-m", "x", "plain@v9.0.0")
    code, said = refusal(tagline, broken, "resolve", "plain@v9.0.0")
    assert (code, "is no md5" in said or said == "bad-pointer") == (1, True), said


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("plain", "plain.bin.dvc"),
        ("data-file", "data.dvc"),
        ("each-eu", "nested/dvc.lock"),
        ("stage", "nested/dvc.yaml"),
    ],
)
def test_pointer__that_is_no_yaml__is_named_with_its_line(broken, tagline, name, file):
    with (broken.root / file).open("a") as stream:
        stream.write("<<<<<<< ours\n")
    lines = (broken.root / file).read_text().count("\n")
    broken.commit("bad")
    run_git(broken.root, "tag", "-a", "-m", "x", f"{name}@v9.0.0")
    said = tagline("resolve", f"{name}@v9.0.0", cwd=broken.root)
    assert (said.code, f"{file} cannot be read, line {lines}" in said.err) == (1, True), said.err


def test_config__without_a_remote__says_that_nobody_knows_where(broken, tagline):
    write(broken.root / ".dvc/config", "[core]\nanalytics = false\n")
    broken.commit("no remote")
    run_git(broken.root, "tag", "-a", "-m", "x", "plain@v9.0.0")
    code, said = refusal(tagline, broken, "resolve", "plain@v9.0.0")
    assert (code, "No DVC remote is configured" in said or said == "no-storage") == (2, True), said


def test_versions__pointer_that_was_not_pushed__is_refused(broken, tagline):
    write(broken.root / "versions/file.bin", b"never pushed")
    with surroundings(broken.base / "home"):
        in_dvc(broken.root, lambda repo: repo.add("versions/file.bin"))
    broken.commit("not pushed")
    run_git(broken.root, "tag", "-a", "-m", "x", "versions-file@v9.0.0")
    code, said = refusal(tagline, broken, "resolve", "versions-file@v9.0.0")
    assert (code, "was not pushed there" in said or said == "not-pushed") == (1, True), said


def test_old__pointer_of_dvc_2__is_read_by_dvc_3_as_we_read_it(world, tagline):
    """The oracle of the oracle: what we wrote the way of DVC 2, DVC 3 takes from where we look."""
    with warnings.catch_warnings(), surroundings(world.base / "home"):
        warnings.simplefilter("ignore")
        with Repo.open(str(world.root), rev="old@v1.0.0") as repo, repo.dvcfs.open("old.txt", "rb") as stream:
            read = stream.read()
    assert read == world.copies["old@v1.0.0"].read_bytes()
    assert b"\r\n" in read
