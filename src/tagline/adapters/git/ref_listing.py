"""What a remote's refs are, by one request each over connections that are kept; git itself where that does not do.

Protocol version 2 tells refs by one POST. git asks twice, and starts two processes for it. Source:
https://git-scm.com/docs/protocol-v2#_ls_refs
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tagline.adapters.git.refs_here import refs_here
from tagline.adapters.git.refusals import unreachable
from tagline.adapters.git.running import Git
from tagline.adapters.git.urls import RemoteUrl
from tagline.adapters.http.proxies import connections, proxy_of
from tagline.domain.index.refs import Refs, counting

_PREFIXES = ("HEAD", "refs/tags/", "refs/tagline/")
#: git's configuration that makes its own way to a server another one than ours. Helpers of credentials are none: where
#: we are not let in, git asks.
_OTHER_WAY_RE = r"^(url\..*|http\..*|https\..*|core\.gitproxy)$"
_HEADS, _SYMREF = b"refs/heads/", b"ref: "
_LINE_RE = re.compile(rb"([0-9a-f]{40}(?:[0-9a-f]{24})?) ([^ \n]+)([^\n]*)\n?")
#: Bytes of an answer: millions of refs.
_MOST = 512 << 20


class RefListing:
    """Lists refs. Threads may ask at once; ``streams`` is how many do."""

    def __init__(self, streams: int) -> None:
        self._streams = streams
        self._lock = threading.Lock()
        #: By server: its connections, or None where git itself has to ask.
        self._servers: dict[str, Any] = {}
        self._plain: bool | None = None

    def refs(self, remote: RemoteUrl) -> Refs:
        """What counts of a remote's refs. Raises PlatformRefused."""
        server = self._server(remote.url)
        if server is not None:
            told = self._ask(server, remote)
            if told is not None:
                return told
        return self._by_git(remote)

    def _server(self, url: str) -> Any:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            return None
        origin = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            if self._plain is None:
                # Whoever told git of another way (a mirror, a bundle of certificates) is asked by git alone.
                told = Git(Path("/")).ask("config", "--name-only", "--get-regexp", _OTHER_WAY_RE) or ""
                self._plain = set(told.lower().split()) <= {"http.followredirects"}  # which we say ourselves
            if origin not in self._servers:
                options = {"maxsize": self._streams, "retries": False, "timeout": 60.0, "block": True}
                self._servers[origin] = connections(proxy_of(url), **options) if self._plain else None
            return self._servers[origin]

    def _ask(self, server: Any, remote: RemoteUrl) -> Refs | None:
        """The refs by our own request; None where git had better ask, which then also says what is wrong."""
        from urllib3.exceptions import HTTPError

        try:
            answer = server.request(
                "POST",
                f"{remote.url}/git-upload-pack",
                body=_request(),
                headers={
                    "Content-Type": "application/x-git-upload-pack-request",
                    "Accept": "application/x-git-upload-pack-result",
                    "Git-Protocol": "version=2",
                    "User-Agent": "git/2.40 (tagline)",
                    **_authorization(remote),
                },
                redirect=False,
                preload_content=False,
            )
            try:
                body = answer.read(_MOST + 1)
            finally:
                answer.release_conn()
        except HTTPError:
            self._give_up(remote.url)
            return None
        kind = answer.headers.get("Content-Type", "")
        if answer.status != 200 or kind != "application/x-git-upload-pack-result" or len(body) > _MOST:
            return None
        return _read(body)

    def _give_up(self, url: str) -> None:
        parts = urlsplit(url)
        with self._lock:
            self._servers[f"{parts.scheme}://{parts.netloc}"] = None

    @staticmethod
    def _by_git(remote: RemoteUrl) -> Refs:
        git = Git(Path("/"), remote.everything, moved=remote.moved)
        wanted = ("HEAD", "refs/tags/*", "refs/tagline/*")
        result = git.run("ls-remote", "--symref", "--end-of-options", remote.url, *wanted, check=False)
        if result.status != 0:
            raise unreachable(remote.url, result.stderr)
        rows = [line.split(b"\t", 1) for line in result.stdout.splitlines()]
        named = next((one[len(_SYMREF) :] for one, ref in rows if ref == b"HEAD" and one.startswith(_SYMREF)), b"")
        return _counting(((ref, one) for one, ref in rows if not one.startswith(_SYMREF)), named)


def _authorization(remote: RemoteUrl) -> dict[str, str]:
    """Our login, as it is configured for git."""
    for key, value in remote.config:
        if key.lower().endswith(".extraheader") and value:
            name, _, text = value.partition(":")
            return {name.strip(): text.strip()}
    return {}


def _request() -> bytes:
    arguments = ("symrefs", *(f"ref-prefix {one}" for one in _PREFIXES))
    head = _line("command=ls-refs") + _line("agent=tagline") + b"0001"
    return head + b"".join(map(_line, arguments)) + b"0000"


def _line(text: str) -> bytes:
    return f"{len(text) + 5:04x}{text}\n".encode()


def _read(body: bytes) -> Refs | None:
    """What an answer says; None for one that is not whole."""
    rows: list[tuple[bytes, bytes]] = []
    at, branch = 0, b""
    while at + 4 <= len(body):
        try:
            length = int(body[at : at + 4], 16)
        except ValueError:
            return None
        if length == 0:
            return _counting(rows, branch)
        found = _LINE_RE.fullmatch(body[at + 4 : at + length])
        if length < 5 or found is None:
            return None  # an error, which git tells better
        rows.append((found[2], found[1]))
        if found[2] == b"HEAD":
            branch = found[3].partition(b" symref-target:")[2].partition(b" ")[0]
        at += length
    return None


def _counting(rows: Any, branch: bytes) -> Refs:
    """``branch`` is the full name of what HEAD stands for; empty where nobody says."""
    head: str | None = None

    def others() -> Iterator[tuple[str, str]]:
        nonlocal head
        for ref, one in rows:
            if ref == b"HEAD":
                head = one.decode()
            elif not ref.endswith(b"^{}"):
                yield ref.decode(errors="surrogateescape"), one.decode()

    found = counting(None, others())
    name = branch.removeprefix(_HEADS).decode(errors="replace") if branch.startswith(_HEADS) else None
    return found._replace(head=head, branch=name if head is not None else None)


def local_refs(git: Git, git_dir: Path) -> Refs:
    """What counts of a repository's refs on this machine: by its files, else by one process.

    Raises PlatformRefused for a broken one.
    """
    here = refs_here(git_dir)
    if here is not None:
        rows = here.refs.items()
        return _counting(rows if here.head is None else [(b"HEAD", here.head), *rows], here.branch)
    result = git.run("show-ref", "--head", check=False)
    if result.stderr.strip() or result.status > 1:
        from tagline.adapters.git.running import command_failed

        raise command_failed("show-ref", result.stderr)
    try:
        branch = (git_dir / "HEAD").read_bytes().partition(b"ref: ")[2].strip()
    except OSError:
        branch = b""
    return _counting(((ref, one) for one, ref in (line.split(b" ", 1) for line in result.stdout.splitlines())), branch)
