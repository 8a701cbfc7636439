"""The ports of the site: the rows that it shows, what fills its pages, and the folder that it is written to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from tagline.domain.site.gathering import Artifact, Site
from tagline.domain.site.records import Version
from tagline.domain.site.scripts import Scripts


class IndexRows(Protocol):
    """One state of an index."""

    @property
    def generated_at(self) -> str:
        """When it was made: RFC 3339."""

    def rows(self) -> Mapping[str, Iterable[tuple[Any, ...]]]:
        """The rows of all tables, in the order of their columns; times are unix seconds."""


class Pages(Protocol):
    """What makes pages: HTML as text, by what each shows."""

    def assets(self) -> Mapping[str, bytes]:
        """Styles and scripts by their path in the site."""

    def source(self) -> str:
        """All that pages are made from but for the rows: what makes a page another one."""

    def index(self, site: Site, scripts: Scripts) -> str:
        """All artifacts."""

    def board(self, scripts: Scripts) -> str:
        """Artifacts by stages."""

    def log(self, scripts: Scripts) -> str:
        """All decisions."""

    def compare(self, scripts: Scripts) -> str:
        """Any two versions."""

    def repositories(self, site: Site) -> str:
        """Repositories and what is missing in them."""

    def artifact(self, one: Artifact) -> str:
        """An artifact."""

    def version(self, one: Artifact, row: Version) -> str:
        """A version of an artifact."""


class Made(NamedTuple):
    """What a site was made from and holds.

    ``source`` names templates and options, ``artifacts`` are the fingerprint and files of each by ``REPOSITORY NAME``
    (a line break between them), ``others`` the files beside. Files come with their size in bytes.
    """

    source: str = ""
    artifacts: Mapping[str, tuple[str, Mapping[str, int]]] = {}
    others: Mapping[str, int] = {}

    @property
    def files(self) -> dict[str, int]:
        """All files."""
        found = dict(self.others)
        for _, files in self.artifacts.values():
            found.update(files)
        return found


class Written(NamedTuple):
    """How many files a build wrote because they changed, and how many it took away."""

    written: int
    removed: int


class SiteFolder(Protocol):
    """Where a site is kept. Nothing of it changes before :meth:`finish`."""

    @property
    def name(self) -> str:
        """What people call it."""

    def before(self) -> Made:
        """What the site there was made from; of one that does not know, nothing."""

    def there(self, files: Mapping[str, int]) -> bool:
        """Whether all these files are there, of these sizes."""

    def put(self, file: str, data: bytes) -> None:
        """Lay a file aside."""

    def finish(self, made: Made, last: Sequence[str]) -> Written:
        """Put what was laid aside in its place, ``last`` at the end, and take away what the site holds no more."""
