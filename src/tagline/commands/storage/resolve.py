"""``tagline resolve``: the artifact behind a target: its manifest entry and where its bytes are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tagline.commands.ledger.check_ref import artifact_of
from tagline.commands.ledger.reading import Source, View, present, read
from tagline.commands.manifest.describe import describe, described_names
from tagline.commands.storage.asking import inner_place, location_of
from tagline.commands.storage.locating import Place, StorageContext, Surroundings, locate
from tagline.commands.storage.superseding import overtaken_meanwhile
from tagline.domain.ledger.answers import Answer, decides, find, of_tag, previous_version
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.messages import CHANGE, DIGEST, Trailers, parse_trailers
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.rollback import rollback_target, rollbacks_among
from tagline.domain.ledger.superseded import IfSuperseded, Overtaken, overtaken, refusal
from tagline.domain.ledger.targets import Target, parse_target
from tagline.domain.lineage.published import entry_of
from tagline.domain.manifest.manifest import ManifestEntry
from tagline.domain.pins.lock import Pin
from tagline.domain.storage.objects import Location, only_file
from tagline.domain.storage.results import Presigned, Resolved
from tagline.domain.storage.sha256 import told_sha256
from tagline.domain.text.similar import suggestion
from tagline.errors import IncompleteClone, Refused, TaglineError, WrongUsage
from tagline.ports.repository import Tree

#: The longest that S3 signs for: a week, in seconds.
LONGEST_PRESIGN = 7 * 86_400
#: ``resolve`` looks at the ledger again where it took longer than this, in seconds.
LOOKS_AGAIN_AFTER = 5.0


@dataclass(frozen=True)
class Wanted:
    """What was asked: a target or (a text) the registry tag that started this job, and how it is to be answered.

    ``as_of`` is unix seconds. ``require_change`` refuses a tag that no merged change made. ``if_superseded`` is about
    an answer that another tag overtook; with ``as_of`` it means nothing, for what held then is not overtaken.
    """

    target: Target | str
    as_of: int | None = None
    require_change: bool = False
    if_superseded: IfSuperseded = "run"
    #: What a lock says that it is; of anything else nothing is handed out.
    pin: Pin | None = None

    @property
    def looks(self) -> bool:
        """Whether it matters that an answer was overtaken."""
        return self.if_superseded != "run" and self.as_of is None


@dataclass(frozen=True)
class Found:
    """A target found in the ledger, and the snapshot that its tag names."""

    answer: Answer
    entry: ManifestEntry | None
    tree: Tree
    current: bool
    previous_version: str | None
    warnings: list[Warn]
    #: Digests that tags of the answer say, by tag.
    promised: Mapping[str, str]
    #: Git's id of the tag object that decides.
    tag_object: str
    #: The SHA-256 that they say, in hex; None where none does.
    sha256: str | None
    #: Where a rollback of its stage would go now; None where nowhere. Asked for only where somebody wants to know.
    goes_back: Callable[[], str | None]
    #: What has overtaken the answer, where that matters.
    overtaken: Overtaken | None = None

    def left_out(self, wanted: Wanted, found: Overtaken) -> Resolved:
        """The answer that hands nothing over. Raises Refused where the job is to fail."""
        if wanted.if_superseded == "fail":
            raise refusal(found)
        note = Warn("superseded", found.by, f"{found.message} Nothing was handed over.")
        answer = self.resolved(Location(), note)
        return replace(answer, location=Location(), current=False, superseded=True)

    def resolved(self, location: Location, *more: Warn, presigned: Presigned | None = None) -> Resolved:
        """The answer of ``resolve``."""
        return Resolved(
            answer=self.answer,
            entry=self.entry and entry_of(self.entry),
            location=location if location.sha256 else replace(location, sha256=self.sha256),
            current=self.current,
            previous_version=self.previous_version,
            warnings=[*self.warnings, *more],
            presigned=presigned,
        )

    def pinned(self, location: Location, target: str, repository: str) -> Pin:
        """As a lock keeps it. Raises WrongUsage where nothing identifies the bytes."""
        answer = self.answer
        if location.digest is None:
            raise WrongUsage(
                f"{answer.artifact} has no digest, so nothing could be pinned.",
                "Pin an artifact whose path Git, Git LFS or DVC tracks.",
                code="no-digest",
            )
        return Pin(
            target,
            repository,
            answer.version,
            answer.commit,
            answer.tag,
            self.tag_object,
            location.digest,
            location.sha256 or self.sha256,
            location.size,
        )


def resolve(
    source: Source,
    wanted: Wanted,
    now: int,
    context: StorageContext,
    *,
    look: bool = True,
    presign: int | None = None,
    passed: Callable[[], float] = lambda: 0.0,
) -> Resolved:
    """Resolve a target and look at the one object that stands for its bytes.

    A tag answers what it named: ``current`` says whether it still decides. Without ``look`` no store is
    asked, and what cannot be located is a warning. ``presign`` is in seconds; ``passed`` says how many seconds went by.
    Raises NotFound, ManifestUnreadable, BadPointer, ObjectMissing, WrongBytes, StoreRefused, and Refused when
    ``require_change`` and the deciding tag was not made by a merged change, when the job's tag took
    something away, or when another tag overtook it and ``if_superseded`` is ``fail``.
    """
    if presign is not None and not 0 < presign <= LONGEST_PRESIGN:
        raise WrongUsage(f"--presign {presign} is not between 1 and {LONGEST_PRESIGN} seconds.", "A week is the most.")
    found = look_up(source, wanted, now)
    if found.overtaken is not None:
        return found.left_out(wanted, found.overtaken)
    result = _located(source, found, now, context, look=look, presign=presign)
    if wanted.looks and passed() > LOOKS_AGAIN_AFTER:
        meanwhile = overtaken_meanwhile(source, wanted.target, found.answer)
        if meanwhile is not None:
            return found.left_out(wanted, meanwhile)
    return result


def _located(
    source: Source, found: Found, now: int, context: StorageContext, *, look: bool, presign: int | None
) -> Resolved:
    answer = found.answer
    if found.entry is None:
        near = suggestion(answer.artifact, described_names(found.tree, answer.artifact))
        message = f"No manifest describes {answer.artifact} at commit {answer.commit[:7]}.{near}"
        return found.resolved(Location(), Warn("not-described", answer.tag, message))
    try:
        place = place_of(source, found, context)
        if look and place.inner:
            place = inner_place(place)
        location = location_of(place, look=look)
    except TaglineError as error:
        if look:
            raise
        return found.resolved(Location(), Warn("storage-not-read", answer.tag, error.message))
    notes = other_digest(found, place, location)
    if place.store is None and place.unlisted is not None:
        notes = [Warn("unverified", answer.tag, place.unlisted.message)]
    if place.inner:
        message = f"{place.inner} is a part of a folder whose list lies in its store, which was not asked."
        notes = [Warn("storage-not-read", answer.tag, message), *notes]
    return found.resolved(location, *notes, presigned=_presigned(place, presign, now) if presign else None)


def look_up(source: Source, wanted: Wanted, now: int) -> Found:
    """Find a target in the ledger and its entry in the manifest; nothing is asked about bytes."""
    try:
        return _look_up(source, wanted, now)
    except IncompleteClone as error:
        if wanted.looks and (found := _overtaken_here(source, wanted, now)) is not None:
            return found
        raise error


def _overtaken_here(source: Source, wanted: Wanted, now: int) -> Found | None:
    """What a clone that lacks newer tags knows of an answer that these have overtaken; None where they have not."""
    try:
        found = _look_up(source._replace(offline=True, fresh=False), wanted, now)
        meanwhile = overtaken_meanwhile(source, wanted.target, found.answer)
    except TaglineError:
        return None
    return None if meanwhile is None else replace(found, overtaken=meanwhile)


def _look_up(source: Source, wanted: Wanted, now: int) -> Found:
    target, as_of = wanted.target, wanted.as_of
    name = artifact_of(target) if isinstance(target, str) else target.artifact
    # Whoever asks whether it was overtaken asks the remote, in a clone of a plain machine too.
    asked = source._replace(fresh=True) if wanted.looks and not source.offline else source
    view = read(asked, [name or ""], details=True)
    with view.or_incomplete():
        state = present(view, name or "", as_of, deprecated=isinstance(target, str))
        answer = of_tag(state, target) if isinstance(target, str) else find(state, target)
    if wanted.require_change:
        _require_change(view, answer)
    tree = source.repository.tree(answer.commit)
    warnings = view.warnings(state, now if as_of is None else None)
    said = _said(view, state, answer)
    return Found(
        answer=answer,
        entry=describe(answer.artifact, tree),
        tree=tree,
        current=_current(view, state, answer, as_of),
        previous_version=previous_version(state, answer),
        warnings=[*warnings, *_about(answer)],
        promised={tag: trailers[DIGEST][0] for tag, trailers in said.items() if DIGEST in trailers},
        sha256=next(filter(None, map(told_sha256, said.values())), None),
        tag_object=view.raw[answer.tag].object_id,
        goes_back=lambda: rollback_target(state, answer.stage or "", rollbacks_among(view.raw)),
        overtaken=overtaken(view.state(answer.artifact), target, answer) if wanted.looks else None,
    )


def place_of(source: Source, found: Found, context: StorageContext) -> Place:
    """Where a target's bytes are, by the word of its commit."""
    assert found.entry is not None  # noqa: S101 - the caller has looked
    return locate(found.tree, found.entry, Surroundings(context, source.repository.url, found.answer.commit))


