"""GitHub's JSON for accounts, repositories, commits and files."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from tagline_localforge.git import Commit, FileChange, Signature
from tagline_localforge.model import LocalForge
from tagline_localforge.records import Person, Push, Role, at_least
from tagline_localforge.repository import Repository

Json = dict[str, Any]

_LABEL_COLOR = "ededed"
_USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
_REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
_COUNTS = (
    "forks", "forks_count", "open_issues", "open_issues_count", "size",
    "stargazers_count", "watchers", "watchers_count",
)  # fmt: skip
_FULL_COUNTS = ("network_count", "subscribers_count")
_NOTHING = ("description", "homepage", "language", "license", "mirror_url")
_HAS = ("has_discussions", "has_downloads", "has_issues", "has_pages", "has_projects", "has_wiki")
_USER_COUNTS = (
    "collaborators", "disk_usage", "followers", "following", "owned_private_repos",
    "private_gists", "public_gists", "public_repos", "total_private_repos",
)  # fmt: skip
_USER_NOTHING = ("bio", "blog", "company", "hireable", "location")
_RIGHTS: dict[str, Role] = {
    "admin": "admin",
    "maintain": "maintain",
    "push": "write",
    "triage": "triage",
    "pull": "read",
}
_UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def time(seconds: float) -> str:
    """A time as GitHub writes it: whole seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(kind: str, number: int | str) -> str:
    """An opaque id as GraphQL has it."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


def legacy_permission(role: Role) -> str:
    """The four permissions of old, which ``maintain`` and ``triage`` are counted to."""
    legacy: dict[Role, str] = {"maintain": "write", "triage": "read"}
    return legacy.get(role, role)


class Shapes:
    """JSON with addresses below ``base`` (the API) and ``site`` (the pages)."""

    def __init__(self, forge: LocalForge, base: str, site: str) -> None:
        self.forge = forge
        self.base = base
        self.site = site

    def address(self, repository: Repository) -> str:
        """A repository's address in the API."""
        return f"{self.base}/repos/{repository.full_name}"

    def user(self, login: str) -> Json:
        """``simple-user``."""
        return self._account(self.forge.person(login))

    def _account(self, person: Person) -> Json:
        url = f"{self.base}/users/{quote(person.login)}"
        return {
            "login": person.login,
            "id": person.id,
            "node_id": node_id("User", person.id),
            "avatar_url": f"{self.site}/avatars/u/{person.id}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.site}/{quote(person.login)}",
            "type": person.kind,
            "site_admin": False,
            **{name: url + suffix for name, suffix in _USER_LINKS.items()},
        }

    def private_user(self, login: str) -> Json:
        """``private-user``: what one is told about oneself."""
        return {
            **self.user(login),
            "name": login,
            "email": self.forge.person(login).email,
            "created_at": time(0),
            "updated_at": time(0),
            "two_factor_authentication": True,
            **dict.fromkeys(_USER_NOTHING),
            **dict.fromkeys(_USER_COUNTS, 0),
        }

    def collaborator(self, login: str, role: Role) -> Json:
        """``repository-collaborator-permission``."""
        permissions = {right: at_least(role, needed) for right, needed in _RIGHTS.items()}
        user = {**self.user(login), "role_name": role, "permissions": permissions}
        return {"permission": legacy_permission(role), "role_name": role, "user": user}

    def full_repository(self, repository: Repository, role: Role | None = None) -> Json:
        """``full-repository``, with the rights of whoever asks and has a ``role``."""
        rights = {right: at_least(role, needed) for right, needed in _RIGHTS.items()} if role is not None else None
        shape = {**self.repository(repository), **dict.fromkeys(_FULL_COUNTS, 0)}
        return {**shape, **({"permissions": rights} if rights is not None else {})}

    def repository(self, repository: Repository, *, fork: str | None = None) -> Json:
        """``repository``, or what is said of the fork of that name."""
        full_name = fork or repository.full_name
        number = repository.fork_id if fork else repository.id
        owner, _, name = full_name.rpartition("/")
        url, page = f"{self.base}/repos/{full_name}", f"{self.site}/{full_name}"
        created = time(repository.created)
        return {
            "id": number,
            "node_id": node_id("Repository", number),
            "name": name,
            "full_name": full_name,
            "owner": self.user(owner),
            "private": not repository.public,
            "visibility": "public" if repository.public else "private",
            "fork": fork is not None,
            "default_branch": repository.default_branch,
            "url": url,
            "html_url": page,
            "clone_url": f"{page}.git",
            "git_url": f"{page}.git",
            "ssh_url": f"git@127.0.0.1:{full_name}.git",
            "svn_url": page,
            "archived": False,
            "disabled": False,
            "created_at": created,
            "updated_at": created,
            "pushed_at": created,
            **dict.fromkeys(_NOTHING),
            **dict.fromkeys(_COUNTS, 0),
            **dict.fromkeys(_HAS, True),
            **{link: url + suffix for link, suffix in _REPOSITORY_LINKS.items()},
        }

    def label(self, repository: Repository, name: str) -> Json:
        """``label``."""
        number = repository.label_id(name)
        color, description = repository.look_of(name) or (_LABEL_COLOR, "")
        return {
            "id": number,
            "node_id": node_id("Label", number),
            "url": f"{self.address(repository)}/labels/{quote(name, safe='')}",
            "name": name,
            "color": color,
            "default": False,
            "description": description,
        }

    def label_of_event(self, name: str) -> Json:
        """The little that an event says of its label."""
        return {"name": name, "color": _LABEL_COLOR}

    def activity(self, push: Push) -> Json:
        """``activity``."""
        return {
            "id": push.id,
            "node_id": node_id("Push", push.id),
            "before": push.before,
            "after": push.after,
            "ref": f"refs/heads/{push.branch}",
            "timestamp": time(push.at),
            "activity_type": push.kind,
            "actor": self.user(push.login) if push.login else None,
        }

    # Git

    def commit(self, repository: Repository, commit: Commit) -> Json:
        """``commit``."""
        git_commit = self.git_commit(repository, commit)
        url = f"{self.address(repository)}/commits/{commit.sha}"
        return {
            "sha": commit.sha,
            "node_id": git_commit["node_id"],
            "url": url,
            "html_url": git_commit["html_url"],
            "comments_url": f"{url}/comments",
            "commit": {
                "url": git_commit["url"],
                "comment_count": 0,
                **{name: git_commit[name] for name in ("message", "tree", "author", "committer", "verification")},
            },
            "author": self._who(commit.author),
            "committer": self._who(commit.committer),
            "parents": [
                {**parent, "url": parent["url"].replace("/git/commits/", "/commits/")}
                for parent in git_commit["parents"]
            ],
        }

    def full_commit(self, repository: Repository, commit: Commit) -> Json:
        """``commit`` with its files."""
        old = commit.parents[0] if commit.parents else _EMPTY_TREE
        files = repository.git.files(old, commit.sha)
        added, deleted = sum(f.additions for f in files), sum(f.deletions for f in files)
        stats = {"additions": added, "deletions": deleted, "total": added + deleted}
        shown = [self.file(repository, commit.sha, file) for file in files]
        return {**self.commit(repository, commit), "stats": stats, "files": shown}

    def git_commit(self, repository: Repository, commit: Commit) -> Json:
        """``git-commit``."""
        page, url = f"{self.site}/{repository.full_name}/commit", f"{self.address(repository)}/git"
        parents = [{"sha": sha, "url": f"{url}/commits/{sha}", "html_url": f"{page}/{sha}"} for sha in commit.parents]
        return {
            "sha": commit.sha,
            "node_id": node_id("Commit", commit.sha),
            "url": f"{url}/commits/{commit.sha}",
            "html_url": f"{page}/{commit.sha}",
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{url}/trees/{commit.tree}"},
            "author": _signature(commit.author),
            "committer": _signature(commit.committer),
            "parents": parents,
            "verification": _UNSIGNED,
        }

    def _who(self, signature: Signature) -> Json | None:
        person = self.forge.by_email(signature.email)
        return self._account(person) if person else None

    def file(self, repository: Repository, sha: str, file: FileChange) -> Json:
        """``diff-entry``."""
        name, page = quote(file.path), f"{self.site}/{repository.full_name}"
        shape = {
            "sha": file.blob,
            "filename": file.path,
            "status": file.status,
            "additions": file.additions,
            "deletions": file.deletions,
            "changes": file.additions + file.deletions,
            "blob_url": f"{page}/blob/{sha}/{name}",
            "raw_url": f"{page}/raw/{sha}/{name}",
            "contents_url": f"{self.address(repository)}/contents/{name}?ref={sha}",
        }
        if file.patch:
            shape["patch"] = file.patch
        if file.old_path != file.path:
            shape["previous_filename"] = file.old_path
        return shape


#: The id of the tree without entries, which every Git knows.
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def _signature(signature: Signature) -> Json:
    return {"name": signature.name, "email": signature.email, "date": time(signature.time)}
