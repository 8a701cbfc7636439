"""The pipelines that init writes are the examples of the documents, and differ from them in what a repository says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tagline.domain.setup.pipelines import WORKFLOWS, called_by, pipeline, workflow
from tagline.formats.examples import example
from tests.support.workflow_files import uncommented

EXAMPLES = Path(__file__).parents[3] / "docs/examples"
PROMOTE, REVIEW = example("github/promote.yml"), example("github/review.yml")


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow__of_the_usual_names__is_the_example(name: str) -> None:
    assert workflow(example(f"github/{name}"), "main", "prod") == (EXAMPLES / "github" / name).read_text()


@pytest.mark.parametrize("branch", ["trunk", "release/1.x", "on", "it's", "#1", "ünï"])
def test_workflow__of_a_branch__names_it(branch: str) -> None:
    for name in ("promote.yml", "labels.yml"):
        text = workflow(example(f"github/{name}"), branch, "prod")
        assert yaml.safe_load(text)[True]["push"]["branches"] == [branch]


def test_workflow__without_a_deployment__starts_none_and_may_not() -> None:
    found = yaml.safe_load(workflow(PROMOTE, "main", None))
    job = found["jobs"]["promote"]
    assert "with" not in job
    assert "actions" not in job["permissions"]
    lines = PROMOTE.splitlines()
    left = workflow(PROMOTE, "main", None).splitlines()
    new = [line for line in left if line not in lines]
    assert new.pop(0) == "# Does what a merged pull request asked for."
    assert new == REVIEW.splitlines()[-len(new) :], "the lines for S3, as where there is no other input"
    assert len(lines) - len(left) == 2


@pytest.mark.parametrize("stage", ["prod", None])
@pytest.mark.parametrize("name", ["review.yml", "promote.yml"])
def test_workflow__lines_for_s3_without_their_signs__log_in_and_may(name: str, stage: str | None) -> None:
    text = workflow(example(f"github/{name}"), "main", stage)
    (before,), (after,) = (yaml.safe_load(each)["jobs"].values() for each in (text, uncommented(text)))
    added = {"aws-role": "arn:aws:iam::123456789012:role/models-read", "aws-region": "eu-central-1"}
    assert after["with"] == before.get("with", {}) | added
    assert after["permissions"] == before["permissions"] | {"id-token": "write"}


def test_pipeline__of_gitlab__includes_what_its_examples_include() -> None:
    texts = [(EXAMPLES / "gitlab" / name).read_text() for name in WORKFLOWS]
    found = yaml.safe_load(pipeline(texts))
    assert found == {"include": [one for text in texts for one in yaml.safe_load(text)["include"]]}


@pytest.mark.parametrize(
    ("text", "commands", "files", "elsewhere"),
    [
        ("jobs: {r: {uses: tagline-dev/tagline/.github/workflows/review.yml@v1}}", "plan validate", "", ""),
        ("jobs: {r: {uses: tools/tagline/.github/workflows/promote.yml@v1}}", "promote", "", ""),
        ("jobs: {r: {uses: tagline-dev/tagline/.github/workflows/deploy.yml@v1}}", "check-ref fetch", "", ""),
        ("jobs: {r: {steps: [{uses: tagline-dev/tagline@v1, with: {command: promote}}]}}", "promote", "", ""),
        ("jobs: {r: {steps: [{run: 'set -e\n tagline ci plan'}, {uses: ./ci/x}]}}", "plan", "ci/x", ""),
        ("jobs: {r: {steps: [{run: '# tagline promote'}]}}", "", "", ""),
        ("# uses: tagline-dev/tagline/.github/workflows/promote.yml@v1\njobs: {}", "", "", ""),
        ("jobs: {r: {uses: org/ci/.github/workflows/models.yml@v1}}", "", "", "org/ci/.github/workflows/models.yml@v1"),
        ("include: [{component: $CI_SERVER_FQDN/mirrors/tagline/plan@1.0.0}]", "plan", "", ""),
        ("include: [{local: /ci/a.yml}, ci/b.yml, {project: org/ci, file: x.yml}]", "", "ci/a.yml ci/b.yml", "org/ci"),
        ("include: ci/*.yml\nj: {script: [tagline labels sync]}", "labels-sync", "ci/*.yml", ""),
        ("a: &a [*a, *a]\n", "", "", ""),
        ("[]", "", "", ""),
    ],
)  # fmt: skip
def test_called__by_a_pipeline__is_what_it_does_and_not_what_it_mentions(
    text: str, commands: str, files: str, elsewhere: str
) -> None:
    called = called_by(yaml.safe_load(text))
    assert called == (set(commands.split()), tuple(files.split()), tuple(elsewhere.split()))
