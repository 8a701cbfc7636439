"""``tagline show``: the registry, one artifact, or the answer to one target."""

from __future__ import annotations

from collections.abc import Iterator

from tagline.commands.ledger.reading import Source, View, present, read
from tagline.domain.ledger.answers import find, find_at
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.results import Shown
from tagline.domain.ledger.targets import Target
from tagline.errors import NotFound


class Registry:
    """Artifacts one by one; :attr:`warnings` and :attr:`hidden` are complete when all were taken."""

    def __init__(
        self, view: View, now: int | None, *, as_of: int | None, deprecated: bool, commit: str | None = None
    ) -> None:
        self._view = view
        self._now = now
        self._as_of = as_of
        self._deprecated = deprecated
        self._commit = commit
        self.warnings = view.warnings(None, now)
        #: Tags that the remote has not, where it was asked; and what it is called.
        self.only_here, self.remote = view.only_here, view.remote
        #: How many deprecated artifacts were left out.
        self.hidden = 0

    def __iter__(self) -> Iterator[ArtifactState]:
        for whole in self._view.states(self._as_of):
            state = whole if self._commit is None else whole.at(self._commit)
            if self._commit is not None and not state.versions and not state.stages:
                continue
            if state.deprecated and not self._deprecated:
                self.hidden += 1
                continue
            self.warnings += self._view.warnings_of(state, self._now)
            yield state


def show_registry(source: Source, now: int, *, as_of: int | None, deprecated: bool) -> Registry:
    """Every artifact that has a registry tag; deprecated ones only on demand."""
    return Registry(read(source, None), _now(now, as_of), as_of=as_of, deprecated=deprecated)


def show_commit(source: Source, commit: str, now: int, *, as_of: int | None, deprecated: bool) -> Registry:
    """What of every artifact is at one commit. Raises NotFound where nothing is."""
    view = read(source, None)
    with view.or_incomplete():
        states = (state.at(commit) for state in view.states(as_of) if deprecated or not state.deprecated)
        if not any(state.versions or state.stages for state in states):
            raise NotFound(
                f"No version is registered at commit {commit[:7]}, and it holds no stage.",
                "See what there is with: tagline show. Register it with: tagline register NAME --rev REV",
                code="no-version-here",
            )
    return Registry(view, _now(now, as_of), as_of=as_of, deprecated=deprecated, commit=commit)


def show_version_at(source: Source, name: str, commit: str, now: int, *, as_of: int | None, deprecated: bool) -> Shown:
    """Which version of an artifact a commit is. Raises NotFound."""
    view = read(source, [name])
    with view.or_incomplete():
        state = present(view, name, as_of, deprecated=deprecated)
        answer = find_at(state, commit)
    return Shown(answer, state, view.warnings(state, _now(now, as_of)))


def show_artifact(source: Source, name: str, now: int, *, as_of: int | None, deprecated: bool) -> Registry:
    """The same document with one artifact. Raises NotFound."""
    view = read(source, [name])
    with view.or_incomplete():
        present(view, name, as_of, deprecated=deprecated)
    return Registry(view, _now(now, as_of), as_of=as_of, deprecated=True)


def show_target(source: Source, target: Target, now: int, *, as_of: int | None, deprecated: bool) -> Shown:
    """Which version a target names. Raises NotFound."""
    view = read(source, [target.artifact])
    with view.or_incomplete():
        state = present(view, target.artifact, as_of, deprecated=deprecated)
        answer = find(state, target)
    return Shown(answer, state, view.warnings(state, _now(now, as_of)))


def _now(now: int, as_of: int | None) -> int | None:
    """Future-dated events are worth a warning only where no instant was asked for."""
    return now if as_of is None else None
