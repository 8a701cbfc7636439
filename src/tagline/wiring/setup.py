"""What ``init`` works with: a clone's files, its registry, and where its forge has it."""

from __future__ import annotations

from dataclasses import replace

from tagline.adapters.git.new_files import WorkTreeFiles
from tagline.commands.setup.context import SetupContext
from tagline.domain.setup.places import Forge, Home, home_of
from tagline.errors import WrongUsage
from tagline.settings import Settings
from tagline.wiring.addresses import address_of
from tagline.wiring.registry import Wiring, now


class SetupWiring:
    """The adapters of one run. ``repo`` is a folder; None for the one that one stands in."""

    def __init__(self, settings: Settings, repo: str | None) -> None:
        self._settings = settings
        self._wiring = Wiring(settings, repo=repo)
        if address_of(repo, settings, None, None) is not None:
            raise WrongUsage(
                "init writes files, and a URL has no folder.", "Clone it, and name the folder: --repo ./PATH"
            )
        if self._wiring.repository.place.bare:
            raise WrongUsage(
                "This is a bare repository, which has no files to add to.",
                "Run it in a clone: git clone URL",
                code="bare-here",
            )
        self._home, self._known = home_of(self._wiring.repository.url)

    @property
    def forge(self) -> Forge | None:
        """The forge of this job, or of a host that is certain; None: somebody has to say it."""
        return self._settings.platform or self._known

    @property
    def host(self) -> str | None:
        """The remote's host, for the question."""
        return self._home.page.split("/")[2] if self._home is not None else None

    def context(self, *, dry_run: bool) -> SetupContext:
        """The ports."""
        repository, settings = self._wiring.repository, self._settings
        home = self._home
        if settings.repository_url and settings.repository:
            home = Home(settings.repository_url, settings.repository)
        compared = replace(self._wiring, fresh=bool(repository.remotes))
        alone = replace(self._wiring, offline=True)
        return SetupContext(
            tree=repository.work_tree(),
            files=WorkTreeFiles(repository),
            source=lambda online: (compared if online else alone).source(),
            home=home,
            now=now(),
            dry_run=dry_run,
        )
