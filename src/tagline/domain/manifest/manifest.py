"""Manifests as data: what artifacts.yaml and the ``artifacts:`` of dvc.yaml say.

Reading is tolerant: a field of the wrong kind counts as absent here, because the schema
reports it. So one bad field hides nothing else of its file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from tagline.domain.manifest.document import Document, Node, Path, Position, Problem
from tagline.domain.manifest.findings import Finding

Kind = Literal["artifacts", "dvc"]

MANIFEST = "artifacts.yaml"
DVC_MANIFEST = "dvc.yaml"

_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_ABSOLUTE = re.compile(r"/|~|[a-zA-Z]:([\\/]|$)|\\\\")


@dataclass(frozen=True, slots=True)
class MlflowRun:
    """The MLflow run that made an artifact, or the version of a registered model that it is.

    ``model`` is the registered model that the artifact is there, ``version`` its number as text; None: the one
    version that the run made. ``run_id`` is empty where no run is named; then both are there. ``params`` are the run's,
    as an import kept them; None: the manifest says nothing of them.
    """

    run_id: str
    tracking_uri: str | None = None
    model: str | None = None
    version: str | None = None
    params: Mapping[str, str] | None = None

    @property
    def words(self) -> str:
        """What people call it."""
        return f"run {self.run_id}" if self.run_id else f"{self.model} version {self.version}"


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One artifact as its manifest describes it.

    ``name`` is the full name (``dir:NAME`` outside the root). ``path`` and a textual
    ``metrics`` are relative to the repository's root; a URI, or a path that leaves the
    repository, is kept as written. ``file`` and ``line`` say where the entry begins.
    """

    name: str
    file: str
    line: int
    type: str | None = None
    path: str | None = None
    description: str = ""
    labels: tuple[str, ...] = ()
    custom: Any = None
    virtual: bool = False
    metrics: str | Mapping[str, Any] | None = None
    mlflow: MlflowRun | None = None
    card: str | None = None


class Declared(NamedTuple):
    """An entry with its places: of its key, and by ``node`` of everything below; ``path`` leads to it."""

    entry: ManifestEntry
    name: str  # as the file writes it, without the directory
    path: Path
    key: Position
    node: Node
    kind: Kind


def kind_of(file: str) -> Kind:
    """Which of the two formats a file has, by its name."""
    return "dvc" if posixpath.basename(file) == DVC_MANIFEST else "artifacts"


def section_of(kind: Kind) -> Path:
    """Where in the document the artifacts are."""
    return ("artifacts",) if kind == "dvc" else ()


def full_name(file: str, name: str) -> str:
    """``NAME`` for a manifest at the root, ``dir:NAME`` for one in a directory."""
    directory = posixpath.dirname(file)
    return f"{directory}:{name}" if directory else name


def split_name(full: str) -> tuple[str, str]:
    """Directory (empty for the root) and name of a full name."""
    directory, _, name = full.rpartition(":")
    return directory, name


def is_uri(path: str) -> bool:
    """Whether this is ``scheme://...`` and not a path."""
    return _URI.match(path) is not None


def is_absolute(path: str) -> bool:
    """Whether the path begins at a root, a Windows drive or a home directory."""
    return _ABSOLUTE.match(path) is not None


def repository_path(file: str, path: str) -> str | None:
    """A manifest's path relative to the repository's root; None if it leaves the repository."""
    if is_absolute(path) or is_uri(path):
        return None
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
    return None if joined == ".." or joined.startswith("../") else joined


def declared(document: Document, file: str) -> list[Declared]:
    """The artifacts of one file, in the file's order."""
    kind = kind_of(file)
    where = section_of(kind)
    section = document.find(where)
    if section is None:
        return []
    return [
        Declared(_entry(file, name, node, key := section.keys[name], kind), name, (*where, name), key, node, kind)
        for name, node in section.fields.items()
    ]


def misread(document: Document, file: str) -> list[Finding]:
    """What keeps a file, or a part of it, from being read as a manifest: problems of its text, and its shape."""
    kind = kind_of(file)
    found = []
    for problem in document.problems:
        if _concerns_us(problem, kind):
            below = problem.path[len(section_of(kind)) :]
            named = full_name(file, below[0]) if below and isinstance(below[0], str) else None
            found.append(problem.finding(file, named))
    return [*found, *_no_mapping(document, file, kind)]


