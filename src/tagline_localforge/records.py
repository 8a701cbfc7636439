"""What a forge remembers: people, tokens, and what happened to a change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tagline_localforge.merging import Merged

Role = Literal["none", "read", "triage", "write", "maintain", "admin"]
#: From the least to the most.
ROLES: tuple[Role, ...] = ("none", "read", "triage", "write", "maintain", "admin")
TokenKind = Literal["user", "actions", "app", "fork", "job"]
ReviewState = Literal["approved", "changes_requested", "commented", "dismissed"]
State = Literal["open", "closed", "merged"]


def at_least(role: Role, needed: Role) -> bool:
    """Whether ``role`` may do what ``needed`` may."""
    return ROLES.index(role) >= ROLES.index(needed)


@dataclass(frozen=True)
class Person:
    """An account: a user, a bot, or the organization that owns repositories."""

    id: int
    login: str
    kind: Literal["User", "Bot", "Organization"] = "User"

    @property
    def email(self) -> str:
        """The address by which commits are theirs."""
        return f"{self.login}@example.com"


@dataclass
class Team:
    """GitHub's team ``ORG/SLUG`` and GitLab's group of that full path."""

    id: int
    path: str
    members: list[str]


@dataclass(frozen=True)
class Token:
    """A secret and whom the forge takes its bearer for."""

    secret: str = field(repr=False)
    login: str
    kind: TokenKind
    #: Whether it may write workflows.
    workflows: bool = True
    #: What it may do where tokens have scopes; GitHub tells none of those that have permissions instead.
    scopes: tuple[str, ...] | None = None
    #: The day on which it ends (GitLab).
    expires: str | None = None


@dataclass
class Review:
    """A review. ``state`` becomes ``dismissed``; ``given`` is what it was."""

    id: int
    login: str
    state: ReviewState
    given: ReviewState
    body: str
    commit: str
    at: float
    #: GitLab's way: an approval taken back leaves no review behind.
    withdrawn: bool = False


@dataclass
class Comment:
    """A comment or note."""

    id: int
    login: str
    body: str
    created: float
    updated: float


@dataclass(frozen=True)
class Event:
    """One line of a change's timeline, under GitHub's name for it."""

    id: int
    kind: str
    login: str
    at: float
    label: str = ""
    #: The label's own, by which GitLab tells what it is called now.
    label_id: int = 0
    commit: str | None = None
    review: Review | None = None
    comment: Comment | None = None
    message: str = ""
    #: From what to what: a title, or the branch that the change goes into.
    renamed: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Status:
    """A commit status, its state in the words of the forge that was asked."""

    id: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    login: str
    at: float
    #: GitLab's: the branch or tag that it is told of, and the pipeline that it is in.
    ref: str = ""
    pipeline: int = 0


@dataclass(frozen=True)
class Workflow:
    """A workflow ``.github/workflows/FILE``: whether it may be dispatched, and the tags whose push starts it."""

    id: int
    file: str
    dispatch: bool
    tags: tuple[str, ...]
    created: float
    #: The events of a repository_dispatch that it listens to, and the word of one's payload that is its run-name.
    types: tuple[str, ...] = ()
    named_by: str | None = None
    #: The inputs that a dispatch may give it.
    inputs: tuple[str, ...] = ()

    def title(self, event: str, payload: dict[str, Any]) -> str:
        """What GitHub calls a run: by its run-name, else as the event."""
        return f"deploy {payload[self.named_by]}" if self.named_by else event

    @property
    def path(self) -> str:
        """Where the file lies."""
        return f".github/workflows/{self.file}"


@dataclass
class Attempt:
    """A run as somebody started it: the first time, or once more. ``ended`` is None while it goes on."""

    login: str
    started: float
    ended: float | None = None


@dataclass
class Run:
    """A run of a workflow on a branch or tag; on GitLab a pipeline of one job."""

    id: int
    number: int
    workflow: Workflow
    event: str
    ref: str
    sha: str
    login: str
    at: float
    attempts: list[Attempt] = field(default_factory=list)
    #: What it was given.
    variables: dict[str, str] = field(default_factory=dict)
    #: How it ended.
    succeeded: bool = True
    #: What it is called, where that is not its file.
    title: str = ""

    @property
    def name(self) -> str:
        """The branch's or tag's own name."""
        return self.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")

    @property
    def updated(self) -> float:
        """When something last happened to it."""
        return self.attempts[-1].ended or self.attempts[-1].started


@dataclass(frozen=True)
class DeploymentStatus:
    """How far a deployment is, in GitHub's words, as somebody said it."""

    id: int
    state: str
    login: str
    at: float
    description: str = ""
    log_url: str = ""
    environment_url: str = ""


@dataclass
class Deployment:
    """A deployment; on GitLab ``state`` is its status. ``payload`` is whatever it was given."""

    id: int
    number: int
    environment: str
    ref: str
    sha: str
    login: str
    at: float
    tag: bool = False
    task: str = "deploy"
    description: str | None = None
    payload: Any = ""
    state: str = ""
    updated: float = 0.0
    #: The oldest first.
    statuses: list[DeploymentStatus] = field(default_factory=list)


PushKind = Literal["push", "force_push", "branch_creation", "branch_deletion", "pr_merge", "merge_queue_merge"]
#: What stands for no commit where a branch is made or taken away.
NO_COMMIT = "0" * 40


@dataclass(frozen=True)
class Push:
    """What the forge noted of a push to a branch; ``login`` is None where it names nobody.

    ``branches`` above 1: so many branches came by one push, of which GitLab names none.
    """

    id: int
    kind: PushKind
    branch: str
    before: str
    after: str
    login: str | None
    at: float
    branches: int = 1


@dataclass(frozen=True)
class Version:
    """A change after a push: GitLab's merge request version. ``start`` was the target's tip then."""

    id: int
    head: str
    base: str
    start: str
    at: float


@dataclass
class Change:
    """A pull request or merge request."""

    id: int
    number: int
    author: str
    source: str
    target: str
    title: str
    body: str
    draft: bool
    #: Full name of the repository that the source branch is said to lie in, if it is a fork.
    fork: str | None
    created: float
    updated: float
    state: State = "open"
    closed: float | None = None
    #: Who merged it, when, and what that made.
    merged_by: str | None = None
    merged_at: float | None = None
    merged: Merged | None = None
    #: Only those who belong here may comment.
    locked: bool = False
    labels: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)

    @property
    def latest(self) -> Version:
        """Where the change stands since its last push."""
        return self.versions[-1]

    @property
    def head(self) -> str:
        """The commit that is proposed."""
        return self.versions[-1].head

    def approvals(self) -> list[Review]:
        """The standing approvals: a person's last deciding review, if it approves."""
        deciding = [r for r in self.reviews if r.given != "commented" and not r.withdrawn]
        last = {review.login: review for review in deciding}
        return [review for review in last.values() if review.state == "approved"]
