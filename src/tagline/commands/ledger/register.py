"""``tagline register``: give a commit a version."""

from __future__ import annotations

from collections.abc import Callable

from tagline.commands.ledger.slips import refuse_slip
from tagline.commands.ledger.writing import Ledgered, WriteContext, write
from tagline.commands.manifest.describe import describe, described_names
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.planning import Plan, check_names, plan_register
from tagline.domain.ledger.results import Written
from tagline.domain.ledger.versions import Bump, is_version
from tagline.domain.text.similar import suggestion
from tagline.errors import ManifestUnreadable, PlatformRefused, WrongUsage


def register(
    context: WriteContext,
    artifact: str,
    find_commit: Callable[[], str],
    *,
    version: str | None,
    bump: Bump,
    new: bool = False,
) -> Written:
    """Register ``version`` at the commit found, or the next version by ``bump``.

    ``new``: a name that is one slip away from another is meant. Without it that raises NotFound, where no manifest
    of the commit knows the name.

    Raises WrongUsage for names outside the grammar, Refused for a deregistered version or a second
    version on a commit, Conflict when the version is elsewhere.
    """
    check_names(artifact)
    if version is not None and not is_version(version):
        likely = f"v{version.lstrip('vV')}"
        hint = f"Did you mean {likely}?" if is_version(likely) else "Write it like v1.2.3 or v2.0.0-rc.1."
        raise WrongUsage(f"{version!r} is no version.", hint, code="bad-version")

    commit = find_commit()
    undescribed = _undescribed(context, artifact, commit)

    def decide(ledger: Ledgered, now: int) -> Plan:
        if undescribed and not ledger.state.events and not new:
            refuse_slip(context, artifact)
        return plan_register(ledger.state, commit, now, version=version, bump=bump, trailers=context.trailers())

    written = write(context, artifact, decide, must_exist=False)
    written.warnings.extend(undescribed)
    return written


def _undescribed(context: WriteContext, artifact: str, commit: str) -> list[Warn]:
    """A warning when no manifest of the commit names the artifact: perhaps its name is mistyped."""
    try:
        tree = context.repository().tree(commit)
        if describe(artifact, tree) is not None:
            return []
        near = suggestion(artifact, described_names(tree, artifact))
    except (ManifestUnreadable, PlatformRefused) as error:
        return [Warn("manifest-unreadable", None, error.message)]
    message = f"No manifest at commit {commit[:7]} describes {artifact}.{near}"
    return [Warn("not-described", None, message)]
