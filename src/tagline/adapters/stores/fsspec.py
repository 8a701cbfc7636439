"""The port ObjectStore through fsspec: Google's and Azure's storage, HTTP, SSH, WebDAV; each an optional extra."""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote

from tagline.adapters.stores.fsspec_options import Plan, plan
from tagline.adapters.stores.options import PIECE, below, cut, look_at_each, missing, no_versions
from tagline.domain.storage.objects import Facts, Key, Remote
from tagline.domain.text.origins import same_origin
from tagline.domain.text.public import public, words_of
from tagline.errors import ObjectChanged, StoreRefused, TaglineError, WrongUsage

_AGAIN = "Run the same command again: what came already is not fetched twice."
#: How a version is written behind a path, where the file system knows versions.
_VERSIONED = {"gs": "#", "azure": "?versionid="}
#: Facts that change when a content does, as the file systems name them; the first that is there is the mark.
_MARKS = ("ETag", "etag", "md5Hash", "mtime", "modified", "last_modified", "Last-Modified")


#: The kinds that are HTTP underneath, by their extras.
_HTTP = ("http", "webdav")


class _Answer(NamedTuple):
    """An object that begins to come, how many bytes come before those asked for, and the mark that came along."""

    pieces: Iterator[bytes]
    close: Callable[[], Any]
    skip: int = 0
    etag: str | None = None


