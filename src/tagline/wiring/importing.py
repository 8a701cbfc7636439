"""Which adapter reads the registry that an import is from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagline.domain.text.origins import origin_of
from tagline.domain.text.public import parted
from tagline.errors import WrongUsage
from tagline.settings import Settings
from tagline.wiring.tokens import mlflow_login_for

if TYPE_CHECKING:
    from tagline.ports.mlflow import ModelRegistry


def registry_of(settings: Settings, uri: str | None) -> ModelRegistry:
    """MLflow's registry at ``uri``, what ``--tracking-uri`` says; None for the environment's.

    Raises WrongUsage where nothing names a server, or what names it is no address of one.
    """
    text = (uri if uri is not None else settings.mlflow_url or "").strip()
    if not text:
        raise WrongUsage(
            "Nothing says where MLflow is.",
            "Say it: --tracking-uri https://mlflow.example.org, or set MLFLOW_TRACKING_URI.",
            code="no-mlflow",
        )
    url, user, password = parted(text)
    if origin_of(url) is None:
        raise WrongUsage(
            f"{url!r} is not the address of an MLflow server.",
            "Give one that begins with http:// or https://. For a folder or a database, start a server on it: "
            "mlflow server --backend-store-uri URI",
            code="bad-mlflow-url",
        )
    from tagline.adapters.mlflow.client import MlflowClient
    from tagline.adapters.mlflow.registry import MlflowRegistry

    # A login in the address is meant for it; MlflowClient takes it out.
    return MlflowRegistry(MlflowClient(text, None if user or password else mlflow_login_for(settings, url)))
