"""What lineages are read from: a clone or a remote of the registry, or the history that changes land in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tagline.adapters.git.history import GitHistory
    from tagline.commands.lineage.reading import LineageSource
    from tagline.commands.storage.locating import StorageContext
    from tagline.settings import Settings
    from tagline.wiring.registry import Wiring


def lineage_source_of(wiring: Wiring) -> LineageSource:
    """Of the repository that a question about the registry is put to."""
    from tagline.commands.lineage.reading import LineageSource

    repository = wiring.repository
    return LineageSource(
        url=repository.url,
        tree=repository.tree,
        facts=repository.facts,
        prepare=repository.prepare,
        content=lambda _commit, tree, path: tree.content(path),
        context=wiring.storage.context(),
        tracking=lambda: wiring.tracking,
        policy=wiring.policy,
    )


def lineage_source_of_changes(settings: Settings, history: GitHistory, storage: StorageContext) -> LineageSource:
    """Of the repository that changes land in. The policy comes with the change."""
    from tagline.commands.changes.stored import content_at
    from tagline.commands.lineage.reading import LineageSource
    from tagline.wiring.mlflow import mlflow_access_of

    return LineageSource(
        url=history.url,
        tree=history.files,
        facts=history.facts,
        prepare=history.prepare,
        content=lambda commit, tree, path: content_at(history, commit, tree, path),
        context=storage,
        tracking=lambda: mlflow_access_of(settings),
        policy=lambda: None,
    )
