"""The text of a change that a run opens."""

from __future__ import annotations

from tagline.domain.delivery.proposals import Request
from tagline.render.markdown.proposal import proposal


def test_proposal__of_a_run__says_who_started_it_or_that_it_is_not_known() -> None:
    request, url = Request("churn", "v1.2.0", "prod"), "https://x.test/runs/1"
    known, unknown = (proposal(request, login, url)[1].splitlines()[2] for login in ("carol", None))
    assert known.startswith(f"Asked for by `carol`, who started [a run]({url}). Whoever")
    assert unknown.startswith(f"Asked for by [a run]({url}); who started it is not known. Whoever")
