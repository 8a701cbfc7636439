"""The lineage of a version as an in-toto statement with SLSA's provenance.

Sources: https://github.com/in-toto/attestation/tree/main/spec/v1, https://slsa.dev/spec/v1.0/provenance. What each
field means, and what is not claimed, is told in docs/lineage-formats.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tagline import __version__
from tagline.domain.lineage.graph import File
from tagline.domain.lineage.lineage import Lineage
from tagline.domain.manifest.manifest import is_uri
from tagline.render.exports.as_read import readings
from tagline.render.exports.interchange import (
    HOME,
    commit_digest,
    content_uri,
    digest_of,
    figures_in,
    from_repository,
    in_git,
    known,
    origin_uri,
    parts,
    passage_fields,
    plain,
    readers,
    registration,
    repository,
    run_fields,
    sha256_of,
    stale_lines,
    text,
    uri,
    uri_of,
    when,
)

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
#: What our parameters mean; the heading is one of the document's.
BUILD_TYPE = f"{HOME}/blob/main/docs/lineage-formats.md#registered-version-v1"
CLAIM = (
    "Tagline read this from Git: what dvc.lock says of the steps, and what the registry's tags say of the version. "
    "It did not run the steps, and vouches neither for them nor for the machine that did."
)


def statement(lineage: Lineage, source_url: str, *, tagline_version: str = __version__) -> dict[str, Any]:
    """The statement about one version, ready for ``json.dumps``. ``source_url`` is the repository's.

    Its subject is the artifact's bytes. Where Git knows no digest of them, it is the commit, and says so.
    """
    repo = repository(source_url)
    return {
        "_type": STATEMENT_TYPE,
        "subject": [_subject(lineage, repo)],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": known(
                {
                    "buildType": BUILD_TYPE,
                    "externalParameters": _external(lineage, repo),
                    "internalParameters": _internal(lineage),
                    "resolvedDependencies": list(_dependencies(lineage, repo)),
                }
            ),
            "runDetails": _run_details(lineage, repo, tagline_version),
        },
    }


def _subject(lineage: Lineage, repo: str | None) -> dict[str, Any]:
    content = lineage.content
    digest = digest_of(content.digest)
    name = f"{text(lineage.artifact)}@{text(lineage.version or lineage.commit.id)}"
    notes: dict[str, Any] = {"size": content.size, "files": content.files, "versionId": text(content.version_id or "")}
    where = content_uri(lineage)
    if digest is None:
        notes |= {"digestOf": "the commit: Git knows no digest of the bytes", "mark": text(content.digest or "")}
        digests = commit_digest(lineage.commit.id) or {"gitCommit": text(lineage.commit.id)}
        where = where or in_git(repo, lineage.commit.id)
    else:
        digests = {digest.algorithm: digest.hex, **sha256_of(content)}
        if digest.algorithm == "dvcDirMd5":
            notes["digestOf"] = "the folder's list of files as DVC writes it"
    return known({"name": name, "uri": where, "digest": digests, "annotations": known(notes)})


def _external(lineage: Lineage, repo: str | None) -> dict[str, Any]:
    steps = [
        known({"name": text(step.name), "file": text(step.file), "command": text(step.command)})
        for step in lineage.graph.steps
    ]
    parameters = [
        {"file": text(one.file), "name": text(one.name), "value": plain(one.value), "steps": [*map(text, one.steps)]}
        for one in lineage.parameters
    ]
    return {"artifact": text(lineage.artifact)} | known(
        {"version": text(lineage.version or ""), "repository": repo, "steps": steps, "parameters": parameters}
    )


def _internal(lineage: Lineage) -> dict[str, Any]:
    commit = lineage.commit
    signature = known({"status": commit.signature.status, "signer": text(commit.signature.signer or "")})
    return {"tagline_claim": CLAIM} | known(
        {
            "tagline_tag": text(lineage.tag or ""),
            "tagline_commit": known(
                {
                    "author": text(commit.author),
                    "committedAt": when(commit.committed_at),
                    "subject": text(commit.subject),
                    "signature": signature,
                }
            ),
            "tagline_ledger": [passage_fields(passage) for passage in lineage.passages],
            "tagline_measuring": sorted(map(text, lineage.graph.measuring)),
            "tagline_stale": stale_lines(lineage),
            "tagline_mlflow": run_fields(lineage),
        }
    )


def _dependencies(lineage: Lineage, repo: str | None) -> Iterator[dict[str, Any]]:
    """What went in: the commit, and every file that no step made; an import's origin after it.

    A file of which a step read other bytes than the commit has is what that step read, also where a step made it.
    """
    commit = lineage.commit.id
    yield known(
        {"name": "source", "uri": in_git(repo, commit), "digest": commit_digest(commit) or {"gitCommit": text(commit)}}
    )
    others = readings(lineage)
    for file in parts(lineage).values():
        if file.role not in ("code", "data"):
            continue
        was = others.get(file.path, [])
        for one in (one for one in was if not one.now):
            row = _descriptor(one.file, lineage, repo, readBy=[*map(text, one.steps)], notWhatTheCommitHas=True)
            # Nothing says where these bytes are.
            row = {key: value for key, value in row.items() if key != "uri"}
            if row.keys() & {"name", "digest"}:
                yield row
        if file.maker is not None or (was and not was[0].now):
            continue
        steps = was[0].steps if was else readers(lineage, file.path)
        row = _descriptor(file, lineage, repo, readBy=[*map(text, steps)])
        if row.keys() & {"name", "uri", "digest"}:
            yield row
        origin = file.origin
        if origin is not None and not is_uri(file.path):
            wanted = text(origin.revision or "") if from_repository(origin) else ""
            digest = commit_digest(origin.locked) if from_repository(origin) else {}
            mark = "" if digest else text(origin.locked or "")
            yield known(
                {
                    "name": f"origin of {text(file.path)}",
                    "uri": origin_uri(origin),
                    "digest": digest,
                    "annotations": known({"revision": wanted, "mark": mark}),
                }
            )


def _descriptor(file: File, lineage: Lineage, repo: str | None, **notes: Any) -> dict[str, Any]:
    digest = digest_of(file.digest)
    mark = text(file.digest or "") if digest is None else ""
    if digest is not None and digest.algorithm == "dvcDirMd5":
        notes["digestOf"] = "the folder's list of files as DVC writes it"
    role = {"role": file.role, "size": file.size, "files": file.files, "pointer": text(file.pointer or "")}
    if file.missing:
        notes["missing"] = True
    return known(
        {
            "name": text(file.path),
            "uri": None if file.origin is not None and not is_uri(file.path) else uri_of(file, lineage, repo),
            "digest": {digest.algorithm: digest.hex} if digest else {},
            "annotations": known(role | {"mark": mark} | notes),
        }
    )


def _run_details(lineage: Lineage, repo: str | None, tagline_version: str) -> dict[str, Any]:
    registered = registration(lineage)
    run = registered.run if registered else None
    return known(
        {
            "builder": {"id": _builder(run), "version": {"tagline": text(tagline_version)}},
            "metadata": known(
                {"invocationId": text(run or ""), "finishedOn": when(registered.time if registered else None)}
            ),
            "byproducts": list(_byproducts(lineage, repo)),
        }
    )


def _builder(run: str | None) -> str:
    """The host whose job registered the version, by the run's URL; without one, Tagline itself."""
    scheme, _, rest = (uri(run) or "").partition("://")
    host = rest.partition("/")[0].partition("?")[0].partition("#")[0]
    return f"{scheme}://{host}" if scheme in ("https", "http") and host else HOME


def _byproducts(lineage: Lineage, repo: str | None) -> Iterator[dict[str, Any]]:
    """The files that say how the artifact was measured, with their figures; the manifest, where it has them."""
    told = set()
    for file in parts(lineage).values():
        if file.role in ("metrics", "plots"):
            told.add(file.path)
            row = _descriptor(file, lineage, repo, metrics=figures_in(lineage, file.path))
            if row.keys() & {"name", "uri", "digest"}:
                yield row
    entry = lineage.entry
    for path in dict.fromkeys(figure.file for figure in lineage.metrics):
        if path in told:
            continue
        place = path if path is not None else entry.file if entry else None
        metrics = {"role": "metrics", "metrics": figures_in(lineage, path)}
        where = in_git(repo, lineage.commit.id, place) if place else None
        yield known({"name": text(place or "metrics"), "uri": where, "annotations": metrics})
