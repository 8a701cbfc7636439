"""The texts of a new manifest and a new policy, and the manifest's trial before anybody sees it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from tagline.commands.manifest.validate import validate
from tagline.domain.manifest.manifest import MANIFEST
from tagline.domain.setup.entries import Entry
from tagline.domain.setup.places import DOCS
from tagline.formats.yaml.writing import block
from tagline.ports.repository import Blob, Content, Object, Tree

_MANIFEST_HEAD = f"""\
# The artifacts of this repository: {DOCS}/manifest.md
# Rename them before their first version: tags keep a name for ever. An entry may also have
#   description: What it is
#   labels: [tabular]
#   metrics: metrics/churn.json        # for gates of the policy, and beside each version
"""
_POLICY_HEAD = f"""\
# What a change must satisfy before it moves a stage: {DOCS}/policy.md
# It counts as it is on the default branch before a change lands.
"""
_RULES = """\
  # Without rules a stage is free for whoever may merge. It could say:
  #   {stage}:
  #     after: [{before}]              # the version holds, or has held, that stage
  #     soak: 24h                     # ... and since this long
  #     approvals: {{count: 1}}         # by people who may write: not the author, nor who pushed
  #     gates: [{{metric: accuracy, not_worse_than: {stage}}}]
"""


def manifest_text(entries: Iterable[Entry], without_path: Iterable[str]) -> str:
    """A manifest of these entries, and of artifacts that tags name and nobody knows a path of."""
    parts = [
        block(entry.name, {"path": entry.path} | ({"type": entry.type} if entry.type else {})) for entry in entries
    ]
    parts += [block(name, {"description": "Has tags. Give its path: FILE"}) for name in without_path]
    return _MANIFEST_HEAD + "\n" + "".join(parts)


def policy_text(stages: Sequence[str], others: Sequence[str]) -> str:
    """A policy that lists stages; ``others`` are held in old tags, so that they stay allowed."""
    last, before = stages[-1], stages[-2] if len(stages) > 1 else "staging"
    text = _POLICY_HEAD + block("stages", {stage: {} for stage in stages}) + _RULES.format(stage=last, before=before)
    if others:
        text += f"# Old tags name stages that are not listed: {', '.join(others)}.\nother_stages: allow\n"
    return text


def sound(tree: Tree, entries: Sequence[Entry], types: Collection[str] | None, without: Sequence[str]) -> list[Entry]:
    """The entries in which validate would find nothing wrong, in a manifest at the root.

    ``types`` are those that ``.gto`` lists, None for any; an entry of another has none.
    """
    kept = list(entries)
    while kept:
        text = manifest_text(kept, without) if types is None else manifest_text(_typed(kept, types), without)
        report = validate(with_file(tree, MANIFEST, text.encode()), [MANIFEST], has_registry_tags=lambda: False)
        blamed = {finding.artifact for finding in report.findings if finding.file == MANIFEST}
        left = [entry for entry in kept if entry.name not in blamed]
        if len(left) == len(kept):
            break
        kept = left
    return kept if types is None else _typed(kept, types)


def _typed(entries: Iterable[Entry], types: Collection[str]) -> list[Entry]:
    return [entry if entry.type in types else entry._replace(type="") for entry in entries]


def with_file(tree: Tree, path: str, data: bytes) -> Tree:
    """A tree with one more file."""
    return _With(tree, path, data)


class _With:
    """A tree with one more file."""

    def __init__(self, tree: Tree, path: str, data: bytes) -> None:
        self._tree, self._path, self._data = tree, path, data

    @property
    def label(self) -> str:
        return self._tree.label

    def telling(self) -> Sequence[str]:
        return sorted({*self._tree.telling(), self._path})

    def objects(self, paths: Iterable[str]) -> dict[str, Object]:
        wanted = set(paths)
        found = self._tree.objects(wanted - {self._path})
        return found | ({self._path: Object("blob", "")} if self._path in wanted else {})

    def paths(self) -> Sequence[str]:
        return sorted({*self._tree.paths(), self._path})

    def files(self, within: Collection[str]) -> Sequence[tuple[str, str]]:
        return self._tree.files(within)

    def submodules(self) -> frozenset[str]:
        return self._tree.submodules()

    def read(self, path: str, limit: int) -> bytes | None:
        return self._data if path == self._path else self._tree.read(path, limit)

    def read_many(self, paths: Iterable[str], limit: int) -> dict[str, bytes]:
        wanted = set(paths)
        found = self._tree.read_many(wanted - {self._path}, limit)
        return found | ({self._path: self._data} if self._path in wanted else {})

    def content(self, path: str) -> Content | None:
        return self._tree.content(path)

    def blobs(self, path: str) -> list[Blob]:
        return self._tree.blobs(path)
