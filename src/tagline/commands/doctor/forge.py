"""What the doctor asks of a forge about one repository: token, guards, what rules read, owners, workflows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property

from tagline.commands.changes.context import ChangeContext
from tagline.commands.changes.labels import compared_labels
from tagline.commands.doctor.clone import workflows_of
from tagline.commands.doctor.questions import Question
from tagline.commands.ledger.reading import Source, read
from tagline.commands.manifest.snapshots import entries_of
from tagline.commands.setup.running import running
from tagline.domain.changes.changes import Change
from tagline.domain.changes.codeowners import LOCATIONS, MAX_CODEOWNERS, parse_codeowners
from tagline.domain.changes.policy import CODEOWNERS, POLICY_FILE, Policy
from tagline.domain.doctor.checks import Check, some
from tagline.domain.doctor.guards import judge_branch, judge_owners, judge_tag_guards
from tagline.domain.doctor.labels import judge_labels
from tagline.domain.doctor.tokens import Token, judge_statuses, judge_token
from tagline.domain.doctor.workflows import WORKFLOWS, judge_pipelines, scheduled
from tagline.formats.yaml.reading import MAX_BYTES
from tagline.ports.forge import Inspection
from tagline.ports.repository import Tree

_WEEK = 7 * 86_400
#: Seconds without a push after which a schedule on a public repository is soon switched off.
_QUIET = 45 * 86_400
_GITLAB_CI = ".gitlab-ci.yml"


class ForgeDoctor:
    """One repository on its forge. ``source`` is its ledger, ``now`` in unix seconds; nothing is written.

    ``workflow_token``: the token is known to be ``github.token``. ``withheld``: why a token that is there was not sent.
    ``options``: those by which a command on this machine finds this repository.
    """

    def __init__(
        self,
        context: ChangeContext,
        inspection: Inspection,
        source: Callable[[], Source],
        now: int,
        *,
        workflow_token: bool = False,
        withheld: str | None = None,
        options: str = "",
    ) -> None:
        self._workflow_token, self._withheld, self._options = workflow_token, withheld, options
        self._context = context
        self._forge = context.forge
        self._history = context.history
        self._inspection = inspection
        self._source = source
        self._now = now

    def questions(self) -> list[Question]:
        """All that is asked."""
        return [
            Question("token", lambda: judge_token(self._token, self._now, self._withheld)),
            Question("labels", self._labels),
            Question("statuses", lambda: [judge_statuses(self._token)]),
            Question("label-events", self._label_events),
            Question("approvals", self._approvals),
            Question("pushers", self._pushers),
            Question("teams", self._teams),
            Question("tag-guard", self._tag_guards),
            Question("direct-push", self._direct_pushes),
            Question("owners", self._owners),
            Question("workflows", self._pipelines),
            Question("workflows", self._workflows),
            Question("schedules", self._schedules),
        ]

    @cached_property
    def _token(self) -> Token:
        token = self._inspection.token()
        return replace(token, kind="workflow") if self._workflow_token else token

    @cached_property
    def _tree(self) -> Tree:
        return self._history.tree(self._history.tip())

    @cached_property
    def _policy(self) -> Policy:
        return self._context.policies.now()

    @cached_property
    def _artifacts(self) -> list[str]:
        return sorted(name for name, entry in entries_of(self._tree).items() if not self._policy.ignores(entry.file))

    @cached_property
    def _change(self) -> Change | None:
        """A change to try things with: an open one, or the last one of this week."""
        found = self._forge.open_changes()
        if not found:
            found = self._forge.merged_since(self._history.default_branch, self._now - _WEEK).changes
        return found[0] if found else None

    def _tried(self, name: str, what: str, read_it: Callable[[Change], object]) -> list[Check]:
        """Whether something can be read, shown by reading it of one change."""
        change = self._change
        if change is None:
            message = f"Whether this token may read {what} is tried with a change: none is open or of this week."
            return [Check(name, "unknown", message, "Open one, and ask the doctor again.")]
        read_it(change)
        return [Check(name, "ok", f"This token may read {what} (tried with change {change.number}).")]

    def _labels(self) -> Iterator[Check]:
        there = self._forge.offered_labels()
        wanted = compared_labels(self._context, there, per_artifact=False)
        yield from judge_labels(wanted, there, self._policy, self._artifacts, self._options)

    def _label_events(self) -> list[Check]:
        if not self._forge.attests_labels:
            message = "This token cannot read who put a label there: rules about the labeller are unknown."
            return [Check("label-events", "unknown", message, "GitLab: set TAGLINE_TOKEN to a project token.")]
        return self._tried("label-events", "who put a label there", self._forge.labels)

    def _approvals(self) -> list[Check]:
        return self._tried("approvals", "approvals", self._forge.reviews)

    def _pushers(self) -> list[Check]:
        return self._tried("pushers", "who pushed", lambda change: next(iter(self._forge.pushes(change)), None))

    def _teams(self) -> Iterator[Check]:
        """Every team and every person that the policy names."""
        names = sorted(_approvers(self._policy))
        lost = [name for name in names if not name.startswith("@") and not self._forge.may_write(name)]
        if lost:
            message = f"Approvals of {some(lost)} count for nothing: nobody who is called so may write here."
            yield Check(
                "teams", "warn", message, f"Correct the name in {POLICY_FILE}, or give that person write access."
            )
        for team in (name for name in names if name.startswith("@")):
            count = len(self._forge.members(team))
            if count:
                yield Check("teams", "ok", f"{team} has {count} member{'s' * (count != 1)}.")
            else:
                fix = f"Correct the name in {POLICY_FILE}."
                yield Check("teams", "fail", f"{team} has no members: nobody of it can approve.", fix)

    def _tag_guards(self) -> Iterator[Check]:
        names = self._artifacts or ["model"]
        guarded = {
            stage for name in names for stage in self._policy.stages(name) if self._policy.guards(name, stage)
        }  # fmt: skip
        if not guarded:
            return
        yield from judge_tag_guards(self._inspection.tag_rules(), guarded, names[0], self._forge.flavour)

    def _direct_pushes(self) -> Iterator[Check]:
        branch = self._history.default_branch
        if not branch:  # nothing was ever pushed
            return
        yield judge_branch(self._inspection.branch_guard(branch), branch)

    def _owners(self) -> Iterator[Check]:
        """Of the policy, of CODEOWNERS itself, and of what CI runs."""
        places = LOCATIONS[self._forge.flavour]
        found = self._tree.read_many(places, MAX_CODEOWNERS)
        place = next((place for place in places if place in found), None)
        if place is None:
            yield judge_owners(None, [], self._forge.flavour)
            return
        ci = [*workflows_of(self._tree)] if self._forge.flavour == "github" else [_GITLAB_CI]
        there = self._tree.objects([POLICY_FILE, _GITLAB_CI])
        files = [file for file in (POLICY_FILE, place, *ci) if file in there or file not in (POLICY_FILE, _GITLAB_CI)]
        read_ = parse_codeowners(found[place].decode(errors="replace"), self._forge.flavour)
        yield judge_owners(read_, files, self._forge.flavour)

    def _pipelines(self) -> Iterator[Check]:
        """Whether anything runs ``plan`` and ``promote``."""
        tree = self._tree
        starts = [*workflows_of(tree)] if self._forge.flavour == "github" else [_GITLAB_CI]

        def read_file(path: str) -> bytes | None:
            return tree.read_many([path], MAX_BYTES).get(path)

        found = [running(path, read_file, tree.paths) for path in starts]
        yield judge_pipelines(
            {name for one in found for name in one.commands}, {e for one in found for e in one.elsewhere}
        )

    def _workflows(self) -> Iterator[Check]:
        """GitHub refuses a tag on a commit whose workflows are nowhere now, to tokens that may not write workflows."""
        if self._forge.flavour != "github":
            return
        view = read(self._source(), None, refuse_moved=False)
        holders = {
            hold.commit: f"{state.name}#{stage}" for state in view.states() for stage, hold in state.stages.items()
        }
        if not holders:
            return
        self._history.prepare(list(holders))
        now = set(self._tree.files([WORKFLOWS]))
        # What was added since is no hindrance: only what lies there and is nowhere now.
        other = {
            name for commit, name in holders.items() if set(self._history.tree(commit).files([WORKFLOWS])) - now
        }  # fmt: skip
        if not other:
            yield Check(
                "workflows", "ok", "Every workflow at the commits of holders is on the default branch as it was."
            )
            return
        message = f"Workflows were edited since the version of {some(sorted(other))}: a rollback to it may be refused."
        may = self._token.writes_workflows
        fix = "Use an App with Workflows: write (docs/permissions.md, 'Past an edit of a workflow')."
        if may:
            yield Check("workflows", "ok", f"{message} This token may write workflows.")
        else:
            yield Check("workflows", "unknown" if may is None else "warn", message, fix)

    def _schedules(self) -> Iterator[Check]:
        schedules = self._inspection.schedules()
        if stopped := [name for name, is_on in schedules.items() if not is_on]:
            fix = "Switch it on again: GitHub in the Actions tab, GitLab under Build > Pipeline schedules."
            yield Check("schedules", "fail", f"Switched off: {some(stopped)}.", fix)
            return
        if self._forge.flavour != "github":
            if schedules:
                yield Check("schedules", "ok", "No pipeline schedule is switched off.")
                return
            message = (
                "There is no pipeline schedule: labels and approvals start no job on GitLab, so plan's word gets old."
            )
            fix = (
                "Add one under Build > Pipeline schedules: the default branch, every hour (docs/permissions.md#gitlab)."
            )
            yield Check("schedules", "warn", message, fix)
            return
        own = scheduled(workflows_of(self._tree))
        if not own:
            return
        tip = self._history.tip()
        last = self._history.facts(tip).committed_at
        if self._token.public and last < self._now - _QUIET:
            days = (self._now - last) // 86_400
            message = f"Nothing was pushed for {days} days; after 60 GitHub switches off the schedules of {some(own)}."
            yield Check("schedules", "warn", message, "Push something, or start the workflow by hand now and then.")
        else:
            yield Check("schedules", "ok", f"The schedules of {some(own)} are on.")


def _approvers(policy: Policy) -> set[str]:
    """Every person, team or group that may approve by name."""
    found: set[str] = set()
    for layer in policy.all_layers:
        for stage in layer.stages:
            rules = policy.rules(layer.glob, stage)
            if rules is not None and rules.approvals is not None:
                found |= {name for name in rules.approvals.people or () if name != CODEOWNERS}
    return found
