"""S3 when it does not simply work: every refusal by its cause, credentials of every kind, the cost of many keys."""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tagline.adapters.stores.choice import RemoteStores
from tagline.adapters.stores.s3 import S3Store
from tagline.adapters.stores.s3_prefix import S3Prefix
from tagline.domain.storage.objects import Key, Remote
from tagline.errors import Conflict, NotFound, ObjectChanged, ObjectMissing, StoreRefused, TaglineError, WrongUsage
from tests.support.s3answers import AnsweringS3, Asked, Reply, answering, list_page, refusal
from tests.support.s3server import S3Server

KEY = Key("files/md5/ab/cdef")
ID, SECRET, TOKEN = "AKIAEXAMPLEEXAMPLE12", "very/secret+words/that-nobody-sees", "session-token-nobody-sees=="
SECRETS = (ID, SECRET, TOKEN)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnsweringS3]:
    def slept(_seconds: float) -> None: ...

    monkeypatch.setattr("time.sleep", slept)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with answering() as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        yield s3


def store(url: str = "s3://bucket/pre", *, payer: bool = False, own: bool = True, **options: str) -> S3Store:
    remote = Remote("origin", url, options, frozenset(options) if own else frozenset())
    return S3Store(remote, request_payer=payer)


def read(from_store: S3Store, *arguments: Any) -> bytes:
    return b"".join(from_store.read(KEY, *arguments))


def refused(act: Callable[[], Any]) -> TaglineError:
    """The error of ``act``, which must be one of ours, with a fix and without a secret."""
    with pytest.raises(TaglineError) as caught:
        act()
    error = caught.value
    assert error.hint
    assert error.message.endswith(".")
    for secret in SECRETS:
        assert secret not in f"{error.message} {error.hint} {error!r} {vars(error)}"
    return error


ECHO = f"you are {ID} with {SECRET} and {TOKEN}; you sent AWS4-HMAC-SHA256 Credential={ID}, Signature=abc"
REFUSALS = [
    (403, "AccessDenied", StoreRefused, "access-denied"),
    (403, "InvalidAccessKeyId", StoreRefused, "access-denied"),
    (403, "SignatureDoesNotMatch", StoreRefused, "access-denied"),
    (403, "InvalidObjectState", StoreRefused, "archived"),
    (403, "RequestTimeTooSkewed", StoreRefused, "clock"),
    (400, "ExpiredToken", StoreRefused, "expired-credentials"),
    (400, "InvalidToken", StoreRefused, "access-denied"),
    (404, "NoSuchKey", ObjectMissing, "object-missing"),
    (404, "NoSuchVersion", ObjectMissing, "object-missing"),
    (404, "NoSuchBucket", NotFound, "bucket-missing"),
    (405, "MethodNotAllowed", ObjectMissing, "object-missing"),
    (503, "SlowDown", StoreRefused, "throttled"),
    (429, "TooManyRequests", StoreRefused, "throttled"),
    (500, "InternalError", StoreRefused, "store-refused"),
    (501, "NotImplemented", StoreRefused, "store-refused"),
    (418, "<teapot>", StoreRefused, "store-refused"),
]


@pytest.mark.parametrize(("status", "code", "kind", "ours"), REFUSALS)
@pytest.mark.parametrize("warm", [False, True])
def test_refusal__of_reading_and_looking__by_its_cause(
    fake: AnsweringS3, status: int, code: str, kind: type[TaglineError], ours: str, warm: bool
) -> None:
    origin = store()
    if warm:
        # The quick way is learned by then, and must say the same.
        assert read(origin) == b"hello"
    fake.answer = lambda _: refusal(status, code, ECHO)
    for act in (lambda: read(origin), lambda: origin.look(KEY)):
        error = refused(act)
        assert type(error) is kind
        # HEAD has no body; a 5xx of it is not asked about again.
        assert error.code == ours


