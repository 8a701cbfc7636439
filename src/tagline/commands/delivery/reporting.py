"""``tagline deployed``: the deployment's own step. It checks what was deployed against the ledger, and says so.

The report is written down first, where ``show --deployed`` reads it; then the forge is told, then receivers. Each of
these is done once whatever is run again, and what cannot be done stops nothing that comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tagline.commands.delivery.notebook import Notebook
from tagline.commands.delivery.telling import tell
from tagline.commands.ledger.reading import Source
from tagline.commands.storage.asking import location_of
from tagline.commands.storage.locating import StorageContext
from tagline.commands.storage.resolve import Found, Wanted, look_up, place_of
from tagline.domain.changes.policy import Policy, StageRules
from tagline.domain.delivery.book import Report
from tagline.domain.delivery.deployments import Announcement, Reported, State, knows
from tagline.domain.delivery.events import reported
from tagline.domain.delivery.proposals import Proposal, rollback_place, rollback_request
from tagline.domain.delivery.targets import environment_of
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.tags import EventKind, parse_tag
from tagline.domain.ledger.targets import Target, parse_target
from tagline.domain.storage.objects import Location
from tagline.domain.text.similar import listed
from tagline.errors import Conflict, PlatformRefused, Refused, TaglineError, WrongUsage
from tagline.ports.clock import Clock
from tagline.ports.delivery import Deployments, Proposer, Receiver
from tagline.ports.ledger import Raced

#: What opens a change says: its title and its text, by what was reported and who started the run that failed.
Compose = Callable[[Reported, str | None], tuple[str, str]]


@dataclass(frozen=True)
class Reporting:
    """What the command works with.

    ``registry`` is how people know the ledger's repository. ``deployments`` is None where no forge runs this;
    ``run_url`` is the page of this run as it was started this time, ``actor`` who says so.
    """

    source: Source
    storage: StorageContext
    notebook: Notebook
    clock: Clock
    policy: Callable[[], Policy]
    registry: str
    deployments: Deployments | None
    proposer: Callable[[], Proposer]
    receivers: Sequence[Receiver]
    run_url: str | None
    actor: str
    write: Compose


@dataclass(frozen=True)
class Said:
    """What a deployment says. ``digest`` is as :func:`parse_digest` gives it, None where it says none."""

    target: Target | str
    state: State
    digest: str | None = None
    url: str | None = None
    record: bool = False
    dry_run: bool = False


def target_of(text: str | None, tag: str | None) -> Target | str:
    """What was deployed: a stage as it is now, or what one stage tag named; by default the tag that started the job.

    Raises WrongUsage where nothing is named, or something without a stage.
    """
    said = text or tag or ""
    parsed = parse_tag(said.removeprefix("refs/tags/"))
    if parsed is not None and parsed.kind is EventKind.ASSIGNMENT and (parsed.counter is not None or not text):
        return said.removeprefix("refs/tags/")
    if not text:
        by = f" (this job was started by {tag!r}, which assigns no stage)" if tag else ""
        raise WrongUsage(
            f"No target was given{by}.",
            "Name the stage tag that was deployed, such as churn#prod#3, or churn#prod for the one of now.",
            code="no-target",
        )
    target = parse_target(text)
    if target.stage is None:
        raise WrongUsage(
            f"{text!r} names no stage: a deployment is of one.", f"Write {target.artifact}#STAGE.", code="no-stage"
        )
    return target


def report(context: Reporting, said: Said) -> Reported:
    """Report a deployment.

    Raises NotFound for a target that is not there and Refused for a digest that the ledger does not know of that
    version: then nothing is said to anybody. All other failures are among the answer's ``errors``.
    """
    now = int(context.clock.now())
    # In a clone too the tags are those of the remote, to which the report goes.
    source = context.source if context.source.offline else context.source._replace(fresh=True)
    found = look_up(source, Wanted(said.target), now)
    answer = found.answer
    stage = answer.stage or ""
    location, warnings = _location(context, found)
    digest = _checked(found, location, said.digest)
    rules, problems = _rules(context, answer.artifact, stage)
    result = Reported(
        artifact=answer.artifact,
        commit=answer.commit,
        report=Report(
            answer.tag, found.tag_object, stage, answer.version, said.state, digest, context.run_url, said.url,
            context.actor, now,
        ),
        environment=environment_of(rules.environment if rules else None, answer.artifact, stage),
        sha256=found.sha256 or location.sha256,
        current=found.current,
        news=True,
        dry_run=said.dry_run,
        warnings=[*found.warnings, *warnings, *problems],
    )  # fmt: skip
    if said.dry_run:
        return result
    result = _remembered(context, result)
    result = _announced(context, result, said)
    result = _told(context, result)
    if said.state == "failure" and rules is not None and rules.rolls_back:
        result = _rolled_back(context, result, found)
    return result


# -- what was deployed --------------------------------------------------------------


def _location(context: Reporting, found: Found) -> tuple[Location, list[Warn]]:
    """What the tag's commit says of the bytes; no store is asked."""
    if found.entry is None:
        return Location(), []
    try:
        return location_of(place_of(context.source, found, context.storage), look=False), []
    except TaglineError as error:
        return Location(), [Warn("storage-not-read", found.answer.tag, error.message)]


