"""Where people see what we write about. No forge is asked for it."""

from __future__ import annotations

from typing import Protocol


class Pages(Protocol):
    """The pages of one repository on a forge."""

    def commit_url(self, commit: str) -> str:
        """The page of a commit."""

    def tag_url(self, tag: str) -> str:
        """The page of a tag."""

    def file_url(self, commit: str, path: str) -> str:
        """The page of a file or folder of a commit."""

    def compare_url(self, before: str, after: str) -> str:
        """The page of what lies between two commits."""
