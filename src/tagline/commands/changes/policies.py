"""The policies of a repository's commits, and what a change makes of the one that counts."""

from __future__ import annotations

from collections.abc import Callable

from tagline.domain.changes.changes import Change
from tagline.domain.changes.policy import MAX_POLICY, POLICY_FILE, Policy
from tagline.domain.changes.promotion import Refusal
from tagline.domain.manifest.findings import Finding
from tagline.formats.policy import Outside, judge_policy
from tagline.ports.repository import History, Object

#: Of a file with more mistakes the first are told.
_MOST_FINDINGS = 10


class Policies:
    """The policies of a history's commits. Of many commits most have the same file, which is read once."""

    def __init__(self, history: History, outside: Outside) -> None:
        self._history = history
        self._outside = outside
        #: By the id of the file, which is empty where there is none.
        self._read: dict[str, Policy] = {}

    def now(self) -> Policy:
        """The policy of the default branch as it is."""
        return self.at(self._history.tip())

    def at(self, commit: str) -> Policy:
        """The policy of a commit. What is wrong in it are its ``findings``."""
        file = self._file(commit)
        key = file.id if file is not None else ""
        if key not in self._read:
            data = self._history.tree(commit).read(POLICY_FILE, MAX_POLICY) if file and file.kind == "blob" else None
            broken = file is not None and data is None
            self._read[key] = _no_file(file.kind) if file and broken else judge_policy(data, self._outside)
        return self._read[key]

    def _file(self, commit: str) -> Object | None:
        return self._history.tree(commit).objects([POLICY_FILE]).get(POLICY_FILE)

    def broken_by(self, change: Change, before: Callable[[], str], commit: str) -> tuple[Refusal, ...]:
        """What is wrong in the policy that a change makes of the default branch's, if it makes another of it.

        ``before`` is the other end of the change, asked for only where its own is wrong.
        """
        if change.base != self._history.default_branch:
            return ()
        findings = self.at(commit).findings
        if not findings or self._file(before()) == self._file(commit):
            return ()
        if findings[0].file != POLICY_FILE:
            # What a change extends is read with the rights of the job, and anybody may have opened it: nothing of a
            # file is told that perhaps only the job may see.
            message = f"{POLICY_FILE} extends {findings[0].file}, which cannot be understood as a policy."
            fix = "Check that file in its own repository: tagline validate"
            return (Refusal(None, None, "policy-breaks", message, fix),)
        refusals = [
            Refusal(None, None, "policy-breaks", f"{f.file}:{f.line}:{f.column}: {f.message}", f.hint)
            for f in findings[:_MOST_FINDINGS]
        ]
        if more := len(findings) - len(refusals):
            last = refusals[-1]
            refusals[-1] = last._replace(message=f"{last.message} And {more} more problem{'s' if more > 1 else ''}.")
        return tuple(refusals)


def _no_file(kind: str) -> Policy:
    message = f"{POLICY_FILE} is a {kind}, not a file."
    finding = Finding(POLICY_FILE, 1, 1, None, "file-not-regular", "error", message, "Make it a plain file.")
    return Policy(digest="unreadable", findings=(finding,))
