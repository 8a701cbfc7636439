"""The port Forge over GitHub's REST API, by PyGithub. Also GitHub Enterprise, by its URL."""

from __future__ import annotations

from tagline.adapters.forges.github.changes import Changes
from tagline.adapters.forges.github.comments import Comments
from tagline.adapters.forges.github.labels import Labels
from tagline.adapters.forges.github.people import People
from tagline.domain.changes.codeowners import Flavour


class GitHub(Changes, Comments, Labels, People):
    """One repository on GitHub."""

    flavour: Flavour = "github"
