"""What the published formats share: the text, values, URIs and digests of a lineage as any reader of JSON takes them.

Whatever cannot be said in a format's own terms becomes None here, and is left out there.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import Any, NamedTuple
from urllib.parse import quote

from tagline.domain.ledger.tags import EventKind
from tagline.domain.lineage.graph import File
from tagline.domain.lineage.lineage import Lineage, Passage
from tagline.domain.lineage.pipelines import Origin
from tagline.domain.manifest.manifest import is_uri
from tagline.domain.storage.objects import Location
from tagline.domain.text.times import MAX_TIME, format_time

#: Where Tagline is at home: what the formats name as their producer.
HOME = "https://github.com/tagline-dev/tagline"
#: Beyond this a reader that has only floating point takes a number for its neighbour.
_LARGEST_WHOLE = 2**53 - 1
#: Lists deeper than this are no parameters any more, and readers give up at a hundred.
_DEEPEST = 20

_URI_RE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?://([^/?#]*))?([^#]*)(?:#(.*))?", re.DOTALL)
_AUTHORITY_RE = re.compile(r"(?:([^@]*)@)?(\[[^\[\]]*\]|[^:@\[\]]*)((?::[0-9]*)?)")
_UNSAFE_RE = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~:/?@!$&'()*+,;=%]")
#: The queries that say which object is meant and nothing else.
_QUERY_RE = re.compile(r"(?:versionId|version|generation|snapshot)=[\w.:-]*", re.IGNORECASE | re.ASCII)
_PLACE_RE = re.compile(r"[^:]+://[^/]*/[^/]")
_SCP_RE = re.compile(r"((?:[\w.-]+@)?[\w.-]{2,}):(?!//)([^\\].*)", re.DOTALL)
_DIGEST_RE = re.compile(
    r"md5:(?P<dvcDirMd5>[0-9a-f]{32})\.dir|md5:(?P<md5>[0-9a-f]{32})|sha256:(?P<sha256>[0-9a-f]{64})"
    r"|gitblob:(?P<gitBlob>[0-9a-f]{40}|[0-9a-f]{64})|gittree:(?P<gitTree>[0-9a-f]{40}|[0-9a-f]{64})"
)
#: Algorithms of folders.
_FOLDERS = frozenset(("dvcDirMd5", "gitTree"))
_COMMIT_RE = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Digest(NamedTuple):
    """``algorithm`` in in-toto's words; ``dvcDirMd5``, our own, is the md5 of a folder's list as DVC writes it."""

    algorithm: str
    hex: str


def text(value: str) -> str:
    r"""A string that is valid Unicode: a lone surrogate, which no UTF-8 has, is written as ``\udc80``."""
    return value.encode("utf-8", "backslashreplace").decode()


def plain(value: Any, depth: int = 0) -> Any:
    """A value as JSON has it. What JSON has no number for, and what readers would round, is a string."""
    match value:
        case None | bool():
            return value
        case str():
            return text(value)
        case int():
            if abs(value) <= _LARGEST_WHOLE:
                return value
            return str(value) if value.bit_length() <= 1024 else hex(value)
        case float():
            if math.isfinite(value):
                return value
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case _ if depth >= _DEEPEST:
            return "..."
        case Mapping():
            return {text(str(key)): plain(one, depth + 1) for key, one in value.items()}
        case list() | tuple():
            return [plain(one, depth + 1) for one in value]
    return text(str(value))


def shown(value: Any) -> str:
    """A value as one string: a string as it is, anything else as JSON."""
    ready = plain(value)
    return ready if isinstance(ready, str) else json.dumps(ready, ensure_ascii=False)


def known(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that have something to say: without None, empty strings, lists and objects."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def when(seconds: int | None) -> str | None:
    """RFC 3339 of unix ``seconds``; None for what it cannot write, and for 0, which stands for an unreadable time."""
    return format_time(seconds) if seconds is not None and 0 < seconds <= MAX_TIME else None


def same_always(*parts: str) -> str:
    """A UUID (version 5) that is the same for the same parts."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([HOME, *map(text, parts)])))


