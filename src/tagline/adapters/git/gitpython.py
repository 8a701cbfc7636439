"""GitPython, imported so that it runs no git of its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def _variables(**told: str) -> Iterator[None]:
    """Our own environment with these variables, for a while."""
    before = dict(os.environ)
    os.environ.update(told)
    try:
        yield
    finally:
        for name in told:
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]


# At import it runs git twice for its version, which nobody asks it for here, and without a git it ends with a
# traceback. Told to be quiet and of a program that cannot be started, it does neither; each command of ours names git.
# Source: https://gitpython.readthedocs.io/en/stable/reference.html, git.Git.refresh.
with _variables(GIT_PYTHON_REFRESH="quiet", GIT_PYTHON_GIT_EXECUTABLE=os.devnull):
    import git
    from git.exc import GitCommandError, GitCommandNotFound, InvalidGitRepositoryError, NoSuchPathError

__all__ = ["GitCommandError", "GitCommandNotFound", "InvalidGitRepositoryError", "NoSuchPathError", "git"]
