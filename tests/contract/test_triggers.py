"""What starts each workflow and job that users copy, by GitHub's and GitLab's published rules."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.delivery.targets import by_rules, parse_rule
from tagline.domain.ledger.planning import Row
from tagline.domain.ledger.tags import EventKind, TagName, format_tag, parse_tag
from tests.contract.test_gitlab_components import COMPONENTS, document_of
from tests.domain.ledger.test_tags import tag_names
from tests.support.github_events import Happening, let_through, matches, starts
from tests.support.gitlab_rules import holds, runs
from tests.support.workflow_files import load

ROOT = Path(__file__).parents[2]
ON_GITHUB = {path.stem: load(path) for path in sorted((ROOT / "docs/examples/github").glob("*.yml"))}
ON_GITLAB = sorted((ROOT / "docs/examples/gitlab").glob("*.yml"))

# -- the rules themselves: GitHub's own examples -----------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "names", "others"),
    [
        ("feature/*", "feature/my-branch feature/your-branch", "feature/beta-a/my-branch feature"),
        ("feature/**", "feature/beta-a/my-branch feature/your-branch feature/mona/the/octocat", "feature"),
        ("releases/mona-the-octocat", "releases/mona-the-octocat", "releases/mona-the-octocats"),
        ("*", "main releases README.md server.rb", "all/the/branches docs/README.md"),
        ("**", "all/the/branches every/tag all/the/files.md", ""),
        ("*feature", "mona-feature feature ver-10-feature", "mona/feature features"),
        ("v2*", "v2 v2.0 v2.9", "v1 v2/x"),
        ("v[12].[0-9]+.[0-9]+", "v1.10.1 v2.0.0", "v3.0.0 v1.x.0 v1.0"),
        ("*.jsx?", "page.js page.jsx", "page.jsxx page.j js/page.js"),
        ("*.js", "app.js index.js", "js/index.js"),
        ("**.js", "index.js js/index.js src/js/app.js", "index.jsx"),
        ("docs/*", "docs/README.md docs/file.txt", "docs/mona/octocat.txt"),
        ("docs/**", "docs/README.md docs/mona/octocat.txt", "a/docs/README.md"),
        ("docs/**/*.md", "docs/README.md docs/mona/hello-world.md docs/a/markdown/file.md", "docs/README.txt"),
        ("**/docs/**", "docs/hello.md dir/docs/my-file.txt space/docs/plan/space.doc", "docs mydocs/hello.md"),
        ("**/README.md", "README.md js/README.md", "js/MYREADME.md"),
        ("**/*src/**", "a/src/app.js my-src/code/js/app.js", "a/source/app.js"),
        ("**/*-post.md", "my-post.md path/their-post.md", "my-post.txt"),
        ("**/migrate-*.sql", "migrate-10909.sql db/migrate-v1.0.sql db/sept/migrate-v1.sql", "db/migrate/x.sql"),
        ("[CB]at", "Cat Bat", "Rat CBat"),
        ("a\\*b", "a*b", "axb"),
    ],
)
def test_rule__pattern__matches_as_in_the_cheat_sheet(pattern: str, names: str, others: str) -> None:
    assert [name for name in names.split() if not matches(pattern, name)] == []
    assert [name for name in others.split() if matches(pattern, name)] == []


@pytest.mark.parametrize(
    ("patterns", "names", "others"),
    [
        (["*.md", "!README.md"], "hello.md", "README.md docs/hello.md"),
        (["*.md", "!README.md", "README*"], "hello.md README.md README.doc", "docs/hello.md"),
        (["!README.md"], "", "README.md hello.md"),
    ],
)
def test_rule__patterns__the_last_that_matches_decides(patterns: list[str], names: str, others: str) -> None:
    assert [name for name in names.split() if not let_through(patterns, name)] == []
    assert [name for name in others.split() if let_through(patterns, name)] == []


def branch(name: str, **more: Any) -> Happening:
    return Happening("push", f"refs/heads/{name}", **more)


def tag(name: str, **more: Any) -> Happening:
    return Happening("push", f"refs/tags/{name}", **more)


@pytest.mark.parametrize(
    ("on", "what", "runs"),
    [
        ("push", branch("a/b"), True),
        (["push"], tag("v1"), True),
        ({"push": None}, tag("v1"), True),
        ({"push": {"branches": ["main"]}}, tag("v1"), False),
        ({"push": {"branches": ["main"]}}, branch("main"), True),
        ({"push": {"branches": ["main"], "tags": ["v*"]}}, tag("v1"), True),
        ({"push": {"tags": ["v*"]}}, branch("v1"), False),
        ({"push": {"tags-ignore": ["v*"]}}, tag("v1"), False),
        ({"push": {"tags-ignore": ["v*"]}}, tag("x"), True),
        ({"push": {"branches-ignore": ["main"]}}, branch("main"), False),
        ({"push": {"branches-ignore": ["main"]}}, tag("v1"), False),
        ({"push": {"branches": ["main"], "paths": ["a/**"]}}, branch("main", paths=("b", "a/c")), True),
        ({"push": {"branches": ["main"], "paths": ["a/**"]}}, branch("main", paths=("b",)), False),
        ({"push": {"branches": ["main"], "paths": ["a/**"]}}, branch("other", paths=("a/c",)), False),
        ({"push": {"paths-ignore": ["*.md"]}}, branch("main", paths=("a.md",)), False),
        ({"push": {"paths-ignore": ["*.md"]}}, branch("main", paths=("a.md", "b")), True),
        ({"push": {"paths": ["a/**"]}}, tag("v1"), True),
        ("push", tag("v1", tags=3), True),
        ("push", tag("v1", tags=4), False),
        ("push", tag("v1", by_a_job=True), False),
        ("workflow_dispatch", Happening("workflow_dispatch", by_a_job=True), True),
        ("push", branch("main", message="Fix [skip ci]"), False),
        ("pull_request", Happening("pull_request", "refs/heads/main", "opened"), True),
        ("pull_request", Happening("pull_request", "refs/heads/main", "labeled"), False),
        ({"pull_request": {"types": ["labeled"]}}, Happening("pull_request", "refs/heads/main", "labeled"), True),
        ({"pull_request": {"branches": ["main"]}}, Happening("pull_request", "refs/heads/next", "opened"), False),
        ("schedule", Happening("schedule"), True),
        ("schedule", Happening("schedule", on_default_branch=False), False),
        ("push", Happening("schedule"), False),
    ],
)  # fmt: skip
def test_rule__event__by_its_filters(on: Any, what: Happening, runs: bool) -> None:
    assert starts({True: on}, what) is runs


# -- the examples on GitHub --------------------------------------------------------------------------

#: Each form of tag, and what it does by the grammar.
TAGS = (
    "churn#prod#3", "churn#prod", "churn#prod!#4", "churn#prod!", "churn#prod/eu#4", "churn#staging#3", "churn@v1.0.0",
    "churn@v1.0.0-rc.1+b.2", "churn@v1.0.0#4", "churn@v1.0.0!", "churn@v1.0.0!#5", "churn@deprecated",
    "risk/eu=churn#prod#3", "risk/eu=churn#prod!#4", "risk/eu=churn@v1.0.0", "risk/eu=churn@v1.0.0!",
    "dir=sub/churn#prod#3", "v1.0.0", "nightly", "team@home", "prod#1",
)  # fmt: skip


def gives_prod(name: str) -> bool:
    """Whether a tag assigns prod in the form that Tagline writes: with a counter."""
    found = parse_tag(name)
    return found is not None and found[1:4] == (EventKind.ASSIGNMENT, None, "prod") and found.counter is not None


def registers(name: str) -> bool:
    found = parse_tag(name)
    return found is not None and found.kind is EventKind.REGISTRATION


#: Tags of any kind, of which many are prod's.
ANY_TAG = st.one_of(tag_names(), tag_names().map(lambda one: one._replace(stage="prod") if one.stage else one))
#: What a push of a tag is to start, by a person or an App.
WANTED = {"deploy": gives_prod, "company-deploy": gives_prod, "record": registers}


@pytest.mark.parametrize("name", TAGS)
@pytest.mark.parametrize("workflow", ON_GITHUB)
def test_github__tag__starts_what_it_is_for_and_nothing_else(workflow: str, name: str) -> None:
    wanted = workflow in WANTED and WANTED[workflow](name)
    assert starts(ON_GITHUB[workflow], tag(name)) is wanted
    # The workflow's own token starts nothing: promote delivers by hand.
    assert not starts(ON_GITHUB[workflow], tag(name, by_a_job=True))
    assert not starts(ON_GITHUB[workflow], tag(name, tags=4))


@pytest.mark.parametrize("workflow", WANTED)
@given(written=ANY_TAG)
def test_github__any_tag__starts_what_it_is_for(workflow: str, written: TagName) -> None:
    name = format_tag(written)
    assert starts(ON_GITHUB[workflow], tag(name)) is WANTED[workflow](name)


REVIEWED = (
    "opened",
    "reopened",
    "edited",
    "synchronize",
    "ready_for_review",
    "converted_to_draft",
    "labeled",
    "unlabeled",
)
EVENTS: list[tuple[Happening, set[str]]] = [
    (branch("main"), {"promote", "company-promote"}),
    (branch("main", message="Merge #7 [skip ci]"), set()),
    (branch("topic"), set()),
    (branch("churn#prod#3"), set()),
    (branch("gh-readonly-queue/main/pr-7"), set()),
    *((Happening("pull_request", "refs/heads/main", of), {"review", "company-review"}) for of in REVIEWED),
    (Happening("pull_request", "refs/heads/next", "opened"), {"review", "company-review"}),
    (Happening("pull_request", "refs/heads/main", "closed"), set()),
    (Happening("pull_request_review", type="submitted"), {"review", "company-review"}),
    (Happening("pull_request_review", type="dismissed"), {"review", "company-review"}),
    (Happening("pull_request_review", type="edited"), set()),
    (Happening("merge_group", type="checks_requested"), {"review", "company-review"}),
    (
        Happening("schedule"),
        {"review", "company-review", "promote", "company-promote", "reuse", "gitops", "index", "page", "update-models"},
    ),
    (branch("main", paths=("tagline.lock",)), {"promote", "company-promote", "update-models"}),
    (Happening("schedule", on_default_branch=False), set()),
    # What deliver does with the job's own token.
    (Happening("workflow_dispatch", "refs/tags/churn#prod#3", by_a_job=True), {*ON_GITHUB} - {"company-deploy"}),
]


@pytest.mark.parametrize(("what", "started"), EVENTS, ids=lambda each: each.name if isinstance(each, Happening) else "")
def test_github__event__starts_these_examples(what: Happening, started: set[str]) -> None:
    assert {name for name, workflow in ON_GITHUB.items() if starts(workflow, what)} == started


@pytest.mark.parametrize(
    ("what", "started"),
    [
        (branch("main"), {"ci"}),
        (branch("topic"), set()),
        (tag("v1.0.0"), set()),
        (Happening("pull_request", "refs/heads/main", "opened"), {"ci"}),
        (Happening("merge_group", type="checks_requested"), {"ci"}),
        (Happening("workflow_dispatch", "refs/heads/main"), {"release"}),
        (Happening("schedule"), set()),
    ],
)
def test_github__our_own_workflows__and_no_reusable_one_by_itself(what: Happening, started: set[str]) -> None:
    own = {path.stem: load(path) for path in (ROOT / ".github/workflows").glob("*.yml")}
    assert {name for name, workflow in own.items() if starts(workflow, what)} == started


def test_github__delivered_workflow__is_started_on_the_tags_that_a_push_would_start_it_on() -> None:
    (job,) = ON_GITHUB["promote"]["jobs"].values()
    rules = [parse_rule(line) for line in job["with"]["deliver"].splitlines()]
    for name in TAGS:
        if written := parse_tag(name):
            row = Row(name, "c", written.artifact, written.kind, written.version, written.stage, created=True)
            wanted = ["deploy.yml"] if starts(ON_GITHUB["deploy"], tag(name)) else []
            assert [target.key for target in by_rules(rules, row)] == wanted


# -- the examples and components on GitLab -----------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "variables", "held"),
    [
        ("$A", {"A": "x"}, True),
        ("$A", {"A": ""}, False),
        ("$A", {}, False),
        ("$A == null", {}, True),
        ('$A == ""', {}, False),
        ('$A == "x" && $B != "y"', {"A": "x"}, True),
        ('$A == "x" || $B == "y" && $C', {"A": "x"}, True),
        ('($A == "x" || $B == "y") && $C', {"A": "x"}, False),
        (r"$A =~ /^v\d+\/x/", {"A": "v12/xyz"}, True),
        (r"$A =~ /\d/", {}, False),
        (r"$A !~ /\d/", {}, True),
    ],
)  # fmt: skip
def test_rule__condition_of_gitlab(condition: str, variables: dict[str, str], held: bool) -> None:
    assert holds(condition, variables) is held


def pipeline(source: str, **more: str) -> dict[str, str]:
    return {"CI_PIPELINE_SOURCE": source, "CI_DEFAULT_BRANCH": "main", **more}


def on_tag(name: str) -> dict[str, str]:
    return pipeline("push", CI_COMMIT_TAG=name)


PIPELINES = {
    "a merge": pipeline("push", CI_COMMIT_BRANCH="main"),
    "a branch": pipeline("push", CI_COMMIT_BRANCH="topic"),
    "a merge request": pipeline("merge_request_event"),
    "a schedule": pipeline("schedule", CI_COMMIT_BRANCH="main"),
    "a schedule of a branch": pipeline("schedule", CI_COMMIT_BRANCH="topic"),
    "a child pipeline": pipeline("parent_pipeline", CI_COMMIT_BRANCH="main"),
    "another project": pipeline("pipeline", CI_COMMIT_BRANCH="main"),
}


@pytest.mark.parametrize(
    ("of", "started"),
    [
        ("a merge", {"validate", "promote", "labels-sync"}),  # the last where policy or manifests change
        ("a branch", set()),
        ("a merge request", {"validate", "plan"}),
        ("a schedule", {"plan", "promote", "pin"}),
        ("a schedule of a branch", {"plan"}),
        ("a child pipeline", set()),
        ("another project", set()),
    ],
)
def test_gitlab__components__by_their_own_rules(of: str, started: set[str]) -> None:
    assert {name for name, each in COMPONENTS.items() if runs(each.job(), PIPELINES[of])} == started


@pytest.mark.parametrize("name", TAGS)
def test_gitlab__components__of_a_tag_that_starts_them(name: str) -> None:
    found = {each for each, component in COMPONENTS.items() if runs(component.job(), on_tag(name))}
    written, counted = parse_tag(name), re.search(r"[^!]#\d+$", name) is not None
    assert found == {"check-ref"} | ({"resolve", "fetch", "lineage", "deployed"} if counted else set())
    # Of those that Tagline writes, all that give a stage are among them, and none that take something away.
    if written is not None and written.counter is not None:
        assert counted is (written.kind in (EventKind.ASSIGNMENT, EventKind.REGISTRATION))


@functools.cache
def jobs_of(path: Path) -> dict[str, dict[str, Any]]:
    """The jobs of an example, those of its components among them."""
    document = document_of(path)
    found = {name: body for name, body in document.items() if name != "include"}
    for each in document["include"]:
        component = COMPONENTS[each["component"].rpartition("/")[2].partition("@")[0]]
        found |= component.rendered(**each.get("inputs", {}))
    return found


#: Job to what starts it: tags that say so, else these pipelines.
JOBS = {
    "announce.yml": {"announce": lambda _: True, "tagline-check-ref": lambda _: True},
    "deploy.yml": dict.fromkeys(("deploy", "tagline-fetch", "tagline-deployed", "tagline-deployed-failed"), gives_prod),
    "record.yml": {"tagline-lineage": registers, "tagline-bom": registers},
    "labels.yml": {"tagline-labels-sync": lambda _: False},
    "propose.yml": {"tagline-propose": lambda _: False},
    "promote.yml": {"tagline-promote": lambda _: False},
    "doctor.yml": {"tagline-doctor": lambda _: False},
    "review.yml": {"tagline-validate": lambda _: False, "tagline-plan": lambda _: False},
}


#: Another project's, which no tag of the registry starts.
ELSEWHERE = ("gitops.yml", "index.yml", "page.yml", "reuse.yml", "update-models.yml")


@pytest.mark.parametrize("path", [path for path in ON_GITLAB if path.name not in ELSEWHERE], ids=lambda path: path.stem)
def test_gitlab__examples__a_tag_starts_what_it_is_for(path: Path) -> None:
    found, wanted = jobs_of(path), JOBS[path.name]
    assert set(found) == set(wanted)
    for name in TAGS:
        started = {job for job, body in found.items() if runs(body, on_tag(name))}
        assert started == {job for job, says in wanted.items() if says(name)}, name
    if path.stem not in ("doctor", "labels", "promote", "review"):
        assert not [job for job, body in found.items() for each in PIPELINES.values() if runs(body, each)]


@pytest.mark.parametrize(
    ("variables", "starts"),
    [
        ({"TAGLINE_PROPOSE_ARTIFACT": "churn"}, True),
        ({"TAGLINE_PROPOSE_ARTIFACT": "-"}, False),
        ({}, False),
        ({"TAGLINE_PROPOSE_ARTIFACT": "churn", "CI_COMMIT_BRANCH": "topic"}, False),
        ({"TAGLINE_PROPOSE_ARTIFACT": "churn", "CI_PIPELINE_SOURCE": "push"}, False),
    ],
)
def test_gitlab__form__starts_a_request_where_it_was_filled_in(variables: dict[str, str], starts: bool) -> None:
    """Rules see the variables of their job, and those of a link's form in their place."""
    (job,) = jobs_of(ROOT / "docs/examples/gitlab/propose.yml").values()
    assert runs(job, {**job["variables"], **pipeline("web", CI_COMMIT_BRANCH="main"), **variables}) is starts


@given(written=ANY_TAG)
def test_gitlab__any_tag__starts_deployments_and_records_of_what_they_are_for(written: TagName) -> None:
    name = format_tag(written)
    for file, says in (("deploy.yml", gives_prod), ("record.yml", registers)):
        found = jobs_of(ROOT / "docs/examples/gitlab" / file)
        assert {job for job, body in found.items() if runs(body, on_tag(name))} == (set(found) if says(name) else set())
