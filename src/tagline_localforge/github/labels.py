"""GitHub's routes to the labels of a repository."""

from __future__ import annotations

from tagline_localforge.github.call import REPOSITORY, Call, Handler
from tagline_localforge.records import at_least
from tagline_localforge.web import ApiError, Response, Routes

_LONGEST_NAME = 50
_LONGEST_DESCRIPTION = 100
_HEX = frozenset("0123456789abcdefABCDEF")
routes: Routes[Handler] = Routes()


@routes("GET", REPOSITORY + "/labels")
def _labels(call: Call) -> Response:
    repository = call.repository
    return call.paged(sorted(repository.label_names()), lambda name: call.shapes.label(repository, name))


@routes("POST", REPOSITORY + "/labels")
def _make_label(call: Call) -> Response:
    repository, sent = call.repository, call.body()
    if call.token is not None and call.token.kind == "fork":
        raise ApiError(403, "Resource not accessible by integration")
    if not at_least(call.forge.role(call.token, repository), "write"):
        raise ApiError(404, "Not Found")  # as of whatever a person may not write
    name, color = sent.get("name"), sent.get("color", "ededed")
    if not isinstance(name, str) or not name or len(name) > _LONGEST_NAME:
        raise _invalid("name", "is too long (maximum is 50 characters)")
    if len(color) != 6 or not _HEX.issuperset(color):
        raise _invalid("color", "is invalid")
    description = sent.get("description") or ""
    if len(description) > _LONGEST_DESCRIPTION:
        raise _invalid("description", "is too long (maximum is 100 characters)")
    # In capitals it is the same label to GitHub.
    if name.casefold() in map(str.casefold, repository.label_names()):
        raise _refused({"resource": "Label", "code": "already_exists", "field": "name"})
    repository.make_label(name, color, description)
    return Response(201, call.shapes.label(repository, name))


def _invalid(field: str, message: str) -> ApiError:
    return _refused({"resource": "Label", "field": field, "code": "custom", "message": f"{field} {message}"})


def _refused(error: dict[str, str]) -> ApiError:
    return ApiError(422, "Validation Failed", errors=[error])
