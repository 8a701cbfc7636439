"""Reading one repository for the index: the fold of its tags, and what is behind each version, once a commit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from tagline.commands.lineage.reading import LineageSource, Subject, read_lineage
from tagline.commands.manifest.cards import MOST_OF_CARDS, cards_of, images_of
from tagline.commands.manifest.snapshots import entries_of
from tagline.commands.storage.locating import StorageContext
from tagline.domain.changes.policy import MAX_POLICY, POLICY_FILE
from tagline.domain.index.rows import MOST_OF_REPOSITORY, Behind, Registry, behind_of, has_rows
from tagline.domain.ledger.events import RawTag, Reading, left_out, read_events
from tagline.domain.ledger.registry import ArtifactState, state_of
from tagline.domain.ledger.tags import artifact_in_tag
from tagline.domain.manifest.card_images import Image
from tagline.domain.manifest.cards import Card
from tagline.domain.manifest.manifest import ManifestEntry
from tagline.domain.pins.lock import LOCK_FILE, MAX_LOCK, Pin, read_lock
from tagline.errors import TaglineError
from tagline.ports import index as port
from tagline.ports.repository import Repository, Tree

#: Of a repository and its policy file (None where it has none): what locating bytes takes.
StorageOf = Callable[[Repository, bytes | None], StorageContext]


class ReadRegistry(NamedTuple):
    """A repository as rows want it, and what of it could not be read, in sentences.

    ``moved`` is a mark of where the policy says that stores have moved to; empty where it says nothing.
    """

    registry: Registry
    gaps: list[str]
    moved: str = ""


def read_registry(
    opened: port.Registry, known: Mapping[tuple[str, str], port.Known], storage_of: StorageOf, moved: str = "",
    most: int = MOST_OF_REPOSITORY,
) -> ReadRegistry:  # fmt: skip
    """Read an open repository. Of versions that are known by their commits nothing is read but their tags.

    They are known as of the mark ``moved``: with another one their bytes are elsewhere now, and all are read.
    Of more than ``most`` rows behind all versions those of further versions are left out.

    Raises PlatformRefused where its tags cannot be read.
    """
    refs, repository = opened.refs, opened.repository()
    opened.begin(files=not known)
    raw = {tag.name: tag for tag in opened.tags()}
    gaps: list[str] = []
    if known and refs.head:
        repository.prepare([refs.head])
    tree = repository.tree(refs.head) if refs.head else None
    policy = _policy(tree, gaps)
    storage = storage_of(repository, policy)
    now_moved = _mark(storage.moved())
    stays = known if now_moved == moved else {}
    states = _states(raw, policy)
    wanted = [
        Subject(state.name, row.commit, row.version, row.tag)
        for state in states
        for row in state.versions
        if not _is_known(stays.get((state.name, row.version)), row.commit)
    ]
    repository.prepare([subject.commit for subject in wanted])
    source = LineageSource(repository, storage, None, light=True)
    behind = _all_behind(source, states, wanted, known, gaps, most)
    reports = opened.reports()
    told = {state.name: reports.get(artifact_in_tag(state.name), ()) for state in states}
    entries = _entries(tree, gaps)
    cards = _cards(tree, entries, gaps)
    images = _images(tree, entries, cards, gaps)
    pins = _pins(tree, gaps)
    return ReadRegistry(Registry(states, raw, entries, behind, told, cards, images, pins), gaps, now_moved)


def _mark(moved: Mapping[str, str]) -> str:
    text = "".join(f"{old}\n{new}\n" for old, new in sorted(moved.items()))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16] if text else ""


def _by_commit(subject: Subject) -> str:
    return subject.commit


def _is_known(known: port.Known | None, commit: str) -> bool:
    return known is not None and known.commit == commit


def _as_known(known: port.Known) -> Behind:
    return Behind(*known[1:])


def _policy(tree: Tree | None, gaps: list[str]) -> bytes | None:
    try:
        return tree.read(POLICY_FILE, MAX_POLICY) if tree is not None else None
    except TaglineError as error:
        gaps.append(error.message)
        return None


def _states(raw: Mapping[str, RawTag], policy: bytes | None) -> list[ArtifactState]:
    """Every artifact that has an event, without those of other tools, as show has them."""
    reading: Reading = read_events(raw.values())
    if policy is not None and b"ignore" in policy:
        from tagline.formats.policy import other_tools  # here, because it parses YAML

        patterns = other_tools(policy).ignore_tags
        reading = left_out(reading, patterns) if patterns else reading
    return [state for name in sorted(reading.events) if (state := state_of(reading, name)).events]


def _entries(tree: Tree | None, gaps: list[str]) -> Mapping[str, ManifestEntry]:
    try:
        return entries_of(tree) if tree is not None else {}
    except TaglineError as error:
        gaps.append(error.message)
        return {}


def _cards(tree: Tree | None, entries: Mapping[str, ManifestEntry], gaps: list[str]) -> Mapping[str, Card]:
    try:
        cards, whole = cards_of(tree, entries.values()) if tree is not None else ({}, True)
    except TaglineError as error:
        gaps.append(error.message)
        return {}
    if not whole:
        gaps.append(f"Its model cards have more than {MOST_OF_CARDS >> 20} MiB: those of others are left out.")
    return cards


def _images(
    tree: Tree | None, entries: Mapping[str, ManifestEntry], cards: Mapping[str, Card], gaps: list[str]
) -> Mapping[str, Sequence[Image]]:
    try:
        return images_of(tree, entries, cards) if tree is not None and cards else {}
    except TaglineError as error:
        gaps.append(error.message)
        return {}


def _pins(tree: Tree | None, gaps: list[str]) -> Mapping[str, Pin]:
    """What the repository itself uses. A lock that cannot be read is a gap."""
    try:
        data = tree.read(LOCK_FILE, MAX_LOCK) if tree is not None else None
        return read_lock(data, LOCK_FILE) if data is not None else {}
    except TaglineError as error:
        gaps.append(error.message)
        return {}


def _all_behind(
    source: LineageSource, states: Sequence[ArtifactState], wanted: Sequence[Subject],
    known: Mapping[tuple[str, str], port.Known], gaps: list[str], most: int,
) -> dict[tuple[str, str], Behind]:  # fmt: skip
    """What is behind versions: as it is known, and of those ``wanted`` read, once a commit, up to ``most`` rows."""
    behind = {key: _as_known(one) for key, one in known.items()}
    there = {(state.name, row.version) for state in states for row in state.versions}
    there -= {(subject.artifact, subject.version) for subject in wanted}
    left = most - sum(behind[key].rows for key in there)
    # Nobody knows of a known version without rows whether it had some.
    cut = left <= 0 and any(not behind[key].rows for key in there)
    for commit, subjects in groupby(sorted(wanted, key=_by_commit), key=_by_commit):
        for subject in subjects:
            key = subject.artifact, subject.version or ""
            found, more = _behind(source, subject, gaps, rows=left > 0)
            cut = cut or more
            if found is not None or not _is_known(known.get(key), commit):
                behind[key] = found or Behind()
            if left <= 0 and behind[key].rows:
                behind[key] = behind[key]._replace(metrics=(), params=(), inputs=())
                cut = True
            left -= behind[key].rows
        source.commits.pop(commit, None)
        source.read.clear()
    if cut:
        gaps.append(f"It has {most:,} metrics, parameters and inputs of versions: those of others are left out.")
    return behind


def _behind(source: LineageSource, subject: Subject, gaps: list[str], *, rows: bool) -> tuple[Behind | None, bool]:
    """What a version's commit says, None where it cannot be read, which is a gap; and whether rows are left out."""
    try:
        lineage = read_lineage(source, subject, ask_mlflow=False)
    except TaglineError as error:
        gaps.append(f"{subject.artifact}@{subject.version}: {error.message}")
        return None, False
    return behind_of(lineage, rows=rows), not rows and has_rows(lineage)
