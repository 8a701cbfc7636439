"""``tagline index``: many repositories, each read as ``show`` reads one, into one data set."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tagline.commands.index.reading import StorageOf, read_registry
from tagline.domain.index.buckets import Shard, bucket_of
from tagline.domain.index.refs import Refs
from tagline.domain.index.results import Indexed
from tagline.domain.index.rows import About, Rows, repository_rows
from tagline.domain.index.sources import Wanted
from tagline.domain.index.tables import TABLES
from tagline.errors import PlatformRefused, TaglineError, WrongUsage
from tagline.ports.index import Before, Kept, Registries, Update

#: How often a repository is looked at again that changed while it was read.
_ATTEMPTS = 3
#: What a refusal means for a repository, by its code; anything else is ``broken``.
_STATUS = {"access-denied": "forbidden", "no-remote-repository": "gone"}
#: Repositories whose words are told.
_MOST_TOLD = 50


@dataclass(frozen=True)
class IndexContext:
    """What keeping an index takes. ``say`` tells a person something, ``report`` that one more repository is done."""

    registries: Registries
    data: Kept
    storage_of: StorageOf
    now: int
    jobs: int
    say: Callable[[str], None] = lambda line: None
    report: Callable[[int], None] = lambda total: None


class _Outcome(NamedTuple):
    """What became of one repository: its new rows, or None where those that are there stay; notes for a person."""

    wanted: Wanted
    status: str
    rows: Rows | None
    notes: Sequence[str] = ()
    bug: bool = False


@dataclass
class _Tally:
    replaced: list[str] = field(default_factory=list)
    kept: dict[str, str | None] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    bugs: int = 0


def index(context: IndexContext, wanted: Iterable[Wanted], shard: Shard, *, add: bool) -> Indexed:
    """Bring a data set up to what the repositories are now; of a shard those that it owns.

    Repositories that are listed there and not wanted lose their rows, unless ``add``. What cannot be read is a row
    with a reason. Raises Conflict, PlatformRefused and WrongUsage for the data set alone.
    """
    ours = [one for one in wanted if shard.owns(bucket_of(one.repository))]
    before = context.data.before()
    if before.outdated is not None:
        _tell_outdated(context, before.outdated, whole=shard.total == 1 and not add)
    known = before.repositories()
    tally = _Tally()
    for outcome in _all(context, before, known, ours):
        _count(context, tally, outcome, known)
        context.report(len(ours))
    names = {one.repository for one in ours}
    gone = [name for name in known if name not in names and shard.owns(bucket_of(name))]
    gone = [] if add else gone
    _tell_lost(context, known, gone, tally)
    update = Update(tally.replaced, tally.kept, shard.owns if not add else lambda _: False, context.now)
    listing = context.data.update(update)
    rows = {table: sum(part.rows for part in listing.tables[table]) for table in TABLES}
    return Indexed(
        place=context.data.name,
        repositories=len(ours),
        read=tally.counts.get("read", 0),
        unchanged=tally.counts.get("unchanged", 0),
        removed=len(gone),
        failed=sorted(tally.failed),
        rows=rows,
        bugs=tally.bugs,
    )


def _all(
    context: IndexContext, before: Before, known: Mapping[str, tuple[Any, ...]], wanted: Sequence[Wanted]
) -> Iterable[_Outcome]:
    """Each repository's outcome as it comes; never more of them at once than are worked on."""
    pending: set[Future[_Outcome]] = set()
    with ThreadPoolExecutor(context.jobs, thread_name_prefix="index") as pool:
        try:
            for one in wanted:
                reader = _Reader(context, before, known.get(one.repository), one)
                pending.add(pool.submit(reader.outcome))
                if len(pending) >= context.jobs * 2:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Reader:
    """One repository while it is looked at. ``known`` is its row in the index, if it has one."""

    def __init__(self, context: IndexContext, before: Before, known: tuple[Any, ...] | None, wanted: Wanted) -> None:
        self._context = context
        self._before = before
        self._known = About(*known) if known is not None else None
        self._wanted = wanted
        self._about = About(wanted.repository, wanted.url, wanted.forge, wanted.visibility, indexed_at=context.now)

    def outcome(self) -> _Outcome:
        """What became of it; nothing is raised, so that one repository never stops the others."""
        try:
            return self._outcome()
        except TaglineError as error:
            return self._failed(_STATUS.get(error.code, "broken"), error.message)
        except RecursionError:
            return self._failed("broken", "Something in it lies in itself too deeply.")
        except Exception as error:
            told = "".join(traceback.format_exception(error))
            failed = self._failed("broken", f"A bug of Tagline: {type(error).__name__}: {error}")
            return failed._replace(notes=[*failed.notes, told], bug=True)

    def _outcome(self) -> _Outcome:
        wanted = self._wanted
        if wanted.problem is not None:
            return self._failed(*wanted.problem)
        for attempt in range(_ATTEMPTS):
            refs = wanted.refs if wanted.refs is not None and not attempt else self._look()
            if self._is_unchanged(refs):
                return _Outcome(wanted, "unchanged", None)
            if refs.empty:
                return self._empty(refs)
            try:
                return self._read(refs)
            except PlatformRefused as error:
                if error.code != "moved" or attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError  # the loop has returned, or raised

    def _look(self) -> Refs:
        return self._context.registries.look(self._wanted.address)

    def _is_unchanged(self, refs: Refs) -> bool:
        known, about = self._known, self._about
        same = known is not None and known[:4] == about[:4] and _marks(known)[0] == refs.fingerprint
        return same and known is not None and known.status in ("ok", "empty")

    def _empty(self, refs: Refs) -> _Outcome:
        about = self._about._replace(
            fingerprint=refs.fingerprint, status="empty", reason="It has no commit on its default branch, and no tag."
        )
        return _Outcome(self._wanted, "read", repository_rows(about))

    def _read(self, refs: Refs) -> _Outcome:
        context, wanted = self._context, self._wanted
        before = self._known
        known = self._before.versions(wanted.repository) if before is not None else {}
        if before is not None and before.reason is not None:
            # One that has nothing may be one that could not be read then.
            known = {key: one for key, one in known.items() if any(one[1:])}
        with context.registries.open(wanted.address, refs) as opened:
            read = read_registry(opened, known, context.storage_of, _marks(before)[1])
            fingerprint = ":".join(filter(None, (opened.refs.fingerprint, read.moved)))
        reason = f"{len(read.gaps)} gaps: {read.gaps[0]}" if len(read.gaps) > 1 else next(iter(read.gaps), None)
        about = self._about._replace(fingerprint=fingerprint, reason=reason, branch=refs.branch)
        notes = [f"{wanted.repository}: {gap}" for gap in read.gaps]
        return _Outcome(wanted, "read", repository_rows(about, read.registry), notes)

    def _failed(self, status: str, reason: str) -> _Outcome:
        """Its own row alone. What merely could not be read this time keeps the rows that were read before."""
        known = self._known
        known = known if known is not None and known[:4] == self._about[:4] else None
        about = self._about._replace(status=status, reason=reason, indexed_at=known.indexed_at if known else None)
        if status == "broken" and known is not None:
            moved = _marks(known)[1]
            about = about._replace(branch=known.branch, fingerprint=f":{moved}" if moved else None)
        notes = [f"{self._wanted.repository}: {status}: {reason}"]
        rows = repository_rows(about)
        if known is not None and known.status == status and known.reason == About(*rows["repositories"][0]).reason:
            return _Outcome(self._wanted, status, None, notes)
        if status == "broken" and known is not None:
            # Without a mark of its refs it is read again as soon as that can be done.
            rows |= {table: list(some) for table, some in self._before.rows(self._wanted.repository).items()}
        return _Outcome(self._wanted, status, rows, notes)


