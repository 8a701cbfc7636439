"""The proxy that this machine's environment names for a URL (``HTTPS_PROXY``, ``NO_PROXY`` and the like)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

if TYPE_CHECKING:
    from urllib3 import PoolManager


def proxy_of(url: str) -> str | None:
    """The proxy's URL; None to go there directly."""
    parts, known = urlsplit(url), getproxies()
    proxy = known.get(parts.scheme) or known.get("all")
    if not proxy or proxy_bypass(parts.hostname or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def connections(proxy: str | None, **options: Any) -> PoolManager:
    """urllib3's connections, by a proxy or directly."""
    import urllib3

    if proxy is None:
        return urllib3.PoolManager(**options)
    parts = urlsplit(proxy)
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}" if parts.username is not None else None
    headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
    clean = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return urllib3.ProxyManager(clean, proxy_headers=headers, **options)
