"""The port Tracking: one suite on the fake and on a real MLflow server."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import pytest

from tagline.adapters.mlflow.tracking import MlflowTracking
from tagline.domain.mlflow.runs import Dataset
from tagline.errors import PlatformRefused
from tagline.ports.mlflow import Tracking
from tests.support.fake_tracking import FakeTracking
from tests.support.mlflowserver import MlflowServer, MlflowStub

DATA = Dataset("churn", "0a1b2c3d", "local", '{"uri": "data/churn.csv"}', "training")


class Bench(Protocol):
    """A port and what makes the things that it reads."""

    port: Tracking

    def make_run(
        self, metrics: Mapping[str, float], params: Mapping[str, str], datasets: tuple[Dataset, ...] = ()
    ) -> str: ...
    def drop_run(self, run_id: str) -> None: ...
    def make_model(self) -> str: ...
    def make_version(self, model: str, run_id: str) -> str: ...


class Fake(FakeTracking):
    @property
    def port(self) -> Tracking:
        return self


class Real:
    def __init__(self, server: MlflowServer) -> None:
        self.server = server
        self.port: Tracking = MlflowTracking(server.url)

    def make_run(
        self, metrics: Mapping[str, float], params: Mapping[str, str], datasets: tuple[Dataset, ...] = ()
    ) -> str:
        keys = ("name", "digest", "source_type", "source")
        rows = tuple(dict(zip(keys, one[:4], strict=True)) for one in datasets)
        return self.server.run(metrics, params, datasets=rows)

    def drop_run(self, run_id: str) -> None:
        self.server.client.post("runs/delete", {"run_id": run_id})

    def make_model(self) -> str:
        return self.server.model(self.server.name("a model's"))

    def make_version(self, model: str, run_id: str) -> str:
        return self.server.version(model, run_id)


@pytest.fixture(params=["fake", "real"])
def bench(request: pytest.FixtureRequest) -> Any:
    return Fake() if request.param == "fake" else Real(request.getfixturevalue("mlflow_server"))


def test_run__finished__has_metrics_params_times_and_datasets(bench: Bench):
    run_id = bench.make_run({"accuracy": 0.1 + 0.2, "test.auc": -1e-300, "odd": math.nan}, {"trees": "50"}, (DATA,))
    run = bench.port.run(run_id)
    assert run is not None
    assert math.isnan(run.metrics["odd"])
    assert {**run.metrics, "odd": 0} == {"accuracy": 0.1 + 0.2, "test.auc": -1e-300, "odd": 0}
    assert (run.run_id, run.params, run.status, run.active) == (run_id, {"trees": "50"}, "FINISHED", True)
    assert (run.started, run.ended) == (1_700_000_000, 1_700_000_060)
    assert run.datasets == (DATA,)


@pytest.mark.parametrize("run_id", ["f" * 32, "../secrets", "a' or run_id = 'b", "", "x" * 1000, "ä"])
def test_run__not_there__is_none(bench: Bench, run_id: str):
    assert bench.port.run(run_id) is None


def test_run__deleted__is_not_active(bench: Bench):
    run_id = bench.make_run({}, {})
    bench.drop_run(run_id)
    run = bench.port.run(run_id)
    assert run is not None
    assert not run.active
    with pytest.raises(PlatformRefused):
        bench.port.tag_run(run_id, {"a": "b"})


def test_tag_run__twice__keeps_the_newer_value(bench: Bench):
    run_id = bench.make_run({}, {})
    bench.port.tag_run(run_id, {"tagline.tag": "old", "tagline.commit": "c"})
    bench.port.tag_run(run_id, {"tagline.tag": "x" * 8000})
    run = bench.port.run(run_id)
    assert run is not None
    assert {key: value for key, value in run.tags.items() if key.startswith("tagline")} == {
        "tagline.tag": "x" * 8000,
        "tagline.commit": "c",
    }


def test_tag_run__not_there__is_refused(bench: Bench):
    with pytest.raises(PlatformRefused) as caught:
        bench.port.tag_run("f" * 32, {"a": "b"})
    assert caught.value.code == "mlflow-refused"


def test_version__there__names_its_run_and_tags(bench: Bench):
    run_id, model = bench.make_run({}, {}), bench.make_model()
    number = bench.make_version(model, run_id)
    bench.port.tag_version(model, number, {"tagline.tag": "churn@v1.0.0"})
    bench.port.set_alias(model, "prod", number)
    found = bench.port.version(model, number)
    assert found is not None
    assert (found.model, found.version, found.run_id) == (model, number, run_id)
    assert (found.source, found.tags) == (f"runs:/{run_id}/model", {"tagline.tag": "churn@v1.0.0"})
    assert found.aliases == ("prod",)


@pytest.mark.parametrize("number", ["2", "0", "abc", "", "1 or 1", "99999999999999999999"])
def test_version__not_there__is_none(bench: Bench, number: str):
    model = bench.make_model()
    bench.make_version(model, bench.make_run({}, {}))
    assert bench.port.version(model, number) is None


@pytest.mark.parametrize("model", ["no such model", "a/b", "a:b", "it's", '"', ""])
def test_model__not_there__is_empty(bench: Bench, model: str):
    assert bench.port.version(model, "1") is None
    assert bench.port.versions_of(model, "f" * 32) == []
    assert bench.port.aliases(model) == {}
    bench.port.delete_alias(model, "prod")


def test_versions_of__several_runs__are_those_of_the_run_by_number(bench: Bench):
    one, other, model, another = bench.make_run({}, {}), bench.make_run({}, {}), bench.make_model(), bench.make_model()
    numbers = [bench.make_version(model, run_id) for run_id in (one, other, *[one] * 9)]
    bench.make_version(another, one)
    assert [found.version for found in bench.port.versions_of(model, one)] == [numbers[0], *numbers[2:]]
    assert [found.version for found in bench.port.versions_of(model, other)] == [numbers[1]]


def test_alias__set_again_and_deleted_twice__points_where_it_was_set_last(bench: Bench):
    model = bench.make_model()
    first, second = (bench.make_version(model, bench.make_run({}, {})) for _ in range(2))
    bench.port.set_alias(model, "prod", first)
    bench.port.set_alias(model, "eu-prod_1", first)
    bench.port.set_alias(model, "prod", second)
    assert bench.port.aliases(model) == {"prod": second, "eu-prod_1": first}
    bench.port.delete_alias(model, "prod")
    bench.port.delete_alias(model, "prod")
    assert bench.port.aliases(model) == {"eu-prod_1": first}


def test_set_alias__version_not_there__is_refused(bench: Bench):
    model = bench.make_model()
    with pytest.raises(PlatformRefused):
        bench.port.set_alias(model, "prod", "7")
    with pytest.raises(PlatformRefused):
        bench.port.tag_version(model, "7", {"a": "b"})


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"run": {}, "model_version": {}, "registered_model": {}},
        {
            "run": {"info": {"run_id": "b" * 32}, "data": {"metrics": [{"key": "accuracy", "value": 0.9}]}},
            "model_version": {"name": "evil", "version": "3", "run_id": "a" * 32},
            "registered_model": {"name": "evil", "aliases": [{"alias": "prod", "version": "3"}]},
        },
        {
            "run": [],
            "model_version": {"name": "churn", "version": "4", "run_id": "a" * 32},
            "registered_model": {"name": "Churn"},
        },
    ],
    ids=["nothing", "empty", "another", "another-version"],
)
def test_answer__about_something_else_than_was_asked__is_refused(answer: dict[str, Any]):
    with MlflowStub(lambda *_: answer) as stub:
        port: Tracking = MlflowTracking(stub.url)
        for ask in (lambda: port.run("a" * 32), lambda: port.version("churn", "3"), lambda: port.aliases("churn")):
            with pytest.raises(PlatformRefused) as caught:
                ask()
            assert caught.value.code == "mlflow-refused"


def test_version__asked_for_with_zeros_before__is_the_same(mlflow_server: MlflowServer):
    bench = Real(mlflow_server)
    model = bench.make_model()
    number = bench.make_version(model, bench.make_run({}, {}))
    found = bench.port.version(model, number.zfill(3))
    assert found is not None
    assert found.version == number
