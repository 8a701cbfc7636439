"""Settings: what the environment of each platform means; secrets stay secret."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

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
