"""What is written of GitLab without having been seen there."""

from __future__ import annotations

from typing import Any

from tests.live.facts import BOTH, Fact
from tests.live.place import Place, Unseen

_JOB = """\
tagline-live:
  image: alpine/git
  rules: [{if: '$CI_COMMIT_BRANCH == "BRANCH"'}]
  script:
    - git tag TAG
    - git push "https://gitlab-ci-token:${CI_JOB_TOKEN}@${CI_SERVER_HOST}/${CI_PROJECT_PATH}.git" TAG
    - api="${CI_API_V4_URL}/projects/${CI_PROJECT_ID}"
    - wget -qO- --post-data "token=${CI_JOB_TOKEN}&ref=TAG" "$api/trigger/pipeline"
"""


def _request(place: Place, head: str, name: str) -> tuple[int, str]:
    base = place.need("GET", "")["default_branch"]
    branch = f"live-{place.run}-{name}"
    if (why := place.push(f"{head}:refs/heads/{branch}")) is not None:
        raise Unseen(f"refused: {why[-200:]}")
    data = {"title": branch, "source_branch": branch, "target_branch": base}
    return place.need("POST", "/merge_requests", data=data)["iid"], base


def _tip(place: Place) -> str:
    place.must("fetch", "--quiet", place.url, "HEAD")
    return place.must("rev-parse", "FETCH_HEAD")


def external_status(place: Place, _tip_then: str) -> tuple[bool, str]:
    """A status on a head that no pipeline ran for."""
    head = place.commit(_tip(place), {f"{place.run}-status.txt": "x"}, "A status [skip ci]")
    number, _ = _request(place, head, "status")
    data = {"state": "pending", "name": "tagline-live", "description": "first"}
    place.need("POST", f"/statuses/{head}", job=True, data=data)
    pipelines = place.need("GET", f"/pipelines?sha={head}")
    sources = sorted({pipeline["source"] for pipeline in pipelines}) or ["none"]
    shown = (place.need("GET", f"/merge_requests/{number}").get("head_pipeline") or {}).get("source", "none")
    return "external" in sources, f"pipelines of the head: {', '.join(sources)}; the merge request shows: {shown}"


def pending_again(place: Place, tip: str) -> tuple[bool, str]:
    """The same state twice, with other words."""
    head = place.commit(_tip(place), {f"{place.run}-again.txt": "x"}, "Pending twice")
    _request(place, head, "again")
    data = {"state": "pending", "name": "tagline-live"}
    place.need("POST", f"/statuses/{head}", job=True, data={**data, "description": "first"})
    again = place.ask("POST", f"/statuses/{head}", job=True, data={**data, "description": "second"})
    return again.status == 400, f"answered {again.status}"


def automatic_rebase(place: Place, _tip_then: str) -> tuple[bool, str]:
    """Two requests, fast-forward with automatic rebase: what names the landed commit of the second."""
    place.need("PUT", "", data={"merge_method": "ff"})
    start = _tip(place)
    heads = [place.commit(start, {f"{place.run}-{name}.txt": "x"}, f"Rebase {name}") for name in ("a", "b")]
    numbers = [_request(place, head, f"rebase{place_}")[0] for place_, head in enumerate(heads)]
    for number in numbers:
        _mergeable(place, number)
        place.need("PUT", f"/merge_requests/{number}/merge", data={})
    merged, _ = place.wait(lambda: _merged(place, numbers[1]))
    tip = _tip(place)
    if merged is None or tip == heads[1]:
        raise Unseen("the second was not rebased")
    found = [each["iid"] for each in place.need("GET", f"/repository/commits/{tip}/merge_requests")]
    named = {key: merged.get(key) for key in ("sha", "merge_commit_sha", "squash_commit_sha")}
    seen = ", ".join(f"{key} {value[:7] if value else 'null'}" for key, value in named.items())
    as_written = named["sha"] == heads[1] and not named["merge_commit_sha"] and numbers[1] in found
    return as_written, f"landed as {tip[:7]}; {seen}; its commit's list has {found}"


def _mergeable(place: Place, number: int) -> None:
    ready = ("mergeable", "need_rebase", "ci_still_running", "not_approved")
    path = f"/merge_requests/{number}"
    place.wait(lambda: True if place.need("GET", path).get("detailed_merge_status") in ready else None)


def _merged(place: Place, number: int) -> Any:
    found = place.need("GET", f"/merge_requests/{number}")
    return found if found["state"] == "merged" else None


