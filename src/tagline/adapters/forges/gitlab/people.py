"""Who may write, who is in a group, and who we are, by GitLab's REST API."""

from __future__ import annotations

from functools import cached_property

from tagline.adapters.forges.gitlab.access import Access
from tagline.domain.changes.changes import Unknown
from tagline.errors import NotFound
from tagline.ports.forge import CannotRead

#: From Developer on, members may push.
_MAY_WRITE = 30


class People(Access):
    """The people around one project."""

    def may_write(self, login: str) -> bool:
        """By membership, inherited ones included."""
        user = self._user_ids.get(login.casefold())
        try:
            with self._reading(f"the permission of {login}"):
                if user is None:
                    found = self._api.users.list(username=login, get_all=True)
                    if not found:
                        return False
                    user = found[0].id
                level: int = self._project.members_all.get(user).access_level
                return level >= _MAY_WRITE
        except NotFound:
            return False

    def members(self, team: str) -> frozenset[str]:
        """All members of a group, inherited ones included; nobody for the name of a person."""
        name = team.removeprefix("@")
        what = f"the members of {team}"
        try:
            with self._reading(what):
                listed = self._api.groups.get(name, lazy=True).members_all.list(iterator=True)
                return frozenset(member.username.casefold() for member in listed)
        except NotFound:
            # A group that this token may not see looks like none; a person is no group for certain.
            with self._reading(what):
                if "/" not in name and self._api.users.list(username=name, get_all=True):
                    return frozenset()
            needs = "Make the token's bot a member of the group, or correct its name."
            raise CannotRead(Unknown(what, needs)) from None

    @cached_property
    def _own_login(self) -> str | None:
        if self._has_job_token:
            return None
        try:
            with self._reading("its own name"):
                self._api.auth()
                return self._api.user.username if self._api.user is not None else None
        except (CannotRead, NotFound):
            return None

    def me(self) -> str | None:
        """By the token's own word."""
        return self._own_login