class FsspecStore:
    """Objects below a remote's url. Nothing is imported or sent before the first question; threads may share it."""

    def __init__(self, remote: Remote) -> None:
        """Raise WrongUsage for what is not supported, or not trusted."""
        self._remote = remote
        self._plan: Plan = plan(remote)
        self._file_system: Any = None
        self._making = threading.Lock()

    @property
    def streams(self) -> int:
        """What such servers bear: fewer with SSH, which allows ten sessions on one connection."""
        return self._plan.streams

    def uri(self, key: Key) -> str:
        """The remote's url and the key, without credentials."""
        return f"{public(self._plan.address)}/{key.path}"

    def look(self, key: Key) -> Facts:
        """Size, and whatever mark the store has; none of them vouches for a digest."""
        path = self._path(key)
        try:
            found = self._open_file_system().info(path)
        except Exception as error:
            raise self._explain(key, error) from None
        if found.get("type") not in ("file", None):
            raise missing(self.uri(key), "What lies there is no file.")
        if not isinstance(found.get("size"), int):
            raise StoreRefused(
                f"The store does not say how long {self.uri(key)} is.",
                "Let the server answer HEAD with Content-Length.",
            )
        return Facts(found["size"], _mark(found), key.version_id)

    def look_many(self, keys: Collection[Key]) -> Mapping[Key, Facts]:
        """One request for each key, several at once."""
        self._open_file_system()
        return look_at_each(self.look, keys, self.streams)

    def read(self, key: Key, start: int = 0, length: int | None = None, etag: str | None = None) -> Iterator[bytes]:
        """The bytes, in pieces of a MiB. With ``etag`` the object is looked at first, where HTTP cannot compare it."""
        if length == 0:
            return
        # HTTP compares a mark by itself, if it is one of its own.
        compared = self._plan.extra in _HTTP and etag is not None and etag.startswith('"')
        if etag is not None and not compared and self.look(key).etag != etag:
            raise self._changed(key)
        try:
            answer = self._open(self._path(key), start, length, etag if compared else None)
        except Exception as error:
            raise self._explain(key, error) from None
        came = False
        with closing(answer):
            if compared and answer.etag not in (None, etag):
                raise self._changed(key)
            try:
                for piece in cut(answer.pieces, answer.skip, length):
                    came = True
                    yield piece
            except Exception as error:
                raise self._lost(key, error) from None
        if start and not came:
            raise StoreRefused(f"{self.uri(key)} is shorter than what was asked of it.", _AGAIN, code="connection-lost")

    def presign(self, key: Key, seconds: int) -> str | None:
        """None: these stores sign no URLs here."""
        return None

    def _path(self, key: Key) -> str:
        uri = self.uri(key)
        path = below("", key, uri)
        if self._plan.extra in _HTTP:
            path = quote(path)
        path = f"{self._plan.root}/{path}" if self._plan.root else path
        if key.version_id is None:
            return path
        if self._plan.extra not in _VERSIONED:
            raise no_versions(uri)
        return f"{path}{_VERSIONED[self._plan.extra]}{key.version_id}"

    def _open_file_system(self) -> Any:
        with self._making:
            if self._file_system is None:
                module, _, name = self._plan.file_system.partition(":")
                try:
                    make = getattr(importlib.import_module(module), name)
                except ImportError:
                    raise WrongUsage(
                        f"The DVC remote {self._remote.name!r} needs a library that is not installed.",
                        f"Install it: pip install 'tagline[{self._plan.extra}]'",
                        code="needs-extra",
                    ) from None
                more = {"get_client": partial(_http_client, self._secret_headers)} if self._plan.extra == "http" else {}
                try:
                    self._file_system = make(**self._plan.arguments, **more, skip_instance_cache=True)
                except Exception as error:
                    raise self._explain(None, error) from None
                if self._plan.extra == "webdav":
                    self._file_system.client.http.event_hooks = {"request": [self._stay]}
        return self._file_system

    @property
    def _secret_headers(self) -> tuple[str, ...]:
        """The headers that may be a login, and go to no other server than the remote's own."""
        return ("Authorization", *filter(None, [self._remote.options.get("custom_auth_header")]))

    def _stay(self, request: Any) -> None:
        """Before each request of httpx, which follows redirects and takes headers along: no login to another server."""
        if not same_origin(str(request.url), str(self._plan.arguments["base_url"])):
            for name in self._secret_headers:
                request.headers.pop(name, None)

    def _open(self, path: str, start: int, length: int | None, etag: str | None) -> _Answer:
        """Begin to read. Of HTTP one GET is enough, which the file systems' own files would not do with."""
        file_system = self._open_file_system()
        if self._plan.extra not in _HTTP:
            file = file_system.open(path, "rb")
            if start:
                file.seek(start)
            return _Answer(iter(partial(file.read, PIECE), b""), file.close)
        headers = {"Accept-Encoding": "identity"}
        if start or length is not None:
            headers["Range"] = f"bytes={start}-{'' if length is None else start + length - 1}"
        if etag is not None:
            headers["If-Match"] = etag
        if self._plan.extra == "http":
            # A size is given so that it is not asked for, and no blocks so that the one answer is all.
            file = file_system.open(path, "rb", block_size=0, size=1, headers=headers)
            answer = _Answer(iter(partial(file.read, PIECE), b""), file.close)
            told = file.r.headers
        else:
            http = file_system.client.http
            request = http.build_request("GET", file_system.client.join_url(path), headers=headers)
            response = http.send(request, stream=True, follow_redirects=True)
            answer = _Answer(response.iter_raw(PIECE), response.close)
            told = response.headers
            if response.is_error:
                answer.close()
                response.raise_for_status()
        match = re.match(r"bytes (\d+)-", told.get("Content-Range", ""))
        # A server without ranges sends all of it.
        return answer._replace(skip=0 if match and int(match[1]) == start else start, etag=told.get("ETag"))

    def _changed(self, key: Key) -> ObjectChanged:
        return ObjectChanged(f"{self.uri(key)} was replaced while it was read.", "Run the same command again.")

    def _secrets(self) -> list[str]:
        """What a library's words must not have: options that log in, and what may be a query, as it is and quoted."""
        names = r"password|passphrase|token|secret|account_key|connection_string|header"
        behind = re.split(r"[?#]", self._remote.url, maxsplit=1)[1:]
        return [
            *(value for name, value in self._remote.options.items() if re.search(names, name)),
            *behind,
            *map(quote, behind),
        ]

    def _lost(self, key: Key, error: Exception) -> TaglineError:
        name = type(error).__name__
        return StoreRefused(
            f"The connection was lost while {self.uri(key)} was read ({name}).", _AGAIN, code="connection-lost"
        )

    def _explain(self, key: Key | None, error: Exception) -> TaglineError:
        """The error for a failure of a library."""
        uri = self.uri(key) if key else public(self._plan.address)
        # fsspec says "not found" of whatever failed over HTTP; the cause knows better.
        if self._plan.extra == "http" and isinstance(error, FileNotFoundError):
            error = error.__cause__ if isinstance(error.__cause__, Exception) else error
        status, name = _status(error), type(error).__name__
        if isinstance(error, ObjectChanged) or status == 412:
            return ObjectChanged(f"{uri} was replaced while it was read.", "Run the same command again.")
        if isinstance(error, TaglineError):
            return error
        if isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError) or status in (404, 410):
            return missing(uri)
        if status == 416:
            return StoreRefused(f"{uri} is shorter than what was asked of it.", _AGAIN, code="connection-lost")
        if isinstance(error, PermissionError) or status in (401, 403) or "PermissionDenied" in name:
            return StoreRefused(
                f"{uri} may not be read with the credentials at hand ({status or name}).",
                f"Check the options of the DVC remote {self._remote.name!r} that log in "
                "(user, password, token, keyfile, credentialpath), and what they may read.",
                code="access-denied",
            )
        if status in (429, 503):
            return StoreRefused(f"{uri}: the server asks to slow down.", "Run again later.", code="throttled")
        if "HostKey" in name:
            return StoreRefused(
                f"Nobody vouches for the SSH host of {uri} ({name}).",
                "Add its key: ssh-keyscan HOST >> ~/.ssh/known_hosts, after you compared it with the real one.",
                code="unreachable",
            )
        words = words_of(error, self._secrets())
        return StoreRefused(
            f"{uri} cannot be reached ({name}{f': {words}' if words else ''}).",
            "Check the url and the network; then run the same command again.",
            code="unreachable",
        )


