"""Where a forge shows commits, tags, files and comparisons to people, and pages of lists. No API is asked for it."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

_NEXT_PAGE = re.compile(r'<([^>]*)>; rel="next"')


def host_of(web: str) -> str:
    """The host of a page, with its port where the address names one."""
    parts = urlsplit(web)
    return f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"


def next_page(links: str) -> str | None:
    """The address of a list's next page, by GitHub's header Link; None on the last one."""
    found = _NEXT_PAGE.search(links)
    return found[1] if found else None


class GitHubPages:
    """The pages of a repository at ``web``, such as ``https://github.com/org/shop``."""

    def __init__(self, web: str) -> None:
        self._web = web

    def commit_url(self, commit: str) -> str:
        """A commit's."""
        return f"{self._web}/commit/{commit}"

    def tag_url(self, tag: str) -> str:
        """A tag's, with everything in the name encoded."""
        return f"{self._web}/releases/tag/{_quoted(tag, safe='')}"

    def file_url(self, commit: str, path: str) -> str:
        """A file's as of a commit; GitHub leads from a folder's to the right one."""
        return f"{self._web}/blob/{commit}/{_quoted(path)}"

    def compare_url(self, before: str, after: str) -> str:
        """What lies between two commits."""
        return f"{self._web}/compare/{before}...{after}"


class GitLabPages:
    """The pages of a project at ``web``."""

    def __init__(self, web: str) -> None:
        self._web = web

    def commit_url(self, commit: str) -> str:
        """A commit's."""
        return f"{self._web}/-/commit/{commit}"

    def tag_url(self, tag: str) -> str:
        """A tag's, with everything in the name encoded."""
        return f"{self._web}/-/tags/{_quoted(tag, safe='')}"

    def file_url(self, commit: str, path: str) -> str:
        """A file's as of a commit."""
        return f"{self._web}/-/blob/{commit}/{_quoted(path)}"

    def compare_url(self, before: str, after: str) -> str:
        """What lies between two commits."""
        return f"{self._web}/-/compare/{before}...{after}"


def _quoted(name: str, safe: str = "/") -> str:
    # A name in Git need not be valid Unicode; its bytes are what the page is called by.
    try:
        return quote(name.encode(errors="surrogateescape"), safe)
    except UnicodeEncodeError:  # no name in Git, then, but what somebody's file calls one
        return quote(name.encode(errors="replace"), safe)
