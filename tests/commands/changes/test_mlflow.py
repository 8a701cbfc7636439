"""MLflow beside plan and promote: what it says of a run is judged, what was decided is told to it."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.changes.world import BETTER, START, Platform, Ran, World
from tests.support.mlflowserver import MlflowServer, MlflowStub

BOTH = ("version:minor", "stage:prod")
REQUIRED = "stages: {prod: {}, staging: {}}\nmlflow: required\n"
#: Nothing listens there.
NOWHERE = "http://127.0.0.1:9"


def manifest(run_id: str, **more: str) -> dict[str, str]:
    said = ", ".join(f"{key}: {value}" for key, value in {"run_id": run_id, **more}.items())
    return {"artifacts.yaml": f"churn: {{path: models/churn.txt, metrics: metrics/churn.json, mlflow: {{{said}}}}}\n"}


def several(**named: dict[str, Any] | None) -> dict[str, str]:
    """A manifest of several artifacts, each with what ``mlflow`` says of it, and their bytes and metrics."""
    lines, files = [], {}
    for name, said in named.items():
        more = f", mlflow: {json.dumps(said)}" if said else ""
        lines.append(f"{name}: {{path: models/{name}.txt, metrics: metrics/{name}.json{more}}}\n")
        files[f"models/{name}.txt"] = f"{name} {said}\n"
        files[f"metrics/{name}.json"] = '{"accuracy": 0.9}\n'
    return {"artifacts.yaml": "".join(lines), **files}


class Shop:
    """A world whose model is also MLflow's."""

    def __init__(self, world: World, server: MlflowServer) -> None:
        self.world, self.server = world, server
        self.model = server.model()

    def train(
        self, branch: str, accuracy: float = 0.92, labels: tuple[str, ...] = BOTH, **more: Any
    ) -> tuple[int, str]:
        """An open change with a better model of a new run; its number, and the run."""
        run_id = self.server.run({"accuracy": accuracy})
        self.server.version(self.model, run_id)
        files = {"models/churn.txt": f"{branch} {run_id}\n", "metrics/churn.json": f'{{"accuracy": {accuracy}}}\n'}
        return self.world.open(branch, {**files, **manifest(run_id, model=self.model, **more)}, labels=labels), run_id

    def make(self, model: str | None = None) -> dict[str, Any]:
        """A new run and its version of a model, as a manifest names both."""
        run_id, model = self.server.run({"accuracy": 0.9}), model or self.model
        return {"run_id": run_id, "model": model, "version": int(self.server.version(model, run_id))}

    def go(self, branch: str, files: dict[str, str], url: str | None = None, labels: tuple[str, ...] = BOTH) -> Ran:
        """Open a change, and land it."""
        return self.land(self.world.open(branch, files, labels=labels), url)

    def delete_run(self, run_id: str) -> None:
        self.server.client.post("runs/delete", {"run_id": run_id})

    def point(self, model: str, alias: str, version: int) -> None:
        """What other people do."""
        body = {"name": model, "alias": alias, "version": str(version)}
        self.server.client.post("registered-models/alias", body)

    def plan(self, number: int, url: str | None = None, **more: str) -> Ran:
        return self.world.plan(number, MLFLOW_TRACKING_URI=url or self.server.url, **more)

    def land(self, number: int, url: str | None = None, **more: str) -> Ran:
        self.world.merge(number)
        return self.promote(number, url, **more)

    def promote(self, number: int, url: str | None = None, **more: str) -> Ran:
        return self.world.promote(number, MLFLOW_TRACKING_URI=url or self.server.url, **more)

    def told(self, run_id: str) -> dict[str, str]:
        return {key: value for key, value in self.server.run_tags(run_id).items() if key.startswith("tagline.")}


@pytest.fixture
def shop(make_world: Callable[..., World], mlflow_server: MlflowServer) -> Callable[..., Shop]:
    def make(platform: Platform = "github", policy: str | None = None) -> Shop:
        return Shop(make_world(platform, policy=policy, files={**START, **manifest("0" * 32)}), mlflow_server)

    return make


