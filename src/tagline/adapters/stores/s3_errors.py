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
from tagline.adapters.stores.s3_login import TERMINAL, Login
from tagline.domain.storage.objects import Remote
from tagline.domain.text.public import words_of
from tagline.errors import NotFound, ObjectChanged, StoreRefused, TaglineError, WrongUsage

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


class Request(NamedTuple):
    """What was asked of which remote, and what its texts must not contain."""

    remote: Remote
    bucket: str
    uri: str
    endpoint: str | None
    secrets: Iterable[str]
    #: The right that the request needs.
    right: str = "s3:GetObject"
    #: What helps where the login is what is wrong.
    login: Login = TERMINAL

    @property
    def host(self) -> str:
        """Where the request went, as far as a person wants to know."""
        return (urlsplit(self.endpoint).hostname if self.endpoint else None) or f"bucket {self.bucket}"


def explain(error: Exception, request: Request) -> TaglineError:
    """The error for a request that did not work, however often it was sent."""
    from botocore.exceptions import ClientError

    if isinstance(error, TaglineError):
        return error
    if isinstance(error, ClientError):
        return _answered(error, request)
    return _unanswered(error, request)


def status_of(error: Any) -> int:
    """The HTTP status of botocore's ClientError."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)


def lost(error: Exception, request: Request) -> StoreRefused:
    """The error for a connection that broke after the object had begun to come."""
    name = type(error).__name__
    return StoreRefused(
        f"The connection was lost while {request.uri} was read ({name}).", _AGAIN, code="connection-lost"
    )


def _answered(error: Any, request: Request) -> TaglineError:
    """The error for an answer of S3, or of the service that gives out credentials."""
    status, code = status_of(error), str(error.response.get("Error", {}).get("Code") or "")
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders") or {}
    words = _words(error, request)
    name = error.operation_name
    if name.startswith(("AssumeRole", "GetRoleCredentials", "GetSessionToken")) and code not in _EXPIRED:
        return StoreRefused(
            f"AWS gives out no credentials for the role ({name}): {words}",
            request.login.refused if status < 500 else _STRANGER,
            code="access-denied" if status < 500 else "unreachable",
        )
    for matches, make in _ANSWERS:
        if matches(status, code, headers):
            return make(request, words, error)
    if case_of_version(status, code, words):
        return missing(request.uri, "S3 does not know the version that the pointer names.")
    return StoreRefused(f"S3 answered {status} for {request.uri}: {words}", _AGAIN, code="store-refused")


def case_of_version(status: int, code: str, words: str) -> bool:
    """Whether an answer says that a version's id is none."""
    return status == 400 and code == "InvalidArgument" and "version" in words.lower()


def _expired(request: Request, words: str, _error: Any) -> TaglineError:
    return StoreRefused(
        f"The credentials for {request.uri} have expired: {words}",
        request.login.expired,
        code="expired-credentials",
    )


def _clock(request: Request, words: str, _error: Any) -> TaglineError:
    return StoreRefused(
        f"This machine's clock differs too much from that of {request.host}: {words}",
        "Set the clock right (S3 allows 15 minutes), and run the same command again.",
        code="clock",
    )


def _region(request: Request, words: str, error: Any) -> TaglineError:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders") or {}
    told = headers.get("x-amz-bucket-region") or error.response.get("Error", {}).get("Region") or ""
    region = told if re.fullmatch(r"[a-z0-9-]{1,40}", str(told)) else ""
    where = (
        f"The bucket {request.bucket} lies in the region {region}"
        if region
        else f"The bucket {request.bucket} lies elsewhere"
    )
    return StoreRefused(
        f"{where}, and the request went to another one: {words}",
        f"Set it: dvc remote modify {quote(request.remote.name)} region {region or 'REGION'} (or AWS_DEFAULT_REGION).",
        code="wrong-region",
    )


def _no_bucket(request: Request, _words: str, _error: Any) -> TaglineError:
    return NotFound(
        f"There is no bucket {request.bucket} at {request.host}.",
        f"Check the url of the DVC remote {request.remote.name!r}, its region and its endpointurl.",
        code="bucket-missing",
    )


def _absent(request: Request, _words: str, _error: Any) -> TaglineError:
    return missing(request.uri)


def _changed(request: Request, _words: str, _error: Any) -> TaglineError:
    return changed(request.uri)


def changed(uri: str) -> ObjectChanged:
    """The error for an object that is another one than was looked at."""
    return ObjectChanged(f"{uri} was replaced while it was read.", "Run the same command again.")


def _too_short(request: Request, _words: str, _error: Any) -> TaglineError:
    return StoreRefused(f"{request.uri} is shorter than what was asked of it.", _AGAIN, code="connection-lost")


def _throttled(request: Request, words: str, _error: Any) -> TaglineError:
    return StoreRefused(
        f"{request.host} asks to slow down, again and again: {words}",
        "Run again later, or with fewer jobs at once: what came already is not fetched twice.",
        code="throttled",
    )


def _archived(request: Request, words: str, _error: Any) -> TaglineError:
    return StoreRefused(
        f"{request.uri} lies in an archive and cannot be read now: {words}",
        "Restore it first (aws s3api restore-object), and keep registered versions out of lifecycle rules.",
        code="archived",
    )


