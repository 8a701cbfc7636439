"""``tagline import mlflow``: models, versions and stages of MLflow's registry become entries, commits and tags.

All is planned first and nothing is written where anything is refused. Then come the commits, their branch, and
the tags last: whatever a run that broke off has made is found again by the next.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tagline.commands.writing import Desk, Ledgered, write
from tagline.domain import messages
from tagline.domain.events import Warn
from tagline.domain.manifest import DVC_MANIFEST, MANIFEST, section_of
from tagline.domain.mlflow_import import Imported, ImportedModel, ModelPlan, entry_of, plan_model, plan_tags
from tagline.domain.mlflow_names import Claim, ListedVersion, RegisteredModel, choose, claims, stage_names
from tagline.domain.planning import Plan, Row, check_names
from tagline.domain.registry import ArtifactState
from tagline.errors import Conflict, Refused
from tagline.formats import manifest_edit, yaml, yaml_text
from tagline.ports import Commits
from tagline.tracking_ports import ModelRegistry

#: Registrations that are published at once: an argument list and a push have limits.
AT_ONCE = 200
#: What stands for a commit that is not made yet begins so.
_PLANNED = "new-"
Key = tuple[str, int]


@dataclass(frozen=True)
class Wanted:
    """What is asked for: ``NAME[=OURS]`` of models (none: all), ``MLFLOW=OURS`` of stages; the stages that ``.gto``
    allows, None for any.
    """

    models: Sequence[str] = ()
    stages: Sequence[str] = ()
    allowed: Sequence[str] | None = None


@dataclass(frozen=True)
class _Listed:
    """A model as MLflow tells of it, and what it is called here."""

    artifact: str
    model: RegisteredModel
    versions: list[ListedVersion]
    claims: Mapping[str, Claim]


@dataclass(frozen=True)
class _Outcome:
    """What came of one model's tags, made or planned."""

    plan: ModelPlan
    rows: list[Row]
    warnings: list[Warn]
    pushed: bool


def import_mlflow(desk: Desk, registry: ModelRegistry, commits: Commits, wanted: Wanted) -> Imported:
    """Bring a registry, or the models that are wanted, into this repository.

    Raises NotFound for a model that is not there, Refused for names that clash, a manifest that cannot be
    edited and a guarded stage, and whatever ``registry``, ``commits`` and the ledger raise.
    """
    listed = _list(registry, wanted)
    planned = [_tag(dataclasses.replace(desk, dry_run=True), one, None) for one in listed]
    new = [(outcome.plan, choice.version) for outcome in planned for choice in outcome.plan.new]
    editor = _Editor(desk, registry, commits)
    for plan, version in new:
        editor.describe(plan, version)
    if desk.dry_run:
        return _answer(desk, planned, editor, None)
    commit = editor.commit()
    done = [
        _publish(desk, one, editor.commits) if outcome.plan.tags else outcome
        for one, outcome in zip(listed, planned, strict=True)
    ]
    return _answer(desk, done, editor, commit)


def _list(registry: ModelRegistry, wanted: Wanted) -> list[_Listed]:
    """All that is wanted, with names that can be written."""
    chosen = choose(registry.models(), wanted.models)
    names = stage_names(wanted.stages, chosen.values())
    found = []
    for artifact, model in chosen.items():
        versions = registry.versions(model.name)
        claimed = claims(model, versions, names)
        check_names(artifact)
        for stage in claimed:
            check_names(artifact, stage, stages=wanted.allowed)
        found.append(_Listed(artifact, model, versions, claimed))
    return found


# -- entries and commits ------------------------------------------------------


