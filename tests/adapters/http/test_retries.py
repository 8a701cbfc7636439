"""How long a server may make us wait: two minutes and no more."""

from __future__ import annotations

import pytest
from urllib3 import HTTPResponse
from urllib3.exceptions import MaxRetryError

from tagline.adapters.http.retries import PatientRetry, again, options


@pytest.mark.parametrize("seconds", [0, 1, 119, 120])
def test_wait__of_two_minutes_at_most__is_waited(seconds: int) -> None:
    busy = HTTPResponse(status=429, headers={"Retry-After": str(seconds)})
    assert PatientRetry(**options()).increment("GET", "/x", busy).total == 3


def test_wait__of_more_than_two_minutes__is_an_answer() -> None:
    busy = HTTPResponse(status=429, headers={"Retry-After": "121"})
    with pytest.raises(MaxRetryError):
        PatientRetry(**options()).increment("GET", "/x", busy)


def test_again__that_would_take_more_than_two_minutes__is_not_tried() -> None:
    calls = []

    def act() -> None:
        calls.append(1)
        raise OSError

    with pytest.raises(OSError):
        again(act, lambda error: 120.5)
    assert len(calls) == 1
