"""The port ModelRegistry by MLflow's REST API: all models and versions of a server, page by page."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from tagline.adapters.mlflow.client import MlflowClient, NoSuchThing
from tagline.domain.mlflow.names import ListedVersion, ReadRun, RegisteredModel
from tagline.errors import PlatformRefused

#: Models or versions of one page; servers allow at least so many.
_PAGE = 1000
_NUMBER_RE = re.compile(r"[1-9][0-9]{0,17}")
#: A version logged by MLflow 3 names a logged model, and where its bytes are is asked for.
_INDIRECT = "models:/"


class MlflowRegistry:
    """One server's registry of models. What it says is a stranger's text; only its kinds are checked here."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    @property
    def url(self) -> str:
        """The server's address, without a login."""
        return self._client.url

    def models(self) -> list[RegisteredModel]:
        """Every registered model, by name. MLflow keeps prompts among them."""
        found = self._client.pages("registered-models/search", "registered_models", {"max_results": _PAGE})
        models = (_model(self._object(item)) for item in found)
        return sorted((model for model in models if model.name), key=lambda model: model.name)

    def versions(self, model: str) -> list[ListedVersion]:
        """Every version of a model, by number."""
        asked: dict[str, Any] = {"max_results": _PAGE}
        # The language of filters has no escapes; a name with both kinds of quotes is found among all.
        if quote := next((mark for mark in ("'", '"') if mark not in model), None):
            asked["filter"] = f"name={quote}{model}{quote}"
        found = self._client.pages("model-versions/search", "model_versions", asked)
        versions = [self._version(self._object(item)) for item in found]
        return sorted((one for one in versions if one.model == model), key=lambda one: one.number)

    def location(self, version: ListedVersion) -> str:
        """Where a version's bytes are: its source, or what that stands for."""
        if version.source.startswith(_INDIRECT):
            asked = {"name": version.model, "version": str(version.number)}
            with contextlib.suppress(NoSuchThing):
                return _text(self._client.get("model-versions/get-download-uri", asked), "artifact_uri")
        return version.source

    def run(self, run_id: str) -> ReadRun | None:
        """What a run says of itself; None of one that is gone."""
        try:
            answer = self._client.get("runs/get", {"run_id": run_id})
        except NoSuchThing:
            return None
        data = _part(_part(answer, "run"), "data")
        figures = ((_text(one, "key"), _figure(one.get("value"))) for one in _objects(data, "metrics"))
        params = ((_text(one, "key"), _text(one, "value")) for one in _objects(data, "params"))
        return ReadRun(
            {key: value for key, value in figures if key and value is not None},
            {key: value for key, value in params if key},
        )

    def _version(self, said: Mapping[str, Any]) -> ListedVersion:
        number = str(said.get("version", ""))
        if not _NUMBER_RE.fullmatch(number):
            raise self._odd("a version without a number")
        return ListedVersion(
            model=_text(said, "name"),
            number=int(number),
            run_id=_text(said, "run_id"),
            source=_text(said, "source"),
            description=_text(said, "description"),
            status=_text(said, "status"),
            stage=_text(said, "current_stage") or "None",
            tags=_tags(said),
            created=_whole(said.get("creation_timestamp")),
            updated=_whole(said.get("last_updated_timestamp")),
            user=_text(said, "user_id"),
        )

    def _object(self, item: Any) -> Mapping[str, Any]:
        if not isinstance(item, dict):
            raise self._odd("a list of something else than objects")
        return item

    def _odd(self, what: str) -> PlatformRefused:
        return PlatformRefused(
            f"{self.url} does not answer as MLflow does: {what}.",
            "Check the address: --tracking-uri, or MLFLOW_TRACKING_URI.",
            code="mlflow-refused",
        )


def _model(said: Mapping[str, Any]) -> RegisteredModel:
    pairs = ((_text(one, "alias"), str(one.get("version", ""))) for one in _objects(said, "aliases"))
    aliases = {alias: int(number) for alias, number in pairs if alias and _NUMBER_RE.fullmatch(number)}
    return RegisteredModel(_text(said, "name"), _text(said, "description"), _tags(said), aliases)


def _tags(said: Mapping[str, Any]) -> dict[str, str]:
    return {key: _text(one, "value") for one in _objects(said, "tags") if (key := _text(one, "key"))}


def _objects(said: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = said.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _part(said: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = said.get(key)
    return found if isinstance(found, dict) else {}


def _text(said: Mapping[str, Any], key: str) -> str:
    """Text that UTF-8 can hold; empty for anything else."""
    value = said.get(key)
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _whole(value: Any) -> int:
    text = str(value)
    return int(text) if _NUMBER_RE.fullmatch(text) else 0


def _figure(value: Any) -> float | None:
    """A number; MLflow writes ``NaN`` and ``Infinity`` as text, which Python reads as those."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    with contextlib.suppress(ValueError, OverflowError):
        return float(value)
    return None
