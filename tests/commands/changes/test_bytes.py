"""No version and no stage is made of bytes that are not there: every object is looked at before the tag is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.changes.world import Platform, Ran, World
from tests.support.s3server import S3Server

MANIFEST = "churn: {path: models/churn.pkl}\n"
BOTH = ("version:minor", "stage:prod")


class Store:
    """A DVC remote in a folder, and the pointers to what is put into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    @property
    def config(self) -> str:
        return f"[core]\n    remote = here\n['remote \"here\"']\n    url = {self.folder}\n"

    def path(self, data: bytes) -> Path:
        md5 = hashlib.md5(data).hexdigest()
        return self.folder / "files" / "md5" / md5[:2] / md5[2:]

    def put(self, data: bytes) -> None:
        path = self.path(data)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    @staticmethod
    def pointer(data: bytes) -> dict[str, str]:
        md5 = hashlib.md5(data).hexdigest()
        text = f"outs:\n- md5: {md5}\n  size: {len(data)}\n  hash: md5\n  path: churn.pkl\n"
        return {"models/churn.pkl.dvc": text}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def shop(make_world: Callable[..., World], store: Store) -> Callable[..., World]:
    """A shop whose model is kept by DVC; its first bytes are there."""

    def make(platform: Platform = "github", policy: str | None = None, config: str | None = None) -> World:
        store.put(b"first")
        files = {"artifacts.yaml": MANIFEST, ".dvc/config": config or store.config, **store.pointer(b"first")}
        world: World = make_world(platform, files=files, policy=policy)
        return world

    return make


def _better(world: World, store: Store, data: bytes = b"better", labels: tuple[str, ...] = BOTH) -> int:
    return world.open("topic", store.pointer(data), labels=labels)


def _rules(ran: Ran) -> dict[str, str]:
    return {row["rule"]: row["state"] for row in ran.json["rules"]}


@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_promotion__bytes_are_there__trailers_say_which(shop: Callable[..., World], store: Store, platform: Platform):
    world = shop(platform)
    store.put(b"better")
    number = _better(world, store)
    planned = world.plan(number)
    assert (planned.code, _rules(planned)) == (0, {"storage": "ok"})
    world.merge(number)
    assert world.promote(number).code == 0
    path = store.path(b"better")
    for tag in ("churn@v0.1.0", "churn#prod#1"):
        trailers = world.trailers(tag)
        assert trailers["Artifact-Digest"] == [f"md5:{path.parent.name}{path.name}"]
        assert trailers["Artifact-Uri"] == [path.as_uri()]
        assert "Artifact-Version-Id" not in trailers


def test_plan__bytes_were_not_pushed__is_refused_with_the_fix(shop: Callable[..., World], store: Store):
    world = shop()
    planned = world.plan(_better(world, store))
    assert (planned.code, planned.verdict) == (1, "refused")
    # One missing object is one fault: that the stage has no version to go to is no second.
    (refused,) = planned.json["refused"]
    assert (refused["stage"], refused["rule"]) == (None, "storage")
    assert _rules(planned) == {"storage": "refused"}
    assert store.path(b"better").as_uri() in refused["message"]
    assert "dvc push" in refused["fix"]


@pytest.mark.parametrize("labels", [BOTH, ("version:minor",), ("version:churn@v0.1.0", "stage:churn#prod")])
def test_promote__bytes_are_missing__neither_version_nor_stage_is_made(
    shop: Callable[..., World], store: Store, labels: tuple[str, ...]
):
    world = shop()
    number = _better(world, store, labels=labels)
    planned = world.plan(number)
    world.merge(number)
    ran = world.promote(number)
    assert (ran.code, ran.verdict) == (1, "refused")
    assert [(row["stage"], row["rule"]) for row in ran.json["refused"]] == [(None, "storage")]
    assert ran.json["refused"] == planned.json["refused"]
    assert world.tags() == {}
    # No store tells what it had at the merge, so the change's own job asks it as it is now.
    store.put(b"better")
    assert world.promote(number).code == 0
    assert set(world.tags()) == {"churn@v0.1.0", *(["churn#prod#1"] if len(labels) > 1 else [])}


def test_promote__bytes_go_after_the_version_was_made__the_stage_is_refused_for_itself(
    shop: Callable[..., World], store: Store
):
    world = shop()
    store.put(b"better")
    number = _better(world, store)
    world.merge(number)
    world.admin("register", "churn", "--version", "v0.1.0")
    store.path(b"better").unlink()
    again = world.open("again", {"note": "x"}, labels=("stage:churn@v0.1.0#prod",))
    planned = world.plan(again)
    assert [(row["stage"], row["rule"]) for row in planned.json["refused"]] == [("prod", "storage")]