@pytest.fixture
def trap() -> Iterator[tuple[str, list[Any]]]:
    """An address, and whoever came there."""
    came: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def wait() -> None:
            while True:
                try:
                    came.append(listening.accept())
                except OSError:
                    return

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", came
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    for connection, _ in came:
        connection.close()


def _rules(ran: Ran) -> set[tuple[str, str]]:
    return {(row["rule"], row["state"]) for row in ran.json["rules"]}


def _warned(ran: Ran) -> list[str]:
    return [row["code"] for row in ran.json["warnings"]]


def _messages(ran: Ran) -> str:
    return " ".join(row["message"] for row in ran.json["rules"])


# -- what is told ---------------------------------------------------------------


@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_promote__a_version_and_a_stage__run_and_model_have_tags_and_the_alias(
    shop: Callable[..., Shop], platform: Platform
):
    here = shop(platform)
    number, run_id = here.train("topic")
    planned = here.plan(number)
    assert (planned.code, _rules(planned)) == (0, {("mlflow", "ok")})
    assert f"MLflow run {run_id}: 1 metric agrees" in _messages(planned)
    assert here.told(run_id) == {}
    ran = here.land(number)
    assert (ran.code, _warned(ran)) == (0, [])
    (row,) = (row for row in ran.json["tags"] if row["stage"] == "prod")
    assert here.told(run_id) == {
        "tagline.tag": row["tag"],
        "tagline.commit": row["commit"],
        "tagline.change": ran.json["change"]["url"],
    }
    assert here.server.version_tags(here.model, "1") == here.told(run_id)
    assert here.server.aliases(here.model) == {"prod": "1"}


def test_rollback__by_label__moves_the_alias_back(shop: Callable[..., Shop]):
    here = shop()
    for branch in ("one", "two"):
        assert here.land(here.train(branch)[0]).code == 0
    assert here.server.aliases(here.model) == {"prod": "2"}
    back = here.world.open("back", {"README.md": "back\n"}, labels=("rollback:churn#prod",))
    assert here.land(back).code == 0
    assert here.server.aliases(here.model) == {"prod": "1"}


def test_unstage__nobody_holds_the_stage__the_alias_is_gone(shop: Callable[..., Shop]):
    here = shop()
    assert here.land(here.train("one", labels=("version:minor", "stage:eu/prod"))[0]).code == 0
    assert here.server.aliases(here.model) == {"eu-prod": "1"}
    away = here.world.open("away", {"README.md": "away\n"}, labels=("unstage:churn#eu/prod",))
    ran = here.land(away)
    assert (ran.code, _warned(ran)) == (0, ["mlflow-alias-removed"])
    assert "nobody holds eu/prod of churn" in ran.out
    assert here.server.aliases(here.model) == {}


def test_holder__without_a_model__takes_the_alias_away_and_leaves_others(shop: Callable[..., Shop]):
    here = shop()
    assert here.land(here.train("one")[0]).code == 0
    here.server.client.post("registered-models/alias", {"name": here.model, "alias": "theirs", "version": "1"})
    plain = {"models/churn.txt": "plain\n", "artifacts.yaml": "churn: {path: models/churn.txt}\n"}
    number = here.world.open("plain", plain, labels=BOTH)
    planned = here.plan(number)
    assert (planned.code, _rules(planned)) == (0, {("mlflow", "ok")})
    assert f"alias prod of the model {here.model} is taken away at the merge" in _messages(planned)
    ran = here.land(number)
    assert (ran.code, _warned(ran)) == (0, ["mlflow-alias-removed"])
    assert here.server.aliases(here.model) == {"theirs": "1"}


def _imported(here: Shop, run_id: str | None = None) -> dict[str, str]:
    """A version as an import of MLflow's registry describes it: no run is named."""
    said = {"model": here.model, "version": int(here.server.version(here.model, run_id))}
    entry = {"path": "models/churn.txt", "metrics": "metrics/churn.json", "mlflow": said}
    return {"artifacts.yaml": json.dumps({"churn": entry}), "models/churn.txt": f"imported {said}\n"}


