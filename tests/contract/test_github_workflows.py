"""The workflows: sound by the tools that know GitHub's rules, and in step with action.yml and with each other."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tagline_localforge import LocalForge, Repository, serve
from tests.support.gitbuild import environment, run_git
from tests.support.workflow_files import EXPRESSION, evaluate, filled, load, without_queue

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
EXAMPLES = sorted((ROOT / "docs/examples/github").glob("*.yml"))
REUSABLE = ("review", "promote", "deploy", "index", "page")
OURS = "tagline-dev/tagline"
TOOLS = Path(sys.executable).parent


def called(name: str) -> dict[str, Any]:
    """What a reusable workflow declares. YAML 1.1 reads ``on`` as true."""
    declared = load(ROOT / f".github/workflows/{name}.yml")[True]["workflow_call"]
    assert isinstance(declared, dict)
    return declared


ACTION = load(ROOT / "action.yml")


class Job(NamedTuple):
    """A job, and where it stands."""

    file: Path
    id: str
    body: Mapping[str, Any]

    @property
    def steps(self) -> list[dict[str, Any]]:
        return list(self.body.get("steps", ()))

    def __str__(self) -> str:
        return f"{self.file.parent.name}/{self.file.stem}:{self.id}"


JOBS = [Job(path, name, body) for path in (*WORKFLOWS, *EXAMPLES) for name, body in load(path)["jobs"].items()]
jobs = pytest.mark.parametrize("job", JOBS, ids=str)
files = pytest.mark.parametrize("path", [*WORKFLOWS, *EXAMPLES], ids=lambda path: f"{path.parent.name}/{path.stem}")


def tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(TOOLS / name), *map(str, arguments)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GH_", "ZIZMOR_"))}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environ)


def zizmor(persona: str, *paths: str | Path) -> None:
    config = ROOT / ".github/zizmor.yml"
    # Strict: a file that it cannot read is a failure, not a warning.
    said = tool(
        "zizmor",
        "--offline",
        "--no-progress",
        "--strict-collection",
        f"--persona={persona}",
        "--config",
        config,
        *paths,
    )
    assert said.returncode == 0, said.stdout + said.stderr


def test_zizmor__our_workflows__nothing_by_its_strictest_persona() -> None:
    zizmor("auditor", *WORKFLOWS, ".github/dependabot.yml", "action.yml")


def test_zizmor__examples__nothing() -> None:
    zizmor("regular", *EXAMPLES)


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("github-workflows", [*WORKFLOWS, *EXAMPLES]),
        ("github-actions", [ROOT / "action.yml"]),
        ("dependabot", [ROOT / ".github/dependabot.yml"]),
    ],
)
def test_schema__every_file__valid(schema: str, paths: list[Path]) -> None:
    said = tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *paths)
    assert said.returncode == 0, said.stdout


@pytest.fixture
def older_github(tmp_path: Path) -> Path:
    """The schema of workflows as Enterprise Server up to 3.19 has it: without ``queue``."""
    import check_jsonschema

    vendored = Path(check_jsonschema.__file__).parent / "builtin_schemas/vendor/github-workflows.json"
    schema = json.loads(vendored.read_text())
    del schema["definitions"]["concurrency"]["properties"]["queue"]
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    return tmp_path / "schema.json"


def test_enterprise_server__reusable_workflows_and_its_own_example__valid(older_github: Path) -> None:
    """There they are copied and used as they are."""
    section = (ROOT / "docs/self-managed.md").read_text().partition("## GitHub Enterprise Server\n")[2]
    shown = section.partition("\n## ")[0].partition("```yaml\n")[2].partition("```")[0]
    (older_github.parent / "shown.yml").write_text(shown)
    files = [older_github.parent / "shown.yml", *(ROOT / f".github/workflows/{name}.yml" for name in REUSABLE)]
    said = tool("check-jsonschema", "--schemafile", older_github, *files)
    assert said.returncode == 0, said.stdout


def test_enterprise_server__examples__valid_without_one_line(older_github: Path) -> None:
    for path in EXAMPLES:
        text, kept = path.read_text(), older_github.with_name(path.name)
        kept.write_text(without_queue(text))
        assert len(text.splitlines()) - len(kept.read_text().splitlines()) == text.count("queue: max")
    said = tool("check-jsonschema", "--schemafile", older_github, *sorted(older_github.parent.glob("*.yml")))
    assert said.returncode == 0, said.stdout
    assert tool("check-jsonschema", "--schemafile", older_github, EXAMPLES[0]).returncode == 1, "it knows no queue"


def test_enterprise_server__docs__let_nobody_use_reusable_workflows_of_github_com() -> None:
    """Source: https://docs.github.com/en/enterprise-server@3.19/actions/reference/reusable-workflows-reference"""
    said = " ".join((ROOT / "docs/self-managed.md").read_text().split())
    assert "You cannot directly use reusable workflows defined on GitHub.com." in said
    assert "With GitHub Connect, workflows use" not in said


