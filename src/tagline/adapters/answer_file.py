"""A command's answer in a file that a person named."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tagline.errors import PlatformRefused


def write_answer(file: Path, text: str) -> None:
    """Replace a file as a whole, or make it; nobody sees half of it. Raises PlatformRefused."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
                stream.write(f"{text.rstrip(chr(10))}\n")
                os.fchmod(stream.fileno(), 0o644)
            Path(temporary).replace(file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise PlatformRefused(
            f"{file} cannot be written: {error.strerror}.", "Name a file in a folder that exists.", code="cannot-write"
        ) from error
