"""What a clone lacks of its remote's registry tags."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.ledger.completeness import compare
from tagline.domain.ledger.events import RawTag


def _tag(name: str, object_id: str, kind: str = "tag") -> RawTag:
    return RawTag(name, object_id, kind, "c" * 40, "commit", 1, name)


def test_compare__each_kind_of_difference__is_told_apart() -> None:
    local = [
        _tag("rf@v1.0.0", "1"),
        _tag("rf#prod#1", "changed"),
        _tag("rf#prod#2", "commit", "commit"),
        _tag("rf@v3.0.0", "9"),
        _tag("release", "x"),
    ]
    remote = {"rf@v1.0.0": "1", "rf#prod#1": "2", "rf#prod#2": "3", "rf@v2.0.0": "4", "v1.0.0": "5", "release": "6"}
    assert compare(local, remote) == (["rf@v2.0.0"], ["rf#prod#1"], ["rf#prod#2"], ["rf@v3.0.0"])


names = st.sampled_from(["rf@v1.0.0", "rf#prod#1", "rf#prod#2", "x@v1.0.0", "release", "v1"])


@given(st.dictionaries(names, st.sampled_from("ab")))
def test_compare__equal_sides__no_difference(refs: dict[str, str]) -> None:
    assert compare([_tag(name, oid) for name, oid in refs.items()], refs) == ([], [], [], [])
