"""MLflow's runs and registered models as data, and how Tagline's words become MLflow's."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from tagline.domain.manifest.manifest import ManifestEntry, MlflowRun
from tagline.domain.manifest.metrics import Metrics
from tagline.domain.text.public import public

#: What is written to runs and to versions of models, by name.
TAG, COMMIT, CHANGE = "tagline.tag", "tagline.commit", "tagline.change"
#: Characters: MLflow's limits for a tag's value and for an alias.
MOST_VALUE, MOST_ALIAS = 8000, 255
#: How far two figures may be apart, relative to the larger: a decimal's way to a server and back.
REL_TOL = 1e-9
#: A run's id as MLflow makes and takes them.
RUN_ID_RE = re.compile(r"[a-zA-Z0-9][\w-]{0,255}", re.ASCII)
_RESERVED_RE = re.compile(r"latest|v\d+", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}


class Dataset(NamedTuple):
    """What a run says that it read. ``source`` is text of the kind that ``source_type`` names; absent is empty."""

    name: str
    digest: str
    source_type: str
    source: str
    context: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run. ``started`` and ``ended`` are unix seconds, None if unknown; ``active`` is False for a deleted run."""

    run_id: str
    name: str = ""
    experiment_id: str = ""
    status: str = ""
    active: bool = True
    user: str = ""
    started: int | None = None
    ended: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: tuple[Dataset, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of a registered model; ``version`` is MLflow's number as text, ``run_id`` is empty if no run made it.

    ``aliases`` is empty where versions were searched for: MLflow names them for a version asked for by itself.
    """

    model: str
    version: str
    run_id: str = ""
    source: str = ""
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


class Difference(NamedTuple):
    """A metric of which manifest and run tell different figures."""

    metric: str
    manifest: float
    run: float


@dataclass(frozen=True, slots=True)
class Checked:
    """What MLflow says of the run that a manifest names.

    ``missing``: the run, or the version of the model, does not exist or is deleted. ``different``: they tell
    something else than the manifest. ``unknown``: nobody could ask, or the answer is not clear. ``message`` is a
    sentence, ``fix`` what would mend it; ``agreeing`` counts the metrics that both tell alike.
    """

    state: Literal["ok", "missing", "different", "unknown"]
    message: str
    fix: str = ""
    run: Run | None = None
    version: ModelVersion | None = None
    differences: tuple[Difference, ...] = ()
    agreeing: int = 0


# -- aliases ------------------------------------------------------------------


def alias_of(stage: str) -> str:
    """The alias for a stage: MLflow's aliases have no slash."""
    return stage.replace("/", "-")


def refuses_alias(alias: str) -> bool:
    """Whether MLflow takes no such alias: ``latest`` and ``v1`` mean versions there, 255 characters are the most."""
    return _RESERVED_RE.fullmatch(alias) is not None or len(alias) > MOST_ALIAS


def collisions(stages: Iterable[str]) -> dict[str, list[str]]:
    """Of some stages those that would share an alias, by alias, in order."""
    found: dict[str, list[str]] = {}
    for stage in sorted(set(stages)):
        found.setdefault(alias_of(stage), []).append(stage)
    return {alias: names for alias, names in found.items() if len(names) > 1}


def alias_trouble(stage: str, stages: Iterable[str]) -> str:
    """Why a stage can have no alias of its own beside some others; empty where it can."""
    alias = alias_of(stage)
    if refuses_alias(alias):
        return f"MLflow keeps the alias {alias} for itself, so {stage} cannot be told to it."
    others = [name for name in collisions({*stages, stage}).get(alias, ()) if name != stage]
    return f"MLflow would know {', '.join(others)} and {stage} by one alias, {alias}." if others else ""


def place_there(model: str | None) -> str:
    """What a version is in MLflow, in words that follow its name."""
    return f"is the model {model} there" if model else "names no registered model"


def lost_alias(stage: str, held: str | None, model: str | None, version: str | None) -> str:
    """That the model of a stage's holder loses its alias; empty where the version to come is of the same, or none is.

    ``held`` and ``model`` are the registered models of the holder and of the version.
    """
    if held is None or held == model:
        return ""
    name = version or "the new version"
    return (
        f"MLflow's alias {alias_of(stage)} of the model {held} is taken away at the merge: {name} {place_there(model)}."
    )


def sharers(artifact: str, named: MlflowRun, entries: Mapping[str, ManifestEntry], url: str | None) -> list[str]:
    """The other artifacts of a commit that name the same registered model: one alias cannot follow two of them.

    Models on another server than the one at ``url`` are others; None: nobody knows which server is meant.
    """
    return sorted(
        name
        for name, entry in entries.items()
        if name != artifact
        and entry.mlflow is not None
        and named.model is not None
        and entry.mlflow.model == named.model
        and (url is None or not elsewhere(entry.mlflow, url))
    )


# -- what is told, and what is compared ---------------------------------------


def tags_for(tag: str, commit: str, change_url: str) -> dict[str, str]:
    """What a run and a version of a model are told of a tag in Git; what is not known is left out."""
    pairs = {TAG: tag, COMMIT: commit, CHANGE: change_url}
    return {key: value[:MOST_VALUE] for key, value in pairs.items() if value}


def compare(metrics: Metrics | None, run: Run) -> tuple[list[Difference], int]:
    """The manifest's metrics that the run tells otherwise, and how many it tells alike.

    Groups are joined with dots. What only one of them has says nothing: a run logs more than a manifest keeps, and
    a manifest may keep what a later step measured.
    """
    found, same = [], 0
    flat = figures(metrics)
    for name in sorted(flat.keys() & run.metrics.keys()):
        if _equal(flat[name], run.metrics[name]):
            same += 1
        else:
            found.append(Difference(name, flat[name], run.metrics[name]))
    return found, same


def figures(metrics: Metrics | None) -> dict[str, float]:
    """The numbers among metrics by name; none of what could not be read."""
    return dict(_flat("", metrics)) if isinstance(metrics, Mapping) else {}


def _flat(prefix: str, metrics: Mapping[Any, Any]) -> Iterable[tuple[str, float]]:
    for key, value in metrics.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{key}.", value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            try:
                yield f"{prefix}{key}", float(value)
            except OverflowError:
                yield f"{prefix}{key}", math.inf if value > 0 else -math.inf


def _equal(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=REL_TOL) or (math.isnan(one) and math.isnan(other))


# -- which server -------------------------------------------------------------


def is_http(url: str) -> bool:
    """Whether this is an address that HTTP reaches."""
    return _address(url) is not None


def same_server(one: str, other: str) -> bool:
    """Whether two tracking URIs mean one server: scheme, host, port and path; a login does not matter."""
    first = _address(one)
    return first is not None and first == _address(other)


def query_in(url: str) -> str:
    """What an address has behind its path, in words; empty for nothing. No server is named by it."""
    return "a query" if "?" in url else "a fragment (#)" if "#" in url else ""


def elsewhere(entry: MlflowRun, url: str) -> str:
    """Why what a manifest names is not on the server at ``url``; empty where it is, or the manifest names none."""
    if entry.tracking_uri is None or same_server(entry.tracking_uri, url):
        return ""
    return f"the manifest names {public(entry.tracking_uri)}, this job's MLflow is {public(url)}"


def _address(url: str) -> tuple[str, str, int, str] | None:
    try:
        parts = urlsplit(url.strip())
        scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
        if scheme not in _PORTS or not host:
            return None
        return scheme, host, parts.port or _PORTS[scheme], parts.path.rstrip("/")
    except ValueError:
        return None
