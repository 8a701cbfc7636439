"""Files that look like models or data, as entries of a new manifest: which, of what type, called what."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from tagline.domain.ledger.tags import is_name

#: A longer manifest is for a person to divide.
MOST_ENTRIES = 200
_MODEL_ENDS = frozenset((
    "bin", "bst", "cbm", "ckpt", "gguf", "h5", "hdf5", "joblib", "keras", "mar", "mlmodel", "model", "onnx", "pb",
    "pickle", "pkl", "pt", "pth", "rds", "safetensors", "tflite", "ubj",
))  # fmt: skip
#: Those that other files have too.
_VAGUE_ENDS = frozenset(("bin", "h5", "hdf5", "model", "pb", "rds"))
_DATA_ENDS = frozenset((
    "arrow", "avro", "csv", "feather", "jsonl", "npy", "npz", "orc", "parquet", "tfrecord", "tsv", "xlsx",
))  # fmt: skip
_PACKED_ENDS = frozenset(("bz2", "gz", "tar", "tgz", "xz", "zip", "zst"))
_MODEL_FOLDERS = frozenset(("checkpoint", "checkpoints", "model", "models", "weights"))
_DATA_FOLDERS = frozenset(("data", "dataset", "datasets"))
#: Folders whose models are nobody's product.
_ASIDE = frozenset(("example", "examples", "fixture", "fixtures", "test", "testdata", "tests", "vendor"))
#: What says nothing of a file: its folder is called by what it is.
_GENERAL = frozenset(("best", "checkpoint", "data", "dataset", "final", "latest", "model", "weights"))
#: What names of tags have not. A dot or a blank becomes "-" as everybody expects.
_FOREIGN_RE = re.compile(r"[^A-Za-z0-9_.\s-]")
_ENDING_RE = re.compile(r"\.([A-Za-z][A-Za-z0-9]{0,11})$")


class Found(NamedTuple):
    """A file or folder, and the file that says so: a pointer, or itself. ``tracked``: by a ``.dvc`` file of its own."""

    path: str
    source: str
    tracked: bool = False


class Entry(NamedTuple):
    """An entry of a new manifest; ``type`` is ``model`` or ``dataset``."""

    name: str
    path: str
    type: str
    source: str


def looks(path: str) -> str | None:
    """``model`` or ``dataset``, by the name of a path; None for anything else."""
    parts = [part.casefold() for part in path.split("/")]
    ends = _ends(parts[-1])
    if not _MODEL_ENDS.isdisjoint(ends):
        return "model"
    if not _DATA_ENDS.isdisjoint(ends):
        return "dataset"
    if not _MODEL_FOLDERS.isdisjoint(parts):
        return "model"
    return "dataset" if not _DATA_FOLDERS.isdisjoint(parts) else None


def is_model_file(path: str) -> bool:
    """Whether a file that lies in Git itself looks like a model of this project's."""
    parts = [part.casefold() for part in path.split("/")]
    ends = _MODEL_ENDS if not _MODEL_FOLDERS.isdisjoint(parts[:-1]) else _MODEL_ENDS - _VAGUE_ENDS
    return not ends.isdisjoint(_ends(parts[-1])) and _ASIDE.isdisjoint(parts[:-1])


def _ends(name: str) -> set[str]:
    """What a name ends in; of what is packed also what was packed."""
    found: set[str] = set()
    while found <= _PACKED_ENDS and (match := _ENDING_RE.search(name)):
        found.add(match[1].casefold())
        name = name[: match.start()]
    return found


def entries(found: Iterable[Found], declared: Collection[str], taken: Collection[str]) -> list[Entry]:
    """An entry for each that looks like one and is not ``declared`` yet, by path; names in ``taken`` are others'."""
    made: list[Entry] = []
    names = {name.casefold() for name in taken}
    paths = set(declared)
    for one in sorted(found, key=lambda one: (looks(one.path) != "model", one.path)):
        kind = looks(one.path) or ("dataset" if one.tracked else None)
        if kind is None or one.path in paths:
            continue
        paths.add(one.path)
        name = _free(one.path, names)
        names.add(name.casefold())
        made.append(Entry(name, one.path, kind, one.source))
    return made


def _free(path: str, taken: Collection[str]) -> str:
    """A name for a path that nobody has: its own, with its folder's, or with a number."""
    *folders, last = path.split("/")
    own, folder = _stem(last), _stem(folders[-1]) if folders else ""
    names = [own]
    if own.casefold() in _GENERAL and folder:
        names = [folder] if folder.casefold() not in _MODEL_FOLDERS | _DATA_FOLDERS else [own]
    if folder:
        names.append(f"{folder}-{own}")
    usable = [name for name in names if name.casefold() not in taken]
    if usable:
        return usable[0]
    number = next(number for number in range(2, len(taken) + 3) if f"{names[-1]}-{number}".casefold() not in taken)
    return f"{names[-1]}-{number}"


def renamed(entry: Entry) -> bool:
    """Whether a name is not what its file, or its file's folder, is called, since tags do not take that."""
    *folders, last = entry.path.split("/")
    parts = [part for part in (_bare(last), _bare(folders[-1]) if folders else "") if part]
    used = [part for part in parts if _stem(part) in entry.name]
    return any(_FOREIGN_RE.search(part) for part in used)


def _bare(name: str) -> str:
    """A file's name without the endings that say what it is."""
    while (match := _ENDING_RE.search(name)) and match[1].casefold() in _MODEL_ENDS | _DATA_ENDS | _PACKED_ENDS:
        name = name[: match.start()]
    return name


def _stem(name: str) -> str:
    """What is left of a file's name that can be an artifact's; ``artifact`` where nothing is."""
    name = _bare(name)
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-_")[:100].strip("-_")
    # GTO reads a key artifacts as the section of that name.
    return plain if is_name(plain) and plain.casefold() != "artifacts" else f"artifact-{plain}".strip("-")


def below(path: str, folders: Collection[str]) -> bool:
    """Whether a path lies in one of some folders, or is one."""
    while path:
        if path in folders:
            return True
        path = posixpath.dirname(path)
    return False
