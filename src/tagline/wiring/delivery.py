"""Which adapters serve ``deployed``: the ledger's memory, the forge of the repository that deploys, receivers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tagline.commands.delivery.notebook import Notebook
from tagline.commands.delivery.reporting import Compose, Reporting
from tagline.domain.text.public import public
from tagline.errors import WrongUsage
from tagline.ports.clock import Clock
from tagline.settings import Settings
from tagline.wiring.changes import ChangeWiring
from tagline.wiring.policies import policy_now
from tagline.wiring.registry import Wiring
from tagline.wiring.tokens import token_of_job

if TYPE_CHECKING:
    from tagline.ports.delivery import Deployments, Proposer, Receiver


def receivers_of(settings: Settings, page: str) -> tuple[Receiver, ...]:
    """Who is told of what happens in the repository ``page``. Raises WrongUsage for an address that is none."""
    found: list[Receiver] = []
    if settings.webhook is not None or settings.slack_webhook is not None:
        from tagline.adapters.receivers.webhooks import slack, standard_webhook

        if settings.webhook is not None:
            found.append(standard_webhook(settings.webhook, settings.webhook_secret, page))
        if settings.slack_webhook is not None:
            found.append(slack(settings.slack_webhook, page))
    return tuple(found)


def deployments_of(settings: Settings, registry_page: str | None) -> Deployments | None:
    """The deployments of the job's own repository; None on a plain machine.

    ``registry_page`` is the page of the ledger's repository, which may be the same; None where it lies on no forge.
    """
    own = ChangeWiring(settings)
    if settings.platform is None or settings.repository is None or settings.repository_url is None:
        return None
    is_registry = registry_page == own.page
    if settings.platform == "gitlab":
        from tagline.adapters.forges.gitlab.deployments import GitLabDeployments, JobHere

        server, name, page, token, is_job_token, _ = own.on_gitlab()
        job_token = token_of_job(settings, f"{server}/api/v4")
        here = JobHere(settings.run_id, settings.environment, settings.commit, settings.ref, is_registry, job_token)
        return GitLabDeployments(server, name, page, token, here, job_token=is_job_token)
    from tagline.adapters.forges.github.deployments import GitHubDeployments, JobOfRun

    api, name, server, token, _ = own.on_github()
    job = JobOfRun(
        settings.run_url, settings.run_id, settings.attempt, settings.machine, settings.commit, settings.ref,
        is_registry,
    )  # fmt: skip
    return GitHubDeployments(api, name, server, token, job)


def proposer_of(registry: ChangeWiring, refusal: str) -> Proposer:
    """What opens changes in a repository. ``refusal`` is the code of the error where the token may not.

    Raises WrongUsage where nothing says on which forge it is.
    """
    base, tip = registry.default_branch()
    if registry.flavour == "gitlab":
        from tagline.adapters.forges.gitlab.proposals import GitLabProposer
        from tagline.adapters.forges.gitlab.updates import GitLabUpdates

        server, name, page, token, is_job_token, why_none = registry.on_gitlab()
        merges = GitLabUpdates(server, name, page, token, why_none, job_token=is_job_token, refusal=refusal)
        return GitLabProposer(merges, base=base)
    from tagline.adapters.forges.github.proposals import GitHubProposer
    from tagline.adapters.forges.github.updates import GitHubUpdates

    return GitHubProposer(GitHubUpdates(*registry.on_github(), refusal=refusal), base=base, tip=tip)


@dataclass(frozen=True)
class DeploymentWiring:
    """``wiring`` is of the ledger, ``registry`` of its forge; the job's own repository may be another."""

    settings: Settings
    wiring: Wiring
    registry: ChangeWiring

    def context(self, write: Compose) -> Reporting:
        """What ``deployed`` works with. Raises WrongUsage for a receiver that is none, and where there is no remote."""
        clock = Clock(time.time, time.sleep)
        settings, tagger = self.settings, self.settings.tagger
        address = self.wiring.address or public(self.wiring.repository.url)
        return Reporting(
            source=self.wiring.source(),
            storage=self.wiring.storage.context(),
            notebook=Notebook(self.wiring.delivery_memory(), clock),
            clock=clock,
            policy=lambda: policy_now(self.settings, self.wiring),
            registry=address,
            deployments=deployments_of(self.settings, self._page),
            proposer=lambda: proposer_of(self.registry, "no-rollback-change"),
            receivers=receivers_of(settings, self._page or address),
            run_url=settings.attempt_url,
            actor=settings.identity or (tagger[0] if tagger is not None else ""),
            write=write,
        )

    @cached_property
    def _page(self) -> str | None:
        """The ledger's page on its forge; None where it lies on none."""
        try:
            return self.registry.page
        except WrongUsage:
            return None
