"""What a site remembers of itself, in a file beside its pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from tagline.errors import WrongUsage
from tagline.ports.site import Made

#: What a site was made from. Hidden, so that no link leads there.
STATE = ".tagline-site.json"


class Begun(NamedTuple):
    """A run that replaces pages: a name of its own, and when it last said that it lives (unix seconds)."""

    run: str
    at: float


#: What stands at the root of a site: somebody else's is in the way.
_OURS = (
    "index.html",
    "board.html",
    "log.html",
    "compare.html",
    "repositories.html",
    "api",
    "artifacts",
    "assets",
    "data",
)


def encode(made: Made, begun: Begun | None = None) -> bytes:
    """The file; while a run replaces the pages, with when that began."""
    under_way = {} if begun is None else {"begun": begun._asdict()}
    return json.dumps({"format": 1, **made._asdict(), **under_way}, separators=(",", ":")).encode()


def decode_begun(data: bytes) -> Begun | None:
    """The run that is under way, as the file says."""
    try:
        found = json.loads(data)["begun"]
        return Begun(str(found["run"]), float(found["at"]))
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


def decode(data: bytes) -> Made:
    """What the file says; of one that cannot be read, nothing. A path that leads out of the folder is none of ours."""
    try:
        found = json.loads(data)
        artifacts = {key: (str(mark), _files(files)) for key, (mark, files) in found["artifacts"].items()}
        return Made(str(found["source"]), artifacts, _files(found["others"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Made()


def require_free(name: str, is_there: Callable[[str], bool]) -> None:
    """Raises WrongUsage for a place without that file and with somebody else's pages."""
    there = [one for one in _OURS if is_there(one)]
    if there:
        raise WrongUsage(
            f"{name} has {there[0]}, which tagline site did not write.", "Name an empty folder with -o."
        ) from None


def _files(found: Mapping[str, Any]) -> dict[str, int]:
    return {file: int(size) for file, size in found.items() if _inside(file)}


def _inside(file: str) -> bool:
    return not file.startswith("/") and ".." not in PurePosixPath(file).parts
