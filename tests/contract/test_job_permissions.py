"""What the jobs of our workflows and examples may do by GitHub's rules, against what their commands need."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.github_permissions import Granted, Permissions, StartupFailure, covers, jobs, of_a_fork
from tests.support.workflow_files import filled, load, uncommented

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs/permissions.md"
#: What a step of somebody else's needs of the job's own token. Those that are not here need nothing.
OTHERS: Mapping[str, Permissions] = {
    "actions/checkout": {"contents": "read"},
    "actions/attest-build-provenance": {"attestations": "write", "id-token": "write"},
    "actions/deploy-pages": {"id-token": "write", "pages": "write"},
    "aws-actions/configure-aws-credentials": {"id-token": "write"},  # with a role
    "pypa/gh-action-pypi-publish": {"id-token": "write"},  # PyPI's trusted publishing
}
#: What a script does with the job's own token, by its words.
SCRIPTS = {"git push --quiet --force origin": "contents", "$GITHUB_REPOSITORY/pulls": "pull-requests"}
OURS = ("tagline-dev/tagline@v1", "$/")
HERE = "org/this"
SAID = {"github.repository": HERE}


def documented() -> dict[str, Permissions]:
    """The table of docs/permissions.md: what each command, or each input that adds to it, needs on GitHub."""
    found: dict[str, Permissions] = {}
    for who, on_github, _ in re.findall(r"^\| (`[^|]*) \| ([^|]*) \| ([^|]*)\|$", TABLE.read_text(), re.MULTILINE):
        needed = dict(re.findall(r"`([\w-]+): (read|write)`", on_github))
        if "elsewhere" not in who and needed:
            found |= dict.fromkeys(re.findall(r"`([\w-]+)`", who), needed)
    return found


NEEDED = documented()


def needs(step: Mapping[str, Any], said: Mapping[str, Any]) -> Permissions:
    """What a step needs of the job's own token."""
    action, given = step.get("uses", ""), {key: str(value) for key, value in step.get("with", {}).items()}
    if action in OURS:
        command = filled(given["command"], said)
        if command == "pin":  # a change of its own repository, whatever it reads
            return NEEDED["pin"] if given.get("propose") else {}
        elsewhere = filled(given.get("repo", ""), said) not in ("", HERE)
        if elsewhere:
            return {}  # its repo-token's affair
        return NEEDED[command] | (NEEDED["deliver"] if filled(given.get("deliver", ""), said) else {})
    if "run" in step:
        return {scope: "write" for words, scope in SCRIPTS.items() if words in step["run"]}
    name = action.partition("@")[0]
    if name == "aws-actions/configure-aws-credentials" and not filled(given["role-to-assume"], said):
        return {}
    return OTHERS.get(name, {})


