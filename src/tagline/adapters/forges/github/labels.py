"""The labels that a repository offers, by GitHub's REST API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from github.GithubException import GithubException

from tagline.adapters.forges.github.access import Access
from tagline.adapters.forges.github.api import GARBLED, explained, is_passing, refusal_of, text
from tagline.adapters.forges.refusals import cannot_label
from tagline.adapters.http import retries as http_retries


class Labels(Access):
    """The labels of one repository."""

    longest_label = 50
    labels_ignore_case = True

    def offered_labels(self) -> list[str]:
        """All pages."""
        with self._labelling("see", "issues: read"):
            return [text(label.name) for label in self._repo.get_labels()]

    def make_label(self, name: str, color: str, description: str) -> bool:
        """Make it; another run, or this one before its answer was lost, may have been faster."""

        def post() -> bool:
            try:
                self._repo.create_label(name, color, description)
            except GithubException as error:
                if error.status == 422 and _is_there(error.data):
                    return False
                raise
            return True

        with self._labelling("make", "issues: write"):
            return http_retries.again(post, is_passing)

    @contextmanager
    def _labelling(self, verb: str, needs: str) -> Iterator[None]:
        """Turn the library's failures into ours. To whoever may not GitHub says 403, or that nothing is there."""
        try:
            yield
        except (GithubException, requests.RequestException, *GARBLED) as error:
            refusal = refusal_of(error)
            if refusal.status in (403, 404) and not refusal.rate_limited:
                who = f"{needs} (in a workflow: permissions; an App's or a person's token: of this repository)"
                raise cannot_label(self._web, verb, who, no_token=self._no_token) from error
            raise explained(self._web, error) from error


def _is_there(data: object) -> bool:
    errors = data.get("errors") if isinstance(data, dict) else None
    return isinstance(errors, list) and any(
        isinstance(error, dict) and error.get("code") == "already_exists" for error in errors
    )