@pytest.mark.parametrize("wrong", [b"bett", b"better and more"])
def test_plan__object_has_another_size__is_refused(shop: Callable[..., World], store: Store, wrong: bytes):
    world = shop()
    store.put(b"better")
    store.path(b"better").write_bytes(wrong)
    planned = world.plan(_better(world, store))
    assert planned.code == 1
    assert f"has {len(wrong)} bytes, and the pointer says 6" in planned.json["refused"][0]["message"]


def test_plan__pointer_without_a_digest__is_refused(shop: Callable[..., World], store: Store):
    world = shop()
    number = world.open("topic", {"models/churn.pkl.dvc": "outs:\n- path: churn.pkl\n  size: 3\n"}, labels=BOTH)
    planned = world.plan(number)
    assert planned.code == 1
    assert "has no md5 for models/churn.pkl" in planned.json["refused"][0]["message"]


def test_plan__registration_alone__is_looked_at_as_a_stage_is(shop: Callable[..., World], store: Store):
    world = shop()
    number = _better(world, store, labels=("version:minor",))
    planned = world.plan(number)
    assert (planned.code, _rules(planned)) == (1, {"storage": "refused"})
    store.put(b"better")
    planned = world.plan(number)
    assert (planned.code, planned.verdict, _rules(planned)) == (0, "ok", {"storage": "ok"})


def test_stage_of_an_older_version__its_own_bytes_are_looked_at(shop: Callable[..., World], store: Store):
    world = shop()
    world.admin("register", "churn", "--version", "v1.0.0")
    number = world.open("ask", {"note": "x"}, labels=("stage:churn@v1.0.0#prod",))
    assert world.plan(number).code == 0
    store.path(b"first").unlink()
    assert world.plan(number).code == 1


def test_rollback__to_bytes_that_are_gone__is_refused_though_exempt_from_gates(
    shop: Callable[..., World], store: Store
):
    world = shop()
    world.admin("register", "churn", "--version", "v1.0.0")
    world.admin("assign", "churn#prod", "--version", "v1.0.0")
    second = world.push("main", store.pointer(b"second"))
    world.admin("register", "churn", "--version", "v2.0.0", "--rev", second)
    world.admin("assign", "churn#prod", "--version", "v2.0.0")
    number = world.open("back", {"note": "x"}, labels=("rollback:churn#prod",))
    assert world.plan(number).code == 0
    store.path(b"first").unlink()
    planned = world.plan(number)
    assert (planned.code, planned.json["refused"][0]["rule"]) == (1, "storage")


# -- a store that cannot be asked ------------------------------------------------

S3 = "[core]\n    remote = s\n['remote \"s\"']\n    url = s3://bucket/models\n    endpointurl = http://127.0.0.1:9\n"


def test_store_without_credentials__plan_waits_and_promote_refuses_for_now(shop: Callable[..., World], store: Store):
    world = shop(config=S3)
    number = _better(world, store)
    planned = world.plan(number)
    assert (planned.code, planned.verdict, _rules(planned)) == (0, "waiting", {"storage": "unknown"})
    (waiting,) = planned.json["waiting"]
    assert "credentials" in waiting["message"]
    world.merge(number)
    ran = world.promote(number)
    assert (ran.code, set(world.tags())) == (4, set())
    # Not final: it said nothing about the change. With the bytes in reach the same run does it.
    store.put(b"better")
    world.push("main", {"later": "x"})
    assert world.promote(number).code == 4


def test_store_without_credentials__best_effort__is_a_note(shop: Callable[..., World], store: Store):
    world = shop(config=S3, policy="storage: best-effort\n")
    number = _better(world, store)
    world.merge(number)
    ran = world.promote(number)
    assert (ran.code, _rules(ran)) == (0, {"storage": "ok"})
    assert "nobody could look" in ran.json["rules"][0]["message"]
    assert set(world.tags()) == {"churn@v0.1.0", "churn#prod#1"}


