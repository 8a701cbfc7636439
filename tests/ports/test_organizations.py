"""The port Organization on both forges, by real HTTP: all that a token sees, with who may see it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tagline.adapters.forges.github.organizations import Organizations
from tagline.adapters.forges.gitlab.groups import Groups
from tagline.domain.index.refs import Refs
from tagline.errors import NotFound
from tagline.ports.index import Organization
from tagline.settings import Secret
from tagline_localforge import LocalForge, serve
from tests.support.gitbuild import Commit, History, build


@pytest.fixture(params=["github", "gitlab"])
def organization(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Organization]:
    forge = LocalForge(tmp_path / "forge")
    for name in ("many/a", "many/b", "many/hidden"):
        repo = forge.repository(name)
        build(repo.path, History((Commit("c0", files={"a": "1"}),), branches={"main": "c0"}), bare=True)
        if not name.endswith("hidden"):
            repo.grant("bob", "write")
    forge.token("bob-token", login="bob")
    with serve(forge) as server:
        if request.param == "github":
            yield Organizations(f"{server.url}/api/v3", server.url, Secret("bob-token"))
        else:
            yield Groups(server.url, Secret("bob-token"))


def test_organization__what_the_token_sees__has_name_address_and_visibility(organization: Organization) -> None:
    found = list(organization.repositories("many"))
    assert [one.repository.partition("/")[2] for one in found] == ["many/a", "many/b"]
    assert all(one.address == f"{one.url}.git" for one in found)
    assert all(one.visibility in ("public", "internal", "private") for one in found)
    assert len({one.forge for one in found}) == 1
    with pytest.raises(NotFound):
        list(organization.repositories("nobody"))


class _GraphQL(BaseHTTPRequestHandler):
    """Two pages of GitHub's GraphQL, in the shapes of its documentation; the REST API is not to be asked."""

    asked: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(question["variables"])
        first = question["variables"]["after"] is None
        count = {"totalCount": 0}
        nodes: list[Any] = [
            {"nameWithOwner": "acme/no-tags", "visibility": "PUBLIC", "isDisabled": False, "tags": count,
             "memory": count, "defaultBranchRef": {"name": "main", "target": {"oid": "a" * 40}}},
            None,
        ] if first else [
            {"nameWithOwner": "acme/tags", "visibility": "INTERNAL", "isDisabled": False, "tags": {"totalCount": 3},
             "memory": count, "defaultBranchRef": {"name": "main", "target": {"oid": "b" * 40}}},
            {"nameWithOwner": "acme/empty", "visibility": "PRIVATE", "isDisabled": True, "tags": count,
             "memory": count, "defaultBranchRef": None},
        ]  # fmt: skip
        page = {"nodes": nodes, "pageInfo": {"hasNextPage": first, "endCursor": "next" if first else None}}
        body = json.dumps({"data": {"organization": {"repositories": page}}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002


def test_github__graphql__tells_who_has_no_tags() -> None:
    _GraphQL.asked = []
    http = ThreadingHTTPServer(("127.0.0.1", 0), _GraphQL)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{http.server_address[1]}"
    try:
        found = list(Organizations(f"{url}/api/v3", url, Secret("t")).repositories("acme"))
    finally:
        http.shutdown()
        http.server_close()
    assert [asked["after"] for asked in _GraphQL.asked] == [None, "next"]
    assert [(one.repository.rpartition("/")[2], one.visibility, one.refs, one.problem is None) for one in found] == [
        ("no-tags", "public", Refs("a" * 40, {}, "main"), True),
        ("tags", "internal", None, True),
        ("empty", "private", Refs(None, {}), False),
    ]
