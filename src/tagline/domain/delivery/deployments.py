"""Deployments: what one says of itself, and what came of saying it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tagline.domain.delivery.book import Report
from tagline.domain.delivery.proposals import Proposed
from tagline.domain.ledger.events import Warn
from tagline.errors import TaglineError, WrongUsage

State = Literal["in_progress", "success", "failure"]
STATES: tuple[State, ...] = ("in_progress", "success", "failure")
#: Characters of an address at most.
_LONGEST_URL = 1000
_DIGEST_RE = re.compile(r"(sha256:|md5:|gitblob:|gittree:)?([0-9a-f]{32,64})(\.dir)?", re.IGNORECASE)
#: The kind of a digest that names none, by its length in hex digits.
_BY_LENGTH = {32: "md5:", 64: "sha256:"}


class Announcement(NamedTuple):
    """A deployment as the forge is told of it. ``commit`` is the tag's; ``sha256`` in hex, None where nobody knows."""

    artifact: str
    stage: str
    version: str | None
    tag: str
    commit: str
    environment: str
    state: State
    run_url: str | None
    url: str | None
    sha256: str | None


class Deployment(NamedTuple):
    """The forge's own record. ``by``: Tagline made it, or the forge itself for a job that names its environment.

    ``news``: this run told the forge something.
    """

    url: str | None
    environment: str
    by: Literal["tagline", "forge"]
    news: bool


@dataclass(frozen=True)
class Reported:
    """``deployed``: what was reported, and who knows it now. ``errors`` are why somebody does not.

    ``news``: nobody had reported it before. ``current``: the tag still holds its stage. ``recorded`` is None where
    nobody asked for a record by digest.
    """

    artifact: str
    commit: str
    report: Report
    environment: str
    sha256: str | None
    current: bool
    news: bool
    remembered: bool = False
    deployment: Deployment | None = None
    recorded: bool | None = None
    rollback: Proposed | None = None
    dry_run: bool = False
    errors: tuple[TaglineError, ...] = ()
    warnings: Sequence[Warn] = field(default_factory=tuple)


def parse_digest(text: str) -> str:
    """A digest as Tagline writes it: ``sha256:<hex>``, ``md5:<hex>[.dir]``, ...; bare hex is told by its length.

    Raises WrongUsage for what is none.
    """
    match = _DIGEST_RE.fullmatch(text.strip())
    kind = (match[1] or _BY_LENGTH.get(len(match[2]), "")) if match else ""
    if match is None or not kind:
        raise WrongUsage(
            f"--digest {text[:100]!r} is no digest.",
            "Give what resolve or fetch answered as digest or sha256, such as sha256: and 64 hex digits.",
            code="bad-digest",
        )
    return f"{kind}{match[2]}{match[3] or ''}".lower()


def knows(digest: str, known: Iterable[str]) -> bool:
    """Whether a digest is among those of a version; of a folder it may come without its ``.dir``."""
    return any(digest in (one.lower(), one.lower().removesuffix(".dir")) for one in known)


def check_page(text: str) -> str:
    """An address that people are sent to. Raises WrongUsage for what is none of the web, or has a login in it."""
    said = text.strip()
    place = said.partition("://")[2].partition("/")[0]
    is_page = re.fullmatch(r"https?://[^\s<>\"'`\\]+", said) and said.isprintable()
    if not is_page or "@" in place or len(said) > _LONGEST_URL:
        raise WrongUsage(
            "--url is no address of a page.",
            "Give where it is deployed: https://HOST/..., without a login.",
            code="bad-address",
        )
    return said


def record_name(artifact: str, environment: str) -> str:
    """How GitHub's record calls one deployment of an artifact: short enough, and no other's."""
    name = f"{artifact} {environment}"
    return name if len(name) <= 120 else f"{name[:100]} {hashlib.sha256(name.encode()).hexdigest()[:16]}"
