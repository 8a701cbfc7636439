"""How a person mends a missing, expired or refused login at S3: one way for each place where Tagline runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

_DOCS = "https://github.com/tagline-dev/tagline/blob/main/docs"
_PAGE = f"{_DOCS}/aws.md"
#: Hosts of stores that know roles.
_AWS = ("amazonaws.com", ".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


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
#: In a job, of a store that is not AWS's: it has keys, and knows no roles.
_OWN_STORE = Login(
    missing="Give the job the keys of this store, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: "
    f"{_DOCS}/self-managed.md#a-store-of-your-own",
    expired="Give the job new keys of this store, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    wrong="Check the keys of this store that the job has, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    refused=TERMINAL.refused,
)
_BY_PLATFORM: Mapping[str | None, Login] = {"github": _GITHUB, "gitlab": _GITLAB}


def login_of(platform: str | None, endpoint: str | None = None) -> Login:
    """The fixes for a runner, ``github`` or ``gitlab``; None is a terminal, or any other machine.

    ``endpoint`` is the remote's own (``endpointurl``), None for AWS's.
    """
    if platform is not None and endpoint is not None and not (urlsplit(endpoint).hostname or "").endswith(_AWS):
        return _OWN_STORE
    return _BY_PLATFORM.get(platform, TERMINAL)
