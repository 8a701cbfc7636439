"""How a forge may differ from what it mostly does: by lateness, by age, by what it leaves out."""

from __future__ import annotations

from dataclasses import dataclass, field

from tagline_localforge.late_refs import LateRefs


@dataclass
class Late:
    """What a forge does not know yet: the ``changes`` that merged last, in its next ``requests`` (inf: for good)."""

    requests: float = 0
    changes: int = 1

    def take(self) -> int:
        """How many changes are late in this request, which counts."""
        if self.requests <= 0:
            return 0
        self.requests -= 1
        return self.changes


@dataclass
class Switches:
    """The switches of one repository. As made, nothing is late and nothing is missing."""

    #: ``GET pulls`` and ``GET merge_requests`` leave the newest merges out.
    late_list: Late = field(default_factory=Late)
    #: ``GET commits/SHA/pulls`` and ``GET commits/SHA/merge_requests`` leave the newest merges out.
    late_commit_list: Late = field(default_factory=Late)
    #: ``merge_commit_sha`` (and GitLab's ``squash_commit_sha``) of the newest merges are null.
    late_merge_commit: Late = field(default_factory=Late)
    #: GitLab: the newest merges are ``locked``, which they are while Git merges; when and by whom is null.
    late_merged_state: Late = field(default_factory=Late)
    #: Git's listings of refs do not show yet what the newest pushes did.
    late_refs: LateRefs = field(default_factory=LateRefs)
    #: GitLab: ``merged_at`` is null though the state is ``merged``, as without metrics.
    no_merged_at: bool = False
    #: GitLab before gitlab!204605: approvals do not say when.
    no_approved_at: bool = False
    #: GitLab: ``user`` is null in ``approved_by``. No schema of GitLab's allows that; a double was seen to say it.
    no_approvers: bool = False
    #: GitLab: a fork's head is on no branch of the project, so a status of it that names no ref is a 404, as there.
    fork_heads_unknown: bool = True
    #: GitHub takes so many statuses of a commit and context, then answers 422.
    most_statuses: int = 1000
    #: So many comments are deleted by somebody just before they are edited, which then finds none.
    comments_vanish: int = 0
    #: GitHub says its refusal of workflows as one of a ruleset's, after GH013.
    workflows_by_ruleset: bool = False