def script(workflow: str, job: str, step: str) -> str:
    """What a step runs."""
    steps = load(ROOT / f".github/workflows/{workflow}.yml")["jobs"][job]["steps"]
    (found,) = (each["run"] for each in steps if each.get("name") == step)
    return str(found)


@files
def test_permissions__whole_workflow__none(path: Path) -> None:
    """A job says itself what it needs. Reusable ones leave it to their caller: no input can change the set."""
    document = load(path)
    if path.parent.name == "workflows" and path.stem in REUSABLE:
        assert "permissions" not in document
    else:
        assert document["permissions"] == {}
        assert all("permissions" in job for job in document["jobs"].values())


def test_permissions__reusable__no_job_has_both_a_checkout_and_its_callers_token() -> None:
    for job in (job for job in JOBS if job.file in WORKFLOWS and job.file.stem in REUSABLE):
        checks_out = any(step.get("uses", "").startswith("actions/checkout@") for step in job.steps)
        assert job.body.get("permissions") == ({"contents": "read"} if checks_out else None), str(job)
        assert not checks_out or "secrets." not in str(job.body), str(job)


@jobs
def test_checkout__everywhere__leaves_no_credentials(job: Job) -> None:
    for step in job.steps:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@jobs
def test_run__every_script__has_no_expression(job: Job) -> None:
    """What GitHub puts into a script is code; what it puts into the environment is data."""
    for step in job.steps:
        assert not EXPRESSION.search(step.get("run", "")), step


@jobs
def test_job__every_one__has_an_end(job: Job) -> None:
    assert "timeout-minutes" in job.body or "uses" in job.body


@jobs
def test_secrets__every_call__names_each(job: Job) -> None:
    assert job.body.get("secrets", {}) != "inherit"


def uses(path: Path) -> Iterator[tuple[str, str, str]]:
    for line in path.read_text().splitlines():
        if match := re.fullmatch(r"\s+(?:- )?uses: ([^@\s]+)@(\S+)(?: # (v\S+))?(?: .*)?", line):
            yield match[1], match[2], match[3] or ""


def test_uses__foreign_actions__one_commit_each_with_its_version() -> None:
    found = {use for path in (*WORKFLOWS, *EXAMPLES) for use in uses(path) if not use[0].startswith(OURS)}
    assert len(found) > 5
    for _, commit, version in found:
        assert re.fullmatch("[0-9a-f]{40}", commit)
        assert re.fullmatch(r"v\d+\.\d+\.\d+", version)
    assert len({name for name, _, _ in found}) == len(found)


def action_steps(job: Job) -> list[dict[str, Any]]:
    return [step for step in job.steps if step.get("uses", "").partition("@")[0] in (OURS, "$/")]


@jobs
def test_action__every_step__gives_inputs_and_takes_outputs_that_are_there(job: Job) -> None:
    ids = set()
    for step in action_steps(job):
        assert set(step["with"]) <= set(ACTION["inputs"]), step
        ids.add(step.get("id"))
    for step, output in re.findall(r"steps\.([\w-]+)\.outputs\.([\w-]+)", str(job.body)):
        assert step in {each.get("id") for each in job.steps}
        assert step not in ids or output in ACTION["outputs"], output


def test_deploy__its_outputs__all_that_fetch_and_check_ref_say() -> None:
    others = {"verdict", "tags", "comment-url"}  # of changes
    assert set(called("deploy")["outputs"]) == set(ACTION["outputs"]) - others | {"deploy"}


@pytest.mark.parametrize("name", REUSABLE)
def test_reusable__what_it_declares__is_described_and_used(name: str) -> None:
    declared, text = called(name), (ROOT / f".github/workflows/{name}.yml").read_text()
    for kind in ("inputs", "secrets"):
        for key, of_it in declared[kind].items():
            assert of_it["description"].endswith(".")
            assert f"{kind}.{key}" in text, key
    assert all(each["type"] in ("string", "boolean", "number") for each in declared["inputs"].values())
    assert all(each["description"] for each in declared["outputs"].values())


