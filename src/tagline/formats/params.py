"""Parameter files that a dvc.yaml's templates read: YAML, JSON or TOML -> mapping."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from typing import Any

from tagline.formats.yaml import reading as yaml


def read_params(path: str, data: bytes) -> Mapping[str, Any] | str:
    """The file's data, or a few words that say why it cannot be read."""
    if len(data) > yaml.MAX_BYTES:
        return "it is too large."
    suffix = posixpath.splitext(path)[1].lower()
    if suffix == ".py":
        return "Python files are not read here."
    try:
        if suffix == ".json":
            parsed = json.loads(data)
        elif suffix == ".toml":
            import tomllib

            parsed = tomllib.loads(data.decode())
        else:
            return _yaml(data)
    except (ValueError, RecursionError):
        return f"it is no valid {suffix[1:].upper()}."
    return parsed if isinstance(parsed, dict) else "it holds no mapping."


def _yaml(data: bytes) -> Mapping[str, Any] | str:
    document = yaml.load(data)
    # Parameters may have keys that are no text: DVC passes them over.
    for problem in document.problems:
        if problem.severity == "error" and problem.rule not in ("yaml-key-type", "file-empty"):
            return f"line {problem.line}: {problem.message}"
    value = document.root.value if document.root else None
    if value is None:
        return {}
    return value if isinstance(value, dict) else "it holds no mapping."
