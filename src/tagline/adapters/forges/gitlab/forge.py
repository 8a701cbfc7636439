"""The port Forge over GitLab's REST API, by python-gitlab. GitLab.com and self-managed, by its URL."""

from __future__ import annotations

from tagline.adapters.forges.gitlab.changes import Changes
from tagline.adapters.forges.gitlab.comments import Comments
from tagline.adapters.forges.gitlab.labels import Labels
from tagline.adapters.forges.gitlab.people import People
from tagline.domain.changes.codeowners import Flavour


class GitLab(Changes, Comments, Labels, People):
    """One project on GitLab."""

    flavour: Flavour = "gitlab"
