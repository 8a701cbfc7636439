"""Where a branch was before a change landed on it, told from commits alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.changes.landing import Commit, landed_after

ALICE = "Alice <a@example.com> 100 +0000"
#: When changes are merged here.
MERGED = 1_700_000_000
TEXT = """\
tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904
parent 1111111111111111111111111111111111111111
parent 2222222222222222222222222222222222222222
author Zoë 名 <z@example.com> 1700000000 +0100
committer GitHub <noreply@github.com> 1700000123 +0000
gpgsig -----BEGIN PGP SIGNATURE-----
 
 author forged <f@example.com> 1 +0000
 parent 3333333333333333333333333333333333333333
 -----END PGP SIGNATURE-----

Merge it

parent 4444444444444444444444444444444444444444
author forged <f@example.com> 1 +0000
"""  # noqa: W293


def test_parse__merge_commit__reads_its_headers_alone():
    commit = Commit.parse("c" * 40, TEXT)
    assert commit.parents == ("1" * 40, "2" * 40)
    assert commit.author == "Zoë 名 <z@example.com> 1700000000 +0100"
    assert commit.time == 1_700_000_123
    assert commit.message.startswith("Merge it\n\nparent 4444")


def test_parse__root_commit__has_no_parents():
    text = "tree 1\nauthor A <a> 1 +0000\ncommitter A <a> 2 +0000\n\nFirst\n"
    assert Commit.parse("c", text) == Commit("c", (), "A <a> 1 +0000", "First\n", 2)


@pytest.mark.parametrize(
    "committer", ["", "A <a>", "A <a> now +0000", "A <a> -5 +0000", "A <a> 5", f"A <a> {'9' * 19} +0000", "A <a> 5 UTC"]
)
def test_parse__time_not_as_git_writes_it__is_zero(committer):
    assert Commit.parse("c", f"tree 1\ncommitter {committer}\n\nm").time == 0


def test_parse__name_that_looks_like_a_time__is_not_taken_for_it():
    assert Commit.parse("c", "committer A> 5 +0000 <a@b> 7 +0000\n\nm").time == 7


@given(st.text())
def test_parse__any_text__never_fails(text):
    assert Commit.parse("c", text).time >= 0


class Graph:
    """Commits by name; ``add`` gives the name, so that it can be the next one's parent."""

    def __init__(self) -> None:
        self.commits: dict[str, Commit] = {}

    def add(self, name: str, *parents: str, author: str = ALICE, message: str | None = None, time: int = 0) -> str:
        self.commits[name] = Commit(name, parents, author, name if message is None else message, time)
        return name

    def rebase(self, *names: str, onto: str, time: int = MERGED) -> str:
        """Copies of these commits, one on the other, as a forge makes them at the merge."""
        for name in names:
            onto = self.add(f"{name}'", onto, message=f"{name}\n", time=time)
        return onto

    def tip_before(self, landed: str, *own: str) -> str | None:
        return landed_after(landed, [self.commits[name] for name in own], self.commits.__getitem__)


@pytest.fixture
def branched() -> Graph:
    """main: m0, m1; a change of three commits c1, c2, c3 from m0."""
    graph = Graph()
    graph.add("m0")
    graph.add("m1", "m0")
    graph.add("c1", "m0")
    graph.add("c2", "c1")
    graph.add("c3", "c2")
    return graph


OWN = ("c1", "c2", "c3")


def test_squash__of_several__goes_back_by_one(branched):
    branched.add("s", "m1", author="Alice <a@example.com> 999 +0000", message="Better (#7)\n\n* c1\n* c2")
    assert branched.tip_before("s", *OWN) == "m1"


@pytest.mark.parametrize("message", ["c1 (#7)", "c1", "c1\n"])
def test_squash__of_one__goes_back_by_one_even_where_it_is_word_for_word_the_commit(branched, message):
    branched.add("s", "m1", message=message, time=MERGED)
    assert branched.tip_before("s", "c1") == "m1"


def test_squash__with_the_message_of_one_of_several__cannot_be_told(branched):
    branched.add("s", "m1", message="c2", time=MERGED)
    assert branched.tip_before("s", *OWN) is None


