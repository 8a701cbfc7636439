"""Variables of the environment as values. An empty one counts as none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tagline.errors import WrongUsage
from tagline.settings.secret import Secret

_SERVER_RE = re.compile(r"https?://[^/\s]", re.IGNORECASE)


def is_true(value: str | None) -> bool:
    """Whether a variable says yes: all but nothing, 0, false and no."""
    return value is not None and value.strip().lower() not in ("", "0", "false", "no")


def text(environ: Mapping[str, str], name: str) -> str | None:
    """A variable's text."""
    return environ.get(name) or None


def secret(environ: Mapping[str, str], name: str) -> Secret | None:
    """A token, without the blanks that people paste around one. Raises WrongUsage for two lines, which is none."""
    value = environ.get(name, "").strip()
    # A library that was to send it would quote it whole in its error.
    if any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise WrongUsage(
            f"{name} holds a line break or another control character.", "Set it anew, in one line.", code="bad-secret"
        )
    return Secret(value) if value else None


def address(environ: Mapping[str, str], name: str) -> str | None:
    """The http(s) address of a server. Raises WrongUsage for another text."""
    value = text(environ, name)
    if value is not None and not _SERVER_RE.match(value):
        hint = "Give the whole address, with https:// before it."
        raise WrongUsage(f"{name} is no address of a server: {value!r}.", hint, code="bad-address")
    return value


def path(environ: Mapping[str, str], name: str) -> Path | None:
    """A file or folder."""
    return Path(environ[name]) if environ.get(name) else None


def size(environ: Mapping[str, str], name: str, default: int) -> int:
    """Bytes of a number and its unit: ``20GB``. Raises WrongUsage for another text."""
    value = environ.get(name, "").strip()
    if not value:
        return default
    from tagline.domain.text.sizes import parse_size  # here, because most runs need none of it

    try:
        return parse_size(value)
    except WrongUsage as error:
        raise WrongUsage(f"{name}: {error.message}", error.hint) from error
