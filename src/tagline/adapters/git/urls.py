"""Where a remote is and how it is reached: URLs, their credentials, a clone's own settings for them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.running import Git, is_url
from tagline.domain.text.public import has_unclear_login, parted
from tagline.errors import NotFound, WrongUsage

#: What both forges take as the user beside a token; GitLab wants its job tokens under a name of their own.
TOKEN_USER, JOB_TOKEN_USER = "x-access-token", "gitlab-ci-token"


class Login(NamedTuple):
    """A token, and the user that it goes out with."""

    token: str
    user: str = TOKEN_USER


#: Our login for a URL; None where no token of ours must go.
LoginFor = Callable[[str], Login | None]

_HTTP = ("http", "https")
#: Local configuration of a clone that reaching its remote may need. Not ``url.*.insteadOf``: git has
#: rewritten the URL already when it told us.
_REACHING_RE = r"^(http|https|credential|ssh|core\.sshcommand|core\.gitproxy)\b"


@dataclass(frozen=True)
class RemoteUrl:
    """Where a remote is and what reaching it takes.

    ``config`` carries credentials of ours. ``borrowed`` is the clone's own configuration, which
    git needs only where it does not run inside that clone. ``moved`` is what a run learns of new addresses.
    """

    url: str
    config: tuple[tuple[str, str], ...] = ()
    borrowed: tuple[tuple[str, str], ...] = ()
    moved: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def everything(self) -> list[tuple[str, str]]:
        """The configuration for a git that runs outside the clone."""
        return [*self.borrowed, *self.config]


def authorization(url: str, login: Login) -> tuple[tuple[str, str], ...]:
    """Configuration that sends a token to the host of ``url`` and to no other."""
    parts = urlsplit(url)
    host = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "/", "", ""))
    secret = base64.b64encode(f"{login.user}:{login.token}".encode()).decode()
    key = f"http.{host}.extraHeader"
    # The empty value drops headers configured before: two Authorization headers are an error.
    # And a clone's own word on redirects does not count, however closely it is about this address.
    return ((key, ""), (key, f"Authorization: Basic {secret}"), (f"http.{url}.followRedirects", "false"))


def remote_url(text: str, *, base: Path | None = None, login: Login | None = None) -> RemoteUrl:
    """A URL as given by a person or a clone's configuration, its credentials moved out of it.

    ``base`` is what a relative path is relative to; ``login`` wins over credentials in the URL.
    Raises WrongUsage for what no URL can be.
    """
    clean, user, password = parted(text)
    try:
        scheme, host, port = urlsplit(clean).scheme, urlsplit(clean).hostname, urlsplit(clean).port
    except ValueError:
        scheme, host, port = _HTTP[0], None, None
    if has_unclear_login(text) or (scheme in _HTTP and (not host or port == 0)):
        raise WrongUsage(
            "The remote's URL cannot be read.",
            "Check its brackets and its port. A password has / as %2F and @ as %40; better is none, and the token in "
            "TAGLINE_REPO_TOKEN.",
            code="bad-url",
        )
    if scheme in _HTTP:
        if login is None and (user or password):
            login = Login(password, user)
        return RemoteUrl(clean, authorization(clean, login) if login is not None else ())
    if password and "ssh" in scheme:
        # git would hand it to ssh as an argument, which everybody on this machine may read.
        raise WrongUsage(
            "The remote's URL has a password, and SSH takes none from an address.",
            "Leave it out, and let SSH find a key: ssh://git@HOST/PATH",
            code="bad-url",
        )
    if is_url(text):
        return RemoteUrl(text)
    path = Path(text) if base is None else base / text
    # A plain path would make git ignore --depth and --filter.
    return RemoteUrl(path.resolve().as_uri())


def reaching_config(git: Git) -> list[tuple[str, str]]:
    """What a clone's own configuration says about reaching its remote: headers, helpers, rewrites."""
    result = git.run("config", "--includes", "--show-scope", "-z", "--get-regexp", _REACHING_RE, check=False)
    fields = result.stdout.decode(errors="surrogateescape").split("\0")
    pairs = []
    for scope, entry in zip(fields[::2], fields[1::2], strict=False):
        key, _, value = entry.partition("\n")
        # The rest reaches every git by itself; and whom a redirect is followed to, nobody else decides.
        if scope in ("local", "worktree") and not key.lower().endswith(".followredirects"):
            pairs.append((key, value))
    return pairs


def no_login(_url: str) -> Login | None:
    """No token for any URL."""
    return None


def upstream_of(
    repository: GitRepository, name: str, *, push: bool = False, login_for: LoginFor = no_login
) -> RemoteUrl:
    """The remote ``name`` of a clone, ready to be reached from elsewhere.

    ``push`` asks for where it pushes to; ``login_for`` gives ours for a URL, if it may have it.
    """
    found = repository.git.ask("remote", "get-url", *(["--push"] if push else []), name)
    if found is None:
        raise NotFound(f"There is no remote {name!r} here.", "See the remotes with: git remote -v", code="no-remote")
    plain = remote_url(found, base=repository.place.root)
    login = login_for(plain.url)
    # A job's own token is what anybody gets; credentials that somebody put into the URL are meant.
    meant = login is not None and (login.user != JOB_TOKEN_USER or not plain.config)
    remote = remote_url(plain.url, login=login) if meant else plain
    return RemoteUrl(remote.url, remote.config, tuple(reaching_config(repository.git)), repository.git.moved)
