"""A repository on the forge: what people do there, and the rules by which changes move."""

from __future__ import annotations

from tagline_localforge.deployments import Deployments
from tagline_localforge.records import Change
from tagline_localforge.state import Refused, atomic


class Repository(Deployments):
    """A repository. Actions take the login of who acts; whether they may is asked at the API, not here."""

    @atomic
    def open_change(
        self,
        *,
        author: str,
        source: str,
        target: str | None = None,
        title: str = "",
        body: str = "",
        fork: bool = False,
        draft: bool = False,
    ) -> Change:
        """Propose the branch ``source``. With ``fork`` it is said to lie in the author's fork, yet lies here."""
        self.refresh()
        goal, now = target or self.default_branch, self.forge.clock()
        branches = self.git.branches()
        for branch in (source, goal):
            if branch not in branches:
                raise Refused(f"no branch {branch!r}")
        name = self.full_name.rpartition("/")[2]
        change = self._new_change(
            author=author,
            source=source,
            target=goal,
            at=now,
            title=title,
            body=body,
            draft=draft,
            fork=f"{author}/{name}" if fork else None,
        )
        self.record_version(change, branches[source], branches[goal], now)
        return change

    @atomic
    def edit(
        self, number: int, *, by: str, title: str | None = None, body: str | None = None, target: str | None = None
    ) -> Change:
        """Change what is said about a change, or where it is to land."""
        change = self.change(number)
        change.updated = self.forge.clock()
        if title is not None and title != change.title:
            self._event(change, "renamed", by, renamed=(change.title, title))
            change.title = title
        change.body = change.body if body is None else body
        if target is not None and target != change.target:
            self._retarget(change, target, by)
        return change

    def _retarget(self, change: Change, target: str, by: str) -> None:
        self._must_be(change, "open")
        start = self.git.branches().get(target)
        if start is None or target == change.source:
            raise Refused(f"no branch {target!r} that {change.source!r} could go into")
        event = self._event(change, "base_ref_changed", by, renamed=(change.target, target))
        change.target = target
        self.record_version(change, change.head, start, event.at)

    @atomic
    def close(self, number: int, *, by: str | None = None) -> None:
        """Close without merging."""
        change = self.change(number)
        self._must_be(change, "open")
        change.state = "closed"
        change.closed = self._event(change, "closed", by or change.author).at

    @atomic
    def reopen(self, number: int, *, by: str | None = None) -> None:
        """Take back a closing."""
        change = self.change(number)
        self._must_be(change, "closed")
        change.state, change.closed = "open", None
        self._event(change, "reopened", by or change.author)
