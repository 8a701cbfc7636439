"""What people write for a target by another tool's habits, or by a slip, and the target that they mean."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from tagline.domain.ledger.tags import TagName, is_artifact, is_name, parse_tag
from tagline.domain.ledger.versions import is_version
from tagline.domain.text.similar import did_you_mean

_VERSION_RE = re.compile(r"[vV]?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?([-+][0-9A-Za-z.+-]+)?")
_MLFLOW_RE = re.compile(r"models:/+([^/@#]+)(?:[/@]([^/]+))?")
_BOTH_RE = re.compile(r"([^@#]+)@([^@#]+)#([^@#]+)|([^@#]+)#([^@#]+)@([^@#]+)")
_PARTS_RE = re.compile(r"([^@#=\s]+)\s*(?:@|#|:|==?|\s)\s*([^@#=\s]+)")
_FILE_RE = re.compile(r"(?:(.*)/)?(?:dvc|artifacts)\.ya?ml:([^:]+)")

_LATEST = ("latest", "greatest")


class Meant(NamedTuple):
    """Why a text is no target, and what to write instead."""

    cause: str
    fix: str


def meant(text: str) -> Meant | None:
    """What a text that is no target is meant to be; None where nobody can tell."""
    bare = text.strip().removeprefix("refs/tags/")
    return _of_mlflow(bare) or _a_tag(bare) or _version_and_stage(bare) or _of_parts(bare)


def as_version(text: str) -> str | None:
    """The version that a text is short for: ``1.0.0``, ``V1.0.0`` and ``v1`` are ``v1.0.0``."""
    match = _VERSION_RE.fullmatch(text)
    if match is None:
        return None
    major, minor, patch, rest = match.groups()
    version = f"v{major}.{minor or 0}.{patch or 0}{rest or ''}"
    return version if is_version(version) else None


def _target(name: str, what: str) -> str | None:
    """A name with what follows it, a version or a stage."""
    if not is_artifact(name):
        return None
    if what in _LATEST:
        return f"{name}@latest"
    if version := as_version(what):
        return f"{name}@{version}"
    return f"{name}#{what}" if is_name(what) else None


def _of_mlflow(text: str) -> Meant | None:
    match = _MLFLOW_RE.fullmatch(text)
    if match is None or not is_artifact(match[1]):
        return None
    name, what = match.groups()
    target = name if what is None else _target(name, what)
    return Meant("that is how MLflow names a model", f"Did you mean {target}?") if target else None


def _a_tag(text: str) -> Meant | None:
    tag = parse_tag(text)
    if tag is None or (tag.counter is None and not text.endswith(("!", "@deprecated"))):
        return None
    fix = f"Did you mean {_target_of(tag)}? What that tag did: tagline check-ref '{text}'."
    return Meant("that is the name of a tag", fix)


def _target_of(tag: TagName) -> str:
    if tag.stage is not None:
        return f"{tag.artifact}#{tag.stage}"
    return tag.artifact if tag.version is None else f"{tag.artifact}@{tag.version}"


def _version_and_stage(text: str) -> Meant | None:
    match = _BOTH_RE.fullmatch(text)
    if match is None:
        return None
    name, version, stage = match.group(1, 2, 3) if match[1] else match.group(4, 6, 5)
    number = as_version(version)
    if number is None or not is_artifact(name) or not is_name(stage):
        return None
    return Meant(
        "a target names a version or a stage, not both",
        f"Did you mean {name}#{stage}, or {name}@{number}? To give that version the stage: "
        f"tagline assign {name}#{stage} --version {number}.",
    )


def _of_parts(text: str) -> Meant | None:
    match = _PARTS_RE.fullmatch(text)
    if match is None:
        return Meant("there are spaces around it", f"Did you mean {text}?") if is_artifact(text) else None
    target = _target(*match.groups())
    if target is None:
        return None
    version = "@" in target and "@latest" not in target
    cause = "versions are written v1.2.3, after '@'" if version else "a stage comes after '#', a version after '@'"
    return Meant(cause, f"Did you mean {target}?")


def likely(name: str, tags: Iterable[TagName]) -> str | None:
    """The target that an artifact's name is meant to be, which no tag has; ``tags`` are the registry's."""
    known = {tag.artifact for tag in tags}
    return habit(name, known) or did_you_mean(name, known)


def habit(name: str, known: Collection[str]) -> str | None:
    """The target that a name is by another tool's habit; ``known`` are the artifacts."""
    if name in known:
        return None
    if (bare := name.removeprefix("refs/tags/")) in known:
        return bare
    if match := _FILE_RE.fullmatch(name):
        folder, inner = match.groups()
        return f"{folder}:{inner}" if folder else inner
    before, _, what = name.rpartition(":")
    return _target(before, what) if before in known else None