def _marks(known: About | None) -> tuple[str, str]:
    """Of a row's fingerprint the mark of its refs, and that of where its policy said that stores have moved to."""
    refs, _, moved = ((known.fingerprint if known is not None else None) or "").partition(":")
    return refs, moved


def _count(context: IndexContext, tally: _Tally, outcome: _Outcome, known: Mapping[str, tuple[Any, ...]]) -> None:
    name = outcome.wanted.repository
    tally.counts[outcome.status] = tally.counts.get(outcome.status, 0) + 1
    if outcome.rows is None:
        tally.kept[name] = About(*known[name]).fingerprint
    else:
        tally.replaced.append(name)
        context.data.spool().add(outcome.rows)
    if outcome.status not in ("read", "unchanged"):
        reason = outcome.notes[0].partition(f"{outcome.status}: ")[2] if outcome.notes else ""
        tally.failed.append((name, outcome.status, reason))
    tally.bugs += outcome.bug
    for note in outcome.notes:
        context.say(note)


def _tell_outdated(context: IndexContext, format_: int, *, whole: bool) -> None:
    """An index of an older release is made anew, as one state; a run over a part would leave nothing of the others."""
    what = f"The index at {context.data.name} has format {format_} of an older release"
    if not whole:
        raise WrongUsage(
            f"{what}, and is to be made anew as a whole.",
            "Run tagline index once for all of its repositories, without --shard and --add.",
            code="index-format",
        )
    context.say(f"{what}: every repository is read anew.")


def _tell_lost(context: IndexContext, known: Mapping[str, Any], gone: Sequence[str], tally: _Tally) -> None:
    """Whose rows go though they were there: nobody should wonder where a model is."""
    refused = [name for name, status, _ in tally.failed if status in ("forbidden", "gone") and name in known]
    lost = [name for name in refused if About(*known[name]).status == "ok"]
    for name in lost[:_MOST_TOLD]:
        context.say(f"{name}: its rows are taken away: the token may not read it any more, or it is gone.")
    for name in gone[:_MOST_TOLD]:
        context.say(f"{name}: its rows are taken away: it is not among the repositories that were asked for.")
    more = max(0, len(lost) - _MOST_TOLD) + max(0, len(gone) - _MOST_TOLD)
    if more:
        context.say(f"The rows of {more} more repositories are taken away.")
