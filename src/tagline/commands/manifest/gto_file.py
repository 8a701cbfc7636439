"""``.gto`` of a snapshot: a guard, so that what cannot be understood is said and never taken for none."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.gto_config import GTO_CONFIG, GtoConfig, read_config
from tagline.domain.text.shell import shell_path
from tagline.errors import WrongUsage
from tagline.formats.yaml import reading as yaml
from tagline.ports.repository import Tree


class GtoFile(NamedTuple):
    """What it allows, what is wrong in it, and its bytes."""

    config: GtoConfig
    findings: list[Finding]
    data: bytes = b""


def read_gto(tree: Tree, exists: Callable[[str], bool] = lambda _: False) -> GtoFile:
    """``exists`` tells of a work tree whether it has a path that Git does not track; GTO reads it all the same."""
    data = tree.read(GTO_CONFIG, yaml.MAX_BYTES)
    if data is None:
        there = tree.content(GTO_CONFIG) is not None or exists(GTO_CONFIG)
        return GtoFile(GtoConfig(), [not_regular(GTO_CONFIG)] if there else [])
    return GtoFile(*read_config(yaml.load(data)), data)


def understood_gto(tree: Tree, exists: Callable[[str], bool] = lambda _: False) -> GtoConfig:
    """What it allows; ``exists`` as of :func:`read_gto`. Raises WrongUsage for one that cannot be understood."""
    gto = read_gto(tree, exists)
    if gto.findings:
        first = gto.findings[0]
        raise WrongUsage(f"{GTO_CONFIG}, line {first.line}: {first.message}", first.hint, code="gto-config")
    return gto.config


def not_regular(file: str) -> Finding:
    """The finding for a file of ours that has no content of its own."""
    return Finding(
        file, 1, 1, None, "file-not-regular", "error", f"{file} is a symbolic link, a folder, a submodule or deleted.",
        f"Replace it by a regular file; a deleted one comes back with: git restore {shell_path(file)}",
    )  # fmt: skip
