"""The change that updates a lock: what it brings, and the one branch and change that it is kept on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Literal, NamedTuple

from tagline.commands.lineage.lineage import trace_target
from tagline.commands.pins.pins import Open
from tagline.domain.changes.pages import Pages
from tagline.domain.delivery.events import ChangeLink
from tagline.domain.delivery.proposals import slug
from tagline.domain.ledger.targets import parse_target
from tagline.domain.lineage.comparison import Against, Traced
from tagline.domain.lineage.pinned import Moved
from tagline.domain.pins.lock import Pin, read_lock, write_lock
from tagline.domain.pins.looked import Looked
from tagline.errors import NotFound, TaglineError
from tagline.ports.updates import Base, Standing, There, Updating

State = Literal["opened", "updated", "unchanged", "nothing", "withdrawn", "declined", "left-alone"]
#: In the text of a change: the lock that it proposes, so that what people closed is not opened again.
_MARK = "<!-- tagline-pins: {} -->"
_MARKS = re.compile(r"<!-- tagline-pins: [0-9a-f]+ -->")
_WITHDRAWN = "\n\n**Withdrawn**: the targets name again what is pinned.\n"


class Update(NamedTuple):
    """What came of it. ``change`` is None where there is none."""

    state: State
    branch: str
    change: ChangeLink | None = None


class Text(NamedTuple):
    """What a change says."""

    title: str
    body: str


def branch_of(default: str, name: str | None) -> str:
    """The branch that updates everything, or one pin alone: an update of one never takes the place of the others'."""
    if name is None:
        return default
    return f"{default}-{slug(name)}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def trace_moved(
    looked: Iterable[Looked], open_registry: Open, pages_of: Callable[[str], Pages | None], now: int
) -> list[Moved]:
    """What is behind each pin that moved. What cannot be read is said in its place: an update waits for no lineage."""
    return [
        Moved(one, _trace(one, one.now, open_registry, now), pages_of(one.pinned.repository))
        for one in looked
        if one.state == "moved" and one.now is not None
    ]


def _trace(one: Looked, found: Pin, open_registry: Open, now: int) -> Traced:
    pinned, artifact = one.pinned, parse_target(one.pinned.target).artifact
    try:
        registry = open_registry(pinned.repository, artifact)
        before = Against((), pinned.version, pinned.commit, None)
        traced, _ = trace_target(registry.source, registry.lineage(), registry.policy, found.tag, now, beside=before)
    except TaglineError as error:
        return Traced(artifact, why=f"Its lineage cannot be read. {error.message}")
    return traced


class Work(NamedTuple):
    """The lock of the default branch, and where it lies."""

    base: Base
    path: str
    pins: Mapping[str, Pin]


def begin(updating: Updating, path: str) -> Work:
    """Read the lock of the default branch: an update is of that, whatever is checked out. Raises NotFound."""
    base = updating.branch.base()
    data = updating.branch.read(base.commit, path)
    if data is None:
        raise NotFound(
            f"There is no {path} on {base.branch}.",
            "Make it and merge it: tagline pin NAME#stage --repo URL; or name it: --file FILE",
            code="no-lock",
        )
    return Work(base, path, read_lock(data, path))


def propose(
    updating: Updating,
    work: Work,
    after: Mapping[str, Pin],
    text: Text,
    now: int,
    *,
    dry_run: bool,
    gone: Collection[str] = (),
) -> Update:
    """Keep one change that brings ``after``: open it, bring it up to date, leave it, or take it back.

    What people pushed to the branch, or closed, is theirs. ``now`` is unix seconds. ``gone`` are pins of which nobody
    knows what they are now: where nothing else moved, what was proposed for them is left.
    """
    branch, forge = updating
    standing = branch.standing(work.base, work.path)
    if after == work.pins:
        return _nothing(updating, standing, gone, dry_run=dry_run)
    if standing is not None and standing.others:
        return Update("left-alone", branch.branch, _link(forge.newest(branch.branch)))
    content = write_lock(after)
    mark = _MARK.format(hashlib.sha256(content.encode()).hexdigest())
    there = forge.newest(branch.branch)
    is_open = there is not None and there.state == "open"
    if there is not None and there.state == "closed" and mark in there.body:
        return Update("declined", branch.branch, there.change)
    written = standing is not None and branch.read(standing.commit, work.path) == content.encode()
    same: State = "unchanged" if written and there is not None and mark in there.body else "updated"
    if dry_run:
        return Update(same if is_open else "opened", branch.branch, _link(there))
    # The same again changes nothing: a commit of its own would take the approvals away.
    if not written:
        branch.replace(work.base, work.path, content.encode(), f"{text.title}\n", now)
    body = f"{text.body}\n{mark}\n"
    if there is None or there.state != "open":
        return Update("opened", branch.branch, forge.open(branch.branch, work.base.branch, text.title, body).change)
    if mark not in there.body:
        forge.edit(there.change.number, text.title, body)
    return Update(same, branch.branch, there.change)


def _nothing(updating: Updating, standing: Standing | None, gone: Collection[str], *, dry_run: bool) -> Update:
    """The lock is up to date, as far as anybody knows. What was proposed before is taken back."""
    branch, forge = updating
    if standing is None:
        return Update("nothing", branch.branch)
    there = forge.newest(branch.branch)
    if there is None or there.state != "open":
        return Update("nothing", branch.branch)
    if standing.others or gone:
        return Update("left-alone", branch.branch, there.change)
    if not dry_run:
        # Without the mark: it was not people who closed it, and the same may be proposed again.
        forge.close(there.change.number, _MARKS.sub("", there.body).rstrip() + _WITHDRAWN)
        branch.withdraw()
    return Update("withdrawn", branch.branch, there.change)


def _link(there: There | None) -> ChangeLink | None:
    return there.change if there is not None and there.state == "open" else None
