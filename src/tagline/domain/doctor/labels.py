"""Labels that a repository has against what its policy and manifests understand, both ways."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from tagline.domain.changes.asks import Ask, read_labels
from tagline.domain.changes.changes import Label
from tagline.domain.changes.labels import LabelState, SyncedLabel
from tagline.domain.changes.policy import Policy
from tagline.domain.doctor.checks import Check, some


def judge_labels(
    wanted: Sequence[SyncedLabel], names: Collection[str], policy: Policy, artifacts: Collection[str], options: str = ""
) -> Iterator[Check]:
    """What is missing of the labels that are ``wanted``, and what is among ``names`` and means nothing.

    ``options`` say to a command which repository on which forge is meant.
    """
    prefix = policy.label_prefix
    missing = [label.offer.name for label in wanted if label.state is LabelState.MISSING]
    asks, mistakes = read_labels([Label(name, None, None) for name in sorted(names)], prefix)
    if missing:
        fix = f"Make them: tagline labels sync{options}, or tagline doctor --fix{options}"
        yield Check("labels", "fail", f"There is no label {some(missing)}: nobody can choose it.", fix)
    if mistakes:
        message = f"Labels that look like requests and are none: {some(one.source for one in mistakes)}."
        yield Check("labels", "warn", message, f"{mistakes[0].source}: {mistakes[0].fix} Rename it, or delete it.")
    if lost := list(filter(None, (_lost(ask, policy, artifacts) for ask in asks))):
        fix = "A change with one is refused. Delete it, or add what it names to the policy or a manifest."
        yield Check("labels", "warn", f"Labels that mean nothing here: {some(lost)}.", fix)
    if not (missing or mistakes or lost):
        yield Check("labels", "ok", f"Every stage has its label, and {len(asks)} of the labels ask for something.")


def _lost(ask: Ask, policy: Policy, artifacts: Collection[str]) -> str | None:
    """What a label names and nobody knows."""
    if ask.artifact is not None and ask.artifact not in artifacts:
        return f"{ask.source} (no artifact {ask.artifact})"
    whose = [ask.artifact] if ask.artifact is not None else sorted(artifacts)
    if ask.stage is not None and whose and all(policy.refuses(name, ask.stage) for name in whose):
        return f"{ask.source} (no stage {ask.stage})"
    return None
