"""Lineages and comparisons as JSON documents."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from tagline.domain.changes.changes import Change
from tagline.domain.ledger.commits import CommitFacts
from tagline.domain.ledger.events import Warn
from tagline.domain.lineage.comparison import Against, Between, Comparison, End, Traced
from tagline.domain.lineage.graph import File, Graph
from tagline.domain.lineage.lineage import Lineage, Passage
from tagline.domain.lineage.pipelines import Behind, Step
from tagline.domain.manifest.manifest import ManifestEntry
from tagline.domain.mlflow.runs import Checked
from tagline.domain.text.times import format_time, time_or_none

Document = dict[str, Any]


def traced(result: Traced, warnings: Iterable[Warn]) -> Document:
    """``lineage TARGET``."""
    return {**artifact(result), "warnings": [warn._asdict() for warn in warnings]}


def changed(change: Change, results: Iterable[Traced], warnings: Iterable[Warn]) -> Document:
    """``lineage --change N``: an entry an artifact that the change touches or promotes."""
    return {
        "change": {
            "number": change.number,
            "url": change.url,
            "merged": change.merged,
            "commit": change.merge_commit if change.merged else change.head,
        },
        "artifacts": [artifact(one) for one in results],
        "warnings": [warn._asdict() for warn in warnings],
    }


def artifact(result: Traced) -> Document:
    """One artifact: its lineage, and against what."""
    document: Document = {"artifact": result.artifact, "why": result.why or None}
    if result.lineage is not None:
        document |= lineage(result.lineage)
    document["stage"] = result.asked[0] if len(result.asked) == 1 else None
    document["asked"] = list(result.asked)
    document["against"] = [_against(other) for other in result.against]
    document["history"] = [
        {
            "version": point.version,
            "registered_at": time_or_none(point.registered_at),
            "metrics": [_figure(figure) for figure in point.figures],
        }
        for point in result.history
    ]
    return document


def lineage(found: Lineage) -> Document:
    """A lineage alone."""
    entry, content = found.entry, found.content
    return {
        "artifact": found.artifact,
        "version": found.version,
        "tag": found.tag,
        "commit": found.commit.id,
        "made": _commit(found.commit),
        "type": entry.type if entry else None,
        "path": entry.path if entry else None,
        "description": (entry.description or None) if entry else None,
        "labels": list(entry.labels) if entry else [],
        "uri": content.uri,
        "digest": content.digest,
        "sha256": content.sha256,
        "size": content.size,
        "files": content.files,
        "code": [{"path": file.path, "digest": file.digest} for file in found.graph.code],
        "data": [_file(file) for file in found.graph.data],
        "steps": [_step(step, found) for step in found.graph.steps],
        "edges": _edges(found.graph),
        "parameters": [{**p._asdict(), "value": plain(p.value), "steps": list(p.steps)} for p in found.parameters],
        "metrics": [_figure(figure) for figure in found.metrics],
        "no_metrics": found.no_metrics or None,
        "partial": found.partial or None,
        "mlflow": _mlflow(entry, found.run),
        "record": [_passage(passage) for passage in found.passages],
    }


def _figure(figure: Any) -> Document:
    return {"name": figure.name, "value": plain(figure.value), "file": figure.file}


def _commit(commit: CommitFacts) -> Document:
    return {
        "author": {"name": commit.author, "email": commit.email},
        "authored_at": time_or_none(commit.authored_at),
        "committer": commit.committer,
        "committed_at": time_or_none(commit.committed_at),
        "subject": commit.subject,
        "signature": commit.signature._asdict(),
    }


def _file(file: File) -> Document:
    return {
        "path": file.path,
        "role": file.role,
        "digest": file.digest,
        "size": file.size,
        "files": file.files,
        "made_by": file.maker,
        "pointer": file.pointer,
        "origin": file.origin._asdict() if file.origin is not None else None,
    }


def _step(step: Step, found: Lineage) -> Document:
    return {
        "name": step.name,
        "file": step.file,
        "command": step.command,
        "measures": step.name in found.graph.measuring,
        "deps": [_behind(dep) for dep in step.deps],
        "outs": [_behind(out) for out in step.outs],
        "params": {
            file: {name: plain(value) for name, value in values.items()} for file, values in step.params.items()
        },
        "stale": [{"why": stale.why, "path": stale.path} for stale in found.stale if stale.step == step.name],
    }


def _behind(one: Behind) -> Document:
    return {"path": one.path, "digest": one.digest, "size": one.size, "files": one.files}


def _edges(graph: Graph) -> list[list[str]]:
    """(from, to): files to the steps that read them, steps to the files that they wrote."""
    return [[f"file:{path}", f"step:{name}"] for path, name in graph.reads] + [
        [f"step:{name}", f"file:{path}"] for name, path in graph.writes
    ]


def _mlflow(entry: ManifestEntry | None, checked: Checked | None) -> Document | None:
    named = entry.mlflow if entry is not None else None
    if named is None:
        return None
    run, version = (checked.run, checked.version) if checked is not None else (None, None)
    return {
        "run_id": named.run_id or None,
        "tracking_uri": named.tracking_uri,
        "model": named.model,
        "model_version": version.version if version is not None else named.version,
        "state": checked.state if checked is not None else None,
        "message": checked.message if checked is not None else None,
        "name": run.name if run else None,
        "status": run.status if run else None,
        "user": run.user if run else None,
        "started_at": time_or_none(run.started) if run else None,
        "ended_at": time_or_none(run.ended) if run else None,
        "metrics": {name: plain(value) for name, value in run.metrics.items()} if run else {},
        "params": dict(run.params) if run else {},
        "datasets": [dataset._asdict() for dataset in run.datasets] if run else [],
    }


def _passage(passage: Passage) -> Document:
    return {
        "timestamp": format_time(passage.time),
        "event": str(passage.kind),
        "version": passage.version,
        "stage": passage.stage,
        "tag": passage.tag,
        "change": passage.change,
        "requested_by": list(passage.requested_by),
        "approved_by": list(passage.approved_by),
        "policy": passage.policy,
        "run": passage.run,
        "override": passage.override,
        "rollback_from": passage.rollback_from,
        "reason": passage.reason,
        "tickets": list(passage.tickets),
        "by": passage.tagger,
    }


def _against(other: Against) -> Document:
    document: Document = {
        "stages": list(other.stages),
        "version": other.version,
        "commit": other.commit,
        "why": other.why or None,
    }
    return document | (comparison(other.comparison) if other.comparison is not None else {})


def between(found: Between) -> Document:
    """``diff``."""
    return {
        "artifact": found.artifact,
        "from": _end(found.before),
        "to": _end(found.after),
        "same": found.same,
        **(comparison(found.comparison) if found.comparison is not None else {}),
        "events": [_passage(passage) for passage in found.passages],
        "warnings": [warn._asdict() for warn in found.warnings],
    }


def _end(end: End) -> Document:
    return {
        "target": end.target,
        "at": time_or_none(end.at),
        "version": end.version,
        "commit": end.commit,
        "tag": end.tag,
        "since": time_or_none(end.since),
    }


def comparison(found: Comparison) -> Document:
    """What differs; of metrics all."""
    before, after = found.before, found.after
    return {
        "size": {"before": before.content.size, "after": after.content.size},
        "same_bytes": found.same_bytes,
        "partial": found.partial or None,
        "not_compared": list(found.not_compared),
        "metrics": [
            {
                "name": m.name,
                "file": m.file,
                "before": plain(m.before),
                "after": plain(m.after),
                "delta": plain(m.delta),
                "judgement": m.judgement,
            }
            for m in found.metrics
        ],
        "parameters": [
            {"name": p.name, "file": p.file, "how": p.how, "before": plain(p.before), "after": plain(p.after)}
            for p in found.parameters
        ],
        "files": [
            {
                "path": f.path,
                "role": f.role,
                "how": f.how,
                "before": _file(f.before) if f.before else None,
                "after": _file(f.after) if f.after else None,
            }
            for f in found.files
        ],
        "steps": [step._asdict() for step in found.steps],
    }


def plain(value: Any) -> Any:
    """A value of a parameter or metric as JSON has it: what JSON has not (NaN, dates) as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 1024:
        return hex(value)  # Python refuses to write it out
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
