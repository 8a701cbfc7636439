"""What people say of a change: labels, reviews, comments; each is an event of its timeline."""

from __future__ import annotations

from tagline_localforge.records import Change, Comment, Event, Review, ReviewState
from tagline_localforge.state import NotThere, RepositoryState, atomic


class Discussion(RepositoryState):
    """A repository whose changes are talked about."""

    def _event(
        self,
        change: Change,
        kind: str,
        by: str,
        *,
        at: float | None = None,
        label: str = "",
        commit: str | None = None,
        review: Review | None = None,
        comment: Comment | None = None,
        message: str = "",
        renamed: tuple[str, str] = ("", ""),
    ) -> Event:
        now = self.forge.clock() if at is None else at
        login = self.forge.person(by).login
        number = self.label_id(label) if label else 0
        event = Event(self.forge.next_id(), kind, login, now, label, number, commit, review, comment, message, renamed)
        change.events.append(event)
        change.updated = now
        return event

    @atomic
    def label(self, number: int, name: str, *, by: str) -> None:
        """Put a label on; a second time changes nothing."""
        change = self.change(number)
        if name not in change.labels:
            self._event(change, "labeled", by, label=name)
            change.labels.append(name)

    @atomic
    def unlabel(self, number: int, name: str, *, by: str) -> None:
        """Take a label off."""
        change = self.change(number)
        if name not in change.labels:
            raise NotThere(f"no label {name!r}")
        self._event(change, "unlabeled", by, label=name)
        change.labels.remove(name)

    @atomic
    def rename_label(self, old: str, new: str) -> None:
        """Call a label of the repository otherwise, on every change that has it. GitHub's events keep the old name."""
        self._labels[new] = self._labels.pop(old)
        for change in self._by_number.values():
            change.labels = [new if name == old else name for name in change.labels]

    @atomic
    def delete_label(self, name: str) -> None:
        """Take a label from the repository and all changes. GitHub's events keep its name, GitLab's have null."""
        del self._labels[name]
        for change in self._by_number.values():
            change.labels = [other for other in change.labels if other != name]

    @atomic
    def lock(self, number: int, *, locked: bool = True) -> None:
        """Let only those comment who belong here: on GitHub people who may write and no App, on GitLab members."""
        self.change(number).locked = locked

    @atomic
    def review(self, number: int, *, by: str, state: ReviewState = "approved", body: str = "") -> Review:
        """Review the current head."""
        change = self.change(number)
        now, login = self.forge.clock(), self.forge.person(by).login
        review = Review(self.forge.next_id(), login, state, state, body, change.head, now)
        change.reviews.append(review)
        self._event(change, "reviewed", by, at=now, review=review)
        return review

    @atomic
    def dismiss(self, number: int, review_id: int, *, by: str, message: str = "") -> None:
        """Dismiss somebody's review."""
        change = self.change(number)
        review = next((each for each in change.reviews if each.id == review_id), None)
        if review is None:
            raise NotThere(f"no review {review_id}")
        review.state = "dismissed"
        self._event(change, "review_dismissed", by, review=review, message=message)

    def approve(self, number: int, *, by: str) -> Review:
        """GitLab's approval: an approving review."""
        return self.review(number, by=by, state="approved")

    @atomic
    def unapprove(self, number: int, *, by: str) -> None:
        """Take one's approval back."""
        change = self.change(number)
        standing = [review for review in change.approvals() if review.login == by]
        if not standing:
            raise NotThere(f"{by} has not approved")
        for review in change.reviews:
            review.withdrawn = review.withdrawn or (review.login == by and review.given == "approved")
        self._event(change, "unapproved", by)

    @atomic
    def comment(self, number: int, *, by: str, body: str) -> Comment:
        """Say something."""
        change = self.change(number)
        now = self.forge.clock()
        comment = Comment(self.forge.next_id(), self.forge.person(by).login, body, now, now)
        change.comments.append(comment)
        self._event(change, "commented", by, at=now, comment=comment)
        return comment

    @atomic
    def edit_comment(self, comment_id: int, body: str) -> Comment:
        """Say it otherwise."""
        change, comment = self.find_comment(comment_id)
        comment.body = body
        comment.updated = change.updated = self.forge.clock()
        return comment

    @atomic
    def comment_vanishes(self, comment_id: int) -> bool:
        """Whether somebody deletes a comment just before it is edited, which then is done."""
        if self.switches.comments_vanish <= 0:
            return False
        self.switches.comments_vanish -= 1
        self.delete_comment(comment_id)
        return True

    @atomic
    def delete_comment(self, comment_id: int) -> None:
        """Unsay it; it leaves the timeline too."""
        change, comment = self.find_comment(comment_id)
        change.comments.remove(comment)
        change.events = [event for event in change.events if event.comment is not comment]
        change.updated = self.forge.clock()