@pytest.mark.parametrize("policy", [None, REQUIRED])
@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_promote__imported_version_without_a_run__has_the_alias_and_its_tags(
    shop: Callable[..., Shop], platform: Platform, policy: str | None
):
    here = shop(platform, policy)
    assert here.land(here.train("one")[0]).code == 0
    number = here.world.open("two", _imported(here), labels=BOTH)
    planned = here.plan(number)
    assert (planned.code, _rules(planned)) == (0, {("mlflow", "ok")})
    assert f"MLflow's {here.model} version 2 is there" in _messages(planned)
    ran = here.land(number)
    assert (ran.code, _warned(ran)) == (0, []), ran.err
    assert here.server.aliases(here.model) == {"prod": "2"}
    assert here.server.version_tags(here.model, "2")["tagline.tag"] == "churn#prod#2"
    # And back again: the alias follows, from a version without a run too.
    back = here.world.open("back", {"README.md": "back\n"}, labels=("rollback:churn#prod",))
    assert here.land(back).code == 0
    assert here.server.aliases(here.model) == {"prod": "1"}


def test_plan__version_without_a_run_that_is_not_there_and_required__is_refused(shop: Callable[..., Shop]):
    here = shop(policy=REQUIRED)
    entry = {"path": "models/churn.txt", "mlflow": {"model": here.model, "version": 7}}
    number = here.world.open("topic", {**BETTER, "artifacts.yaml": json.dumps({"churn": entry})}, labels=BOTH)
    planned = here.plan(number)
    assert planned.code == 1
    assert ("mlflow", "refused") in _rules(planned)
    assert f"version 7 of the MLflow model {here.model} does not exist" in _messages(planned)


def test_plan__version_whose_run_the_manifest_leaves_out__is_compared_all_the_same(shop: Callable[..., Shop]):
    here = shop(policy=REQUIRED)
    files = {**_imported(here, here.server.run({"accuracy": 0.1})), "metrics/churn.json": '{"accuracy": 0.9}\n'}
    planned = here.plan(here.world.open("topic", files, labels=BOTH))
    assert planned.code == 1
    assert ("mlflow", "refused") in _rules(planned)
    assert "has other metrics" in _messages(planned)


def test_plan__other_model_for_a_stage__says_that_the_first_loses_its_alias(shop: Callable[..., Shop]):
    here = shop()
    assert here.land(here.train("one")[0]).code == 0
    other = here.server.model()
    number = here.world.open("two", several(churn=here.make(other)), labels=BOTH)
    assert f"{here.model} is taken away at the merge: v0.2.0 is the model {other} there" in _messages(here.plan(number))
    ran = here.land(number)
    assert (ran.code, _warned(ran)) == (0, ["mlflow-alias-removed"])
    assert (here.server.aliases(here.model), here.server.aliases(other)) == ({}, {"prod": "1"})


def test_late_rerun__of_an_older_change__does_not_move_the_alias_back(shop: Callable[..., Shop]):
    here = shop()
    first, run_id = here.train("one")
    assert here.land(first).code == 0
    told = here.told(run_id)
    assert here.land(here.train("two")[0]).code == 0
    newest = here.server.aliases(here.model)
    assert newest == {"prod": "2"}
    # The record of the first is lost: it is told again, as of now.
    here.server.client.post("runs/set-tag", {"run_id": run_id, "key": "tagline.tag", "value": "lost"})
    here.world.repo.change(first).comments.clear()
    assert here.promote(first).code == 0
    assert here.server.aliases(here.model) == newest
    assert here.told(run_id) == told


