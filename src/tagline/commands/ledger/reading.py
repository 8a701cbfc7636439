"""How every command reads the ledger: all the tags that it needs, or a refusal that says the fix."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tagline.domain.ledger.alike import alike_artifacts, alike_stages
from tagline.domain.ledger.answers import future_warnings, require_artifact, unknown_artifact
from tagline.domain.ledger.completeness import compare
from tagline.domain.ledger.events import RawTag, Reading, Warn, left_out, read_events
from tagline.domain.ledger.moved import Moved, moved_warnings, refusal
from tagline.domain.ledger.registry import ArtifactState, state_of
from tagline.domain.ledger.tags import parse_tag
from tagline.domain.text.times import format_time
from tagline.errors import IncompleteClone, NotFound

if TYPE_CHECKING:
    from tagline.ports.repository import TaggedRepository, Upstream

_EXAMPLES = 3


class Source(NamedTuple):
    """A registry to read, and what there is to compare it with.

    ``upstream`` opens the remote; it gives None where the tags come from the remote itself, where
    there is no remote, and with --offline. ``platform`` chooses the words of the fix.
    """

    repository: TaggedRepository
    upstream: Callable[[], Upstream | None]
    #: Compare always: in CI, clones are made by others' settings.
    always_compare: bool = False
    offline: bool = False
    #: Compare because somebody asked for it.
    fresh: bool = False
    platform: str | None = None
    #: The tags are a remote's own, as fetched for this question.
    is_remote: bool = False
    #: The policy's patterns of other tools' tags.
    foreign: Callable[[], Sequence[str]] = tuple
    #: The repository as it is now, read anew; None where only a clone's remote can have news.
    reopened: Callable[[], TaggedRepository | None] = lambda: None
    #: From where and when (unix seconds, None where nobody knows) the tags came, for a person who cannot see it.
    fetched: Callable[[], tuple[str, int | None] | None] = lambda: None


class View:
    """The folded ledger of some artifacts, or of all."""

    def __init__(
        self, source: Source, artifacts: Collection[str] | None, *, details: bool, refuse_moved: bool = True
    ) -> None:
        self._source = source
        self._artifacts = artifacts
        self.compared = source.is_remote or source.offline
        self.notes: list[Warn] = []
        #: The raw tags by name, where details were asked for.
        self.raw: dict[str, RawTag] = {}
        self._refuse_moved = refuse_moved and source.always_compare
        self._tell_moved(source.repository.moved)
        #: Tags that the remote, which was asked, has not; and what it is called.
        self.only_here: frozenset[str] = frozenset()
        self.remote = ""
        self.reading = self._read(details=details)
        self.notes += [] if self.compared else _as_fetched(source.fetched())

    def _tell_moved(self, moved: Sequence[Moved]) -> None:
        """Tags of a registry are never rewritten: a CI job, which acts on what it is told, gets no answer then."""
        if moved and self._refuse_moved:
            raise refusal(moved)
        self.notes += moved_warnings(moved)

    def _read(self, *, details: bool) -> Reading:
        why = self._why_compare()
        if why is None and not details:
            # The usual way: a stream, nothing is kept twice.
            reading = self._events(self._source.repository.tags(self._artifacts))
            if self.compared or not (reading.lightweight or self._empty(reading)):
                return reading
        held = list(self._source.repository.tags(self._artifacts, details=details))
        if why is None and not self.compared:
            reading = self._events(held)
            why = "it has lightweight registry tags" if reading.lightweight else None
            why = why or ("it has no registry tag at all" if self._empty(reading) else None)
        if why is not None:
            held = self.compare(held, why)
        if details:
            self.raw = {tag.name: tag for tag in held}
        return self._events(held)

    def _events(self, tags: Iterable[RawTag]) -> Reading:
        """The events of some tags; of all artifacts those of this registry."""
        reading = read_events(tags)
        if self._artifacts is not None or not (reading.events or reading.warnings):
            return reading
        patterns = self._source.foreign()
        return left_out(reading, patterns) if patterns else reading

    def _empty(self, reading: Reading) -> bool:
        """Whether all was asked for and nothing is here: then it may just not have been fetched."""
        return self._artifacts is None and not reading.events

    def _why_compare(self) -> str | None:
        """Why the tags must be compared before they are trusted; None when they need not be."""
        if self._source.is_remote:
            return None
        shape = self._source.repository.why_incomplete()
        if self._source.offline:
            if shape:
                message = f"This clone is {shape} and --offline keeps it from being compared with its remote."
                self.notes.append(Warn("not-compared", None, message))
            return None
        if shape:
            return f"it is {shape}"
        if self._source.fresh:
            return "--fresh asks for it"
        return "this is a CI job" if self._source.always_compare else None

    def compare(self, held: list[RawTag], why: str) -> list[RawTag]:
        """Compare with the remote; raise IncompleteClone, or give the tags to go by."""
        if self.compared:
            return held
        self.compared = True
        upstream = self._source.upstream()
        if upstream is None:
            return self._without_upstream(held)
        difference = compare(held, upstream.tag_objects(self._artifacts))
        self._tell_moved(upstream.moved)
        if difference.missing or difference.different:
            lacking = difference.missing or difference.different
            verb = "lacks" if difference.missing else "has other content for"
            raise incomplete(upstream.name, verb, lacking, why, self._source.platform)
        if difference.only_here:
            some = _some(difference.only_here)
            self.only_here, self.remote = frozenset(difference.only_here), upstream.name
            self.notes.append(Warn("not-on-remote", None, f"{upstream.name} does not have {some}."))
        return self._replaced(held, difference.lightweight, upstream)

    def _without_upstream(self, held: list[RawTag]) -> list[RawTag]:
        """There is no remote. A full clone is then all there is; a shallow or partial one is not."""
        shape = self._source.repository.why_incomplete()
        if shape is not None:
            raise IncompleteClone(
                f"This clone is {shape} and has no remote to compare its tags with; any answer could be stale.",
                "Add the remote that it came from: git remote add origin URL\n"
                "Or trust the tags that are here: --offline",
            )
        return held

    def _replaced(self, held: list[RawTag], lightweight: list[str], upstream: Upstream) -> list[RawTag]:
        """Take the remote's word for tags that a checkout has flattened to lightweight ones."""
        if not lightweight:
            return held
        artifacts = {parsed.artifact for name in lightweight if (parsed := parse_tag(name))}
        theirs = {tag.name: tag for artifact in sorted(artifacts) for tag in upstream.tags(artifact)}
        for name in lightweight:
            message = f"{name} is lightweight in this clone and annotated on {upstream.name}; its word counts."
            self.notes.append(Warn("refetched-tag", name, message))
        flat = set(lightweight)
        return [theirs.get(tag.name, tag) if tag.name in flat else tag for tag in held]

    def state(self, name: str, as_of: int | None = None) -> ArtifactState | None:
        """One artifact's state; None when no tag names it."""
        return state_of(self.reading, name, as_of) if self.reading.events.get(name) else None

    def states(self, as_of: int | None = None) -> Iterator[ArtifactState]:
        """Every artifact that has an event, by name."""
        for name in sorted(self.reading.events):
            state = self.state(name, as_of)
            if state is not None and state.events:
                yield state

    def warnings(self, state: ArtifactState | None, now: int | None) -> list[Warn]:
        """What to tell about the tags that were read and, where given, about one artifact."""
        found = [*self.notes, *self.reading.warnings]
        if state is None:
            return found + alike_artifacts(self.reading.events if self._artifacts is None else ())
        return found + self.warnings_of(state, now)

    @staticmethod
    def warnings_of(state: ArtifactState, now: int | None) -> list[Warn]:
        """What to tell about one artifact alone; ``now`` adds its future-dated tags."""
        return state.warnings + alike_stages(state) + (future_warnings(state, now) if now is not None else [])

    @contextlib.contextmanager
    def or_incomplete(self) -> Iterator[None]:
        """Before a NotFound is believed, make sure that the clone has every tag."""
        try:
            yield
        except NotFound as error:
            if error.code in ("not-yet", "deprecated"):
                raise
            self.compare_now()
            if error.code == "unknown-artifact" and self._artifacts:
                error = no_such_artifact(self._source.repository.tag_names(), next(iter(self._artifacts)))
            asides = [warning.message for warning in (*self.notes, *self.reading.warnings)][:_EXAMPLES]
            if asides:
                # Tags that look like an answer and are none, or a clone that nobody compared:
                # without that the denial is a riddle, or a lie.
                error = NotFound(" ".join([error.message, *asides]), error.hint, code=error.code)
            raise error from None

    def compare_now(self) -> None:
        """Compare with the remote because something is not here. Raises IncompleteClone."""
        if not self.compared:
            self.notes = [note for note in self.notes if note.code != "as-fetched"]
            held = list(self._source.repository.tags(self._artifacts))
            self.compare(held, "what was asked for is not here")


