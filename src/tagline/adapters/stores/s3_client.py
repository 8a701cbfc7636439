"""botocore's client for one remote: DVC's options as botocore's, the rest from its own credential chain.

The client is made of botocore, which boto3 is made of: the same configuration and credentials, and a tenth
of a second less to start. Options: https://dvc.org/doc/user-guide/data-management/remote-storage/amazon-s3
"""

from __future__ import annotations

import base64
import hashlib
import logging
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from tagline.adapters.stores.options import flag, number, ssl_verify
from tagline.domain.storage.objects import Remote
from tagline.errors import StoreRefused, WrongUsage

#: Seconds, and how often a request is sent at most.
CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
ATTEMPTS = 4
SSE_C = "x-amz-server-side-encryption-customer"
# What matters of what botocore logs (failed refreshes, full pools) is said by our own errors.
for _name in ("botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

#: What botocore reads where nobody says otherwise.
_DEFAULT_FILES = {"credentials_file": "~/.aws/credentials", "config_file": "~/.aws/config"}


class Connection(NamedTuple):
    """A client and the session that it was made from."""

    client: Any
    session: Any

    def secrets(self) -> tuple[str, ...]:
        """What must not appear in any text, as far as it is known by now."""
        # Only what was resolved already: asking for credentials may itself be what failed.
        found = getattr(self.session, "_credentials", None)
        try:
            frozen = found.get_frozen_credentials() if found is not None else None
        except Exception:
            return ()
        return tuple(text for text in frozen or () if isinstance(text, str) and text)


def is_directory_bucket(bucket: str) -> bool:
    """Whether the bucket is one of S3 Express, which signs and lists in ways of its own."""
    return bucket.endswith("--x-s3")


def connect(remote: Remote, bucket: str, streams: int) -> Connection:
    """Make the client. Nothing is sent; raises botocore's errors, and StoreRefused for half a key."""
    import botocore.session
    from botocore.config import Config

    options = remote.options
    session = botocore.session.Session(profile=options.get("profile"))
    for option, variable in (("credentialpath", "credentials_file"), ("configpath", "config_file")):
        # As in DVC, the environment's file comes before the option's.
        if option in options and session.get_config_variable(variable) == _DEFAULT_FILES[variable]:
            session.set_config_variable(variable, str(Path(options[option]).expanduser()))
    _own_keys(session, remote)
    client = session.create_client(
        "s3",
        region_name=options.get("region"),
        endpoint_url=options.get("endpointurl"),
        use_ssl=flag(remote, "use_ssl", True),
        verify=ssl_verify(remote),
        config=Config(
            signature_version=_signature(session, remote, bucket),
            connect_timeout=number(remote, "connect_timeout", CONNECT_TIMEOUT),
            read_timeout=number(remote, "read_timeout", READ_TIMEOUT),
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            max_pool_connections=streams,
            # The digests of the pointers are what is verified; S3's checksums would be computed for nothing.
            response_checksum_validation="when_required",
            request_checksum_calculation="when_required",
            user_agent_extra="tagline",
        ),
    )
    return Connection(client, session)


class Extras(NamedTuple):
    """What every GET and HEAD says beside its key: as headers, and as parameters of botocore."""

    headers: dict[str, str]
    params: dict[str, Any]


def extras(remote: Remote, *, request_payer: bool) -> Extras:
    """The key of SSE-C, without which S3 neither sends nor describes such an object, and who pays.

    As in DVC, ``sse_customer_key`` is the key in base64. Raises WrongUsage where it is not.
    """
    found = Extras({}, {})
    if request_payer:
        found.headers["x-amz-request-payer"] = found.params["RequestPayer"] = "requester"
    key = remote.options.get("sse_customer_key")
    if not key:
        return found
    try:
        raw = base64.b64decode(key, validate=True)
    except ValueError:
        raise WrongUsage(
            f"The sse_customer_key of the DVC remote {remote.name!r} is not base64.",
            f"Set it as DVC wants it: dvc remote modify --local {quote(remote.name)} sse_customer_key BASE64",
            code="bad-option",
        ) from None
    algorithm = remote.options.get("sse_customer_algorithm", "AES256")
    found.params.update(SSECustomerAlgorithm=algorithm, SSECustomerKey=raw)
    found.headers[f"{SSE_C}-algorithm"] = algorithm
    found.headers[f"{SSE_C}-key"] = base64.b64encode(raw).decode()
    # S3's own check that the key arrived whole; nothing is protected by it.
    found.headers[f"{SSE_C}-key-MD5"] = base64.b64encode(hashlib.md5(raw, usedforsecurity=False).digest()).decode()
    return found


def is_anonymous(remote: Remote) -> bool:
    """Whether requests are sent without a signature."""
    return flag(remote, "allow_anonymous_login")


def _own_keys(session: Any, remote: Remote) -> None:
    key, secret = (remote.options.get(name) for name in ("access_key_id", "secret_access_key"))
    if not key and not secret:
        return
    if not key or not secret:
        absent = "secret_access_key" if key else "access_key_id"
        raise StoreRefused(
            f"The DVC remote {remote.name!r} has half a key: {absent} is not set.",
            f"Set both: dvc remote modify --local {quote(remote.name)} {absent} VALUE",
            code="no-credentials",
        )
    session.set_credentials(key, secret, remote.options.get("session_token"))


def _signature(session: Any, remote: Remote, bucket: str) -> Any:
    """How requests are signed; None leaves it to botocore.

    Left alone, botocore signs URLs with the old version 2, which does not work for every object.
    """
    from botocore import UNSIGNED

    if is_anonymous(remote):
        return UNSIGNED
    own = (session.get_scoped_config().get("s3") or {}) if not remote.options.get("access_key_id") else {}
    if is_directory_bucket(bucket) or bucket.startswith("arn:") or own.get("signature_version"):
        return None
    return "s3v4"
