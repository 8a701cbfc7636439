"""The lineage of a version as a CycloneDX bill of materials for machine learning, in version 1.6 (ECMA-424).

Source: https://cyclonedx.org/docs/1.6/json/. What each field means is told in docs/lineage-formats.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tagline import __version__
from tagline.domain.lineage.graph import File
from tagline.domain.lineage.lineage import Lineage
from tagline.render.exports.as_read import readings
from tagline.render.exports.interchange import (
    HOME,
    content_uri,
    digest_of,
    in_git,
    known,
    parts,
    readers,
    registration,
    repository,
    run_fields,
    same_always,
    sha256_of,
    shown,
    stale_lines,
    text,
    uri,
    uri_of,
    when,
)

SPEC_VERSION = "1.6"
#: CycloneDX's names of the hashes of plain bytes. Git's ids hash a header, too: they are SWHIDs instead.
_HASHES = {"md5": "MD5", "sha256": "SHA-256"}
_SWHIDS = {"gitBlob": "cnt", "gitTree": "dir"}
_ARTIFACT = "artifact"
#: What GTO and DVC call artifacts that are no models.
_DATA_TYPES = ("dataset", "data")


def bom(lineage: Lineage, source_url: str, *, tagline_version: str = __version__) -> dict[str, Any]:
    """The bill of materials of one version, ready for ``json.dumps``. ``source_url`` is the repository's.

    Its serial number is made of its content, so that the same lineage has the same one, and another one another.
    """
    writer = _Writer(lineage, repository(source_url))
    registered = registration(lineage)
    at = when(registered.time if registered else None) or when(lineage.commit.committed_at)
    tool = {"type": "application", "name": "tagline", "version": text(tagline_version)}
    where = [{"type": "website", "url": HOME}]
    body = known(
        {
            "version": 1,
            "metadata": known(
                {
                    "timestamp": at,
                    "tools": {"components": [tool | {"externalReferences": where}]},
                    "component": writer.artifact(),
                }
            ),
            "components": list(writer.components()),
            "dependencies": writer.dependencies(),
            "formulation": writer.formulation(),
        }
    )
    serial = same_always("cyclonedx", json.dumps(body, sort_keys=True))
    return {"bomFormat": "CycloneDX", "specVersion": SPEC_VERSION, "serialNumber": f"urn:uuid:{serial}"} | body


class _Writer:
    """The parts of one bill."""

    def __init__(self, lineage: Lineage, repo: str | None) -> None:
        self._lineage = lineage
        self._repo = repo
        self._commit = lineage.commit.id
        self._parts = parts(lineage)
        # Of files of which a step read other bytes than the commit has: what it read, by path and step.
        was = {path: [one for one in rows if not one.now] for path, rows in readings(lineage).items()}
        self._read_as = {
            (path, step): one.file
            for path, rows in was.items()
            if path in self._parts
            for one in rows
            for step in one.steps
        }

    def artifact(self) -> dict[str, Any]:
        """The artifact itself: a model with its card, or data."""
        lineage = self._lineage
        entry, content = lineage.entry, lineage.content
        is_data = entry is not None and entry.type in _DATA_TYPES
        own = {"type": "dataset", "name": text(lineage.artifact)}
        kind = "data" if is_data else "machine-learning-model"
        return {"type": kind, "bom-ref": _ARTIFACT, "name": text(lineage.artifact)} | known(
            {
                "version": text(lineage.version or ""),
                "description": text(entry.description) if entry else "",
                "tags": [text(label) for label in entry.labels] if entry else [],
                **_identity(content.digest, sha256_of(content).get("sha256")),
                "externalReferences": list(self._references()),
                "modelCard": {} if is_data else self._card(),
                "data": [own] if is_data else [],
                "properties": _properties(self._facts()),
            }
        )

    def components(self) -> Iterator[dict[str, Any]]:
        """Everything behind the artifact: data, code, metrics."""
        for file in self._parts.values():
            where = uri_of(file, self._lineage, self._repo)
            facts = [
                ("role", file.role),
                ("digest", file.digest),
                ("size", file.size),
                ("files", file.files),
                ("step", file.maker),
                ("pointer", file.pointer),
                ("missing", file.missing or None),
            ]
            if file.origin is not None:
                facts += [("origin-revision", file.origin.revision), ("origin-locked", file.origin.locked)]
            data = known(
                {
                    "type": "dataset" if file.role == "data" else "other",
                    "name": text(file.path),
                    "contents": {"url": where} if where else {},
                }
            )
            kind = "file" if file.role == "code" else "data"
            place = "vcs" if where and where.startswith("git+") else "distribution"
            yield {"type": kind, "bom-ref": _ref(file.path), "name": text(file.path)} | known(
                {
                    **_identity(file.digest),
                    "externalReferences": [{"type": place, "url": where}] if where else [],
                    "data": [] if kind == "file" else [data],
                    "properties": _properties(facts),
                }
            )

        for file in dict.fromkeys(self._read_as.values()):
            facts = [("role", file.role), ("digest", file.digest), ("read-as", "not what the commit has")]
            kind = "file" if file.role == "code" else "data"
            data = {"type": "dataset" if file.role == "data" else "other", "name": text(file.path)}
            yield {"type": kind, "bom-ref": _was_ref(file), "name": text(file.path)} | known(
                {
                    **_identity(file.digest),
                    "data": [] if kind == "file" else [data],
                    "properties": _properties(facts),
                }
            )

    def dependencies(self) -> list[dict[str, Any]]:
        """What each thing was made of: an out of all that its step read, a folder of code of its files."""
        graph = self._lineage.graph
        was = map(_was_ref, self._read_as.values())
        needs: dict[str, dict[str, None]] = {ref: {} for ref in (_ARTIFACT, *map(_ref, self._parts), *was)}
        reads: dict[str, list[str]] = {}
        for path, step in graph.reads:
            reads.setdefault(step, []).append(self._input(path, step))
        for step, path in graph.writes:
            needs[self._ref(path)].update(dict.fromkeys(reads.get(step, ())))
        artifact = graph.artifact
        if artifact is not None and artifact.maker and not needs[_ARTIFACT]:
            # A part of an out: it was made of what the whole was made of.
            needs[_ARTIFACT] = dict.fromkeys(reads.get(artifact.maker, ()))
        for file in graph.code:
            for path in self._parts:
                if file.path.startswith(f"{path}/"):
                    needs[_ref(path)][_ref(file.path)] = None
        return [
            known({"ref": ref, "dependsOn": [one for one in dict.fromkeys(found) if one != ref]})
            for ref, found in needs.items()
        ]

    def formulation(self) -> list[dict[str, Any]]:
        """The steps that made the artifact, and those that measure it, as the tasks of a workflow."""
        graph = self._lineage.graph
        tasks = []
        for step in graph.steps:
            measures = step.name in graph.measuring
            reads = [path for path, reader in graph.reads if reader == step.name]
            writes = [path for maker, path in graph.writes if maker == step.name]
            parameters = [
                {"name": text(one.name), "value": shown(one.value), "dataType": _kind(one.value)}
                for one in self._lineage.parameters
                if step.name in one.steps
            ]
            inputs: list[dict[str, Any]] = [{"resource": {"ref": self._input(path, step.name)}} for path in reads]
            kind = "test" if measures else "build"
            tasks.append(
                {"bom-ref": f"step:{text(step.name)}", "uid": text(step.name), "taskTypes": [kind]}
                | known(
                    {
                        "name": text(step.name),
                        "steps": [{"commands": [{"executed": text(step.command)}]}] if step.command else [],
                        "inputs": [*inputs, *([{"parameters": _once(parameters)}] if parameters else [])],
                        "outputs": [{"resource": {"ref": self._ref(path)}} for path in writes],
                        "properties": _properties(
                            ("stale", why) for why in stale_lines(self._lineage, step.name)
                        ),
                    }
                )
            )  # fmt: skip
        if not tasks:
            return []
        workflow = {"bom-ref": "workflow", "uid": "pipeline", "name": "DVC pipeline", "taskTypes": ["build"]}
        return [{"bom-ref": "formula", "workflows": [workflow | {"tasks": tasks}]}]

    def _input(self, path: str, step: str) -> str:
        """What a step read at a path."""
        was = self._read_as.get((path, step))
        return self._ref(path) if was is None else _was_ref(was)

    def _ref(self, path: str) -> str:
        return _ref(path) if path in self._parts else _ARTIFACT

    def _card(self) -> dict[str, Any]:
        """The model card: what it learnt from, and how it was measured. What nobody wrote down is not in it."""
        lineage = self._lineage
        upstream = {step.name for step in lineage.graph.upstream}
        learnt = [
            {"ref": ref}
            for file in self._parts.values()
            if file.role == "data" and file.maker is None
            for ref in sorted(
                {self._input(file.path, step) for step in upstream.intersection(readers(lineage, file.path))}
            )
        ]
        measured = [
            known({"type": text(figure.name), "value": shown(figure.value), "slice": text(figure.file or "")})
            for figure in lineage.metrics
        ]
        return known(
            {
                "modelParameters": {"datasets": learnt} if learnt else {},
                "quantitativeAnalysis": {"performanceMetrics": measured} if measured else {},
            }
        )

    def _references(self) -> Iterator[dict[str, Any]]:
        lineage = self._lineage
        registered = registration(lineage)
        path = lineage.graph.target if lineage.graph.artifact and lineage.graph.artifact.pointer is None else None
        found = [
            ("vcs", in_git(self._repo, self._commit, path), "the commit of this version"),
            ("distribution", content_uri(lineage), "the bytes"),
            ("evidence", uri(registered.change) if registered else None, "the change that registered it"),
            ("build-meta", uri(registered.run) if registered else None, "the run that registered it"),
        ]
        for kind, url, comment in found:
            if url:
                yield {"type": kind, "url": url, "comment": comment}

    def _facts(self) -> Iterator[tuple[str, Any]]:
        """What CycloneDX has no field for."""
        lineage = self._lineage
        yield from [
            ("tag", lineage.tag),
            ("commit", self._commit),
            ("commit-signature", lineage.commit.signature.status),
            ("type", lineage.entry.type if lineage.entry else None),
            ("path", lineage.graph.target),
            ("digest", lineage.content.digest),
            ("size", lineage.content.size),
            ("files", lineage.content.files),
            ("version-id", lineage.content.version_id),
        ]
        registered = registration(lineage)
        if registered is not None:
            yield from [("registered-at", when(registered.time)), ("policy", registered.policy)]
            yield from [("override", registered.override), ("reason", registered.reason)]
            yield from (("ticket", line) for line in registered.tickets)
            yield from (("requested-by", line) for line in registered.requested_by)
            yield from (("approved-by", line) for line in registered.approved_by)
        for passage in lineage.passages:
            if passage is not registered:
                words = (when(passage.time), passage.kind.value, passage.stage, passage.tag)
                yield "event", " ".join(word for word in words if word)
                yield from (("event-ticket", f"{passage.tag}: {line}") for line in passage.tickets)
                yield from (("event-approved-by", f"{passage.tag}: {line}") for line in passage.approved_by)
        run = run_fields(lineage)
        yield from [("mlflow-run", run.get("runId")), ("mlflow-state", run.get("state"))]
        if lineage.entry is not None and lineage.entry.type in _DATA_TYPES:
            yield from ((f"metric:{figure.name}", shown(figure.value)) for figure in lineage.metrics)
        yield from (("stale", line) for line in stale_lines(lineage))


def _ref(path: str) -> str:
    return f"file:{text(path)}"


def _was_ref(file: File) -> str:
    return f"{_ref(file.path)}@{text(file.digest or '')}"


def _identity(digest: str | None, sha256: str | None = None) -> dict[str, Any]:
    """The digest as a hash of bytes, or as a Software Heritage identifier, which is Git's own id."""
    found = digest_of(digest)
    hashes = {"SHA-256": sha256} if sha256 is not None else {}
    if found is not None and found.algorithm in _HASHES:
        hashes = {_HASHES[found.algorithm]: found.hex, **hashes}
    is_swhid = found is not None and found.algorithm in _SWHIDS and len(found.hex) == 40
    return known(
        {
            "hashes": [{"alg": name, "content": content} for name, content in hashes.items()],
            "swhid": [f"swh:1:{_SWHIDS[found.algorithm]}:{found.hex}"] if found is not None and is_swhid else [],
        }
    )


def _properties(facts: Iterable[tuple[str, Any]]) -> list[dict[str, str]]:
    return [
        {"name": f"tagline:{text(name)}", "value": shown(value)} for name, value in facts if value not in (None, "")
    ]


def _once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each row once: the same parameter may stand in two files."""
    return [row for place, row in enumerate(rows) if row not in rows[:place]]


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
    return "list" if isinstance(value, list | tuple) else "other"
