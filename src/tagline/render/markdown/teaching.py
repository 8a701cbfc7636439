"""What is said on a change that asks for nothing: how to ask, and that a label is not heard."""

from __future__ import annotations

from collections.abc import Iterator

from tagline.domain.changes.labels import MOST_TAUGHT, Lesson
from tagline.domain.changes.policy import POLICY_FILE
from tagline.domain.changes.promotion import Decided
from tagline.domain.changes.record import ADDED, Record, hide
from tagline.domain.lineage.planned import Planned
from tagline.render.markdown.escaping import code, link

_DOCS = "https://github.com/tagline-dev/tagline/blob/main/docs/labels.md"


def teaching(planned: Planned, record: Record) -> str:
    """How to ask, on an open change: what it touches, and the two labels to copy."""
    decided = planned.decided
    names = list(decided.touches.touched)
    parts = [
        "### Tagline: nothing is asked for yet",
        f"This touches {_names(names)}.",
        *_similar(decided),
        f"{_for_whom(names)}:",
        "\n".join(_pair(pair) for pair in planned.lesson),
        f"<sub>Said once. {link('All labels, and request files', _DOCS)}. "
        f"{code('teach: false')} in {code(POLICY_FILE)} stops this.</sub>",
    ]
    return "\n\n".join([*parts, hide(record)])


def too_late(planned: Planned, record: Record) -> str:
    """On a merged change: that labels which were put on it since count for nothing. What stands there stays."""
    labels = [one.label for one in planned.decided.unheard if one.meant is None]
    many = len(labels) > 1
    said = (
        f"{_names(labels)} came after the merge, and labels count as they stood at it: nothing comes of "
        f"{'them' if many else 'it'}."
    )
    files, commands = link("request file", _DOCS), f"{code('tagline register')} or {code('tagline assign')}"
    again = (
        f"Ask in a new change: by a label if it touches the artifact, else by a {files}. Whoever may push tags can "
        f"also use {commands}."
    )
    head = [planned.stands, ADDED] if planned.stands else [f"### Tagline: {'labels' if many else 'a label'} too late"]
    return "\n\n".join([*head, f"⚠️ {said}<br>→ {again}", hide(record)])


def _for_whom(names: list[str]) -> str:
    what = "a version of it" if len(names) == 1 else "versions of them"
    return f"To have the merge register {what}, and give a stage, add labels"


def _similar(decided: Decided) -> Iterator[str]:
    for label, meant in decided.unheard:
        if meant is not None:
            yield f"⚠️ {code(label)} asks for nothing. Did you mean {code(meant)}?"


def _pair(pair: Lesson) -> str:
    of = "" if pair.artifact is None else f" of {code(pair.artifact)}"
    stage = f", and {code(pair.stage)} gives it the stage" if pair.stage else ""
    return f"- {code(pair.version)} registers the next version{of} (or patch, major){stage}"


def _names(names: list[str]) -> str:
    shown = [code(name) for name in names[:MOST_TAUGHT]]
    more = [f"{len(names) - MOST_TAUGHT} more"] if len(names) > MOST_TAUGHT else []
    every = [*shown, *more]
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} and {every[-1]}"
