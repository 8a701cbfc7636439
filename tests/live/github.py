"""What is written of GitHub without having been seen there."""

from __future__ import annotations

from typing import Any

from tests.live.facts import BOTH, Fact
from tests.live.place import Place, Unseen

_ON_TAGS = "on:\n  push:\n    tags: ['live-*']\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps: [{run: 'true'}]\n"


def api_version(place: Place, _tip: str) -> tuple[bool | None, str]:
    answer = place.ask("GET", "")
    chosen = answer.headers.get("X-GitHub-Api-Version-Selected")
    return (None, "the answer names no version") if chosen is None else ("2022-11-28" in chosen, f"selected {chosen}")


def workflows(place: Place, tip: str) -> tuple[bool, str]:
    """A tag on a commit whose workflows no branch has, by the job's token; then with another tag there already."""
    old = place.commit(tip, {".github/workflows/live.yml": _ON_TAGS}, "A workflow")
    new = place.commit(old, {".github/workflows/live.yml": f"# {place.run}\n{_ON_TAGS}"}, "Another")
    branch = f"live-{place.run}-workflows"
    for commit in (old, new):
        if (why := place.push(f"{commit}:refs/heads/{branch}")) is not None:
            raise Unseen(f"TAGLINE_LIVE_TOKEN may not push workflows: {why[-200:]}")
    first = place.push(f"refs/tags/{place.tag(f'live-{place.run}-old', old)}", job=True)
    if first is None:
        return False, "the tag was taken"
    place.push(f"refs/tags/{place.tag(f'live-{place.run}-mark', old)}")
    second = place.push(f"refs/tags/{place.tag(f'live-{place.run}-again', old)}", job=True)
    words = "with GH013" if "GH013" in first else "without GH013"
    lifted = "lifts it" if second is None else "does not lift it"
    return "workflow" in first, f"refused, {words}; a tag that is there already {lifted}"


def _started(place: Place, tag: str, commit: str) -> tuple[bool, str]:
    def look() -> Any:
        runs = place.need("GET", f"/actions/runs?event=push&head_sha={commit}")["workflow_runs"]
        return next((run for run in runs if run["head_branch"] == tag), None)

    run, after = place.wait(look)
    return run is not None, f"a run after {after:.0f} s" if run is not None else f"no run within {after:.0f} s"


def _with_workflow(place: Place, tip: str) -> str:
    """The tip of the default branch, which has a workflow of tags from now on."""
    branch = place.need("GET", "")["default_branch"]
    place.must("fetch", "--quiet", place.url, branch)
    now = place.must("rev-parse", "FETCH_HEAD")
    if place.git("cat-file", "-e", f"{now}:.github/workflows/live.yml").returncode == 0:
        return now
    commit = place.commit(now, {".github/workflows/live.yml": _ON_TAGS}, "A workflow of tags")
    if (why := place.push(f"{commit}:refs/heads/{branch}")) is not None:
        raise Unseen(f"TAGLINE_LIVE_TOKEN may not push workflows: {why[-200:]}")
    return commit


def tag_by_git(place: Place, tip: str) -> tuple[bool, str]:
    commit = _with_workflow(place, tip)
    name = place.tag(f"live-{place.run}-git", commit)
    if (why := place.push(f"refs/tags/{name}", job=True)) is not None:
        raise Unseen(f"refused: {why[-200:]}")
    return _started(place, name, commit)


def tag_by_rest(place: Place, tip: str) -> tuple[bool, str]:
    commit = _with_workflow(place, tip)
    name = f"live-{place.run}-rest"
    made = {"tag": name, "message": name, "object": commit, "type": "commit"}
    sha = place.need("POST", "/git/tags", job=True, data=made)["sha"]
    place.need("POST", "/git/refs", job=True, data={"ref": f"refs/tags/{name}", "sha": sha})
    return _started(place, name, commit)


def four_tags(place: Place, tip: str) -> tuple[bool, str]:
    commit = _with_workflow(place, tip)
    names = [place.tag(f"live-{place.run}-four{number}", commit) for number in range(4)]
    if (why := place.push(*(f"refs/tags/{name}" for name in names), job=True)) is not None:
        raise Unseen(f"refused: {why[-200:]}")
    started, seen = _started(place, names[0], commit)
    return not started, seen


def _pull(place: Place, head: str, name: str) -> tuple[int, str]:
    base = place.need("GET", "")["default_branch"]
    branch = f"live-{place.run}-{name}"
    if (why := place.push(f"{head}:refs/heads/{branch}")) is not None:
        raise Unseen(f"refused: {why[-200:]}")
    return place.need("POST", "/pulls", data={"title": branch, "head": branch, "base": base})["number"], base


def _landed(place: Place, number: int, commit: str, base: str) -> str:
    """How a merge shows: late or at once, in the change, in the commit's own list, in the branch's activity."""

    def change() -> Any:
        found = place.need("GET", f"/pulls/{number}")
        return found if found["merged"] and found["merge_commit_sha"] else None

    found, after = place.wait(change)
    if found is None:
        raise Unseen(f"not marked as merged within {after:.0f} s")
    _, late = place.wait(
        lambda: [p for p in place.need("GET", f"/commits/{commit}/pulls") if p["number"] == number] or None
    )
    rows = place.need("GET", f"/activity?ref=refs/heads/{base}")
    row = next((row for row in rows if row["after"] == commit), None)
    activity = (
        f"activity {row['activity_type']} {row['before'][:7]}..{row['after'][:7]}" if row else "no activity of it"
    )
    return f"merged as {found['merge_commit_sha'][:7]} after {after:.1f} s; listed after {late:.1f} s; {activity}"


