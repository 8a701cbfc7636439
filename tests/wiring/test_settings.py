"""Settings: what the environment of each platform means; secrets stay secret."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from tagline.errors import WrongUsage
from tagline.settings import Secret, Settings


@pytest.mark.parametrize(
    ("environ", "ci", "platform", "tag"),
    [
        ({}, False, None, None),
        ({"CI": "true"}, True, None, None),
        ({"CI": "1"}, True, None, None),
        ({"CI": "false"}, False, None, None),
        ({"CI": ""}, False, None, None),
        ({"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/tags/rf#prod#1"}, True, "github", "rf#prod#1"),
        ({"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/heads/main"}, True, "github", None),
        ({"GITLAB_CI": "true", "CI_COMMIT_TAG": "rf@v1.0.0"}, True, "gitlab", "rf@v1.0.0"),
    ],
)
def test_settings__environment__says_where_we_run(
    environ: dict[str, str], ci: bool, platform: str | None, tag: str | None
) -> None:
    settings = Settings.from_environ(environ)
    assert (settings.ci, settings.platform, settings.tag) == (ci, platform, tag)


@pytest.mark.parametrize("name", ["TAGLINE_TOKEN", "TAGLINE_REPO_TOKEN", "MLFLOW_TRACKING_TOKEN"])
def test_settings__token_of_two_lines__is_refused_without_a_word_of_it(name: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        Settings.from_environ({name: "glpat-AAA\nBBB"})
    assert name in str(caught.value)
    assert "AAA" not in f"{caught.value!r} {caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("platform", "name"),
    [
        ("GITHUB_ACTIONS", "GITHUB_API_URL"),
        ("GITHUB_ACTIONS", "GITHUB_SERVER_URL"),
        ("GITLAB_CI", "CI_SERVER_URL"),
        ("GITLAB_CI", "CI_API_V4_URL"),
        ("GITLAB_CI", "CI_PROJECT_URL"),
    ],
)
def test_settings__address_without_a_scheme__is_refused_by_its_name(platform: str, name: str) -> None:
    with pytest.raises(WrongUsage, match=name):
        Settings.from_environ({platform: "true", name: "api.ghe.example.org"})


GITHUB = {
    "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://g", "GITHUB_API_URL": "https://api.g",
    "GITHUB_REPOSITORY": "o/r", "GITHUB_EVENT_NAME": "push", "GITHUB_SHA": "c1", "GITHUB_REF": "refs/heads/main",
}  # fmt: skip
GITLAB = {
    "GITLAB_CI": "true", "CI_SERVER_URL": "https://l", "CI_API_V4_URL": "https://l/api/v4", "CI_PROJECT_PATH": "o/r",
    "CI_PROJECT_URL": "https://l/o/r", "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_SHA": "c2",
    "CI_COMMIT_BRANCH": "main", "CI_JOB_TOKEN": "t", "CI_COMMIT_TAG": "rf@v1.0.0", "CI_MERGE_REQUEST_IID": "9",
}  # fmt: skip


def test_settings__each_runner__is_read_into_the_same_fields() -> None:
    github, gitlab = Settings.from_environ(GITHUB), Settings.from_environ(GITLAB)
    for found, forge, commit in ((github, "g", "c1"), (gitlab, "l", "c2")):
        assert (found.server_url, found.repository, found.repository_url) == (
            f"https://{forge}", "o/r", f"https://{forge}/o/r",
        )  # fmt: skip
        assert (found.event_name, found.commit, found.branch) == ("push", commit, "main")
    assert (github.api_url, gitlab.api_url) == ("https://api.g", "https://l/api/v4")


def test_settings__variables_of_another_runner__say_nothing() -> None:
    silent = {"GITHUB_ACTIONS": "", "GITLAB_CI": "false"}
    assert vars(Settings.from_environ({**GITLAB, **GITHUB})) == vars(Settings.from_environ(GITHUB))
    assert vars(Settings.from_environ({**GITHUB, **GITLAB, **silent})) == vars(Settings.from_environ({}))


def test_settings__tagger__is_the_jobs_bot_and_nobody_at_a_terminal() -> None:
    named = [Settings.from_environ(environ).tagger for environ in (GITHUB, GITLAB, {"CI": "true"}, {})]
    assert [tagger and tagger[0] for tagger in named] == ["github-actions[bot]", "tagline", "tagline", None]


def test_settings__run_url__of_both_platforms() -> None:
    github = {"GITHUB_ACTIONS": "1", "GITHUB_SERVER_URL": "https://g", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "7"}
    assert Settings.from_environ(github).run_url == "https://g/o/r/actions/runs/7"
    assert Settings.from_environ({"GITLAB_CI": "1", "CI_JOB_URL": "https://l/j/1"}).run_url == "https://l/j/1"
    assert Settings.from_environ({"GITHUB_ACTIONS": "1"}).run_url is None


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"TAGLINE_CACHE": "/c"}, "/c"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/tagline"),
        ({"HOME": "/h"}, "/h/.cache/tagline"),
    ],
)
def test_settings__cache__by_the_usual_variables(environ: dict[str, str], folder: str) -> None:
    assert Settings.from_environ(environ).cache == Path(folder)
    assert Settings.from_environ({}).cache.name.startswith("tagline-")


def test_settings__request_payer__as_amazons_own_tools_say_it() -> None:
    assert Settings.from_environ({"AWS_REQUEST_PAYER": "requester"}).request_payer
    assert not Settings.from_environ({"AWS_REQUEST_PAYER": "owner"}).request_payer
    assert not Settings.from_environ({}).request_payer


def test_secret__printed_or_copied__does_not_tell() -> None:
    settings = Settings.from_environ({"TAGLINE_REPO_TOKEN": " s3cret \n"})
    assert settings.repo_token is not None
    assert settings.repo_token.reveal() == "s3cret"
    for text in (str(settings), repr(settings), f"{settings.repo_token}", "%s" % settings.repo_token):  # noqa: UP031
        assert "s3cret" not in text
    with pytest.raises(TypeError):
        pickle.dumps(Secret("s3cret"))
    with pytest.raises(TypeError):
        copy.deepcopy(Secret("s3cret"))
    assert Settings.from_environ({"TAGLINE_REPO_TOKEN": "  "}).repo_token is None