def workflows() -> Iterator[tuple[str, dict[Any, Any]]]:
    """Every file, and every workflow that a document shows and that is no file."""
    files = [
        *sorted((ROOT / ".github/workflows").glob("*.yml")),
        *sorted((ROOT / "docs/examples/github").glob("*.yml")),
    ]
    known = [load(path) for path in files]
    for path in files:
        if (text := uncommented(path.read_text())) != path.read_text():
            yield f"{path.parent.name}/{path.stem} with S3", yaml.safe_load(text)
    for path, document in zip(files, known, strict=True):
        # What is only called has the permissions of who calls it: it is looked at there.
        if set(document[True]) != {"workflow_call"}:
            yield f"{path.parent.name}/{path.stem}", document
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for text in re.findall(r"^```yaml\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE):
            block = yaml.safe_load(text) if "\njobs:" in text else None
            if block is not None and True in block and block not in known:
                yield path.name, block


WORKFLOWS = list(workflows())
each_workflow = pytest.mark.parametrize(
    "workflow", [each for _, each in WORKFLOWS], ids=[name for name, _ in WORKFLOWS]
)


def needed_by(*found: Granted) -> Permissions:
    """What the steps of some jobs need, all together."""
    total: Permissions = {}
    for scope, level in (each for job in found for step in job.steps for each in needs(step, job.said).items()):
        total[scope] = max(total.get(scope, "read"), level)  # "write" comes after "read"
    return total


def test_table__has_every_command_of_a_step() -> None:
    commands = set(re.findall(r"[\w-]+", load(ROOT / "action.yml")["inputs"]["command"]["description"]))
    assert commands & set(NEEDED) >= {"validate", "plan", "promote", "check-ref", "resolve", "fetch", "lineage"}
    assert NEEDED["page"] == OTHERS["actions/deploy-pages"]
    assert (NEEDED["deliver"], NEEDED["aws-role"]) == ({"actions": "write"}, {"id-token": "write"})


def test_workflows__examples_reusable_ones_and_those_of_documents__are_all_here() -> None:
    names = [name for name, _ in WORKFLOWS]
    assert {"github/promote", "github/company-deploy", "workflows/ci", "permissions.md", "self-managed.md"} <= set(
        names
    )
    called = {job.name for _, workflow in WORKFLOWS for job in jobs(workflow, SAID)}
    assert {"review/validate", "review/plan", "promote/promote", "model/deploy", "page/publish", "test/lint"} <= called


@each_workflow
def test_job__by_githubs_rules__may_do_what_its_steps_need_and_nothing_more(workflow: dict[Any, Any]) -> None:
    found = list(jobs(workflow, SAID))
    for job in found:
        assert covers(job.permissions, needed_by(job)), f"{job.name} needs {needed_by(job)}"
    for name, body in workflow["jobs"].items():  # a job that calls, for all those that are called
        needed = needed_by(*(job for job in found if job.name.partition("/")[0] == name))
        assert covers(needed, body.get("permissions", workflow["permissions"])), f"{name} needs no more than {needed}"


def test_review__for_a_fork__reads_what_it_needs_and_cannot_write() -> None:
    review = {job.name: job for job in jobs(load(ROOT / "docs/examples/github/review.yml"), SAID)}
    left = {name: of_a_fork(job.permissions) for name, job in review.items()}
    assert covers(left["review/validate"], needed_by(review["review/validate"]))
    needed = needed_by(review["review/plan"])
    assert covers(left["review/plan"], dict.fromkeys(needed, "read"))
    assert not covers(left["review/plan"], needed)


MORE = "is requesting 'contents: read', but is only allowed 'contents: none'"


@pytest.mark.parametrize(
    ("name", "left_out", "said"),
    [
        # What needs it is found to lack it ...
        ("promote", "actions", "promote/promote"),
        ("promote", "statuses", "promote/promote"),
        ("company-promote", "id-token", "promote/promote"),
        ("deploy", "contents", "model/deploy"),
        # ... and what asks for it by itself never starts.
        ("review", "contents", f"The nested job 'validate' {MORE}."),
    ],
)  # fmt: skip
def test_example__without_one_of_its_permissions__is_found(name: str, left_out: str, said: str) -> None:
    workflow = load(ROOT / f"docs/examples/github/{name}.yml")
    workflow["jobs"].pop("report", None)  # it has its own
    first = next(iter(workflow["jobs"].values()))
    del first["permissions"][left_out]
    try:
        found = [job.name for job in jobs(workflow, SAID) if not covers(job.permissions, needed_by(job))]
    except StartupFailure as failure:
        found = [str(failure)]
    assert found == [said]


# -- the rules themselves ----------------------------------------------------------------------------


STEPS = {"steps": [{"run": "true"}]}
CALL = "tagline-dev/tagline/.github/workflows/review.yml@v1"


@pytest.mark.parametrize(
    ("whole", "own", "granted"),
    [
        ({}, None, {}),
        ({"contents": "write"}, None, {"contents": "write"}),
        ({"contents": "write"}, {"issues": "read"}, {"issues": "read"}),  # what is not named is none
        ({"contents": "write"}, {}, {}),
        ({"contents": "write"}, {"contents": "none"}, {}),
        (None, None, {"contents": "read", "packages": "read"}),
    ],
)
def test_rule__own_permissions_take_the_place_of_the_workflows(whole: Any, own: Any, granted: Permissions) -> None:
    job = STEPS | ({} if own is None else {"permissions": own})
    workflow = {"jobs": {"a": job}} | ({} if whole is None else {"permissions": whole})
    (found,) = jobs(workflow)
    assert found.permissions == granted


def test_rule__all__is_every_scope() -> None:
    (found,) = jobs({"permissions": "read-all", "jobs": {"a": STEPS}})
    assert covers(found.permissions, {"contents": "read", "statuses": "read"})
    assert not covers(found.permissions, {"contents": "write"})


def test_rule__called_workflow__has_its_callers_permissions_or_less() -> None:
    given = {"contents": "write", "issues": "read"}
    found = {job.name: job.permissions for job in jobs({"permissions": {}, "jobs": {
        "r": {"permissions": given, "uses": CALL},
    }})}  # fmt: skip
    assert found == {"r/validate": {"contents": "read"}, "r/plan": given}


@pytest.mark.parametrize("given", [{}, {"issues": "write"}, {"contents": "none"}])
def test_rule__called_workflow__that_asks_for_more_starts_no_job(given: Permissions) -> None:
    with pytest.raises(StartupFailure, match="but is only allowed 'contents: none'"):
        list(jobs({"permissions": {}, "jobs": {"r": {"permissions": given, "uses": CALL}}}))
