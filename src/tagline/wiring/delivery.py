"""Which adapters serve ``deployed``: the ledger's memory, the forge of the repository that deploys, receivers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tagline.commands.delivery.notebook import Notebook
from tagline.commands.delivery.reporting import Compose, Reporting
from tagline.domain.changes.policy import Policy
from tagline.domain.text.public import public
from tagline.errors import WrongUsage
from tagline.ports.clock import Clock
from tagline.settings import Settings
from tagline.wiring.changes import ChangeWiring
from tagline.wiring.registry import Wiring

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
            policy=self._policy,
            registry=address,
            deployments=self._deployments(),
            proposer=self._proposer,
            receivers=receivers_of(settings, self._page or address),
            run_url=settings.attempt_url,
            actor=settings.identity or (tagger[0] if tagger is not None else ""),
            write=write,
        )

    def _policy(self) -> Policy:
        data = self.wiring.policy(fresh=True)
        from tagline.formats.policy import judge_policy  # here, because it parses YAML
        from tagline.wiring.policies import outside_of

        return judge_policy(data, outside_of(self.settings, self.wiring.forge, self.wiring.api_url))

    @cached_property
    def _page(self) -> str | None:
        """The ledger's page on its forge; None where it lies on none."""
        try:
            return self.registry.page
        except WrongUsage:
            return None

    def _deployments(self) -> Deployments | None:
        """The deployments of the job's own repository; None on a plain machine."""
        settings, own = self.settings, ChangeWiring(self.settings)
        if settings.platform is None or settings.repository is None or settings.repository_url is None:
            return None
        is_registry = self._page == own.page
        if settings.platform == "gitlab":
            from tagline.adapters.forges.gitlab.deployments import GitLabDeployments, JobHere

            server, name, page, token, is_job_token, _ = own.on_gitlab()
            here = JobHere(settings.run_id, settings.environment, settings.commit, settings.ref, is_registry)
            return GitLabDeployments(server, name, page, token, here, job_token=is_job_token)
        from tagline.adapters.forges.github.deployments import GitHubDeployments, JobOfRun

        api, name, server, token, _ = own.on_github()
        job = JobOfRun(
            settings.run_url, settings.run_id, settings.attempt, settings.machine, settings.commit, settings.ref,
            is_registry,
        )  # fmt: skip
        return GitHubDeployments(api, name, server, token, job)

    def _proposer(self) -> Proposer:
        """What opens changes in the ledger's repository. Raises WrongUsage where nothing says on which forge it is."""
        registry = self.registry
        base, tip = registry.default_branch()
        if registry.flavour == "gitlab":
            from tagline.adapters.forges.gitlab.proposals import GitLabProposer

            server, name, page, token, is_job_token, _ = registry.on_gitlab()
            return GitLabProposer(server, name, page, token, job_token=is_job_token, base=base)
        from tagline.adapters.forges.github.proposals import GitHubProposer

        api, name, server, token, _ = registry.on_github()
        return GitHubProposer(api, name, server, token, base=base, tip=tip)
