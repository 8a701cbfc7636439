"""The entries and commits of ``tagline import mlflow``: a commit a version, one after the other on a branch.

An entry is written over one that an import wrote, and over no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from tagline.domain.ledger import messages
from tagline.domain.ledger.events import Warn
from tagline.domain.manifest.manifest import DVC_MANIFEST, MANIFEST, section_of
from tagline.domain.mlflow.entries import Merged, entry_of, imported_version, is_untouched, merged, tracked_path
from tagline.domain.mlflow.importing import ModelPlan
from tagline.domain.mlflow.names import ListedVersion, word
from tagline.errors import Refused
from tagline.formats import manifest_edit
from tagline.formats.yaml import reading as yaml
from tagline.formats.yaml import writing as yaml_text
from tagline.ports.artifacts import ByteImport
from tagline.ports.commits import Commits
from tagline.ports.mlflow import ModelRegistry

#: An artifact, and a number of MLflow's.
Key = tuple[str, int]


_DVC_CONFIG = ".dvc/config"


class _Edit(NamedTuple):
    """A commit to be: of which version, MLflow's address of it, and the manifest's new text."""

    key: Key
    uri: str
    text: bytes
    message: str


class Editor:
    """Writes the entries of new versions into the manifest.

    A commit that an earlier run has made for a version, and whose tags it did not come to, is used again.
    """

    def __init__(self, registry: ModelRegistry, commits: Commits, bytes_of: ByteImport | None = None) -> None:
        self._registry = registry
        self._port = commits
        #: Brings the bytes of versions under DVC; None: they stay where they are.
        self._bytes_of = bytes_of
        self._edits: list[_Edit] = []
        self._text: bytes | None = None
        self._tip: str | None = None
        self._begun = False
        self._found: dict[str, str] = {}
        self._edited: set[str] = set()
        #: By artifact: what the import wrote into the manifest as it is now, before people edited it; None: unknown.
        self._bases: dict[str, Mapping[str, Any] | None] = {}
        #: By artifact and number: the YAML of the entry, and the commit.
        self.entries: dict[Key, str] = {}
        self.commits: dict[Key, str] = {}
        self.warnings: list[Warn] = []
        #: Whether the branch begins anew on the default branch, which has all that it had.
        self.anew = False

    @property
    def branch(self) -> str:
        """The branch that the commits are on."""
        return self._port.branch

    def unpushed(self) -> bool:
        """Whether the branch is here and not where it is pushed to."""
        return self._port.unpushed()

    def describe(self, plan: ModelPlan, version: ListedVersion) -> None:
        """Add one version's entry. Raises Refused where its name is that of an entry that people wrote."""
        self._begin()
        if self._bytes_of is not None:
            self._require_room(plan.artifact)
        pure = self._entry(plan, version, tracked=self._bytes_of is not None)
        written = self._merged(plan, pure)
        if written.kept and plan.artifact not in self._edited:
            self._edited.add(plan.artifact)
            self.warnings.append(_edited(plan.artifact, written.kept))
        key = (plan.artifact, version.number)
        self.entries[key] = yaml_text.block(plan.artifact, written.entry)
        if (commit := self._made(plan.artifact, version, written.entry)) is not None:
            self.commits[key] = commit
            return
        self._text = manifest_edit.put(self._text, plan.artifact, written.entry)
        self._bases[plan.artifact] = pure
        name = f"v{version.number}.0.0"
        trailers = [(messages.IMPORTED_FROM, version.uri)]
        message = messages.compose(f"Import {plan.artifact} {name} from MLflow", trailers)
        self._edits.append(_Edit(key, version.uri, self._text, message))

    def commit(self, now: int) -> str | None:
        """Make the commits, and set the branch; None where there is nothing to import. ``now`` is unix seconds."""
        if not self._begun:
            return None
        for count, edit in enumerate(self._edits, start=1):
            # A second apart: where history is missing, clocks tell which is older.
            time = now - len(self._edits) + count
            files = {MANIFEST: edit.text, **self._brought(edit)}
            self._tip = self._port.add(self._tip, files, edit.message, time)
            self.commits[edit.key] = self._tip
        if self._tip is not None:
            self._port.publish(self._tip)
        return self._tip

    # -- where to go on from --------------------------------------------------

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        self._tip = self._port.tip()
        if self._tip is None:
            return
        self._text = self._port.read(self._tip, MANIFEST)
        # Which versions of MLflow's each commit is about.
        found = [
            (commit, messages.parse_trailers(message).get(messages.IMPORTED_FROM, []))
            for commit, message in self._port.unmerged()
        ]
        default = self._port.default()
        if default is not None and found and all(uris for _, uris in found) and self._is_in(default):
            self._tip, self._text, self.anew = default, self._port.read(default, MANIFEST), True
            return
        self._found = {uri: commit for commit, uris in found for uri in uris}

    def _is_in(self, default: str) -> bool:
        """Whether the default branch has the imports' entries, edited or not: it was merged as another commit."""
        there = _fields(self._port.read(default, MANIFEST))
        here = {name: entry for name, entry in _fields(self._text).items() if _by_import(entry)}
        return bool(here) and all(
            isinstance(said := there.get(name), Mapping) and is_untouched(said, entry) for name, entry in here.items()
        )

    # -- bytes ----------------------------------------------------------------

    def _brought(self, edit: _Edit) -> dict[str, bytes]:
        """DVC's pointer to the bytes of a version, and what keeps Git from them."""
        if self._bytes_of is None:
            return {}
        path = tracked_path(edit.key[0])
        folder, _, name = path.rpartition("/")
        ignored = (self._read(f"{folder}/.gitignore") or b"").decode(errors="surrogateescape")
        lines = [*ignored.splitlines(), *([] if f"/{name}" in ignored.splitlines() else [f"/{name}"])]
        return {
            f"{path}.dvc": self._bytes_of.bring(edit.uri, path, {_DVC_CONFIG: self._read(_DVC_CONFIG) or b""}),
            f"{folder}/.gitignore": "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape"),
        }

    def _read(self, path: str) -> bytes | None:
        return self._port.read(self._tip, path) if self._tip is not None else None

    def _require_room(self, artifact: str) -> None:
        """Raise Refused where the bytes cannot be tracked: there is no DVC, or something else is at their path."""
        if self._read(_DVC_CONFIG) is None:
            raise Refused(
                "The branch to go on from has no .dvc/config, so nothing says where DVC keeps bytes.",
                "Begin with DVC: dvc init; dvc remote add --default NAME URL; commit that and push it.",
                code="no-dvc",
            )
        path, there = tracked_path(artifact), _fields(self._text).get(artifact)
        ours = isinstance(there, Mapping) and there.get("path") == path
        if not ours and any(self._read(one) is not None for one in (path, f"{path}.dvc")):
            raise Refused(
                f"{path} is something else's already, and the bytes of {artifact} are to lie there.",
                f"Move it, or call the model something else: --model MODEL={artifact}-2",
                code="import-path-taken",
            )

    # -- one entry ------------------------------------------------------------

    def _entry(self, plan: ModelPlan, version: ListedVersion, *, tracked: bool) -> dict[str, Any]:
        return entry_of(
            plan.model,
            version,
            location=self._registry.location(version),
            run=self._registry.run(version.run_id) if version.run_id else None,
            server=self._registry.url,
            tracked=tracked_path(plan.artifact) if tracked else None,
        )

    def _merged(self, plan: ModelPlan, entry: dict[str, Any]) -> Merged:
        """The entry with what people added to the one that is there."""
        if plan.artifact in self._in_dvc:  # two manifests would say two things
            raise _same_name(plan, f"{DVC_MANIFEST} describes an artifact {plan.artifact} already.")
        fields = _fields(self._text)
        if plan.artifact not in fields:
            return Merged(entry, [])
        there = fields[plan.artifact]
        if plan.artifact in self._bases:
            return merged(there, self._bases[plan.artifact], entry)
        number = imported_version(there, plan.model.name)
        known = next((choice.version for choice in plan.versions if choice.version.number == number), None)
        tracked = isinstance(there, Mapping) and there.get("virtual") is not True
        base = self._entry(plan, known, tracked=tracked) if known is not None else None
        if number is None or (base is not None and not is_untouched(there, base)):
            why = "no import wrote it" if number is None else "its path, virtual or mlflow was edited since its import"
            raise _same_name(plan, f"{MANIFEST} has an entry {plan.artifact} that is not MLflow's: {why}.")
        self._bases[plan.artifact] = base
        return merged(there, base, entry)

    def _made(self, artifact: str, version: ListedVersion, entry: Mapping[str, Any]) -> str | None:
        """The commit of an earlier run that says the same of this version."""
        commit = self._found.get(messages.shown(version.uri))
        said = _fields(self._port.read(commit, MANIFEST)) if commit is not None else {}
        return commit if artifact in said and manifest_edit.same(said[artifact], entry) else None

    @cached_property
    def _in_dvc(self) -> frozenset[str]:
        """The artifacts of dvc.yaml at the root."""
        data = self._port.read(self._tip, DVC_MANIFEST) if self._tip is not None else None
        section = yaml.load(data).find(section_of("dvc")) if data is not None else None
        return frozenset(section.fields if section is not None else ())


def _fields(data: bytes | None) -> Mapping[str, Any]:
    """What a manifest says by artifact; nothing where it cannot be read, which the editor of its text refuses."""
    root = yaml.load(data).root if data is not None else None
    return root.value if root is not None and isinstance(root.value, Mapping) else {}


def _by_import(entry: Any) -> bool:
    """Whether an entry looks like one of an import, of whatever model."""
    about = entry.get("mlflow") if isinstance(entry, Mapping) else None
    custom = entry.get("custom") if isinstance(entry, Mapping) else None
    about = about or (custom.get("mlflow") if isinstance(custom, Mapping) else None)
    model = about.get("model") if isinstance(about, Mapping) else None
    return isinstance(model, str) and imported_version(entry, model) is not None


def _same_name(plan: ModelPlan, message: str) -> Refused:
    return Refused(
        message,
        f"Call the model something else: --model {word(plan.model.name)}=NAME; or remove or rename the entry.",
        code="import-same-name",
    )


def _edited(artifact: str, keys: list[str]) -> Warn:
    return Warn(
        "import-entry-edited",
        None,
        f"People edited {', '.join(keys)} of {artifact} in {MANIFEST}: that stays, though MLflow says something else.",
    )