def target_of_job(text: str | None, tag: str | None) -> Target | str:
    """The target that was asked for, else the registry tag that started this job.

    Raises WrongUsage when there is neither.
    """
    if text:
        return parse_target(text)
    if tag is None or artifact_of(tag) is None:
        started_by = f" (this job was started by {tag!r}, which is no registry tag)" if tag else ""
        raise WrongUsage(f"No target was given{started_by}.", "Name one, such as churn#prod.", code="no-target")
    return tag


def _presigned(place: Place, seconds: int, now: int) -> Presigned:
    """A URL for the one object. Raises Refused where there is none to sign."""
    item = only_file(place.items or ())
    url = place.store.presign(item.key, seconds) if item is not None and place.store is not None else None
    if url is None:
        why = "it is a folder" if place.store is not None and item is None else "its store signs no URLs"
        raise Refused(
            f"No URL can be signed for this artifact: {why}.",
            "Fetch it instead: tagline fetch TARGET -o DEST",
            code="no-presign",
        )
    return Presigned(url, now + seconds)


def _current(view: View, state: ArtifactState, answer: Answer, as_of: int | None) -> bool:
    """Whether the deciding tag decides today as well, not just at ``as_of``."""
    today = view.state(answer.artifact) if as_of is not None else state
    event = next((e for e in state.events if e.tag == answer.tag), None)
    return today is not None and event is not None and not today.deprecated and decides(today, event)


