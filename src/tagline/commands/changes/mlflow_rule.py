"""The rule ``mlflow``: what MLflow says of the runs behind the versions that a change is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tagline.commands.changes.request import ChangeRequest
from tagline.commands.changes.stored import Version, entry_at
from tagline.commands.manifest.metrics import metrics_at
from tagline.commands.mlflow.runs import check
from tagline.domain.changes.steps import Linked
from tagline.domain.changes.verdicts import State, Verdict
from tagline.domain.manifest.manifest import MlflowRun
from tagline.domain.mlflow.runs import Checked, elsewhere, sharers
from tagline.errors import ManifestUnreadable

RULE = "mlflow"


def read_linked(request: ChangeRequest, versions: Iterable[Version]) -> Mapping[Version, Linked]:
    """Of the versions whose manifest names a run what MLflow says, asked once a run; nothing is asked for others."""
    found = ((version, _linked(request, version)) for version in dict.fromkeys(versions))
    return {version: linked for version, linked in found if linked is not None}


def _linked(request: ChangeRequest, version: Version) -> Linked | None:
    try:
        entry, tree = entry_at(request, version)
    except ManifestUnreadable:  # said by whoever needs it
        return None
    if entry is None or entry.mlflow is None:
        return None
    key = (RULE, " ".join(version))
    if key not in request.answers:
        request.answers[key] = check(*request.context.tracking, entry, metrics_at(tree, entry.name))
    checked: Checked = request.answers[key]
    verdict = _verdict(checked, required=request.policy.mlflow_required)
    return Linked(verdict, entry.mlflow.model, _shared(request, entry.name, entry.mlflow))


def held_models(request: ChangeRequest, holders: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """The registered model that each holder's manifest names, where this job can take an alias from it.

    ``holders`` are commits by artifact and stage. Without an MLflow to tell no manifest is read.
    """
    tracking = request.context.tracking.tracking
    found = {}
    for (artifact, stage), commit in holders.items() if tracking is not None else ():
        try:
            entry, _ = entry_at(request, (artifact, commit))
        except ManifestUnreadable:
            continue
        named = entry.mlflow if entry is not None else None
        if tracking is not None and named is not None and named.model and not elsewhere(named, tracking.url):
            found[artifact, stage] = named.model
    return found


def _shared(request: ChangeRequest, artifact: str, named: MlflowRun) -> str:
    """Why no alias can follow the artifact's stages: others of the change's commit name its model too."""
    tracking = request.context.tracking.tracking
    others = sharers(artifact, named, request.entries, tracking.url if tracking is not None else None)
    return f"{', '.join([artifact, *others])} share the registered model {named.model}." if others else ""


def _verdict(checked: Checked, *, required: bool) -> Verdict:
    """Without ``mlflow: required`` what is wrong is a note: a reviewer reads it."""
    state: State = "ok"
    if required and checked.state != "ok":
        state = "unknown" if checked.state == "unknown" else "refused"
    return Verdict(RULE, state, checked.message, checked.fix)
