"""Where each page and file lies, from the root of the site, and how one is linked from another.

A name is one part of a path, percent-encoded: ``github.com/acme/risk`` is the folder ``github.com%2Facme%2Frisk``. So
no name leaves its folder, and no two meet. In a URL the percent sign itself is written ``%25``, which links do here.
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote

#: Bytes that a part has at most: file systems take 255, with the ending.
_LONGEST = 180


def part(name: str) -> str:
    """A name as one part of a path: no slash, no leading dot, bounded, never nothing.

    ``~`` is a mark of ours alone, so that no name is what another one becomes.
    """
    encoded = quote(name, safe="").replace("~", "%7E") or "~"
    if encoded.startswith("."):
        encoded = f"%2E{encoded[1:]}"
    if len(encoded) > _LONGEST:
        digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:16]
        encoded = f"{encoded[: _LONGEST - 20].rstrip('%')}~{digest}"
    return encoded


def folder_of(repository: str, artifact: str) -> str:
    """The folder of an artifact's pages."""
    return f"artifacts/{part(repository)}/{part(artifact)}"


def artifact_page(repository: str, artifact: str) -> str:
    """An artifact's page."""
    return f"{folder_of(repository, artifact)}/index.html"


def version_page(repository: str, artifact: str, version: str) -> str:
    """A version's page."""
    return f"{folder_of(repository, artifact)}/{part(version)}.html"


def image_file(repository: str, artifact: str, data: bytes, kind: str) -> str:
    """A picture of its card, named by its content."""
    return f"{folder_of(repository, artifact)}/images/{hashlib.sha256(data).hexdigest()[:32]}.{kind}"


def data_file(repository: str, artifact: str) -> str:
    """The script with all that is known of an artifact's versions, for comparisons."""
    return f"{folder_of(repository, artifact)}/data.js"


def api_artifact(repository: str, artifact: str) -> str:
    """The artifact for programs."""
    return f"api/v1/artifacts/{part(repository)}/{part(artifact)}.json"


def api_stage(repository: str, artifact: str, stage: str) -> str:
    """A stage of it for programs."""
    return f"api/v1/artifacts/{part(repository)}/{part(artifact)}/stages/{part(stage)}.json"


def api_badge(repository: str, artifact: str, stage: str) -> str:
    """The stage's badge, as Shields reads it."""
    return f"api/v1/artifacts/{part(repository)}/{part(artifact)}/stages/{part(stage)}.badge.json"


def url_of(file: str) -> str:
    """A file's path as a relative URL."""
    return quote(file, safe="/~")


def root_from(file: str) -> str:
    """The way from a page up to the site's root: ``../../../``, or nothing."""
    return "../" * file.count("/")
