"""botocore's and S3's failures as our errors: what happened, what would help, a code that stays.

S3's codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from shlex import quote
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tagline.adapters.stores.options import missing
from tagline.domain.storage.objects import Remote
from tagline.domain.text.public import words_of
from tagline.errors import NotFound, ObjectChanged, StoreRefused, TaglineError, WrongUsage

_LONGEST_WORDS = 300
_WAYS = (
    "Give them by the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), a profile (AWS_PROFILE), or in CI by a "
    "role over OIDC (AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE; on GitHub aws-actions/configure-aws-credentials). "
    "A public bucket needs none: set allow_anonymous_login = true on the remote."
)
_STRANGER = (
    "Check the proxy (HTTPS_PROXY), the remote's endpointurl and AWS_ENDPOINT_URL; then run the same command again."
)
_AGAIN = "Run the same command again: what came already is not fetched twice."

_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired")
_CLOCK = ("RequestTimeTooSkewed", "RequestInTheFuture")
_THROTTLED = (
    "SlowDown",
    "ServiceUnavailable",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "BandwidthLimitExceeded",
    "TooManyRequests",
    "TooManyRequestsException",
    "RequestThrottled",
    "429",
    "503",
)
_REGION = (
    "PermanentRedirect",
    "TemporaryRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
)
_ABSENT = ("NoSuchKey", "NoSuchVersion", "404", "NotFound")
_SIGNATURE = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId", "NotSignedUp")


class Case(NamedTuple):
    """What was asked of which remote, and what its texts must not contain."""

    remote: Remote
    bucket: str
    uri: str
    endpoint: str | None
    secrets: Iterable[str]
    #: The right that the request needs.
    right: str = "s3:GetObject"

    @property
    def host(self) -> str:
        """Where the request went, as far as a person wants to know."""
        return (urlsplit(self.endpoint).hostname if self.endpoint else None) or f"bucket {self.bucket}"


def explain(error: Exception, case: Case) -> TaglineError:
    """The error for a request that did not work, however often it was sent."""
    from botocore.exceptions import ClientError

    if isinstance(error, TaglineError):
        return error
    if isinstance(error, ClientError):
        return _answered(error, case)
    return _unanswered(error, case)


def status_of(error: Any) -> int:
    """The HTTP status of botocore's ClientError."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)


def lost(error: Exception, case: Case) -> StoreRefused:
    """The error for a connection that broke after the object had begun to come."""
    return StoreRefused(
        f"The connection was lost while {case.uri} was read ({type(error).__name__}).", _AGAIN, code="connection-lost"
    )


def _answered(error: Any, case: Case) -> TaglineError:
    """The error for an answer of S3, or of the service that gives out credentials."""
    status, code = status_of(error), str(error.response.get("Error", {}).get("Code") or "")
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders") or {}
    words = _words(error, case)
    name = error.operation_name
    if name.startswith(("AssumeRole", "GetRoleCredentials", "GetSessionToken")) and code not in _EXPIRED:
        fix = "Check AWS_ROLE_ARN and that the role's trust policy names this job's issuer, audience and subject."
        return StoreRefused(
            f"AWS gives out no credentials for the role ({name}): {words}",
            fix if status < 500 else _STRANGER,
            code="access-denied" if status < 500 else "unreachable",
        )
    for matches, make in _ANSWERS:
        if matches(status, code, headers):
            return make(case, words, error)
    if case_of_version(status, code, words):
        return missing(case.uri, "S3 does not know the version that the pointer names.")
    return StoreRefused(f"S3 answered {status} for {case.uri}: {words}", _AGAIN, code="store-refused")


def case_of_version(status: int, code: str, words: str) -> bool:
    """Whether an answer says that a version's id is none."""
    return status == 400 and code == "InvalidArgument" and "version" in words.lower()


def _expired(case: Case, words: str, _error: Any) -> TaglineError:
    return StoreRefused(
        f"The credentials for {case.uri} have expired: {words}",
        "Renew them (aws sso login, or let the job assume its role again) and run the same command again.",
        code="expired-credentials",
    )


