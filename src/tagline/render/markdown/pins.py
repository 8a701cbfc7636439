"""What an update of a lock brings, as Markdown for whoever reviews it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tagline.domain.ledger.targets import parse_target
from tagline.domain.lineage.lineage import Passage
from tagline.domain.lineage.pinned import Moved
from tagline.domain.pins.lock import Pin
from tagline.domain.pins.looked import Looked
from tagline.domain.text.times import time_or_none
from tagline.render.escape import one_line
from tagline.render.markdown.escaping import code, instant, link, table, text
from tagline.render.markdown.lineage import section

#: Characters of a change's text: GitHub takes 65,536, of which ours leaves some to the rest.
_ROOM = 62_000
#: Fewer say nothing of a lineage.
_LEAST_ROOM = 400
#: Characters that both forges take for a title; people who are named.
_LONGEST, _PEOPLE = 200, 10
#: Rows of the overview: as many as have room.
_ROWS = (100, 50, 20, 5)
#: How the text of a change ends.
_FOOT = (
    "Merging this changes the lock alone; from then on `tagline fetch --locked` takes the new versions. "
    "The branch and this text are kept up to date until then. Closed without a merge, the same versions are not "
    "proposed again."
)


def title(moved: Sequence[Moved]) -> str:
    """The title of the change that brings it."""
    if len(moved) != 1:
        return f"Update {len(moved)} pinned models"
    (one,) = moved
    assert one.looked.now is not None  # noqa: S101 - it moved
    return one_line(
        f"Update {one.looked.name} from {_version(one.looked.pinned)} to {_version(one.looked.now)}"
    )[:_LONGEST]  # fmt: skip


def proposed(moved: Sequence[Moved], looked: Sequence[Looked], file: str) -> str:
    """The text of that change."""
    return f"{outdated(moved, looked, file)}\n\n---\n{_FOOT}\n"


def outdated(moved: Sequence[Moved], looked: Sequence[Looked], file: str) -> str:
    """What has moved: an overview, what is gone, then each version beside the one that is pinned."""
    gone = [one for one in looked if one.state == "gone"]
    if not moved and not gone:
        return f"Nothing that {code(file)} pins has moved."
    heads = (_head(moved, gone, file, most) for most in _ROWS)
    head = next((one for one in heads if len(one) <= _ROOM), "")
    return "\n\n".join([head, *_sections(moved, _ROOM - len(head))])


def _head(moved: Sequence[Moved], gone: Sequence[Looked], file: str, most: int) -> str:
    parts = [
        f"There are newer versions of what {code(file)} pins."
        if moved
        else f"Of what {code(file)} pins something is gone."
    ]
    if moved:
        names = ["Pin", "Pinned", "Now", "Since", "Promotion", "Approved by"]
        more = f"\n\n… and {len(moved) - most} more." if len(moved) > most else ""
        parts.append(table(names, [_row(one) for one in moved[:most]]) + more)
    if gone:
        lines = [f"- ⚠️ {code(one.name)} ({_target(one.pinned)}) is gone: {text(one.why or '')}" for one in gone[:most]]
        lines += [f"- and {len(gone) - most} more"] if len(gone) > most else []
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _row(one: Moved) -> list[str]:
    pinned, now, passage = one.looked.pinned, one.looked.now, one.passage
    assert now is not None  # noqa: S101 - it moved
    since = time_or_none(passage.time) if passage is not None else None
    tag = code(now.tag)
    return [
        f"{code(one.looked.name)}<br>{_target(pinned)}",
        code(_version(pinned)),
        f"**{code(_version(now))}**<br>{link(tag, one.pages.tag_url(now.tag)) if one.pages is not None else tag}",
        instant(since) if since else "–",
        _promoted(passage),
        _people(passage),
    ]


def _target(pin: Pin) -> str:
    """``churn#prod`` of its repository, which is linked to where its address is a page."""
    name = parse_target(pin.target)
    address = pin.repository.removesuffix(".git")
    shown = link("registry", address) if address.startswith(("https://", "http://")) else code(address)
    return f"{code(str(name))}, {shown}"


def _promoted(passage: Passage | None) -> str:
    """The change, who asked for it, and what a reviewer must not overlook."""
    if passage is None:
        return "–"
    parts = []
    if passage.change and passage.change.startswith(("https://", "http://")):
        parts.append(link("the change", passage.change))
    asked = [line.split(" ")[0] for line in passage.requested_by[:_PEOPLE]] or ([passage.tagger] if not parts else [])
    parts += [f"asked by {', '.join(map(code, asked))}"] if asked else []
    parts += [f"⚠️ override: {text(passage.override)}"] if passage.override else []
    parts += [f"rolled back from {code(passage.rollback_from)}"] if passage.rollback_from else []
    parts += [f"“{text(passage.reason)}”"] if passage.reason else []
    return "<br>".join(parts) or "–"


def _people(passage: Passage | None) -> str:
    names = [line.split(" ")[0] for line in passage.approved_by] if passage is not None else []
    more = f" and {len(names) - _PEOPLE} more" if len(names) > _PEOPLE else ""
    return ", ".join(map(code, names[:_PEOPLE])) + more if names else "nobody"


def _sections(moved: Sequence[Moved], room: int) -> Iterator[str]:
    """Each lineage, within an even share of the room."""
    share = room // max(len(moved), 1) - 2
    left = 0
    for one in moved:
        said = section([one.traced], one.pages, share) if share >= _LEAST_ROOM else ""
        if said:
            yield said
        else:
            left += 1
    if left:
        yield f"What is behind {left} of them has no room here: `tagline lineage` shows it."


def _version(pin: Pin) -> str:
    return pin.version or pin.commit[:7]
