"""The parameter files of a snapshot, as templates of a ``dvc.yaml`` read them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from tagline.domain.manifest.interpolation import LoadParams
from tagline.formats.params import read_params
from tagline.formats.yaml import reading as yaml
from tagline.ports.repository import Tree


def parameter_files(tree: Tree) -> LoadParams:
    """What reads them, each once."""

    @cache
    def load(path: str) -> Mapping[str, Any] | str | None:
        data = tree.read(path, yaml.MAX_BYTES)
        return None if data is None else read_params(path, data)

    return load