def pushed_merge(place: Place, tip: str) -> tuple[bool, str]:
    """A pull request whose head is pushed to its base."""
    start = _with_workflow(place, tip)
    head = place.commit(start, {f"{place.run}-push.txt": "x"}, "By a push")
    number, base = _pull(place, head, "push")
    if (why := place.push(f"{head}:refs/heads/{base}")) is not None:
        raise Unseen(f"refused: {why[-200:]}")
    seen = _landed(place, number, head, base)
    return f"merged as {head[:7]}" in seen and f"{start[:7]}..{head[:7]}" in seen, seen


def rebase_merge(place: Place, tip: str) -> tuple[bool, str]:
    start = _with_workflow(place, tip)
    one = place.commit(start, {f"{place.run}-one.txt": "x"}, "One")
    two = place.commit(one, {f"{place.run}-two.txt": "x"}, "Two")
    number, base = _pull(place, two, "rebase")
    merged = place.need("PUT", f"/pulls/{number}/merge", data={"merge_method": "rebase"})["sha"]
    seen = _landed(place, number, merged, base)
    committer = place.need("GET", f"/commits/{merged}")["commit"]["committer"]
    return f"{start[:7]}..{merged[:7]}" in seen, f"{seen}; its committer is {committer['name']} <{committer['email']}>"


def renamed(place: Place, _tip: str) -> tuple[bool, str]:
    """A repository under its old name; it gets that back."""
    number, owner = place.need("GET", "/issues?state=all&per_page=1"), place.name.rpartition("/")[0]
    if not number:
        raise Unseen("no issue or pull request to comment on")
    path, old = f"/issues/{number[0]['number']}/comments", place.name
    place.need("PATCH", "", data={"name": f"live-{place.run}"})
    try:
        read, written = place.ask("GET", ""), place.ask("POST", path, data={"body": "By the old name."})
    finally:
        place.name = f"{owner}/live-{place.run}"
        place.ask("PATCH", "", data={"name": old.rpartition("/")[2]})
        place.name = old
    return (read.status, written.status) == (301, 307), f"GET {read.status}, POST {written.status}"


def labels(place: Place, _tip: str) -> tuple[bool, str]:
    """A label twice, the second time in capitals."""
    name = f"live-{place.run}:prod"
    place.need("POST", "/labels", job=True, data={"name": name, "color": "0e8a16"})
    again = place.ask("POST", "/labels", job=True, data={"name": name.upper(), "color": "0e8a16"})
    code = again.json["errors"][0]["code"] if again.status == 422 else "none"
    return code == "already_exists", f"made; in capitals {again.status} {code}"


def token_scopes(place: Place, _tip: str) -> tuple[bool, str]:
    """The header by which the doctor tells what a token may do."""
    own, job = (place.ask("GET", "", job=job).headers.get("X-OAuth-Scopes") for job in (False, True))
    return own is not None and job is None, f"the owner's: {own}; the App's: {job}"


def ruleset_bypass(place: Place, _tip: str) -> tuple[bool, str]:
    """A ruleset that nobody may pass, as an App is told of it."""
    names = {"include": [f"refs/tags/live-{place.run}-guarded"], "exclude": []}
    wanted = {
        "name": f"live-{place.run}", "target": "tag", "enforcement": "active",
        "conditions": {"ref_name": names}, "rules": [{"type": "creation"}],
    }  # fmt: skip
    number = place.need("POST", "/rulesets", data=wanted)["id"]
    told = place.ask("GET", f"/rulesets/{number}", job=True)
    place.ask("DELETE", f"/rulesets/{number}")
    can = told.json.get("current_user_can_bypass") if told.status == 200 else f"answer {told.status}"
    actors = "bypass_actors" in told.json if told.status == 200 else None
    return can == "never", f"current_user_can_bypass: {can}; bypass_actors told: {actors}"


FACTS: tuple[tuple[str, str, Fact], ...] = (
    *BOTH,
    ("api-version", "X-GitHub-Api-Version: 2022-11-28 is taken", api_version),
    ("workflows", "a tag on a commit with other workflows than branches have needs workflows: write",
     workflows),
    ("tag-by-git", "a tag that an App pushes by Git starts `push: tags`", tag_by_git),
    ("tag-by-rest", "a tag that an App makes by POST git/refs starts `push: tags`", tag_by_rest),
    ("four-tags", "more than three tags in one push start nothing", four_tags),
    ("pushed-merge", "a head that is pushed to its base is merged as itself, and the activity tells before and after",
     pushed_merge),
    ("rebase-merge", "the activity tells before and after of a rebase", rebase_merge),
    ("labels", "an App makes labels; one in capitals answers 422 already_exists", labels),
    ("token-scopes", "X-OAuth-Scopes comes with a classic token, and not with an App's", token_scopes),
    ("ruleset-bypass", "a ruleset tells an App that may not pass it so", ruleset_bypass),
    ("renamed", "an old name answers GET with 301 and POST with 307", renamed),
)  # fmt: skip
