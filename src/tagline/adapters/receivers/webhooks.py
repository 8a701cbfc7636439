"""The port Receiver over HTTP: signed webhooks by the Standard Webhooks specification, and Slack's.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import random
import time
from collections.abc import Callable, Mapping

import requests

from tagline.domain.delivery.events import Event, as_json, as_slack
from tagline.errors import PlatformRefused, WrongUsage
from tagline.settings import Secret

_PREFIX = "whsec_"
#: Seconds that a receiver may take, and how often it is tried.
_TIMEOUT, _ATTEMPTS = 10.0, 3
#: Seconds before the second attempt; twice as many before each further one.
PAUSE = 1.0
#: Bytes of a signing key, by the specification.
_KEYS = range(24, 65)


class Webhook:
    """One receiver. ``title`` is what people call it: its address may be a secret and is told to nobody."""

    def __init__(
        self, title: str, address: Secret, compose: Callable[[Event], tuple[bytes, Mapping[str, str]]]
    ) -> None:
        self.title = title
        self._address, self._compose = address, compose

    @property
    def key(self) -> str:
        """What tells it from others, and from itself at another address; it gives the address away to nobody."""
        return f"{self.title}:{hashlib.sha256(self._address.reveal().encode()).hexdigest()[:16]}"

    def send(self, event: Event) -> None:
        """Send an event, and again after what may pass; redirects are refused. Raises PlatformRefused."""
        said = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(random.uniform(0.5, 1.0) * PAUSE * 2 ** (attempt - 1))  # noqa: S311
            body, headers = self._compose(event)
            try:
                answer = requests.post(
                    self._address.reveal(), data=body, headers=dict(headers), timeout=_TIMEOUT, allow_redirects=False
                )
            except requests.RequestException as error:
                said = f"it cannot be reached ({type(error).__name__})"  # its words may hold the address
                continue
            if 200 <= answer.status_code < 300:
                return
            said = f"it answered {answer.status_code}"
            if 300 <= answer.status_code < 500 and answer.status_code not in (408, 425, 429):
                break
        raise PlatformRefused(
            f"{self.title} did not take {event.kind} of {event.artifact}: {said}.",
            "The next run within seven days of the merge sends it again.",
            code="event-not-sent",
        )


def standard_webhook(address: Secret, secret: Secret | None, source: str) -> Webhook:
    """A receiver of signed CloudEvents about a repository, whose page is ``source``. Raises WrongUsage."""
    key = _key(secret)
    _check("TAGLINE_WEBHOOK_URL", address)

    def compose(event: Event) -> tuple[bytes, Mapping[str, str]]:
        body, now = as_json(event, source), str(int(time.time()))
        signed = hmac.new(key, b".".join((event.id.encode(), now.encode(), body)), hashlib.sha256).digest()
        return body, {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": event.id,
            "webhook-timestamp": now,
            "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        }

    return Webhook("The webhook", address, compose)


def slack(address: Secret, source: str) -> Webhook:
    """Slack's incoming webhook. Raises WrongUsage for a bad address."""
    _check("TAGLINE_SLACK_WEBHOOK", address)
    return Webhook("Slack", address, lambda event: (as_slack(event, source), {"Content-Type": "application/json"}))


def _check(name: str, address: Secret) -> None:
    url = address.reveal()
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")) or any(
        sign.isspace() for sign in url
    ):
        raise WrongUsage(f"{name} is no address of a receiver.", "Give the whole address, with https:// before it.")


def _key(secret: Secret | None) -> bytes:
    """The key of ``whsec_...``. Raises WrongUsage."""
    text = secret.reveal() if secret is not None else ""
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True) if text.startswith(_PREFIX) else b""
    except (binascii.Error, ValueError):
        key = b""
    if len(key) not in _KEYS:
        raise WrongUsage(
            "TAGLINE_WEBHOOK_URL is set, and TAGLINE_WEBHOOK_SECRET is no secret to sign with.",
            f"Make one: printf {_PREFIX}; head -c 32 /dev/urandom | base64. The receiver needs the same.",
            code="bad-webhook-secret",
        )
    return key
