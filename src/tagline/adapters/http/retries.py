"""How both forges' HTTP is repeated: urllib3's retries with backoff, bounded in number and in waiting.

Only what may be sent twice is repeated here. A POST is not: whoever posts looks first whether the
answer was lost and the post was not (:func:`post_once`). The forges' rate limits are in ``forges/limits.py``.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from urllib3.exceptions import MaxRetryError
from urllib3.util import Retry

T = TypeVar("T")

# Both SDKs log what they repeat and what fails; what matters of it is said by our own errors.
for _name in ("github", "gitlab", "urllib3"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

ATTEMPTS = 4
#: Seconds: how long a forge may ask us to wait before we say so and give up. A job costs money while it sleeps.
LONGEST_WAIT = 120.0
#: What a server answers where something is wrong with it for a while, and with too many requests.
FAULTS = (500, 502, 503, 504)
STATUSES = (429, *FAULTS)
METHODS = frozenset(("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"))
BACKOFF = 0.3


def options() -> dict[str, Any]:
    """The options of urllib3's Retry that both forges share."""
    return {
        "total": ATTEMPTS,
        "backoff_factor": BACKOFF,
        "backoff_jitter": BACKOFF,
        "allowed_methods": METHODS,
        "raise_on_status": False,
        "respect_retry_after_header": True,
    }


class PatientRetry(Retry):
    """urllib3's retries, but a wait of more than two minutes is an answer and no pause."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: Any = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        """Count one more attempt. Raises MaxRetryError where the server asks for too much patience."""
        wait = self.get_retry_after(response) if response is not None else None
        if wait is not None and wait > LONGEST_WAIT:
            raise MaxRetryError(_pool, url or "")
        return super().increment(method, url, response, error, _pool, _stacktrace)


def post_once(
    create: Callable[[], T], there: Callable[[], T | None], is_passing: Callable[[Exception], float | None]
) -> T:
    """Create something, and again after a failure that may pass; but first ``there`` looks for it.

    The answer may have been lost and the thing be made.
    """
    attempts = 0

    def act() -> T:
        nonlocal attempts
        attempts += 1
        found = there() if attempts > 1 else None
        return create() if found is None else found

    return again(act, is_passing)


def again(act: Callable[[], T], is_passing: Callable[[Exception], float | None]) -> T:
    """Call ``act`` until it works; ``is_passing`` gives for a failure that may pass the seconds to wait.

    ``act`` must bear being done twice. Raises its last failure.
    """
    for attempt in range(ATTEMPTS):
        try:
            return act()
        except Exception as error:
            wait = is_passing(error)
            if wait is None or attempt == ATTEMPTS - 1 or wait > LONGEST_WAIT:
                raise
            time.sleep(max(wait, random.uniform(0.5, 1.0) * BACKOFF * 2**attempt))  # noqa: S311
    raise AssertionError("unreachable")  # pragma: no cover
