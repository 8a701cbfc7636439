"""A registry of models in memory, at our own port: for what no server can be brought to say."""

from __future__ import annotations

from collections.abc import Mapping

from tagline.domain.mlflow.names import ListedVersion, RegisteredModel


class FakeRegistry:
    """Models and their versions, as given."""

    url = "https://mlflow.example.org"

    def __init__(self, *models: RegisteredModel, versions: tuple[ListedVersion, ...] = ()) -> None:
        self._models, self._versions = list(models), versions
        self.figures: dict[str, dict[str, float]] = {}

    def models(self) -> list[RegisteredModel]:
        return self._models

    def versions(self, model: str) -> list[ListedVersion]:
        return [version for version in self._versions if version.model == model]

    def location(self, version: ListedVersion) -> str:
        return version.source

    def metrics(self, run_id: str) -> Mapping[str, float]:
        return self.figures.get(run_id, {})
