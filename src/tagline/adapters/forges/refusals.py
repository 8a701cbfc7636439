"""What a forge's API refuses, and why: cause, missing permission, fix."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import NamedTuple

import requests

from tagline.adapters.forges.json_answers import OddAnswer, without_markup
from tagline.adapters.forges.limits import LimitReached
from tagline.domain.text.public import public
from tagline.errors import NotFound, PlatformRefused
from tagline.ports.forge import CannotLabel

_MOST_WORDS = 300
#: Why a comment is refused where people talked too much.
LOCKED = (
    "the conversation is locked, and this token may not write there: unlock it, or use the token of somebody who may"
)
#: Why a status is refused where too many were set.
FULL = (
    "GitHub takes no more statuses of this commit (a thousand of one name): push another commit, an empty one will do"
)
#: Why a status is refused for what lies elsewhere.
NO_PIPELINE = (
    "the head lies in a fork and has no pipeline here, and GitLab then takes no status of it; the note says the same"
)
#: What the libraries and our own conversions fail with where an answer has another shape than the forge's.
GARBLED = (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class Refusal(NamedTuple):
    """An answer that is no answer: HTTP status (0: none came), the forge's words, and of a limit when it ends."""

    status: int
    words: str
    rate_limited: bool = False
    #: Seconds from now; None: the forge does not say.
    ends_in: float | None = None


def limited(error: LimitReached) -> Refusal:
    """What a limit says."""
    return Refusal(error.status, error.words, rate_limited=True, ends_in=error.ends_in)


class ElsewhereError(requests.RequestException):
    """A forge sent us on to another server, which was not asked: it would have got the token."""

    def __init__(self, forge: str, asked: object, sent_to: object) -> None:
        where = sent_to or "an address that is none"
        super().__init__(f"{asked or forge} sends us on to {where}, which was not asked.")


def may_be_done(error: Exception, status: int | None) -> bool:
    """Whether what was asked for may be done although this is the answer; ``status`` is HTTP's, None where none came.

    An answer that is none, or a server's fault, tells nothing. A limit, and a server that sends us elsewhere, do.
    """
    return not isinstance(error, (ElsewhereError, LimitReached)) and (status is None or status >= 500)


def elsewhere(error: ElsewhereError, variable: str) -> PlatformRefused:
    """The error for a forge that sends us on; ``variable`` names its API in a job."""
    return PlatformRefused(
        f"{error} It would have got the token.",
        f"Where the forge is there for good, name that address: {variable}, or for another repository --repo-api-url.",
        code="other-origin",
    )


def unreachable(url: str, error: Exception) -> PlatformRefused:
    """The error for a forge that did not answer, however often it was asked, or not with an answer of its API."""
    if isinstance(error, OddAnswer):
        return _garbled(url, str(error))
    if isinstance(error, requests.exceptions.SSLError):
        return PlatformRefused(
            f"The TLS certificate of {public(url)} is not trusted.",
            "A private authority's: name its bundle in REQUESTS_CA_BUNDLE, and for Git in GIT_SSL_CAINFO.",
            code="unreachable",
        )
    return PlatformRefused(
        f"{public(url)} cannot be reached: {type(error).__name__}.",
        "Run the same command again: what is done already is not done twice.",
        code="unreachable",
    )


def misshapen(url: str, error: Exception) -> PlatformRefused:
    """The error for an answer that the library or we could not read: one of ``GARBLED``."""
    return _garbled(url, f"an answer of another shape ({type(error).__name__}: {error})")


def _garbled(url: str, what: str) -> PlatformRefused:
    """What came is no answer of a forge's API: the fault is on the way to it, or in the address."""
    words = without_markup(what)[:_MOST_WORDS]
    return PlatformRefused(
        f"What answered for {public(url)} is not the forge's API, or is a page in front of it: {words}.",
        "Check GITHUB_API_URL or CI_API_V4_URL, the repository's name and the proxies on the way; then run the same "
        "command again: what is done already is not done twice.",
        code="forge-failed",
    )


#: Why a request had none, where nobody knows better.
NO_TOKEN = "No token was given: set TAGLINE_TOKEN in a job of it, else TAGLINE_REPO_TOKEN and TAGLINE_REPO_HOST."  # noqa: S105


def not_there(where: str, what: str, needs: str, *, no_token: str | None) -> NotFound:
    """The error for what is not there, which is also what a token that may not see it is told.

    ``no_token``: why the request had none; None where it had one.
    """
    hint = no_token
    if hint is None:
        hint = f"Check the number and the repository, and that the token has {needs.removesuffix('.')}."
    return NotFound(f"{where} has no {what}, or this token may not see it.", hint, code="not-on-forge")


def cannot_label(where: str, verb: str, needs: str, *, no_token: str | None) -> CannotLabel:
    """The error for labels that nobody may ``see`` or ``make`` with this token, or of a place that is not there."""
    hint = no_token
    if hint is None:
        hint = f"It needs {needs}. Check the repository's name too."
    return CannotLabel(f"This token may not {verb} labels of {public(where)}.", hint)


def _until(ends_in: float | None) -> str:
    """When a limit ends, for people: minutes, and the time that a log has beside its lines."""
    if ends_in is None:
        return ", and does not say until when"
    ends = datetime.fromtimestamp(time.time() + ends_in, UTC)
    minutes = max(round(ends_in / 60), 1)
    return f" until {ends:%H:%M} UTC, in {minutes} {'minute' if minutes == 1 else 'minutes'}"


def explain(forge: str, refusal: Refusal) -> PlatformRefused:
    """The error for an answer that repeating did not mend."""
    words = without_markup(refusal.words)[:_MOST_WORDS]
    if refusal.rate_limited:
        return PlatformRefused(
            f"{forge} limits the rate of this token{_until(refusal.ends_in)}. It said: {words}",
            "Run again then, or use an App's own token. Tagline itself waits a few minutes at most.",
            code="rate-limit",
        )
    if refusal.status == 401:
        return PlatformRefused(
            f"{forge} does not accept the token: {words}",
            "Give one that is valid here and has not expired: for a job's own repository in TAGLINE_TOKEN, for --repo "
            "and on a machine in TAGLINE_REPO_TOKEN.",
            code="bad-credentials",
        )
    if refusal.status == 403:
        return PlatformRefused(
            f"{forge} does not let this token do that: {words}",
            "docs/permissions.md lists what each command needs.",
            code="no-permission",
        )
    return PlatformRefused(
        f"{forge} answered {refusal.status}: {words}",
        "Run the same command again: what is done already is not done twice.",
        code="forge-failed",
    )