def test_refusal__403_of_head__says_both_possibilities_and_the_rights(fake: AnsweringS3) -> None:
    fake.answer = lambda _: refusal(403, "AccessDenied", "User arn:aws:iam::1:user/x is not authorized")
    error = refused(lambda: store().look(KEY))
    for words in ("may not read it", "not there", "arn:aws:iam::1:user/x", "s3:GetObject", "s3:ListBucket"):
        assert words in error.message + error.hint


def test_retries__500_then_503_then_fine__is_not_seen(fake: AnsweringS3) -> None:
    left = [refusal(500, "InternalError"), refusal(503, "SlowDown"), Reply(drop=True)]
    fake.answer = lambda _: left.pop(0) if left else Reply(body=b"fine", headers={"ETag": '"e"'})
    assert read(store()) == b"fine"
    assert fake.count("GET") == 4


def test_retries__of_a_conditional_put_whose_answer_was_lost__know_their_own_object(fake: AnsweringS3) -> None:
    place, there = S3Prefix("s3://bucket/pre", "index"), [b"ours"]

    def answer(asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply(body=there[0], headers={"ETag": '"new"'})
        return Reply(drop=True) if fake.count("PUT") == 1 else refusal(412, "PreconditionFailed")

    fake.answer = answer
    assert place.replace_file("index.json", b"ours", '"old"') == '"new"'
    assert [asked.method for asked in fake.asked] == ["PUT", "PUT", "GET"]
    fake.asked.clear()
    assert place.replace_file("index.json", b"ours", None) == '"new"'
    there[0] = b"ours, and more"
    assert place.replace_file("index.json", b"ours", '"old"') is None


def test_retries__bounded__four_attempts(fake: AnsweringS3) -> None:
    fake.answer = lambda _: refusal(503, "SlowDown")
    assert refused(lambda: read(store())).code == "throttled"
    assert fake.count() == 4


def test_region__followed_where_boto_follows__and_learned(fake: AnsweringS3) -> None:
    def answer(asked: Asked) -> Reply:
        if "/eu-west-1/" in asked.headers["authorization"]:
            return Reply(body=b"hello", headers={"ETag": '"e1"'})
        return refusal(301, "PermanentRedirect", headers={"x-amz-bucket-region": "eu-west-1"})

    fake.answer = answer
    origin = store()
    assert origin.look(KEY).size == 5
    before = fake.count()
    assert read(origin) == b"hello"
    assert origin.look(KEY).size == 5
    assert fake.count() == before + 2
    url = origin.presign(KEY, 60)
    assert url is not None
    assert "%2Feu-west-1%2Fs3%2F" in url


def test_region__that_boto_cannot_follow__is_named(fake: AnsweringS3) -> None:
    region = {"x-amz-bucket-region": "eu-west-1"}
    fake.answer = lambda _: refusal(301, "PermanentRedirect", headers=region)
    for act in (lambda: store().look(KEY), lambda: read(store())):
        error = refused(act)
        assert error.code == "wrong-region"
        assert "eu-west-1" in error.message
        assert "region eu-west-1" in error.hint
    fake.answer = lambda _: refusal(400, "AuthorizationHeaderMalformed", headers=region)
    assert refused(lambda: store().look(KEY)).code == "wrong-region"


def test_read__cut_in_mid_object__lost_and_never_taken_for_the_end(fake: AnsweringS3) -> None:
    origin = store()
    for _ in range(3):  # the client's way, and the quick one
        fake.answer = lambda _: Reply(body=b"x" * 3000, length=5000, headers={"ETag": '"e"'})
        came: list[bytes] = []

        def take(came: list[bytes] = came) -> None:
            came += origin.read(KEY)

        error = refused(take)
        assert (type(error), error.code) == (StoreRefused, "connection-lost")
        fake.answer = lambda _: Reply(body=b"hello", headers={"ETag": '"e1"'})
        assert read(origin) == b"hello"


def test_read__the_object_changed__by_412_or_by_its_etag(fake: AnsweringS3) -> None:
    origin = store()
    for _ in range(2):
        fake.answer = lambda _: Reply(body=b"hello", headers={"ETag": '"e1"'})
        assert read(origin, 0, None, "e1") == b"hello"
        assert fake.asked[-1].headers["if-match"] == '"e1"'
        # A store that does not know If-Match.
        fake.answer = lambda _: Reply(body=b"other", headers={"ETag": '"e2"'})
        assert isinstance(refused(lambda: read(origin, 0, None, "e1")), ObjectChanged)
        fake.answer = lambda _: refusal(412, "PreconditionFailed")
        error = refused(lambda: read(origin, 0, None, "e1"))
        assert isinstance(error, Conflict)
        assert error.code == "object-changed"


def test_read__a_range__by_a_store_that_knows_none_or_sends_another(fake: AnsweringS3) -> None:
    origin = store()
    for _ in range(2):
        fake.answer = lambda _: Reply(body=b"0123456789", headers={"ETag": '"e"'})
        assert read(origin, 3, 4) == b"3456"
        fake.answer = lambda _: Reply(206, b"34", {"Content-Range": "bytes 3-4/10"})
        assert read(origin, 3, 2) == b"34"
        assert fake.asked[-1].headers["range"] == "bytes=3-4"
        fake.answer = lambda _: Reply(206, b"01", {"Content-Range": "bytes 0-1/10"})
        assert isinstance(refused(lambda: read(origin, 3, 2)), StoreRefused)
        fake.answer = lambda _: refusal(416, "InvalidRange")
        assert refused(lambda: read(origin, 30)).code == "connection-lost"


def test_versions__another_than_asked_for__is_never_taken(fake: AnsweringS3) -> None:
    fake.answer = lambda _: Reply(body=b"hello", headers={"ETag": '"e"', "x-amz-version-id": "other"})
    origin, key = store(), Key("k", "mine")
    for act in (lambda: origin.look(key), lambda: list(origin.read(key)), lambda: origin.look_many([key])):
        with pytest.raises(ObjectMissing, match="other"):
            act()
    assert fake.asked[-1].query["versionId"] == "mine"
    fake.answer = lambda _: refusal(400, "InvalidArgument", "Invalid version id specified")
    assert isinstance(refused(lambda: store().look(key)), ObjectMissing)


MD5 = "5d41402abc4b2a76b9719d911017c592"
SSE = "x-amz-server-side-encryption"


@pytest.mark.parametrize(
    ("etag", "headers", "md5"),
    [
        (MD5, {}, MD5),
        (MD5, {SSE: "AES256"}, MD5),
        (MD5, {SSE: "aws:kms"}, None),
        (MD5, {SSE: "aws:kms:dsse"}, None),
        (MD5, {f"{SSE}-customer-algorithm": "AES256"}, None),
        (f"{MD5}-7", {}, None),
        (MD5.upper(), {}, None),
        ("short", {}, None),
    ],
)
def test_md5__only_where_s3_vouches_for_it(fake: AnsweringS3, etag: str, headers: dict[str, str], md5: str) -> None:
    fake.answer = lambda _: Reply(body=b"hello", headers={"ETag": f'"{etag}"', **headers})
    origin = store()
    for _ in range(2):
        facts = origin.look(KEY)
        assert (facts.size, facts.etag, facts.md5) == (5, etag, md5)


# Credentials


def test_credentials__none__names_the_chain_of_aws(fake: AnsweringS3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    for act in (lambda: store().look(KEY), lambda: read(store()), lambda: store().look_many([KEY])):
        error = refused(act)
        assert error.code == "no-credentials"
        for way in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "aws sso login", "allow_anonymous_login"):
            assert way in error.hint
    assert fake.asked == []


@pytest.mark.parametrize(
    ("platform", "inputs", "others"),
    [
        ("github", ("aws-role", "aws-region", "id-token: write"), ("aws_role", "sso", "AWS_PROFILE", "configure-aws")),
        ("gitlab", ("aws_role",), ("aws-role", "sso", "AWS_PROFILE", "id_tokens")),
    ],
)
@pytest.mark.parametrize("wrong", ["none", "profile", "key"])
def test_credentials__in_a_job__names_its_inputs_and_no_other_way(
    fake: AnsweringS3,
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    inputs: tuple[str],
    others: tuple[str],
    wrong: str,
) -> None:
    fake.answer = lambda _: refusal(403, "InvalidAccessKeyId")
    if wrong != "key":
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name)
    remote = Remote("origin", "s3://bucket/pre", {"profile": "team"} if wrong == "profile" else {}, frozenset())
    opened = RemoteStores(request_payer=False, platform=platform).remote(remote, "")
    error = refused(lambda: opened.look(KEY))
    assert error.code == ("access-denied" if wrong == "key" else "no-credentials")
    for word in inputs[:2]:
        assert word in error.hint
    for word in others:
        assert word not in error.hint
    assert ("profile" in error.hint) == (wrong == "profile")


