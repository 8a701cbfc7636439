"""After the tags are pushed: MLflow is told what was registered and assigned, and who holds each stage now.

What is told is read from the ledger as it is after the push, never from what this run wrote: a run that is late
tells what stands, and telling twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tagline.commands.cases import Case
from tagline.commands.deciding import Entry, read_entries
from tagline.commands.mlflow_runs import resolve_version
from tagline.commands.stored import entry_at
from tagline.domain.asks import Action
from tagline.domain.manifest import MlflowRun
from tagline.domain.messages import CHANGE, parse_trailers
from tagline.domain.mlflow import Checked, ModelVersion, alias_of, elsewhere, refuses_alias, tags_for
from tagline.domain.promotion import Decided
from tagline.domain.registry import Hold
from tagline.domain.steps import Step
from tagline.domain.tags import EventKind
from tagline.errors import ManifestUnreadable, PlatformRefused
from tagline.tracking_ports import Tracking

#: The warning, and the error where the policy says ``mlflow: required``.
NOT_TOLD = "mlflow-not-told"
#: How often a stage that moves meanwhile is told again.
_ROUNDS = 3
_MOVES = (Action.ASSIGN, Action.ROLLBACK, Action.UNASSIGN)
_TOLD = (EventKind.REGISTRATION, EventKind.ASSIGNMENT)


def tell(case: Case, decided: Decided) -> list[str]:
    """Tell MLflow of a change whose tags are in the ledger; what could not be told, in sentences.

    Artifacts whose manifests name no MLflow run cost no request.
    """
    by_artifact: dict[str, list[Step]] = {}
    for step in decided.steps:
        if step.rows:
            by_artifact.setdefault(step.intent.artifact, []).append(step)
    return [problem for name, steps in by_artifact.items() for problem in _Telling(case, name, steps).problems()]


@dataclass
class _Telling:
    """One artifact of a change."""

    case: Case
    artifact: str
    steps: list[Step]
    found: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """Do it, and say what did not work."""
        commits = dict.fromkeys(row.commit for step in self.steps for row in step.rows)
        stages = {step.intent.stage for step in self.steps if step.intent.stage and step.intent.action in _MOVES}
        tracking, why_not = self.case.desk.tracking
        named = any(self._named(commit) is not None for commit in commits)
        if tracking is None:
            if named:
                self._note(f"{why_not}.")
            return self.found
        entry = self._read()
        if not named and not any(self._model_before(entry, stage) for stage in stages):
            return []
        self._try(lambda: self._tag(tracking, entry, commits))
        for _ in range(_ROUNDS):
            for stage in sorted(stages):
                self._try(lambda stage=stage, entry=entry: self._point(tracking, entry, stage))  # type: ignore[misc]
            # Another run may have moved a stage, and told of it, between our reading and our telling.
            before, entry = entry, self._read()
            if all(_holder(before, stage) == _holder(entry, stage) for stage in stages):
                break
        return list(dict.fromkeys(self.found))

    def _read(self) -> Entry:
        return read_entries(self.case, [self.artifact])[self.artifact]

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except PlatformRefused as error:
            self._note(error.message)

    def _note(self, message: str) -> None:
        self.found.append(f"MLflow was not told of {self.artifact}: {message}")

    # -- what manifests say -------------------------------------------------------

    def _named(self, commit: str) -> MlflowRun | None:
        """The run that the manifest of a commit names."""
        try:
            entry, _ = entry_at(self.case, (self.artifact, commit))
        except ManifestUnreadable:
            return None
        return entry.mlflow if entry is not None else None

    def _model_before(self, entry: Entry, stage: str) -> str | None:
        """The model that the holder before the present one named."""
        holds = entry.state.holds.get(stage, [])
        ended = [hold for hold in holds if hold.until is not None]
        named = self._named(ended[-1].commit) if ended else None
        return named.model if named is not None else None

    def _is_here(self, tracking: Tracking, named: MlflowRun) -> bool:
        """Whether a run is on this job's server; another one is never asked, nor told."""
        other = elsewhere(named, tracking.url)
        if other:
            self._note(f"{other}.")
        return not other

    def _version(self, tracking: Tracking, named: MlflowRun) -> ModelVersion | None:
        if named.model is None:
            return None
        version = resolve_version(tracking, named)
        if isinstance(version, Checked):
            self._note(version.message)
            return None
        return version

    # -- telling ------------------------------------------------------------------

    def _tag(self, tracking: Tracking, entry: Entry, commits: Iterable[str]) -> None:
        """Runs and versions of models learn of the newest tag that a change made of them."""
        for commit in commits:
            named = self._named(commit)
            if named is None or not (tags := _tags(entry, commit)) or not self._is_here(tracking, named):
                continue
            version = self._version(tracking, named)
            tracking.tag_run(named.run_id, tags)
            if version is not None:
                tracking.tag_version(version.model, version.version, tags)

    def _point(self, tracking: Tracking, entry: Entry, stage: str) -> None:
        """The stage's alias points to the version that holds the stage; without one it is taken away."""
        alias = alias_of(stage)
        sharing = [name for name in entry.state.stages if alias_of(name) == alias]
        if len(sharing) > 1:
            self._note(f"{', '.join(sharing)} have one alias, {alias}, which is left alone.")
            return
        if refuses_alias(alias):
            return
        hold = entry.state.stages[sharing[0]] if sharing else None
        named = self._named(hold.commit) if hold is not None else None
        version: ModelVersion | None = None
        if named is not None and named.model is not None:
            if not self._is_here(tracking, named) or (version := self._version(tracking, named)) is None:
                return
            if tracking.aliases(version.model).get(alias) != version.version:
                tracking.set_alias(version.model, alias, version.version)
        model = self._model_before(entry, stage)
        if model is None or (version is not None and model == version.model):
            return
        if alias in tracking.aliases(model):
            tracking.delete_alias(model, alias)


def _holder(entry: Entry, stage: str) -> tuple[str, str | None] | None:
    hold: Hold | None = entry.state.stages.get(stage)
    return (hold.commit, hold.version) if hold is not None else None


def _tags(entry: Entry, commit: str) -> dict[str, str]:
    """Of the newest registration or assignment at a commit that a change made."""
    for event in reversed(entry.state.events):
        if event.commit == commit and event.kind in _TOLD and event.tag in entry.raw:
            urls = parse_trailers(entry.raw[event.tag].message).get(CHANGE)
            if urls:
                return tags_for(event.tag, commit, urls[0])
    return {}
