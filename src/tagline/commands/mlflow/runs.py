"""Is the MLflow run that a manifest names there, and does it tell what the manifest tells?

A manifest is a stranger's text: the server that it names is compared with this job's, and never asked.
"""

from __future__ import annotations

from dataclasses import replace

from tagline.domain.manifest.manifest import ManifestEntry, MlflowRun
from tagline.domain.manifest.metrics import Metrics
from tagline.domain.mlflow.runs import Checked, ModelVersion, compare, elsewhere, figures
from tagline.errors import PlatformRefused
from tagline.ports.mlflow import Tracking

_SET = "Set MLFLOW_TRACKING_URI, and a login for it, in this job (docs/mlflow.md)."
_NAME_VERSION = "Name the version: mlflow: {run_id, model, version}."
_READABLE = "Let 'metrics' in the manifest name figures that are in Git, or leave it out."


def check(tracking: Tracking | None, why_not: str, entry: ManifestEntry, metrics: Metrics | None) -> Checked | None:
    """What MLflow says of an artifact's run, and of the model's version where the manifest names a model.

    None for an entry that names no run. ``why_not`` says why there is no ``tracking``. ``metrics`` None or a text:
    there are none to compare. Never raises PlatformRefused: who cannot be asked makes it ``unknown``.
    """
    named = entry.mlflow
    if named is None:
        return None
    if tracking is None:
        return Checked("unknown", _unknown(why_not), _SET)
    if other := elsewhere(named, tracking.url):
        return Checked("unknown", _unknown(other), "Correct the manifest's tracking_uri, or the job's server.")
    try:
        return _check(tracking, named, entry, metrics)
    except PlatformRefused as error:
        return Checked("unknown", _unknown(error.message), error.hint)


def _unknown(why: str) -> str:
    return f"nobody could look at the MLflow run: {why.removesuffix('.')}."


def _check(tracking: Tracking, named: MlflowRun, entry: ManifestEntry, metrics: Metrics | None) -> Checked:
    if not named.run_id:
        return _check_version(tracking, named, entry, metrics)
    run = tracking.run(named.run_id)
    if run is None or not run.active:
        gone = "is deleted" if run is not None else "does not exist"
        fix = "Correct run_id in the manifest, or restore the run."
        return Checked("missing", f"the MLflow run {named.run_id} {gone} on {tracking.url}.", fix, run)
    differing, same = compare(metrics, run)
    if differing:
        told = "; ".join(f"{one.metric} is {one.manifest:g} here and {one.run:g} there" for one in differing[:5])
        more = f"; and {len(differing) - 5} more" if len(differing) > 5 else ""
        fix = "Take the metrics from the run that made the artifact, or correct run_id."
        message = f"the MLflow run {named.run_id} has other metrics: {told}{more}."
        return Checked("different", message, fix, run, differences=tuple(differing), agreeing=same)
    agree = f"{same} metrics agree" if same > 1 else "1 metric agrees" if same else "no metrics to compare"
    found = Checked("ok", f"MLflow run {named.run_id}: {agree}.", "", run, agreeing=same)
    if named.model is not None:
        version = resolve_version(tracking, named)
        if isinstance(version, Checked):
            return replace(version, run=run, agreeing=same)
        message = f"{found.message[:-1]}; {named.model} version {version.version}."
        found = replace(found, message=message, version=version)
    if run.metrics and (why := _incomparable(entry, metrics)):
        message = f"nobody could compare the metrics with the MLflow run's: {why.removesuffix('.')}."
        return replace(found, state="unknown", message=message, fix=_READABLE)
    return found


def _check_version(tracking: Tracking, named: MlflowRun, entry: ManifestEntry, metrics: Metrics | None) -> Checked:
    """Of a version without a run in the manifest; the run that MLflow has for it, if it is there, is looked at too."""
    version = resolve_version(tracking, named)
    if isinstance(version, Checked):
        return version
    run = tracking.run(version.run_id) if version.run_id else None
    if run is not None and run.active:
        return _check(tracking, replace(named, run_id=version.run_id), entry, metrics)
    message = f"MLflow's {named.model} version {version.version} is there; no run to compare with."
    return Checked("ok", message, version=version)


def _incomparable(entry: ManifestEntry, metrics: Metrics | None) -> str:
    """Why the metrics that a manifest declares say nothing; empty where they do, or it declares none."""
    if entry.metrics is None or figures(metrics):
        return ""
    return metrics if isinstance(metrics, str) else "none of the manifest's metrics is a number"


def resolve_version(tracking: Tracking, named: MlflowRun) -> ModelVersion | Checked:
    """The version that a manifest means: the one named, else the only one of the model that the run made.

    Where that is not clear, or the version is of another run, the answer that says so. Raises PlatformRefused.
    """
    model = named.model or ""
    if named.version is not None:
        version = tracking.version(model, named.version)
        message = f"version {named.version} of the MLflow model {model} does not exist on {tracking.url}."
        if version is None:
            return Checked("missing", message, "Correct model and version in the manifest.")
        if named.run_id and version.run_id not in ("", named.run_id):
            message = f"version {version.version} of the MLflow model {model} is of the run {version.run_id}."
            return Checked("different", message, "Correct run_id or version.", version=version)
        return version
    versions = tracking.versions_of(model, named.run_id)
    if len(versions) == 1:
        return versions[0]
    some = f"{len(versions)} versions" if versions else "no version"
    return Checked("unknown", f"the MLflow model {model} has {some} of the run {named.run_id}.", _NAME_VERSION)
