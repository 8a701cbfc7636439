"""GitHub's routes to pull requests and to what it calls their issues."""

from __future__ import annotations

from typing import Any

from tagline_localforge.github.call import REPOSITORY, Call, Handler, invalid
from tagline_localforge.github.shapes import Json
from tagline_localforge.records import Change, Comment, at_least
from tagline_localforge.repository import Repository
from tagline_localforge.web import ApiError, Response, Routes

_LONGEST_COMMENT = 65_536
_LONGEST_LABEL = 50
routes: Routes[Handler] = Routes()


@routes("GET", REPOSITORY + "/pulls")
def _pulls(call: Call) -> Response:
    query, repository = call.request.query, call.repository
    listed = [change for change in repository.changes() if _listed(repository, change, query)]
    found = repository.without_late(listed, repository.switches.late_list)
    moment = (lambda c: c.updated) if query.get("sort") == "updated" else (lambda c: c.created)
    # Like GitHub: the newest first, unless sorted by something else than creation.
    default = "desc" if query.get("sort", "created") == "created" else "asc"
    found.sort(key=moment, reverse=query.get("direction", default) == "desc")
    return call.paged(found, call.changes.simple_pull)


def _listed(repository: Repository, change: Change, query: dict[str, str]) -> bool:
    state = "open" if change.state == "open" else "closed"
    owner = (change.fork or repository.full_name).rpartition("/")[0]
    return (
        query.get("state", "open") in (state, "all")
        and query.get("base", change.target) == change.target
        # GitHub ignores a head without owner.
        and (":" not in query.get("head", "") or query["head"] == f"{owner}:{change.source}")
    )


@routes("POST", REPOSITORY + "/pulls")
def _open_pull(call: Call) -> Response:
    repository, sent = call.writable("read"), call.body()
    source = str(sent.get("head", "")).rpartition(":")[2]
    there = [(one.source, one.target) for one in repository.changes() if one.state == "open" and one.fork is None]
    if (source, sent.get("base")) in there:
        owner = repository.full_name.partition("/")[0]
        raise ApiError(422, f"A pull request already exists for {owner}:{source}.")
    change = repository.open_change(
        author=call.login,
        source=source,
        target=sent.get("base"),
        title=sent.get("title", ""),
        body=sent.get("body") or "",
        draft=bool(sent.get("draft")),
    )
    return Response(201, call.changes.pull(change))


@routes("GET", REPOSITORY + "/pulls/{number:int}")
def _pull(call: Call) -> Response:
    return Response(json=call.changes.pull(call.change))


@routes("PATCH", REPOSITORY + "/pulls/{number:int}")
def _edit_pull(call: Call) -> Response:
    change, sent = call.change, call.body()
    repository = call.writable(own=change.author)
    repository.edit(
        change.number, by=call.login, title=sent.get("title"), body=sent.get("body"), target=sent.get("base")
    )
    if sent.get("state") == "closed" and change.state == "open":
        repository.close(change.number, by=call.login)
    if sent.get("state") == "open" and change.state == "closed":
        repository.reopen(change.number, by=call.login)
    return Response(json=call.changes.pull(call.change))


@routes("GET", REPOSITORY + "/pulls/{number:int}/commits")
def _pull_commits(call: Call) -> Response:
    repository = call.repository
    return call.paged(repository.commits_of(call.change), lambda commit: call.shapes.commit(repository, commit))


@routes("GET", REPOSITORY + "/pulls/{number:int}/files")
def _pull_files(call: Call) -> Response:
    repository, change = call.repository, call.change
    return call.paged(repository.files_of(change), lambda file: call.shapes.file(repository, change.head, file))


@routes("GET", REPOSITORY + "/pulls/{number:int}/reviews")
def _reviews(call: Call) -> Response:
    change, shapes = call.change, call.changes
    return call.paged(change.reviews, lambda review: shapes.review(change, review))


# What GitHub calls an issue


@routes("GET", REPOSITORY + "/issues")
def _issues(call: Call) -> Response:
    """The pull requests: there are no other issues here. The newest first."""
    query, repository = call.request.query, call.repository
    listed = [
        change
        for change in repository.changes()
        if query.get("state", "open") in ("open" if change.state == "open" else "closed", "all")
        and query.get("creator", change.author) == change.author
    ]
    listed.sort(key=lambda change: change.created, reverse=True)
    return call.paged(listed, call.changes.issue)