def _mark(found: Mapping[str, Any]) -> str | None:
    for name in _MARKS:
        value = found.get(name)
        if value is not None:
            return value if isinstance(value, str) and value.startswith(('"', "W/")) else f"{value}-{found['size']}"
    return None


def _status(error: BaseException) -> int | None:
    """The HTTP status of whichever library's error, None for one that has none."""
    response = getattr(error, "response", None)
    for holder in (error, response):
        for name in ("status", "status_code", "code"):
            value = getattr(holder, name, None)
            # Other codes are a library's own.
            if isinstance(value, int | str) and re.fullmatch(r"[345]\d\d", str(value)):
                return int(value)
    return None


async def _http_client(
    secret_headers: Collection[str],
    *,
    verify: bool | str | None = None,
    connect_timeout: float,
    read_timeout: float,
    **options: Any,
) -> Any:
    """aiohttp's session, made where its loop runs. Only waiting is limited: a large object takes its time."""
    import ssl

    import aiohttp
    from yarl import URL

    async def stay(_session: Any, _context: Any, told: Any) -> None:
        """At a redirect aiohttp drops Authorization for another server, but no header of another name."""
        answer = told.response
        target = told.url.join(URL(answer.headers.get("Location") or answer.headers.get("URI", "")))
        if not same_origin(str(target), str(told.url)):
            for name in secret_headers:
                told.headers.popall(name, None)

    watch = aiohttp.TraceConfig()
    watch.on_request_redirect.append(stay)
    context = ssl.create_default_context(cafile=verify) if isinstance(verify, str) else verify is not False
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout, sock_read=read_timeout),
        connector=aiohttp.TCPConnector(ssl=context),
        # Proxies by the usual variables.
        trust_env=True,
        trace_configs=[watch],
        **options,
    )
