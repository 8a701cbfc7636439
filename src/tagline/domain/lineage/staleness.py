"""Would a step run again: what it read, and its command, against a commit. DVC's word, without a work tree.

What nobody can tell from Git alone is no staleness; where that may hide one, it is told as not checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from tagline.domain.lineage.graph import Graph, is_outside
from tagline.domain.lineage.lineage import Stale, same
from tagline.domain.lineage.pipelines import Behind, Step
from tagline.domain.manifest.dvc_stages import may_become
from tagline.domain.manifest.manifest import is_uri
from tagline.domain.manifest.tracked import TrackedPaths, upwards
from tagline.domain.storage.lfs import parse_pointer
from tagline.domain.storage.listings import Entry, folder_digest

#: Digits of a digest that tell two apart, for people.
_SHORT = 8


class Unchecked(NamedTuple):
    """What nobody compared: ``what`` (a path, or None for the command) of a step, and why not."""

    step: str
    what: str | None
    why: str

    @property
    def message(self) -> str:
        """A sentence without its end."""
        said = f"{self.what} is what {self.step} read"
        if self.what is None:
            said = f"the command of {self.step} is the one that it ran"
        return f"Whether {said} could not be checked: {self.why}"


class Checkup(NamedTuple):
    """The steps that would have to run again, and what could not be checked."""

    stale: tuple[Stale, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()


class Now(NamedTuple):
    """What a commit has.

    ``contents`` are files in Git, without those that were not read. ``params`` are the parameter files, flat; None for
    one that is not there, a text for why one cannot be read. ``tracked`` are the files in Git; without them nobody
    looks at folders, nor for outs that are gone. ``commands`` are the commands of steps whose pipeline has them with
    ``${...}``, filled in; None where that fails. ``submodules`` are their paths.
    """

    contents: Mapping[str, bytes] = {}
    params: Mapping[str, Mapping[str, Any] | str | None] = {}
    tracked: TrackedPaths | None = None
    commands: Mapping[str, str | None] = {}
    submodules: frozenset[str] = frozenset()


def check_steps(graph: Graph, now: Now) -> Checkup:
    """The steps that would have to run again in a commit: what they read, or their command, is another one."""
    check = _Check(graph, now)
    for step in graph.steps:
        check.step(step)
    return Checkup(tuple(check.stale), tuple(check.unchecked))


def md5_of(data: bytes, *, text: bool) -> str:
    """The digest that DVC gives a file's content; ``text``: DVC 2, which read Unix's line ends into every text."""
    if text and b"\0" not in data[:512]:
        data = data.replace(b"\r\n", b"\n")
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


class _Check:
    """One graph while it is looked through."""

    def __init__(self, graph: Graph, now: Now) -> None:
        self.stale: list[Stale] = []
        self.unchecked: list[Unchecked] = []
        self._graph = graph
        self._now = now

    def step(self, step: Step) -> None:
        self._command(step)
        for dep in step.deps:
            if why := self._dep(step, dep):
                self.stale.append(Stale(step.name, f"{dep.path} {why}", dep.path))
        for out in step.outs:
            if not out.cached and (why := self._out(step, out)):
                self.stale.append(Stale(step.name, f"{out.path} {why}", out.path))
        self._params(step)
        for what in step.new:
            path, _, name = what.partition(": ")
            said = f"the parameter {name} of {path}" if name else path
            self.stale.append(Stale(step.name, f"{said} is new in {step.file} since it ran", path))

    def _command(self, step: Step) -> None:
        written = step.written
        if written is not None and "${" in written:
            filled = self._now.commands.get(step.name)
            if filled is None and may_become(written, step.command):
                self.unchecked.append(Unchecked(step.name, None, f"what {step.file} has in ${{...}} is not known here"))
                return
            # What no filling in makes the command that ran is another one, whatever it is.
            written = filled
        elif written is None:
            return
        if written != step.command:
            self.stale.append(Stale(step.name, "its command is another one now"))

    def _dep(self, step: Step, dep: Behind) -> str | None:
        now = self._graph.files.get(dep.path)
        if now is not None and now.missing:
            return "is gone"
        if now is not None and now.pointer is not None:
            if dep.digest is None or now.digest is None or dep.digest == now.digest:
                return None
            is_now, was = _in_brackets(now.digest, dep.digest), _in_brackets(dep.digest, now.digest)
            return f"is another one{is_now} than it read{was}"
        return "was changed since it ran" if self._differs(step, dep) else None

    def _out(self, step: Step, out: Behind) -> str | None:
        tracked = self._now.tracked
        nowhere = tracked is not None and not tracked.is_file(out.path) and not tracked.below(out.path)
        if nowhere and not is_uri(out.path) and not is_outside(out.path) and not self._in_submodule(out.path):
            return "is not in this commit"
        return "is not what it wrote" if self._differs(step, out) else None

    def _in_submodule(self, path: str) -> bool:
        return any(part in self._now.submodules for part in upwards(path))

    def _differs(self, step: Step, was: Behind) -> bool:
        """Whether a file or folder in Git is surely another one."""
        digest = was.digest
        if digest is None or not digest.startswith("md5:") or is_uri(was.path) or is_outside(was.path):
            return False
        if self._in_submodule(was.path):
            return self._unknown(step, was, "it lies in a submodule")
        if digest.endswith(".dir"):
            return self._folder_differs(step, was)
        data = self._now.contents.get(was.path)
        if data is None:
            in_git = self._now.tracked is not None and self._now.tracked.is_file(was.path)
            return in_git and self._unknown(step, was, "it is too large to be read here, or no plain file")
        if parse_pointer(data) is not None:
            return self._unknown(step, was, "Git LFS has it")
        return digest not in (f"md5:{md5_of(one, text=was.text)}" for one in _line_ends(data))

    def _folder_differs(self, step: Step, was: Behind) -> bool:
        tracked = self._now.tracked
        if tracked is None:
            return self._unknown(step, was, "which files .dvcignore leaves out is not known here")
        inside = tracked.below(was.path)
        if was.files is not None and len(inside) > was.files:
            return True
        if not inside:
            return False
        if was.files is None or len(inside) < was.files:
            return self._unknown(step, was, "DVC saw files in it that are not in Git")
        contents = [self._now.contents.get(path) for path in inside]
        known = [data for data in contents if data is not None and parse_pointer(data) is None]
        if len(known) < len(inside):
            return self._unknown(step, was, "not all files in it can be read here")
        names = [path[len(was.path) + 1 :] for path in inside]
        # Line ends are all as in Git, or all as on Windows.
        for ends in (0, -1):
            pairs = zip(names, (_line_ends(data)[ends] for data in known), strict=True)
            listed = [Entry(name, md5_of(data, text=was.text)) for name, data in pairs]
            if was.digest == f"md5:{folder_digest(listed)}":
                return False
        return True

    def _unknown(self, step: Step, was: Behind, why: str) -> bool:
        self.unchecked.append(Unchecked(step.name, was.path, why))
        return False

    def _params(self, step: Step) -> None:
        for file, values in step.params.items():
            now = self._now.params.get(file, "")
            if now is None:
                self._say(step, file, f"{file}, which has its parameters, is gone")
            elif isinstance(now, str):
                if now:
                    self.unchecked.append(Unchecked(step.name, file, now.rstrip(".")))
            else:
                self._params_of(step, file, values, now)

    def _params_of(self, step: Step, file: str, values: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if name not in now:
                self._say(step, file, f"the parameter {name} is gone from {file}")
            elif not same(now[name], value):
                self._say(step, file, f"the parameter {name} of {file} is another one than it ran with")
        groups = tuple(f"{group}." for group in step.groups.get(file, ()))
        for name in now:
            if name not in values and (file in step.whole or (groups and name.startswith(groups))):
                self._say(step, file, f"the parameter {name} of {file} is new since it ran")

    def _say(self, step: Step, path: str, why: str) -> None:
        self.stale.append(Stale(step.name, why, path))


def _line_ends(data: bytes) -> tuple[bytes, ...]:
    """A content as it is in Git, and a text as a checkout with ``eol=crlf`` writes it."""
    if b"\0" in data or b"\n" not in data or b"\r" in data:
        return (data,)
    return data, data.replace(b"\n", b"\r\n")


def _in_brackets(digest: str, other: str) -> str:
    """The beginning of a digest; nothing where that does not tell it from the other one."""
    short, also = (one.partition(":")[2][:_SHORT] for one in (digest, other))
    return f" ({short})" if short and short != also else ""
