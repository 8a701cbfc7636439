"""Every failure a user can meet: its exit code, a stable identifier and the fix.

An error says what happened (``message``) and what to do (``hint``). Findings about a
user's files are data (:mod:`tagline.domain.manifest.findings`), never exceptions.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    FINDINGS = 1
    USAGE = 2
    BUG = 3
    PLATFORM = 4
    CONFLICT = 5
    NOT_FOUND = 6

    @classmethod
    def precedence(cls) -> tuple[Exit, ...]:
        """Which code counts where several apply: the first of these."""
        return (cls.BUG, cls.PLATFORM, cls.CONFLICT, cls.USAGE, cls.NOT_FOUND, cls.FINDINGS)


class TaglineError(Exception):
    """An expected failure: exit code, message and hint. Subclasses fix the code.

    Secrets in URLs are dropped from both, wherever the words came from.
    """

    exit_code: Exit = Exit.BUG
    code: str = "error"

    def __init__(self, message: str, hint: str = "", *, code: str | None = None) -> None:
        from tagline.domain.text.public import public  # here, because a run that goes well needs none of it

        self.message, self.hint = public(message), public(hint)
        super().__init__(self.message)
        if code is not None:
            self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        # A worker process sends its failure as it is: made again by its words, not by the arguments of a subclass.
        return TaglineError.__new__, (type(self), self.message), self.__dict__


class Refused(TaglineError):
    """The registry's rules forbid what was asked (exit 1)."""

    exit_code = Exit.FINDINGS
    code = "refused"


class WrongUsage(TaglineError):
    """Arguments or configuration make no sense (exit 2)."""

    exit_code = Exit.USAGE
    code = "usage"


class PlatformRefused(TaglineError):
    """Git, the remote or the forge said no, or could not be reached (exit 4)."""

    exit_code = Exit.PLATFORM
    code = "platform"


class IncompleteClone(PlatformRefused):
    """The local tags are not all of the remote's: any answer could be stale (exit 4)."""

    code = "incomplete-clone"


class Conflict(TaglineError):
    """Somebody else's tag is where ours should be, and retries did not solve it (exit 5)."""

    exit_code = Exit.CONFLICT
    code = "conflict"


class NotFound(TaglineError):
    """The artifact, version, stage or object does not exist (exit 6)."""

    exit_code = Exit.NOT_FOUND
    code = "not-found"


class ManifestUnreadable(TaglineError):
    """The manifest that describes the artifact is malformed where it does so (exit 1)."""

    exit_code = Exit.FINDINGS
    code = "manifest-unreadable"


class ObjectMissing(NotFound):
    """A store does not have an object that a pointer names (exit 6)."""

    code = "object-missing"


class StoreRefused(PlatformRefused):
    """A store said no, or could not be reached: credentials, permission, network, throttling (exit 4)."""

    code = "store-refused"


class ObjectChanged(Conflict):
    """An object was replaced while it was read (exit 5)."""

    code = "object-changed"


class WrongBytes(Refused):
    """An object's bytes are not those that the pointer names, by size or by digest (exit 1)."""

    code = "wrong-bytes"


class BadPointer(Refused):
    """What Git says about an artifact's bytes does not identify them (exit 1)."""

    code = "bad-pointer"


class TooLarge(Refused):
    """Two sizes that are fine by themselves make too much work together (exit 1)."""

    code = "too-large"


class TooManyPaths(Refused):
    """A commit's tree stands for more files than anybody looks at (exit 1). ``what`` says how many of which."""

    code = "too-many-paths"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} are in one commit: it cannot be looked through.",
            "Put many files into an archive or under DVC; a tree that repeats itself without end is refused.",
        )
