"""``tagline resolve``: the artifact behind a target: its manifest entry and where its bytes are."""

from __future__ import annotations

from tagline.commands.check_ref import artifact_of
from tagline.commands.describe import describe
from tagline.commands.reading import Source, View, present, read
from tagline.domain.answers import Answer, decides, find, of_tag, previous_version
from tagline.domain.events import Warn
from tagline.domain.manifest import ManifestEntry
from tagline.domain.messages import CHANGE, parse_trailers
from tagline.domain.registry import ArtifactState
from tagline.domain.results import Location, Resolved
from tagline.domain.targets import Target, parse_target
from tagline.errors import Refused, WrongUsage
from tagline.ports import Repository


def resolve(
    source: Source, target: Target | str, now: int, *, as_of: int | None = None, require_change: bool = False
) -> Resolved:
    """Resolve a target, or (a text) the registry tag that started this job.

    A tag answers what it named: ``current`` says whether it still decides. Raises NotFound,
    ManifestUnreadable, and Refused when ``require_change`` and the deciding tag was not made by a
    merged change, or when the job's tag took something away.
    """
    name = artifact_of(target) if isinstance(target, str) else target.artifact
    view = read(source, [name or ""], details=require_change)
    with view.or_incomplete():
        state = present(view, name or "", as_of, deprecated=isinstance(target, str))
        answer = of_tag(state, target) if isinstance(target, str) else find(state, target)
    if require_change:
        _require_change(view, answer)
    entry = describe(answer.artifact, source.repository.tree(answer.commit))
    location, odd = _locate(source.repository, answer, entry)
    warnings = view.warnings(state, now if as_of is None else None)
    warnings += [*_about(answer), *odd]
    return Resolved(
        answer=answer,
        entry=entry,
        location=location,
        current=_current(view, state, answer, as_of),
        previous_version=previous_version(state, answer),
        warnings=warnings,
    )


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


def _about(answer: Answer) -> list[Warn]:
    if answer.version is None:
        message = f"{answer.tag} is on a commit where no version is registered; the commit is the answer."
        return [Warn("no-version", answer.tag, message)]
    if not answer.active:
        message = f"{answer.artifact} {answer.version} was deregistered: it is withdrawn."
        return [Warn("deregistered", answer.tag, message)]
    return []


def _locate(repository: Repository, answer: Answer, entry: ManifestEntry | None) -> tuple[Location, list[Warn]]:
    if entry is None:
        message = f"No manifest describes {answer.artifact} at commit {answer.commit[:7]}."
        return Location(), [Warn("not-described", answer.tag, message)]
    if entry.path is None:
        return Location(), []
    if entry.virtual:
        return Location(uri=entry.path), []
    content = repository.content(answer.commit, entry.path)
    if content is None or content.pointer or content.kind not in ("blob", "tree"):
        message = f"{entry.path} is not in Git itself at commit {answer.commit[:7]}; its storage was not read."
        return Location(), [Warn("storage-not-read", answer.tag, message)]
    uri = f"git+{repository.url}@{answer.commit}#{entry.path}"
    return Location(uri, f"git{content.kind}:{content.object_id}", content.size, content.files), []
