"""Who is on the forge: people, teams and tokens; and the clock, the ids and the lock that everything there shares."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tagline_localforge.records import Person, Team, Token, TokenKind

_ACTIONS_LOGIN = "github-actions[bot]"
#: Who a token of this kind is when nobody is named.
_LOGINS: dict[TokenKind, str] = {"actions": _ACTIONS_LOGIN, "fork": _ACTIONS_LOGIN, "app": "my-app[bot]"}


class SteppingClock:
    """Moves on a second at least whenever it is read, so that no two events share one.

    It begins at ``start``; without one it is never behind the real clock, by which tags are written.
    """

    def __init__(self, start: float | None = None) -> None:
        self._real = start is None
        self._now = 0.0 if start is None else start

    def __call__(self) -> float:
        """The time, a second later than the last."""
        # A quarter: visible in GitLab's milliseconds, and exact in whatever a client makes of it.
        real = int(time.time()) + 0.25 if self._real else 0.0
        self._now = max(self._now + 1.0, real)
        return self._now


class Accounts:
    """People, teams and tokens. What lies on disk is below ``folder``.

    ``clock`` is read once at every mutation; a test may put another in its place. ``lock`` is held by
    whoever reads or changes the forge.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock: Callable[[], float] = SteppingClock()
        self.lock = threading.RLock()
        self.people: dict[str, Person] = {}
        self.teams: dict[str, Team] = {}
        #: GitHub's records of what is deployed, by organization, name and environment.
        self.deployment_records: dict[tuple[str, str, str], dict[str, str]] = {}
        self._tokens: dict[str, Token] = {}
        self._ids = itertools.count(1001)

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds go by on the forge; nothing else hears of it."""
        before = self.clock
        self.clock = lambda: before() + seconds

    def next_id(self) -> int:
        """An id that nothing else has."""
        return next(self._ids)

    def person(self, login: str) -> Person:
        """The account of that name, made if new."""
        with self.lock:
            if login not in self.people:
                self.people[login] = Person(self.next_id(), login, "Bot" if login.endswith("[bot]") else "User")
            return self.people[login]

    def robot(self, login: str) -> Person:
        """The account of that name, made as a bot's if new."""
        with self.lock:
            return self.people.setdefault(login, Person(self.next_id(), login, "Bot"))

    def team(self, path: str, members: Iterable[str]) -> Team:
        """GitHub's team and GitLab's group ``path`` with exactly these members."""
        with self.lock:
            logins = [self.person(login).login for login in members]
            team = self.teams.setdefault(path, Team(self.next_id(), path, []))
            team.members = logins
            return team

    def token(
        self, secret: str, *, login: str = "", kind: TokenKind = "user", workflows: bool = True,
        scopes: tuple[str, ...] | None = None, expires: str | None = None,
    ) -> Token:  # fmt: skip
        """A token; ``login`` may be left out for the kinds that are a bot's"""
        with self.lock:
            name = login or _LOGINS.get(kind, "")
            if not name:
                raise ValueError(f"a token of kind {kind!r} is somebody's: say whose")
            # What a job of GitHub's brings along cannot be given that permission.
            may = workflows and kind != "actions"
            self._tokens[secret] = token = Token(secret, self.person(name).login, kind, may, scopes, expires)
            return token

    def bearer(self, secret: str) -> Token | None:
        """The token with that secret."""
        return self._tokens.get(secret)

    def by_email(self, email: str) -> Person | None:
        """Whose commits these are."""
        return next((person for person in self.people.values() if person.email == email), None)