def test_dry_run__promote__tells_nothing(shop: Callable[..., Shop]):
    here = shop()
    number, run_id = here.train("topic")
    here.world.merge(number)
    ran = here.world.run("promote", "--change", str(number), "--dry-run", MLFLOW_TRACKING_URI=here.server.url)
    assert ran.code == 0
    assert (here.told(run_id), here.server.aliases(here.model)) == ({}, {})


# -- whose alias it is ------------------------------------------------------------


def test_alias__of_two_artifacts_with_one_model__is_refused(shop: Callable[..., Shop]):
    here = shop()
    files = several(churn=here.make(), fraud=here.make())
    number = here.world.open("topic", files, labels=("version:churn@minor", "stage:churn#prod"))
    planned = here.plan(number)
    (row,) = planned.json["refused"]
    assert (planned.code, row["rule"], row["stage"]) == (1, "mlflow-alias", "prod")
    assert f"churn, fraud share the registered model {here.model}" in row["message"]
    assert here.land(number).code == 1
    assert set(here.world.tags()) == {"churn@v0.1.0"}
    assert here.server.aliases(here.model) == {}


def test_alias__of_a_model_that_another_artifact_has_elsewhere__is_set(shop: Callable[..., Shop]):
    here = shop()
    theirs = {**here.make(), "tracking_uri": "https://mlflow.example.org"}
    ran = here.go("topic", several(churn=here.make(), fraud=theirs), labels=("version:churn@minor", "stage:churn#prod"))
    assert ran.code == 0
    assert here.server.aliases(here.model) == {"prod": "2"}


def test_unstage__of_a_model_that_another_artifact_names_too__leaves_the_alias(shop: Callable[..., Shop]):
    here = shop()
    churn = here.make()
    assert here.go("one", several(churn=churn)).code == 0
    files = several(churn=churn, fraud={**here.make(), "version": 1})
    assert here.go("away", files, labels=("unstage:churn#prod",)).code == 0
    assert here.server.aliases(here.model) == {"prod": "1"}


def test_holder_before__on_another_server__takes_no_alias_away(shop: Callable[..., Shop]):
    here = shop()
    first = here.make()
    here.point(here.model, "prod", 1)
    assert here.go("one", several(churn={**first, "tracking_uri": "https://mlflow.example.org"})).code == 0
    second = here.make()
    assert here.go("two", several(churn={"run_id": second["run_id"]})).code == 0
    assert here.server.aliases(here.model) == {"prod": "1"}


def test_unstage__alias_at_a_version_of_others__is_left(shop: Callable[..., Shop]):
    here = shop()
    assert here.go("one", several(churn=here.make())).code == 0
    here.make()
    here.point(here.model, "prod", 2)
    assert here.go("away", {"README.md": "away\n"}, labels=("unstage:churn#prod",)).code == 0
    assert here.server.aliases(here.model) == {"prod": "2"}


def test_alias__on_an_older_model_after_an_untold_move__is_taken_away(shop: Callable[..., Shop]):
    here = shop()
    models = [here.model, here.server.model(), here.server.model()]
    assert here.go("one", several(churn=here.make(models[0]))).code == 0
    untold = here.go("two", several(churn=here.make(models[1])), NOWHERE)
    assert (untold.code, set(_warned(untold))) == (0, {"mlflow-not-told"})
    assert here.go("three", several(churn=here.make(models[2]))).code == 0
    assert [here.server.aliases(model) for model in models] == [{}, {}, {"prod": "1"}]


def test_promote__version_of_another_run_and_best_effort__tells_neither(shop: Callable[..., Shop]):
    here = shop()
    mine, other = here.make(), here.make()
    ran = here.go("topic", several(churn={**mine, "version": other["version"]}))
    assert (ran.code, set(_warned(ran))) == (0, {"mlflow-not-told"})
    assert f"is of the run {other['run_id']}" in ran.json["warnings"][0]["message"]
    assert here.server.aliases(here.model) == {}
    assert here.server.version_tags(here.model, "2") == {}
    assert here.told(mine["run_id"]) == here.told(other["run_id"]) == {}


