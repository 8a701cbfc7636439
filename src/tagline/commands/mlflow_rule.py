"""The rule ``mlflow``: what MLflow says of the runs behind the versions that a change is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tagline.commands.cases import Case
from tagline.commands.metrics import metrics_at
from tagline.commands.mlflow_runs import check
from tagline.commands.stored import Version, entry_at
from tagline.domain.manifest import MlflowRun
from tagline.domain.mlflow import Checked, elsewhere, sharers
from tagline.domain.steps import Linked
from tagline.domain.verdicts import State, Verdict
from tagline.errors import ManifestUnreadable

RULE = "mlflow"


def read_linked(case: Case, versions: Iterable[Version]) -> Mapping[Version, Linked]:
    """Of the versions whose manifest names a run what MLflow says, asked once a run; nothing is asked for others."""
    found = ((version, _linked(case, version)) for version in dict.fromkeys(versions))
    return {version: linked for version, linked in found if linked is not None}


def _linked(case: Case, version: Version) -> Linked | None:
    try:
        entry, tree = entry_at(case, version)
    except ManifestUnreadable:  # said by whoever needs it
        return None
    if entry is None or entry.mlflow is None:
        return None
    key = (RULE, " ".join(version))
    if key not in case.answers:
        case.answers[key] = check(*case.desk.tracking, entry, metrics_at(tree, entry.name))
    checked: Checked = case.answers[key]
    verdict = _verdict(checked, required=case.policy.mlflow_required)
    return Linked(verdict, entry.mlflow.model, _shared(case, entry.name, entry.mlflow))


def held_models(case: Case, holders: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """The registered model that each holder's manifest names, where this job can take an alias from it.

    ``holders`` are commits by artifact and stage. Without an MLflow to tell no manifest is read.
    """
    tracking = case.desk.tracking.tracking
    found = {}
    for (artifact, stage), commit in holders.items() if tracking is not None else ():
        try:
            entry, _ = entry_at(case, (artifact, commit))
        except ManifestUnreadable:
            continue
        named = entry.mlflow if entry is not None else None
        if tracking is not None and named is not None and named.model and not elsewhere(named, tracking.url):
            found[artifact, stage] = named.model
    return found


def _shared(case: Case, artifact: str, named: MlflowRun) -> str:
    """Why no alias can follow the artifact's stages: others of the change's commit name its model too."""
    tracking = case.desk.tracking.tracking
    others = sharers(artifact, named, case.entries, tracking.url if tracking is not None else None)
    return f"{', '.join([artifact, *others])} share the registered model {named.model}." if others else ""


def _verdict(checked: Checked, *, required: bool) -> Verdict:
    """Without ``mlflow: required`` what is wrong is a note: a reviewer reads it."""
    state: State = "ok"
    if required and checked.state != "ok":
        state = "unknown" if checked.state == "unknown" else "refused"
    return Verdict(RULE, state, checked.message, checked.fix)
