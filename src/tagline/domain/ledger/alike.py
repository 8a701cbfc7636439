"""Names of the ledger that differ in case only: different things here, and one on many file systems."""

from __future__ import annotations

from collections.abc import Iterable

from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.text.alike import alike


def alike_artifacts(names: Iterable[str]) -> list[Warn]:
    """Of a whole registry."""
    return [_warning(f"The artifacts {' and '.join(group)}") for group in alike(names)]


def alike_stages(state: ArtifactState) -> list[Warn]:
    """Of one artifact, all that were ever held."""
    return [_warning(f"The stages {' and '.join(group)} of {state.name}") for group in alike(state.holds)]


def _warning(which: str) -> Warn:
    message = f"{which} differ in case only. Each counts for itself; is one a slip?"
    return Warn("names-alike", None, message)
