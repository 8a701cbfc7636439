"""``validate --check-mlflow``: the runs of the versions that hold a stage, by the manifests of their commits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from tagline.commands.ledger.reading import Source, read
from tagline.commands.manifest.describe import describe
from tagline.commands.manifest.metrics import declared_metrics
from tagline.commands.mlflow.check import place_of, rule_of
from tagline.commands.mlflow.runs import check
from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.manifest import MANIFEST, Declared
from tagline.domain.manifest.rules import RULES
from tagline.errors import TaglineError
from tagline.ports.mlflow import MlflowAccess
from tagline.ports.repository import Repository


class _Held(NamedTuple):
    """A commit that holds stages of an artifact."""

    artifact: str
    label: str
    commit: str
    stages: tuple[str, ...]

    @property
    def words(self) -> str:
        return f"{self.artifact} {self.label}, which {', '.join(self.stages)} holds"


def check_held(
    source: Source,
    repository: Repository,
    items: Sequence[Declared],
    only: Collection[str] | None,
    access: MlflowAccess,
) -> list[Finding]:
    """Ask MLflow about what holds a stage; ``only`` are the artifacts that matter (None: all).

    ``items`` is what the work tree declares: what it names in the same words was asked already. Findings are at the
    artifact's entry there, or at the top of the manifest.
    """
    declared = {item.entry.name: item for item in items}
    try:
        held = _held(source, only)
        repository.prepare([one.commit for one in held])
    except TaglineError as error:
        return [
            _finding(
                None, None, "mlflow-unknown", f"Nobody could look at what holds stages: {error.message}", error.hint
            )
        ]
    found = []
    for one in held:
        item = declared.get(one.artifact)
        finding = _check(repository, one, item, access)
        found += [finding] if finding is not None else []
    return found


def _held(source: Source, only: Collection[str] | None) -> list[_Held]:
    view = read(source, None if only is None else list(only))
    found = []
    with view.or_incomplete():
        for state in view.states(None):
            stages: dict[str, list[str]] = {}
            for stage, hold in sorted(state.stages.items()):
                stages.setdefault(hold.commit, []).append(stage)
            versions = {hold.commit: hold.version for hold in state.stages.values()}
            if not state.deprecated:
                found += [
                    _Held(state.name, versions[commit] or commit[:7], commit, tuple(names))
                    for commit, names in stages.items()
                ]
    return found


def _check(repository: Repository, one: _Held, item: Declared | None, access: MlflowAccess) -> Finding | None:
    tree = repository.tree(one.commit)
    try:
        entry = describe(one.artifact, tree)
    except TaglineError:
        return None  # what cannot be read names no run; the registry's commands tell of it
    if entry is None or entry.mlflow is None:
        return None
    if item is not None and (item.entry.mlflow, item.entry.metrics) == (entry.mlflow, entry.metrics):
        return None
    checked = check(*access, entry, declared_metrics(entry, tree) if entry.metrics is not None else None)
    if checked is None or checked.state == "ok":
        return None
    return _finding(one.artifact, item, rule_of(checked), f"{one.words}: {checked.message}", checked.fix)


def _finding(artifact: str | None, item: Declared | None, rule: str, message: str, fix: str) -> Finding:
    place = place_of(item) if item is not None else (MANIFEST, 1, 1, artifact)
    return Finding(*place, rule, RULES[rule].severity, message, fix)