def test_promote__deleted_run__still_tells_the_version_and_the_alias(shop: Callable[..., Shop]):
    here = shop()
    made = here.make()
    here.delete_run(made["run_id"])
    ran = here.go("topic", several(churn=made))
    assert (ran.code, set(_warned(ran))) == (0, {"mlflow-not-told"})
    assert here.server.version_tags(here.model, "1")["tagline.tag"].startswith("churn#prod#")
    assert here.server.aliases(here.model) == {"prod": "1"}


# -- MLflow is down ---------------------------------------------------------------


def test_promote__mlflow_is_down_and_best_effort__is_done_with_a_warning(shop: Callable[..., Shop]):
    here = shop()
    number, _ = here.train("topic")
    planned = here.plan(number, NOWHERE)
    assert (planned.code, planned.verdict, _rules(planned)) == (0, "ok", {("mlflow", "ok")})
    assert "cannot be reached" in _messages(planned)
    ran = here.land(number, NOWHERE)
    assert (ran.code, ran.verdict, set(_warned(ran))) == (0, "ok", {"mlflow-not-told"})
    assert "churn@v0.1.0" in here.world.tags()
    # Its own job decides anew, and tells what it could not.
    assert here.promote(number).code == 0
    assert here.server.aliases(here.model) == {"prod": "1"}


def test_plan__mlflow_is_down_and_required__waits_and_promote_is_not_final(shop: Callable[..., Shop]):
    here = shop(policy=REQUIRED)
    number, _ = here.train("topic")
    planned = here.plan(number, NOWHERE)
    assert (planned.code, planned.verdict, _rules(planned)) == (0, "waiting", {("mlflow", "unknown")})
    refused = here.land(number, NOWHERE)
    assert refused.code == 4
    assert not here.world.tags()
    assert here.promote(number).code == 0
    assert here.server.aliases(here.model) == {"prod": "1"}


def test_promote__killed_between_push_and_telling__the_next_run_tells(shop: Callable[..., Shop]):
    here = shop()
    number, run_id = here.train("topic")
    here.world.merge(number)
    seen = here.server.client.get("runs/get", {"run_id": run_id})
    versions = here.server.client.get("model-versions/search", {"filter": f"run_id = '{run_id}'", "max_results": 9})
    posted = threading.Event()
    hold = threading.Event()

    def answer(method: str, path: str, _body: bytes) -> Any:
        if method == "GET":
            return seen if path.endswith("runs/get") else versions
        posted.set()
        hold.wait(60)
        return {}

    with MlflowStub(answer) as stub:
        child = here.world.child("promote", "--change", str(number), MLFLOW_TRACKING_URI=stub.url)
        assert posted.wait(60), child.communicate()
        child.kill()
        child.communicate(timeout=30)
        hold.set()
    assert "churn@v0.1.0" in here.world.tags()
    assert here.told(run_id) == {}
    assert here.promote(number).code == 0
    assert here.told(run_id)["tagline.tag"].startswith("churn#prod#")
    assert here.server.aliases(here.model) == {"prod": "1"}


def test_promote__down_after_the_push_and_required__the_next_run_completes_it(shop: Callable[..., Shop]):
    here = shop(policy=REQUIRED)
    number, run_id = here.train("topic")
    here.world.merge(number)
    seen = here.server.client.get("runs/get", {"run_id": run_id})
    versions = here.server.client.get("model-versions/search", {"filter": f"run_id = '{run_id}'", "max_results": 9})

    def answer(method: str, path: str, _body: bytes) -> Any:
        if method == "GET":
            return seen if path.endswith("runs/get") else versions
        return 403, {"error_code": "PERMISSION_DENIED", "message": "read only"}

    with MlflowStub(answer) as stub:
        ran = here.promote(number, stub.url)
    assert (ran.code, ran.json["error"]["code"]) == (4, "mlflow-not-told")
    assert "read only" in ran.json["error"]["message"]
    assert {row["created"] for row in ran.json["tags"]} == {True}
    assert "churn@v0.1.0" in here.world.tags()
    again = here.promote(number)
    assert (again.code, {row["created"] for row in again.json["tags"]}) == (0, {False})
    assert here.server.aliases(here.model) == {"prod": "1"}


