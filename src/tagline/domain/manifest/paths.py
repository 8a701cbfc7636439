"""What a manifest's paths must satisfy: relative, inside the repository, tracked."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from tagline.domain.manifest.document import Node
from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.interpolation import has_template
from tagline.domain.manifest.manifest import Declared, is_absolute, is_uri, repository_path
from tagline.domain.manifest.manifest_rules import finding
from tagline.domain.manifest.tracked import TrackedPaths, upwards
from tagline.domain.text.alike import difference
from tagline.domain.text.shell import shell_path
from tagline.errors import BadPointer


@dataclass(frozen=True, slots=True)
class PathFacts:
    """What is known about the snapshot's files. The functions are asked last: they may read files."""

    tracked: TrackedPaths
    dvc_covers: Callable[[str], bool]
    submodules: Callable[[], Collection[str]]
    exists: Callable[[str], bool]  # in the work tree, tracked or not
    nearest: Callable[[str], str | None]
    tracked_by: Callable[[str], Sequence[str]]  # of a .dvc file
    why_unclear: Callable[[str], BadPointer | None]  # which bytes it is


def path_fields(item: Declared) -> Iterator[tuple[str, Node]]:
    """The fields of an artifact that name files of the repository; of a virtual one its card."""
    if not isinstance(item.node.value, dict):
        return
    ours = item.node
    if item.kind == "dvc":
        ours = _field(_field(ours, "meta"), "tagline")
    named = [("card", ours.fields.get("card"))]
    if not item.entry.virtual:
        named += [("path", item.node.fields.get("path")), ("metrics", ours.fields.get("metrics"))]
    for field, node in named:
        if node is not None and isinstance(node.value, str) and node.value:
            yield field, node


def _field(node: Node, key: str) -> Node:
    return node.fields.get(key) or Node(None, node.line, node.column)


def check_paths(item: Declared, facts: PathFacts) -> list[Finding]:
    """Findings about one artifact's paths."""
    found = []
    for field, node in path_fields(item):
        written: str = node.value
        if item.kind == "dvc" and has_template(written):
            continue  # not resolved, which has its own finding
        complaint = (
            _form(field, written, item, facts)
            or _existence(field, written, item, facts)
            or _content(field, written, item, facts)
        )
        if complaint:
            found.append(finding(item, node, *complaint))
    return found


Complaint = tuple[str, str, str]  # rule, message, hint


def _form(field: str, written: str, item: Declared, facts: PathFacts) -> Complaint | None:
    """What is wrong with the path as text."""
    if is_uri(written):
        hint = f"Add {_virtual(item)} if the content is outside the repository."
        return "path-uri", f"'{field}' is a URI, not a path in the repository.", hint
    if is_absolute(written):
        return (
            "path-absolute",
            f"'{field}' is an absolute path: {written}",
            "Write it relative to this file's directory.",
        )
    if "\\" in written and not facts.tracked.is_file(repository_path(item.entry.file, written) or ""):
        return (
            "path-backslash",
            f"'{field}' contains a backslash: {written}",
            f"Write '{written.replace(chr(92), '/')}'.",
        )
    if repository_path(item.entry.file, written) is None:
        return (
            "path-outside",
            f"'{field}' leaves the repository: {written}",
            "Point to a file inside the repository.",
        )
    return None


def _existence(field: str, written: str, item: Declared, facts: PathFacts) -> Complaint | None:
    """Whether Git or DVC tracks the path: by names first, pointers are read only if need be."""
    path = repository_path(item.entry.file, written)
    if path is None:
        return None
    tracked = facts.tracked
    if tracked.is_file(path) or tracked.is_directory(path) or tracked.has_dvc_file(path):
        return None
    if facts.dvc_covers(path):
        return None
    module = next((part for part in upwards(posixpath.dirname(path)) if part in facts.submodules()), None)
    if module is not None:
        return (
            "path-submodule",
            f"'{field}' lies in the submodule {module}: {path}",
            f"Declare the artifact in that repository, or add {_virtual(item)}.",
        )
    if facts.exists(path):
        return (
            "path-untracked",
            f"{path} exists but is tracked neither by Git nor by DVC.",
            f"Run: git add {shell_path(path)}   (or: dvc add {shell_path(path)})",
        )
    return _unclear(path, facts) or (
        "path-missing",
        f"{path} is tracked neither by Git nor by DVC.",
        _repair(path, written, item, facts),
    )


def _content(field: str, written: str, item: Declared, facts: PathFacts) -> Complaint | None:
    """Whether what is tracked is what can be meant."""
    path = repository_path(item.entry.file, written) or ""
    if facts.tracked.is_file(path):
        outs = facts.tracked_by(path) if path.endswith(".dvc") else ()
        if not outs:
            return None
        meant = ", ".join(f"'{_relative(out, posixpath.dirname(item.entry.file))}'" for out in outs)
        message = f"'{field}' names DVC's pointer {path}, whose few lines would be taken for the content."
        return "path-pointer", message, f"Write {meant}." if len(outs) == 1 else f"Write what is meant: {meant}."
    return _unclear(path, facts)


def _unclear(path: str, facts: PathFacts) -> Complaint | None:
    why = facts.why_unclear(path)
    if why is None:
        return None
    return "path-mixed" if why.code == "mixed-folder" else "storage-pointer", why.message, why.hint


def _repair(path: str, written: str, item: Declared, facts: PathFacts) -> str:
    directory = posixpath.dirname(item.entry.file)
    from_root = posixpath.normpath(written)
    if directory and (
        facts.tracked.is_file(from_root)
        or facts.tracked.is_directory(from_root)
        or facts.tracked.has_dvc_file(from_root)
    ):
        return f"Paths are relative to this file's directory: write '{_relative(from_root, directory)}'."
    if has_template(written):
        return "Templates are resolved in dvc.yaml only: write the value out, or declare the artifact there."
    near = facts.nearest(path)
    if near is not None and (only := difference(path, near)):
        right = _relative(near, directory)
        return f"Git has '{right}', which differs in {only} only: write it as Git has it, or git mv the file."
    correct = f"Did you mean '{_relative(near, directory)}'? If not," if near else "Correct the path, or"
    return f"{correct} add the file: git add {shell_path(path)} (or dvc add), or add {_virtual(item)}."


def _relative(path: str, directory: str) -> str:
    # With leading slashes relpath need not ask for the current directory.
    return posixpath.relpath(f"/{path}", f"/{directory}")


def _virtual(item: Declared) -> str:
    return "'meta: {tagline: {virtual: true}}'" if item.kind == "dvc" else "'virtual: true'"


def check_regular(item: Declared, irregular: Collection[str], facts: PathFacts) -> list[Finding]:
    """Warnings about tracked paths without content of their own; ``irregular`` are those without."""
    found = []
    for field, node in path_fields(item):
        path = repository_path(item.entry.file, node.value)
        if path is None or path not in irregular:
            continue
        if path in facts.submodules():
            what = "a submodule"
        elif facts.exists(path):
            what = "a symbolic link"
        else:  # or a link of a commit, which no work tree shows
            what = "a symbolic link, or deleted in the work tree"
        found.append(
            finding(
                item, node, "path-not-regular", f"'{field}' is {what}: {path}",
                "Point to the file or directory that holds the content.", "warning",
            )
        )  # fmt: skip
    return found