# -- where things are --------------------------------------------------------------


def uri(value: str | None) -> str | None:
    """A valid URI for what somebody wrote as one, without credentials; None where that cannot be made of it.

    User and password of the web, any other password, any query that is no version of an object, and a fragment with
    fields are dropped.
    """
    match = _URI_RE.fullmatch(text(value or ""))
    if match is None:
        return None
    scheme, authority, rest, fragment = match.groups()
    rest, _, query = rest.partition("?")
    rest = _escaped(rest) + (f"?{_escaped(query)}" if _QUERY_RE.fullmatch(query) else "")
    if authority is not None:
        cleaned = _authority(scheme, authority)
        if cleaned is None:
            return None
        rest = f"//{cleaned}{rest}"
    elif rest.startswith("//"):
        return None
    return f"{scheme}:{rest}" + (f"#{_escaped(fragment)}" if fragment and "=" not in fragment else "")


def _authority(scheme: str, authority: str) -> str | None:
    """Host and port, and the user where it is a name and no secret."""
    match = _AUTHORITY_RE.fullmatch(authority)
    if match is None:
        return None
    user, host, port = match.groups()
    if host.startswith("["):
        try:
            # In full: CycloneDX's validators refuse the short form with its two colons.
            host = f"[{IPv6Address(host[1:-1].partition('%')[0]).exploded}]"
        except ValueError:
            return None
    else:
        host = _escaped(host)
    web = scheme.lower().removeprefix("git+") in ("http", "https", "ftp", "ftps")
    name = "" if web or not user else _escaped(user.partition(":")[0])
    return f"{name}@{host}{port}" if name else f"{host}{port}"


def _escaped(part: str) -> str:
    return _UNSAFE_RE.sub(lambda match: quote(match[0], safe=""), part)


def repository(url: str) -> str | None:
    """A repository's URL as a URI, without credentials; None for a path that says nothing outside its machine."""
    if url.startswith("/"):
        return "file://" + quote(text(url))
    if "://" not in url:
        scp = _SCP_RE.fullmatch(url)
        return uri(f"ssh://{scp[1]}/{quote(text(scp[2].lstrip('/')))}") if scp else None
    cleaned = uri(url.partition("#")[0].partition("?")[0])
    # Behind a host alone a commit would read as the host.
    return cleaned if cleaned and _PLACE_RE.match(cleaned) else None


def in_git(repo: str | None, commit: str, path: str | None = None) -> str | None:
    """``git+REPOSITORY@COMMIT#PATH``, of a repository as :func:`repository` gives it."""
    if repo is None:
        return None
    whole = f"git+{repo.removeprefix('git+')}@{quote(text(commit), safe='')}"
    return whole if path is None else f"{whole}#{quote(text(path))}"


def origin_uri(origin: Origin) -> str | None:
    """Where an import came from: a place in a repository, at the commit that it was, or a URL."""
    if not from_repository(origin):
        return uri(origin.url)
    revision = origin.locked or origin.revision
    return in_git(repository(origin.url), revision, origin.path) if revision else uri(repository(origin.url))


def from_repository(origin: Origin) -> bool:
    """Whether an import came from a Git repository, and not from a URL."""
    return origin.path is not None or origin.revision is not None


def uri_of(file: File, lineage: Lineage, repo: str | None) -> str | None:
    """Where a file behind an artifact is: by its URL or origin, or in Git; None for the rest, which DVC keeps."""
    if is_uri(file.path):
        return uri(file.path)
    if file.missing:
        return None
    if file.origin is not None:
        return origin_uri(file.origin)
    in_git_alone = file.pointer is None or any(
        out.path == file.path and not out.cached
        for step in lineage.graph.steps if step.name == file.maker
        for out in step.outs
    )  # fmt: skip
    return in_git(repo, lineage.commit.id, file.path) if in_git_alone else None


def content_uri(lineage: Lineage) -> str | None:
    """Where the artifact's own bytes are: as Git says, else what a virtual one's manifest says."""
    entry = lineage.entry
    written = entry.path if entry is not None and entry.path is not None and is_uri(entry.path) else None
    return uri(lineage.content.uri) or uri(written)


