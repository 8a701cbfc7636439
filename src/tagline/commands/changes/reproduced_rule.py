"""The rule ``reproduced``: whether the pipelines behind the versions of a change were run on what is committed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tagline.commands.changes.request import ChangeRequest
from tagline.commands.changes.stored import Version
from tagline.commands.lineage.reading import Subject, read_lineage
from tagline.domain.changes.verdicts import Verdict
from tagline.domain.ledger.events import Warn
from tagline.domain.lineage.comparison import Traced
from tagline.errors import TaglineError

RULE = "reproduced"


def read_reproduced(request: ChangeRequest, versions: Iterable[Version]) -> Mapping[Version, Verdict]:
    """Of versions that a pipeline makes; nothing is read where the policy does not ask for it."""
    if not request.policy.reproduced_required:
        return {}
    found = ((version, _judged(request, version)) for version in dict.fromkeys(versions))
    return {version: verdict for version, verdict in found if verdict is not None}


def _judged(request: ChangeRequest, version: Version) -> Verdict | None:
    try:
        lineage = read_lineage(request.context.lineage_source, Subject(*version), ask_mlflow=False)
    except TaglineError as error:
        return Verdict(RULE, "unknown", f"Nobody can tell what is behind {version[0]}: {error.message}", error.hint)
    if lineage.stale:
        more = f" and {len(lineage.stale) - 1} more" if len(lineage.stale) > 1 else ""
        first = lineage.stale[0]
        fix = "Run it and commit what it writes: dvc repro, dvc push, git add dvc.lock."
        return Verdict(RULE, "refused", f"{first.step} was not run again: {first.why}{more}.", fix)
    if lineage.unchecked:
        fix = "Keep what the step reads in Git or under DVC, so that it can be compared."
        return Verdict(RULE, "unknown", lineage.unchecked, fix)
    if not lineage.graph.steps:
        return None
    return Verdict(RULE, "ok", "Its pipeline was run on what is committed.")


def not_reproduced(request: ChangeRequest, traced: Iterable[Traced], artifacts: Iterable[str]) -> list[Warn]:
    """The same as warnings, of the artifacts that are asked for, where the policy does not refuse it."""
    if request.policy.reproduced_required:
        return []
    asked = set(artifacts)
    lineages = [one.lineage for one in traced if one.lineage is not None and one.artifact in asked]
    found = [f"{own.artifact}: {stale.step} was not run again: {stale.why}." for own in lineages for stale in own.stale]
    return [Warn("not-reproduced", None, message) for message in dict.fromkeys(found)]
