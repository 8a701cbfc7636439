"""How a person mends a missing, expired or refused login at S3: one way for each place where Tagline runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_PAGE = "https://github.com/tagline-dev/tagline/blob/main/docs/aws.md"


class Login(NamedTuple):
    """The fixes of one place: ``missing``, ``expired`` and ``wrong`` credentials, and a role that was ``refused``."""

    missing: str
    expired: str
    wrong: str
    refused: str


#: At a terminal. AWS's chain of credentials is botocore's, and so that of AWS's own program.
TERMINAL = Login(
    missing="Log in as for the program aws: keys in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), a "
    "profile (AWS_PROFILE), or aws sso login. What aws sts get-caller-identity finds is what "
    "Tagline finds. A public bucket needs none: set allow_anonymous_login = true on the remote.",
    expired="Log in again (aws sso login) and run the same command again.",
    wrong="Check the key and its secret, or which profile is at work (aws sts get-caller-identity tells who you are).",
    refused="Check AWS_ROLE_ARN and that the role's trust policy names this job's issuer, audience and subject.",
)
_GITHUB = Login(
    missing="Give the workflow the inputs aws-role and aws-region, both, and its job the permission id-token: write. "
    f"The role: {_PAGE}",
    expired="Run the job again: it logs in anew by aws-role. Its session lasts an hour.",
    wrong="Take the stored key away (AWS_ACCESS_KEY_ID), and give the workflow the inputs aws-role and aws-region. "
    f"The role: {_PAGE}",
    refused="Check aws-role, and that the role's trust policy names the issuer, audience and subject of this job: "
    f"{_PAGE}",
)
_GITLAB = Login(
    missing=f"Give the component the input aws_role. The role: {_PAGE}",
    expired="Run the job again: it takes on aws_role anew.",
    wrong="Take the stored key away (the CI/CD variable AWS_ACCESS_KEY_ID), and give the component the input aws_role. "
    f"The role: {_PAGE}",
    refused="Check aws_role, and that the role's trust policy names the issuer, audience and subject of this job. The "
    f"component doctor shows them: {_PAGE}",
)
_BY_PLATFORM: Mapping[str | None, Login] = {"github": _GITHUB, "gitlab": _GITLAB}


def login_of(platform: str | None) -> Login:
    """The fixes for a runner, ``github`` or ``gitlab``; None is a terminal, or any other machine."""
    return _BY_PLATFORM.get(platform, TERMINAL)
