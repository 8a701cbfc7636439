"""A command's answer in a file that a person named."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from tagline.errors import PlatformRefused, WrongUsage


def write_answer(file: Path, text: str) -> None:
    """Replace a file as a whole, or make it and its folders; nobody sees half of it.

    A pipe or a device is written to as it is.

    Raises WrongUsage for what is no place for a file, PlatformRefused where it cannot be written.
    """
    what = _no_place(file)
    if what is not None:
        raise WrongUsage(f"{str(file)!r} is {what}.", "Name a file: --output lineage.json", code="bad-output")
    data = f"{text.rstrip(chr(10))}\n".encode(errors="backslashreplace")
    try:
        mode = _mode(file)
        if mode is not None and not stat.S_ISREG(mode):
            with file.open("wb", buffering=0) as stream:
                stream.write(data)
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".tagline-")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                os.fchmod(stream.fileno(), 0o644 if mode is None else stat.S_IMODE(mode))
            Path(temporary).replace(file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise PlatformRefused(
            f"{file} cannot be written: {error.strerror}.",
            "Name a file that you may write.",
            code="cannot-write",
        ) from error


def _no_place(file: Path) -> str | None:
    """What a path is that no file goes to. A link may lead anywhere: in a checkout it is somebody else's."""
    if ".git" in file.absolute().parts:
        return "inside a .git folder"
    if file.is_symlink():
        return "a link"
    return "a folder" if not file.name or file.is_dir() else None


def _mode(file: Path) -> int | None:
    """What is there already; None for nothing."""
    try:
        return file.stat().st_mode
    except FileNotFoundError:
        return None
