"""What the doctor asks of the clone that one stands in: is it whole, what of its tags, are its files valid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tagline.commands.doctor.questions import Question
from tagline.commands.ledger.reading import Source, View, read
from tagline.domain.doctor.checks import Check, some
from tagline.domain.doctor.workflows import WORKFLOWS, is_workflow, judge_checkouts
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.moved import moved_warnings
from tagline.domain.manifest.validation import ValidationReport
from tagline.errors import IncompleteClone, PlatformRefused, WrongUsage
from tagline.ports.repository import Tree

_MAX_WORKFLOW = 1024 * 1024
#: Git before it does not do all that is asked of it.
_OLDEST_GIT = (2, 38)
#: Of the ledger's warnings: another answer may be right.
_SERIOUS = frozenset({"moved-tag", "future-dated", "same-second", "lightweight-tag", "refetched-tag"})


@dataclass(frozen=True)
class Clone:
    """A clone, or a repository named by its URL. ``report`` is what ``validate`` says of its files.

    ``git_version`` is as ``git --version`` says it; ``runner`` the runner's version, None where it does not say.
    """

    source: Callable[[], Source]
    tree: Callable[[], Tree]
    report: Callable[[], ValidationReport]
    git_version: Callable[[], tuple[int, ...]]
    now: int
    runner: str | None = None

    def questions(self) -> list[Question]:
        """All that is asked of it."""
        return [
            Question("clone", self._whole),
            Question("tags", self._tags),
            Question("files", self._files),
            Question("versions", self._versions),
        ]

    def _whole(self) -> Iterator[Check]:
        """Depth, tags and filters: what is here against what the remote has."""
        source = self.source()
        if source.is_remote:
            return
        shape = source.repository.why_incomplete()
        try:
            view = read(source._replace(fresh=True), None, refuse_moved=False)
        except IncompleteClone as error:
            yield Check("clone", "fail", error.message, error.hint)
            return
        if not view.compared or source.upstream() is None:
            fix = "Add the remote that the registry lives on: git remote add origin URL"
            yield Check("clone", "warn", "There is no remote to compare the tags with.", fix)
        elif shape is not None:
            fix = (
                "Every answer asks the remote first. In CI: fetch-depth: 0 (actions/checkout), GIT_DEPTH: '0' (GitLab)."
            )
            yield Check("clone", "warn", f"The clone is {shape}; it has every registry tag today.", fix)
        else:
            yield Check("clone", "ok", "The clone is whole and has every registry tag of its remote.")

    def _tags(self) -> Iterator[Check]:
        """Lightweight, moved, tied and future tags, as every reading command would tell them."""
        source = self.source()
        try:
            view = read(source._replace(fresh=not source.is_remote), None, refuse_moved=False)
        except IncompleteClone as error:
            yield Check("tags", "unknown", "Not every registry tag is here.", error.hint.partition("\n")[0])
            return
        found = [
            *self._moved(source, view),
            *view.warnings(None, None),
            *(w for s in view.states() for w in view.warnings_of(s, self.now)),
        ]
        serious = [warning for warning in found if warning.code in _SERIOUS]
        count = sum(len(events) for events in view.reading.events.values())
        if not found:
            yield Check("tags", "ok", f"{count} registry tag{'s' * (count != 1)}, and nothing is wrong with any.")
            return
        codes = dict.fromkeys(warning.code for warning in serious or found)
        hint = f"docs/warnings.md says of each what it means and what to do: {', '.join(codes)}."
        yield Check("tags", "warn", _told(serious or found), hint)

    @staticmethod
    def _moved(source: Source, view: View) -> list[Warn]:
        """Tags that named another object when they were last seen, which only a question by artifact tells."""
        upstream = source.upstream() if view.reading.events else None
        if upstream is None:
            return []
        upstream.tag_objects(list(view.reading.events))
        return moved_warnings(upstream.moved)

    def _files(self) -> Iterator[Check]:
        """What ``validate`` finds in policy, ``.gto``, manifests and request files."""
        report = self.report()
        if not report.findings:
            artifacts = sum(checked.artifacts for checked in report.checked)
            message = f"No findings in {artifacts} artifact{'s' * (artifacts != 1)} of {len(report.checked)} files."
            nothing = "Nothing names an artifact yet." if not artifacts else None
            fix = "Describe one in artifacts.yaml: 'NAME: {path: FILE}' (docs/manifest.md)."
            yield Check("files", "warn", nothing, fix) if nothing else Check("files", "ok", message)
            return
        first, more = report.findings[0], len(report.findings) - 1
        also = f" And {more} more." if more else ""
        message = f"{first.file}, line {first.line}: {first.message}{also}"
        yield Check("files", "warn" if report.ok else "fail", message, first.hint or "See all: tagline validate")

    def _versions(self) -> Iterator[Check]:
        git = self.git_version()
        spelled = ".".join(map(str, git))
        if git < _OLDEST_GIT:
            yield Check("versions", "fail", f"git is {spelled}.", "Tagline needs git 2.38 or newer on PATH.")
        else:
            runner = f", runner {self.runner}" if self.runner else ""
            yield Check("versions", "ok", f"git {spelled}{runner}.")
        yield from judge_checkouts(workflows_of(self.tree()))


def workflows_of(tree: Tree) -> dict[str, str]:
    """The workflows of a snapshot: path to text."""
    paths = [path for path, _ in tree.files([WORKFLOWS]) if is_workflow(path)]
    read_ = tree.read_many(paths, _MAX_WORKFLOW)
    return {path: data.decode("utf-8", "replace") for path, data in sorted(read_.items())}


def no_clone(error: WrongUsage | PlatformRefused) -> list[Question]:
    """What is said where one stands in no clone at all."""
    message, hint = "There is no clone here, so nothing of it was looked at.", error.hint
    return [Question("clone", lambda: [Check("clone", "unknown", message, hint)])]


def _told(found: Sequence[Warn]) -> str:
    """The first of some warnings in full, and how many more there are."""
    more = len(found) - 1
    tags = some(warning.tag for warning in found[1:] if warning.tag)
    return (
        f"{found[0].message}{f' And {more} more ({tags}).' if more and tags else f' And {more} more.' if more else ''}"
    )
