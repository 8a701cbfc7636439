"""Superseded answers: which event overtook one, by what was asked."""

from __future__ import annotations

import pytest

from tagline.domain.ledger.answers import find, of_tag
from tagline.domain.ledger.events import RawTag, read_events
from tagline.domain.ledger.registry import ArtifactState, fold
from tagline.domain.ledger.superseded import overtaken, refusal
from tagline.domain.ledger.targets import Target, parse_target

NOW = 1_700_000_000
A, B = "a" * 40, "b" * 40
FIRST = (("rf@v1.0.0", A), ("rf@v2.0.0", B), ("rf#prod#1", A), ("rf#prod#2", B))


def ledger(*more: tuple[str, str]) -> ArtifactState:
    raw = [
        RawTag(name, "", "tag", commit, "commit", NOW + place, name, "Ada", "ada@example.com", "said\n")
        for place, (name, commit) in enumerate((*FIRST, *more))
    ]
    return fold("rf", read_events(raw).events["rf"])


CASES = [
    # asked, what happened, by which tag it was overtaken, what is said of it
    ("rf#prod#1", [], "rf#prod#2", "gave rf#prod to v2.0.0 at 2023-11-14T22:13:23Z"),
    ("rf#prod#2", [], None, ""),
    ("rf#prod#2", [("rf#dev#3", A)], None, ""),
    ("rf#prod#2", [("rf@v3.0.0", "c" * 40)], None, ""),
    ("rf#prod#2", [("rf#prod!#3", B)], "rf#prod!#3", "gave rf#prod to v1.0.0"),
    ("rf#prod#2", [("rf@v2.0.0!#3", B)], "rf@v2.0.0!#3", "gave rf#prod to v1.0.0"),
    ("rf#prod#2", [("rf#prod#3", B)], "rf#prod#3", "gave rf#prod to v2.0.0"),
    ("rf#prod#1", [("rf#prod!#3", B)], None, ""),
    ("rf#prod#2", [("rf#prod!#3", A), ("rf#prod!#4", B)], "rf#prod!#4", "left rf#prod to nobody"),
    ("rf#prod#2", [("rf@deprecated", B)], "rf@deprecated", "deprecated rf"),
    ("rf@v2.0.0", [], None, ""),
    ("rf@v2.0.0", [("rf@v2.0.0!#3", B)], "rf@v2.0.0!#3", "is the last word on rf v2.0.0"),
    ("rf@v1.0.0", [("rf@v3.0.0", "c" * 40)], None, ""),
]


@pytest.mark.parametrize(("tag", "more", "by", "said"), CASES, ids=str)
def test_tag__is_overtaken_by_what_decides_in_its_place(
    tag: str, more: list[tuple[str, str]], by: str | None, said: str
) -> None:
    found = overtaken(ledger(*more), tag, of_tag(ledger(*more), tag))
    assert (found.by if found else None) == by
    assert said in (found.message if found else "")


@pytest.mark.parametrize(
    ("target", "more", "by"),
    [
        ("rf#prod", [], None),
        ("rf#prod", [("rf#prod#3", A)], "rf#prod#3"),
        ("rf", [("rf#prod#3", A)], None),
        ("rf@latest", [("rf@v3.0.0", "c" * 40)], "rf@v3.0.0"),
        ("rf@v2.0.0", [("rf@v3.0.0", "c" * 40)], None),
    ],
)
def test_target__is_overtaken_when_it_names_another_tag(
    target: str, more: list[tuple[str, str]], by: str | None
) -> None:
    asked = parse_target(target)
    found = overtaken(ledger(*more), asked, find(ledger(), asked))
    assert (found.by if found else None) == by


def test_tag_that_is_gone__says_so_and_nothing_is_handed_over() -> None:
    answer = find(ledger(("rf#prod#3", A)), Target("rf", stage="prod"))
    for state in (ledger(), None):
        found = overtaken(state, Target("rf", stage="prod"), answer)
        assert found is not None
        assert (found.by, found.message) == (None, "rf#prod#3 is gone from the registry.")
    assert found is not None
    assert (refusal(found).code, refusal(found).exit_code) == ("superseded", 1)
    assert "--if-superseded run" in refusal(found).hint
