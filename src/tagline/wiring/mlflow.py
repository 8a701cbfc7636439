"""Which adapter reaches MLflow: the server that this job's environment names, and no other."""

from __future__ import annotations

from tagline.adapters.mlflow.tracking import MlflowTracking
from tagline.domain.mlflow.runs import is_http, query_in
from tagline.domain.text.public import public
from tagline.ports.mlflow import MlflowAccess
from tagline.settings import Settings
from tagline.wiring.tokens import mlflow_login_for


def mlflow_access_of(settings: Settings) -> MlflowAccess:
    """This job's MLflow, or why there is none. Nothing is sent."""
    url = settings.mlflow_url
    if url is None:
        return MlflowAccess()
    if not is_http(url):
        # Whatever it is: of a database a login, of a mistake a token.
        scheme, mark, _ = url.partition("://")
        return MlflowAccess(
            None, f"MLFLOW_TRACKING_URI is no http(s) address ({f'{scheme}:...' if mark else 'no address'})"
        )
    if more := query_in(url):
        return MlflowAccess(None, f"MLFLOW_TRACKING_URI: the address has {more} ({public(url)})")
    return MlflowAccess(MlflowTracking(url, mlflow_login_for(settings, url)))
