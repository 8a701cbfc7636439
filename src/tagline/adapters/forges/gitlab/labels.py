"""The labels that a project offers, by GitLab's REST API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from gitlab.exceptions import GitlabError

from tagline.adapters.forges.gitlab.access import Access
from tagline.adapters.forges.gitlab.api import PER_PAGE, explained, is_passing
from tagline.adapters.forges.refusals import GARBLED, cannot_label
from tagline.adapters.http import retries as http_retries

_NEEDS = "the scope api and the role Reporter: a project token in TAGLINE_TOKEN; a job token never may"


class Labels(Access):
    """The labels of one project."""

    longest_label = 255
    labels_ignore_case = False

    def offered_labels(self) -> list[str]:
        """All pages; labels of the groups above are among them."""
        with self._labelling("see"):
            return [str(label.name) for label in self._project.labels.list(iterator=True, per_page=PER_PAGE)]

    def make_label(self, name: str, color: str, description: str) -> bool:
        """Make it; another run, or this one before its answer was lost, may have been faster."""

        def post() -> bool:
            try:
                self._project.labels.create({"name": name, "color": f"#{color}", "description": description})
            except GitlabError as error:
                if error.response_code == 409:
                    return False
                raise
            return True

        with self._labelling("make"):
            return http_retries.again(post, is_passing)

    @contextmanager
    def _labelling(self, verb: str) -> Iterator[None]:
        """Turn the library's failures into ours. To a job token GitLab answers 404 for what it may not do."""
        try:
            yield
        except (GitlabError, requests.RequestException, *GARBLED) as error:
            status = error.response_code if isinstance(error, GitlabError) else None
            if status in (403, 404) or (status == 401 and (self._has_job_token or self._no_token is not None)):
                raise cannot_label(self._web, verb, _NEEDS, no_token=self._no_token) from error
            raise explained(self._web, error) from error