def _bad_key(request: Request, words: str, _error: Any) -> TaglineError:
    return StoreRefused(
        f"{request.host} does not accept these credentials: {words}",
        request.login.wrong,
        code="access-denied",
    )


def _denied(request: Request, words: str, _error: Any) -> TaglineError:
    return StoreRefused(
        f"S3 refuses {request.uri}: {words} Either these credentials may not read it, or it is not there and they may "
        "not list the bucket, for then S3 answers the same.",
        f"Allow {request.right} on arn:aws:s3:::{request.bucket}/* (kms:Decrypt for a KMS key), and s3:ListBucket on "
        "the bucket to be told what is missing; requester-pays buckets need AWS_REQUEST_PAYER=requester.",
        code="access-denied",
    )


_Headers = Mapping[str, str]
#: The first that matches an answer's status, code and headers.
_ANSWERS: tuple[tuple[Callable[[int, str, _Headers], bool], Callable[[Request, str, Any], TaglineError]], ...] = (
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


def _unanswered(error: Exception, request: Request) -> TaglineError:
    """The error for a request that was not answered, or not even sent."""
    from botocore import exceptions as boto
    from botocore.parsers import ResponseParserError

    name = type(error).__name__
    if isinstance(error, (boto.UnauthorizedSSOTokenError, boto.SSOTokenLoadError, boto.TokenRetrievalError)):
        return _expired(request, f"{name}.", error)
    if isinstance(error, boto.ProfileNotFound):
        return _no_profile(request)
    # No chain of credentials ends in a name that we know all of: what speaks of credentials is of them.
    credentials = (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError)
    if isinstance(error, (*credentials, boto.NoAuthTokenError, boto.InvalidConfigError, boto.ConfigParseError)):
        return StoreRefused(
            f"There are no usable credentials for {request.uri} ({name}).", request.login.missing, code="no-credentials"
        )
    if isinstance(error, boto.SSLError):
        return StoreRefused(
            f"The TLS certificate of {_asked(error, request)} is not trusted, or it speaks no TLS.",
            "A private authority's certificate: set ssl_verify to its file, or AWS_CA_BUNDLE. No TLS: use_ssl = false.",
            code="unreachable",
        )
    if isinstance(error, boto.ParamValidationError):
        return WrongUsage(
            f"The url of the DVC remote {request.remote.name!r} names no bucket that S3 could have.",
            f"Set it right: dvc remote modify {quote(request.remote.name)} url s3://BUCKET/PATH",
            code="bad-remote",
        )
    if isinstance(error, ResponseParserError):
        return StoreRefused(
            f"What answered for {request.host}, or for the service that gives out its credentials, speaks another "
            "language than AWS's: a proxy's page, or another server.",
            f"{_STRANGER} The DVC remote is {request.remote.name!r}.",
            code="unreachable",
        )
    if isinstance(error, (boto.HTTPClientError, boto.ConnectionError, OSError)):
        return StoreRefused(
            f"{_asked(error, request)} cannot be reached ({name}).",
            "Check the network, the proxy (HTTPS_PROXY) and endpointurl; then run the same command again.",
            code="unreachable",
        )
    if isinstance(error, RecursionError):  # botocore follows redirects without counting them
        return StoreRefused(
            f"{request.host} redirects in a circle: it is no S3 API, or not this bucket's.",
            f"Check endpointurl and region of the DVC remote {request.remote.name!r}.",
        )
    if isinstance(error, boto.BotoCoreError | ValueError):
        return StoreRefused(
            f"The DVC remote {request.remote.name!r} cannot be used: {words_of(error, request.secrets)}",
            "Check the remote's options with dvc config --list, and the files of AWS's own configuration.",
        )
    raise error


def _no_profile(request: Request) -> StoreRefused:
    """The error for a profile that this machine has not: the remote's, or one of the environment."""
    name, remote = request.remote.options.get("profile"), quote(request.remote.name)
    if name is None:
        return StoreRefused(
            f"This machine has no AWS profile that AWS_PROFILE names, and {request.uri} needs a login.",
            f"Unset AWS_PROFILE, or name one of aws configure list-profiles. {request.login.missing}",
            code="no-credentials",
        )
    # A profile is a name of one machine: with it in .dvc/config no other login is looked at.
    return StoreRefused(
        f"This machine has no AWS profile {name}, which the DVC remote {request.remote.name!r} uses.",
        f"Keep the name out of the repository (dvc remote modify --unset {remote} profile) and on your own machine "
        f"(dvc remote modify --local {remote} profile NAME). {request.login.missing}",
        code="no-credentials",
    )


def _asked(error: Any, request: Request) -> str:
    """The host that was asked: the store's, or another that gives out credentials."""
    url = getattr(error, "kwargs", {}).get("endpoint_url")
    return (urlsplit(url).hostname if isinstance(url, str) else None) or request.host


def _words(error: Any, request: Request) -> str:
    """S3's code and what it says to it, on one line and without anything secret."""
    found = error.response.get("Error", {})
    code, message = (str(found.get(part) or "") for part in ("Code", "Message"))
    return f"{words_of(f'{code}: {message}' if message else code, request.secrets).rstrip('.')}."
