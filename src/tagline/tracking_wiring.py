"""Which adapter reaches MLflow: the server that this job's environment names, and no other."""

from __future__ import annotations

from tagline.adapters.mlflow import MlflowTracking
from tagline.domain.mlflow import is_http, query_in, shown
from tagline.settings import Settings
from tagline.token_wiring import mlflow_login_for
from tagline.tracking_ports import Bridge


def bridge_of(settings: Settings) -> Bridge:
    """This job's MLflow, or why there is none. Nothing is sent."""
    url = settings.mlflow_url
    if url is None:
        return Bridge()
    if not is_http(url):
        return Bridge(None, f"MLFLOW_TRACKING_URI is no http(s) address ({shown(url)})")
    if more := query_in(url):
        return Bridge(None, f"MLFLOW_TRACKING_URI: the address has {more} ({shown(url)})")
    return Bridge(MlflowTracking(url, mlflow_login_for(settings, url)))
