"""One intent against one state of its artifact: which version, which rules, which tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tagline.domain.changes.approvals import Judged, Subject, judge
from tagline.domain.changes.approved import Approved
from tagline.domain.changes.as_landed import holds_since, versions_since
from tagline.domain.changes.asks import LATEST, THIS, Action
from tagline.domain.changes.changes import Review, Unknown
from tagline.domain.changes.conditions import judge_after, judge_freeze, judge_gate
from tagline.domain.changes.intents import Intent, is_bump
from tagline.domain.changes.origins import judge_floor, other_stage, with_origin
from tagline.domain.changes.overriding import Override, judge_override, pass_over
from tagline.domain.changes.policy import ApprovalRule, Policy, StageRules
from tagline.domain.changes.steps import Facts, Step
from tagline.domain.changes.stops import either, judge_late_stop, judge_stop, why_held, why_lifted
from tagline.domain.changes.tickets import judge_tickets
from tagline.domain.changes.trailers import approval, content_of, trailers
from tagline.domain.changes.verdicts import Verdict
from tagline.domain.ledger import messages
from tagline.domain.ledger.answers import require_version
from tagline.domain.ledger.events import RawTag
from tagline.domain.ledger.planning import (
    Plan,
    plan_assign,
    plan_deprecate,
    plan_lift,
    plan_register,
    plan_rollback,
    plan_unassign,
    version_at,
)
from tagline.domain.ledger.registry import ArtifactState, Hold, VersionState
from tagline.domain.ledger.rollback import require_held, rollback_target, rollbacks_among
from tagline.domain.ledger.versions import BUMPS
from tagline.domain.manifest.metrics import Metrics
from tagline.domain.mlflow.runs import alias_trouble, lost_alias
from tagline.errors import Refused, TaglineError


def rules_of(intent: Intent, state: ArtifactState, policy: Policy) -> list[tuple[str, StageRules]]:
    """The stages whose rules an intent meets: its own; for a deprecation every stage that the artifact holds."""
    if intent.action is Action.REGISTER:
        return []
    stages = [intent.stage] if intent.stage else sorted(state.stages)
    found = ((stage, policy.rules(intent.artifact, stage)) for stage in stages)
    return [(stage, rules) for stage, rules in found if rules is not None]


class Decision:
    """One intent against its artifact: judged by ``then``, what it was when the change landed; written onto ``state``.

    Before the merge both are the same. What was refused then stays refused, whatever came since; what came since may
    stand in the way of more.
    """

    def __init__(
        self,
        state: ArtifactState,
        then: ArtifactState,
        raw: Mapping[str, RawTag],
        intent: Intent,
        siblings: Sequence[Intent],
        facts: Facts,
        policy: Policy,
    ) -> None:
        self.state = state
        self.then = then
        self.raw = raw
        self.intent = intent
        self.siblings = siblings
        self.facts = facts
        self.policy = policy
        self._judged: list[Judged] = []
        self._overrides = False

    def step(self) -> Step:
        """Plan it, judge it, and name whatever stands against it."""
        before = held_before(self.state, self.intent.stage)
        try:
            self._refuse_unlisted()
            version = self._version()
            verdicts = [*self._override(), *self._verdicts(version)]
            plan = self._plan(self.then, version, before)
            stopped = judge_stop(self.intent, self.then, plan, self.policy.label_prefix)
            if plan.new and self.state is not self.then:
                # The version's row of now: it may be gone.
                now = version and require_version(self.state, version.version)
                plan = self._plan(self.state, now, before)
                stopped = either(stopped, judge_stop(self.intent, self.state, plan, self.policy.label_prefix))
            verdicts, override = self._passed([*verdicts, *stopped])
            verdicts = [*judge_late_stop(self.intent, self.state, self.then), *verdicts]
        except TaglineError as error:
            verdict = Verdict(error.code, "refused", error.message, error.hint)
            return Step(self.intent, None, before, verdicts=(verdict,))
        row = plan.rows[-1] if plan.rows else None
        stop = self.state.stops.get(self.intent.stage or "")
        return Step(
            self.intent,
            row.version if row else version.version if version else None,
            before,
            tuple(plan.rows),
            tuple(plan.new),
            tuple(verdicts) if plan.new else (),
            tuple(pair for judged in self._judged for pair in judged.others),
            tuple(approval(review) for review in self._counted()),
            self._drift() if plan.new else (),
            note=plan.note,
            stop=stop,
            override=override if plan.new else None,
        )

    def _override(self) -> list[Verdict]:
        """Whether the rules about people and time may be passed over, where that is asked for."""
        reason = self.intent.override
        if reason is None:
            return []
        rules = self.policy.rules(self.intent.artifact, self.intent.stage or "")
        allowed = rules.overriders if rules is not None else ()
        verdict = judge_override(allowed, self.facts.people, self.facts.change.author, reason, self.intent.lifters)
        self._overrides = verdict.state == "ok"
        return [with_origin(verdict, self.policy, self.intent.artifact, self.intent.stage or "")]

    def _passed(self, verdicts: list[Verdict]) -> tuple[list[Verdict], Override | None]:
        if not self._overrides:
            return verdicts, None
        after, passed = pass_over(verdicts)
        return after, Override(self.facts.change.author, self.intent.override or "", passed)

    def _refuse_unlisted(self) -> None:
        stage, artifact = self.intent.stage, self.intent.artifact
        if stage and self.intent.action is not Action.UNASSIGN and self.policy.refuses(artifact, stage):
            raise other_stage(self.policy, artifact, stage)

    # -- which version --------------------------------------------------------

    def _version(self) -> VersionState | None:
        """The version that a stage is to go to; None for what needs none."""
        state, intent = self.then, self.intent
        if intent.action in (Action.ROLLBACK, Action.UNASSIGN):
            self._refuse_moved(intent.stage or "")
        if intent.action is Action.ROLLBACK:
            require_held(state, intent.stage or "", intent.leaves)
            target = rollback_target(state, intent.stage or "", rollbacks_among(self.raw))
            return state.version(target) if target else None
        if intent.action is not Action.ASSIGN:
            return None
        if intent.which == THIS:
            return self._this(intent.stage or "")
        if intent.which in (LATEST, None):
            if state.latest is None:
                raise Refused(
                    f"{state.name} has no active version that could hold {intent.stage}.",
                    f"Register one: the label {self._label(f'version:{state.name}@minor')}.",
                    code="stage-without-version",
                )
            return state.latest
        return require_version(state, intent.which)

    def _refuse_moved(self, stage: str) -> None:
        """What is to be taken from the holder of then is not taken from a later one."""
        current = self.then.stages.get(stage)
        held = holds_since(self.state, self.then, stage)
        moved = next((hold for hold in held if current is None or hold.opened_by != current.opened_by), None)
        if moved is not None:
            raise Refused(
                f"{self.state.name}#{stage} went to {_held(moved)} ({moved.tag}) after this change was merged.",
                "Ask again in a new change.",
                code="superseded",
            )

    def _this(self, stage: str) -> VersionState:
        """The version of this very change. Raises Refused where it has none, or the stage moved past it."""
        try:
            row = version_at(self.then, self.facts.commit, stage)
        except Refused as error:
            raise Refused(
                f"This change registers no version of {self.state.name}, and its commit has none.",
                f"Add {self._label('version:minor')} (or {self._label(f'version:{self.state.name}@minor')}), "
                f"or name an older version: {self._label(f'stage:{self.state.name}@VERSION#{stage}')}",
                code="stage-without-version",
            ) from error
        # What nobody can tell is not taken for a yes: a stage never goes back unasked.
        newer = (hold for hold in holds_since(self.state, self.then, stage) if hold.commit != row.commit)
        hold = next((hold for hold in newer if self.facts.newer.get(hold.commit, False) is not False), None)
        if hold is not None:
            went = "is at" if hold.until is None else "was meanwhile at"
            raise Refused(
                f"{self.state.name}#{stage} {went} {_held(hold)} ({hold.commit[:7]}), which is newer than this change.",
                "To go back all the same, name the version: "
                + self._label(f"stage:{self.state.name}@{row.version}#{stage}"),
                code="superseded",
            )
        return row

    def _label(self, words: str) -> str:
        """A label as it is written here."""
        return self.policy.label_prefix + words

    # -- the rules ------------------------------------------------------------

    def _verdicts(self, version: VersionState | None) -> list[Verdict]:
        """What the policy says of it. A rollback, and a lift that moves nothing, are exempt from all but approvals."""
        verdicts: list[Verdict] = []
        for stage, rules in rules_of(self.intent, self.then, self.policy):
            found = self._stage_verdicts(stage, rules, version)
            verdicts += [with_origin(one, self.policy, self.intent.artifact, stage) for one in found]
        whole = self._stored(version) + self._reproduced(version) + self._mlflow(version)
        return [*verdicts, *(with_origin(one, self.policy, "", "") for one in whole)]

    def _stage_verdicts(self, stage: str, rules: StageRules, version: VersionState | None) -> list[Verdict]:
        verdicts = judge_floor(self.policy, self.intent.artifact, stage) + judge_tickets(rules.tickets, self.intent)
        if self.intent.action is Action.ASSIGN:
            name, prefix = version.version if version else None, self.policy.label_prefix
            is_new = self._is_new(version)
            verdicts += judge_after(rules, self.then, name, self.facts.judged_at, prefix, is_new=is_new)
            verdicts += self._gates(rules, version)
        if self.intent.action not in (Action.ROLLBACK, Action.LIFT):
            verdicts += judge_freeze(rules, self.facts.judged_at, self.facts.now)
        if rules.approvals is not None:
            refuse_drift = self.policy.refuses_drift(rules)
            judged = self._approvals(rules.approvals, version, refuse_drift=refuse_drift)
            self._judged.append(judged)
            verdicts += self._behind(version, refuse_drift=refuse_drift)
            of = "" if stage == self.intent.stage else f"{stage}: "
            verdicts.append(judged.verdict._replace(message=of + judged.verdict.message))
        return verdicts

    def _behind(self, version: VersionState | None, *, refuse_drift: bool) -> list[Verdict]:
        words = Approved(self.intent, self.siblings, self.then, self.raw, self.facts).behind(version)
        if words is None:
            return []
        fix = "Update the branch, look at what came, and approve again."
        return [Verdict("branch-behind", "waiting" if refuse_drift else "ok", f"{words}.", fix)]

    def _approvals(self, rule: ApprovalRule, version: VersionState | None, *, refuse_drift: bool) -> Judged:
        approved = Approved(self.intent, self.siblings, self.then, self.raw, self.facts)

        def covers(review: Review) -> str | Unknown | None:
            return approved.why_not(review, version)

        return judge(rule, self.facts.people, self._subject(version), covers, refuse_drift=refuse_drift)

    def _mlflow(self, version: VersionState | None) -> list[Verdict]:
        """What MLflow says of the run behind the version, and whether the stage can have an alias there."""
        registers = self.intent.action is Action.REGISTER
        commit = self.facts.commit if registers else version.commit if version else ""
        found = self.facts.mlflow.get((self.intent.artifact, commit))
        stage = self.intent.stage or ""
        held = self.facts.held_models.get((self.intent.artifact, stage))
        sentence = lost_alias(stage, held, found.model if found else None, version.version if version else None)
        lost = [Verdict("mlflow", "ok", sentence)] if sentence else []
        if found is None:
            return lost
        stage = stage if found.model else ""
        named = {sibling.stage for sibling in self.siblings} - {None}
        stages = {*self.then.stages, *self.policy.stages(self.intent.artifact), *map(str, named)}
        trouble = alias_trouble(stage, stages) if stage else ""
        fix = "Rename one of the stages: MLflow's aliases have no slash, and keep latest and v1, v2, ... for versions."
        if stage and not trouble and found.shared:
            trouble, fix = found.shared, "Name a registered model of its own for each artifact."
        # The way back is open whatever became of old runs.
        verdict = found.verdict._replace(state="ok") if self.intent.action is Action.ROLLBACK else found.verdict
        return [verdict, *lost, *([Verdict("mlflow-alias", "refused", trouble, fix)] if trouble else [])]

    def _stored(self, version: VersionState | None) -> list[Verdict]:
        """Whether the bytes are there that a version is to name, or a stage to serve: of a rollback too."""
        commit = version.commit if version else None
        if self.intent.action is Action.REGISTER:
            commit = self.facts.commit
        elif self.intent.action not in (Action.ASSIGN, Action.ROLLBACK):
            return []
        found = self.facts.stored.get((self.intent.artifact, commit or ""))
        if self.intent.action is Action.REGISTER and (self.intent.artifact, commit) in self.facts.placeless:
            # Its bytes may be kept by other means; a stage would serve them.
            return [found._replace(state="ok", fix="")] if found is not None else []
        return [found] if found is not None else []

    def _reproduced(self, version: VersionState | None) -> list[Verdict]:
        """Whether the pipeline behind a version was run again. The way back is open whatever an old one was made of."""
        if self.intent.action not in (Action.REGISTER, Action.ASSIGN):
            return []
        commit = version.commit if version else self.facts.commit
        found = self.facts.reproduced.get((self.intent.artifact, commit))
        return [found] if found is not None else []

    def _gates(self, rules: StageRules, version: VersionState | None) -> list[Verdict]:
        proposed = self._metrics(version.commit if version else self.facts.commit)
        verdicts = []
        for gate in rules.gates:
            hold = self.then.stages.get(gate.not_worse_than or "")
            held = None if hold is None else self._metrics(hold.commit)
            verdicts.append(judge_gate(gate, proposed, held, _held(hold) if hold else None))
        return verdicts

    def _metrics(self, commit: str) -> Metrics:
        return self.facts.metrics.get((self.intent.artifact, commit), "no metrics were read.")

    def _is_new(self, version: VersionState | None) -> bool:
        """Whether this very change registers the version."""
        registers = any(sibling.action is Action.REGISTER for sibling in self.siblings)
        return registers and version is not None and version.commit == self.facts.commit

    def _subject(self, version: VersionState | None) -> Subject:
        """What an approval must cover: the request for the stage, and the one for the version behind it."""
        asks = [*self.intent.asks]
        if self._is_new(version):
            siblings = (i for i in self.siblings if i.action is Action.REGISTER)
            asks += (ask for sibling in siblings for ask in sibling.asks)
        times = [ask.at for ask in asks]
        known = [at for at in times if at is not None]
        names = [ask.by for ask in asks]
        change = self.facts.change
        return Subject(
            author=change.author,
            head=change.head,
            requesters=None if None in names else frozenset(name.casefold() for name in names if name),
            requested_at=None if len(known) < len(times) else max(known),
            owners=self._owners(),
        )

    def _owners(self) -> tuple[str, ...]:
        """A request file is owned as a file; what a label asks for is owned as the artifact is."""
        files = [ask.file for ask in self.intent.asks if ask.file]
        if files:
            owners = (owner for file in files for owner in self.facts.file_owners.get(file, ()))
            return tuple(dict.fromkeys(owners))
        return self.facts.owners.get(self.intent.artifact, ())

    def _drift(self) -> tuple[str, ...]:
        intent = self.intent
        what = f"{intent.artifact}#{intent.stage}" if intent.stage else intent.artifact
        return tuple(f"{what}: {words}" for judged in self._judged for words in judged.drift)

    def _counted(self) -> list[Review]:
        return list({review.by.casefold(): review for judged in self._judged for review in judged.counted}.values())

    # -- the tags -------------------------------------------------------------

    def _plan(self, state: ArtifactState, version: VersionState | None, before: str | None) -> Plan:
        intent, now = self.intent, self.facts.now
        stage = intent.stage or ""
        said = self._trailers(version)
        match intent.action:
            case Action.REGISTER:
                return self._register(state, said)
            case Action.ASSIGN:
                assert version is not None  # noqa: S101 - _version() gave one or raised
                lift = why_lifted(intent, self.facts.change.url) if intent.lifts else None
                stop = state.stops.get(stage)
                past = [(messages.HOLD_PASSED, stop.tag)] if self._overrides and stop and not intent.lifts else []
                return plan_assign(state, stage, version, now, [*said, *past], lift=lift)
            case Action.ROLLBACK:
                target = version.version if version else None
                holds = self.policy.holds_rollbacks(intent.artifact, stage)
                stop_reason = why_held(intent, before) if holds else None
                return plan_rollback(state, stage, now, target=target, stop=stop_reason, trailers=said)
            case Action.UNASSIGN:
                previous = [(messages.PREVIOUS, before or "")]
                return plan_unassign(state, stage, None, now, [*previous, *said])
            case Action.LIFT:
                return plan_lift(state, stage, now, why_lifted(intent, self.facts.change.url), said)
            case Action.DEPRECATE:
                return plan_deprecate(state, now, said)

    def _trailers(self, version: VersionState | None) -> list[tuple[str, str]]:
        content = content_of(self.intent, self.facts, self.raw, version)
        override = self.intent.override if self._overrides else None
        return trailers(self.intent, self.facts, self.policy.digest, self._counted(), content, override)

    def _register(self, state: ArtifactState, said: list[tuple[str, str]]) -> Plan:
        which = self.intent.which
        if not is_bump(which):
            return plan_register(state, self.facts.commit, self.facts.now, version=which, trailers=said)
        bump = next(bump for bump in BUMPS if bump == which)
        plan = plan_register(state, self.facts.commit, self.facts.now, bump=bump, trailers=said)
        rows = versions_since(state, self.then) if plan.new else []
        latest = next((row for row in rows if self.facts.newer.get(row.commit, False) is not False), None)
        if latest is not None:
            raise Refused(
                f"{latest.version} of {state.name} is registered at {latest.commit[:7]}, which is newer than this "
                "change: the next number would name older bytes.",
                f"Name a version of your own: {self._label(f'version:{state.name}@vX.Y.Z')}, in a new change.",
                code="superseded",
            )
        return plan


def held_before(state: ArtifactState, stage: str | None) -> str | None:
    """What holds a stage, or for none the latest version; None for nothing."""
    if stage is None:
        return state.latest.version if state.latest else None
    hold = state.stages.get(stage)
    return _held(hold) if hold else None


def _held(hold: Hold) -> str:
    return hold.version or hold.commit[:7]
