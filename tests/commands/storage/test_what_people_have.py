"""Pointers, configurations and manifests as they lie in people's repositories: what ``resolve`` answers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine, Said
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, run_git

MD5, OTHER = "d3b07384d113edec49eaa6238ad5ff00", "c" * 32
CONFIG = "[core]\n    remote = st\n['remote \"st\"']\n    url = s3://bkt/pre\n"
ENTRY = "m: {path: m.pkl}\n"


def out(path: str = "m.pkl", md5: str = MD5, more: str = "") -> str:
    """The outs of a .dvc file."""
    return f"outs:\n- md5: {md5}\n  size: 4\n  hash: md5\n  path: {path}\n{more}"


def lock(stage: str, path: str, md5: str = MD5) -> str:
    """The lines of a stage in a dvc.lock."""
    return f"  {stage}:\n    cmd: x\n    outs:\n    - {{path: {path}, hash: md5, md5: {md5}, size: 4}}\n"


class Asked:
    """Repositories of some files in which m is v1.0.0, and what is said of them."""

    def __init__(self, root: Path, tagline: CommandLine) -> None:
        self.tagline, self._root, self._made = tagline, root, 0

    def make(self, files: dict[str, str]) -> Path:
        self._made += 1
        path = self._root / f"r{self._made}"
        files = {".dvc/config": CONFIG, "artifacts.yaml": ENTRY, **files}
        history = History((Commit("c", files=files),), (Tag("m@v1.0.0", "c", time=EPOCH),), branches={"main": "c"})
        build(path, history, checkout=True)
        return path

    def of(self, files: dict[str, str]) -> Any:
        """What resolve answers without asking a store."""
        return self.tagline.json("resolve", "m", "--no-storage", "--offline", cwd=self.make(files))

    def refused(self, files: dict[str, str], *command: str) -> Said:
        """What it says where it must refuse."""
        said = self.tagline(*(command or ("resolve", "m", "--offline")), cwd=self.make(files))
        assert said.code != 0
        return said

    def validated(self, files: dict[str, str], *options: str) -> list[Any]:
        """The findings of validate."""
        said = self.tagline("validate", "--format", "json", *options, cwd=self.make(files))
        found: list[Any] = said.json["findings"]
        return found


@pytest.fixture
def resolved(tmp_path: Path, tagline: CommandLine) -> Asked:
    return Asked(tmp_path, tagline)


@pytest.mark.parametrize(
    ("url", "uri"),
    [
        ("S3://bkt/pre", f"s3://bkt/pre/files/md5/{MD5[:2]}/{MD5[2:]}"),
        ("File:///srv/store", f"file:///srv/store/files/md5/{MD5[:2]}/{MD5[2:]}"),
    ],
)
def test_remote__with_its_scheme_in_capitals__is_the_same(resolved: Asked, url: str, uri: str):
    answer = resolved.of({".dvc/config": CONFIG.replace("s3://bkt/pre", url), "m.pkl.dvc": out()})
    assert (answer["uri"], answer["digest"]) == (uri, f"md5:{MD5}")


def test_virtual_path__with_its_scheme_in_capitals__is_the_same(resolved: Asked):
    assert resolved.of({"artifacts.yaml": "m: {path: 'S3://Corp/M.pt', virtual: true}\n"})["uri"] == "s3://Corp/M.pt"


# -- versions -----------------------------------------------------------------

AWARE = f"{CONFIG}    version_aware = true\n"


def test_version__written_into_the_out_itself__is_of_the_remote(resolved: Asked):
    pointer = out(more="  version_id: V9\n  etag: abc\n")
    answer = resolved.of({".dvc/config": AWARE, "m.pkl.dvc": pointer})
    assert (answer["version_id"], answer["uri"], answer["digest"]) == ("V9", "s3://bkt/pre/m.pkl", f"md5:{MD5}")


def test_version__of_a_folders_files_in_the_old_form__are_of_the_remote(resolved: Asked):
    files = f"  files:\n  - {{relpath: a, md5: {OTHER}, size: 1, version_id: V1, etag: x}}\n"
    pointer = f"outs:\n- path: m.pkl\n  hash: md5\n{files}"
    answer = resolved.of({".dvc/config": AWARE, "m.pkl.dvc": pointer})
    assert (answer["uri"], answer["files"], answer["size"]) == ("s3://bkt/pre/m.pkl", 1, 1)


def test_version__under_cloud_and_in_the_out__is_clouds(resolved: Asked):
    pointer = out(more="  version_id: OLD\n  cloud:\n    st: {version_id: NEW, etag: b}\n")
    assert resolved.of({".dvc/config": AWARE, "m.pkl.dvc": pointer})["version_id"] == "NEW"


def test_version__of_another_remote_under_cloud__hides_the_outs_own(resolved: Asked):
    pointer = out(more="  version_id: OLD\n  cloud:\n    other: {version_id: NEW, etag: b}\n")
    assert "was not pushed there" in resolved.refused({".dvc/config": AWARE, "m.pkl.dvc": pointer}).err


def test_version__in_the_out_beside_an_ordinary_remote__does_not_count(resolved: Asked):
    answer = resolved.of({"m.pkl.dvc": out(more="  version_id: V9\n")})
    assert (answer["uri"], answer["version_id"]) == (f"s3://bkt/pre/files/md5/{MD5[:2]}/{MD5[2:]}", None)


# -- imports ------------------------------------------------------------------

IMPORT = "frozen: true\ndeps:\n- {etag: abc, size: 4, hash: etag, path: 's3://src/m.pkl'}\n"


@pytest.mark.parametrize(
    "outs",
    [
        "outs:\n- path: m.pkl\n  hash: md5\n",
        "outs:\n- path: m.pkl\n  hash: md5\n  md5: 5\n",
        "outs:\n- path: m.pkl\n  hash: md5\n  files:\n  - {relpath: a, size: 1}\n",
    ],
)
def test_import__that_was_not_downloaded__is_to_be_updated_and_never_added(resolved: Asked, outs: str):
    said = resolved.refused({"m.pkl.dvc": IMPORT + outs})
    assert "md5" in said.err
    assert "dvc update m.pkl.dvc" in said.err
    assert "dvc add" not in said.err


def test_out__without_md5_that_is_no_import__is_to_be_added(resolved: Asked):
    assert "dvc add m.pkl" in resolved.refused({"m.pkl.dvc": "outs:\n- path: m.pkl\n  hash: md5\n"}).err


def test_import__of_a_file_version__is_at_its_source(resolved: Asked):
    dep = "deps:\n- {path: 'S3://src/in/m.pkl', version_id: V7, etag: abc, size: 4, fs_config: {version_aware: true}}\n"
    answer = resolved.of({"m.pkl.dvc": dep + out(more="  push: false\n")})
    assert (answer["uri"], answer["version_id"], answer["digest"]) == ("s3://src/in/m.pkl", "V7", f"md5:{MD5}")


FILES = (
    f"  files:\n  - {{relpath: a, etag: {OTHER}, size: 1, version_id: V1}}\n"
    "  - {relpath: b, etag: x-2, size: 3, version_id: V2}\n"
)


def test_import__of_a_folder_uploaded_in_parts__has_a_place_and_cannot_be_fetched(resolved: Asked):
    pointer = f"deps:\n- path: s3://src/in\n{FILES}" + out(md5=f"{MD5}.dir", more="  push: false\n")
    answer = resolved.of({"m.pkl.dvc": pointer})
    found = (answer["uri"], answer["digest"], answer["size"], answer["files"], answer["version_id"])
    assert found == ("s3://src/in", f"md5:{MD5}.dir", 4, 2, None)
    said = resolved.refused({"m.pkl.dvc": pointer}, "fetch", "m", "-o", "got", "--json")
    assert said.json["error"]["code"] == "no-file-digests"


def test_import__of_a_folder_without_versions_of_its_files__is_to_be_updated(resolved: Asked):
    files = FILES.replace(", version_id: V2", "")
    said = resolved.refused({"m.pkl.dvc": f"deps:\n- path: s3://src/in\n{files}{out(md5=f'{MD5}.dir')}"})
    assert "which version of in/b" in said.err
    assert "dvc update m.pkl.dvc" in said.err


# -- an address as path -------------------------------------------------------

ADDRESS = {"artifacts.yaml": "m: {type: model, path: 's3://corp/m.pt'}\n"}


@pytest.mark.parametrize(
    "files",
    [ADDRESS, {"dvc.yaml": "artifacts:\n  m: {path: 's3://corp/m.pt'}\n", "artifacts.yaml": "{}\n"}],
)
def test_address__that_a_tagged_commit_has_without_virtual__is_answered_as_unverified(resolved: Asked, files: Any):
    path = resolved.make(files)
    answer = resolved.tagline.json("resolve", "m", "--offline", cwd=path)
    assert (answer["uri"], answer["digest"], answer["size"]) == ("s3://corp/m.pt", None, None)
    assert [(warning["code"], warning["tag"]) for warning in answer["warnings"]] == [("unverified", "m@v1.0.0")]


def test_address__that_is_virtual__says_nothing_more(resolved: Asked):
    answer = resolved.of({"artifacts.yaml": "m: {path: 's3://corp/m.pt', virtual: true}\n"})
    assert (answer["uri"], answer["warnings"]) == ("s3://corp/m.pt", [])


def test_address__without_virtual__is_not_fetched_and_the_fix_names_virtual(resolved: Asked):
    said = resolved.refused(ADDRESS, "fetch", "m", "-o", "got", "--json")
    assert said.json["error"]["code"] == "no-bytes"
    assert "virtual: true" in said.json["error"]["hint"]


def test_address__without_virtual__is_one_finding_also_where_stores_are_looked_at(resolved: Asked):
    assert [finding["rule"] for finding in resolved.validated(ADDRESS)] == ["path-uri"]
    assert [finding["rule"] for finding in resolved.validated(ADDRESS, "--check-storage")] == ["path-uri"]


# -- a path that is not what was meant ----------------------------------------


def rules(findings: list[Any]) -> list[tuple[str, str]]:
    return [(finding["rule"], finding["hint"]) for finding in findings]


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        ({"artifacts.yaml": "m: {path: m.pkl.dvc}\n", "m.pkl.dvc": out()}, "Write 'm.pkl'."),
        ({"artifacts.yaml": "m: {path: all.dvc}\n", "all.dvc": f"wdir: d\n{out()}"}, "Write 'd/m.pkl'."),
        ({"artifacts.yaml": "{}\n", "d/artifacts.yaml": "m: {path: x.dvc}\n", "d/x.dvc": out("x")}, "Write 'x'."),
        ({"artifacts.yaml": "m: {metrics: s.json.dvc}\n", "s.json.dvc": out("s.json")}, "Write 's.json'."),
        (
            {"artifacts.yaml": "m: {path: two.dvc}\n", "two.dvc": out("a") + out("b").removeprefix("outs:\n")},
            "Write what is meant: 'a', 'b'.",
        ),
    ],
)
def test_path__that_is_a_pointer__is_a_finding_that_names_what_it_tracks(resolved: Asked, files: Any, hint: str):
    assert rules(resolved.validated(files)) == [("path-pointer", hint)]


@pytest.mark.parametrize("content", ["no: pointer\n", "{", "", "outs: []\n"])
def test_path__of_a_file_that_is_only_called_like_a_pointer__is_none(resolved: Asked, content: str):
    assert resolved.validated({"artifacts.yaml": "m: {path: model.dvc}\n", "model.dvc": content}) == []


FOLDER = {"artifacts.yaml": "m: {path: data}\n"}


@pytest.mark.parametrize(
    "files",
    [
        {**FOLDER, "data/part.dvc": out("part"), "data/notes.md": "n"},
        {**FOLDER, "data/part.dvc": out("part")},
        {**FOLDER, "data/sub/part.dvc": out("part")},
        {**FOLDER, "parts.dvc": f"wdir: data\n{out('part')}"},
        {
            **FOLDER,
            "dvc.yaml": "stages: {t: {cmd: x, outs: [data/p]}}\n",
            "dvc.lock": f"stages:\n{lock('t', 'data/p')}",
        },
        {"artifacts.yaml": "m: {path: .}\n", "part.dvc": out("part")},
    ],
)
def test_folder__in_which_dvc_tracks_parts__is_a_finding_as_it_is_refused(resolved: Asked, files: Any):
    assert [finding["rule"] for finding in resolved.validated(files)] == ["path-mixed"]
    assert resolved.refused(files, "resolve", "m", "--json").json["error"]["code"] == "mixed-folder"


@pytest.mark.parametrize(
    "files",
    [
        {**FOLDER, "data.dvc": out("data", f"{MD5}.dir")},
        {**FOLDER, "all.dvc": out("data", f"{MD5}.dir")},
        {**FOLDER, "data/notes.md": "n", "data/elsewhere.dvc": f"wdir: ..\n{out('x')}"},
        {
            **FOLDER, "data/report.json": "{}\n",
            "dvc.yaml": "stages: {t: {cmd: x, metrics: [{data/report.json: {cache: false}}]}}\n",
            "dvc.lock": f"stages:\n{lock('t', 'data/report.json')}",
        },
        {"artifacts.yaml": "m: {path: .}\n", "data/notes.md": "n"},
    ],
)  # fmt: skip
def test_folder__that_is_known_as_a_whole__is_no_finding_and_resolved(resolved: Asked, files: Any):
    assert resolved.validated(files) == []
    assert resolved.of(files)["digest"] is not None


def test_whole_repository__as_an_artifact__is_fetched(resolved: Asked, tmp_path: Path):
    path = resolved.make({"artifacts.yaml": "m: {path: .}\n", "d/a": "in\n", ".gitattributes": "*.bin filter=lfs\n"})
    resolved.tagline.json("fetch", "m", "-o", str(tmp_path / "got"), cwd=path)
    assert (tmp_path / "got" / "d/a").read_text() == "in\n"


# -- locks --------------------------------------------------------------------

PIPELINE = "stages: {t: {cmd: x, outs: [m.pkl]}}\n"
OF_DVC_1 = f"t:\n  cmd: x\n  outs:\n  - path: m.pkl\n    md5: {MD5}\n"


@pytest.mark.parametrize("pipeline", [PIPELINE, "stages: {t: {cmd: x, outs: ['${where}']}}\n"])
def test_lock__of_dvc_1__is_named_by_resolve_and_by_validate(resolved: Asked, pipeline: str):
    files = {"dvc.yaml": pipeline, "dvc.lock": OF_DVC_1, "params.yaml": "where: m.pkl\n"}
    said = resolved.refused(files, "resolve", "m", "--json").json["error"]
    assert said["code"] == "lock-of-dvc-1"
    assert "dvc.lock" in said["message"]
    [finding] = resolved.validated(files)
    assert (finding["rule"], finding["message"], finding["hint"]) == ("storage-pointer", said["message"], said["hint"])


def test_lock__of_dvc_1__beside_a_pointer_that_has_the_path__does_not_matter(resolved: Asked):
    files = {"m.pkl.dvc": out(), "old/dvc.yaml": PIPELINE, "old/dvc.lock": OF_DVC_1}
    assert resolved.of(files)["digest"] == f"md5:{MD5}"
    assert resolved.validated(files) == []


# -- .dvcignore ---------------------------------------------------------------


def test_pointer__that_dvc_ignores__tracks_nothing(resolved: Asked):
    old = f"wdir: ..\n{out(md5=OTHER)}"
    files = {"all.dvc": out(), ".dvcignore": "old/\n", "old/dup.dvc": old}
    assert resolved.of(files)["digest"] == f"md5:{MD5}"
    only = {".dvcignore": "old/\n", "old/dup.dvc": old}
    assert resolved.refused(only, "resolve", "m", "--json").json["error"]["code"] == "no-bytes"
    assert [finding["rule"] for finding in resolved.validated(only)] == ["path-missing"]


@pytest.mark.parametrize("ignored", ["m.pkl.dvc", "*.dvc"])
def test_pointer__of_the_artifacts_own_name_that_dvc_ignores__tracks_nothing(resolved: Asked, ignored: str):
    files = {".dvcignore": f"{ignored}\n", "m.pkl.dvc": out()}
    assert resolved.refused(files, "resolve", "m", "--json").json["error"]["code"] == "no-bytes"
    assert [finding["rule"] for finding in resolved.validated(files)] == ["path-missing"]


@pytest.mark.parametrize("ignored", ["dvc.yaml", "dvc.lock"])
def test_lock__whose_part_dvc_ignores__tracks_nothing(resolved: Asked, ignored: str):
    files = {".dvcignore": f"{ignored}\n", "dvc.yaml": PIPELINE, "dvc.lock": f"stages:\n{lock('t', 'm.pkl')}"}
    assert resolved.refused(files, "resolve", "m", "--json").json["error"]["code"] == "no-bytes"


def test_dvcignore__above_a_project_of_its_own__does_not_count_there(resolved: Asked):
    files = {
        ".dvcignore": "*.dvc\n", "sub/.dvc/config": CONFIG, "sub/m.pkl.dvc": out(),
        "artifacts.yaml": "m: {path: sub/m.pkl}\n",
    }  # fmt: skip
    assert resolved.of(files)["digest"] == f"md5:{MD5}"


# -- stores that moved --------------------------------------------------------

MOVED = "storage:\n  moved:\n    s3://bkt: s3://new/deep\n    s3://bkt/pre/in: gs://elsewhere\n    s3://corp/: S3://corp2/\n"
KEY = f"files/md5/{MD5[:2]}/{MD5[2:]}"


@pytest.mark.parametrize(
    ("files", "uri"),
    [
        ({"m.pkl.dvc": out()}, f"s3://new/deep/pre/{KEY}"),
        ({"m.pkl.dvc": out(), ".dvc/config": CONFIG.replace("s3://bkt/pre", "S3://bkt/")}, f"s3://new/deep/{KEY}"),
        ({"m.pkl.dvc": out(), ".dvc/config": CONFIG.replace("bkt", "bkt2")}, f"s3://bkt2/pre/{KEY}"),
        ({"artifacts.yaml": "m: {path: 's3://corp/m.pt', virtual: true}\n"}, "s3://corp2/m.pt"),
        (ADDRESS, "s3://corp2/m.pt"),
        (
            {"m.pkl.dvc": "deps:\n- {path: 's3://bkt/m.pkl', version_id: V7}\n" + out(more="  push: false\n")},
            "s3://new/deep/m.pkl",
        ),
    ],
)  # fmt: skip
def test_store__that_moved_since__is_where_the_policy_says(resolved: Asked, files: Any, uri: str):
    assert resolved.of({**files, ".tagline.yaml": MOVED})["uri"] == uri


def test_store__that_this_machine_gives_the_address_of__stays_there(resolved: Asked):
    path = resolved.make({"m.pkl.dvc": out(), ".tagline.yaml": MOVED})
    (path / ".dvc/config.local").write_text("['remote \"st\"']\n    url = s3://bkt/mine\n")
    assert resolved.tagline.json("resolve", "m", "--no-storage", cwd=path)["uri"] == f"s3://bkt/mine/{KEY}"


def test_store__that_moved__is_told_by_the_policy_of_today(resolved: Asked):
    path = resolved.make({"m.pkl.dvc": out()})
    (path / ".tagline.yaml").write_text(MOVED)
    run_git(path, "add", "--all")
    run_git(path, "commit", "--quiet", "--message", "moved")
    for repo in (str(path), path.as_uri()):
        answer = resolved.tagline.json("resolve", "m", "--no-storage", "--repo", repo, cwd=path.parent)
        assert answer["uri"] == f"s3://new/deep/pre/{KEY}"


@pytest.mark.parametrize("policy", ["storage: {moved: {s3://bkt: 5}}\n", "storage: {moved: 5}\n", "{"])
def test_store__of_a_policy_that_is_broken__did_not_move_and_validate_says_why(resolved: Asked, policy: str):
    files = {"m.pkl.dvc": out(), ".tagline.yaml": policy}
    assert resolved.of(files)["uri"] == f"s3://bkt/pre/{KEY}"
    assert {finding["file"] for finding in resolved.validated(files)} == {".tagline.yaml"}


def test_store__that_moved__is_fetched_from_where_it_is_now(resolved: Asked, tmp_path: Path):
    data = b"one\n"
    md5 = hashlib.md5(data).hexdigest()
    stored = tmp_path / "now" / "files" / "md5" / md5[:2] / md5[2:]
    stored.parent.mkdir(parents=True)
    stored.write_bytes(data)
    config = CONFIG.replace("s3://bkt/pre", f"{tmp_path}/before")
    policy = f"storage: {{moved: {{{tmp_path}/before: {tmp_path}/now}}}}\n"
    path = resolved.make({"m.pkl.dvc": out(md5=md5), ".dvc/config": config, ".tagline.yaml": policy})
    resolved.tagline.json("fetch", "m", "-o", str(tmp_path / "got"), cwd=path)
    assert (tmp_path / "got").read_bytes() == data
    assert resolved.tagline("validate", "--check-storage", cwd=path).code == 0


@pytest.mark.parametrize("outs", [out(), "outs:\n- path: m.pkl\n  hash: md5\n"])
def test_import__from_another_repository__is_resolved_there_and_never_added(resolved: Asked, outs: str):
    dep = "frozen: true\ndeps:\n- path: m.pkl\n  repo: {url: 'https://git.example.org/r', rev_lock: abc}\n"
    error = resolved.refused({"m.pkl.dvc": dep + outs}, "resolve", "m", "--json").json["error"]
    assert error["code"] == "imported"
    assert "dvc add" not in error["hint"]
