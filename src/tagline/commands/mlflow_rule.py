"""The rule ``mlflow``: what MLflow says of the runs behind the versions that a change is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tagline.commands.cases import Case
from tagline.commands.metrics import metrics_at
from tagline.commands.mlflow_runs import check
from tagline.commands.stored import Version, entry_at
from tagline.domain.mlflow import Checked
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
    return Linked(_verdict(checked, required=case.policy.mlflow_required), entry.mlflow.model is not None)


def _verdict(checked: Checked, *, required: bool) -> Verdict:
    """Without ``mlflow: required`` what is wrong is a note: a reviewer reads it."""
    state: State = "ok"
    if required and checked.state != "ok":
        state = "unknown" if checked.state == "unknown" else "refused"
    return Verdict(RULE, state, checked.message, checked.fix)
