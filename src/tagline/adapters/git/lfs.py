"""Git LFS's objects: from the clone where they are there, else by the batch API of the server.

Source: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from tagline.adapters.git.running import Git
from tagline.adapters.git.urls import RemoteUrl
from tagline.adapters.http.proxies import connections, proxy_of
from tagline.domain.storage.objects import Facts, Key
from tagline.domain.text.origins import same_origin
from tagline.domain.text.public import has_unclear_login, public
from tagline.errors import ObjectMissing, StoreRefused, TaglineError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

_PIECE = 1024 * 1024
#: Objects in one question; servers take a hundred at least.
_BATCH = 100
_TYPE = "application/vnd.git-lfs+json"
#: Bytes: an answer about a hundred objects is a few of these in a hundred.
_LONGEST_ANSWER = 16 * 1024 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5
#: What a redirection takes along to another host; all else may be a credential.
_HARMLESS = ("accept", "content-type", "range")


class LfsStore:
    """Objects by ``lfs/SHA256/SIZE``.

    ``endpoint`` is the server's address (``https://HOST/OWNER/NAME.git/info/lfs``), None where there is none
    that HTTP reaches; ``headers`` are sent to its host alone. ``local`` is a clone's own ``lfs/objects``.
    """

    streams = 4

    def __init__(self, endpoint: str | None, headers: Mapping[str, str], local: Path | None) -> None:
        self._endpoint = endpoint
        self._headers = dict(headers)
        self._local = local
        self._actions: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._pools: dict[str | None, PoolManager] = {}

    def uri(self, key: Key) -> str:
        """The server and the object's digest."""
        return f"{public(self._endpoint or 'lfs:')}/objects/{_oid(key)}"

    def look(self, key: Key) -> Facts:
        """An object's size, after the server said that it has it."""
        found = self.look_many([key])
        if key not in found:
            raise self._missing(key)
        return found[key]

    def look_many(self, keys: Collection[Key]) -> Mapping[Key, Facts]:
        """The same for many, a hundred in one request."""
        found: dict[Key, Facts] = {}
        remote: list[Key] = []
        for key in keys:
            file = self._file(key)
            if file is not None:
                found[key] = Facts(file.stat().st_size, etag=_oid(key))
            else:
                remote.append(key)
        for start in range(0, len(remote), _BATCH):
            some = remote[start : start + _BATCH]
            self._ask(some)
            found |= {key: Facts(_size(key), etag=_oid(key)) for key in some if _oid(key) in self._actions}
        return found

    def _file(self, key: Key) -> Path | None:
        oid = _oid(key)
        file = self._local / oid[:2] / oid[2:4] / oid if self._local is not None else None
        return file if file is not None and file.is_file() else None

    def _ask(self, keys: Collection[Key]) -> None:
        """Ask the server where it has some objects."""
        if self._endpoint is None:
            raise StoreRefused(
                "Git LFS keeps these bytes, and this repository's remote is not reached by HTTP.",
                "Read it by its https:// address: --repo https://HOST/OWNER/NAME",
                code="no-lfs",
            )
        wanted = [{"oid": _oid(key), "size": _size(key)} for key in keys]
        body = json.dumps({"operation": "download", "transfers": ["basic"], "objects": wanted, "hash_algo": "sha256"})
        headers = {**self._headers, "Accept": _TYPE, "Content-Type": _TYPE}
        answer = self._request("POST", f"{self._endpoint}/objects/batch", headers, body=body.encode())
        data = self._whole(answer, self._endpoint)
        try:
            for row in json.loads(data)["objects"]:
                self._take(row)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise StoreRefused(
                f"{self._endpoint} answered in words that are not Git LFS's.",
                "Check the address: lfs.url in .lfsconfig, or the remote's own.",
                code="no-lfs",
            ) from error

    @staticmethod
    def _whole(answer: BaseHTTPResponse, url: str) -> bytes:
        from urllib3.exceptions import HTTPError

        data = bytearray()
        try:
            for piece in answer.stream(_PIECE, decode_content=True):
                data += piece
                if len(data) > _LONGEST_ANSWER:
                    break
        except HTTPError as error:
            raise _lost(url, error) from error
        finally:
            answer.close()
        return bytes(data)  # one that was too long is cut, and so no JSON

    def _take(self, row: dict[str, Any]) -> None:
        error = row.get("error")
        if error:
            if error.get("code") in (404, 410):
                return
            if error.get("code") in (401, 403):
                raise StoreRefused(
                    f"{self._endpoint} refuses {row['oid']}: {error['code']}.", _TOKEN_HINT, code="access-denied"
                )
            raise StoreRefused(f"{self._endpoint} has trouble with {row['oid']}: {error.get('code')}.", "Try later.")
        download = row["actions"]["download"]
        header = {str(name): str(value) for name, value in (download.get("header") or {}).items()}
        href = str(download["href"])
        if not href.startswith(("http://", "https://")):
            raise ValueError(href)
        # As git-lfs does: where the server gave no credentials and stays the same, it expects ours.
        if not any(name.lower() == "authorization" for name in header) and same_origin(href, self._endpoint or ""):
            header = {**self._headers, **header}
        with self._lock:
            self._actions[row["oid"]] = {"href": href, "header": header}

    def read(self, key: Key, start: int = 0, length: int | None = None, etag: str | None = None) -> Iterator[bytes]:
        """The bytes; an object's name is its digest, so that it cannot change."""
        if length == 0:
            return
        file = self._file(key)
        if file is not None:
            yield from _read_file(file, start, length)
            return
        known = _oid(key) in self._actions
        try:
            answer = self._open(key, start, length)
        except StoreRefused as error:
            if not known or error.code not in ("access-denied", "no-lfs"):
                raise
            # An address is good for a while only, and a long fetch may take longer.
            with self._lock:
                self._actions.pop(_oid(key), None)
            answer = self._open(key, start, length)
        yield from self._stream(answer, key, start, length)

    def _open(self, key: Key, start: int, length: int | None) -> BaseHTTPResponse:
        if _oid(key) not in self._actions:
            self._ask([key])
        action = self._actions.get(_oid(key))
        if action is None:
            raise self._missing(key)
        headers = dict(action["header"])
        if start or length is not None:
            headers["Range"] = f"bytes={start}-{'' if length is None else start + length - 1}"
        return self._request("GET", action["href"], headers)

    def _stream(self, answer: BaseHTTPResponse, key: Key, start: int, length: int | None) -> Iterator[bytes]:
        from urllib3.exceptions import HTTPError

        ranged = answer.status == 206
        skip = 0 if ranged else start  # a server that knows no ranges sends everything
        left = length
        try:
            for piece in answer.stream(_PIECE, decode_content=False):
                if skip:
                    piece, skip = piece[skip:], max(0, skip - len(piece))
                if left is not None:
                    piece, left = piece[:left], left - len(piece[:left])
                if piece:
                    yield piece
                if left == 0:
                    break
        except HTTPError as error:
            raise _lost(self.uri(key), error) from error
        finally:
            answer.close()

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> BaseHTTPResponse:
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._request_once(method, url, headers, body)
            if answer.status in (200, 206):
                return answer
            answer.close()
            if answer.status not in _REDIRECTS or not answer.headers.get("Location"):
                break
            target = _redirected(url, answer.headers["Location"])
            if target is None:
                break
            if not same_origin(target, url):
                headers = {name: value for name, value in headers.items() if name.lower() in _HARMLESS}
            url = target
        raise _refusal(_host(url), answer.status)

    def _request_once(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> BaseHTTPResponse:
        from urllib3.exceptions import HTTPError

        try:
            return self._manager(url).request(
                method, url, headers=headers, body=body, preload_content=False, redirect=False
            )
        except (HTTPError, ValueError) as error:
            raise StoreRefused(
                f"{_host(url)} could not be reached for Git LFS: {type(error).__name__}.",
                "Check the network, the proxy and the address in lfs.url.",
                code="unreachable",
            ) from error

    def _manager(self, url: str) -> PoolManager:
        """The connections for a URL: objects may lie elsewhere than the server, on the other side of a proxy."""
        proxy = proxy_of(url)
        with self._lock:
            if proxy not in self._pools:
                import urllib3

                from tagline.adapters.http.retries import STATUSES, PatientRetry, options

                # Asking where objects are changes nothing.
                retry = {**options(), "allowed_methods": None, "status_forcelist": STATUSES}
                timeout = urllib3.Timeout(connect=10, read=60)
                self._pools[proxy] = connections(
                    proxy, retries=PatientRetry(**retry), timeout=timeout, maxsize=self.streams
                )
            return self._pools[proxy]

    def _missing(self, key: Key) -> ObjectMissing:
        return ObjectMissing(
            f"The Git LFS server has no object {_oid(key)}.",
            "Push it from a clone that has it: git lfs push --all origin",
        )

    def presign(self, key: Key, seconds: int) -> str | None:
        """None: the server's own addresses live as long as it says, not as long as asked."""
        return None


_TOKEN_HINT = (
    "Give a token that may read the repository: TAGLINE_REPO_TOKEN, or TAGLINE_TOKEN for this job's own forge."  # noqa: S105
)


def _lost(where: str, error: Exception) -> StoreRefused:
    return StoreRefused(
        f"The connection for {where} was lost: {type(error).__name__}.",
        "Try again: what came so far is kept.",
        code="connection-lost",
    )


def _host(url: str) -> str:
    """The host of an address, for people; addresses that are none have none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return "An address that is none"


def _redirected(url: str, location: str) -> str | None:
    """Where a redirection leads; None for where nobody follows: no address, or one without encryption."""
    try:
        target = urljoin(url, location)
    except ValueError:
        return None
    is_safe = target.startswith("https://") or (target.startswith("http://") and url.startswith("http://"))
    return target if is_safe else None


def _refusal(host: str, status: int) -> TaglineError:
    if status in (401, 403):
        return StoreRefused(f"{host} denies access to Git LFS ({status}).", _TOKEN_HINT, code="access-denied")
    if status == 404:
        return StoreRefused(
            f"{host} has no Git LFS for this repository, or hides it from this token (404).", _TOKEN_HINT, code="no-lfs"
        )
    if status == 429:
        return StoreRefused(f"{host} has had too many requests.", "Try again later.", code="throttled")
    return StoreRefused(f"{host} answered {status} for Git LFS.", "Try again later.", code="store-refused")


def lfs_server(git: Git, remote: RemoteUrl, config: bytes | None) -> tuple[str | None, dict[str, str]]:
    """Where the objects of a repository are served, and what to send there.

    ``config`` is the repository's ``.lfsconfig``. Its address is a stranger's word: our credentials go to
    the remote's own host and to no other.
    """
    named = None
    if config is not None:
        said = git.run("config", "--file", "-", "--no-includes", "--get", "lfs.url", stdin=config, check=False)
        named = said.stdout.decode(errors="replace").strip() or None
    own = f"{remote.url.rstrip('/').removesuffix('.git')}.git/info/lfs"
    endpoint = named or own
    if not endpoint.lower().startswith(("http://", "https://")) or has_unclear_login(endpoint):
        return None, {}
    return endpoint.rstrip("/"), _headers(remote, endpoint) if same_origin(endpoint, remote.url) else {}


def _headers(remote: RemoteUrl, endpoint: str) -> dict[str, str]:
    """The headers that git itself would send there, as its configuration has them: an empty one drops those before."""
    found: dict[str, tuple[str, str]] = {}
    for key, value in remote.everything:
        scope = key[len("http.") : -len(".extraheader")] if key.lower().endswith(".extraheader") else None
        if scope is None or (key.lower() != "http.extraheader" and not _is_below(endpoint, scope)):
            continue
        name, colon, text = value.partition(":")
        if colon:
            found[name.strip().lower()] = (name.strip(), text.strip())
        elif not value.strip():
            found.clear()
    return dict(found.values())


def _is_below(endpoint: str, scope: str) -> bool:
    """Whether an address is one of those that a section of git's configuration is about."""
    if not same_origin(endpoint, scope):
        return False
    path = urlsplit(scope).path.rstrip("/")
    return not path or f"{urlsplit(endpoint).path}/".startswith(f"{path}/")


def _oid(key: Key) -> str:
    return key.path.split("/")[1]


def _size(key: Key) -> int:
    return int(key.path.split("/")[2])


def _read_file(file: Path, start: int, length: int | None) -> Iterator[bytes]:
    with file.open("rb") as stream:
        stream.seek(start)
        left = length
        while piece := stream.read(_PIECE if left is None else min(_PIECE, left)):
            left = None if left is None else left - len(piece)
            yield piece
