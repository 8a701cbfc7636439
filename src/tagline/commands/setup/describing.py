"""The manifest that a repository gets, and what is to be said of the one that it has."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence

from tagline.commands.manifest.snapshots import read_outs, snapshot
from tagline.commands.manifest.validate import validate
from tagline.commands.setup.context import SetupContext
from tagline.commands.setup.drafts import manifest_text, sound
from tagline.domain.changes.policy import MAX_POLICY, POLICY_FILE
from tagline.domain.ledger.tags import is_name
from tagline.domain.manifest.gto_config import GtoConfig
from tagline.domain.manifest.manifest import MANIFEST, ManifestEntry
from tagline.domain.setup.entries import MOST_ENTRIES, Entry, Found, entries, is_model_file, renamed
from tagline.domain.setup.places import DOCS, Todo
from tagline.domain.setup.results import FileState, OldTags, SetUpFile
from tagline.errors import BadPointer
from tagline.formats.policy import other_tools
from tagline.ports.repository import Tree

#: Files that are named one by one.
_FEW = 5
#: An address, also one whose slashes were made one.
_URL_RE = re.compile(r"(?:^|.*/)[a-z][a-z0-9+.-]+:/", re.I)


def manifest_of(context: SetupContext, gto: GtoConfig, old: OldTags) -> tuple[list[SetUpFile], list[Entry], list[Todo]]:
    """The manifest, the entries of a new one, and what people describe by hand."""
    tree = context.tree
    described = dict(snapshot(tree).entries)
    seen, broken, outside = _found(tree)
    found = entries(seen, [one.path for one in described.values() if one.path], described)
    unknown = [name for name in old.artifacts if name not in described]
    apart = [name for name in unknown if ":" in name]
    todo = [
        Todo(f"{name} has tags and no manifest: describe it in {posixpath.join(name.partition(':')[0], MANIFEST)}.")
        for name in apart[:_FEW]
    ]
    if broken:
        todo.append(Todo(f"Mend what cannot be read, then run init again: {_some(broken)}."))
    if outside:
        todo.append(Todo(f"Outs outside of the repository can be no artifacts: {_some(outside)}."))
    if described or context.files.there(MANIFEST):
        left = [entry.path for entry in found]
        if left:
            todo.append(Todo(f"No manifest names {_some(left)}: add an entry for each that is to have versions."))
        here = sorted({one.file for one in described.values()}) or [MANIFEST]
        todo += _flaws(tree, here, described.values())
        return [SetUpFile(file, FileState.THERE, "the manifest") for file in here[:_FEW]], [], todo
    names = {entry.name for entry in found}
    without = [name for name in unknown if name not in names and is_name(name)]
    kept = sound(tree, found[:MOST_ENTRIES], gto.types, without)
    if left := [entry.path for entry in found if entry.path not in {one.path for one in kept}]:
        todo.append(Todo(f"Describe by hand what could not be or was too much: {_some(left)}.", f"{DOCS}/manifest.md"))
    if not kept and not without:
        said = f"Describe a model in {MANIFEST}, for Git tracks nothing that looks like one: 'NAME: {{path: FILE}}'."
        return [], [], [*todo, Todo(said, f"{DOCS}/manifest.md")]
    if odd := [f"{entry.name} ({entry.path})" for entry in kept if renamed(entry)]:
        said = f"Names have letters of ASCII, digits, '-' and '_' alone, so these are not their files': {_some(odd)}."
        todo.append(Todo(f"{said} Rename them now if you like: tags keep a name for ever.", f"{DOCS}/manifest.md"))
    text = manifest_text(kept, without)
    what = f"the manifest: {len(kept) + len(without)} artifact{'s' * (len(kept) + len(without) != 1)}"
    return [SetUpFile(MANIFEST, FileState.MISSING, what, text)], kept, todo


def _flaws(tree: Tree, here: Sequence[str], described: Iterable[ManifestEntry]) -> list[Todo]:
    """What is wrong with manifests that are there, and what they lack."""
    todo = []
    files = [file for file in here if tree.objects([file])]
    if findings := [one for one in validate(tree, files, has_registry_tags=lambda: False).findings if one.file in here]:
        first, more = findings[0], f" And {len(findings) - 1} more." if len(findings) > 1 else ""
        todo.append(Todo(f"See tagline validate: {first.file}, line {first.line}: {first.message}{more}"))
    if bare := [one.name for one in described if one.path is None and not one.virtual and one.mlflow is None]:
        todo.append(Todo(f"Give their paths, without which no change touches them: {_some(bare)}."))
    return todo


def _found(tree: Tree) -> tuple[list[Found], list[str], list[str]]:
    """What DVC tracks, and models that lie in Git itself; not what the policy leaves to other tools.

    Then the pointers that cannot be read, and those of outs outside of the repository.
    """
    shot, policy = snapshot(tree), other_tools(tree.read(POLICY_FILE, MAX_POLICY))
    outs = [out for out in shot.outs(shot.pointers) if out.cached and not out.unplaced]
    outside = list(dict.fromkeys(out.file for out in outs if not _is_inside(out.path)))
    found = {out.path: Found(out.path, out.file, out.file.endswith(".dvc")) for out in outs if _is_inside(out.path)}
    for path in tree.paths():
        if is_model_file(path):
            found.setdefault(path, Found(path, path))
    telling = {out.file for out in shot.outs(shot.pointers)}
    broken = [path for path in shot.pointers if path not in telling and not _is_readable(tree, path)]
    return [one for one in found.values() if not policy.ignores(one.source)], broken, outside


def _is_inside(path: str) -> bool:
    return not _URL_RE.match(path) and not path.startswith(("/", "../"))


def _is_readable(tree: Tree, pointer: str) -> bool:
    """Whether a pointer without outs is in order all the same."""
    try:
        read_outs(tree, [pointer], [pointer])
    except BadPointer:
        return False
    return not pointer.endswith(".dvc")


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _FEW} more" if len(paths) > _FEW else ""
    return f"{', '.join(paths[:_FEW])}{more}"