def test_untold_change__and_required__stops_no_later_one(shop: Callable[..., Shop]):
    here = shop(policy=REQUIRED)
    first, run_id = here.train("one")
    here.world.merge(first)
    seen = here.server.client.get("runs/get", {"run_id": run_id})
    versions = here.server.client.get("model-versions/search", {"filter": f"run_id = '{run_id}'", "max_results": 9})

    def answer(method: str, path: str, _body: bytes) -> Any:
        if method == "GET":
            return seen if path.endswith("runs/get") else versions
        return 403, {"error_code": "PERMISSION_DENIED", "message": "read only"}

    other = {"artifacts.yaml": here.world.clone.joinpath("artifacts.yaml").read_text(), "models/fraud.txt": "x\n"}
    other["artifacts.yaml"] += "fraud: {path: models/fraud.txt}\n"
    second = here.world.open("two", other, labels=("version:fraud@minor",))
    with MlflowStub(answer) as stub:
        assert here.promote(first, stub.url).code == 4
        here.world.merge(second)
        ran = here.promote(second, stub.url)
    assert "fraud@v0.1.0" in here.world.tags()
    assert ran.json is not None


# -- what MLflow says -------------------------------------------------------------


@pytest.mark.parametrize(("policy", "code", "state"), [(None, 0, "ok"), (REQUIRED, 1, "refused")])
def test_plan__run_is_missing__is_a_note_or_refused(
    shop: Callable[..., Shop], policy: str | None, code: int, state: str
):
    here = shop(policy=policy)
    number = here.world.open("topic", {**BETTER, **manifest("f" * 32)}, labels=BOTH)
    planned = here.plan(number)
    assert planned.code == code
    assert ("mlflow", state) in _rules(planned)
    assert "does not exist" in _messages(planned)
    ran = here.land(number)
    assert ran.code == code
    assert bool(here.world.tags()) is (policy is None)


def test_plan__metrics_differ_and_required__is_refused(shop: Callable[..., Shop]):
    here = shop(policy=REQUIRED)
    run_id = here.server.run({"accuracy": 0.5, "loss": 1.0})
    number = here.world.open("topic", {**BETTER, **manifest(run_id)}, labels=BOTH)
    planned = here.plan(number)
    assert (planned.code, planned.verdict) == (1, "refused")
    assert "accuracy is 0.92 here and 0.5 there" in _messages(planned)


def test_plan__several_versions_of_the_run__wants_one_named(shop: Callable[..., Shop]):
    here = shop(policy=REQUIRED)
    number, run_id = here.train("topic")
    here.server.version(here.model, run_id)
    planned = here.plan(number)
    assert (planned.verdict, _rules(planned)) == ("waiting", {("mlflow", "unknown")})
    here.world.push("topic", manifest(run_id, model=here.model, version="2"))
    assert here.land(number).code == 0
    assert here.server.aliases(here.model) == {"prod": "2"}


def test_plan__server_that_answers_anything_and_required__waits(shop: Callable[..., Shop]):
    here = shop(policy=REQUIRED)
    number, _ = here.train("topic")
    with MlflowStub(lambda *_: {}) as stub:
        planned = here.plan(number, stub.url)
    assert (planned.verdict, _rules(planned)) == ("waiting", {("mlflow", "unknown")})
    assert "answered something else" in _messages(planned)


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ('{"accuracy": "0.5"}', "none of the manifest's metrics is a number"),
        ("not json {", "metrics/churn.json cannot be read"),
        ("{}", "none of the manifest's metrics is a number"),
    ],
    ids=["text", "broken", "empty"],
)
def test_plan__metrics_that_say_nothing_and_required__wait(shop: Callable[..., Shop], metrics: str, words: str):
    here = shop(policy=REQUIRED)
    files = {**several(churn=here.make()), "metrics/churn.json": metrics}
    planned = here.plan(here.world.open("topic", files, labels=BOTH))
    assert (planned.verdict, _rules(planned)) == ("waiting", {("mlflow", "unknown")})
    assert words in _messages(planned)