@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_credentials__in_a_job_for_a_store_that_is_not_awss__are_its_keys(
    fake: AnsweringS3, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    stores = RemoteStores(request_payer=False, platform=platform)
    for url, role in ((fake.url, False), ("https://s3.eu-central-1.amazonaws.com", True)):
        opened = stores.remote(Remote("origin", "s3://bucket/pre", {"endpointurl": url}, frozenset()), "")
        error = refused(lambda opened=opened: opened.look(KEY))  # type: ignore[misc]
        assert (error.code, "role" in error.hint, "AWS_ACCESS_KEY_ID" in error.hint) == (
            "no-credentials",
            role,
            not role,
        )


def test_credentials__half_a_key_or_an_unknown_profile__no_credentials(
    fake: AnsweringS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(lambda: store(access_key_id="x").look(KEY)).code == "no-credentials"
    error = refused(lambda: store(profile="nobody").look(KEY))
    assert error.code == "no-credentials"
    assert "nobody" in error.message
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert refused(lambda: store().look(KEY)).code == "no-credentials"


def test_credentials__of_the_remotes_options__sign(fake: AnsweringS3) -> None:
    origin = store(access_key_id="AKIAOTHER", secret_access_key="x", session_token="tok")
    for _ in range(2):
        origin.look(KEY)
        assert "Credential=AKIAOTHER/" in fake.asked[-1].headers["authorization"]
        assert fake.asked[-1].headers["x-amz-security-token"] == "tok"


def test_credentials__anonymous__nothing_is_signed(fake: AnsweringS3) -> None:
    origin = store(allow_anonymous_login="true")
    for _ in range(2):
        assert read(origin) == b"hello"
        assert origin.look(KEY).size == 5
    assert fake.count() == 4
    assert not any("authorization" in asked.headers or asked.query for asked in fake.asked)
    assert origin.presign(KEY, 60) is None


@pytest.mark.parametrize(
    ("option", "variable"), [("credentialpath", "AWS_SHARED_CREDENTIALS_FILE"), ("configpath", "AWS_CONFIG_FILE")]
)
def test_files__that_may_run_programs__only_from_this_machines_configuration(
    fake: AnsweringS3, option: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CONFIG_FILE",
    ):
        monkeypatch.delenv(name)
    ran = tmp_path / "ran"
    keys = json.dumps({"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": "y"})
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\necho '{keys}'\n")
    program.chmod(0o755)
    file = tmp_path / "aws"
    file.write_text(f"[default]\ncredential_process = {program}\n")
    error = refused(lambda: store(own=False, **{option: str(file)}).look(KEY))
    assert isinstance(error, WrongUsage)
    assert error.code == "untrusted-option"
    assert "--local" in error.hint
    assert variable in error.hint
    assert not ran.exists()
    assert store(**{option: str(file)}).look(KEY).size == 5
    assert "Credential=AKIAPROCESS/" in fake.asked[-1].headers["authorization"]
    assert ran.exists()


def test_profile__of_the_repository__chooses_from_this_machines_file(
    fake: AnsweringS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "credentials"
    file.write_text("[team]\naws_access_key_id = AKIATEAM\naws_secret_access_key = z\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    store(own=False, profile="team").look(KEY)
    assert "Credential=AKIATEAM/" in fake.asked[-1].headers["authorization"]


def test_web_identity__as_on_github_and_gitlab__assumes_the_role(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3.bucket()
    s3.put(bucket, "pre/files/md5/ab/cdef", b"hello")
    token = tmp_path / "token"
    token.write_text("a.b.c")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", s3.url)
    origin = store(f"s3://{bucket}/pre")
    assert [read(origin), read(origin)] == [b"hello", b"hello"]
    url = origin.presign(KEY, 60)
    assert url is not None
    assert "Credential=ASIA" in url


def test_web_identity__that_the_role_does_not_trust__says_so(
    fake: AnsweringS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("very.secret.jwt")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", fake.url)
    body = "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>no</Message></Error></ErrorResponse>"
    for code, ours in (("AccessDenied", "access-denied"), ("ExpiredTokenException", "expired-credentials")):
        fake.answer = lambda _, code=code: Reply(400, body.format(code).encode(), {"Content-Type": "text/xml"})  # type: ignore[misc]
        error = refused(lambda: store().look(KEY))
        assert error.code == ours
        assert ours == "expired-credentials" or "trust policy" in error.hint
        assert "very.secret.jwt" not in error.message + error.hint


def test_web_identity__proxy_answers_for_sts__no_bug_of_ours(
    fake: AnsweringS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("very.secret.jwt")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", fake.url)
    for page in (b"<html><body>Broken</p>", b"<!DOCTYPE html><p>Broken"):
        fake.answer = lambda _, page=page: Reply(500, page, {"Content-Type": "text/html"})  # type: ignore[misc]
        error = refused(lambda: store().look(KEY))
        assert isinstance(error, StoreRefused)
        assert "HTTPS_PROXY" in error.hint
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://sts.invalid:9")
    error = refused(lambda: store().look(KEY))
    assert error.message.startswith("sts.invalid cannot be reached")


# Headers that go along


def test_sse_c__key_in_base64__goes_with_every_request_and_into_no_text(fake: AnsweringS3) -> None:
    raw = bytes(range(32))
    encoded = base64.b64encode(raw).decode()
    origin = store(sse_customer_key=encoded)
    for _ in range(2):
        read(origin)
        origin.look(KEY)
    assert fake.count() == 4
    for asked in fake.asked:
        assert asked.headers[f"{SSE}-customer-algorithm"] == "AES256"
        assert asked.headers[f"{SSE}-customer-key"] == encoded
        assert asked.headers[f"{SSE}-customer-key-md5"] == base64.b64encode(hashlib.md5(raw).digest()).decode()
    fake.answer = lambda _: refusal(400, "InvalidRequest", f"bad key {encoded}")
    assert encoded not in refused(lambda: read(origin)).message
    assert origin.presign(KEY, 60) is None
    assert refused(lambda: store(sse_customer_key="not base64!")).code == "bad-option"


def test_request_payer__only_when_asked__goes_with_every_request(fake: AnsweringS3) -> None:
    origin = store(payer=True)
    for _ in range(2):
        read(origin)
        origin.look(KEY)
    fake.answer = lambda _: list_page([], None)
    assert origin.look_many([Key(f"a/{number}") for number in range(150)]) == {}
    assert {asked.headers.get("x-amz-request-payer") for asked in fake.asked} == {"requester"}
    url = origin.presign(KEY, 60)
    assert url is not None
    assert "x-amz-request-payer=requester" in url
    assert "request-payer" not in url.partition("SignedHeaders=")[2].partition("&")[0]
    fake.asked.clear()
    read(store())
    assert "x-amz-request-payer" not in fake.asked[0].headers


def test_presign__really_reads_without_credentials(s3: S3Server) -> None:
    bucket = s3.bucket(versioned=True)
    old = s3.put(bucket, "files/md5/ab/cdef", b"old")
    s3.put(bucket, "files/md5/ab/cdef", b"new")
    origin = store(f"s3://{bucket}")
    for key, data in ((KEY, b"new"), (Key(KEY.path, old), b"old")):
        url = origin.presign(key, 604_800)
        assert url is not None
        assert "X-Amz-Expires=604800" in url
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == data
    with pytest.raises(ObjectMissing):
        store(f"s3://{bucket}").presign(Key("none"), 60)


@pytest.mark.parametrize("seconds", [0, -1, 604_801])
def test_presign__for_too_long__refused(fake: AnsweringS3, seconds: int) -> None:
    assert refused(lambda: store().presign(KEY, seconds)).code == "bad-expiry"


def test_delete_marker__is_a_missing_object(s3: S3Server) -> None:
    bucket = s3.bucket(versioned=True)
    s3.put(bucket, KEY.path, b"x")
    marker = s3.client.delete_object(Bucket=bucket, Key=KEY.path)["VersionId"]
    origin = store(f"s3://{bucket}")
    for key in (KEY, Key(KEY.path, marker)):
        with pytest.raises(ObjectMissing):
            origin.look(key)
        with pytest.raises(ObjectMissing):
            list(origin.read(key))
        assert origin.look_many([key]) == {}


def test_bucket__that_is_not_there__is_told_from_an_object(s3: S3Server) -> None:
    for act in (
        lambda: store("s3://no-such-bucket").look(KEY),
        lambda: read(store("s3://no-such-bucket")),
        lambda: store("s3://no-such-bucket").look_many([KEY, Key("other")]),
        lambda: store("s3://no-such-bucket").look_many([Key(f"a/{number}") for number in range(200)]),
    ):
        error = refused(act)
        assert (type(error), error.code) == (NotFound, "bucket-missing")
        assert "no-such-bucket" in error.message


@pytest.mark.parametrize("url", ["s3://", "s3:///key", "s3://Bad_Bucket!/x"])
def test_url__without_a_bucket__bad_remote(fake: AnsweringS3, url: str) -> None:
    assert refused(lambda: store(url).look(KEY)).code == "bad-remote"


def test_network__nobody_listens_or_speaks_tls__unreachable(fake: AnsweringS3) -> None:
    assert refused(lambda: store(endpointurl="http://127.0.0.1:1").look(KEY)).code == "unreachable"
    error = refused(lambda: store(endpointurl=fake.url.replace("http:", "https:")).look(KEY))
    assert error.code == "unreachable"
    assert "ssl_verify" in error.hint
    error = refused(lambda: store(endpointurl="http://user:pass-word@127.0.0.1:1").look(KEY))
    assert "pass-word" not in error.message
    fake.answer = lambda _: Reply(drop=True)
    assert refused(lambda: read(store())).code == "unreachable"


@pytest.mark.parametrize(
    ("option", "value"), [("use_ssl", "maybe"), ("connect_timeout", "soon"), ("read_timeout", "-1")]
)
def test_options__that_make_no_sense__say_which(fake: AnsweringS3, option: str, value: str) -> None:
    error = refused(lambda: store(**{option: value}).look(KEY))
    assert error.code == "bad-option"
    assert option in error.message


# Many keys


class Bucket:
    """Keys of a bucket, listed in pages of a thousand and answered one by one. ``extra`` are between any two."""

    def __init__(self, names: list[str], *, listable: bool = True) -> None:
        self.names = sorted(names)
        self.there = set(names)
        self.listable = listable

    def __call__(self, asked: Asked) -> Reply:
        if "list-type" in asked.query:
            if not self.listable:
                return refusal(403, "AccessDenied")
            prefix, token = asked.query["prefix"], asked.query.get("continuation-token", "")
            names = [name for name in self.names if name.startswith(prefix) and name > token]
            return list_page(names[:1000], names[999] if len(names) > 1000 else None)
        if asked.key in self.there:
            return Reply(body=asked.key.encode(), headers={"ETag": f'"{MD5}"'})
        return Reply(404) if asked.method == "HEAD" else refusal(404, "NoSuchKey")


def digests(count: int, salt: str = "") -> list[str]:
    found = (hashlib.md5(f"{salt}{number}".encode()).hexdigest() for number in range(count))
    return [f"files/md5/{name[:2]}/{name[2:]}" for name in found]


def test_look_many__ten_thousand_keys_in_a_small_bucket__a_list_for_each_folder(fake: AnsweringS3) -> None:
    names = digests(10_000)
    # Names that differ from wanted ones by their end are others.
    fake.answer = Bucket([f"pre/{name}" for name in names[1:]] + [f"pre/{names[0]}x", f"pre/{digests(9_000, 'x')[0]}"])
    found = store().look_many([Key(name) for name in names])
    assert set(found) == {Key(name) for name in names[1:]}
    assert found[Key(names[1])].size == len(f"pre/{names[1]}")
    assert found[Key(names[1])].md5 is None
    assert fake.count(**{"list-type": "2"}) == fake.count() == 256


def test_look_many__in_a_huge_bucket__a_head_for_each_key(fake: AnsweringS3) -> None:
    names = digests(1_000)
    # Every folder has three thousand others before its first wanted key.
    folders = {name[: name.rfind("/") + 1] for name in names}
    others = [f"pre/{folder}{number:032x}" for folder in folders for number in range(3000)]
    fake.answer = Bucket([f"pre/{name}" for name in names[:900]] + others)
    found = store().look_many([Key(name) for name in names])
    assert set(found) == {Key(name) for name in names[:900]}
    assert fake.count("HEAD") == 1_000
    assert fake.count() <= 1_000 + 3


def test_look_many__where_listing_is_forbidden__a_head_for_each_key(fake: AnsweringS3) -> None:
    names = digests(600)
    fake.answer = Bucket([f"pre/{name}" for name in names[:500]], listable=False)
    found = store().look_many([Key(name) for name in names])
    assert set(found) == {Key(name) for name in names[:500]}
    assert fake.count() <= 600 + 3


def test_look_many__a_few_or_versioned_keys__are_never_listed(fake: AnsweringS3) -> None:
    names = digests(200)
    fake.answer = Bucket([f"pre/{name}" for name in names])
    assert len(store().look_many([Key(name) for name in names[:50]])) == 50
    assert len(store().look_many([Key(name, "v1") for name in names])) == 200
    assert fake.count("HEAD") == fake.count() == 250


def test_look_many__one_refusal__ends_it(fake: AnsweringS3) -> None:
    fake.answer = lambda _: refusal(403, "AccessDenied")
    assert refused(lambda: store().look_many([Key(name, "v1") for name in digests(2_000)])).code == "access-denied"
    assert fake.count() < 200


def test_quick_requests__after_the_first__are_as_many_as_reads(fake: AnsweringS3) -> None:
    origin = store()
    for _ in range(5):
        assert read(origin) == b"hello"
    assert fake.count() == 5
    assert not any("user-agent" in asked.headers and "Boto3" in asked.headers["user-agent"] for asked in fake.asked[1:])
    assert all("authorization" in asked.headers for asked in fake.asked)


def test_quick_requests__refused_where_the_client_is_not__are_not_sent_again(fake: AnsweringS3) -> None:
    def answer(asked: Asked) -> Reply:
        if "Boto" in asked.headers.get("user-agent", ""):
            return Reply(body=b"hello", headers={"ETag": '"e1"'})
        return refusal(403, "SignatureDoesNotMatch")

    fake.answer = answer
    origin = store()
    for _ in range(4):
        assert read(origin) == b"hello"
    assert fake.count() == 5