def _clock(case: Case, words: str, _error: Any) -> TaglineError:
    return StoreRefused(
        f"This machine's clock differs too much from that of {case.host}: {words}",
        "Set the clock right (S3 allows 15 minutes), and run the same command again.",
        code="clock",
    )


def _region(case: Case, words: str, error: Any) -> TaglineError:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders") or {}
    told = headers.get("x-amz-bucket-region") or error.response.get("Error", {}).get("Region") or ""
    region = told if re.fullmatch(r"[a-z0-9-]{1,40}", str(told)) else ""
    where = (
        f"The bucket {case.bucket} lies in the region {region}"
        if region
        else f"The bucket {case.bucket} lies elsewhere"
    )
    return StoreRefused(
        f"{where}, and the request went to another one: {words}",
        f"Set it: dvc remote modify {quote(case.remote.name)} region {region or 'REGION'} (or AWS_DEFAULT_REGION).",
        code="wrong-region",
    )


def _no_bucket(case: Case, _words: str, _error: Any) -> TaglineError:
    return NotFound(
        f"There is no bucket {case.bucket} at {case.host}.",
        f"Check the url of the DVC remote {case.remote.name!r}, its region and its endpointurl.",
        code="bucket-missing",
    )


def _absent(case: Case, _words: str, _error: Any) -> TaglineError:
    return missing(case.uri)


def _changed(case: Case, _words: str, _error: Any) -> TaglineError:
    return changed(case.uri)


def changed(uri: str) -> ObjectChanged:
    """The error for an object that is another one than was looked at."""
    return ObjectChanged(f"{uri} was replaced while it was read.", "Run the same command again.")


def _too_short(case: Case, _words: str, _error: Any) -> TaglineError:
    return StoreRefused(f"{case.uri} is shorter than what was asked of it.", _AGAIN, code="connection-lost")


def _throttled(case: Case, words: str, _error: Any) -> TaglineError:
    return StoreRefused(
        f"{case.host} asks to slow down, again and again: {words}",
        "Run again later, or with fewer jobs at once: what came already is not fetched twice.",
        code="throttled",
    )


def _archived(case: Case, words: str, _error: Any) -> TaglineError:
    return StoreRefused(
        f"{case.uri} lies in an archive and cannot be read now: {words}",
        "Restore it first (aws s3api restore-object), and keep registered versions out of lifecycle rules.",
        code="archived",
    )


def _bad_key(case: Case, words: str, _error: Any) -> TaglineError:
    return StoreRefused(
        f"{case.host} does not accept these credentials: {words}",
        "Check the key and its secret, or which profile is at work (aws sts get-caller-identity tells who you are).",
        code="access-denied",
    )


def _denied(case: Case, words: str, _error: Any) -> TaglineError:
    return StoreRefused(
        f"S3 refuses {case.uri}: {words} Either these credentials may not read it, or it is not there and they may "
        "not list the bucket, for then S3 answers the same.",
        f"Allow {case.right} on arn:aws:s3:::{case.bucket}/* (kms:Decrypt for a KMS key), and s3:ListBucket on the "
        "bucket to be told what is missing; requester-pays buckets need AWS_REQUEST_PAYER=requester.",
        code="access-denied",
    )


_Headers = Mapping[str, str]
#: The first that matches an answer's status, code and headers.
_ANSWERS: tuple[tuple[Callable[[int, str, _Headers], bool], Callable[[Case, str, Any], TaglineError]], ...] = (
    (lambda _s, code, _h: code in _EXPIRED, _expired),
    (lambda _s, code, _h: code in _CLOCK, _clock),
    (lambda status, code, _h: code in _REGION or status in (301, 307), _region),
    (lambda status, code, headers: status == 400 and code == "400" and "x-amz-bucket-region" in headers, _region),
    (lambda _s, code, _h: code == "NoSuchBucket", _no_bucket),
    (lambda status, code, _h: code in _ABSENT or status == 404, _absent),
    # A version that is a mark of deletion: S3 allows nothing with it but deleting it.
    (lambda status, _c, _h: status == 405, _absent),
    (lambda status, _c, _h: status == 412, _changed),
    (lambda status, _c, _h: status == 416, _too_short),
    (lambda status, code, _h: code in _THROTTLED or status in (429, 503), _throttled),
    (lambda _s, code, _h: code == "InvalidObjectState", _archived),
    (lambda _s, code, _h: code in _SIGNATURE, _bad_key),
    (lambda status, _c, _h: status in (401, 403), _denied),
)


