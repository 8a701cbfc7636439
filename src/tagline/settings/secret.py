"""Tokens and logins that the environment holds."""

from __future__ import annotations

from typing import NamedTuple


class Secret:
    """A token. It cannot be printed by accident: its text is behind :meth:`reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The token itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is never serialized")


class Login(NamedTuple):
    """A bearer token, or a user and a password; the token counts where both are there."""

    token: Secret | None = None
    user: str = ""
    password: Secret | None = None
