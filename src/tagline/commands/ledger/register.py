"""``tagline register``: give a commit a version."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from tagline.commands.ledger.writing import Ledgered, WriteContext, write
from tagline.commands.manifest.describe import describe
from tagline.commands.manifest.reading import load_manifest
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.planning import Plan, check_names, plan_register
from tagline.domain.ledger.results import Written
from tagline.domain.ledger.versions import Bump, is_version
from tagline.domain.manifest.manifest import DVC_MANIFEST, MANIFEST, split_name
from tagline.domain.text.similar import suggestion
from tagline.errors import ManifestUnreadable, PlatformRefused, WrongUsage
from tagline.formats.yaml import reading as yaml
from tagline.ports.repository import Tree


def register(
    context: WriteContext, artifact: str, find_commit: Callable[[], str], *, version: str | None, bump: Bump
) -> Written:
    """Register ``version`` at the commit found, or the next version by ``bump``.

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
        near = suggestion(artifact, _described_names(tree, artifact))
    except (ManifestUnreadable, PlatformRefused) as error:
        return [Warn("manifest-unreadable", None, error.message)]
    message = f"No manifest at commit {commit[:7]} describes {artifact}.{near}"
    return [Warn("not-described", None, message)]


def _described_names(tree: Tree, artifact: str) -> list[str]:
    """What the manifests beside the artifact's own place describe."""
    directory, _ = split_name(artifact)
    files = [posixpath.join(directory, file) for file in (MANIFEST, DVC_MANIFEST)]
    loaded = (load_manifest(file, data, tree) for file, data in tree.read_many(files, yaml.MAX_BYTES).items())
    return [item.entry.name for manifest in loaded for item in manifest.items]
