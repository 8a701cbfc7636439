"""After the tags are pushed: MLflow is told what was registered and assigned, and who holds each stage now.

What is told is read from the ledger as it is after the push, never from what this run wrote: a run that is late
tells what stands, and telling twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tagline.commands.changes.deciding import Entry, read_entries
from tagline.commands.changes.request import ChangeRequest
from tagline.commands.changes.stored import entry_at
from tagline.commands.mlflow.runs import resolve_version
from tagline.domain.changes.asks import Action
from tagline.domain.changes.promotion import Decided
from tagline.domain.changes.steps import Step
from tagline.domain.ledger.messages import CHANGE, parse_trailers
from tagline.domain.ledger.registry import Hold
from tagline.domain.ledger.tags import EventKind
from tagline.domain.manifest.manifest import MlflowRun
from tagline.domain.mlflow.runs import (
    Checked,
    ModelVersion,
    alias_of,
    elsewhere,
    place_there,
    refuses_alias,
    sharers,
    tags_for,
)
from tagline.errors import ManifestUnreadable, PlatformRefused
from tagline.ports.mlflow import Tracking

#: The warning, and the error where the policy says ``mlflow: required``.
NOT_TOLD = "mlflow-not-told"
#: How often a stage that moves meanwhile is told again.
_ROUNDS = 3
#: How many earlier holders of a stage are looked at.
_LOOK_BACK = 20
_TOLD = (EventKind.REGISTRATION, EventKind.ASSIGNMENT)


class Untold(NamedTuple):
    """What MLflow was not told, as a sentence.

    ``lasting``: it is of a rollback to what MLflow no longer has, or never had so. No later run can tell it either.
    """

    message: str
    lasting: bool = False


class Told(NamedTuple):
    """What telling MLflow came to: what it was not told, and the aliases that were taken away, as sentences."""

    untold: list[Untold]
    taken: list[str]


def tell(request: ChangeRequest, decided: Decided) -> Told:
    """Tell MLflow of a change whose tags are in the ledger.

    Artifacts whose manifests name no MLflow run cost no request.
    """
    by_artifact: dict[str, list[Step]] = {}
    for step in decided.steps:
        if step.rows:
            by_artifact.setdefault(step.intent.artifact, []).append(step)
    tellings = [_Telling(request, name, steps) for name, steps in by_artifact.items()]
    untold = [problem for telling in tellings for problem in telling.problems()]
    return Told(untold, [sentence for telling in tellings for sentence in telling.taken])


@dataclass
class _Telling:
    """One artifact of a change."""

    request: ChangeRequest
    artifact: str
    steps: list[Step]
    found: list[Untold] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    def problems(self) -> list[Untold]:
        """Do it, and say what did not work."""
        commits = dict.fromkeys(row.commit for step in self.steps for row in step.rows)
        stages = {step.intent.stage for step in self.steps if step.intent.stage}
        tracking, why_not = self.request.context.tracking
        named = any(self._named(commit) is not None for commit in commits)
        if tracking is None:
            if named:
                self._note(f"{why_not}.")
            return self.found
        entry = self._read()
        if not named and not any(self._earlier(entry, stage) for stage in stages):
            return []
        for commit in commits:
            self._tag(tracking, entry, commit)
        for _ in range(_ROUNDS):
            for stage in sorted(stages):
                self._try(lambda stage=stage, entry=entry: self._point(tracking, entry, stage))  # type: ignore[misc]
            # Another run may have moved a stage, and told of it, between our reading and our telling.
            before, entry = entry, self._read()
            if all(_holder(before, stage) == _holder(entry, stage) for stage in stages):
                break
        return list(dict.fromkeys(self.found))

    def _read(self) -> Entry:
        return read_entries(self.request, [self.artifact])[self.artifact]

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except PlatformRefused as error:
            self._note(error.message)

    def _note(self, message: str, *, lasting: bool = False) -> None:
        self.found.append(Untold(f"MLflow was not told of {self.artifact}: {message}", lasting))

    def _went_back(self, commit: str) -> bool:
        """Whether this change was only led back to a commit."""
        about = [step for step in self.steps if any(row.commit == commit for row in step.rows)]
        return bool(about) and all(step.intent.action is Action.ROLLBACK for step in about)

    # -- what manifests say -------------------------------------------------------

    def _named(self, commit: str) -> MlflowRun | None:
        """The run that the manifest of a commit names."""
        try:
            entry, _ = entry_at(self.request, (self.artifact, commit))
        except ManifestUnreadable:
            return None
        return entry.mlflow if entry is not None else None

    def _earlier(self, entry: Entry, stage: str) -> list[MlflowRun]:
        """What earlier holders of a stage named, with a model, the newest first: any of them may be untold."""
        ended = [hold for hold in entry.state.holds.get(stage, []) if hold.until is not None]
        found = (self._named(hold.commit) for hold in reversed(ended[-_LOOK_BACK:]))
        return [named for named in dict.fromkeys(found) if named is not None and named.model is not None]

    def _is_here(self, tracking: Tracking, named: MlflowRun, commit: str) -> bool:
        """Whether a run is on this job's server; another one is never asked, nor told."""
        other = elsewhere(named, tracking.url)
        if other:
            self._note(f"{other}.", lasting=self._went_back(commit))
        return not other

    def _version(self, tracking: Tracking, named: MlflowRun, commit: str) -> ModelVersion | Checked | None:
        """The version that a commit's manifest means, None without a model; what is wrong with it is noted."""
        if named.model is None:
            return None
        version = resolve_version(tracking, named)
        if isinstance(version, Checked):
            self._note(version.message, lasting=self._went_back(commit))
        return version

    def _sharers(self, tracking: Tracking, named: MlflowRun) -> list[str]:
        return sharers(self.artifact, named, self.request.entries, tracking.url)

    # -- telling ------------------------------------------------------------------

    def _tag(self, tracking: Tracking, entry: Entry, commit: str) -> None:
        """Run and version learn of the newest tag that a change made of a commit, each whatever became of the other.

        Where the version is of another run nobody knows which of them is meant, and neither is told.
        """
        named = self._named(commit)
        if named is None or not (tags := _tags(entry, commit)) or not self._is_here(tracking, named, commit):
            return
        try:
            version = self._version(tracking, named, commit)
        except PlatformRefused as error:
            self._note(error.message)
            version = None
        if isinstance(version, Checked) and version.state == "different":
            return
        if named.run_id:
            self._try(lambda: self._tag_run(tracking, named.run_id, tags, commit))
        if isinstance(version, ModelVersion):
            self._try(lambda: tracking.tag_version(version.model, version.version, tags))

    def _tag_run(self, tracking: Tracking, run_id: str, tags: Mapping[str, str], commit: str) -> None:
        if self._went_back(commit) and ((run := tracking.run(run_id)) is None or not run.active):
            self._note(f"the MLflow run {run_id} is gone from {tracking.url}.", lasting=True)
            return
        tracking.tag_run(run_id, tags)

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
        if hold is not None and named is not None and named.model is not None:
            if not self._is_here(tracking, named, hold.commit):
                return
            found = self._version(tracking, named, hold.commit)
            if not isinstance(found, ModelVersion):
                return
            version = found
            if others := self._sharers(tracking, named):
                names = ", ".join([self.artifact, *others])
                self._note(f"{names} share the registered model {named.model}, whose alias {alias} is left alone.")
                return
            if tracking.aliases(version.model).get(alias) != version.version:
                tracking.set_alias(version.model, alias, version.version)
        kept = version.model if version is not None else None
        if hold is None:
            why = f"nobody holds {stage} of {self.artifact}"
        else:
            why = f"{self.artifact} {hold.version or hold.commit[:7]} holds {stage} and {place_there(kept)}"
        self._take_away(tracking, self._earlier(entry, stage), alias, kept, why)

    def _take_away(
        self, tracking: Tracking, earlier: Iterable[MlflowRun], alias: str, kept: str | None, why: str
    ) -> None:
        """The alias goes from models of earlier holders, all but ``kept``, where it points to such a holder's version.

        Any other alias is nobody's business: people set them too, and another artifact of the model may. What goes
        is said, with ``why``.
        """
        pointed: dict[str, str | None] = {}
        for named in earlier:
            model = named.model or ""
            if model == kept or elsewhere(named, tracking.url) or self._sharers(tracking, named):
                continue
            if model not in pointed:
                pointed[model] = tracking.aliases(model).get(alias)
            there = pointed[model]
            if there is not None and _is_of(tracking, named, there):
                tracking.delete_alias(model, alias)
                pointed[model] = None
                self.taken.append(
                    f"MLflow's alias {alias} of the model {model}, which was version {there}, is taken away: {why}."
                )


def _is_of(tracking: Tracking, named: MlflowRun, number: str) -> bool:
    """Whether a version of the model is the one that a manifest means; without a number, one that its run made."""
    model = named.model or ""
    if named.version is None:
        return any(one.version == number for one in tracking.versions_of(model, named.run_id))
    found = tracking.version(model, number) if named.version == number else None
    return found is not None and (not named.run_id or found.run_id in ("", named.run_id))


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