# -- what things are ---------------------------------------------------------------


def digest_of(digest: str | None) -> Digest | None:
    """The digest where it is one of content; None for etags and the like, and for what is not well formed."""
    match = _DIGEST_RE.fullmatch(digest or "")
    if match is None or match.lastgroup is None:
        return None
    return Digest(match.lastgroup, match[match.lastgroup])


def sha256_of(content: Location) -> dict[str, str]:
    """``sha256`` of a file, in-toto's ``dirHash`` of a folder; empty where nobody has counted it.

    Source: https://github.com/in-toto/attestation/blob/main/spec/v1/digest_set.md
    """
    if content.sha256 is None:
        return {}
    found = digest_of(content.digest)
    return {"dirHash" if found and found.algorithm in _FOLDERS else "sha256": content.sha256}


def commit_digest(commit: str | None) -> dict[str, str]:
    """in-toto's ``gitCommit`` of a full commit id; empty for anything else."""
    return {"gitCommit": commit} if commit and _COMMIT_RE.fullmatch(commit) else {}


def registration(lineage: Lineage) -> Passage | None:
    """The passage that registered the version, the newest where it was registered twice."""
    found = [passage for passage in lineage.passages if passage.kind is EventKind.REGISTRATION]
    return found[-1] if found else None


def passage_fields(passage: Passage) -> dict[str, Any]:
    """What the ledger says of one event, in the words of its trailers."""
    return known(
        {
            "event": passage.kind.value,
            "stage": text(passage.stage or ""),
            "tag": text(passage.tag),
            "time": when(passage.time),
            "tagger": text(passage.tagger),
            "change": text(passage.change or ""),
            "requestedBy": [text(line) for line in passage.requested_by],
            "approvedBy": [text(line) for line in passage.approved_by],
            "policy": text(passage.policy or ""),
            "run": text(passage.run or ""),
            "override": text(passage.override or ""),
            "rollbackFrom": text(passage.rollback_from or ""),
            "reason": text(passage.reason or ""),
            "tickets": [text(line) for line in passage.tickets],
        }
    )


def run_fields(lineage: Lineage) -> dict[str, Any]:
    """The MLflow run that the manifest names, and whether MLflow confirms it."""
    checked, entry = lineage.run, lineage.entry
    named = entry.mlflow.run_id if entry is not None and entry.mlflow is not None else None
    if checked is None:
        return known({"runId": text(named or "")})
    run = checked.run
    return known(
        {
            "runId": text(named or (run.run_id if run else "")),
            "state": checked.state,
            "why": text(checked.message),
            "name": text(run.name) if run else "",
            "status": text(run.status) if run else "",
        }
    )


def stale_lines(lineage: Lineage, step: str | None = None) -> list[str]:
    """Why steps' outs are not what they would make of this commit; of one step, or of all with their names."""
    return [
        text(stale.why if step is not None else f"{stale.step}: {stale.why}")
        for stale in lineage.stale
        if step in (None, stale.step)
    ]


def figures_in(lineage: Lineage, file: str | None) -> dict[str, Any]:
    """The metrics of one file, by name; None: those of the manifest itself."""
    figures = {text(figure.name): plain(figure.value) for figure in lineage.metrics if figure.file == file}
    return {name: one if isinstance(one, bool | int | float) else shown(one) for name, one in figures.items()}


def readers(lineage: Lineage, path: str) -> list[str]:
    """The steps that read a path, or a folder that has it."""
    return list(
        dict.fromkeys(step for read, step in lineage.graph.reads if path == read or path.startswith(f"{read}/"))
    )


def parts(lineage: Lineage) -> dict[str, File]:
    """Every file behind the artifact by its path, code in Git one by one; not the artifact itself."""
    graph = lineage.graph
    listed = {file.path: file for file in graph.code if file.path != graph.target}
    return {path: file for path, file in graph.files.items() if path != graph.target and path not in listed} | listed
