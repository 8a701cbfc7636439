"""Who may see the repositories that somebody names: their forge is asked, many at once, where its token may go."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLError, build_schema, graphql_sync

from tagline.domain.index.refs import Refs
from tagline.settings import Settings
from tagline.wiring.changes import ChangeWiring
from tagline.wiring.index import IndexWiring

#: Parts of https://docs.github.com/public/fpt/schema.docs.graphql and https://docs.gitlab.com/api/graphql/reference/
SCHEMAS = {
    "github": build_schema("""
        type Query { repository(owner: String!, name: String!, followRenames: Boolean = true): Repository }
        enum RepositoryVisibility { INTERNAL PRIVATE PUBLIC }
        type Repository {
          nameWithOwner: String! visibility: RepositoryVisibility! isDisabled: Boolean! defaultBranchRef: Ref
          refs(refPrefix: String!, first: Int, after: String): RefConnection
        }
        type Ref { name: String! target: GitObject }
        type GitObject { oid: String! }
        type RefConnection { totalCount: Int! }
    """),
    "gitlab": build_schema("""
        type Query { project(fullPath: ID!): Project }
        type Project { visibility: String }
    """),
}
TOKEN = "s3cr3t"


class Forge:
    """A server that speaks one forge's GraphQL. ``requests`` are (Authorization or PRIVATE-TOKEN, variables)."""

    def __init__(self, flavour: str) -> None:
        self.flavour, self.url = flavour, ""
        self.requests: list[tuple[str | None, dict[str, str]]] = []
        self.broken = False

    def answer(self, headers: Any, body: dict[str, Any]) -> Any:
        if self.broken:
            return {"message": "Resource not accessible by integration"}
        self.requests.append((headers["Authorization"] or headers["PRIVATE-TOKEN"], body["variables"]))
        root = {"repository": self._repository, "project": self._project}
        told = graphql_sync(SCHEMAS[self.flavour], body["query"], root, variable_values=body["variables"]).formatted
        # GitHub's own form of what is not there, or not to be seen.
        for error in told.get("errors", []):
            error["type"] = "NOT_FOUND"
        return told

    @staticmethod
    def _repository(_info: object, owner: str, name: str, **_: object) -> Any:
        if name.startswith("hidden"):
            raise GraphQLError(f"Could not resolve to a Repository with the name '{owner}/{name}'.")
        return {
            "nameWithOwner": f"{owner}/{name}", "visibility": "PUBLIC" if name.startswith("open") else "INTERNAL",
            "isDisabled": name == "off", "defaultBranchRef": {"name": "main", "target": {"oid": "a" * 40}},
            "refs": {"totalCount": 0 if name == "open-without-tags" else 1},
        }  # fmt: skip

    @staticmethod
    def _project(_info: object, fullPath: str) -> Any:  # noqa: N803 - GitLab's word
        name = fullPath.rpartition("/")[2]
        visibility = "public" if name.startswith("open") else "internal"
        return None if name.startswith("hidden") else {"visibility": visibility}