def test_plan__no_metrics_declared_and_required__is_ok(shop: Callable[..., Shop]):
    here = shop(policy=REQUIRED)
    line = f"churn: {{path: models/churn.txt, mlflow: {json.dumps(here.make())}}}\n"
    planned = here.plan(here.world.open("topic", {"artifacts.yaml": line, "models/churn.txt": "x\n"}, labels=BOTH))
    assert (planned.verdict, _rules(planned)) == ("ok", {("mlflow", "ok")})


def test_rollback__to_a_deleted_run_and_required__is_a_note_and_done(shop: Callable[..., Shop]):
    here = shop(policy=REQUIRED)
    first = here.make()
    assert here.go("one", several(churn=first)).code == 0
    assert here.go("two", several(churn=here.make())).code == 0
    here.delete_run(first["run_id"])
    back = here.world.open("back", {"README.md": "back\n"}, labels=("rollback:churn#prod",))
    planned = here.plan(back)
    assert (planned.code, planned.verdict, _rules(planned)) == (0, "ok", {("mlflow", "ok"), ("held", "ok")})
    assert "is deleted" in _messages(planned)
    ran = here.land(back)
    assert (ran.code, set(_warned(ran))) == (0, {"mlflow-not-told"})
    assert here.server.aliases(here.model) == {"prod": "1"}


def test_rollback__while_mlflow_is_down_and_required__is_tagged_and_told_by_the_next_run(shop: Callable[..., Shop]):
    here = shop(policy=REQUIRED)
    for branch in ("one", "two"):
        assert here.go(branch, several(churn=here.make())).code == 0
    back = here.world.open("back", {"README.md": "back\n"}, labels=("rollback:churn#prod",))
    ran = here.land(back, NOWHERE)
    assert (ran.code, ran.json["error"]["code"]) == (4, "mlflow-not-told")
    assert {row["stage"] for row in ran.json["tags"]} == {"prod"}
    assert here.promote(back).code == 0
    assert here.server.aliases(here.model) == {"prod": "1"}


@pytest.mark.parametrize(
    "labels", [("version:minor", "stage:latest"), ("version:minor", "stage:eu/prod", "stage:eu-prod")]
)
def test_alias__that_mlflow_cannot_have__is_refused_before_anything_is_tagged(
    shop: Callable[..., Shop], labels: tuple[str, ...]
):
    here = shop()
    number, _ = here.train("topic", labels=labels)
    planned = here.plan(number)
    assert (planned.code, {row["rule"] for row in planned.json["refused"]}) == (1, {"mlflow-alias"})
    assert here.land(number).code == 1
    assert set(here.world.tags()) == {"churn@v0.1.0"}
    assert here.server.aliases(here.model) == {}


# -- trust ------------------------------------------------------------------------


def test_manifest__that_names_another_server__is_never_asked(shop: Callable[..., Shop], trap: tuple[str, list[Any]]):
    here, (url, came) = shop(policy=REQUIRED), trap
    number, run_id = here.train("topic", tracking_uri=f"{url}/mlflow")
    more = {"MLFLOW_TRACKING_TOKEN": "sesame-open"}
    planned = here.plan(number, **more)
    assert (planned.verdict, _rules(planned)) == ("waiting", {("mlflow", "unknown")})
    assert f"the manifest names {url}/mlflow, this job's MLflow is {here.server.url}" in _messages(planned)
    assert here.land(number, **more).code == 4
    assert came == []
    assert here.told(run_id) == {}


def test_manifest__that_names_this_jobs_server_otherwise_written__is_asked(shop: Callable[..., Shop]):
    here = shop(policy=REQUIRED)
    number, _ = here.train("topic", tracking_uri=here.server.url.replace("http", "HTTP", 1) + "/")
    assert _rules(here.plan(number)) == {("mlflow", "ok")}


