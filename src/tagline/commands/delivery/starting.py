"""Starting what tags are to start: once for each, whatever is run again, beside it, or killed.

A run is looked for first, and what the push itself starts is waited for. Before anything is asked for, the start is
claimed where every other run looks; whoever finds another's claim starts nothing, but looks for its run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tagline.commands.delivery.notebook import Notebook
from tagline.commands.delivery.together import Read, Together, together
from tagline.domain.delivery.book import Note
from tagline.domain.delivery.receipts import How, Receipt, Run, Start
from tagline.domain.delivery.targets import matches
from tagline.errors import PlatformRefused, TaglineError
from tagline.formats.workflow import triggers
from tagline.ports.clock import Clock
from tagline.ports.delivery import Lost, NotStarted, Receiver, Starter
from tagline.ports.ledger import Raced

#: Seconds between looks for a run that may come; the last of them again and again.
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
#: So many times others may claim at the same moment.
_CLAIMS = 5
#: Seconds by which the forge's clock may be behind ours.
_SKEW = 60


@dataclass(frozen=True)
class Delivering:
    """What starting works with. ``run_url`` is this job's page; ``read`` gives a file of a commit, None for none."""

    starter: Starter
    notebook: Notebook
    clock: Clock
    run_url: str | None
    read: Read
    receivers: Sequence[Receiver] = ()


def start_all(context: Delivering, starts: Sequence[Start], tags_in_push: int) -> list[Receipt]:
    """Start what is not started yet. ``tags_in_push``: so many tags one push of this run had; 0 for none of now.

    What goes wrong with one is in its receipt and stops no other. The claims are written down here; what came of them
    is in the notebook, to be saved. A claim without that is looked up again, so that saving may fail.
    """
    done: dict[Start, Receipt] = {}
    try:
        done |= _not_here(context, starts)
        context.notebook.open([start.artifact for start in starts])
        for attempt in range(_CLAIMS):
            left = [start for start in starts if start not in done]
            done |= _there(context, left, tags_in_push)
            done |= _too_late(context, [start for start in left if start not in done])
            left = [start for start in left if start not in done]
            # What the push itself starts is waited for once, however often others claim meanwhile.
            done |= _waited_for(context, left, tags_in_push if attempt == 0 else 0)
            left = [start for start in left if start not in done]
            groups = list(together(left, context.read))
            try:
                _claim(context, groups)
            except Raced:
                continue
            done |= _begun(context, groups)
            break
    except TaglineError as error:
        done = {start: _none(context, start, error) for start in starts} | done
    return [done.get(start) or _none(context, start, _busy()) for start in starts]


# -- what is there ----------------------------------------------------------------


def _not_here(context: Delivering, starts: Sequence[Start]) -> dict[Start, Receipt]:
    """Those whose target this forge has not. They are told before anything is claimed: they stop no other."""
    found = {}
    for start in starts:
        try:
            context.starter.how(start)
        except TaglineError as error:
            found[start] = _none(context, start, error)
    return found


def _there(context: Delivering, starts: Sequence[Start], tags_in_push: int = 0) -> dict[Start, Receipt]:
    """Those whose run is known, or found."""
    found = {}
    looks = _Looks(context)
    for start in starts:
        note = _note(context, start)
        if note is not None and note.state == "started":
            found[start] = Receipt(start, note.how, Run(note.run_url), news=False)
        elif note is None and start.made and not context.starter.pushes_start(start, tags_in_push):
            continue  # the tag is of this very run, and its push starts nothing
        elif (receipt := looks.receipt(start, note)) is not None:
            found[start] = receipt
    return found


def _too_late(context: Delivering, starts: Sequence[Start]) -> dict[Start, Receipt]:
    """Those that nobody asked for while their tag decided its stage: what is there by now would be undone by them."""
    found = {}
    for start in starts:
        note = _note(context, start)
        if start.superseded and (note is None or note.state == "none"):
            error = NotStarted(
                f"{start.tag} is not the newest word on {start.stage} of {start.artifact}: "
                f"{start.target.title} is not started on it any more.",
                "Nothing is to be done: the newer tag starts it.",
                code="start-superseded",
            )
            found[start] = _none(context, start, error)
    return found


class _Looks:
    """Looks for runs, once for those that share one."""

    def __init__(self, context: Delivering) -> None:
        self._context = context
        self._seen: dict[tuple[str, str, str], Run | None] = {}

    def receipt(self, start: Start, note: Note | None) -> Receipt | None:
        """The receipt of a run that is there, or of one that cannot be looked for."""
        how: How = note.how if note is not None else "event"
        if note is None and start.target.repository is not None:
            return None  # in another repository nothing but our own asking starts it
        try:
            run = self._run(start, note)
        except TaglineError as error:
            return _none(self._context, start, error)
        if run is None:
            return None
        _remember(self._context, start, "started", how, run.url)
        return Receipt(start, how, run)

    def _run(self, start: Start, note: Note | None) -> Run | None:
        since = note.time - _SKEW if note is not None else 0
        if note is None or note.on is None or note.commit is None:
            return self._context.starter.find(start, since)
        key = (start.target.key, note.on, note.commit)
        if key not in self._seen:
            shared = start._replace(tag=note.on, commit=note.commit)
            # One that the push of that tag began has no list.
            self._seen[key] = self._context.starter.find(shared, since, asked_for=True)
        return self._seen[key]


