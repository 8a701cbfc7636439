"""DVC's options of the rarer stores as arguments of their file systems, which DVC's own plugins are made of.

Every function is data in, data out, so that a store can be tested whose library is not at hand. Options:
https://dvc.org/doc/user-guide/data-management/remote-storage
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from shlex import quote as shell_quote
from typing import Any, NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlsplit

from tagline.adapters.stores.options import flag, number, refuse_untrusted, ssl_verify
from tagline.domain.storage.objects import Remote
from tagline.domain.text.public import public
from tagline.errors import WrongUsage

_ACCOUNT_RE = re.compile(r"[a-z0-9]{3,24}")
#: Seconds.
_TIMEOUT = 60.0


class Plan(NamedTuple):
    """How a remote is opened: ``module:class`` of its file system, the extra that brings it, its arguments.

    ``root`` is what the paths of objects start with, and ``address`` what a person takes it for.
    """

    file_system: str
    extra: str
    arguments: dict[str, Any]
    root: str
    address: str
    streams: int = 16


#: Options that name files or programs of this machine.
_FILES = ("credentialpath", "keyfile", "cert_path", "key_path", "bearer_token_command")


def plan(remote: Remote) -> Plan:
    """How to open a remote. Raises WrongUsage for a scheme or an option that is not supported, or not trusted."""
    scheme = remote.url.partition("://")[0].lower()
    if scheme not in _PLANS:
        raise WrongUsage(
            f"Tagline cannot read the DVC remote {remote.name!r}: it is of the kind {scheme or 'unknown'}.",
            "Supported are s3, gs, azure, http(s), ssh, webdav(s) and folders. dvc pull reads the others.",
            code="unsupported-remote",
        )
    refuse_untrusted(remote, _FILES)
    parts = _split(remote)
    return _PLANS[scheme](remote, parts)


def _split(remote: Remote) -> SplitResult:
    """The url's parts. A path may contain ``?`` and ``#``, which mean nothing in a remote's url."""
    scheme, _, rest = remote.url.partition("://")
    host, slash, path = rest.partition("/")
    try:
        parts = urlsplit(f"{scheme}://{host}")
        _ = parts.port
    except ValueError:
        parts = SplitResult(scheme, "", "", "", "")
    # With a colon and no port it is a user before a password that begins with a slash; others have ? or # in them.
    if not parts.hostname or host.endswith(":") or "?" in host or "#" in host:
        raise WrongUsage(
            f"The url of the DVC remote {remote.name!r} names no host.",
            f"Set it right: dvc remote modify {shell_quote(remote.name)} url {scheme}://HOST/PATH",
            code="bad-remote",
        )
    return parts._replace(path=(slash + path).rstrip("/"))


def _gs(remote: Remote, parts: SplitResult) -> Plan:
    options = remote.options
    if not flag(remote, "allow_anonymous_login"):
        # Google's tokens are valid wherever they are shown, so they go to Google, or where this machine says.
        refuse_untrusted(remote, ["endpointurl"])
    token = "anon" if flag(remote, "allow_anonymous_login") else _file(options.get("credentialpath"))
    arguments = _given(
        project=options.get("projectname"),
        token=token,
        endpoint_url=options.get("endpointurl"),
        version_aware=remote.version_aware or None,
        use_listings_cache=False,
    )
    root = f"{parts.netloc}{parts.path}"
    return Plan("gcsfs:GCSFileSystem", "gs", arguments, root, f"gs://{root}")


def _azure(remote: Remote, parts: SplitResult) -> Plan:
    options = remote.options
    name = options.get("account_name")
    if name is not None and not _ACCOUNT_RE.fullmatch(name):
        # It becomes a part of the host's name: what else is in it would lead to another host.
        raise WrongUsage(
            f"The account_name of the DVC remote {remote.name!r} is none: {name[:60]!r}.",
            "Azure's accounts have 3 to 24 small letters and digits.",
            code="bad-option",
        )
    names = ("connection_string", "account_name", "account_key", "sas_token", "tenant_id", "client_id", "client_secret")
    arguments = _given(
        **{name: options.get(name) for name in names},
        anon=flag(remote, "allow_anonymous_login"),
        version_aware=remote.version_aware or None,
        use_listings_cache=False,
        **{
            name: int(number(remote, name, _TIMEOUT))
            for name in ("timeout", "read_timeout", "connection_timeout")
            if name in options
        },
    )
    root = f"{parts.netloc}{parts.path}"
    return Plan("adlfs:AzureBlobFileSystem", "azure", arguments, root, f"azure://{root}")


def _http(remote: Remote, parts: SplitResult) -> Plan:
    options = remote.options
    arguments: dict[str, Any] = {
        # Paths are quoted here, once: what is in them must not be taken for a query.
        "encoded": True,
        "client_kwargs": {
            "verify": ssl_verify(remote),
            "connect_timeout": number(remote, "connect_timeout", _TIMEOUT),
            "read_timeout": number(remote, "read_timeout", _TIMEOUT),
            **_http_auth(remote, options),
        },
    }
    root = f"{parts.scheme}://{parts.netloc}{quote(unquote(parts.path))}"
    # Quoted, a secret would be none to public(); a slash that was quoted in one would end it.
    forms = (f"{parts.scheme}://{parts.netloc}{path}" for path in (parts.path, unquote(parts.path)))
    address = next((public(form) for form in forms if public(form) != form), root)
    return Plan("fsspec.implementations.http:HTTPFileSystem", "http", arguments, root, address)


def _http_auth(remote: Remote, options: Mapping[str, str]) -> dict[str, Any]:
    method = options.get("auth", "").lower()
    if not method:
        return {}
    if method == "basic":
        login = f"{_needed(remote, 'user')}:{_needed(remote, 'password')}"
        return {"headers": {"Authorization": f"Basic {b64encode(login.encode()).decode()}"}}
    if method == "custom":
        return {"headers": {_needed(remote, "custom_auth_header"): _needed(remote, "password")}}
    raise WrongUsage(
        f"Tagline does not know the auth {method!r} of the DVC remote {remote.name!r}.",
        f"Use basic or custom: dvc remote modify {shell_quote(remote.name)} auth basic",
        code="unsupported-option",
    )


def _ssh(remote: Remote, parts: SplitResult) -> Plan:
    if parts.port is not None and "@" in parts.path:
        raise WrongUsage(
            f"Nobody can tell whether the url of the DVC remote {remote.name!r} has a port or a password in it.",
            f"Set the port beside it: dvc remote modify {shell_quote(remote.name)} port PORT. A password too: --local.",
            code="bad-remote",
        )
    options = remote.options
    keyfile = _file(options.get("keyfile"))
    port = int(number(remote, "port", 0)) if "port" in options else parts.port
    arguments = _given(
        host=parts.hostname,
        port=port,
        username=options.get("user") or (unquote(parts.username) if parts.username else None),
        password=options.get("password") or (unquote(parts.password) if parts.password else None),
        client_keys=[keyfile] if keyfile else None,
        passphrase=options.get("passphrase"),
        timeout=number(remote, "timeout", _TIMEOUT),
        login_timeout=number(remote, "timeout", _TIMEOUT),
        keepalive_interval=15,
        # Left to asyncssh: the host must be in ~/.ssh/known_hosts. The library alone would trust any host.
        known_hosts=(),
        gss_auth=flag(remote, "gss_auth"),
        max_sessions=int(number(remote, "max_sessions", 10)),
    )
    # asyncssh takes None for "no agent"; without the argument it asks the agent.
    if not flag(remote, "allow_agent", True):
        arguments["agent_path"] = None
    shown = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    address = f"ssh://{shown}{f':{port}' if port else ''}{parts.path}"
    return Plan("sshfs:SSHFileSystem", "ssh", arguments, parts.path, address, 6)


def _webdav(remote: Remote, parts: SplitResult) -> Plan:
    options = remote.options
    if "bearer_token_command" in options:
        raise WrongUsage(
            f"The DVC remote {remote.name!r} has a bearer_token_command, and Tagline runs no such commands.",
            f"Give the token itself: dvc remote modify --local {shell_quote(remote.name)} token TOKEN",
            code="unsupported-option",
        )
    scheme = "https" if parts.scheme.lower() == "webdavs" else "http"
    host = parts.netloc.rpartition("@")[2]
    user, password, token = (options.get(name) for name in ("user", "password", "token"))
    user = user or (unquote(parts.username) if parts.username else None)
    password = password or (unquote(parts.password) if parts.password else None)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if "custom_auth_header" in options:
        headers = {options["custom_auth_header"]: _needed(remote, "password")}
    cert, key = _file(options.get("cert_path")), _file(options.get("key_path"))
    verify = ssl_verify(remote)
    arguments = _given(
        base_url=f"{scheme}://{host}{quote(unquote(parts.path))}",
        auth=(user, password) if user and password and not headers else None,
        headers=headers or None,
        cert=(cert, key) if cert and key else cert,
        verify=True if verify is None else verify,
        timeout=number(remote, "timeout", _TIMEOUT),
    )
    return Plan("webdav4.fsspec:WebdavFileSystem", "webdav", arguments, "", f"{parts.scheme}://{host}{parts.path}", 8)


_PLANS: Mapping[str, Callable[[Remote, SplitResult], Plan]] = {
    "gs": _gs,
    "azure": _azure,
    "http": _http,
    "https": _http,
    "ssh": _ssh,
    "webdav": _webdav,
    "webdavs": _webdav,
}


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _file(path: str | None) -> str | None:
    return str(Path(path).expanduser()) if path else None


def _needed(remote: Remote, name: str) -> str:
    value = remote.options.get(name)
    if not value:
        raise WrongUsage(
            f"The DVC remote {remote.name!r} needs the option {name} for its way of logging in, and it is not set.",
            f"Set it: dvc remote modify --local {shell_quote(remote.name)} {name} VALUE",
            code="no-credentials",
        )
    return value