def _concerns_us(problem: Problem, kind: Kind) -> bool:
    """Whether a problem is one of the artifacts', or makes the whole file unreadable to GTO or DVC."""
    if kind == "artifacts":
        inside_own = len(problem.path) > 1 and problem.path[1] == "custom"
        return problem.rule != "yaml-portability" or not inside_own
    if problem.rule not in ("yaml-portability", "yaml-key-type"):
        return True
    # Without a path it concerns the file as a whole, as a directive or a tab does.
    return not problem.path or (problem.path[0] == "artifacts" and problem.path[2:3] != ("meta",))


def _no_mapping(document: Document, file: str, kind: Kind) -> list[Finding]:
    """The document, and in dvc.yaml the section, must be mappings."""
    node, what, empty = document.root, "The file", "Write {} for a manifest without artifacts."
    if node is not None and isinstance(node.value, dict) and kind == "dvc":
        node, what = node.fields.get("artifacts"), "'artifacts'"
        empty = "Write 'artifacts: {}', or remove the key."
    # Why there is no document is said already, and a dvc.yaml may be without artifacts.
    if node is None or isinstance(node.value, dict):
        return []
    shape = {list: "a list", str: "text", type(None): "empty"}.get(type(node.value), "a single value")
    hint = empty if node.value is None else "Write 'NAME: {path: FILE}', one entry for each artifact."
    return [
        Finding(
            file, node.line, node.column, None, "not-a-mapping", "error",
            f"{what} must be a mapping of names to artifacts, but is {shape}.", hint,
        )
    ]  # fmt: skip


def _entry(file: str, name: str, node: Node, key: Position, kind: Kind) -> ManifestEntry:
    fields: dict[str, Any] = node.value if isinstance(node.value, dict) else {}
    ours, custom, description = fields, fields.get("custom"), fields.get("description")
    if kind == "dvc":
        ours, custom = _split_meta(fields.get("meta"))
        description = fields.get("desc")
    labels, metrics = fields.get("labels"), ours.get("metrics")
    return ManifestEntry(
        name=full_name(file, name),
        file=file,
        line=key.line,
        type=_text(fields.get("type")),
        path=_path(file, fields.get("path")),
        description=_text(description) or "",
        labels=tuple(label for label in labels if isinstance(label, str)) if isinstance(labels, list) else (),
        custom=custom,
        virtual=ours.get("virtual") is True,
        metrics=metrics if isinstance(metrics, dict) else _path(file, metrics),
        mlflow=_mlflow(ours.get("mlflow")),
        card=_path(file, ours.get("card")),
    )


def _split_meta(meta: Any) -> tuple[dict[str, Any], Any]:
    """Our fields in a dvc.yaml's ``meta``, and the rest of it."""
    if not isinstance(meta, dict) or "tagline" not in meta:
        return {}, meta
    ours = meta["tagline"]
    rest = {key: value for key, value in meta.items() if key != "tagline"}
    return (ours if isinstance(ours, dict) else {}), (rest or None)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _path(file: str, value: Any) -> str | None:
    path = _text(value)
    return None if path is None else (repository_path(file, path) or path)


def _mlflow(value: Any) -> MlflowRun | None:
    if not isinstance(value, dict):
        return None
    model, version = _text(value.get("model")), _number(value.get("version"))
    run_id, params = _text(value.get("run_id")) or "", value.get("params")
    kept = _texts(params) if isinstance(params, dict) else None
    named = MlflowRun(run_id, _text(value.get("tracking_uri")), model, version, kept)
    return named if named.run_id or (model and version) else None


def _texts(pairs: dict[Any, Any]) -> dict[str, str]:
    return {name: said for name, said in pairs.items() if isinstance(name, str) and isinstance(said, str)}


def _number(value: Any) -> str | None:
    """A version's number, as YAML's integer or as text, without the zeros before it."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str) or not re.fullmatch(r"[0-9]{1,9}", str(value), re.A):
        return None
    return str(int(value))
