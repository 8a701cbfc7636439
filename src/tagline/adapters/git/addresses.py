"""Objects of a repository by their addresses alone, for who only says where something lies."""

from __future__ import annotations

from tagline.domain.storage.objects import Key


class NamedObjects:
    """Knows where objects are, and reads none. ``url`` is the repository's, without secrets."""

    streams = 1

    def __init__(self, url: str) -> None:
        self._url = url

    def uri(self, key: Key) -> str:
        """The repository, and the object's id."""
        return f"git+{self._url}#{key.path}"

    def close(self) -> None:
        """Nothing is open."""
