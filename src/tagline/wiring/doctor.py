"""What the doctor looks at in one run: a clone, a forge, this job; each by the adapters that other commands use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tagline.commands.doctor.clone import Clone, no_clone
from tagline.commands.doctor.forge import ForgeDoctor
from tagline.commands.doctor.job import JobDoctor
from tagline.commands.doctor.mending import Mended, bring_tags, make_labels, mend
from tagline.commands.doctor.questions import Question
from tagline.commands.manifest.validate import validate
from tagline.domain.doctor.checks import Check
from tagline.domain.doctor.keys import AUDIENCE, AwsKeys
from tagline.domain.manifest.validation import ValidationReport
from tagline.domain.text.times import parse_time
from tagline.errors import WrongUsage
from tagline.settings import Settings
from tagline.wiring.changes import ChangeWiring
from tagline.wiring.mlflow import mlflow_access_of
from tagline.wiring.registry import Wiring

if TYPE_CHECKING:
    from tagline.commands.ledger.reading import Source
    from tagline.commands.storage.locating import StorageContext
    from tagline.ports.repository import Tree


@dataclass(frozen=True)
class DoctorWiring:
    """``wiring`` is of the clone or of ``--repo``, ``changes`` of its forge."""

    settings: Settings
    wiring: Wiring
    changes: ChangeWiring

    def questions(self) -> list[Question]:
        """Everything that can be asked here. Raises WrongUsage where there is neither a clone nor a forge."""
        if self._no_clone is not None:
            try:
                self.changes.page  # noqa: B018 - whether anything says which repository is meant
            except WrongUsage:
                raise self._no_clone from None
        return [*self._of_clone(), *self.of_forge(), *self._of_job()]

    @cached_property
    def _no_clone(self) -> WrongUsage | None:
        """Why there is no clone here, if there is none: a job that promotes has no checkout."""
        if self.wiring.repo is not None:
            return None
        try:
            self.wiring.repository  # noqa: B018 - whether it opens
        except WrongUsage as error:
            return error
        return None

    def _of_clone(self) -> list[Question]:
        if self._no_clone is not None:
            return no_clone(self._no_clone)
        return Clone(
            self._source, self._tree, self._report, self._git_version, _now(), self.settings.runner_version
        ).questions()

    @cached_property
    def _files(self) -> Tree:
        """The work tree's files; without a clone those of the default branch."""
        if self._no_clone is not None:
            history = self.changes.context(dry_run=True).history
            return history.tree(history.tip())
        return self.wiring.manifests()

    def _tree(self) -> Tree:
        return self._files

    def _source(self) -> Source:
        """The clone's ledger; without a clone the remote's."""
        if self._no_clone is not None:
            return Wiring(self.settings, repo=f"{self.changes.page}.git").source()
        return self.wiring.source()

    def _report(self) -> ValidationReport:
        wiring = self.wiring
        return validate(self._files, None, has_registry_tags=wiring.has_registry_tags, untracked_exists=wiring.exists)

    def _git_version(self) -> tuple[int, ...]:
        from tagline.adapters.git.running import version

        return version()

    def of_forge(self) -> list[Question]:
        """What is asked of the forge alone."""
        try:
            context = self.changes.context(dry_run=True)
        except WrongUsage as error:
            message, hint = error.message, error.hint
            return [Question("token", lambda: [Check("token", "unknown", message, hint)])]
        changes = self.changes
        # In a job the forge and the repository are known.
        options = "" if self.settings.platform else f" --repo-forge {changes.flavour} --repo {changes.page}"
        return ForgeDoctor(
            context, changes.inspection(), self._source, _now(),
            workflow_token=changes.has_workflow_token, withheld=changes.withheld, options=options,
        ).questions()  # fmt: skip

    def mend(self) -> Mended:
        """Do what is safe."""
        attempts: list[tuple[str, Callable[[], str | None]]] = []
        if self._no_clone is None:
            attempts.append(("clone", lambda: bring_tags(self._source())))
        with suppress(WrongUsage):  # nothing says whose forge it is: its checks say so
            context = self.changes.context(dry_run=False)
            attempts.append(("labels", lambda: make_labels(context)))
        return mend(attempts)

    def _of_job(self) -> list[Question]:
        def tokens() -> str | None:
            settings = self.settings
            if not (settings.id_token or settings.aws.token_file or settings.id_token_url):
                return None
            from tagline.adapters.runners.id_token import id_token

            return id_token(self.settings, AUDIENCE)

        return JobDoctor(
            keys=self._keys(),
            identity=tokens,
            tree=self._tree,
            storage=self._storage,
            url=lambda: self.changes.page if self._no_clone is not None else self.wiring.repository.url,
            tracking=lambda: mlflow_access_of(self.settings),
            now=_now(),
        ).questions()

    def _storage(self) -> StorageContext:
        if self._no_clone is not None:
            return self.changes.context(dry_run=True).storage
        return self.wiring.storage.context()

    def _keys(self) -> AwsKeys:
        aws = self.settings.aws
        return AwsKeys(
            aws.kind, aws.secret, aws.session, aws.profile, aws.token_file is not None, aws.role,
            self.settings.aws_role is not None, _instant(aws.expires),
        )  # fmt: skip


def repositories(settings: Settings, owner: str, forge: str | None, api_url: str | None) -> Iterator[str]:
    """The repositories of an organization or group: of this job's forge, or of the one that is named."""
    # Any name will do: where the forge is, and which token it gets, is the same for all of an owner's.
    wiring = ChangeWiring(settings, f"{owner}/any", forge, api_url)
    try:
        return wiring.repositories().of_owner(owner)
    except WrongUsage as error:
        if error.code != "which-forge":
            raise
        fix = "Say it: --repo-forge github (or gitlab); for a server of your own also --repo-api-url URL"
        raise WrongUsage(f"Nothing says on which forge {owner} is.", fix, code=error.code) from None


def of_repository(settings: Settings, name: str, forge: str | None, api_url: str | None) -> list[Question]:
    """What is asked of the forge about one repository."""
    wiring = Wiring(settings, repo=name, forge=forge, api_url=api_url)
    return DoctorWiring(settings, wiring, ChangeWiring(settings, name, forge, api_url)).of_forge()


def _instant(text: str | None) -> float | None:
    """When a session ends; None for a text that is no time, which AWS's own tools pass over too."""
    try:
        return parse_time(text) if text else None
    except WrongUsage:
        return None


def _now() -> int:
    return int(time.time())