def pushed_merge(place: Place, _tip_then: str) -> tuple[bool, str]:
    """A merge request whose head is pushed to its target."""
    head = place.commit(_tip(place), {f"{place.run}-push.txt": "x"}, "By a push")
    number, base = _request(place, head, "push")
    if (why := place.push(f"{head}:refs/heads/{base}")) is not None:
        raise Unseen(f"refused: {why[-200:]}")
    merged, after = place.wait(lambda: _merged(place, number))
    if merged is None:
        return False, f"not marked as merged within {after:.0f} s"
    late = "set" if merged["merged_at"] else "null"
    return merged[
        "sha"
    ] == head, f"merged after {after:.1f} s, merged_at {late}, merge_commit_sha {merged['merge_commit_sha']}"


def approved_at(place: Place, _tip_then: str) -> tuple[bool, str]:
    head = place.commit(_tip(place), {f"{place.run}-approve.txt": "x"}, "Approve")
    number, _ = _request(place, head, "approve")
    place.need("POST", f"/merge_requests/{number}/approve", data={})
    rows = place.need("GET", f"/merge_requests/{number}/approvals")["approved_by"]
    return bool(rows and rows[0].get("approved_at")), f"approved_by has the keys {sorted(rows[0]) if rows else 'none'}"


def tag_pipeline(place: Place, _tip_then: str) -> tuple[bool, str]:
    script = "tagline-live:\n  rules: [{if: $CI_COMMIT_TAG}]\n  script: ['true']\n"
    commit = place.commit(_tip(place), {".gitlab-ci.yml": script}, "A pipeline of tags [skip ci]")
    name = place.tag(f"live-{place.run}-tag", commit)
    if (why := place.push(f"refs/tags/{name}", job=True)) is not None:
        raise Unseen(f"refused: {why[-200:]}")
    return _pipeline(place, name)


def _pipeline(place: Place, tag: str) -> tuple[bool, str]:
    found, after = place.wait(lambda: place.need("GET", f"/pipelines?ref={tag}") or None)
    return found is not None, f"{found[0]['source']} after {after:.0f} s" if found else f"none within {after:.0f} s"


def job_token_tag(place: Place, _tip_then: str) -> tuple[bool | None, str]:
    """A job pushes a tag with its own token and triggers its pipeline. It needs a runner, and job-token push on."""
    branch, tag = f"live-{place.run}-job", f"live-{place.run}-by-job"
    script = _JOB.replace("BRANCH", branch).replace("TAG", tag)
    commit = place.commit(_tip(place), {".gitlab-ci.yml": script}, "A job that tags")
    if (why := place.push(f"{commit}:refs/heads/{branch}")) is not None:
        raise Unseen(f"refused: {why[-200:]}")
    there, after = place.wait(lambda: place.must("ls-remote", place.url, f"refs/tags/{tag}") or None)
    if there is None:
        return None, f"no job had pushed a tag within {after:.0f} s: is there a runner, and is job-token push on?"
    return _pipeline(place, tag)


def labels(place: Place, _tip_then: str) -> tuple[bool, str]:
    """A label twice, then in capitals."""
    name = f"live-{place.run}:prod"
    place.need("POST", "/labels", job=True, data={"name": name, "color": "#0e8a16"})
    answers = [
        place.ask("POST", "/labels", job=True, data={"name": each, "color": "#0e8a16"}).status
        for each in (name, name.upper())
    ]
    return answers == [409, 201], f"made; again {answers[0]}, in capitals {answers[1]}"


FACTS: tuple[tuple[str, str, Fact], ...] = (
    *BOTH,
    ("external-status", "a status on a head without a pipeline starts an external one", external_status),
    ("pending-again", "pending over pending answers 400", pending_again),
    ("pushed-merge", "a head that is pushed to its target is merged as itself", pushed_merge),
    ("approved-at", "approvals tell when they were given", approved_at),
    ("tag-pipeline", "a tag that a project token pushes starts a pipeline", tag_pipeline),
    ("job-token-tag", "a tag that a job token pushed gets its pipeline by the trigger API", job_token_tag),
    ("labels", "a project token makes labels; one that is there answers 409, one in capitals is another", labels),
    ("automatic-rebase", "of a fast-forward with automatic rebase only the commit's own list tells what landed",
     automatic_rebase),
)  # fmt: skip
