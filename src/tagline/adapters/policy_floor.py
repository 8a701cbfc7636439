"""The platform team's policy: a file of the machine, or an https address."""

from __future__ import annotations

import os
from pathlib import Path

from tagline.errors import PlatformRefused, WrongUsage

#: Seconds.
_TIMEOUT = 10.0
_HINT = "The platform team sets it (TAGLINE_POLICY_FLOOR): an absolute path outside of any repository, or an https URL."


def read_floor(place: str, most: int) -> bytes:
    """At most ``most`` bytes of it. Raises WrongUsage for what is no such place, PlatformRefused for no answer."""
    data = _from_address(place, most) if "://" in place else _from_file(place, most)
    if len(data) > most:
        raise WrongUsage(f"The policy floor {place} has more than {most:,} bytes.", _HINT, code="bad-floor")
    return data


def _from_file(place: str, most: int) -> bytes:
    path = Path(place)
    if not path.is_absolute():
        raise WrongUsage(f"The policy floor {place!r} is no absolute path.", _HINT, code="bad-floor")
    real = Path(os.path.realpath(path))
    if any((folder / ".git").exists() for folder in real.parents):
        # Whoever may change the repository could change the floor that it must not go below.
        raise WrongUsage(f"The policy floor {place} lies in a repository.", _HINT, code="bad-floor")
    try:
        with real.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise PlatformRefused(f"The policy floor {place} cannot be read: {error.strerror}.", _HINT) from error


def _from_address(place: str, most: int) -> bytes:
    import requests

    if not place.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise WrongUsage("The policy floor is no https address.", _HINT, code="bad-floor")
    try:
        with requests.get(place, timeout=_TIMEOUT, allow_redirects=False, stream=True) as answer:
            if answer.status_code != 200:
                raise PlatformRefused(f"The policy floor {place} answered {answer.status_code}.", _HINT)
            return answer.raw.read(most + 1, decode_content=True) or b""
    except requests.RequestException as error:
        raise PlatformRefused(f"The policy floor {place} cannot be reached: {type(error).__name__}.", _HINT) from error