def _note(context: Delivering, start: Start) -> Note | None:
    return context.notebook.book(start.artifact).note(start.tag_object, start.target.key)


def _waited_for(context: Delivering, starts: Sequence[Start], tags_in_push: int) -> dict[Start, Receipt]:
    """Those that another run claimed, and those that the push starts by itself, as soon as they are there.

    A claimed one that never comes stays unknown. One that the push did not start is left to be started.
    """
    now = context.clock.now()
    ends: dict[Start, float] = {}
    for start in starts:
        note = _note(context, start)
        if note is not None and note.state == "claimed":
            ends[start] = min(note.time, now) + start.target.wait
        elif note is None and tags_in_push and _push_starts(context, start, tags_in_push):
            ends[start] = now + start.target.wait
    found = _polled(context, ends)
    for start in ends:
        note = _note(context, start)
        if start not in found and note is not None:
            found[start] = _unknown(context, start, note)
    return found


def _push_starts(context: Delivering, start: Start, tags_in_push: int) -> bool:
    """Whether the push of a tag starts its workflow: for this token, and by the file at the tag's commit."""
    if not context.starter.pushes_start(start, tags_in_push):
        return False
    if start.target.workflow is None:
        return True
    data = context.read(start.commit, f".github/workflows/{start.target.workflow}")
    patterns = triggers(data).tags if data is not None else None
    return patterns is not None and any(matches(pattern, start.tag) for pattern in patterns)


def _polled(context: Delivering, ends: dict[Start, float]) -> dict[Start, Receipt]:
    """What comes until each one's end (unix seconds)."""
    found: dict[Start, Receipt] = {}
    pauses = iter(PAUSES)
    while left := [start for start in ends if start not in found and ends[start] > context.clock.now()]:
        pause = next(pauses, PAUSES[-1])
        context.clock.pause(min(pause, max(ends[start] for start in left) - context.clock.now()))
        looks = _Looks(context)
        for start in left:
            if (receipt := looks.receipt(start, _note(context, start))) is not None:
                found[start] = receipt
    return found


# -- starting -----------------------------------------------------------------------


def _claim(context: Delivering, groups: Sequence[Together]) -> None:
    """Say that we start them, before we do. Raises Raced where others wrote, which may be the same."""
    for group in groups:
        for start in group.starts:
            _remember(context, start, "claimed", context.starter.how(start), None, group)
    if groups:
        context.notebook.save(groups[0].leader.commit, alone=True)


def _begun(context: Delivering, groups: Sequence[Together]) -> dict[Start, Receipt]:
    """Ask for each run, once, and wait until all are there. Nobody's wait keeps another from being asked for."""
    found: dict[Start, Receipt] = {}
    asked: list[Start] = []
    for group in groups:
        how = context.starter.how(group.leader)
        try:
            run = context.starter.begin(group.leader, group.tags)
        except Lost:
            run = None
        except TaglineError as error:
            # The forge said no: whoever runs later may ask again.
            for start in group.starts:
                _remember(context, start, "none", how, None)
                found[start] = _none(context, start, error)
            continue
        if run is None:
            asked += group.starts
            continue
        for start in group.starts:
            _remember(context, start, "started", how, run.url)
            found[start] = Receipt(start, how, run, ours=True)
    there = _there(context, asked)
    now = context.clock.now()
    there |= _polled(context, {start: now + start.target.wait for start in asked if start not in there})
    for start in asked:
        one = there.get(start) or _unknown(context, start, _note(context, start))
        found[start] = replace(one, how=context.starter.how(start), ours=one.error is None)
    return found


def _remember(
    context: Delivering,
    start: Start,
    state: Literal["claimed", "started", "none"],
    how: How,
    url: str | None,
    group: Together | None = None,
) -> None:
    now = int(context.clock.now())
    on = group.leader if group is not None and group.tags else None
    note = Note(
        start.tag,
        start.tag_object,
        start.target.key,
        state,
        how,
        url,
        context.run_url,
        now,
        on.tag if on is not None else None,
        on.commit if on is not None else None,
    )
    context.notebook.add(start.artifact, lambda book: book.noted(note))


# -- what is not there -----------------------------------------------------------------


def _none(context: Delivering, start: Start, error: TaglineError) -> Receipt:
    return Receipt(start, _how(context, start), Run(None, "none"), error=error)


def _how(context: Delivering, start: Start) -> How:
    try:
        return context.starter.how(start)
    except TaglineError:
        return "dispatch"


def _unknown(context: Delivering, start: Start, note: Note | None) -> Receipt:
    by = f" by {note.by}" if note is not None and note.by and note.by != context.run_url else ""
    where = f"on {note.on}, with the list," if note is not None and note.on is not None else "on the tag"
    hint = f"Look whether it runs. If it does not, start it {where} by hand: Tagline never starts it a second time."
    if start.target.workflow is not None and start.target.repository is not None:
        hint += " The workflow needs a run-name with ${{ github.event.client_payload.tag }}: its run is known by that."
    error = NotStarted(
        f"Whether {start.target.title} runs for {start.tag} is not known: it was asked for{by}, and no run came.",
        hint,
        code="start-unknown",
    )
    return Receipt(start, _how(context, start), Run(None, "unknown"), error=error)


def _busy() -> PlatformRefused:
    return NotStarted("Other runs kept writing down what they start.", "Run the same command again.", code="raced")