@pytest.fixture(params=["github", "gitlab"])
def forge(request: pytest.FixtureRequest) -> Iterator[Forge]:
    forge = Forge(request.param)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/api/graphql"
            sent = json.dumps(forge.answer(self.headers, body)).encode()
            self.send_response(403 if forge.broken else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    forge.url = f"http://127.0.0.1:{http.server_address[1]}"
    yield forge
    http.shutdown()
    http.server_close()


Wire = Callable[..., IndexWiring]


@pytest.fixture
def wire(forge: Forge, tmp_path: Path) -> Wire:
    """The wiring of a job on that forge."""

    def made(**more: str) -> IndexWiring:
        job = (
            {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": forge.url, "GITHUB_API_URL": f"{forge.url}/api/v3",
             "GITHUB_REPOSITORY": "acme/jobs"}
            if forge.flavour == "github"
            else {"GITLAB_CI": "true", "CI_SERVER_URL": forge.url, "CI_API_V4_URL": f"{forge.url}/api/v4",
                  "CI_PROJECT_PATH": "acme/jobs", "CI_PROJECT_URL": f"{forge.url}/acme/jobs"}
        )  # fmt: skip
        return IndexWiring(Settings.from_environ({"HOME": str(tmp_path), **job, **more}))

    return made


def test_visibility__of_those_named__is_asked_for_many_at_once(forge: Forge, wire: Wire, tmp_path: Path) -> None:
    names = tmp_path / "list"
    names.write_text("".join(f"acme/open-{number}\n" for number in range(120)))
    wiring = wire(TAGLINE_TOKEN=TOKEN, **({"CI_JOB_TOKEN": "job"} if forge.flavour == "gitlab" else {}))
    named = [
        f"{forge.url}/acme/inner.git",
        "acme/hidden",
        "acme/hidden-2",
        "acme/open-without-tags",
        "acme/off",
        str(tmp_path),
    ]
    said: list[str] = []
    found = wiring.with_visibility(wiring.wanted(named, [str(names)], [], []), said.append)
    told = {one.repository.rpartition("/")[2]: one for one in found}
    assert said == []
    assert len(found) == 126
    assert {one.visibility for name, one in told.items() if name.startswith("open")} == {"public"}
    assert (told["inner"].visibility, told["hidden"].visibility) == ("internal", "unknown")
    assert told[tmp_path.name].visibility == "unknown"
    assert len(forge.requests) == (2 if forge.flavour == "github" else 3)
    assert all(token in (f"token {TOKEN}", TOKEN) for token, _ in forge.requests)
    if forge.flavour == "github":
        # Who has no tags needs no request of its own; who is switched off none at all.
        assert told["open-without-tags"].refs == Refs("a" * 40, {}, "main")
        assert told["open-1"].refs is None
        assert told["off"].problem is not None


def test_visibility__of_hosts_that_a_list_names__is_not_asked_for(forge: Forge, wire: Wire, tmp_path: Path) -> None:
    names = tmp_path / "list"
    names.write_text(f"{forge.url}/acme/open\n")
    wiring = wire(TAGLINE_TOKEN=TOKEN)
    (found,) = wiring.with_visibility(wiring.wanted([], [str(names)], [], []), print)
    assert (found.visibility, forge.requests) == ("unknown", [])
    wiring = wire(TAGLINE_REPO_TOKEN=TOKEN, TAGLINE_REPO_HOST=forge.url)
    (found,) = wiring.with_visibility(wiring.wanted([], [str(names)], [], []), print)
    assert (found.visibility, len(forge.requests)) == ("public", 1)


def test_visibility__a_host_that_only_a_list_names__gets_no_token_in_any_form(wire: Wire, tmp_path: Path) -> None:
    names = tmp_path / "list"
    plain = wire(TAGLINE_REPO_TOKEN=TOKEN)
    wiring = replace(plain, forge="github" if plain.settings.platform == "gitlab" else "gitlab")
    hosts = [
        "git@evil.example:acme/a.git",
        "evil.example:acme/b",
        "HTTPS://EVIL.example/acme/c",
        "ssh://evil.example/a/d",
    ]
    names.write_text("\n".join([*hosts, "https://evil.example/acme/e", "ACME/plain"]))
    by_name = {one.repository.rpartition("/")[2]: one for one in wiring.wanted([], [str(names)], [], [])}
    assert len(by_name) == 6
    asked = wiring._by_forge(by_name.values())
    assert [list(found) for _, found in asked] == [["ACME/plain"]]
    addresses = {name: wiring._remote(one.address) for name, one in by_name.items()}
    assert {name for name, url in addresses.items() if url.config} == {"plain"}
    # Who names the host on the command line means it.
    meant = wiring.wanted([hosts[0], "https://evil.example/acme/e"], [str(names)], [], [])
    assert sorted(name for _, found in wiring._by_forge(meant) for name in found) == ["ACME/plain", "acme/a", "acme/e"]


def test_visibility__of_the_jobs_own_repository_in_a_list__is_asked_with_the_jobs_token(
    forge: Forge, wire: Wire, tmp_path: Path
) -> None:
    names = tmp_path / "list"
    names.write_text(f"{forge.url}/acme/jobs\n")
    wiring = wire(TAGLINE_TOKEN="job", TAGLINE_REPO_TOKEN=TOKEN)
    wanted = wiring.wanted([], [str(names)], [], [])
    (found,) = wiring.with_visibility(wanted, print)
    assert (found.visibility, [token for token, _ in forge.requests]) == (
        "internal", ["token job" if forge.flavour == "github" else "job"]
    )  # fmt: skip
    # One client for all that have the same token, which no traceback shows.
    keys = [ChangeWiring(wire(TAGLINE_TOKEN=TOKEN).settings, f"{forge.url}/acme/{name}").asked[0] for name in "ab"]
    assert len(set(keys)) == 1
    assert TOKEN not in repr(keys)


def test_visibility__that_the_forge_does_not_tell__is_unknown_and_said(forge: Forge, wire: Wire) -> None:
    wiring = wire(TAGLINE_TOKEN=TOKEN)
    wanted = wiring.wanted(["acme/open"], [], [], [])
    forge.broken = True
    said: list[str] = []
    (found,) = wiring.with_visibility(wanted, said.append)
    assert found.visibility == "unknown"
    assert len(said) == 1
    assert "Who may see 1 of the repositories is not known" in said[0]
    assert TOKEN not in said[0]
    # GraphQL answers nobody without a token on GitHub, nor a job's own token on GitLab.
    forge.broken, forge.requests = False, []
    wiring = wire(**({"CI_JOB_TOKEN": TOKEN} if forge.flavour == "gitlab" else {}))
    assert wiring.with_visibility(wanted, said.append) == wanted
    assert forge.requests == []
