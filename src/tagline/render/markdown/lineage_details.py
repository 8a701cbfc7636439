"""Everything behind an artifact, as tables of Markdown to be folded away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tagline.domain.changes.pages import Pages
from tagline.domain.lineage.graph import File
from tagline.domain.lineage.lineage import Lineage, Passage
from tagline.domain.text.times import time_or_none
from tagline.render.figures import digest, size, value
from tagline.render.markdown.escaping import code, instant, link, table, text


def details(lineage: Lineage, pages: Pages | None, most: int) -> str:
    """Commit, record, MLflow, steps, data, code, parameters; at most ``most`` rows each."""
    return "\n\n".join(part for part in _parts(lineage, pages, most) if part)


def _parts(lineage: Lineage, pages: Pages | None, most: int) -> Iterator[str]:
    yield _commit(lineage)
    yield _titled("Record", ["When", "What", "By", "Approved by", "Why"], record_rows(lineage.passages), most)
    yield _mlflow(lineage)
    graph = lineage.graph
    steps = [
        [code(step.name), code(step.command), "measures it" if step.name in graph.measuring else ""]
        for step in graph.steps
    ]
    yield _titled("Steps", ["Step", "Command", ""], steps, most)
    yield _titled("Data", ["Path", "Size", "Digest", "From"], [_data(file) for file in graph.data], most)
    code_rows = [[linked(file.path, lineage, pages), code(digest(file.digest))] for file in graph.code]
    yield _titled("Code", ["File", "Blob"], code_rows, most)
    parameters = [
        [code(p.name), code(value(p.value)), code(p.file), ", ".join(map(code, p.steps[:5]))]
        for p in lineage.parameters
    ]
    yield _titled("Parameters", ["Name", "Value", "File", "Steps"], parameters, most)


def _titled(title: str, head: list[str], rows: Sequence[list[str]], most: int) -> str:
    if not rows:
        return ""
    more = f"\n\n… and {len(rows) - most} more." if len(rows) > most else ""
    return f"**{title}**\n\n{table(head, list(rows[:most]))}{more}"


def _commit(lineage: Lineage) -> str:
    commit, content = lineage.commit, lineage.content
    signature = commit.signature
    signed = {
        "none": "not signed",
        "good": "signed, verified",
        "bad": "its signature is **bad**",
        "expired": "signed, by a key or a signature that has expired",
        "revoked": "signed by a key that was **revoked**",
        "unverified": "signed, by a key that is not known here",
    }[signature.status]
    by = f" ({text(signature.signer)})" if signature.signer else ""
    when = f", {_instant(commit.authored_at)}" if commit.authored_at else ""
    lines = [
        f"Commit {code(commit.id)}: {text(commit.subject)}",
        f"by {text(commit.author)}{when}; {signed}{by}.",
    ]
    if content.digest is not None:
        lines.append(f"Bytes {code(content.digest)}" + (f" at {code(content.uri)}" if content.uri else ""))
    if lineage.no_content and lineage.graph.target is not None:
        lines.append(f"Where the bytes are cannot be told: {text(lineage.no_content)}")
    return "<br>".join(lines)


def record_rows(passages: Sequence[Passage]) -> list[list[str]]:
    """The record of a version, a row an event."""
    return [
        [
            _instant(passage.time),
            f"{text(str(passage.kind))} {code(passage.stage or passage.tag)}",
            ", ".join(map(code, passage.requested_by)) or text(passage.tagger),
            ", ".join(code(line.split(" ")[0]) for line in passage.approved_by[:20]) or "–",
            _why(passage),
        ]
        for passage in passages
    ]


def _why(passage: Passage) -> str:
    """The change, the run that wrote the tag, the tickets, and an override with its reason."""
    pages = (("change", passage.change), ("run", passage.run))
    parts = [link(word, url) for word, url in pages if url and url.startswith(("https://", "http://"))]
    parts += map(code, passage.tickets[:20])
    parts += [f"override: {text(passage.override)}"] if passage.override else []
    return ", ".join(parts) or "–"


def _mlflow(lineage: Lineage) -> str:
    named = lineage.entry.mlflow if lineage.entry is not None else None
    checked = lineage.run
    if named is None or checked is None:
        return ""
    run = checked.run
    shown, server = code(named.run_id or named.words), (named.tracking_uri or "").rstrip("/")
    if named.run_id and run is not None and run.experiment_id and server.startswith(("https://", "http://")):
        shown = link(shown, f"{server}/#/experiments/{run.experiment_id}/runs/{named.run_id}")
    lines = [f"**MLflow** {'run ' if named.run_id else ''}{shown}: {text(checked.message)}"]
    if run is not None:
        rows = [["parameter", code(name), code(value(what))] for name, what in sorted(run.params.items())]
        rows += [["metric", code(name), code(value(what))] for name, what in sorted(run.metrics.items())]
        rows += [["dataset", code(d.name), code(f"{d.source} {d.digest} {d.context}".strip())] for d in run.datasets]
        if rows:
            lines.append(table(["MLflow", "Name", "Value"], rows[:60]))
    return "\n\n".join(lines)


def _data(file: File) -> list[str]:
    origin = file.origin
    source = code(file.maker) if file.maker else "–"
    if origin is not None and origin.url != file.path:
        locked = f" at {code(origin.locked[:12])}" if origin.locked else ""
        source = f"{code(origin.url)}{locked}"
    files = f" in {file.files} files" if file.files is not None and file.files != 1 else ""
    amount = size(file.size).replace(" ", "\N{NO-BREAK SPACE}")
    return [code(file.path), f"{amount}{files}", code(file.digest or "–"), source]


def linked(path: str, lineage: Lineage, pages: Pages | None) -> str:
    """A file's path, as a link to it at the lineage's commit where ``pages`` are known."""
    return code(path) if pages is None else link(code(path), pages.file_url(lineage.commit.id, path))


def _instant(seconds: int) -> str:
    found = time_or_none(seconds)
    return "–" if found is None else instant(found)