def _unanswered(error: Exception, case: Case) -> TaglineError:
    """The error for a request that was not answered, or not even sent."""
    from botocore import exceptions as boto
    from botocore.parsers import ResponseParserError

    name = type(error).__name__
    if isinstance(error, (boto.UnauthorizedSSOTokenError, boto.SSOTokenLoadError, boto.TokenRetrievalError)):
        return _expired(case, f"{name}.", error)
    if isinstance(error, boto.ProfileNotFound):
        profile = case.remote.options.get("profile") or "that AWS_PROFILE names"
        return StoreRefused(
            f"This machine has no AWS profile {profile}, which the DVC remote {case.remote.name!r} uses.",
            f"Make it (aws configure --profile NAME), or use others. {_WAYS}",
            code="no-credentials",
        )
    # No chain of credentials ends in a name that we know all of: what speaks of credentials is of them.
    credentials = (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError)
    if isinstance(error, (*credentials, boto.NoAuthTokenError, boto.InvalidConfigError, boto.ConfigParseError)):
        return StoreRefused(f"There are no usable credentials for {case.uri} ({name}).", _WAYS, code="no-credentials")
    if isinstance(error, boto.SSLError):
        return StoreRefused(
            f"The TLS certificate of {_asked(error, case)} is not trusted, or it speaks no TLS.",
            "A private authority's certificate: set ssl_verify to its file, or AWS_CA_BUNDLE. No TLS: use_ssl = false.",
            code="unreachable",
        )
    if isinstance(error, boto.ParamValidationError):
        return WrongUsage(
            f"The url of the DVC remote {case.remote.name!r} names no bucket that S3 could have.",
            f"Set it right: dvc remote modify {quote(case.remote.name)} url s3://BUCKET/PATH",
            code="bad-remote",
        )
    if isinstance(error, ResponseParserError):
        return StoreRefused(
            f"What answered for {case.host}, or for the service that gives out its credentials, speaks another "
            "language than AWS's: a proxy's page, or another server.",
            f"{_STRANGER} The DVC remote is {case.remote.name!r}.",
            code="unreachable",
        )
    if isinstance(error, (boto.HTTPClientError, boto.ConnectionError, OSError)):
        return StoreRefused(
            f"{_asked(error, case)} cannot be reached ({name}).",
            "Check the network, the proxy (HTTPS_PROXY) and endpointurl; then run the same command again.",
            code="unreachable",
        )
    if isinstance(error, RecursionError):  # botocore follows redirects without counting them
        return StoreRefused(
            f"{case.host} redirects in a circle: it is no S3 API, or not this bucket's.",
            f"Check endpointurl and region of the DVC remote {case.remote.name!r}.",
        )
    if isinstance(error, boto.BotoCoreError | ValueError):
        return StoreRefused(
            f"The DVC remote {case.remote.name!r} cannot be used: {words_of(error, case.secrets)}",
            "Check the remote's options with dvc config --list, and the files of AWS's own configuration.",
        )
    raise error


def _asked(error: Any, case: Case) -> str:
    """The host that was asked: the store's, or another that gives out credentials."""
    url = getattr(error, "kwargs", {}).get("endpoint_url")
    return (urlsplit(url).hostname if isinstance(url, str) else None) or case.host


def _words(error: Any, case: Case) -> str:
    """S3's code and what it says to it, on one line and without anything secret."""
    found = error.response.get("Error", {})
    code, message = (str(found.get(part) or "") for part in ("Code", "Message"))
    return f"{words_of(f'{code}: {message}' if message else code, case.secrets).rstrip('.')}."