def test_job__without_mlflow__is_unknown_with_the_fix(shop: Callable[..., Shop]):
    here = shop(policy=REQUIRED)
    number, _ = here.train("topic")
    planned = here.world.plan(number)
    assert planned.verdict == "waiting"
    (waiting,) = {(row["rule"], row["fix"]) for row in planned.json["waiting"]}
    assert waiting[0] == "mlflow"
    assert "MLFLOW_TRACKING_URI" in waiting[1]


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>\x1b[31mhello</html>"),
        (200, b"[" * 100_000),
        (200, b'{"run": {"info": [], "data": {"metrics": [1, null, {"key": "accuracy", "value": "x"}]}}}'),
        (302, {}, {"Location": "http://127.0.0.1:9/elsewhere"}),
        (401, {"message": "sesame-open \x1b[31m Bearer sesame-open"}),
        (500, b"sesame-open"),
        (200, {"run": {"info": {"run_id": "RUN", "run_name": "\x1b]0;owned\x07 | </details> @everyone"}, "data": {}}}),
    ],
    ids=["html", "deep", "odd", "redirect", "echo", "broken", "name"],
)
def test_server__hostile_answer__is_a_note_and_no_token_shows(shop: Callable[..., Shop], answer: Any):
    here = shop()
    number, run_id = here.train("topic")
    if isinstance(answer[1], dict):
        answer = (answer[0], json.loads(json.dumps(answer[1]).replace("RUN", run_id)), *answer[2:])
    with MlflowStub(lambda *_: answer) as stub:
        url = stub.url.replace("http://", "http://me:sesame-open@")
        planned = here.plan(number, url, MLFLOW_TRACKING_TOKEN="sesame-open")
        ran = here.land(number, url, MLFLOW_TRACKING_TOKEN="sesame-open")
    assert (planned.code, ran.code) == (0, 0)
    said = "".join([planned.out, planned.err, ran.out, ran.err, *here.world.comments(number)])
    said += "".join(tag.message for tag in here.world.tags().values())
    assert "sesame" not in said
    assert "\\u001b" not in said
    assert "\x1b" not in said


def test_tokens__in_a_real_run__appear_nowhere(shop: Callable[..., Shop], tmp_path: Path):
    here = shop()
    number, run_id = here.train("topic")
    seen: list[str] = []
    url = here.server.url.replace("http://", "http://me:sesame-open@")
    planned, ran = here.plan(number, url), here.land(number, url)
    seen += [planned.out, planned.err, ran.out, ran.err, *here.world.comments(number), json.dumps(here.told(run_id))]
    assert here.server.aliases(here.model) == {"prod": "1"}
    assert "sesame" not in "".join(seen)
    found = subprocess.run(["grep", "-rl", "sesame-open", str(here.world.folder)], capture_output=True, check=False)
    assert found.stdout == b""


def test_address__with_a_query__is_unknown_and_not_shown(shop: Callable[..., Shop]):
    here = shop(policy=REQUIRED)
    number, _ = here.train("topic")
    planned = here.plan(number, f"{here.server.url}/?key=sesame")
    assert (planned.verdict, _rules(planned)) == ("waiting", {("mlflow", "unknown")})
    assert "the address has a query" in _messages(planned)
    assert "sesame" not in planned.out + planned.err + "".join(here.world.comments(number))


def test_artifact__without_an_entry__asks_nobody(make_world: Callable[..., World], trap: tuple[str, list[Any]]):
    world, (url, came) = make_world("github", policy=REQUIRED), trap
    number = world.open("topic", BETTER, labels=BOTH)
    assert world.plan(number, MLFLOW_TRACKING_URI=url).verdict == "ok"
    world.merge(number)
    assert world.promote(number, MLFLOW_TRACKING_URI=url).code == 0
    assert came == []