@pytest.mark.parametrize("own", [OWN, OWN[:2], OWN[:1]])
@pytest.mark.parametrize("onto", ["m0", "m1"])
def test_rebase__of_all_commits__goes_back_to_before_the_first(branched, own, onto):
    assert branched.tip_before(branched.rebase(*own, onto=onto), *own) == onto


def test_rebase__in_another_order__passes_each_once(branched):
    assert branched.tip_before(branched.rebase("c3", "c1", "c2", onto="m1"), *OWN) == "m1"


def test_rebase__two_commits_with_the_same_words__are_each_passed_once(branched):
    branched.add("d1", "m0", message="same")
    branched.add("d2", "d1", message="same")
    branched.add("d1'", "m1", message="same", time=MERGED)
    branched.add("d2'", "d1'", message="same", time=MERGED)
    assert branched.tip_before("d2'", "d1", "d2") == "m1"


@pytest.mark.parametrize("landed", [("c2", "c3"), ("c3",), ("c1", "c3")])
def test_rebase__some_commits_are_not_there__cannot_be_told(branched, landed):
    """Dropped because main had them: then the ones before may be this change's or another's."""
    assert branched.tip_before(branched.rebase(*landed, onto="m1"), *OWN) is None


def test_rebase__first_commit_landed_long_before_with_another_change__cannot_be_told(branched):
    early = branched.rebase("c1", onto="m1", time=MERGED - 10_000)
    assert branched.tip_before(branched.rebase("c2", "c3", onto=early), *OWN) is None


@pytest.mark.parametrize(("apart", "expected"), [(0, "m1"), (120, "m1"), (121, None)])
def test_rebase__all_its_commits_are_made_in_one_moment(branched, apart, expected):
    first = branched.rebase("c1", onto="m1", time=MERGED - apart)
    assert branched.tip_before(branched.rebase("c2", onto=first), "c1", "c2") == expected


def test_rebase__copy_of_another_author_time__is_none(branched):
    branched.add("c1'", "m1", message="c1", author="Alice <a@example.com> 101 +0000", time=MERGED)
    assert branched.tip_before("c1'", "c1") == "m1"
    branched.add("c2'", "c1'", message="c2", time=MERGED)
    assert branched.tip_before("c2'", "c1", "c2") is None


def test_rebase__merges_in_the_branch__are_not_copied_and_not_missed(branched):
    branched.add("x", "c2", "m1")
    branched.add("c4", "x")
    assert branched.tip_before(branched.rebase("c1", "c2", "c4", onto="m1"), "c1", "c2", "x", "c4") == "m1"


@pytest.mark.parametrize(
    ("author", "message", "expected"),
    [
        (ALICE, "c1", True),
        (ALICE, "c1\n\n", True),
        (ALICE, "c1 (#7)", False),
        ("Bob <b@example.com> 100 +0000", "c1", False),
        ("Alice <a@example.com> 101 +0000", "c1", False),
        ("Bob <b@example.com> 100 +0000", "c2", False),
    ],
)
def test_copy__is_of_the_same_author_time_and_words(author, message, expected):
    copy, own = Commit("x", (), author, message, 5), Commit("c1", ("m0",), ALICE, "c1\n", 0)
    assert copy.is_copy_of(own) == expected
    assert own.is_copy_of(copy) == expected


@pytest.mark.parametrize("message", ["other", "c"])
def test_landed__commit_without_parents__is_its_own_tip(message):
    graph = Graph()
    graph.add("r", message=message)
    graph.add("c")
    assert graph.tip_before("r", "c") == "r"


def test_landed__own_commits_are_not_known__goes_back_by_one(branched):
    branched.add("s", "m1", message="c1")
    assert branched.tip_before("s") == "m1"


@given(st.integers(1, 8), st.integers(0, 5), st.lists(st.sampled_from(["a", "b"]), min_size=8, max_size=8))
def test_rebase__of_any_length_and_words_onto_any_main__goes_back_to_its_tip(length, ahead, messages):
    graph = Graph()
    tip = graph.add("m0")
    for number in range(1, ahead + 1):
        tip = graph.add(f"m{number}", tip)
    head, landed = "m0", tip
    own = [f"c{number}" for number in range(length)]
    for name, message in zip(own, messages, strict=False):
        head = graph.add(name, head, message=message)
        landed = graph.add(f"{name}'", landed, message=message, time=MERGED)
    assert graph.tip_before(landed, *own) == tip
