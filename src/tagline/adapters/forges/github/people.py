"""Who may write, who is in a team, and who we are, by GitHub's REST API."""

from __future__ import annotations

import re
from functools import cached_property
from urllib.parse import quote

import github

from tagline.adapters.forges.github.access import ACTIONS_BOT, Access
from tagline.adapters.forges.github.api import text
from tagline.domain.changes.changes import Unknown
from tagline.errors import NotFound
from tagline.ports.forge import CannotRead

#: Tokens that installations get; GET /user is not for them.
_INSTALLATION = re.compile(r"ghs_|v1\.")


class People(Access):
    """The people around one repository."""

    def may_write(self, login: str) -> bool:
        """By the collaborator's permission, which knows of teams and organizations."""
        try:
            with self._reading(f"the permission of {login}", "metadata: read"):
                return text(self._repo.get_collaborator_permission(login)) in ("admin", "write")
        except NotFound:
            return False

    def members(self, team: str) -> frozenset[str]:
        """All members of ``@org/team``, those of its child teams included."""
        org, _, slug = team.removeprefix("@").partition("/")
        needs = "a GitHub App token with the permission Members: read (GITHUB_TOKEN cannot read teams)."
        try:
            with self._reading(f"the members of {team}", needs):
                # Not get_organization(): the team's own page costs a request more.
                url = f"/orgs/{quote(org)}/teams/{quote(slug)}"
                listed = github.Team.Team(self._repo.requester, {}, {"url": url}, completed=True).get_members()
                return frozenset(member.login.casefold() for member in listed)
        except NotFound:
            # A team that does not exist looks like one that this token may not see.
            raise CannotRead(Unknown(f"the members of {team}", f"It needs {needs}")) from None

    def me(self) -> str | None:
        """By the token's own word; the workflow's bot where it has none."""
        return self._own_login

    @cached_property
    def _own_login(self) -> str | None:
        if self._token is None:
            return None
        if _INSTALLATION.match(self._token.reveal()):
            return ACTIONS_BOT
        try:
            with self._reading("its own name", "a user"):
                return text(self._api.get_user().login)
        except (CannotRead, NotFound):
            return ACTIONS_BOT  # tokens of installations have no user
