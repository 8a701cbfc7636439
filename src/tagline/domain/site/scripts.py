"""What the pages' own scripts know: rows as short lists, cut into files that stay as they are while nothing changes.

``artifacts`` is all that the first page, the board and every choice need. The rest (versions with their metrics,
parameters, inputs and spans, and the log) is asked for when a search or a filter needs it. Times are unix seconds.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tagline.domain.site.gathering import Artifact, Site
from tagline.domain.site.links import web_of
from tagline.domain.site.places import folder_of, url_of
from tagline.domain.site.records import Event

#: Artifacts and events a file.
_ARTIFACTS, _EVENTS, _SEARCH = 2_000, 2_000, 250
#: Another one whenever the rows of chunks take another form.
_FORM = "1"
#: Characters of a description in lists; the artifact's own page has all of it.
_DESCRIPTION = 1_000


class Script(NamedTuple):
    """A classic script that hands a value to the page: ``data/KIND-N-HASH.js``; ``text`` makes its content."""

    file: str
    text: Callable[[], str]


class Scripts(NamedTuple):
    """All of them by kind, in their order."""

    artifacts: tuple[Script, ...]
    versions: tuple[Script, ...]
    behind: tuple[Script, ...]
    log: tuple[Script, ...]

    @property
    def all(self) -> tuple[Script, ...]:
        """Every script."""
        return (*self.artifacts, *self.versions, *self.behind, *self.log)


def scripts(site: Site) -> Scripts:
    """All that the site's scripts know but for what only comparisons ask."""
    repositories = [[one.repository, one.forge, web_of(one), one.branch] for one in site.repositories]
    place = {one.repository: number for number, one in enumerate(site.repositories)}
    rows = [_artifact(one, place[one.repository.repository]) for one in site.artifacts]
    parts = _parts(rows, _ARTIFACTS)
    numbers = {one.key: number for number, one in enumerate(site.artifacts)}
    events = [_event(numbers[one.key], event, one) for one in site.artifacts for event in reversed(one.events)]
    # Oldest first, so that a new event leaves all files but the last as they are; of one second as the ledger does.
    events.sort(key=lambda row: (row[4], row[0]))
    return Scripts(
        tuple(
            _script("artifacts", number, [number, len(parts), repositories if number == 0 else [], part])
            for number, part in enumerate(parts)
        ),
        _chunks("versions", site.artifacts, _versions),
        _chunks("behind", site.artifacts, _behind),
        tuple(_script("log", number, [number, part]) for number, part in enumerate(_parts(events, _EVENTS))),
    )


def _event(number: int, event: Event, one: Artifact) -> list[Any]:
    approved = list(one.approvals.get(event.tag, ()))
    return [
        number, event.event, event.version, event.stage, event.timestamp, event.actor, event.change, approved,
    ]  # fmt: skip


def data_script(one: Artifact) -> str:
    """What a comparison needs of an artifact: its versions, and what is behind each."""
    versions = [
        [
            row.version, row.commit, row.registered_at, row.active, row.digest, row.sha256, row.size, row.change,
            list(row.approved_by or ()), [stage.stage for stage in one.stages if stage.version == row.version],
            [[metric.name, _number(metric.value)] for metric in one.behind_of(row.version).metrics],
            [[param.name, param.value] for param in one.behind_of(row.version).params],
            [[file.kind, file.path, file.digest, file.origin] for file in one.behind_of(row.version).inputs],
        ]
        for row in one.versions
    ]  # fmt: skip
    return _call(f"{one.repository.repository}\n{one.name}", versions)


def _artifact(one: Artifact, repository: int) -> list[Any]:
    described = one.described
    folder = url_of(folder_of(*one.key))
    latest = next((row for row in one.versions if row.version == described.latest), None)
    stages = []
    for stage in one.stages:
        reported = one.deployment(stage.stage)
        told = [reported.state, reported.version] if reported else []
        stages.append([stage.stage, stage.version, stage.since, int(stage.held) + 2 * one.goes_back(stage), *told])
    return [
        repository, one.name, described.type, (described.description or "")[:_DESCRIPTION], list(described.labels),
        described.owner, described.latest, int(described.deprecated), latest.registered_at if latest else None,
        one.events[0].timestamp if one.events else None, stages, len(one.versions),
        # The folder, where it does not follow from the names.
        folder if "~" in folder else 0,
        list(one.known_stages),
    ]  # fmt: skip


def _versions(one: Artifact) -> list[Any]:
    """[versions, spans] of an artifact, for terms about them."""
    versions = [
        [row.version, row.registered_at, int(row.active), row.change, list(row.approved_by or ())]
        for row in one.versions
    ]
    spans = [
        [hold.stage, hold.version, hold.since, hold.until, hold.change, list(hold.approved_by or ())]
        for hold in one.holds
    ]
    return [versions, spans]


def _behind(one: Artifact) -> list[Any]:
    """What is behind each version, in the order of the versions."""
    found = []
    for row in one.versions:
        behind = one.behind_of(row.version)
        found.append(
            [
                [[metric.name, _number(metric.value)] for metric in behind.metrics],
                [[param.name, param.value] for param in behind.params],
                [[file.digest, file.path, file.origin] for file in behind.inputs if file.kind != "out"],
            ]
        )
    return found


def _number(value: float | None) -> float | str | None:
    """A number as JSON has it; NaN and infinities by their names."""
    return value if value is None or math.isfinite(value) else repr(value)


def _chunks(kind: str, artifacts: Sequence[Artifact], rows: Callable[[Artifact], list[Any]]) -> tuple[Script, ...]:
    """Named by the fingerprints of what they hold: what did not change need not be made to know that."""
    return tuple(_chunk(kind, number, part, rows) for number, part in enumerate(_parts(artifacts, _SEARCH)))


def _chunk(kind: str, number: int, part: Sequence[Artifact], rows: Callable[[Artifact], list[Any]]) -> Script:
    def text() -> str:
        return _call(kind, [number * _SEARCH, [rows(one) for one in part]])

    marks = "\n".join([_FORM, *(one.fingerprint for one in part)])
    return Script(f"data/{kind}-{number}-{_hashed(marks)}.js", text)


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _parts(rows: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)] or [[]]


def _script(kind: str, number: int, value: Any) -> Script:
    text = _call(kind, value)
    return Script(f"data/{kind}-{number}-{_hashed(text)}.js", lambda: text)


def _call(kind: str, value: Any) -> str:
    """A call of the page's own function. ASCII alone: no mark of Unicode ends a line for one reader only."""
    body = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return f"tagline.data({json.dumps(kind)},{body});\n"
