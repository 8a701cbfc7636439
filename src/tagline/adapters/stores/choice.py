"""Which store serves a DVC remote: by its url."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shlex import quote

from tagline.domain.storage.objects import Remote
from tagline.domain.text.public import has_unclear_login, lowered_scheme
from tagline.errors import WrongUsage
from tagline.ports.storage import ObjectStore


class RemoteStores:
    """Opens the stores of DVC's remotes.

    ``request_payer`` lets this run pay for requester-pays buckets. ``platform``, the runner's, chooses the words of a
    fix: a job logs in otherwise than a person.
    """

    def __init__(self, *, request_payer: bool, platform: str | None = None) -> None:
        self._request_payer = request_payer
        self._platform = platform

    def remote(self, remote: Remote, folder: str) -> ObjectStore:
        """The store of a remote; ``folder``, where its project lies, is what an error names.

        Raises WrongUsage for a remote that cannot be used here.
        """
        remote = replace(remote, url=lowered_scheme(remote.url))
        scheme = remote.url.partition("://")[0] if "://" in remote.url else ""
        if scheme == "s3":
            from tagline.adapters.stores.s3 import S3Store
            from tagline.adapters.stores.s3_login import login_of

            login = login_of(self._platform, remote.options.get("endpointurl"))
            return S3Store(remote, request_payer=self._request_payer, login=login)
        if scheme in ("", "file"):
            from tagline.adapters.stores.local import LocalStore

            return LocalStore(_folder(remote, scheme, folder))
        if has_unclear_login(remote.url):
            raise WrongUsage(
                f"The url of the DVC remote {remote.name!r} cannot be read: its login may end at two places.",
                "A password has / as %2F and @ as %40; better is none in the url, and both in .dvc/config.local.",
                code="bad-url",
            )
        from tagline.adapters.stores.fsspec import FsspecStore

        return FsspecStore(remote)


def _folder(remote: Remote, scheme: str, project: str) -> Path:
    # As DVC has it, what follows file:// is the path itself: nothing in it is quoted.
    path = Path(remote.url[len("file://") :] if scheme else remote.url)
    if path.is_absolute():
        return path
    where = f"the folder {project} of the repository" if project else "the repository"
    raise WrongUsage(
        f"The DVC remote {remote.name!r} is the relative path {remote.url!r}, which means nothing for {where} as it is "
        "read without a clone.",
        f"Give it an absolute url (dvc remote modify {quote(remote.name)} url URL), or read a clone: --repo ./PATH",
        code="relative-remote",
    )
