"""Paths in the commands that hints propose: they must survive a copy into a shell."""

from __future__ import annotations

import shlex


def shell_path(path: str) -> str:
    """The path as one word of a shell, which neither Git nor DVC takes for anything but a path."""
    # "-x" would be an option, and a leading ":" is magic in Git's pathspecs.
    return shlex.quote(f"./{path}" if path.startswith(("-", ":")) else path)
