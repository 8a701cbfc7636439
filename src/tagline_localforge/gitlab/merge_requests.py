"""GitLab's routes to merge requests and their notes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tagline_localforge.gitlab.call import PROJECT, Call, route
from tagline_localforge.gitlab.shapes import Json
from tagline_localforge.records import Change, Comment, at_least
from tagline_localforge.web import ApiError, Response

_LONGEST_NOTE = 1_000_000
_CHANGE = PROJECT + "/merge_requests/{iid:int}"


@route("GET", PROJECT + "/merge_requests")
def _changes(call: Call) -> Response:
    repository, query = call.repository, call.request.query
    listed = [change for change in repository.changes() if _listed(call, change, query)]
    found = repository.without_late(listed, repository.switches.late_list)
    by_update = query.get("order_by") == "updated_at"
    found.sort(key=lambda c: c.updated if by_update else c.created, reverse=query.get("sort", "desc") == "desc")
    return call.paged(found, call.changes.listed)


def _listed(call: Call, change: Change, query: dict[str, str]) -> bool:
    return (
        query.get("state", "all") in (call.changes.state(change), "all")
        and query.get("target_branch", change.target) == change.target
        and query.get("source_branch", change.source) == change.source
        and query.get("author_username", change.author) == change.author
        and change.updated >= _seconds(query.get("updated_after"), 0.0)
        and change.updated <= _seconds(query.get("updated_before"), float("inf"))
    )


def _seconds(text: str | None, default: float) -> float:
    if text is None:
        return default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError(400, "updated_after is invalid") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@route("GET", _CHANGE)
def _change(call: Call) -> Response:
    return Response(json=call.merge_request(call.change))


@route("PUT", _CHANGE, job=401)
def _edit_change(call: Call) -> Response:
    change, sent = call.change, call.body()
    repository = call.writable(own=change.author)
    for name in _removed_labels(change, sent):
        repository.unlabel(change.number, name, by=call.login)
    for name in [*_names(sent.get("labels")), *_names(sent.get("add_labels"))]:
        repository.label(change.number, name, by=call.login)
    if {"title", "description", "target_branch"} & set(sent):
        title, body = sent.get("title"), sent.get("description")
        # Of a merged one GitLab leaves the target out, and says nothing of it.
        target = sent.get("target_branch") if change.state != "merged" else None
        repository.edit(change.number, by=call.login, title=title, body=body, target=target)
    if sent.get("state_event") == "close":
        repository.close(change.number, by=call.login)
    if sent.get("state_event") == "reopen":
        repository.reopen(change.number, by=call.login)
    return Response(json=call.merge_request(call.change))


def _removed_labels(change: Change, sent: Json) -> list[str]:
    """What ``remove_labels`` names, and what ``labels`` (the whole set) leaves out."""
    gone = set(_names(sent.get("remove_labels")))
    if "labels" in sent:
        gone |= set(change.labels) - set(_names(sent["labels"]))
    return [name for name in change.labels if name in gone]


def _names(sent: Any) -> list[str]:
    """Labels come as a list or with commas between."""
    parts = sent if isinstance(sent, list) else str(sent or "").split(",")
    return [name.strip() for name in parts if name.strip()]


@route("GET", _CHANGE + "/commits", job=404)
def _change_commits(call: Call) -> Response:
    repository = call.repository
    newest_first = list(reversed(repository.commits_of(call.change)))
    return call.paged(newest_first, lambda commit: call.shapes.commit(repository, commit))


@route("GET", _CHANGE + "/diffs", job=404)
def _change_files(call: Call) -> Response:
    return call.paged(call.repository.files_of(call.change), call.shapes.file)


@route("GET", _CHANGE + "/versions", job=404)
def _versions(call: Call) -> Response:
    change = call.change
    return call.paged(list(reversed(change.versions)), lambda version: call.changes.version(change, version))


@route("GET", _CHANGE + "/approvals", job=404)
def _approvals(call: Call) -> Response:
    by = call.token.login if call.token else None
    may_approve = at_least(call.role(call.repository), "write")
    return Response(json=call.changes.approvals(call.change, by=by, may_approve=may_approve))


@route("GET", _CHANGE + "/resource_label_events", job=404)
def _label_events(call: Call) -> Response:
    change = call.change
    events = [event for event in change.events if event.kind in ("labeled", "unlabeled")]
    return call.paged(events, lambda event: call.changes.label_event(change, event))


@route("GET", _CHANGE + "/resource_state_events", job=404)
def _state_events(call: Call) -> Response:
    change = call.change
    # GitHub's double word for a merge is one here.
    states = ("merged",) if change.state == "merged" else ("closed", "reopened")
    events = [event for event in change.events if event.kind in states]
    return call.paged(events, lambda event: call.changes.state_event(change, event))


# Notes


@route("GET", _CHANGE + "/notes")
def _notes(call: Call) -> Response:
    query = call.request.query
    moment = "updated_at" if query.get("order_by") == "updated_at" else "created_at"
    newest_first = query.get("sort", "desc") == "desc"
    notes = sorted(call.changes.notes(call.change), key=lambda note: str(note[moment]), reverse=newest_first)
    return call.paged(notes, lambda note: note)


@route("POST", _CHANGE + "/notes", job=401)
def _add_note(call: Call) -> Response:
    change, repository = call.change, call.writable("read")
    _must_be_open_to(call, change)
    note = repository.comment(change.number, by=call.login, body=_note_body(call))
    return Response(201, call.changes.note(change, note))


@route("GET", _CHANGE + "/notes/{note:int}")
def _note(call: Call) -> Response:
    return Response(json=call.changes.note(*_found_note(call)))


@route("PUT", _CHANGE + "/notes/{note:int}", job=401)
def _edit_note(call: Call) -> Response:
    change, note = _found_note(call)
    repository = call.writable("maintain", own=note.login)
    _must_be_open_to(call, change)
    if repository.comment_vanishes(note.id):
        raise ApiError(404, "404 Not found")
    repository.edit_comment(note.id, _note_body(call))
    return Response(json=call.changes.note(change, note))


@route("DELETE", _CHANGE + "/notes/{note:int}", job=401)
def _delete_note(call: Call) -> Response:
    _, note = _found_note(call)
    call.writable("maintain", own=note.login).delete_comment(note.id)
    return Response(204)


def _must_be_open_to(call: Call, change: Change) -> None:
    """In a locked discussion only members speak."""
    if change.locked and call.repository.roles.get(call.login, "none") == "none":
        raise ApiError(403, "403 Forbidden")


def _found_note(call: Call) -> tuple[Change, Comment]:
    change, note = call.repository.find_comment(int(call.parameters["note"]))
    if change.number != int(call.parameters["iid"]):
        raise ApiError(404, "404 Note Not Found")
    return change, note


def _note_body(call: Call) -> str:
    body = call.body().get("body")
    if not isinstance(body, str) or not body or len(body) > _LONGEST_NOTE:
        raise ApiError(400, "body is missing or too long")
    return body