class _Editor:
    """Writes the entries of new versions into the manifest, one after the other: a commit a version.

    A commit that an earlier run has made for a version, and whose tags it did not come to, is used again.
    """

    def __init__(self, desk: Desk, registry: ModelRegistry, commits: Commits) -> None:
        self._desk = desk
        self._registry = registry
        self._port = commits
        self._edits: list[tuple[Key, bytes, str]] = []
        self._text: bytes | None = None
        self._tip: str | None = None
        self._begun = False
        self._found: dict[str, str] = {}
        #: By artifact and number: the YAML of the entry, and the commit.
        self.entries: dict[Key, str] = {}
        self.commits: dict[Key, str] = {}

    @property
    def branch(self) -> str:
        """The branch that the commits are on."""
        return self._port.branch

    def describe(self, plan: ModelPlan, version: ListedVersion) -> None:
        """Add one version's entry."""
        self._begin()
        entry = entry_of(
            plan.model,
            version,
            location=self._registry.location(version),
            metrics=self._registry.metrics(version.run_id) if version.run_id else {},
            server=self._registry.url,
        )
        key = (plan.artifact, version.number)
        self.entries[key] = yaml_text.block(plan.artifact, entry)
        if (commit := self._made(plan.artifact, version, entry)) is not None:
            self.commits[key] = commit
            return
        self._require_free(plan)
        self._text = manifest_edit.put(self._text, plan.artifact, entry)
        name = f"v{version.number}.0.0"
        trailers = [(messages.IMPORTED_FROM, version.uri)]
        message = messages.compose(f"Import {plan.artifact} {name} from MLflow", trailers)
        self._edits.append((key, self._text, message))

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        self._tip = self._port.tip()
        if self._tip is None:
            return
        self._text = self._port.read(self._tip, MANIFEST)
        for commit, message in self._port.unmerged():
            for uri in messages.parse_trailers(message).get(messages.IMPORTED_FROM, ()):
                self._found[uri] = commit

    def _made(self, artifact: str, version: ListedVersion, entry: Mapping[str, Any]) -> str | None:
        """The commit of an earlier run that says the same of this version."""
        commit = self._found.get(messages.one_line(version.uri))
        data = self._port.read(commit, MANIFEST) if commit is not None else None
        root = yaml.load(data).root if data is not None else None
        said = root.fields.get(artifact) if root is not None else None
        return commit if said is not None and manifest_edit.same(said.value, entry) else None

    def _require_free(self, plan: ModelPlan) -> None:
        """Raise Refused where dvc.yaml describes an artifact of this name: two manifests would say two things."""
        if plan.artifact in self._in_dvc:
            raise Refused(
                f"{DVC_MANIFEST} describes an artifact {plan.artifact} already.",
                "Call the model something else: --model MODEL=NAME",
                code="import-same-name",
            )

    @cached_property
    def _in_dvc(self) -> frozenset[str]:
        """The artifacts of dvc.yaml at the root."""
        data = self._port.read(self._tip, DVC_MANIFEST) if self._tip is not None else None
        section = yaml.load(data).find(section_of("dvc")) if data is not None else None
        return frozenset(section.fields if section is not None else ())

    def commit(self) -> str | None:
        """Make the commits, and set the branch; None where there is nothing to import."""
        if not self._begun:
            return None
        now = int(self._desk.now())
        for count, (key, text, message) in enumerate(self._edits, start=1):
            # A second apart, as their tags: where history is missing, clocks tell which is older.
            time = now - len(self._edits) + count
            self._tip = self._port.add(self._tip, MANIFEST, text, message, time)
            self.commits[key] = self._tip
        if self._tip is not None:
            self._port.publish(self._tip)
        return self._tip


# -- tags ---------------------------------------------------------------------


def _tag(desk: Desk, listed: _Listed, commits: Mapping[Key, str] | None, most: int | None = None) -> _Outcome:
    """Plan one model's tags by the ledger as it is now, and write them unless the desk is dry: then there are no
    ``commits`` yet, and None stands for them.
    """
    made: list[ModelPlan] = []

    def find(version: ListedVersion) -> str:
        return _commit(commits, listed, version)

    def decide(ledger: Ledgered, now: int) -> Plan:
        plan = plan_model(listed.artifact, listed.model, listed.versions, listed.claims, ledger.state, ledger.raw)
        made.append(plan)
        return plan_tags(plan, ledger.state, find, now, desk.trailers(), most)

    def touches(_state: ArtifactState) -> list[str]:
        return [stage.stage for stage in made[-1].stages if stage.assign]

    written = write(desk, listed.artifact, decide, touches=touches, must_exist=False)
    return _Outcome(made[-1], written.rows, [*written.warnings, *made[-1].warnings], written.pushed)


def _commit(commits: Mapping[Key, str] | None, listed: _Listed, version: ListedVersion) -> str:
    """The commit of a version; while none is made, something that is no other's."""
    if commits is None:
        return f"{_PLANNED}{version.number}"
    if (listed.artifact, version.number) not in commits:
        raise Conflict(f"{listed.artifact} changed while it was imported.", "Run the same command again.", code="raced")
    return commits[listed.artifact, version.number]


def _publish(desk: Desk, listed: _Listed, commits: Mapping[Key, str]) -> _Outcome:
    """Write one model's tags, some at a time."""
    first = outcome = _tag(desk, listed, commits, AT_ONCE)
    rows = [*outcome.rows]
    while len(outcome.plan.new) > AT_ONCE:
        outcome = _tag(desk, listed, commits, AT_ONCE)
        rows += outcome.rows
    return dataclasses.replace(first, rows=rows, warnings=outcome.warnings, pushed=outcome.pushed or first.pushed)


def _answer(desk: Desk, outcomes: Sequence[_Outcome], editor: _Editor, commit: str | None) -> Imported:
    models = []
    for outcome in outcomes:
        artifact = outcome.plan.artifact
        entries = {number: text for (name, number), text in editor.entries.items() if name == artifact}
        rows = [row._replace(commit="") if row.commit.startswith(_PLANNED) else row for row in outcome.rows]
        models.append(ImportedModel(outcome.plan, rows, entries))
    pushed = any(outcome.pushed for outcome in outcomes)
    warnings = [warn for outcome in outcomes for warn in outcome.warnings]
    return Imported(models, editor.branch, commit, pushed, desk.dry_run, warnings, desk.remote)
