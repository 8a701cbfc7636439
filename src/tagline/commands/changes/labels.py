"""``tagline labels sync``: the labels that people ask with, made where they are missing; none is changed or deleted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from tagline.commands.changes.context import ChangeContext
from tagline.commands.manifest.gto_file import understood_gto
from tagline.commands.manifest.snapshots import entries_of
from tagline.domain.changes.labels import (
    LabelState,
    SyncedLabel,
    SyncedLabels,
    compare,
    offered_stages,
    offers,
)
from tagline.domain.doctor.tokens import Token, may_label
from tagline.errors import PlatformRefused
from tagline.formats.policy import unreadable

_REFUSED = "This token may not make labels, so the run itself would be refused (exit code 4)."


def sync_labels(
    context: ChangeContext, *, per_artifact: bool, token: Callable[[], Token] | None = None
) -> SyncedLabels:
    """Make what the default branch's policy, ``.gto`` and, ``per_artifact``, manifests call for.

    ``token``: what the forge says of the token at hand, which a run that makes nothing asks.
    Raises what :func:`compared_labels` raises, and CannotLabel.
    """
    dry_run = context.options.dry_run
    planned = compared_labels(context, context.forge.offered_labels(), per_artifact=per_artifact)
    refused = _REFUSED if dry_run and token is not None and _could_not(planned, token) else None
    return SyncedLabels(tuple(one if dry_run else _made(context, one) for one in planned), dry_run, refused)


def _could_not(planned: Sequence[SyncedLabel], token: Callable[[], Token]) -> bool:
    """Whether it is certain that labels are missing and this token may make none."""
    if all(label.state is not LabelState.MISSING for label in planned):
        return False
    try:
        return may_label(token()) is False
    except PlatformRefused:
        return False


def compared_labels(context: ChangeContext, there: Collection[str], *, per_artifact: bool) -> list[SyncedLabel]:
    """The same labels against those that are ``there``; nothing is made.

    Raises WrongUsage for a policy or a ``.gto`` with mistakes, Refused for too many labels.
    """
    history, forge = context.history, context.forge
    tip = history.tip()
    policy, tree = context.policies.at(tip), history.tree(tip)
    if policy.findings:
        raise unreadable(policy)
    stages = offered_stages(policy, understood_gto(tree).stages)
    artifacts = [name for name, entry in entries_of(tree).items() if not policy.ignores(entry.file)]
    wanted = offers(policy, stages, sorted(artifacts) if per_artifact else ())
    return compare(wanted, there, longest=forge.longest_label, ignore_case=forge.labels_ignore_case)


def _made(context: ChangeContext, label: SyncedLabel) -> SyncedLabel:
    """The label, made unless it is there by now: another run may do the same."""
    if label.state is not LabelState.MISSING:
        return label
    made = context.forge.make_label(*label.offer)
    return label._replace(state=LabelState.MADE if made else LabelState.THERE)
