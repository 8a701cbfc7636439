"""What commands need of an experiment tracker: its runs and registered models, read and told; commits of imports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from tagline.domain.mlflow.names import ListedVersion, ReadRun, RegisteredModel
from tagline.domain.mlflow.runs import ModelVersion, Run


class Tracking(Protocol):
    """One server. Every method may raise PlatformRefused: ``mlflow-unreachable``, or ``mlflow-refused``."""

    @property
    def url(self) -> str:
        """Its address, without a login."""
        ...

    def run(self, run_id: str) -> Run | None:
        """A run, deleted ones included (``active`` is False); None where there is none."""
        ...

    def version(self, model: str, version: str) -> ModelVersion | None:
        """A version of a registered model; None where there is none."""
        ...

    def versions_of(self, model: str, run_id: str) -> list[ModelVersion]:
        """The versions of a model that a run made, by number."""
        ...

    def aliases(self, model: str) -> Mapping[str, str]:
        """The version that each alias of a model points to; empty for a model that is not there."""
        ...

    def tag_run(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of a run. Raises PlatformRefused for a run that is not there."""
        ...

    def tag_version(self, model: str, version: str, tags: Mapping[str, str]) -> None:
        """Set tags of a version. Raises PlatformRefused for one that is not there."""
        ...

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Point an alias to a version, wherever it pointed. Raises PlatformRefused for one that is not there."""
        ...

    def delete_alias(self, model: str, alias: str) -> None:
        """Take an alias away; one that is not there is away already."""
        ...


class MlflowAccess(NamedTuple):
    """This job's server, or None and a few words that say why there is none."""

    tracking: Tracking | None = None
    why_not: str = "MLFLOW_TRACKING_URI is not set"


class ModelRegistry(Protocol):
    """A whole registry of models, to be imported. Every method may raise PlatformRefused."""

    @property
    def url(self) -> str:
        """Its address, without a login."""
        ...

    def models(self) -> list[RegisteredModel]:
        """Every registered model, by name."""
        ...

    def versions(self, model: str) -> list[ListedVersion]:
        """Every version of a model, by number."""
        ...

    def location(self, version: ListedVersion) -> str:
        """Where a version's bytes are: a URI, or a path of the server's machine."""
        ...

    def run(self, run_id: str) -> ReadRun | None:
        """What a run says of itself; None of one that is gone."""
        ...