def test_reusable__inputs_of_the_same_name__mean_the_same() -> None:
    review, promote = called("review")["inputs"], called("promote")["inputs"]
    shared = (set(review) & set(promote)) - {"change"}
    assert {"app-client-id", "identity", "aws-role", "runner"} <= shared
    assert {name: review[name] for name in shared} == {name: promote[name] for name in shared}


@pytest.mark.parametrize("job", [job for job in JOBS if job.body.get("uses", "").startswith(OURS)], ids=str)
def test_example__calls_a_reusable_workflow__with_what_it_declares(job: Job) -> None:
    name = Path(job.body["uses"].partition("@")[0]).stem
    declared, given = called(name), job.body.get("with", {})
    assert job.body["uses"] == f"{OURS}/.github/workflows/{name}.yml@v1"
    assert set(given) <= set(declared["inputs"])
    assert set(job.body.get("secrets", {})) <= set(declared["secrets"])
    taken = re.findall(rf"needs\.{job.id}\.outputs\.([\w-]+)", job.file.read_text())
    assert set(taken) <= set(declared["outputs"])


#: GitHub's words for the permissions of an App, where they are not the key's.
APP_WORDS = {"statuses": "Commit statuses"}


def app_permissions(name: str, said: Mapping[str, Any]) -> dict[str, str]:
    """What a reusable workflow asks for in an App's name."""
    (job,) = (job for job in JOBS if job.file.stem == name and job.file in WORKFLOWS and job.id == name)
    (step,) = (step for step in job.steps if "create-github-app-token@" in step.get("uses", ""))
    asked = {key.removeprefix("permission-"): filled(value, said) for key, value in step["with"].items()}
    return {key: value for key, value in asked.items() if key not in step["with"] and value}


def test_app__asked_for_by_promote__is_all_that_the_docs_give_it_and_writes_workflows() -> None:
    """Or a rollback past an edit of a workflow is refused: a tag on an older commit brings its workflows back."""
    given = {"inputs.app-reads-teams": True, "inputs.app-writes-workflows": True}
    asked = app_permissions("promote", given)
    assert asked["workflows"] == "write"
    assert "workflows" not in app_permissions("promote", {**given, "inputs.app-writes-workflows": False})
    assert "actions" not in app_permissions("promote", given)
    for says in ({"inputs.app-starts-workflows": True}, {"inputs.deliver": "deploy.yml"}):
        assert app_permissions("promote", {**given, **says})["actions"] == "write"
    recipe = (ROOT / "docs/permissions.md").read_text().partition("### With an App\n")[2].partition("###")[0]
    named = {key: APP_WORDS.get(key, key.replace("-", " ").capitalize()) for key in asked}
    for key, level in asked.items():
        assert f"*{named[key]}: {level}*" in " ".join(recipe.split()), key


def event(name: str, source: str = "", by: str = "bob", **more: Any) -> dict[str, Any]:
    """What expressions see; ``source``: whose branch a pull request is of."""
    said: dict[str, Any] = {"github.event_name": name, "github.repository": "org/shop", "github.ref": "refs/x", **more}
    if source:
        pull = "github.event.pull_request"
        said |= {f"{pull}.number": 7, f"{pull}.head.repo.full_name": source, f"{pull}.user.login": by}
    return said


REVIEW = load(ROOT / ".github/workflows/review.yml")["jobs"]
COMPANY = {"inputs.aws-region": "eu-central-1", "inputs.app-client-id": "Iv1"}


def test_review__validate__has_the_tags() -> None:
    """Without them a change that deletes every manifest is sound."""
    (checkout,) = (step for step in REVIEW["validate"]["steps"] if step["uses"].startswith("actions/checkout@"))
    assert checkout["with"]["fetch-depth"] == 0


def test_review__required_check__skipped_by_no_event_of_an_example_but_the_schedule() -> None:
    """A skipped job counts as passed."""
    names = {name for path in EXAMPLES if path.stem.endswith("review") for name in load(path)[True]}
    assert {"pull_request", "pull_request_review", "merge_group", "workflow_dispatch"} <= names
    for name in names:
        assert evaluate(REVIEW["validate"]["if"], event(name)) is (name != "schedule"), name


