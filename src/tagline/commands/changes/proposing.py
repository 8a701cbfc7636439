"""``tagline propose``: opens the change that asks for a promotion or a rollback. It decides and merges nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tagline.commands.ledger.reading import Source, View, present, read
from tagline.domain.changes.origins import other_stage
from tagline.domain.changes.policy import Policy
from tagline.domain.changes.tickets import is_ticket
from tagline.domain.delivery.proposals import Asked, Proposal, Proposed, Request, place, request_file
from tagline.domain.ledger.answers import require_holder, require_version
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.planning import check_names
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.rollback import require_held, rollback_target, rollbacks_among
from tagline.domain.ledger.targets import LATEST
from tagline.domain.ledger.versions import is_version
from tagline.errors import NotFound, Refused, TaglineError, WrongUsage
from tagline.ports.clock import Clock
from tagline.ports.delivery import BranchTaken, Proposer

#: What the change says: its title and its text. By what is asked, who started the run that asks, and its page.
Compose = Callable[[Request, str | None, str | None], tuple[str, str]]
#: Names of changes that ask for the same: each used by one that was merged or closed, or taken by a branch.
_MOST = 50


@dataclass(frozen=True)
class Proposing:
    """What the command works with.

    ``starter`` says who started this run, as the forge does; None where no run of a forge executes us. ``stages`` are
    those that ``.gto`` allows, None for any. ``run_url`` is the run's page.
    """

    source: Callable[[], Source]
    clock: Clock
    policy: Callable[[], Policy]
    stages: Callable[[], Sequence[str] | None]
    proposer: Callable[[], Proposer]
    starter: Callable[[], str | None] | None
    run_url: str | None
    write: Compose


def checked(request: Request) -> Request:
    """The request, if it can be one. Raises WrongUsage."""
    check_names(request.artifact, request.stage)
    if not is_version(request.version) and not (request.version == LATEST and request.kind == "promote"):
        what = "v1.2.3 or latest" if request.kind == "promote" else "the version that holds the stage, such as v1.2.3"
        raise WrongUsage(f"{request.version[:50]!r} is no version.", f"Write {what}.", code="bad-request")
    for name, text in (("reason", request.reason), ("ticket", request.ticket)):
        if text is not None and len(text) > _LONGEST_TEXT:
            raise WrongUsage(
                f"The {name} has {len(text):,} characters.", f"At most {_LONGEST_TEXT}; link to the rest.",
                code="bad-request",
            )  # fmt: skip
    reason, ticket = ((text or "").strip() or None for text in (request.reason, request.ticket))
    if ticket is not None and not is_ticket(ticket):
        raise WrongUsage(f"{ticket[:50]!r} is no ticket.", "Write it without blanks: RISK-12.", code="bad-request")
    return request._replace(reason=reason, ticket=ticket)


_LONGEST_TEXT = 1000


def propose(context: Proposing, request: Request, *, dry_run: bool = False) -> Asked:
    """Open the change that asks for this, or find the one that is open already.

    Raises NotFound for what the ledger has not, Refused for what no change could give, PlatformRefused.
    """
    request = checked(request)
    # In a clone too the tags are those of the remote, to which the request goes.
    view = read(context.source()._replace(fresh=True), [request.artifact], details=True)
    with view.or_incomplete():
        state = present(view, request.artifact, None, deprecated=False)
        request, why = _meant(state, view, request)
    warnings = [*view.warnings(state, int(context.clock.now())), *_stage(context, request)]
    if why is not None:
        return Asked(request, why=why, dry_run=dry_run, warnings=tuple(warnings))
    requester, odd = _requester(context)
    asked = Asked(request, requester=requester, dry_run=dry_run, warnings=(*warnings, *odd))
    return _opened(context, asked)


def _meant(state: ArtifactState, view: View, request: Request) -> tuple[Request, str | None]:
    """The request with its version's own name; and why there is nothing to ask, where there is not."""
    artifact, stage = request.artifact, request.stage
    if request.kind == "rollback":
        require_version(state, request.version)
        require_holder(state, stage)
        require_held(state, stage, [request.version])
        if rollback_target(state, stage, rollbacks_among(view.raw)) is None:
            raise NotFound(
                f"No active version held {artifact}#{stage} before {request.version}.",
                f"Ask for a version by its name: tagline propose {artifact} v1.2.3 {stage}",
                code="nothing-to-roll-back-to",
            )
        return request, None
    if request.version == LATEST:
        if state.latest is None:
            raise NotFound(
                f"{artifact} has no active version.", "Register one first: a change with the label version:minor.",
                code="no-version",
            )  # fmt: skip
        request = request._replace(version=state.latest.version)
    row = require_version(state, request.version)
    if not row.active:
        raise Refused(
            f"{artifact} {row.version} was deregistered: it is withdrawn.", "Ask for another version.",
            code="deregistered",
        )  # fmt: skip
    hold = state.stages.get(stage)
    if hold is not None and hold.version == row.version:
        return request, f"{artifact} {row.version} holds {stage} already ({hold.tag})."
    return request, None


def _stage(context: Proposing, request: Request) -> list[Warn]:
    """Raises Refused for a stage that the rules of the default branch allow nobody; says where these are unread."""
    if request.kind == "promote":
        check_names(request.artifact, request.stage, stages=context.stages())
    try:
        policy = context.policy()
    except TaglineError as error:
        return [Warn("policy-not-read", None, error.message)]
    if policy.findings:
        first = policy.findings[0]
        message = (
            f"The policy cannot be read, line {first.line}: {first.message} Until it is mended nothing is promoted."
        )
        return [Warn("policy-not-read", None, message)]
    if request.kind == "promote" and policy.refuses(request.artifact, request.stage):
        raise other_stage(policy, request.artifact, request.stage)
    return []


def _requester(context: Proposing) -> tuple[str | None, list[Warn]]:
    """Who asks, where a run does it for them: by the forge's word alone, since variables are whatever people set."""
    if context.starter is None:
        return None, []
    try:
        found = context.starter()
    except TaglineError as error:
        found, why = None, error.message
    else:
        why = "The forge names nobody."
    if found is not None:
        return found, []
    return None, [Warn("starter-unknown", None, f"Who started this run is not known: {why}")]


def _opened(context: Proposing, asked: Asked) -> Asked:
    """Look for an open change, and open one where none is: under the first name that no earlier change has used."""
    proposer, by_run = context.proposer(), context.starter is not None
    title, body = context.write(asked.request, asked.requester, context.run_url)
    content = request_file(asked.request, asked.requester)
    for number in range(1, _MOST + 1):
        standing: Proposed | None = None
        for whose in (by_run, not by_run):
            branch, path = place(asked.request, number, by_run=whose)
            found = proposer.find(branch)
            if found is not None and found.open:
                return replace(asked, change=found, branch=branch, path=path)
            standing = standing or found
        if standing is not None:
            continue
        branch, path = place(asked.request, number, by_run=by_run)
        asked = replace(asked, branch=branch, path=path, content=content)
        if asked.dry_run:
            return asked
        try:
            change = proposer.propose(Proposal(branch, path, content, title, body))
        except BranchTaken as taken:
            asked = replace(asked, warnings=(*asked.warnings, Warn("branch-taken", None, taken.message)))
            continue
        if change.open:
            return replace(asked, change=change)
    raise Refused(
        f"{_MOST} names for this are used: by changes that are not open any more, or by branches of others.",
        "Ask by a request file of another name, in a change of your own.",
        code="asked-too-often",
    )
