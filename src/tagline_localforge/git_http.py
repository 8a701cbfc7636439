"""Git's smart HTTP: who may fetch or push, then git's own http-backend."""

from __future__ import annotations

from tagline_localforge import git
from tagline_localforge.late_refs import is_listing
from tagline_localforge.model import LocalForge
from tagline_localforge.records import NO_COMMIT, Token
from tagline_localforge.repository import Repository
from tagline_localforge.web import Request, Response
from tagline_localforge.workflow_guard import refused_push


def answer(forge: LocalForge, request: Request, name: str, service: str) -> Response:
    """Answer one request of a git client."""
    secret = request.password
    token = forge.bearer(secret) if secret else None
    with forge.lock:
        repository = forge.repositories.get(name) or forge.moved.get(name)
        if secret and token is None:
            return _refusal(401, "Invalid username or token.")
        if repository is None or forge.role(token, repository) == "none":
            # Without a password git asks for one; with a wrong one it hears what a stranger hears.
            return _refusal(404 if secret else 401, "Repository not found.")
        if name in forge.moved:
            address = f"{request.url}/{repository.full_name}.git/{service}?{request.query_string}"
            return Response(301, headers={"Location": address})
        pushes = service == "git-receive-pack" or request.query.get("service") == "git-receive-pack"
        if pushes and not forge.may_push(token, repository):
            return _refusal(403 if token else 401, f"Permission to {name}.git denied.")
    path = f"/{repository.path.relative_to(forge.folder)}/{service}"
    login = token.login if token else ""
    if request.query.get("service") == "git-upload-pack" and request.headers.get("git-protocol") == "version=2":
        # Git says here what it can, and nothing of refs yet: its configuration alone decides.
        configuration = (repository.path / "config").read_bytes()
        if configuration not in repository.offers:
            repository.offers[configuration] = _backend(forge, request, path, login)
        return repository.offers[configuration]
    if service == "git-receive-pack":
        return _pushed(forge, request, repository, token, path)
    response = _backend(forge, request, path, login)
    if is_listing(request):
        with forge.lock:
            return repository.switches.late_refs.listed(response)
    return response


def _pushed(forge: LocalForge, request: Request, repository: Repository, token: Token | None, path: str) -> Response:
    asked = {ref: new for ref, (_, new) in _commands(request.body).items()}
    if refusal := refused_push(repository, token, request.body, asked):
        return refusal
    if repository.atomic_pushes == "ignored":
        # Among the words of the first line, where it is one word less.
        request.body = request.body.replace(b" atomic", b"       ", 1)
    login = token.login if token else None
    response = _backend(forge, request, path, login or "")
    repository.refresh()
    commands = repository.accepted(_commands(request.body))
    with forge.lock:
        repository.switches.late_refs.pushed(commands)
    repository.pushed_branches(commands, by=login)
    # What a workflow's own token pushes starts no other workflow.
    if token is not None and token.kind in ("user", "app"):
        repository.start_on_tags(commands, by=token.login)
    return response


def _commands(body: bytes) -> dict[str, tuple[str, str]]:
    """The refs of a push, each with what it was and is to be: lines ``OLD NEW REF``, each after its length, to a flush.

    Source: https://git-scm.com/docs/gitprotocol-pack#_reference_update_request_and_packfile_transfer
    """
    found = {}
    while (size := int(body[:4] or b"0", 16)) > 0:
        words = body[4:size].partition(b"\0")[0].decode(errors="replace").split()
        if len(words) == 3:
            # No commit is as many zeros as an id of the repository has digits.
            old, new = (word if word.strip("0") else NO_COMMIT for word in words[:2])
            found[words[2]] = (old, new)
        body = body[size:]
    return found


def _refusal(status: int, message: str) -> Response:
    headers = {"Content-Type": "text/plain"}
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="local forge"'
    return Response(status, headers=headers, body=f"{message}\n".encode())


def _backend(forge: LocalForge, request: Request, path: str, login: str) -> Response:
    variables = {
        "GIT_PROJECT_ROOT": str(forge.folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": path,
        "QUERY_STRING": request.query_string,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "REMOTE_USER": login,
        "REMOTE_ADDR": "127.0.0.1",
    }
    return _parsed(git.run("http-backend", stdin=request.body, more=variables).stdout)


def _parsed(answer: bytes) -> Response:
    head, _, content = answer.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
    status = int(headers.pop("Status", "200" if head else "500").split()[0])
    return Response(status, headers=headers, body=content)
