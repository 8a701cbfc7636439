"""Tag messages: what is composed is parsed back, and nothing can forge a trailer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.ledger.messages import compose, one_line, parse_trailers, subject
from tagline.domain.ledger.tags import EventKind

keys = st.sampled_from(["Change", "Run", "Override", "Approved-By", "Rollback-From"])


@given(st.lists(st.tuples(keys, st.text(min_size=1)), max_size=6))
def test_compose__any_values__parse_back_each_as_one_line(pairs: list[tuple[str, str]]) -> None:
    expected: dict[str, list[str]] = {}
    for key, value in pairs:
        expected.setdefault(key, []).append(one_line(value))
    assert parse_trailers(compose("Assigning stage prod to artifact rf version v1.0.0", pairs)) == expected


@given(st.text())
def test_parse_trailers__any_text__does_not_fail(text: str) -> None:
    for values in parse_trailers(text).values():
        assert all("\n" not in value for value in values)


@pytest.mark.parametrize(
    ("message", "trailers"),
    [
        ("", {}),
        ("subject", {}),
        ("Change: in the subject", {}),
        ("s\n\nprose that ends\nChange: x", {}),
        ("s\n\nbody\n\nChange: x\nChange: y\n\n\n", {"Change": ["x", "y"]}),
        ("s\n\nChange: x\n-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n", {"Change": ["x"]}),
        ("s\n\nChange: first\n\nlast paragraph is prose", {}),
    ],
)
def test_parse_trailers__as_git_does__last_paragraph_alone(message: str, trailers: dict[str, list[str]]) -> None:
    assert parse_trailers(message) == trailers


def test_subject__gtos_own_words() -> None:
    assert subject(EventKind.REGISTRATION, "rf", "v1.0.0", None) == "Registering artifact rf version v1.0.0"
    assert subject(EventKind.ASSIGNMENT, "rf", "v1.0.0", "prod") == "Assigning stage prod to artifact rf version v1.0.0"
    unassigned = "Unassigning stage 'prod' to artifact 'rf' version 'v1.0.0'"
    assert subject(EventKind.UNASSIGNMENT, "rf", "v1.0.0", "prod") == unassigned
    assert subject(EventKind.DEREGISTRATION, "rf", "v1.0.0", None) == "Deregistering artifact rf version v1.0.0"
    assert subject(EventKind.DEPRECATION, "rf", None, None) == "Deprecating artifact 'rf'"