def _require_change(view: View, answer: Answer) -> None:
    if CHANGE not in parse_trailers(view.raw[answer.tag].message):
        raise Refused(
            f"{answer.tag} was not made by a merged change: it has no Change: trailer.",
            "Promote through a pull or merge request, or drop --require-change.",
            code="no-change",
        )


def _said(view: View, state: ArtifactState, answer: Answer) -> dict[str, Trailers]:
    """What the tag that decides, and those of its version, say in their trailers."""
    registered = (e.tag for e in state.events if e.commit == answer.commit and e.version == answer.version)
    return {tag: parse_trailers(view.raw[tag].message) for tag in (answer.tag, *registered)}


def other_digest(found: Found, place: Place, location: Location) -> list[Warn]:
    """A warning for each tag that was written of other bytes than those that its commit has now."""
    # Of a part of a folder the list may have been all that was asked then.
    if location.digest is None or place.inner:
        return []
    return [
        Warn("other-digest", tag, f"{tag} was written of {digest[:80]!r}, and its commit has {location.digest}.")
        for tag, digest in found.promised.items()
        if digest != location.digest
    ]


def _about(answer: Answer) -> list[Warn]:
    if answer.version is None:
        message = f"{answer.tag} is on a commit where no version is registered; the commit is the answer."
        return [Warn("no-version", answer.tag, message)]
    if not answer.active:
        message = f"{answer.artifact} {answer.version} was deregistered: it is withdrawn."
        return [Warn("deregistered", answer.tag, message)]
    return []
