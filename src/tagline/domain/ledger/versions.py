"""Semantic versions as registry tags write them: ``v1.2.3-rc.1+build``.

Source: https://semver.org/spec/v2.0.0.html. Comparison never converts digits to numbers,
so a version of ten thousand digits is slow to read but safe.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from tagline.errors import Refused

Bump = Literal["major", "minor", "patch"]
BUMPS: tuple[Bump, ...] = ("major", "minor", "patch")

_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRE_ID = r"(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
SEMVER = (
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
    rf"(?:-{_PRE_ID}(?:\.{_PRE_ID})*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
_VERSION_RE = re.compile(rf"v{SEMVER}")

_FIRST: dict[Bump, str] = {"major": "v1.0.0", "minor": "v0.1.0", "patch": "v0.0.1"}

Precedence = tuple[object, ...]
_RELEASE = (1,)


def is_version(text: str) -> bool:
    """Whether ``text`` is a version as tags write it (lower-case ``v``, no leading zeros)."""
    return _VERSION_RE.fullmatch(text) is not None


def _digits(text: str) -> tuple[int, str]:
    return (len(text), text)


@lru_cache(maxsize=1 << 17)
def precedence(version: str) -> Precedence:
    """Sort key of a valid version: SemVer precedence, build metadata ignored."""
    core, _, pre = version[1:].partition("+")[0].partition("-")
    major, minor, patch = core.split(".")
    return (*_digits(major), *_digits(minor), *_digits(patch), _prerelease(pre))


def _prerelease(text: str) -> tuple[object, ...]:
    if not text:
        return _RELEASE
    parts = (((0, *_digits(p)) if p.isdigit() else (1, 0, p)) for p in text.split("."))
    return (0, *parts)


def first(bump: Bump) -> str:
    """The version that a bump gives to an artifact without any."""
    return _FIRST[bump]


def bumped(version: str, bump: Bump) -> str:
    """The next version above ``version``, always a release: prerelease and build are dropped.

    As GTO does it: patch of ``v1.2.0-rc.1`` is ``v1.2.1``. Raises :class:`Refused` where a
    number is too long for Python to count on from.
    """
    core = version[1:].partition("+")[0].partition("-")[0]
    try:
        major, minor, patch = (int(part) for part in core.split("."))
    except ValueError:
        raise Refused(
            f"{version[:20]}... is too long to be bumped.", "Name the next version: --version vX.Y.Z"
        ) from None
    if bump == "patch":
        return f"v{major}.{minor}.{patch + 1}"
    if bump == "minor":
        return f"v{major}.{minor + 1}.0"
    return f"v{major + 1}.0.0"
