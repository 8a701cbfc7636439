"""``resolve``, ``fetch`` and ``validate --check-storage`` as a user runs them: S3, Git, a clone or a URL."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, run_git
from tests.support.githttp import GitServer, serve
from tests.support.s3server import S3Server

MODEL, OLD = b"model " * 1000, b"old"
FILES = {"a.txt": b"one", "sub/b.txt": b"two", "empty": b""}


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


LISTING = json.dumps(
    [{"md5": md5(data), "relpath": path} for path, data in sorted(FILES.items())], sort_keys=True
).encode()
FOLDER = f"{md5(LISTING)}.dir"


def pointer(path: str, digest: str, size: int, files: int | None = None) -> str:
    count = f"  nfiles: {files}\n" if files is not None else ""
    return f"outs:\n- md5: {digest}\n  size: {size}\n{count}  hash: md5\n  path: {path}\n"


def key(digest: str) -> str:
    return f"store/files/md5/{digest[:2]}/{digest[2:]}"


class Registry:
    """A repository whose models lie in a bucket."""

    def __init__(self, root: Path, s3: S3Server) -> None:
        self.s3, self.bucket = s3, s3.bucket()
        self.path = root / "shop.git"
        options = f"    url = s3://{self.bucket}/store\n    endpointurl = {s3.url}\n"
        config = f"[core]\n    remote = s\n['remote \"s\"']\n{options}"
        manifest = (
            "model: {path: m.bin, type: model, labels: [x]}\ndata: {path: data}\nin-git: {path: notes}\n"
            "part: {path: data/sub/b.txt}\nsub: {path: data/sub}\nvirt: {path: 's3://other/x', virtual: true}\n"
        )
        common = {
            ".dvc/config": config, "artifacts.yaml": manifest, "notes/a.md": "note\n", "notes/deep/b.md": "more\n",
            "data.dvc": pointer("data", FOLDER, sum(map(len, FILES.values())), len(FILES)),
        }  # fmt: skip
        old = Commit("c0", files={**common, "m.bin.dvc": pointer("m.bin", md5(OLD), len(OLD))})
        new = Commit("c1", ("c0",), {**common, "m.bin.dvc": pointer("m.bin", md5(MODEL), len(MODEL))}, time=EPOCH + 50)
        names = ("data", "in-git", "part", "sub", "virt")
        tags = (
            Tag("model@v1.0.0", "c0", time=EPOCH),
            Tag("model#prod#1", "c0", time=EPOCH + 10),
            Tag("model@v2.0.0", "c1", time=EPOCH + 100, message="m\n\nChange: https://x/1\n"),
            Tag("model#prod#2", "c1", time=EPOCH + 110, message="m\n\nChange: https://x/1\n"),
            *(Tag(f"{name}@v1.0.0", "c1", time=EPOCH + 200) for name in names),
        )
        build(self.path, History((old, new), tags, branches={"main": "c1"}), bare=True)
        for data in (OLD, MODEL, *FILES.values()):
            s3.put(self.bucket, key(md5(data)), data)
        s3.put(self.bucket, key(FOLDER), LISTING)

    def delete(self, data: bytes) -> None:
        self.s3.client.delete_object(Bucket=self.bucket, Key=key(md5(data)))


@pytest.fixture
def registry(tmp_path: Path, s3: S3Server) -> Registry:
    return Registry(tmp_path, s3)


@pytest.fixture
def server(registry: Registry) -> Iterator[GitServer]:
    """The same repository over HTTP, to be read without a clone."""
    from tests.support.gitbuild import run_git

    run_git(registry.path, "config", "uploadpack.allowFilter", "true")
    run_git(registry.path, "config", "uploadpack.allowAnySHA1InWant", "true")
    with serve(registry.path.parent) as running:
        yield running


@pytest.fixture(params=["clone", "url"])
def repo(request: pytest.FixtureRequest, registry: Registry, server: GitServer) -> str:
    return str(registry.path) if request.param == "clone" else f"{server.url}/shop.git"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# -- resolve --------------------------------------------------------------------


def test_resolve__model_on_s3__says_where_it_is_and_what_held_the_stage(
    tagline: CommandLine, registry: Registry, repo: str
):
    found = tagline.json("resolve", "model#prod", "--repo", repo)
    assert found["uri"] == f"s3://{registry.bucket}/{key(md5(MODEL))}"
    assert (found["digest"], found["size"], found["files"]) == (f"md5:{md5(MODEL)}", len(MODEL), 1)
    assert (found["version"], found["previous_version"], found["current"]) == ("v2.0.0", "v1.0.0", True)
    assert (found["version_id"], found["presigned"], found["warnings"]) == (None, None, [])


def test_resolve__as_of__answers_with_the_pointer_of_then(tagline: CommandLine, repo: str):
    found = tagline.json("resolve", "model#prod", "--as-of", "2023-11-14T22:13:40Z", "--repo", repo)
    assert (found["version"], found["digest"], found["current"]) == ("v1.0.0", f"md5:{md5(OLD)}", False)


def test_resolve__folder__is_its_list(tagline: CommandLine, registry: Registry, repo: str):
    found = tagline.json("resolve", "data", "--repo", repo)
    assert (found["digest"], found["size"], found["files"]) == (f"md5:{FOLDER}", 6, 3)
    assert found["uri"] == f"s3://{registry.bucket}/{key(FOLDER)}"


def test_resolve__file_inside_a_folder__is_the_files_own_object(tagline: CommandLine, registry: Registry, repo: str):
    found = tagline.json("resolve", "part", "--repo", repo)
    assert (found["digest"], found["size"], found["files"]) == (f"md5:{md5(b'two')}", 3, 1)
    assert found["uri"] == f"s3://{registry.bucket}/{key(md5(b'two'))}"


def test_resolve__folder_inside_a_folder__has_the_digest_that_dvc_would_give(
    tagline: CommandLine, registry: Registry, repo: str
):
    found = tagline.json("resolve", "sub", "--repo", repo)
    own = json.dumps([{"md5": md5(b"two"), "relpath": "b.txt"}]).encode()
    assert (found["digest"], found["files"]) == (f"md5:{md5(own)}.dir", 1)
    assert found["uri"] == f"s3://{registry.bucket}/{key(FOLDER)}#sub"


def test_resolve__virtual__is_its_address(tagline: CommandLine, repo: str):
    found = tagline.json("resolve", "virt", "--repo", repo)
    assert (found["uri"], found["digest"], found["size"]) == ("s3://other/x", None, None)


def test_resolve__object_is_gone__exit_6(tagline: CommandLine, registry: Registry, repo: str):
    registry.delete(MODEL)
    said = tagline("resolve", "model#prod", "--json", "--repo", repo)
    assert (said.code, said.json["error"]["code"]) == (6, "object-missing")
    assert key(md5(MODEL)) in said.json["error"]["message"]
    assert said.json["error"]["hint"]


def test_resolve__object_of_another_size__exit_1(tagline: CommandLine, registry: Registry, s3: S3Server, repo: str):
    s3.put(registry.bucket, key(md5(MODEL)), MODEL[:-1])
    said = tagline("resolve", "model#prod", "--json", "--repo", repo)
    assert (said.code, said.json["error"]["code"]) == (1, "wrong-size")


def test_resolve__object_of_the_same_size_with_other_bytes__exit_1(
    tagline: CommandLine, registry: Registry, s3: S3Server, repo: str
):
    s3.put(registry.bucket, key(md5(MODEL)), MODEL.upper())
    said = tagline("resolve", "model#prod", "--json", "--repo", repo)
    assert (said.code, said.json["error"]["code"]) == (1, "wrong-bytes")


def test_resolve__no_storage__asks_nobody(tagline: CommandLine, registry: Registry, repo: str):
    registry.delete(MODEL)
    found = tagline.json("resolve", "model#prod", "--no-storage", "--repo", repo)
    assert (found["digest"], found["size"], found["warnings"]) == (f"md5:{md5(MODEL)}", len(MODEL), [])


@pytest.mark.parametrize("target", ["part", "sub"])
def test_resolve__part_of_a_folder_without_storage__has_no_digest_rather_than_the_folders(
    tagline: CommandLine, registry: Registry, target: str
):
    found = tagline.json("resolve", target, "--no-storage", "--repo", str(registry.path))
    assert (found["digest"], found["size"], found["files"]) == (None, None, None)
    assert [warning["code"] for warning in found["warnings"]] == ["storage-not-read"]


def test_resolve__part_of_a_folder_presigned__reads_that_file(tagline: CommandLine, registry: Registry):
    found = tagline.json("resolve", "part", "--presign", "60", "--repo", str(registry.path))
    with urllib.request.urlopen(found["presigned"]["url"]) as answer:
        assert answer.read() == b"two"


def test_resolve__no_credentials__exit_4_and_says_what_helps(
    tagline: CommandLine, registry: Registry, monkeypatch: pytest.MonkeyPatch, repo: str
):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    said = tagline("resolve", "model#prod", "--json", "--repo", repo)
    assert (said.code, said.json["error"]["code"]) == (4, "no-credentials")


def test_resolve__presigned__reads_without_credentials(tagline: CommandLine, repo: str):
    found = tagline.json("resolve", "model#prod", "--presign", "60", "--repo", repo)
    with urllib.request.urlopen(found["presigned"]["url"]) as answer:
        assert answer.read() == MODEL
    assert found["presigned"]["expires_at"].endswith("Z")


def test_resolve__presigned_in_a_github_job__is_masked(tagline: CommandLine, registry: Registry):
    said = tagline(
        "resolve", "model#prod", "--presign", "60", "--json", "--repo", str(registry.path), GITHUB_ACTIONS="true"
    )
    assert f"::add-mask::{said.json['presigned']['url'].replace('%', '%25')}" in said.err


@pytest.mark.parametrize(("target", "code"), [("data", 1), ("in-git", 1), ("virt", 1)])
def test_resolve__presign_of_what_has_no_url__is_refused(tagline: CommandLine, repo: str, target: str, code: int):
    said = tagline("resolve", target, "--presign", "60", "--json", "--repo", repo)
    assert (said.code, said.json["error"]["code"]) == (code, "no-presign")


@pytest.mark.parametrize("seconds", ["0", "-1", "604801"])
def test_resolve__presign_out_of_range__is_usage(tagline: CommandLine, registry: Registry, seconds: str):
    assert tagline("resolve", "model", "--presign", seconds, "--repo", str(registry.path)).code == 2


# -- fetch ----------------------------------------------------------------------


def test_fetch__model__is_the_file_itself(tagline: CommandLine, repo: str, tmp_path: Path):
    dest = tmp_path / "new" / "model.pkl"
    found = tagline.json("fetch", "model#prod", "-o", str(dest), "--repo", repo)
    assert dest.read_bytes() == MODEL
    assert (found["destination"], found["fetched"], found["version"]) == (str(dest), True, "v2.0.0")
    assert [path.name for path in dest.parent.iterdir()] == ["model.pkl"], "nothing else is left"


@pytest.mark.parametrize(
    ("target", "files"),
    [
        ("data", FILES),
        ("sub", {"b.txt": b"two"}),
        ("in-git", {"a.md": b"note\n", "deep/b.md": b"more\n"}),
    ],
)
def test_fetch__folder__is_the_folder_itself(
    tagline: CommandLine, repo: str, tmp_path: Path, target: str, files: dict[str, bytes]
):
    dest = tmp_path / "out"
    found = tagline.json("fetch", target, "-o", str(dest), "--repo", repo)
    assert tree(dest) == files
    assert (found["files"], found["size"]) == (len(files), sum(map(len, files.values())))


def test_fetch__again__touches_nothing(tagline: CommandLine, registry: Registry, tmp_path: Path):
    dest = tmp_path / "out"
    for target in ("data", "model"):
        path = dest / target
        tagline.json("fetch", target, "-o", str(path), "--repo", str(registry.path))
        before = path.stat().st_mtime_ns
        again = tagline.json("fetch", target, "-o", str(path), "--repo", str(registry.path))
        assert (again["fetched"], path.stat().st_mtime_ns) == (False, before)


def test_fetch__something_else_is_there__is_refused_without_force(
    tagline: CommandLine, registry: Registry, tmp_path: Path
):
    dest = tmp_path / "model.pkl"
    dest.write_bytes(b"mine")
    said = tagline("fetch", "model", "-o", str(dest), "--json", "--repo", str(registry.path))
    assert (said.code, said.json["error"]["code"], dest.read_bytes()) == (1, "destination-differs", b"mine")
    tagline.json("fetch", "model", "-o", str(dest), "--force", "--repo", str(registry.path))
    assert dest.read_bytes() == MODEL


@pytest.mark.parametrize(
    ("target", "dest", "becomes"),
    [
        ("model", "new/", "new/m.bin"),
        ("model", "there", "there/m.bin"),
        ("model", "there/", "there/m.bin"),
        ("model", ".", "./m.bin"),
        ("data", "new/", "new/data"),
        ("sub", "there/", "there/sub"),
        ("part", "there", "there/b.txt"),
    ],
)
def test_fetch__into_a_folder__is_there_by_its_own_name(
    tagline: CommandLine, registry: Registry, tmp_path: Path, target: str, dest: str, becomes: str
):
    work = tmp_path / "work"
    (work / "there").mkdir(parents=True)
    (work / "there" / "notes").touch()
    found = tagline.json("fetch", target, "-o", dest, "--repo", str(registry.path), cwd=work)
    assert (found["destination"], found["fetched"]) == (becomes, True)
    assert (work / becomes).exists()
    assert (work / "there" / "notes").exists()
    again = tagline.json("fetch", target, "-o", dest, "--repo", str(registry.path), cwd=work)
    assert (again["destination"], again["fetched"]) == (becomes, False)


@pytest.mark.parametrize("target", ["model", "data"])
@pytest.mark.parametrize("force", [(), ("--force",)], ids=["", "force"])
def test_fetch__a_folder_of_somebodys_own__is_never_replaced_nor_is_it_suggested(
    tagline: CommandLine, registry: Registry, tmp_path: Path, target: str, force: tuple[str, ...]
):
    """Untracked files, tracked ones, and a folder where the file would be."""
    work = tmp_path / "work"
    (work / "out" / "m.bin").mkdir(parents=True)
    (work / "out" / "m.bin" / "tracked").write_text("tracked")
    (work / "out" / "untracked").write_text("untracked")
    run_git(work, "init", "--quiet", ".")
    run_git(work, "add", "out/m.bin")
    before = tree(work / "out")
    said = tagline("fetch", target, "-o", "out", *force, "--json", "--repo", str(registry.path), cwd=work)
    error = said.json["error"]
    assert (said.code, error["code"], tree(work / "out")) == (1, "destination-kept", before)
    assert "--force" not in error["hint"]


def test_fetch__a_folder_that_a_fetch_made__is_replaced_and_what_is_not_its_own_is_named(
    tagline: CommandLine, registry: Registry, tmp_path: Path
):
    arguments = ("-o", str(tmp_path / "out"), "--force", "--json", "--repo", str(registry.path))
    tagline.json("fetch", "data", *arguments[:2], *arguments[4:])
    (tmp_path / "out" / "a.txt").write_text("edited")
    assert tagline("fetch", "sub", *arguments).json["fetched"]
    assert tree(tmp_path / "out") == {"b.txt": b"two"}
    (tmp_path / "out" / "mine").touch()
    said = tagline("fetch", "data", *arguments)
    assert (said.code, said.json["error"]["code"]) == (1, "destination-kept")
    assert "'mine'" in said.json["error"]["message"]
    assert tree(tmp_path / "out") == {"b.txt": b"two", "mine": b""}


def test_fetch__nowhere__is_usage(tagline: CommandLine, registry: Registry):
    assert tagline("fetch", "model", "-o", "", "--json", "--repo", str(registry.path)).code == 2


@pytest.mark.parametrize("data", [MODEL.upper(), MODEL[:-1], MODEL + b"x", b""])
def test_fetch__wrong_bytes_are_served__nothing_is_there(
    tagline: CommandLine, registry: Registry, s3: S3Server, tmp_path: Path, data: bytes
):
    s3.put(registry.bucket, key(md5(MODEL)), data)
    said = tagline("fetch", "model", "-o", str(tmp_path / "out"), "--json", "--repo", str(registry.path))
    assert (said.code, said.json["error"]["code"]) in [(1, "wrong-bytes"), (1, "wrong-size")]
    assert not (tmp_path / "out").exists()


def test_fetch__folders_list_is_damaged__nothing_is_there(
    tagline: CommandLine, registry: Registry, s3: S3Server, tmp_path: Path
):
    s3.put(registry.bucket, key(FOLDER), b'[{"md5": "' + b"0" * 32 + b'", "relpath": "../../evil"}]')
    said = tagline("fetch", "data", "-o", str(tmp_path / "out"), "--json", "--repo", str(registry.path))
    assert (said.code, said.json["error"]["code"]) == (1, "wrong-bytes")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "evil").exists()


def test_fetch__job_started_by_a_tag__takes_what_the_tag_named(
    tagline: CommandLine, registry: Registry, tmp_path: Path
):
    job = {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/tags/model#prod#1"}
    found = tagline("fetch", "-o", str(tmp_path / "m"), "--json", "--repo", registry.path.as_uri(), **job)
    assert (found.code, (tmp_path / "m").read_bytes(), found.json["current"]) == (0, OLD, False)


def test_fetch__require_change__refuses_what_no_change_made(tagline: CommandLine, registry: Registry, tmp_path: Path):
    arguments = ("-o", str(tmp_path / "m"), "--require-change", "--json", "--repo", str(registry.path))
    said = tagline("fetch", "model@v1.0.0", *arguments)
    assert (said.code, said.json["error"]["code"]) == (1, "no-change")
    assert tagline("fetch", "model#prod", *arguments).code == 0


def test_fetch__cache__is_one_that_dvc_can_use_and_serves_when_the_store_is_gone(
    tagline: CommandLine, registry: Registry, tmp_path: Path
):
    cache = tmp_path / ".dvc" / "cache"
    arguments = ("--cache", str(cache), "--repo", str(registry.path))
    tagline.json("fetch", "model", "-o", str(tmp_path / "one"), *arguments)
    digest = md5(MODEL)
    assert (cache / "files" / "md5" / digest[:2] / digest[2:]).read_bytes() == MODEL
    registry.delete(MODEL)
    tagline.json("fetch", "model", "-o", str(tmp_path / "two"), *arguments)
    assert (tmp_path / "two").read_bytes() == MODEL


def test_fetch__cache__serves_a_folder_with_its_list_when_the_store_is_gone(
    tagline: CommandLine, registry: Registry, tmp_path: Path
):
    arguments = ("--cache", str(tmp_path / "cache"), "--repo", str(registry.path))
    tagline.json("fetch", "data", "-o", str(tmp_path / "one"), *arguments)
    assert (tmp_path / "cache" / "files" / "md5" / FOLDER[:2] / FOLDER[2:]).read_bytes() == LISTING
    for data in (*FILES.values(), LISTING):
        registry.delete(data)
    registry.s3.client.delete_object(Bucket=registry.bucket, Key=key(FOLDER))
    tagline.json("fetch", "data", "-o", str(tmp_path / "two"), *arguments)
    assert tree(tmp_path / "two") == FILES


def test_fetch__cache_cannot_be_written__is_a_note(tagline: CommandLine, registry: Registry, tmp_path: Path):
    (tmp_path / "cache").write_text("a file where a folder should be")
    arguments = ("--cache", str(tmp_path / "cache"), "--repo", str(registry.path))
    found = tagline.json("fetch", "model", "-o", str(tmp_path / "one"), *arguments)
    assert [warning["code"] for warning in found["warnings"]] == ["not-cached"]
    assert (tmp_path / "one").read_bytes() == MODEL


def test_fetch__virtual_or_undescribed__says_that_there_are_no_bytes(
    tagline: CommandLine, registry: Registry, tmp_path: Path
):
    said = tagline("fetch", "virt", "-o", str(tmp_path / "x"), "--json", "--repo", str(registry.path))
    assert (said.code, said.json["error"]["code"]) == (1, "no-path")


# -- validate --check-storage ------------------------------------------------------


def test_check_storage__all_is_there__no_findings(tagline: CommandLine, registry: Registry):
    found = tagline.json("validate", "--check-storage", "--repo", str(registry.path))
    assert (found["ok"], found["findings"]) == (True, [])


def test_check_storage__objects_are_missing__a_finding_at_each_path(tagline: CommandLine, registry: Registry):
    registry.delete(MODEL)
    registry.delete(b"two")
    said = tagline("validate", "--check-storage", "--json", "--repo", str(registry.path))
    assert said.code == 1
    rows = [(row["artifact"], row["line"], row["rule"]) for row in said.json["findings"]]
    assert rows == [
        ("model", 1, "storage-missing"),
        ("data", 2, "storage-missing"),
        ("part", 4, "storage-missing"),
        ("sub", 5, "storage-missing"),
    ]
    assert "1 of 3 objects are missing" in said.json["findings"][1]["message"]


def test_check_storage__sizes_of_a_folder_do_not_add_up__is_a_finding(
    tagline: CommandLine, registry: Registry, s3: S3Server
):
    s3.put(registry.bucket, key(md5(b"two")), b"two!")
    said = tagline("validate", "--check-storage", "--json", "--repo", str(registry.path))
    assert "storage-wrong" in [row["rule"] for row in said.json["findings"] if row["artifact"] == "data"]


def test_check_storage__no_credentials__is_said_once_an_artifact(
    tagline: CommandLine, registry: Registry, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    said = tagline("validate", "--check-storage", "--json", "--repo", str(registry.path))
    assert {row["rule"] for row in said.json["findings"]} == {"storage-unreadable"}
    assert said.code == 1


# -- hostile words --------------------------------------------------------------------


def test_errors__names_with_line_breaks__are_no_commands_to_the_runner(tagline: CommandLine, tmp_path: Path):
    remote = "x\\n::add-mask::owned\\n  ::error::y##[error]z"
    files = {
        "artifacts.yaml": "m: {path: m.bin}\n",
        "m.bin.dvc": f'outs:\n- {{md5: {md5(MODEL)}, size: 3, hash: md5, path: m.bin, remote: "{remote}"}}\n',
        ".dvc/config": "[core]\n    remote = s\n['remote \"s\"']\n    url = /nowhere\n",
    }
    build(tmp_path / "r", History((Commit("c0", files=files),), (Tag("m@v1.0.0", "c0"),)))
    said = tagline("resolve", "m", "--json", "--repo", str(tmp_path / "r"), GITHUB_ACTIONS="true")
    assert said.code == 2
    lines = [line.strip() for line in (said.out + said.err).splitlines()]
    assert not [line for line in lines if line.startswith("::")]
    assert "##[" not in said.out + said.err
    assert "##[error]z" in said.json["error"]["hint"] + said.json["error"]["message"]


@pytest.mark.parametrize("pipeline", ["stages: {train: [\n", "stages: [train]\n", "just text\n"])
def test_resolve__lock_beside_a_pipeline_that_cannot_be_read__is_refused(tmp_path, tagline: CommandLine, pipeline):
    # Whether the lock's word on it still counts stands in dvc.yaml alone.
    lock = f"schema: '2.0'\nstages: {{train: {{cmd: x, outs: [{{path: m, md5: {md5(OLD)}, hash: md5}}]}}}}\n"
    files = {"artifacts.yaml": "m: {path: m}\n", "dvc.lock": lock, "dvc.yaml": pipeline}
    build(tmp_path / "r", History((Commit("c", files=files),), (Tag("m@v1.0.0", "c"),)))
    said = tagline("resolve", "m", "--json", cwd=tmp_path / "r")
    assert (said.code, said.json["error"]["code"]) == (1, "bad-pointer")
    assert "dvc.yaml" in said.json["error"]["message"]
