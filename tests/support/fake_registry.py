"""A registry of models in memory, at our own port: for what no server can be brought to say."""

from __future__ import annotations

from tagline.domain.mlflow.names import ListedVersion, ReadRun, RegisteredModel


class FakeRegistry:
    """Models and their versions, as given."""

    url = "https://mlflow.example.org"

    def __init__(self, *models: RegisteredModel, versions: tuple[ListedVersion, ...] = ()) -> None:
        self._models, self._versions = list(models), versions
        self.figures: dict[str, dict[str, float]] = {}
        self.params: dict[str, dict[str, str]] = {}

    def models(self) -> list[RegisteredModel]:
        return self._models

    def versions(self, model: str) -> list[ListedVersion]:
        return [version for version in self._versions if version.model == model]

    def location(self, version: ListedVersion) -> str:
        return version.source

    def run(self, run_id: str) -> ReadRun | None:
        return ReadRun(self.figures.get(run_id, {}), self.params.get(run_id, {}))
