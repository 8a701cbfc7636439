"""``validate --check-mlflow``: is every artifact's MLflow run there, and does it tell the same metrics."""

from __future__ import annotations

from collections.abc import Sequence

from tagline.commands.manifest.metrics import metrics_at
from tagline.commands.mlflow.runs import check
from tagline.domain.manifest.document import Node
from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.manifest import Declared
from tagline.domain.manifest.rules import RULES
from tagline.domain.mlflow.runs import Checked
from tagline.ports.mlflow import MlflowAccess
from tagline.ports.repository import Tree

_RULES = {"missing": "mlflow-run-missing", "different": "mlflow-metrics-differ", "unknown": "mlflow-unknown"}


def check_mlflow(tree: Tree, items: Sequence[Declared], access: MlflowAccess) -> list[Finding]:
    """Ask MLflow about some artifacts; what is wrong is a finding at the artifact's ``mlflow``.

    What cannot be asked is a warning, so that the others are still looked at.
    """
    findings = []
    for item in items:
        metrics = metrics_at(tree, item.entry.name) if item.entry.mlflow is not None else None
        checked = check(*access, item.entry, metrics)
        if checked is None or checked.state == "ok":
            continue
        rule, message = rule_of(checked), checked.message[:1].upper() + checked.message[1:]
        findings.append(Finding(*place_of(item), rule, RULES[rule].severity, message, checked.fix))
    return findings


def rule_of(checked: Checked) -> str:
    """The rule that what MLflow says breaks."""
    return _RULES[checked.state]


def place_of(item: Declared) -> tuple[str, int, int, str]:
    """File, line and column at which an entry names its run, and the artifact."""
    node = _node(item)
    return item.entry.file, node.line, node.column, item.entry.name


def _node(item: Declared) -> Node:
    """Where the entry names its run."""
    node = item.node
    for key in ("meta", "tagline", "mlflow") if item.kind == "dvc" else ("mlflow",):
        node = node.fields.get(key, node)
    return node