def test_store_that_moved__is_looked_at_where_the_policy_says(shop: Callable[..., World], store: Store):
    now = store.folder.with_name("now")
    world = shop(policy=f"storage: {{look: best-effort, moved: {{{store.folder}: {now}}}}}\n")
    store.put(b"better")
    number = _better(world, store)
    assert world.plan(number).code == 0  # nobody can look at a folder that is not there
    store.folder.rename(now)
    world.merge(number)
    assert _rules(world.promote(number)) == {"storage": "ok"}
    assert world.trailers("churn#prod#1")["Artifact-Uri"] == [
        (now / store.path(b"better").relative_to(store.folder)).as_uri()
    ]


def test_missing_bytes__best_effort__are_refused_all_the_same(shop: Callable[..., World], store: Store):
    world = shop(policy="storage: best-effort\n")
    assert world.plan(_better(world, store)).code == 1


def test_no_remote_is_configured__is_refused(shop: Callable[..., World], store: Store):
    world = shop(config="[core]\n    analytics = false\n")
    planned = world.plan(_better(world, store))
    assert planned.code == 1
    (refused,) = planned.json["refused"]
    assert "No DVC remote is configured" in refused["message"]
    assert refused["stage"] == "prod", "a version alone may be of bytes that are kept by other means"


def test_policy__storage__is_one_of_two_words(make_world: Callable[..., World]):
    world = make_world("github", policy="storage: maybe\n")
    assert world.plan(world.open("topic", {"models/churn.txt": "x"}, labels=BOTH)).code == 1


def test_store_that_is_not_mounted__is_unknown_and_not_missing(shop: Callable[..., World], store: Store):
    world = shop()
    number = _better(world, store)
    store.folder.rename(store.folder.with_name("elsewhere"))
    planned = world.plan(number)
    assert (planned.verdict, _rules(planned)) == ("waiting", {"storage": "unknown"})
    world.merge(number)
    assert world.promote(number).code == 4
    store.folder.with_name("elsewhere").rename(store.folder)
    store.put(b"better")
    assert world.promote(number).code == 0
    assert set(world.tags()) == {"churn@v0.1.0", "churn#prod#1"}


def test_manifest_of_an_old_version_is_broken__the_other_artifact_is_promoted(shop: Callable[..., World], store: Store):
    world = shop()
    broken = world.push("main", {"artifacts.yaml": "churn: {path: [oops\n"})
    world.admin("register", "churn", "--version", "v0.0.1", "--rev", broken)
    world.push("main", {"artifacts.yaml": MANIFEST + "other: {path: other.txt}\n", "other.txt": "1"})
    number = world.open("topic", {"other.txt": "2"}, labels=("stage:churn@v0.0.1#prod", "version:other@minor"))
    planned = world.plan(number)
    assert [(row["artifact"], row["rule"]) for row in planned.json["refused"]] == [("churn", "storage")]
    world.merge(number)
    assert world.promote(number).code == 1
    assert set(world.tags()) == {"churn@v0.0.1", "other@v0.1.0"}


def test_folder_in_git_with_a_link_in_it__needs_no_look(make_world: Callable[..., World]):
    world = make_world("github", files={"artifacts.yaml": "churn: {path: models}\n", "models/a": "1"})
    (world.clone / "models" / "latest").symlink_to("a")
    number = world.open("topic", {"models/a": "2"}, labels=BOTH)
    assert world.plan(number).code == 0
    world.merge(number)
    assert world.promote(number).code == 0
    assert set(world.tags()) == {"churn@v0.1.0", "churn#prod#1"}


# -- S3 -------------------------------------------------------------------------------


def test_promotion__remote_with_versions__the_version_is_in_the_trailers(
    make_world: Callable[..., World], s3: S3Server, monkeypatch: pytest.MonkeyPatch
):
    bucket = s3.bucket(versioned=True)
    data, md5 = b"better", hashlib.md5(b"better").hexdigest()
    version = s3.put(bucket, "tree/models/churn.pkl", data)
    s3.put(bucket, "tree/models/churn.pkl", b"newer, and not meant")
    config = (
        f"[core]\n    remote = s\n['remote \"s\"']\n    url = s3://{bucket}/tree\n    endpointurl = {s3.url}\n"
        "    version_aware = true\n"
    )
    pointer = (
        f"outs:\n- md5: {md5}\n  size: {len(data)}\n  hash: md5\n  path: churn.pkl\n"
        f"  cloud:\n    s:\n      etag: {md5}\n      version_id: {version}\n"
    )
    world = make_world("github", files={"artifacts.yaml": MANIFEST, ".dvc/config": config, "models/x": "x"})
    number = world.open("topic", {"models/churn.pkl.dvc": pointer}, labels=BOTH)
    planned = world.plan(number)
    assert (planned.code, _rules(planned)) == (0, {"storage": "ok"}), planned.out
    world.merge(number)
    assert world.promote(number).code == 0
    for tag in ("churn@v0.1.0", "churn#prod#1"):
        trailers = world.trailers(tag)
        assert trailers["Artifact-Version-Id"] == [version]
        assert trailers["Artifact-Uri"] == [f"s3://{bucket}/tree/models/churn.pkl"]
    # The version goes, the path stays: what is there now is not what was promised.
    s3.client.delete_object(Bucket=bucket, Key="tree/models/churn.pkl", VersionId=version)
    again = world.open("again", {"note": "x"}, labels=("stage:churn@v0.1.0#staging",))
    assert world.plan(again).code == 1