def read(
    source: Source, artifacts: Collection[str] | None, *, details: bool = False, refuse_moved: bool = True
) -> View:
    """Read the tags of some artifacts (None: all), complete or not at all.

    Raises IncompleteClone when the remote has registry tags that this clone lacks, PlatformRefused
    when that had to be checked and the remote could not be reached, or when a CI job asks and a tag was
    moved (a warning elsewhere, and without ``refuse_moved``).
    """
    return View(source, artifacts, details=details, refuse_moved=refuse_moved)


def present(view: View, name: str, as_of: int | None, *, deprecated: bool) -> ArtifactState:
    """The state of one artifact at an instant.

    Raises NotFound when it has no event, had none by then, or is deprecated and hidden.
    """
    state = view.state(name, as_of)
    if as_of is not None and (state is None or not state.events) and view.state(name) is not None:
        first = min(event.time for event in view.reading.events[name])
        raise NotFound(
            f"Nothing had happened to {name} by {format_time(as_of)}.",
            f"Its first event was at {format_time(first)}.",
            code="not-yet",
        )
    return require_artifact(state, name, deprecated=deprecated)


def no_such_artifact(tags: Iterable[str], name: str) -> NotFound:
    """The error for an artifact without a tag where it was looked for, with the nearest name that a tag has."""
    from tagline.domain.ledger.misread import likely  # here, because a name that is there needs none of it

    parsed = (parse_tag(tag) for tag in tags)
    near = likely(name, (tag for tag in parsed if tag))
    error = unknown_artifact(name)
    hint = f"Did you mean {near}? See what there is with: tagline show" if near else error.hint
    return NotFound(error.message, hint, code=error.code)


