"""The parts of a lineage that come from elsewhere, as they may be shown: without the secrets in their URLs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tagline.domain.manifest.manifest import ManifestEntry
from tagline.domain.mlflow.runs import Checked, Run
from tagline.domain.storage.objects import Location
from tagline.domain.text.public import public, public_uri


def maybe(text: str | None) -> str | None:
    """:func:`public`, of what may be absent."""
    return None if text is None else public(text)


def entry_of(entry: ManifestEntry) -> ManifestEntry:
    """What a manifest says of an artifact. What fetches its bytes needs the entry as it was read."""
    run = entry.mlflow
    return replace(
        entry,
        type=maybe(entry.type),
        path=maybe(entry.path),
        description=public(entry.description),
        labels=tuple(map(public, entry.labels)),
        metrics=public(entry.metrics) if isinstance(entry.metrics, str) else entry.metrics,
        mlflow=run
        and replace(
            run,
            run_id=public(run.run_id),
            tracking_uri=maybe(run.tracking_uri),
            model=maybe(run.model),
            params=None if run.params is None else _params(run.params),
        ),
    )


def _params(params: Mapping[str, str]) -> dict[str, str]:
    return {public(name): public(value) for name, value in params.items()}


def location_of(content: Location, entry: ManifestEntry | None) -> Location:
    """Where the bytes are. What comes after ``#`` is Tagline's own word, but for a URL that the manifest has."""
    uri = content.uri
    if uri is None:
        return content
    written = entry is not None and entry.path == uri
    return replace(content, uri=public(uri) if written else public_uri(uri))


def checked_of(checked: Checked) -> Checked:
    """What MLflow says of a run: its parameters, tags and data sets are whatever somebody logged."""
    return replace(
        checked,
        message=public(checked.message),
        fix=public(checked.fix),
        run=_run(checked.run) if checked.run is not None else None,
        version=checked.version and replace(checked.version, source=public(checked.version.source)),
    )


def _run(run: Run) -> Run:
    return replace(
        run,
        name=public(run.name),
        user=public(run.user),
        metrics={public(name): value for name, value in run.metrics.items()},
        params=_params(run.params),
        tags={public(name): public(value) for name, value in run.tags.items()},
        datasets=tuple(type(data)(*map(public, data)) for data in run.datasets),
    )
