"""Targets: how a person names what they ask about (``churn``, ``churn@v1.2.0``, ``churn#prod``)."""

from __future__ import annotations

from typing import NamedTuple

from tagline.domain.ledger.tags import is_artifact, is_name
from tagline.domain.ledger.versions import is_version
from tagline.errors import WrongUsage

LATEST = "latest"
_LATEST_WORDS = ("latest", "greatest")

_FORMS = "Write NAME, NAME@v1.2.3, NAME@latest or NAME#stage (in a directory: dir/sub:NAME)."


class Target(NamedTuple):
    """What is asked: an artifact, and at most one of a version (or ``latest``) and a stage."""

    artifact: str
    version: str | None = None
    stage: str | None = None

    def __str__(self) -> str:
        if self.stage is not None:
            return f"{self.artifact}#{self.stage}"
        return self.artifact if self.version is None else f"{self.artifact}@{self.version}"


def parse_target(text: str) -> Target:
    """Read a target.

    Raises :class:`WrongUsage` when it is none of the four forms.
    """
    artifact, hash_sign, stage = text.partition("#")
    if hash_sign:
        if not is_name(stage):
            raise _no_target(text, f"{stage!r} cannot name a stage")
        return Target(_checked_artifact(artifact, text), stage=stage)
    artifact, at_sign, version = text.partition("@")
    if not at_sign:
        return Target(_checked_artifact(artifact, text))
    if version in _LATEST_WORDS:
        return Target(_checked_artifact(artifact, text), version=LATEST)
    if not is_version(version):
        raise _no_target(text, f"{version!r} is no version")
    return Target(_checked_artifact(artifact, text), version=version)


def _checked_artifact(name: str, text: str) -> str:
    if is_artifact(name):
        return name
    as_written = name.replace("=", ":")
    if is_artifact(as_written):
        raise WrongUsage(f"{text!r} is no target.", f"Outside tags a directory is written with ':': {as_written}")
    raise _no_target(text, f"{name!r} cannot name an artifact")


def _no_target(text: str, cause: str) -> WrongUsage:
    """The error for a text that is none of the forms, with what it is probably meant to be."""
    from tagline.domain.ledger.misread import meant  # here, because a right target needs none of it

    found = meant(text)
    if found is None:
        return WrongUsage(f"{text!r} is no target: {cause}.", _FORMS)
    return WrongUsage(f"{text!r} is no target: {found.cause}.", f"{found.fix} {_FORMS}")
