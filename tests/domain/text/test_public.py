"""What is left of URLs, wherever they stand in a text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.text.public import public

PASSWORDS = st.from_regex(r"\A[a-z0-9+/]{0,5}SECRET[a-z0-9:+/?#]{0,5}\Z")
AROUND = st.sampled_from(["", " ", "curl '", 'x="', "--url=", "git clone "])


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://h/x?X-Amz-Signature=S#t", "https://h/x?…"),
        ("https://bob:pa/S@h/x", "https://h/x"),
        (" https://bob:S@h/o/r", " https://h/o/r"),
        ("bob:S@host:repo", "bob@host:repo"),
        ("git+https://S@h/o/r@v1.0", "git+https://h/o/r@v1.0"),
        ("http+git://bob:S@h/r", "http+git://h/r"),
        ("ssh://git:S@h/r", "ssh://git@h/r"),
        ("https:/bob:S@h/x", "https:/h/x"),
        ("https://bob:1/S@h", "https://…@h"),
        ("https://proxy/https://u:S@h/y", "https://proxy/https://h/y"),
        ("curl 'https://u:S@h/y?a=S' -o y", "curl 'https://h/y?…' -o y"),
        ("https://proxy/bob:S@h/y", "https://proxy/…@h/y"),
        ("https://proxy/bob:p@S@host:y", "https://proxy/…@host:y"),
        ("ssh://git:@S/x@h/r", "ssh://…@h/r"),
        ("https://bob:a@S/b@h/r", "https://…@h/r"),
        ("https://bob:a?S@h/r", "https://…"),
        ("https://h:80/r?token=@S", "https://…"),
        ("https://bob:S@h/r?token=a@S", "https://…"),
        ("git+https://h/r?private_token=S", "git+https://h/r?…"),
        ('{"uri": "https://u:S@h?sig=S"}', '{"uri": "https://h?…"}'),
        # A scheme that is none: a user before a password that begins with slashes.
        ("bob://SECRET?@host:x", "bob://…"),
    ],
)
def test_public__url_with_a_secret__lost_it(written: str, shown: str) -> None:
    assert public(written) == shown


@pytest.mark.parametrize(
    "text",
    [
        f"git+http://h:80/r.git@{'a' * 40}#models/a#b?c", f"'git+https://h/r@{'b' * 64}#m'.",
        f"git+ssh://git@h/r@{'a' * 40}", "https://reg/py:3.11@sha256:abc", "git@github.com:o/r", "ssh://git@h/r", "abfss://box@acc.net/x",
        "https://h/a@b:c@d", "http://h:5000/x",
        f"docker run py:3.11@sha256:{'a' * 64}", "risk@v1.0.0", "(or ml/version:rf@minor), is", "version:rf@minor: no",
        "s3://b/a:b@c", "ada@acme.example", "a: b\n\tc", "s3://b/k",
    ],
)  # fmt: skip
def test_public__nothing_secret__stays(text: str) -> None:
    assert public(text) == text


@given(AROUND, st.sampled_from(["https", "ssh", "git+https", "s3", "x"]), PASSWORDS, AROUND)
def test_public__planted_password__never_shown(before: str, scheme: str, password: str, after: str) -> None:
    for url in (f"{scheme}://bob:{password}@h/x", f"{scheme}://h/x?k={password}", f"bob:{password}@host:x"):
        assert "SECRET" not in public(f"{before}{url}{after}")


@given(st.text() | st.text("a:/@?#[]. …'", max_size=40))
def test_public__again__changes_nothing(text: str) -> None:
    assert public(public(text)) == public(text)


@given(st.text().filter(lambda text: ":" not in text))
def test_public__no_url__same_text(text: str) -> None:
    assert public(text) == text


@pytest.mark.parametrize(
    "part", ["a", "@", ":", "a@b:", "://", "https://a:b@", "http:/", "x://[@", "a:1/@", "a://?", "x://a:x/@", "a:b@c "]
)
def test_public__a_megabyte_of_it__soon_done(part: str) -> None:
    began = time.process_time()
    public(part * (1_000_000 // len(part)) + ":@")
    assert time.process_time() - began < 5
