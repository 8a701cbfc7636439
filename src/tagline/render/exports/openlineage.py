"""The lineage of a version as OpenLineage events: one for each step of the pipeline, and one for the registration.

Sources: https://openlineage.io/docs/spec/object-model, https://openlineage.io/docs/spec/naming. Our own facets are
described by schemas/openlineage.schema.json; what each field means is told in docs/lineage-formats.md.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import unquote

from tagline import __version__
from tagline.domain.lineage.graph import File
from tagline.domain.lineage.lineage import Lineage
from tagline.domain.lineage.pipelines import Behind, Step
from tagline.domain.manifest.manifest import is_uri
from tagline.render.exports.interchange import (
    HOME,
    content_uri,
    figures_in,
    from_repository,
    in_git,
    known,
    origin_uri,
    passage_fields,
    registration,
    repository,
    run_fields,
    same_always,
    shown,
    stale_lines,
    text,
    uri,
    when,
)

EVENT_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
#: Where our own facets are described.
OWN_SCHEMA = "https://tagline.dev/schemas/openlineage.schema.json#/$defs/"
_FACETS = "https://openlineage.io/spec/facets/"
#: The standard's facets that we write, in the versions that we were written for.
_STANDARD = {
    "dataSource": "1-0-1/DatasourceDatasetFacet",
    "documentation": "1-1-0/DocumentationJobFacet",
    "executionParameters": "1-0-0/ExecutionParametersRunFacet",
    "inputStatistics": "1-0-0/InputStatisticsInputDatasetFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "sourceCode": "1-0-1/SourceCodeJobFacet",
    "sourceCodeLocation": "1-1-0/SourceCodeLocationJobFacet",
    "symlinks": "1-0-1/SymlinksDatasetFacet",
    "version": "1-0-1/DatasetVersionDatasetFacet",
}
_OWN = {
    "tagline_file": "TaglineFileDatasetFacet",
    "tagline_registration": "TaglineRegistrationRunFacet",
    "tagline_step": "TaglineStepRunFacet",
}
#: For an event whose commit has no readable time: OpenLineage wants one.
_NO_TIME = "1970-01-01T00:00:00Z"
#: Of a repository without a URL that means something elsewhere.
_NO_REPOSITORY = "git"


def events(lineage: Lineage, source_url: str, *, tagline_version: str = __version__) -> list[dict[str, Any]]:
    """The events in the order of the steps, ready for ``json.dumps``. ``source_url`` is the repository's.

    A step's event has the time of the commit: when it ran, nobody wrote down. The same commit gives the same events.
    """
    writer = _Writer(lineage, source_url, tagline_version)
    written = [writer.step(step) for step in lineage.graph.steps]
    if lineage.version is not None:
        written.append(writer.registration())
    return written


class _Name(NamedTuple):
    """What a dataset is called."""

    namespace: str
    name: str


class _Writer:
    """The events of one lineage."""

    def __init__(self, lineage: Lineage, source_url: str, tagline_version: str) -> None:
        self._lineage = lineage
        self._repo = repository(source_url)
        self._namespace = in_namespace(self._repo)
        self._producer = uri(f"{HOME}/tree/v{tagline_version}") or HOME
        self._commit = lineage.commit.id

    def step(self, step: Step) -> dict[str, Any]:
        """What a step read and wrote."""
        lineage = self._lineage
        graph = lineage.graph
        reads = [path for path, reader in graph.reads if reader == step.name]
        writes = [path for maker, path in graph.writes if maker == step.name]
        parameters = [
            {"key": f"{text(one.file)}:{text(one.name)}", "name": text(one.name), "value": shown(one.value)}
            for one in lineage.parameters
            if step.name in one.steps
        ]
        own = known({"measures": step.name in graph.measuring, "stale": stale_lines(lineage, step.name)})
        run = self._facet("tagline_step", step=text(step.name), commit=text(self._commit), timeOf="commit", **own)
        if parameters:
            run |= self._facet("executionParameters", parameters=parameters)
        job = self._facet("jobType", processingType="BATCH", integration="DVC", jobType="STAGE")
        if step.command:
            job |= self._facet("sourceCode", language="shell", sourceCode=text(step.command))
        job |= self._location(step.file)
        return self._event(
            when(lineage.commit.committed_at),
            run_id=same_always("openlineage", self._namespace, self._commit, "step", step.name),
            run_facets=run,
            job=text(step.name),
            job_facets=job,
            inputs=[self._input(path, self._known_as(path, step.deps)) for path in reads],
            outputs=[self._output(path, self._known_as(path, step.outs)) for path in writes],
        )

    def registration(self) -> dict[str, Any]:
        """How the artifact became a version."""
        lineage = self._lineage
        registered = registration(lineage)
        name, version = text(lineage.artifact), text(lineage.version or "")
        said = {
            "tag": text(lineage.tag or ""),
            "metrics": figures_in(lineage, None),
            "ledger": [passage_fields(passage) for passage in lineage.passages],
            "mlflow": run_fields(lineage),
        }
        facts = {"artifact": name, "version": version, "commit": text(self._commit)}
        job = self._facet("jobType", processingType="BATCH", integration="TAGLINE", jobType="REGISTRATION")
        if lineage.entry is not None and lineage.entry.description:
            job |= self._facet("documentation", description=text(lineage.entry.description))
        job |= self._location(lineage.entry.file if lineage.entry else None)
        at = when(registered.time) if registered else None
        return self._event(
            at or when(lineage.commit.committed_at),
            run_id=same_always("openlineage", self._namespace, self._commit, "version", lineage.artifact, version),
            run_facets=self._facet("tagline_registration", **facts, timeOf="tag" if at else "commit", **known(said)),
            job=f"tagline:register:{name}",
            job_facets=job,
            inputs=self._registered(),
            outputs=[
                {
                    "namespace": self._namespace,
                    "name": f"tagline:{name}",
                    "facets": self._facet("version", datasetVersion=version),
                }
            ],
        )

    def _registered(self) -> list[dict[str, Any]]:
        """The artifact as a dataset; none where it has no place at all."""
        artifact = self._lineage.graph.artifact
        if artifact is not None:
            return [self._input(artifact.path, artifact)]
        name = dataset_of(content_uri(self._lineage))
        if name is None:
            return []
        content = self._lineage.content
        version = text(content.version_id or content.digest or "")
        facets = self._facet("version", datasetVersion=version) if version else {}
        return [known({**name._asdict(), "facets": facets})]

    def _event(
        self, time: str | None, *, run_id: str, run_facets: Any, job: str, job_facets: Any, inputs: Any, outputs: Any
    ) -> dict[str, Any]:
        return {
            "eventType": "COMPLETE",
            "eventTime": time or _NO_TIME,
            "producer": self._producer,
            "schemaURL": EVENT_SCHEMA,
            "run": {"runId": run_id, "facets": run_facets},
            "job": {"namespace": self._namespace, "name": job, "facets": job_facets},
            "inputs": inputs,
            "outputs": outputs,
        }

    def _facet(self, name: str, /, **fields: Any) -> dict[str, Any]:
        """A facet under its name, with who wrote it and what describes it."""
        standard = _STANDARD.get(name)
        kind = standard.partition("/")[2] if standard else _OWN[name]
        schema = f"{_FACETS}{standard}.json#/$defs/{kind}" if standard else OWN_SCHEMA + kind
        return {name: {"_producer": self._producer, "_schemaURL": schema, **fields}}

    def _location(self, file: str | None) -> dict[str, Any]:
        """The pipeline's or the manifest's file at the commit, where the repository has a URL."""
        url = in_git(self._repo, self._commit, file)
        if file is None or url is None:
            return {}
        return self._facet(
            "sourceCodeLocation", type="git", url=url, repoUrl=self._repo, path=text(file), version=text(self._commit)
        )

    # -- datasets ------------------------------------------------------------------

    def _known_as(self, path: str, rows: tuple[Behind, ...]) -> File:
        """A file as the step itself knew it: its digest is the one that the step read or wrote."""
        file = self._lineage.graph.files.get(path) or File(path, "data")
        row = next((row for row in rows if row.path == path), None)
        if row is None or row.digest is None:
            return file
        return file._replace(digest=row.digest, size=row.size if row.size is not None else file.size)

    def _input(self, path: str, file: File) -> dict[str, Any]:
        sizes = known({"size": file.size, "fileCount": file.files})
        dataset = self._dataset(path, file)
        return dataset | ({"inputFacets": self._facet("inputStatistics", **sizes)} if sizes else {})

    def _output(self, path: str, file: File) -> dict[str, Any]:
        sizes = known({"size": file.size, "fileCount": file.files})
        dataset = self._dataset(path, file)
        return dataset | ({"outputFacets": self._facet("outputStatistics", **sizes)} if sizes else {})

    def _dataset(self, path: str, file: File) -> dict[str, Any]:
        lineage = self._lineage
        elsewhere = dataset_of(uri(path)) if is_uri(path) else None
        name = elsewhere or _Name(self._namespace, text(path))
        origin = file.origin if not is_uri(path) else None
        facts = {
            "digest": text(file.digest or ""),
            "pointer": text(file.pointer or ""),
            "missing": file.missing or None,
            "origin": origin_uri(origin) if origin else None,
            "originRevision": text(origin.revision or "") if origin and from_repository(origin) else "",
            "metrics": figures_in(lineage, path),
        }
        facets = self._facet("tagline_file", role=file.role, **known(facts))
        if file.digest:
            facets |= self._facet("version", datasetVersion=text(file.digest))
        source = uri(name.namespace)
        facets |= self._facet("dataSource", **known({"name": name.namespace, "uri": source}))
        others = [self._origin(file) if origin else None]
        if path == lineage.graph.target:
            others.append(dataset_of(content_uri(lineage)))
        links = [other._asdict() | {"type": "LOCATION"} for other in others if other is not None and other != name]
        if links:
            facets |= self._facet("symlinks", identifiers=links)
        return {**name._asdict(), "facets": facets}

    def _origin(self, file: File) -> _Name | None:
        """The dataset that an import is a copy of."""
        origin = file.origin
        if origin is None:
            return None
        if not from_repository(origin):
            return dataset_of(uri(origin.url))
        repo = repository(origin.url)
        return _Name(in_namespace(repo), text(origin.path)) if repo and origin.path else None


def in_namespace(repo: str | None) -> str:
    """The namespace of a repository's files and jobs: ``git+`` and its URL, by which no other store has its names."""
    return f"git+{repo.removeprefix('git+').rstrip('/')}" if repo else _NO_REPOSITORY


def dataset_of(where: str | None) -> _Name | None:
    """Namespace and name of a URI as OpenLineage's naming has them: ``s3://bucket`` and ``key``, ``file`` and a path.

    None for a URI that names no dataset in a source, such as one without a path.
    """
    scheme, separator, rest = (where or "").partition("://")
    if not separator:
        return None
    if scheme.startswith("git+"):
        place, _, path = rest.partition("#")
        repo = place.rpartition("@")[0]
        return _Name(f"{scheme}://{repo.rstrip('/')}", unquote(path)) if repo and path else None
    host, slash, path = rest.partition("#")[0].partition("/")
    if scheme == "file" and not host:
        return _Name("file", unquote(f"/{path}")) if path else None
    # Files of a host, and what HDFS and the web have, begin with a slash; objects of a bucket have none.
    rooted = scheme in ("file", "hdfs", "webhdfs", "http", "https", "ssh", "sftp", "abfss", "abfs")
    return _Name(f"{scheme}://{host}", unquote(f"{slash}{path}" if rooted else path)) if host and path else None