def _as_fetched(known: tuple[str, int | None] | None) -> list[Warn]:
    """What a person is told of a clone that nobody compared."""
    if known is None:
        return []
    remote, when = known
    since = f"at {format_time(when)}" if when is not None else "nobody knows when"
    message = f"The tags are as fetched from {remote}, last {since}; to compare them with what is there now: --fresh"
    return [Warn("as-fetched", None, message)]


def _some(names: list[str]) -> str:
    more = len(names) - _EXAMPLES
    return ", ".join(names[:_EXAMPLES]) + (f" and {more} more" if more > 0 else "")


_GITHUB_FIX = """\
GitHub Actions: let the checkout fetch tags:
  - uses: actions/checkout@v6
    with:
      fetch-depth: 0
      fetch-tags: true"""
_GITLAB_FIX = """\
GitLab CI: let the job clone everything:
  variables:
    GIT_DEPTH: "0\""""


def incomplete(remote: str, verb: str, names: list[str], why: str, platform: str | None) -> IncompleteClone:
    """The refusal to answer from a clone without all registry tags, with the fix for this platform."""
    here = f"Here: git fetch --tags --force {remote}"
    fixes = {"github": [_GITHUB_FIX], "gitlab": [_GITLAB_FIX]}.get(platform or "", [here, _GITHUB_FIX, _GITLAB_FIX])
    return IncompleteClone(
        f"This clone {verb} {len(names)} registry tag{'s' * (len(names) != 1)} of {remote}: {_some(names)}. "
        f"Any answer could be stale (compared because {why}).",
        "\n".join(fixes),
    )