@routes("GET", REPOSITORY + "/issues/{number:int}")
def _issue(call: Call) -> Response:
    return Response(json=call.changes.issue(call.change))


@routes("GET", REPOSITORY + "/issues/{number:int}/events")
def _events(call: Call) -> Response:
    return call.paged(call.changes.events(call.change), _as_it_is)


@routes("GET", REPOSITORY + "/issues/{number:int}/timeline")
def _timeline(call: Call) -> Response:
    return call.paged(call.changes.timeline(call.change), _as_it_is)


def _as_it_is(shape: Json) -> Json:
    return shape


@routes("GET", REPOSITORY + "/issues/{number:int}/comments")
def _comments(call: Call) -> Response:
    change, shapes = call.change, call.changes
    return call.paged(change.comments, lambda comment: shapes.comment(change, comment))


@routes("POST", REPOSITORY + "/issues/{number:int}/comments")
def _add_comment(call: Call) -> Response:
    change, repository = call.change, call.writable("read")
    if change.locked and (call.is_app or not at_least(repository.role_of(call.login), "write")):
        raise ApiError(403, "Unable to create comment because issue is locked.")
    comment = repository.comment(change.number, by=call.login, body=_comment_body(call))
    return Response(201, call.changes.comment(change, comment))


def _comment_body(call: Call) -> str:
    body: Any = call.body().get("body")
    if not isinstance(body, str) or not body:
        raise invalid("body can't be blank", field="body", resource="IssueComment")
    if len(body) > _LONGEST_COMMENT:
        raise invalid("body is too long (maximum is 65536 characters)", field="body", resource="IssueComment")
    return body


@routes("GET", REPOSITORY + "/issues/comments/{id:int}")
def _comment(call: Call) -> Response:
    return Response(json=call.changes.comment(*_found_comment(call)))


@routes("PATCH", REPOSITORY + "/issues/comments/{id:int}")
def _edit_comment(call: Call) -> Response:
    change, comment = _found_comment(call)
    repository = call.writable(own=comment.login)
    if repository.comment_vanishes(comment.id):
        raise ApiError(404, "Not Found")
    repository.edit_comment(comment.id, _comment_body(call))
    return Response(json=call.changes.comment(change, comment))


@routes("DELETE", REPOSITORY + "/issues/comments/{id:int}")
def _delete_comment(call: Call) -> Response:
    _, comment = _found_comment(call)
    call.writable(own=comment.login).delete_comment(comment.id)
    return Response(204)


def _found_comment(call: Call) -> tuple[Change, Comment]:
    return call.repository.find_comment(int(call.parameters["id"]))


@routes("GET", REPOSITORY + "/issues/{number:int}/labels")
def _labels(call: Call) -> Response:
    return call.paged(call.changes.labels(call.change), _as_it_is)


@routes("POST", REPOSITORY + "/issues/{number:int}/labels")
def _add_labels(call: Call) -> Response:
    change, repository = call.change, call.writable("triage")
    for name in _label_names(call):
        repository.label(change.number, name, by=call.login)
    return Response(json=call.changes.labels(change))


@routes("PUT", REPOSITORY + "/issues/{number:int}/labels")
def _set_labels(call: Call) -> Response:
    change, repository = call.change, call.writable("triage")
    wanted = _label_names(call)
    for name in [name for name in change.labels if name not in wanted]:
        repository.unlabel(change.number, name, by=call.login)
    for name in wanted:
        repository.label(change.number, name, by=call.login)
    return Response(json=call.changes.labels(change))


def _label_names(call: Call) -> list[str]:
    """The names sent, as a list or under ``labels``."""
    sent = call.request.json
    names = sent.get("labels", []) if isinstance(sent, dict) else sent
    found = [name["name"] if isinstance(name, dict) else name for name in names or []]
    if any(not isinstance(name, str) or len(name) > _LONGEST_LABEL for name in found):
        raise invalid("name is too long (maximum is 50 characters)", field="name", resource="Label")
    return found


@routes("DELETE", REPOSITORY + "/issues/{number:int}/labels/{name:path}")
def _remove_label(call: Call) -> Response:
    change, name = call.change, call.parameters["name"]
    if name not in change.labels:
        raise ApiError(404, "Label does not exist")
    call.writable("triage").unlabel(change.number, name, by=call.login)
    return Response(json=call.changes.labels(change))
