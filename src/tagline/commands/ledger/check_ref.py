"""``tagline check-ref``: what one tag did, and whether it still counts."""

from __future__ import annotations

from collections.abc import Callable

from tagline.commands.ledger.reading import Source, View, read
from tagline.commands.manifest.describe import describe
from tagline.domain.ledger.answers import decides, future_warnings, versions_by_commit
from tagline.domain.ledger.events import Event, matcher
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.tags import parse_tag
from tagline.domain.lineage.published import entry_of
from tagline.domain.manifest.results import Checked
from tagline.errors import NotFound


def artifact_of(ref: str | None) -> str | None:
    """The artifact that a ref is about; None for a ref that is no registry tag."""
    parsed = parse_tag(_tag_of(ref))
    return parsed.artifact if parsed else None


def _tag_of(ref: str | None) -> str:
    """The tag that a ref names: itself, or what follows ``refs/tags/``; nothing for other refs."""
    name = (ref or "").removeprefix("refs/tags/")
    return "" if name == ref and name.startswith("refs/") else name


def check_ref(source: Callable[[], Source], ref: str | None, now: int) -> Checked:
    """Look at one tag, named with or without ``refs/tags/``.

    ``source`` is opened only for a registry tag.

    Raises NotFound when it has a registry tag's name and is no event of this repository.
    """
    tag = _tag_of(ref)
    artifact = artifact_of(ref)
    if artifact is None:
        return Checked()
    registry = source()
    if matcher(registry.foreign())(tag):
        return Checked()
    view = read(registry, [artifact])
    with view.or_incomplete():
        state, event = _find(view, artifact, tag)
    version = event.version if event.stage is None else versions_by_commit(state).get(event.commit)
    entry = describe(artifact, registry.repository.tree(event.commit))
    warnings = [*view.notes, *view.reading.warnings, *state.warnings, *future_warnings(state, now)]
    return Checked(event, version, entry and entry_of(entry), decides(state, event), warnings)


def _find(view: View, artifact: str, tag: str) -> tuple[ArtifactState, Event]:
    state = view.state(artifact)
    event = next((e for e in state.events if e.tag == tag), None) if state is not None else None
    if state is not None and event is not None:
        return state, event
    odd = next((warning for warning in view.reading.warnings if warning.tag == tag), None)
    if odd is not None:
        raise NotFound(odd.message, f"Look at it: git cat-file -p 'refs/tags/{tag}'", code="ignored-tag")
    raise NotFound(
        f"There is no tag {tag!r} here.",
        f"See what there is with: tagline history {artifact}",
        code="unknown-tag",
    )
