"""Workflow commands that GitHub's runner shows as annotations.

Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from typing import Literal

from tagline.errors import TaglineError
from tagline.render.escape import command_data, command_property

#: GitHub keeps 4,096 characters of an annotation.
_LONGEST = 3500


def annotation(kind: Literal["error", "warning"], message: str, **properties: str) -> str:
    """One command: the message, with properties such as ``file`` and ``line``."""
    named = ",".join(f"{name}={command_property(value)}" for name, value in properties.items())
    if len(message) > _LONGEST:
        message = message[:_LONGEST] + "…"
    return f"::{kind} {named}::{command_data(message)}"


def failure(error: TaglineError) -> str:
    """Cause, then fix."""
    message = f"{error.message}\nFix: {error.hint}" if error.hint else error.message
    return annotation("error", message, title=f"tagline: {error.code}")
