"""Which adapter reads the registry that an import is from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagline.domain.text.origins import origin_of
from tagline.domain.text.public import parted
from tagline.errors import WrongUsage
from tagline.settings import Settings
from tagline.wiring.tokens import mlflow_login_for

if TYPE_CHECKING:
    from pathlib import Path

    from tagline.ports.artifacts import ByteImport
    from tagline.ports.mlflow import ModelRegistry

#: What MLflow's client takes as a login.
_LOGIN = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")


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


def bytes_of(settings: Settings, uri: str | None, folder: Path) -> ByteImport:
    """What brings bytes into DVC's remote, for the repository in ``folder``; ``uri`` is as for :func:`registry_of`.

    The programs have this one's environment, and its login only for the server that it is for. Raises WrongUsage for a
    login in ``uri``: it would stand in the arguments of a program.
    """
    from tagline.adapters.mlflow.artifacts import DvcImport

    if uri is None:
        return DvcImport(folder, {})
    url, user, password = parted(uri.strip())
    if user or password:
        raise WrongUsage(
            "With --artifacts, --tracking-uri takes no login.",
            "Set MLFLOW_TRACKING_URI, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.",
            code="bad-mlflow-url",
        )
    without = () if mlflow_login_for(settings, url) is not None else _LOGIN
    return DvcImport(folder, {"MLFLOW_TRACKING_URI": url}, without)
