"""GitLab's JSON for accounts, projects, commits, files and pipelines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tagline_localforge.git import Commit, FileChange
from tagline_localforge.model import LocalForge
from tagline_localforge.records import NO_COMMIT, Attempt, Person, Push, Role, Run, Team
from tagline_localforge.repository import Repository

Json = dict[str, Any]

ACCESS: dict[Role, int] = {"none": 0, "read": 20, "triage": 20, "write": 30, "maintain": 40, "admin": 50}
#: What starts a pipeline, by GitHub's word for it.
_SOURCES = {"workflow_dispatch": "web"}


def time(seconds: float) -> str:
    """A time as GitLab writes it: milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def optional_time(seconds: float | None) -> str | None:
    """A time, or null."""
    return None if seconds is None else time(seconds)


class Shapes:
    """JSON with addresses below ``site``."""

    def __init__(self, forge: LocalForge, site: str) -> None:
        self.forge = forge
        self.site = site

    def user(self, login: str) -> Json:
        """A user as others mention them."""
        return self._account(self.forge.person(login))

    def _account(self, person: Person) -> Json:
        return {
            "id": person.id,
            "username": person.login,
            "name": person.login,
            "state": "active",
            "locked": False,
            "avatar_url": None,
            "web_url": f"{self.site}/{person.login}",
        }

    def label(self, repository: Repository, name: str) -> Json:
        """``ProjectLabel``, without the counts that nobody asked for."""
        color, description = repository.look_of(name) or ("ededed", "")
        return {
            "id": repository.label_id(name),
            "name": name,
            "description": description or None,
            "description_html": description,
            "text_color": "#333333",
            "color": f"#{color}",
            "subscribed": False,
            "priority": None,
            "is_project_label": True,
        }

    def member(self, login: str, level: int) -> Json:
        """A member of a project or group."""
        return {**self.user(login), "access_level": level, "expires_at": None, "membership_state": "active"}

    def group(self, team: Team) -> Json:
        """A group."""
        name = team.path.rpartition("/")[2]
        return {
            "id": team.id,
            "name": name,
            "path": name,
            "full_name": team.path.replace("/", " / "),
            "full_path": team.path,
            "visibility": "private",
            "parent_id": None,
            "web_url": f"{self.site}/groups/{team.path}",
        }

    def project(self, repository: Repository, level: int) -> Json:
        """A project."""
        namespace, _, name = repository.full_name.rpartition("/")
        page = f"{self.site}/{repository.full_name}"
        return {
            "id": repository.id,
            "name": name,
            "path": name,
            "name_with_namespace": repository.full_name.replace("/", " / "),
            "path_with_namespace": repository.full_name,
            "namespace": {"full_path": namespace, "kind": "group"},
            "default_branch": repository.default_branch,
            "visibility": "public" if repository.public else "private",
            "web_url": page,
            "http_url_to_repo": f"{page}.git",
            "created_at": time(repository.created),
            "archived": False,
            "merge_method": "merge",
            "squash_option": "default_off",
            "ci_push_repository_for_job_token_allowed": repository.job_token_push,
            "permissions": {"project_access": {"access_level": level} if level else None, "group_access": None},
        }

    def push_event(self, repository: Repository, push: Push) -> Json:
        """An event of the kind ``pushed``; of many branches in one push it says how many, and not which."""
        many = push.branches > 1
        made, gone = push.before == NO_COMMIT, push.after == NO_COMMIT
        action = "created" if made else "removed" if gone else "pushed"
        author = self.user(push.login) if push.login else None
        return {
            "id": push.id,
            "project_id": repository.id,
            "action_name": {"created": "pushed new", "removed": "deleted", "pushed": "pushed to"}[action],
            "target_id": None,
            "target_iid": None,
            "target_type": None,
            "target_title": None,
            "author_id": author["id"] if author else None,
            "created_at": time(push.at),
            **({"author": author} if author else {}),
            "author_username": push.login,
            "push_data": {
                "commit_count": 0 if many else 1,
                "action": action,
                "ref_type": "branch",
                "commit_from": None if many or made else push.before,
                "commit_to": None if many or gone else push.after,
                "ref": None if many else push.branch,
                "commit_title": None,
                "ref_count": push.branches if many else None,
            },
        }

    def pipeline(self, repository: Repository, run: Run) -> Json:
        """A pipeline as a list tells it."""
        return {
            "id": run.id,
            "iid": run.number,
            "project_id": repository.id,
            "sha": run.sha,
            "ref": run.name,
            "status": _pipeline_status(repository, run),
            "source": _SOURCES.get(run.event, run.event),
            "created_at": time(run.at),
            "updated_at": time(run.updated),
            "web_url": f"{self.site}/{repository.full_name}/-/pipelines/{run.id}",
            "name": None,
        }

    def job(self, repository: Repository, run: Run, attempt: Attempt) -> Json:
        """The one job of a pipeline, as it was run once."""
        number = run.id * 1000 + run.attempts.index(attempt)
        return {
            "id": number,
            "name": run.workflow.file,
            "stage": "test",
            "status": "running" if attempt.ended is None else "success",
            "ref": run.name,
            "tag": run.ref.startswith("refs/tags/"),
            "allow_failure": False,
            "created_at": time(attempt.started),
            "started_at": time(attempt.started),
            "finished_at": optional_time(attempt.ended),
            "user": self.user(attempt.login),
            "pipeline": {name: value for name, value in self.pipeline(repository, run).items() if name != "name"},
            "web_url": f"{self.site}/{repository.full_name}/-/jobs/{number}",
        }

    def commit(self, repository: Repository, commit: Commit) -> Json:
        """A commit."""
        title = commit.message.partition("\n")[0]
        return {
            "id": commit.sha,
            "short_id": commit.sha[:8],
            "title": title,
            "message": commit.message,
            "parent_ids": list(commit.parents),
            "author_name": commit.author.name,
            "author_email": commit.author.email,
            "authored_date": time(commit.author.time),
            "committer_name": commit.committer.name,
            "committer_email": commit.committer.email,
            "committed_date": time(commit.committer.time),
            "created_at": time(commit.committer.time),
            "project_id": repository.id,
            "web_url": f"{self.site}/{repository.full_name}/-/commit/{commit.sha}",
        }

    def file(self, file: FileChange) -> Json:
        """A file of a diff."""
        return {
            "old_path": file.old_path,
            "new_path": file.path,
            "a_mode": file.old_mode,
            "b_mode": file.mode,
            "diff": file.patch,
            "new_file": file.status == "added",
            "renamed_file": file.status == "renamed",
            "deleted_file": file.status == "removed",
            "collapsed": False,
            "too_large": False,
        }


def _pipeline_status(repository: Repository, run: Run) -> str:
    """As the newest of its statuses, where it has no jobs of its own."""
    told = [status.state for status in repository.statuses if status.pipeline == run.id]
    if run.event == "external" and told:
        return told[-1]
    return "running" if run.attempts[-1].ended is None else "success" if run.succeeded else "failed"