def test_review__pull_request_target__documented_in_a_file_of_its_own_under_another_name() -> None:
    """There validate is left out, and must not be taken for the required one."""
    assert not evaluate(REVIEW["validate"]["if"], event("pull_request_target"))
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/permissions.md").read_text(), re.DOTALL)
    (shown,) = (yaml.safe_load(block) for block in blocks if "pull_request_target" in block)
    assert set(shown[True]) == {"pull_request_target"}
    assert set(shown["jobs"]).isdisjoint(
        name for path in EXAMPLES if path.stem.endswith("review") for name in load(path)["jobs"]
    )
    example = load(ROOT / "docs/examples/github/review.yml")
    assert shown[True]["pull_request_target"] == example[True]["pull_request"]


@pytest.mark.parametrize(
    ("said", "runs"),
    [
        (event("pull_request", "org/shop"), True),
        (event("pull_request", "Mallory/shop"), False),
        (event("pull_request_review", "mallory/shop"), False),
        (event("pull_request", "org/shop", by="dependabot[bot]"), False),
        (event("pull_request_target", "mallory/shop"), True),
        (event("schedule"), True),
        (event("workflow_dispatch"), True),
        (event("merge_group"), True),
        # A repository that is itself a fork: its own branches are its own.
        (event("pull_request", "org/shop", **{"github.event.pull_request.head.repo.fork": True}), True),
    ],
)
def test_review__plan__left_out_only_where_its_secrets_are_not_there(said: dict[str, Any], runs: bool) -> None:
    assert bool(evaluate(REVIEW["plan"]["if"], {**said, **COMPANY})) is runs
    assert evaluate(REVIEW["plan"]["if"], said)


def test_review__plan__is_dropped_by_no_run_that_may_not_write() -> None:
    def group(said: Mapping[str, Any]) -> str:
        return filled(REVIEW["plan"]["concurrency"]["group"], said)

    theirs = event("pull_request", "mallory/shop")
    by_hand = event("workflow_dispatch", **{"inputs.change": "7"})
    writing = [
        by_hand,
        event("pull_request", "org/shop"),
        event("pull_request_review", "org/shop"),
        event("pull_request_target", "mallory/shop"),
    ]
    assert {group(each) for each in writing} == {"tagline-plan-7-writes"}
    assert group(theirs) == "tagline-plan-7-pull_request"
    assert group(event("pull_request", "org/shop", by="dependabot[bot]")) == "tagline-plan-7-pull_request"
    assert group(event("schedule")) == "tagline-plan-refs/x-writes"


def test_promote__its_runs__wait_for_one_another() -> None:
    (job,) = load(ROOT / ".github/workflows/promote.yml")["jobs"].values()
    assert job["concurrency"] == {"group": "tagline-promote", "cancel-in-progress": False}


def test_example__deploy__also_for_artifacts_in_directories() -> None:
    """``*`` stops at a slash, and ``dir:NAME`` is ``dir=NAME`` or ``dir/sub=NAME`` in a tag."""
    for path in (path for path in EXAMPLES if path.stem.endswith("deploy")):
        assert load(path)[True]["push"] == {"tags": ["**#prod#*"]}


@pytest.mark.parametrize("name", ["deploy", "company-deploy"])
def test_example__ship__one_after_the_other_and_asks_right_before(name: str) -> None:
    ship = load(ROOT / f"docs/examples/github/{name}.yml")["jobs"]["ship"]
    group = ship["concurrency"]["group"]
    # A model's run waits for no other model's.
    assert {"name", "stage"} == set(re.findall(r"needs\.model\.outputs\.(\w+)", group))
    # None that waits is cancelled: one of them may be of the tag that holds the stage.
    assert ship["concurrency"].items() >= {"cancel-in-progress": False, "queue": "max"}.items()
    *_, ask, deployment = ship["steps"]
    assert ask["with"] == {"command": "check-ref", "repo": "${{ github.repository }}"}
    assert deployment["if"] == f"steps.{ask['id']}.outputs.current == 'true'"
    assert ship["permissions"] == {"contents": "read"}
    assert not any("checkout" in step.get("uses", "") for step in ship["steps"])


