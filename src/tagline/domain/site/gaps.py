"""What is missing: nobody owns it, nothing describes it, nobody approved what a stage holds."""

from __future__ import annotations

from typing import NamedTuple

from tagline.domain.site.gathering import Artifact, Site
from tagline.domain.site.records import Hold, Repository

#: Each gap and what it means, in the order of the page.
GAPS = {
    "owner": "no owner",
    "card": "no model card",
    "description": "no description",
    "approval": "nobody approved what a stage holds",
    "digest": "the latest version has no digest",
}


class Lack(NamedTuple):
    """An artifact and what it lacks."""

    artifact: Artifact
    gaps: tuple[str, ...]
    #: The stages whose holder nobody approved.
    unapproved: tuple[str, ...]


class Overview(NamedTuple):
    """A repository, its artifacts and what they lack."""

    repository: Repository
    artifacts: tuple[Lack, ...]

    @property
    def lacks(self) -> int:
        """How many gaps there are."""
        return sum(len(one.gaps) for one in self.artifacts)


def opened_by(one: Artifact, stage: str) -> Hold | None:
    """The span that makes the present holder of a stage its holder: who asked, who approved."""
    return next((hold for hold in one.holds if hold.stage == stage and hold.until is None), None)


def lack_of(one: Artifact) -> Lack:
    """What an artifact lacks; a deprecated one lacks nothing any more."""
    if one.described.deprecated:
        return Lack(one, (), ())
    spans = [(stage.stage, opened_by(one, stage.stage)) for stage in one.stages]
    unapproved = tuple(stage for stage, hold in spans if hold is None or not hold.approved_by)
    latest = next((row for row in one.versions if row.version == one.described.latest), None)
    found = {
        "owner": not one.described.owner,
        "card": not one.described.card and one.described.type in (None, "model"),
        "description": not one.described.description,
        "approval": bool(unapproved),
        "digest": latest is not None and not latest.digest,
    }
    return Lack(one, tuple(name for name in GAPS if found[name]), unapproved)


def overviews(site: Site) -> tuple[Overview, ...]:
    """Every repository with its artifacts."""
    of: dict[str, list[Lack]] = {one.repository: [] for one in site.repositories}
    for artifact in site.artifacts:
        of[artifact.repository.repository].append(lack_of(artifact))
    return tuple(Overview(one, tuple(of[one.repository])) for one in site.repositories)
