"""A new name that is one slip away from a known one is taken for a slip: what is pushed cannot be taken back."""

from __future__ import annotations

from tagline.commands.ledger.writing import WriteContext
from tagline.domain.ledger.misread import habit
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.tags import TagName, parse_tag
from tagline.domain.text.similar import one_slip
from tagline.errors import NotFound
from tagline.formats.policy import load_policy


def refuse_slip(context: WriteContext, artifact: str) -> None:
    """Raise NotFound where the name of a new artifact is a slip of a known one's, or another tool's habit."""
    known = {tag.artifact for tag in _tags(context)}
    meant = habit(artifact, known) or one_slip(artifact, known)
    if meant is not None:
        raise _slip(f"artifact {artifact!r}", meant, f"tagline register {artifact} --new")


def refuse_stage_slip(context: WriteContext, state: ArtifactState, stage: str) -> None:
    """Raise NotFound where a stage is new to the whole registry and its policy, and a slip of one that is known."""
    known = {tag.stage for tag in _tags(context) if tag.stage} | state.holds.keys()
    meant = None if stage in known else one_slip(stage, known)
    if meant is None or load_policy(context.ledger.policy(), context.outside).rules(state.name, stage) is not None:
        return
    raise _slip(f"stage {stage!r}", f"{state.name}#{meant}", f"tagline assign {state.name}#{stage} --new")


def _tags(context: WriteContext) -> list[TagName]:
    return [tag for tag in map(parse_tag, context.ledger.tag_names()) if tag]


def _slip(what: str, meant: str, line: str) -> NotFound:
    return NotFound(
        f"There is no {what} yet, and one slip away there is {meant}.",
        f"Did you mean {meant}? If the new name is meant, say so: {line}",
        code="one-slip-away",
    )