@pytest.mark.parametrize(
    ("outcome", "before", "superseded", "deploys"),
    [
        ("success", "false", "false", True),
        ("success", "false", "true", False),  # overtaken between the question and the bytes
        ("skipped", "true", "", False),  # overtaken before
        ("skipped", "false", "", False),
        ("failure", "false", "", False),
    ],
)
def test_deploy__its_answer__by_the_registry_as_it_is_with_the_bytes(
    outcome: str, before: str, superseded: str, deploys: bool
) -> None:
    (job,) = load(ROOT / ".github/workflows/deploy.yml")["jobs"].values()
    said = {
        "steps.model.outcome": outcome, "steps.ask.outputs.superseded": before,
        "steps.model.outputs.superseded": superseded,
    }  # fmt: skip
    assert filled(job["outputs"]["deploy"], said) == str(deploys)
    assert filled(job["outputs"]["superseded"], said) == str("true" in (before, superseded))
    upload = next(step for step in job["steps"] if "upload-artifact" in step.get("uses", ""))
    if outcome != "failure":  # then no later step runs
        assert bool(evaluate(upload["if"], {**said, "inputs.artifact-name": "model"})) is deploys


@pytest.mark.parametrize(
    ("repo", "said"),
    [
        ("org/shop", "owner=org\nname=shop\n"),
        ("o-r.g/s_h", "owner=o-r.g\nname=s_h\n"),
        *((odd, None) for odd in ("shop", "a/b/c", "/b", "a/", "https://h/a/b", "a/b\nname=other", "a/$(b)")),
    ],
)
def test_deploy__app_and_repo__named_by_owner_and_name(tmp_path: Path, repo: str, said: str | None) -> None:
    step = script("deploy", "deploy", "Whose token")
    environ = {**os.environ, "REPO": repo, "GITHUB_OUTPUT": str(tmp_path / "output")}
    code = subprocess.run(["bash", "-ec", step], env=environ, capture_output=True, check=False).returncode
    assert code == (1 if said is None else 0)
    assert said is None or (tmp_path / "output").read_text() == said


@pytest.mark.parametrize(
    ("target", "event", "current", "policy", "go"),
    [
        ("", "assignment", "true", "skip", "true"),
        ("", "registration", "true", "skip", "true"),
        ("", "assignment", "false", "skip", "superseded"),
        ("", "assignment", "false", "fail", "true"),  # the next step says why, and fails
        ("", "assignment", "false", "run", "true"),
        ("", "unassignment", "true", "run", "false"),
        ("", "deprecation", "false", "fail", "false"),
        ("", "", "", "skip", "false"),
        ("churn#prod", "", "", "skip", "true"),
    ],
)
def test_deploy__what_the_tag_did__decides(
    tmp_path: Path, target: str, event: str, current: str, policy: str, go: str
) -> None:
    step = script("deploy", "deploy", "Whether there is anything to hand over")
    given = {"TARGET": target, "EVENT": event, "CURRENT": current, "IF_SUPERSEDED": policy}
    given["GITHUB_OUTPUT"] = str(tmp_path / "output")
    subprocess.run(["bash", "-ec", step], env={**os.environ, **given}, capture_output=True, check=True)
    goes, overtaken = str(go == "true").lower(), str(go == "superseded").lower()
    assert (tmp_path / "output").read_text() == f"go={goes}\nsuperseded={overtaken}\n"


# The release


RELEASE = ROOT / ".github/workflows/release.yml"
#: The jobs that publish, and the environment that each names: "main only", with reviewers.
PUBLISHING = {
    "image": "ghcr", "index": "ghcr", "pypi": "pypi", "tag": "release", "image-tags": "ghcr", "gitlab": "gitlab",
}  # fmt: skip


def test_release__all_that_publishes__waits_for_the_reviewers() -> None:
    jobs = load(RELEASE)["jobs"]
    assert jobs["gate"]["environment"] == "release"
    assert set(jobs["gate"]["needs"]) == {"check", "test", "package"}
    named = {name: job["environment"] for name, job in jobs.items() if "environment" in job and name != "gate"}
    assert named == PUBLISHING
    assert all("gate" in jobs[name]["needs"] for name in PUBLISHING)


