"""The port Tracking on MLflow's REST API. What a server sends is read as data, and what is odd is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from tagline.domain.mlflow.runs import RUN_ID_RE, Dataset, ModelVersion, Run
from tagline.errors import PlatformRefused
from tagline.settings import Login

if TYPE_CHECKING:
    from tagline.adapters.mlflow.client import MlflowClient

T = TypeVar("T")

#: A version's number: MLflow refuses others as a wrong parameter, which is no answer to whether it exists.
_NUMBER_RE = re.compile(r"[0-9]{1,9}", re.ASCII)
_PAGE = 200


class MlflowTracking:
    """One server. Nothing is imported, and nothing sent, before the first question."""

    def __init__(self, url: str, login: Login | None = None) -> None:
        self.url = url
        self._login = login

    @cached_property
    def _client(self) -> MlflowClient:
        from tagline.adapters.mlflow.client import MlflowClient

        return MlflowClient(self.url, self._login)

    def run(self, run_id: str) -> Run | None:
        """A run by its id."""
        if not RUN_ID_RE.fullmatch(run_id):
            return None
        found = _or_none(lambda: self._client.get("runs/get", {"run_id": run_id}))
        if found is None:
            return None
        raw = _dict(found.get("run"))
        info = _dict(raw.get("info"))
        self._refuse_another(f"the run {run_id}", run_id, _text(info.get("run_id")) or _text(info.get("run_uuid")))
        return _run(run_id, raw)

    def version(self, model: str, version: str) -> ModelVersion | None:
        """A version of a model by its number."""
        if not _is_name(model) or not _NUMBER_RE.fullmatch(version):
            return None
        found = _or_none(lambda: self._client.get("model-versions/get", {"name": model, "version": version}))
        if found is None:
            return None
        one = _version(_dict(found.get("model_version")))
        what = f"version {version} of the model {model}"
        self._refuse_another(what, (model, str(int(version))), (one.model, one.version))
        return one

    def versions_of(self, model: str, run_id: str) -> list[ModelVersion]:
        """Of all versions that a run made those of the model: a name may hold what a filter cannot quote."""
        if not _is_name(model) or not RUN_ID_RE.fullmatch(run_id):
            return []
        params = {"filter": f"run_id = '{run_id}'", "max_results": _PAGE}
        rows = _or_none(lambda: list(self._client.pages("model-versions/search", "model_versions", params))) or []
        found = [_version(_dict(row)) for row in rows]
        # The server filters; whether it did is looked at.
        ours = [one for one in found if one.model == model and one.run_id == run_id]
        return sorted(ours, key=lambda one: (len(one.version), one.version))

    def aliases(self, model: str) -> Mapping[str, str]:
        """All aliases of a model in one answer."""
        if not _is_name(model):
            return {}
        found = _or_none(lambda: self._client.get("registered-models/get", {"name": model}))
        if found is None:
            return {}
        raw = _dict(found.get("registered_model"))
        self._refuse_another(f"the model {model}", model, _text(raw.get("name")))
        rows = map(_dict, _list(raw.get("aliases")))
        return {_text(row.get("alias")): _text(row.get("version")) for row in rows if row.get("alias")}

    def tag_run(self, run_id: str, tags: Mapping[str, str]) -> None:
        """One request a tag: older servers take no more."""
        for key, value in tags.items():
            self._tell(f"run {run_id}", "runs/set-tag", {"run_id": run_id, "key": key, "value": value})

    def tag_version(self, model: str, version: str, tags: Mapping[str, str]) -> None:
        """One request a tag."""
        for key, value in tags.items():
            body = {"name": model, "version": version, "key": key, "value": value}
            self._tell(f"version {version} of the model {model}", "model-versions/set-tag", body)

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """One request, which also takes it from wherever it was."""
        body = {"name": model, "alias": alias, "version": version}
        self._tell(f"version {version} of the model {model}", "registered-models/alias", body)

    def delete_alias(self, model: str, alias: str) -> None:
        """One request; MLflow says yes to an alias that is not there."""
        if _is_name(model):
            _or_none(lambda: self._client.delete("registered-models/alias", {"name": model, "alias": alias}))

    def _refuse_another(self, what: str, asked: object, told: object) -> None:
        """An answer about something else, or nothing, is no answer: {} would satisfy a policy that wants a run."""
        if asked != told:
            from tagline.adapters.mlflow.client import REFUSED

            raise PlatformRefused(
                f"MLflow at {self.url} was asked for {what}, and answered something else.",
                "Set MLFLOW_TRACKING_URI to the address that MLflow itself has.",
                code=REFUSED,
            )

    def _tell(self, what: str, path: str, body: Mapping[str, str]) -> None:
        from tagline.adapters.mlflow.client import REFUSED

        if _or_none(lambda: self._client.post(path, body)) is None:
            raise PlatformRefused(
                f"MLflow at {self.url} has no {what}, or it is deleted.",
                "Correct 'mlflow:' in the manifest, or restore it there.",
                code=REFUSED,
            )


def _or_none(ask: Callable[[], T]) -> T | None:
    """The answer; None for what MLflow does not have."""
    from tagline.adapters.mlflow.client import NoSuchThing

    try:
        return ask()
    except NoSuchThing:
        return None


def _is_name(model: str) -> bool:
    """Whether a model can be called so: others MLflow refuses as a wrong parameter."""
    return bool(model) and not re.search(r"[/:]", model)


def _run(run_id: str, raw: Mapping[str, Any]) -> Run:
    info, data = _dict(raw.get("info")), _dict(raw.get("data"))
    inputs = _list(_dict(raw.get("inputs")).get("dataset_inputs"))
    tags = _pairs(data.get("tags"))
    return Run(
        run_id=run_id,
        name=_text(info.get("run_name")) or tags.get("mlflow.runName", ""),
        experiment_id=_text(info.get("experiment_id")),
        status=_text(info.get("status")),
        active=info.get("lifecycle_stage", "active") == "active",
        user=_text(info.get("user_id")) or tags.get("mlflow.user", ""),
        started=_seconds(info.get("start_time")),
        ended=_seconds(info.get("end_time")),
        metrics=_metrics(data.get("metrics")),
        params=_pairs(data.get("params")),
        tags=tags,
        datasets=tuple(_dataset(_dict(row)) for row in inputs),
    )


def _dataset(raw: Mapping[str, Any]) -> Dataset:
    found = _dict(raw.get("dataset"))
    context = _pairs(raw.get("tags")).get("mlflow.data.context", "")
    name, digest, kind, source = (_text(found.get(key)) for key in ("name", "digest", "source_type", "source"))
    return Dataset(name, digest, kind, source, context)


def _version(raw: Mapping[str, Any]) -> ModelVersion:
    return ModelVersion(
        model=_text(raw.get("name")),
        version=_text(raw.get("version")),
        run_id=_text(raw.get("run_id")),
        source=_text(raw.get("source")),
        description=_text(raw.get("description")),
        tags=_pairs(raw.get("tags")),
        aliases=tuple(_text(alias) for alias in _list(raw.get("aliases"))),
    )


def _metrics(rows: Any) -> dict[str, float]:
    """By name; NaN and infinity come as text."""
    found = {}
    for row in map(_dict, _list(rows)):
        try:
            found[_text(row.get("key"))] = float(row.get("value", 0.0))
        except (TypeError, ValueError, OverflowError):
            continue
    return found


def _pairs(rows: Any) -> dict[str, str]:
    return {_text(row.get("key")): _text(row.get("value")) for row in map(_dict, _list(rows)) if row.get("key")}


def _seconds(value: Any) -> int | None:
    """From milliseconds, which some servers write as text."""
    try:
        return int(value) // 1000
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