# -- what a lock keeps of stages that are gone ------------------------------------------


def _pipeline(stage: str) -> str:
    return f"stages:\n  {stage}:\n    cmd: x\n    outs:\n    - models/churn.pkl\n"


def _lock(store: Store, **stages: bytes) -> dict[str, str]:
    rows = ""
    for name, data in stages.items():
        store.put(data)
        md5 = hashlib.md5(data).hexdigest()
        out = f"{{path: models/churn.pkl, hash: md5, md5: {md5}, size: {len(data)}}}"
        rows += f"  {name}: {{cmd: x, outs: [{out}]}}\n"
    return {"dvc.lock": f"schema: '2.0'\nstages:\n{rows}"}


@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_promotion__stage_renamed_in_dvc_yaml_alone__is_of_the_bytes_that_dvc_takes(
    make_world: Callable[..., World], store: Store, platform: Platform
):
    # By hand, as people do it: the lock has both, and only dvc.yaml says which one counts.
    files = {"artifacts.yaml": MANIFEST, ".dvc/config": store.config, "dvc.yaml": _pipeline("train")}
    world = make_world(platform, files=files | _lock(store, train=b"old", fit=b"new"))
    number = world.open("topic", {"dvc.yaml": _pipeline("fit")}, labels=BOTH)
    planned = world.plan(number)
    assert (planned.code, _rules(planned)) == (0, {"storage": "ok"})
    world.merge(number)
    assert world.promote(number).code == 0
    new = f"md5:{hashlib.md5(b'new').hexdigest()}"
    assert world.trailers("churn@v0.1.0")["Artifact-Digest"] == [new]
    assert world.trailers("churn#prod#1")["Artifact-Digest"] == [new]


@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_promotion__folder_that_went_from_a_stage_into_git__is_gits(
    make_world: Callable[..., World], store: Store, platform: Platform
):
    old = hashlib.md5(b"old").hexdigest()
    listing = json.dumps([{"md5": old, "relpath": "w"}]).encode()
    digest = f"{hashlib.md5(listing).hexdigest()}.dir"
    store.put(b"old")
    path = store.folder / "files/md5" / digest[:2] / digest[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(listing)
    out = f"{{path: mod, hash: md5, md5: {digest}, size: 3, nfiles: 1}}"
    files = {
        "artifacts.yaml": "churn: {path: mod}\n",
        ".dvc/config": store.config,
        "dvc.yaml": "stages: {train: {cmd: x, outs: [mod]}}\n",
        "dvc.lock": f"schema: '2.0'\nstages: {{train: {{cmd: x, outs: [{out}]}}}}\n",
    }
    world = make_world(platform, files=files)
    number = world.open("topic", {"dvc.yaml": "stages: {}\n", "mod/w": "new"}, labels=BOTH)
    assert world.plan(number).code == 0
    world.merge(number)
    assert world.promote(number).code == 0
    [digest] = world.trailers("churn#prod#1")["Artifact-Digest"]
    assert digest.startswith("gittree:")


@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_artifact_at_the_root__any_file_changed__gets_a_version(make_world: Callable[..., World], platform: Platform):
    world = make_world(platform, files={"artifacts.yaml": "all: {path: .}\n", "src/a.txt": "one\n"})
    number = world.open("topic", {"src/a.txt": "two\n"}, labels=("version:minor",))
    assert world.plan(number).code == 0
    world.merge(number)
    assert world.promote(number).code == 0
    assert set(world.tags()) == {"all@v0.1.0"}
    assert world.trailers("all@v0.1.0")["Artifact-Digest"][0].startswith("gittree:")
