"""``site``: pages, data for scripts and documents for programs, from one state of an index."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from tagline.domain.site import api, places
from tagline.domain.site.gathering import Artifact, Site, gather
from tagline.domain.site.images import images_of
from tagline.domain.site.places import root_from
from tagline.domain.site.results import Built
from tagline.domain.site.scripts import Scripts, data_script, scripts
from tagline.ports.site import IndexRows, Made, Pages, SiteFolder

#: Pages that lead to all others: replaced when those are there.
_LAST = ("repositories.html", "compare.html", "log.html", "board.html", "api/v1/index.json", "index.html")


def build(index: IndexRows, pages: Pages, folder: SiteFolder, audience: str, base: str) -> Built:
    """Make the site, or what changed of it. Raises WrongUsage for rows that the audience must not see."""
    site = gather(index.rows(), index.generated_at, audience)
    before = folder.before()
    source = hashlib.sha256("\0".join([pages.source(), base]).encode()).hexdigest()
    artifacts: dict[str, tuple[str, dict[str, int]]] = {}
    kept = 0
    for one in site.artifacts:
        key = "\n".join(one.key)
        mark, files = before.artifacts.get(key, ("", {}))
        if source == before.source and mark == one.fingerprint and folder.there(files):
            artifacts[key] = mark, dict(files)
            kept += 1
        else:
            artifacts[key] = one.fingerprint, _put(folder, _of_artifact(one, pages, base))
    others = _put(folder, _of_site(site, data := scripts(site), pages, base))
    for script in data.all:
        size = before.others.get(script.file)
        if size is not None and folder.there({script.file: size}):
            others[script.file] = size
        else:
            others |= _put(folder, iter([(script.file, script.text())]))
    made = Made(source, artifacts, others)
    done = folder.finish(made, _LAST)
    versions = sum(len(one.versions) for one in site.artifacts)
    return Built(folder.name, len(site.repositories), len(site.artifacts), versions, kept, len(made.files), *done)


def _put(folder: SiteFolder, files: Iterator[tuple[str, str | bytes]]) -> dict[str, int]:
    sizes = {}
    for file, content in files:
        data = content if isinstance(content, bytes) else content.encode(errors="replace")
        folder.put(file, data)
        sizes[file] = len(data)
    return sizes


def _of_artifact(one: Artifact, pages: Pages, base: str) -> Iterator[tuple[str, str | bytes]]:
    yield places.artifact_page(*one.key), pages.artifact(one)
    for image in images_of(one).values():
        yield image.file, image.data
    yield places.data_file(*one.key), data_script(one)
    for row in one.versions:
        yield places.version_page(*one.key, row.version), pages.version(one, row)
    file = places.api_artifact(*one.key)
    yield file, _json(api.artifact(one, base or root_from(file)))
    for held in one.stages:
        file = places.api_stage(*one.key, held.stage)
        yield file, _json(api.stage(one, held))
        yield places.api_badge(*one.key, held.stage), _json(api.badge(one, held))


def _of_site(site: Site, data: Scripts, pages: Pages, base: str) -> Iterator[tuple[str, str | bytes]]:
    yield from pages.assets().items()
    yield "repositories.html", pages.repositories(site)
    yield "compare.html", pages.compare(data)
    yield "log.html", pages.log(data)
    yield "board.html", pages.board(data)
    yield "api/v1/index.json", _json(api.index(site, base or root_from("api/v1/index.json")))
    yield "index.html", pages.index(site, data)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
