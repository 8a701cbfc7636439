"""Which adapters serve pins: the lock file, the registry of each pin, and what keeps the change that updates a lock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tagline.domain.pins.lock import MAX_LOCK, Pin, read_lock
from tagline.domain.text.origins import same_origin
from tagline.errors import NotFound, WrongUsage
from tagline.settings import Settings
from tagline.wiring.registry import Wiring
from tagline.wiring.tokens import GITHUB

if TYPE_CHECKING:
    from tagline.commands.pins.pins import Registry
    from tagline.domain.changes.pages import Pages
    from tagline.ports.updates import Updating


def read_pins(file: Path, *, missing_is_fine: bool = False) -> dict[str, Pin]:
    """The pins of a lock file. Raises NotFound where there is none, WrongUsage for what is no lock."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_LOCK + 1)
    except FileNotFoundError as error:
        if missing_is_fine:
            return {}
        raise NotFound(f"There is no {file}.", "Make it: tagline pin NAME#stage --repo URL", code="no-lock") from error
    except OSError as error:
        raise WrongUsage(f"{file} cannot be read: {error.strerror}.", "Name the lock: --file FILE") from error
    if len(data) > MAX_LOCK:
        raise WrongUsage(f"{file} has more than {MAX_LOCK:,} bytes.", "Name the lock: --file FILE", code="bad-lock")
    return read_lock(data, str(file))


def wiring_of_pin(settings: Settings, repository: str, artifact: str, named: Wiring | None) -> Wiring:
    """The adapters for a pin's repository. A lock introduces no host that gets a token; ``named``, by the caller, does.

    Raises WrongUsage where the caller names another repository than the lock.
    """
    if named is None:
        return Wiring(settings, repo=repository, artifact=artifact, named_by="content")
    if named.address is None or _bare(named.address) != _bare(repository):
        raise WrongUsage(
            f"The pin is of {repository}, and --repo names {named.address or named.repo}.",
            "Leave --repo out, or pin from there: tagline pin",
            code="other-repository",
        )
    return named


def _bare(address: str) -> str:
    """Without what tells no two repositories apart."""
    return address.rstrip("/").removesuffix(".git")


def registry_of(wiring: Wiring) -> Registry:
    """What reads a pin's repository. MLflow is not asked: the repository is one that a file named."""
    from tagline.commands.lineage.reading import LineageSource
    from tagline.commands.pins.pins import Registry

    return Registry(
        wiring.source(),
        wiring.storage.context(),
        lambda: LineageSource(wiring.repository, wiring.storage.context(), None),
        wiring.policy,
    )


def pages_of(settings: Settings, repository: str, forge: str | None) -> Pages | None:
    """Where people see a pin's repository; None where nothing says whose pages its server has."""
    from tagline.adapters.forges.pages import GitHubPages, GitLabPages

    if not repository.startswith(("http://", "https://")):
        return None
    server = settings.server_url
    of_job = settings.platform if server is not None and same_origin(server, repository) else None
    flavour = forge or of_job or ("github" if same_origin(GITHUB, repository) else None)
    web = repository.rstrip("/").removesuffix(".git")
    return GitHubPages(web) if flavour == "github" else GitLabPages(web) if flavour == "gitlab" else None


def updating_of(settings: Settings, wiring: Wiring, branch: str, *, dry_run: bool) -> Updating:
    """What keeps a change on ``branch`` of the clone's own repository. Raises WrongUsage outside of a job."""
    if settings.platform is None or settings.repository is None:
        raise WrongUsage(
            "--propose opens a change of the repository whose job this is, and this is no job of GitHub or GitLab.",
            "Update the lock here, and open the change yourself: tagline pin --update",
            code="no-job",
        )
    from tagline.adapters.git.update_branch import GitUpdateBranch
    from tagline.ports.updates import Updating
    from tagline.wiring.changes import ChangeWiring

    own = ChangeWiring(settings)
    target = GitUpdateBranch(wiring.repository, branch, *wiring.committing(pushes=True), keeps=not dry_run)
    if own.flavour == "gitlab":
        from tagline.adapters.forges.gitlab.updates import GitLabUpdates

        server, name, page, token, is_job_token, why_none = own.on_gitlab()
        return Updating(target, GitLabUpdates(server, name, page, token, why_none, job_token=is_job_token))
    from tagline.adapters.forges.github.updates import GitHubUpdates

    return Updating(target, GitHubUpdates(*own.on_github()))