def test_release__edited_on_a_branch__has_nothing_to_publish_with() -> None:
    """A job without an environment gets the run's own token, which writes nothing that people use.

    What publishes is a secret of the environment, or PyPI's trust in it: neither comes to a run of another branch.
    """
    for name, job in load(RELEASE)["jobs"].items():
        writes = {key for key, value in job["permissions"].items() if value == "write"}
        # Whoever verifies a provenance names main: anybody's run may sign one of their own branch.
        assert writes <= {"id-token", "attestations"}, name
        assert not writes or name in PUBLISHING, name
        assert "secrets" not in job, name
        used = set(re.findall(r"secrets\.(\w+)", str(job)))
        assert len(used) <= 1, name
        assert not used or name in PUBLISHING, name
        assert "github.token" not in str(job), name


def test_release__header_and_docs__say_what_each_environment_must_be() -> None:
    header = RELEASE.read_text().partition("\nname:")[0]
    model = (ROOT / "docs/security.md").read_text()
    secrets = {"GHCR_TOKEN", "RELEASE_TOKEN", "GITLAB_MIRROR_TOKEN"}
    assert set(re.findall(r"secrets\.(\w+)", RELEASE.read_text())) == secrets
    for text in (header, model):
        assert "main" in text
        assert "reviewers" in text
        for name in {*PUBLISHING.values(), *secrets}:
            assert f"`{name}`" in text, name