def _checked(found: Found, location: Location, digest: str | None) -> str | None:
    """The digest that was deployed, if the ledger knows it; without one, the ledger's own. Raises Refused."""
    sums = [f"sha256:{one}" for one in (found.sha256, location.sha256) if one is not None]
    known = list(dict.fromkeys([*filter(None, (location.digest,)), *found.promised.values(), *sums]))
    if digest is None:
        return known[0] if known else None
    if knows(digest, known):
        return digest
    answer = found.answer
    what = f"{answer.artifact} {answer.version or answer.commit[:7]}"
    raise Refused(
        f"{digest} was deployed, and the ledger does not know it for {what} ({answer.tag}).",
        f"It knows {listed(known)}. Deploy what tagline fetch brings for that tag; nothing was reported."
        if known
        else "It knows no digest of that version at all; leave --digest out. Nothing was reported.",
        code="unknown-digest",
    )


def _rules(context: Reporting, artifact: str, stage: str) -> tuple[StageRules | None, list[Warn]]:
    """The stage's rules, as the registry's default branch has them now."""
    try:
        policy = context.policy()
    except TaglineError as error:
        return None, [Warn("policy-not-read", None, error.message)]
    if policy.findings:
        first = policy.findings[0]
        message = f"The policy cannot be read, line {first.line}: {first.message} Its environment is not known."
        return None, [Warn("policy-not-read", None, message)]
    return policy.rules(artifact, stage), []


# -- who is told ----------------------------------------------------------------------


def _remembered(context: Reporting, result: Reported) -> Reported:
    """Write the report into the registry's memory, unless it is there."""
    notebook, artifact = context.notebook, result.artifact
    try:
        notebook.open([artifact])
        known = notebook.book(artifact).known(result.report)
        if known is not None:
            return replace(result, report=known, news=False, remembered=True)
        notebook.add(artifact, lambda book: book.reported(result.report))
        notebook.save(result.commit)
        # Of two runs that say the same at once the first one's word stands.
        stands = notebook.book(artifact).known(result.report) or result.report
        return replace(result, report=stands, news=stands == result.report, remembered=True)
    except Raced:
        return _failed(result, Conflict("Other runs kept writing reports.", "Run it again.", code="raced"))
    except TaglineError as error:
        notebook.drop()
        return _failed(result, _not_remembered(context, result, error))


def _not_remembered(context: Reporting, result: Reported, error: TaglineError) -> PlatformRefused:
    return PlatformRefused(
        f"That {result.report.tag} was reported as {result.report.state} is not remembered in {context.registry}, and "
        f"show --deployed will not know it: {error.message}",
        f"{error.hint}\nThe report is a push to refs/tagline/: on GitHub it needs contents: write there, on GitLab "
        "write_repository and the role Developer (the job token: the right to push). In another repository's job "
        "that is TAGLINE_REPO_TOKEN.".strip(),
        code="not-remembered",
    )


def _announced(context: Reporting, result: Reported, said: Said) -> Reported:
    """Tell the forge of the repository that deploys; and by digest, where that was asked for."""
    if context.deployments is None:
        if said.record:
            error = WrongUsage("--record needs a job of GitHub's.", "Leave it out.", code="no-records")
            return replace(_failed(result, error), recorded=False)
        return result
    announcement = _announcement(result)
    try:
        result = replace(result, deployment=context.deployments.announce(announcement, news=result.news))
    except TaglineError as error:
        result = _failed(result, error)
    if not said.record or said.state != "success":
        return result
    try:
        context.deployments.record(announcement)
    except TaglineError as error:
        return replace(_failed(result, error), recorded=False)
    return replace(result, recorded=True)


def _announcement(result: Reported) -> Announcement:
    report = result.report
    return Announcement(
        result.artifact, report.stage, report.version, report.tag, result.commit, result.environment, report.state,
        report.run_url, report.url, result.sha256,
    )  # fmt: skip


def _told(context: Reporting, result: Reported) -> Reported:
    """Send the event to receivers, and note it."""
    if not context.receivers:
        return result
    event = reported(result.artifact, result.commit, result.report)
    try:
        untold = tell(context.notebook, context.receivers, [event])
    except TaglineError as error:
        untold = [error]
    warnings = [Warn("event-not-sent", None, f"{one.message} {one.hint}".strip()) for one in untold]
    result = replace(result, warnings=[*result.warnings, *warnings])
    if result.remembered:
        try:
            context.notebook.save(result.commit)
        except (TaglineError, Raced):
            return result  # it is sent once more by a later run, by the same id
    return result


def _rolled_back(context: Reporting, result: Reported, found: Found) -> Reported:
    """Open the change that takes the stage back, where there is something to go back to."""
    report = result.report
    if not found.current or found.goes_back() is None:
        why = (
            "there is no version to go back to"
            if found.current
            else "another tag holds the stage by now, or the tag counts no more"
        )
        warn = Warn("no-rollback-change", report.tag, f"No change that rolls back was opened for {report.tag}: {why}.")
        return replace(result, warnings=[*result.warnings, warn])
    by = None
    try:
        by = context.deployments.starter() if context.deployments is not None else None
    except TaglineError as error:
        result = replace(
            result,
            warnings=[
                *result.warnings,
                Warn("starter-unknown", report.tag, f"Who started this run is not known: {error.message}"),
            ],
        )
    title, body = context.write(result, by)
    branch, path = rollback_place(result.artifact, report.stage, report.tag_object)
    # The run is in the text alone: what a killed run has left is ours only where it asks word for word the same.
    content = rollback_request(result.artifact, report.version, f"The deployment of {report.tag} failed.")
    try:
        proposed = context.proposer().propose(Proposal(branch, path, content, title, body))
    except TaglineError as error:
        return _failed(result, error)
    return replace(result, rollback=proposed)


def _failed(result: Reported, error: TaglineError) -> Reported:
    return replace(result, errors=(*result.errors, error))
