"""The port Tracking in memory, for the suite that also runs on a real MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tagline.domain.mlflow.runs import Dataset, ModelVersion, Run
from tagline.errors import PlatformRefused


class FakeTracking:
    """What MLflow's server does, as far as the port tells."""

    url = "http://mlflow.example"

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.models: dict[str, dict[str, ModelVersion]] = {}
        self.pointers: dict[str, dict[str, str]] = {}

    # -- the port -----------------------------------------------------------------

    def run(self, run_id: str) -> Run | None:
        return self.runs.get(run_id)

    def version(self, model: str, version: str) -> ModelVersion | None:
        found = self.models.get(model, {}).get(version)
        if found is None:
            return None
        aliases = sorted(alias for alias, at in self.pointers.get(model, {}).items() if at == version)
        return replace(found, aliases=tuple(aliases))

    def versions_of(self, model: str, run_id: str) -> list[ModelVersion]:
        return [one for one in self.models.get(model, {}).values() if one.run_id == run_id]

    def aliases(self, model: str) -> Mapping[str, str]:
        return dict(self.pointers.get(model, {}))

    def tag_run(self, run_id: str, tags: Mapping[str, str]) -> None:
        run = self.runs.get(run_id)
        if run is None or not run.active:
            raise self._nothing()
        self.runs[run_id] = replace(run, tags={**run.tags, **tags})

    def tag_version(self, model: str, version: str, tags: Mapping[str, str]) -> None:
        found = self._there(model, version)
        self.models[model][version] = replace(found, tags={**found.tags, **tags})

    def set_alias(self, model: str, alias: str, version: str) -> None:
        self._there(model, version)
        self.pointers.setdefault(model, {})[alias] = version

    def delete_alias(self, model: str, alias: str) -> None:
        self.pointers.get(model, {}).pop(alias, None)

    def _there(self, model: str, version: str) -> ModelVersion:
        found = self.models.get(model, {}).get(version)
        if found is None:
            raise self._nothing()
        return found

    @staticmethod
    def _nothing() -> PlatformRefused:
        return PlatformRefused("MLflow has nothing of the kind.", code="mlflow-refused")

    # -- what tests do to it ------------------------------------------------------

    def make_run(
        self, metrics: Mapping[str, float], params: Mapping[str, str], datasets: tuple[Dataset, ...] = ()
    ) -> str:
        run_id = f"{len(self.runs):032x}"
        self.runs[run_id] = Run(
            run_id, "a run", "0", "FINISHED", started=1_700_000_000, ended=1_700_000_060,
            metrics=dict(metrics), params=dict(params), datasets=datasets,
        )  # fmt: skip
        return run_id

    def drop_run(self, run_id: str) -> None:
        self.runs[run_id] = replace(self.runs[run_id], active=False)

    def make_model(self) -> str:
        name = f"model {len(self.models)}"
        self.models[name] = {}
        return name

    def make_version(self, model: str, run_id: str) -> str:
        number = str(len(self.models[model]) + 1)
        self.models[model][number] = ModelVersion(model, number, run_id, f"runs:/{run_id}/model")
        return number
