"""The pipelines that the documents show and that ship with Tagline: one source for both."""

from __future__ import annotations

from pathlib import Path


def example(name: str) -> str:
    """A file of docs/examples, such as ``github/review.yml``."""
    return (Path(__file__).parents[1] / "examples" / name).read_text()
