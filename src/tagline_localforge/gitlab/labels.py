"""GitLab's routes to the labels of a project."""

from __future__ import annotations

import re

from tagline_localforge.gitlab.call import PROJECT, Call, route
from tagline_localforge.web import ApiError, Response

_COLOR = re.compile("#[0-9a-fA-F]{6}")


@route("GET", PROJECT + "/labels", job=404)
def _labels(call: Call) -> Response:
    repository = call.repository
    return call.paged(sorted(repository.label_names()), lambda name: call.shapes.label(repository, name))


@route("POST", PROJECT + "/labels", job=404)
def _make_label(call: Call) -> Response:
    repository, sent = call.writable("read"), call.body()  # Reporters may
    name, color = sent.get("name"), sent.get("color")
    if not isinstance(name, str) or not name or "," in name or len(name) > 255:
        raise ApiError(400, "Title is invalid")
    if not isinstance(color, str) or not _COLOR.fullmatch(color):
        raise ApiError(400, "Color must be a valid color code")
    if name in repository.label_names():
        raise ApiError(409, "Label already exists")
    repository.make_label(name, color.removeprefix("#"), sent.get("description") or "")
    return Response(201, call.shapes.label(repository, name))
