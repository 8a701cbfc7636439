"""GitHub's routes that write branches and files."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from tagline_localforge.github.call import REPOSITORY, Call, Handler
from tagline_localforge.github.shapes import Json, node_id
from tagline_localforge.web import ApiError, Response, Routes

routes: Routes[Handler] = Routes()


@routes("POST", REPOSITORY + "/git/refs")
def _make_ref(call: Call) -> Response:
    """Of branches; nobody makes a tag by it here."""
    repository, sent = call.writable(), call.body()
    ref, sha = str(sent.get("ref", "")), str(sent.get("sha", ""))
    if not ref.startswith("refs/heads/") or repository.git.revision(sha) != sha:
        raise ApiError(422, "Object does not exist" if ref.startswith("refs/heads/") else "Reference name is invalid")
    if ref.removeprefix("refs/heads/") in repository.git.branches():
        raise ApiError(422, "Reference already exists")
    repository.make_branch(ref.removeprefix("refs/heads/"), sha, by=call.login)
    address = f"{call.shapes.address(repository)}/git"
    target = {"type": "commit", "sha": sha, "url": f"{address}/commits/{sha}"}
    shape = {"ref": ref, "node_id": node_id("Ref", ref), "url": f"{address}/{ref}", "object": target}
    return Response(201, shape)


@routes("GET", REPOSITORY + "/contents/{path:path}")
def _content(call: Call) -> Response:
    """A file; folders are nobody's question here."""
    repository, path = call.repository, call.parameters["path"]
    ref = call.request.query.get("ref", repository.default_branch)
    content = repository.file_at(ref, path)
    if content is None:
        raise ApiError(404, "Not Found")
    return Response(json=_file(call, path, content))


@routes("PUT", REPOSITORY + "/contents/{path:path}")
def _write(call: Call) -> Response:
    """A file that is there is replaced by whoever names its blob."""
    repository, sent, path = call.writable(), call.body(), call.parameters["path"]
    branch = str(sent.get("branch", repository.default_branch))
    if branch not in repository.git.branches():
        raise ApiError(404, f"Branch {branch} not found")
    try:
        content = base64.b64decode(str(sent.get("content", "")), validate=True)
    except binascii.Error:
        raise ApiError(422, "content is not valid Base64") from None
    if repository.file_at(branch, path) is not None and not sent.get("sha"):
        raise ApiError(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    commit = repository.write_file(branch, path, content, str(sent.get("message", "")), by=call.login)
    shape = {
        "content": _file(call, path, content),
        "commit": call.shapes.git_commit(repository, repository.git.commit(commit)),
    }
    return Response(201, shape)


def _file(call: Call, path: str, content: bytes) -> Json:
    """``content-file``."""
    repository = call.repository
    url = f"{call.shapes.address(repository)}/contents/{path}"
    page = f"{call.shapes.site}/{repository.full_name}/blob/{repository.default_branch}/{path}"
    blob = repository.git("hash-object", "--stdin", stdin=content).strip()
    git = f"{call.shapes.address(repository)}/git/blobs/{blob}"
    links: dict[str, Any] = {"self": url, "git": git, "html": page}
    return {
        "type": "file",
        "encoding": "base64",
        "size": len(content),
        "name": path.rpartition("/")[2],
        "path": path,
        "content": base64.b64encode(content).decode(),
        "sha": blob,
        "url": url,
        "git_url": git,
        "html_url": page,
        "download_url": page.replace("/blob/", "/raw/"),
        "_links": links,
    }