def test_provenance__everywhere_that_it_is_verified__by_the_release_of_main() -> None:
    """Any workflow of any branch can sign for the repository: who is asked for names the file and the branch."""
    texts = {path: path.read_text() for path in (ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md")))}
    ours = {
        path.name: re.sub(r"\\\n\s*", "", command)
        for path, text in texts.items()
        for command in re.findall(r"gh attestation verify (?:\\\n|[^\n`])*", text)
        if "OWNER/NAME" not in command and "--" in command
    }
    assert set(ours) >= {"SECURITY.md", "security.md", "self-managed.md"}
    for name, command in ours.items():
        assert f"--repo {OURS} " in command, name
        assert f"--signer-workflow {OURS}/.github/workflows/release.yml" in command, name
        assert "--source-ref refs/heads/main" in command, name


def pin_image(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / ".github/pin-image"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


IMAGE = f"docker://ghcr.io/tagline-dev/tagline@sha256:{'0' * 64}"


def test_pin_image__action_of_main__names_the_image_and_changes_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "action.yml").write_text((ROOT / "action.yml").read_text())
    assert pin_image(tmp_path, IMAGE).returncode == 0
    pinned = load(tmp_path / "action.yml")
    assert pinned["runs"].pop("image") == IMAGE
    assert ACTION["runs"]["image"] == "Dockerfile"
    assert pinned == {**ACTION, "runs": {key: value for key, value in ACTION["runs"].items() if key != "image"}}


@pytest.mark.parametrize(
    ("action", "image", "code"),
    [
        ("runs:\n  image: docker://other\n", IMAGE, 1),
        ("runs:\n  image: Dockerfile\n  image: Dockerfile\n", IMAGE, 1),
        ("runs:\n  image: Dockerfile\n", "ghcr.io/tagline-dev/tagline", 2),
        ("runs:\n  image: Dockerfile\n", "docker://", 2),
        ("runs:\n  image: Dockerfile\n", "docker://a|b", 2),
        ("runs:\n  image: Dockerfile\n", "docker://a\nb: c", 2),
    ],
)
def test_pin_image__what_cannot_be_right__refused(tmp_path: Path, action: str, image: str, code: int) -> None:
    (tmp_path / "action.yml").write_text(action)
    assert pin_image(tmp_path, image).returncode == code
    assert (tmp_path / "action.yml").read_text() == action


COMPONENTS = ["gitlab-ci/README.md", *(str(p.relative_to(ROOT)) for p in sorted((ROOT / "gitlab-ci").glob("*/*.yml")))]
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")  # as GitHub runs it


def source_of(folder: Path, *files: str) -> Path:
    """A repository with some files of this one."""
    source = folder / "source"
    for name in files:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    run_git(source, "init", "--quiet", "--initial-branch=main")
    run_git(source, "add", "--all")
    run_git(source, "commit", "--quiet", "--message", "main")
    return source


@pytest.fixture
def project(tmp_path: Path) -> Iterator[tuple[Repository, str]]:
    """tagline-dev/tagline on a forge, and the forge's URL; ``ghs_token`` may push."""
    forge = LocalForge(tmp_path / "forge")
    forge.token("ghs_token", kind="actions")
    with serve(forge) as server:
        yield forge.repository("tagline-dev/tagline"), server.url


def test_release__tag_step__pins_the_action_on_a_commit_of_its_own(
    tmp_path: Path, project: tuple[Repository, str]
) -> None:
    repo, url = project
    source = source_of(tmp_path, "action.yml", ".github/pin-image")
    run_git(source, "tag", "v1")
    run_git(source, "push", "--quiet", str(repo.path), "main", "v1")
    run_git(source, "remote", "add", "origin", f"{url}/tagline-dev/tagline.git")
    given = {"VERSION": "1.2.3", "MAJOR": "1", "DIGEST": IMAGE.partition("@")[2], "TOKEN": "ghs_token"}
    given |= {"HOME": str(tmp_path), "GITHUB_SERVER_URL": url, "IMAGE": "ghcr.io/tagline-dev/tagline"}
    step = script("release", "tag", "The commit that names the image, and its tags")
    said = ""
    for _ in range(2):  # a second attempt changes nothing
        said = run_step(step, source, given)
        tagged = run_git(repo.path, "rev-parse", "v1.2.3^{commit}")
    assert "is there already" in said
    assert run_git(repo.path, "rev-parse", "v1^{commit}") == tagged
    assert run_git(repo.path, "rev-parse", "v1.2.3^") == run_git(repo.path, "rev-parse", "main")
    assert f"\n  image: {IMAGE}\n" in run_git(repo.path, "show", "v1.2.3:action.yml")
    assert "\n  image: Dockerfile" in run_git(repo.path, "show", "main:action.yml")
    assert run_git(repo.path, "branch", "--contains", "v1.2.3") == ""


def run_step(step: str, folder: Path, given: Mapping[str, str]) -> str:
    environ = environment(**given)
    done = subprocess.run([*BASH, step], cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


DOCKER = """#!/bin/bash
printf '%s ' "$@" | tr '\\n' ' ' >>"$SEEN"; echo >>"$SEEN"
case "$*" in
*--version) echo "tagline $VERSION" ;;
*inspect*) image=${4%:*}; printf '{"digest": "sha256:%064d"}' "${#image}" ;;
esac
"""


def test_release__both_images__are_pushed_joined_and_tagged_alike(tmp_path: Path) -> None:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    given = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SEEN": str(tmp_path / "seen"), "GITHUB_ACTOR": "bot"}
    given |= {"VERSION": "1.2.3", "MAJOR": "1", "MINOR": "1.2", "PROCESSOR": "arm64", "GITHUB_SHA": "c0", "TOKEN": "t"}
    given |= {"IMAGE": "ghcr.io/o/tagline", "GITHUB_OUTPUT": str(tmp_path / "output")}
    for job, step in (("image", "Build, try, push"), ("index", "One image for both processors")):
        run_step(script("release", job, step), tmp_path, given)
    digests = dict(line.split("=") for line in (tmp_path / "output").read_text().splitlines())
    assert digests["digest"] != digests["site-digest"]
    given |= {"DIGEST": digests["digest"], "SITE_DIGEST": digests["site-digest"]}
    run_step(script("release", "image-tags", "The image's tags that move"), tmp_path, given)

    lines = (tmp_path / "seen").read_text().splitlines()
    told = [line.strip() for line in lines if re.match("push|buildx imagetools create", line)]
    first = [line for line in told if "tagline-site" not in line]
    assert len(first) == 3
    seconds = [
        line.replace("/tagline", "/tagline-site").replace(digests["digest"], digests["site-digest"]) for line in first
    ]
    assert [line for line in told if line not in first] == seconds
    assert "--tag ghcr.io/o/tagline-site:1.2 --tag ghcr.io/o/tagline-site:1 " in seconds[-1]
    # What is pushed was tried first, the page too.
    tried = [place for place, line in enumerate(lines) if line.startswith("run ")]
    assert any("tagline site --index" in lines[place] for place in tried)
    assert max(tried) < min(place for place, line in enumerate(lines) if line.startswith("push"))
    attested = [step["with"] for step in load(RELEASE)["jobs"]["index"]["steps"] if "attest" in step.get("uses", "")]
    assert [each["subject-name"] for each in attested] == ["${{ env.IMAGE }}", "${{ env.IMAGE }}-site"]


def test_release__gitlab_step__the_components_alone_and_their_tags(
    tmp_path: Path, project: tuple[Repository, str]
) -> None:
    repo, url = project
    source = source_of(tmp_path, "action.yml", ".github/pin-components", *COMPONENTS)
    given = {"HOME": str(tmp_path), "MIRROR": f"{url}/tagline-dev/tagline.git", "TOKEN": "ghs_token"}
    given |= {"IMAGE": "ghcr.io/tagline-dev/tagline", "DIGEST": IMAGE.partition("@")[2]}
    given["SITE_DIGEST"] = f"sha256:{'5' * 64}"
    step = script("release", "gitlab", "Split off gitlab-ci, push it and its tag")
    for version in ("1.2.3", "1.2.3", "1.2.4"):  # the second an attempt again
        run_git(source, "checkout", "--quiet", "--force", "main")  # each run has a checkout of its own
        run_step(step, source, {**given, "VERSION": version})
    inside = [name.removeprefix("gitlab-ci/") for name in COMPONENTS]
    assert run_git(repo.path, "ls-tree", "-r", "--name-only", "main").split() == sorted(inside)
    assert run_git(repo.path, "tag").split() == ["1.2.3", "1.2.4"]
    # The next release goes on from main, which no release has changed.
    assert run_git(repo.path, "rev-parse", "1.2.4^") == run_git(repo.path, "rev-parse", "main")
    for name in inside:
        pinned, plain = (run_git(repo.path, "show", f"{at}:{name}") for at in ("1.2.3", "main"))
        assert "tagline:1" in plain or "tagline-site:1" in plain, name
        second = f"ghcr.io/tagline-dev/tagline-site@{given['SITE_DIGEST']}"
        expected = plain.replace("ghcr.io/tagline-dev/tagline:1", IMAGE.removeprefix("docker://"))
        assert pinned == expected.replace("ghcr.io/tagline-dev/tagline-site:1", second), name


def test_self_managed__subtree_route__brings_the_components_and_a_tag_for_the_catalog(tmp_path: Path) -> None:
    """A release in the catalog, and ``@1.0.0``, take a SemVer tag in the component project."""
    documented = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/self-managed.md").read_text(), re.DOTALL)
    (route,) = (block for block in documented if "subtree split" in block)
    source, mirror = source_of(tmp_path, "action.yml", *COMPONENTS), tmp_path / "mirror.git"
    run_git(source, "tag", "v1.0.0")
    run_git(tmp_path, "init", "--quiet", "--bare", str(mirror))
    run_step(re.sub(r"https://gitlab\S+", str(mirror), route), source, {"HOME": str(tmp_path)})
    inside = sorted(name.removeprefix("gitlab-ci/") for name in COMPONENTS)
    for ref in ("main", "1.0.0"):
        assert run_git(mirror, "ls-tree", "-r", "--name-only", ref).split() == inside
    assert run_git(mirror, "tag").split() == ["1.0.0"]


@pytest.mark.parametrize(
    ("template", "image", "code"),
    [
        ("      default: ghcr.io/tagline-dev/tagline:1\n", "ghcr.io/tagline-dev/tagline:1", 2),
        ("      default: ghcr.io/tagline-dev/tagline:1\n", "ghcr.io/tagline-dev/tagline@sha256:0", 2),
        ("      default: ghcr.io/tagline-dev/tagline:1\n", f"a|b@sha256:{'0' * 64}", 2),
        ("      default: registry.example.org/tagline:1\n", IMAGE.removeprefix("docker://"), 1),
    ],
)
def test_pin_components__what_cannot_be_right__refused(tmp_path: Path, template: str, image: str, code: int) -> None:
    (tmp_path / "templates").mkdir()
    for name in ("README.md", "templates/plan.yml"):
        (tmp_path / name).write_text(template)
    second = f"ghcr.io/tagline-dev/tagline-site@sha256:{'0' * 64}"
    command = [str(ROOT / ".github/pin-components"), image, second, str(tmp_path)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == code
    assert (tmp_path / "templates/plan.yml").read_text() == template


def test_release__notes__the_section_of_this_version_alone(tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## Unreleased\n\n- b\n\n## 1.2.3 (2026-11-24)\n\n- a\n\n## 1.2.2\n\n- c\n"
    )
    (awk,) = re.findall(r"^awk .*$", script("release", "tag", "The release"), re.MULTILINE)
    subprocess.run(["bash", "-ec", awk], cwd=tmp_path, env={**os.environ, "VERSION": "1.2.3"}, check=True)
    assert (tmp_path / "notes.md").read_text().strip() == "- a"
