"""The text of the change that updates a lock: nothing of a registry's words comes alive, and it always has room."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tagline.adapters.forges.pages import GitHubPages
from tagline.domain.ledger.tags import EventKind
from tagline.domain.lineage.comparison import Against, Traced, compare
from tagline.domain.lineage.lineage import Passage
from tagline.domain.lineage.pinned import Moved
from tagline.domain.pins.lock import Pin
from tagline.domain.pins.looked import Looked
from tagline.render.markdown.pins import outdated, proposed, title
from tests.render.markdown.test_comment import WRITTEN_HTML, every
from tests.render.markdown.test_escaping import PARSER, REFERENCES, hostile
from tests.support.lineages import pipeline

PAGE = "https://h.example/org/shop"
#: GitHub's bound of a text, in characters.
GITHUB = 65_536


def pin(version: str, tag: str, artifact: str = "churn", page: str = PAGE) -> Pin:
    return Pin(f"{artifact}#prod", f"{page}.git", version, "a" * 40, tag, "b" * 40, f"md5:{'0' * 32}", None, 5)


def moved(
    name: str = "churn", *, words: str = "because", artifact: str = "churn", page: str = PAGE, before: str = "v1.0.0",
    now: str = "v2.0.0",
) -> Moved:  # fmt: skip
    """A pin that moved, with a promotion whose every word is ``words``."""
    passage = Passage(
        1_767_398_400, EventKind.ASSIGNMENT, "prod", "churn#prod#2", f"{PAGE}/pull/7", (f"{words} x",),
        (f"{words} x", "dave x"), override=words, rollback_from=words, reason=words, tagger=words,
    )  # fmt: skip
    found = replace(pipeline(), passages=(passage,))
    against = Against((), before, "a" * 40, compare(pipeline(), found, {}))
    old, new = (pin(*each, artifact, page) for each in ((before, f"{artifact}#prod#1"), (now, f"{artifact}#prod#2")))
    return Moved(Looked(name, old, "moved", new), Traced(artifact, found, (against,), ("prod",)), GitHubPages(page))


def test_outdated__one_pin__says_what_a_reviewer_wants_to_know_at_a_glance() -> None:
    one = moved(words="carol")
    said = outdated([one], [one.looked], "tagline.lock")
    head = said.split("####")[0]
    for words in ("`v1.0.0`", "**`v2.0.0`**", f"{PAGE}/pull/7", "asked by `carol`", "`carol`, `dave`", "override"):
        assert words in head, head
    assert title([one]) == "Update churn from v1.0.0 to v2.0.0"


@given(hostile, hostile)
def test_proposed__whatever_the_words__holds_nothing_that_we_did_not_write(name: str, words: str) -> None:
    one = moved(name or "x", words=words)
    gone = Looked(name or "y", pin("v1.0.0", "churn#prod#1"), "gone", why=words)
    for token in every(PARSER.parse(proposed([one], [one.looked, gone], name))):
        assert token.type not in ("image", "s_open", "blockquote_open", "code_block", "ordered_list_open"), token
        if token.type.startswith("html"):
            assert "<" not in WRITTEN_HTML.sub("", token.content), token
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith(f"{PAGE}")
        if token.type in ("text", "text_special"):
            assert REFERENCES.search(token.content) is None, token
    assert "\n" not in title([one])


@given(st.sampled_from([1, 5, 40, 300]), st.sampled_from([1, 600]))
def test_proposed__of_many_pins_and_long_words__has_room(count: int, long: int) -> None:
    ones = [moved(f"churn-{number}", words="*" * long) for number in range(count)]
    gone = [Looked(f"gone-{number}", pin("v1.0.0", "t"), "gone", why="*" * long) for number in range(count)]
    said = proposed(ones, [*(one.looked for one in ones), *gone], "tagline.lock")
    assert len(said) < GITHUB - 200
    assert "churn-0" in said
    assert title(ones).startswith("Update")
