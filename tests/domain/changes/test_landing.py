"""Where a branch was before a change landed on it, told from commits alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.changes.landing import Commit, Made, forwarded_after, landed_after, made_by_forge, push_of
from tagline.domain.changes.pushes import Push

ALICE = "Alice <a@example.com> 100 +0000"
MERGER = "Bob <b@example.com> 1700000000 +0000"
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
    assert (commit.made_by, commit.time) == ("GitHub <noreply@github.com>", 1_700_000_123)
    assert commit.message.startswith("Merge it\n\nparent 4444")


def test_parse__root_commit__has_no_parents():
    text = "tree 1\nauthor A <a> 1 +0000\ncommitter A <a> 2 +0000\n\nFirst\n"
    assert Commit.parse("c", text) == Commit("c", (), "A <a> 1 +0000", "A <a> 2 +0000", "First\n")


@pytest.mark.parametrize(
    "committer", ["", "A <a>", "A <a> now +0000", "A <a> -5 +0000", "A <a> 5", f"A <a> {'9' * 19} +0000", "A <a> 5 UTC"]
)
def test_parse__time_not_as_git_writes_it__is_zero(committer):
    commit = Commit.parse("c", f"tree 1\ncommitter {committer}\n\nm")
    assert (commit.time, commit.made_by) == (0, "")


def test_parse__name_that_looks_like_a_time__is_not_taken_for_it():
    assert Commit.parse("c", "committer A> 5 +0000 <a@b> 7 +0000\n\nm").time == 7


@given(st.text())
def test_parse__any_text__never_fails(text):
    assert Commit.parse("c", text).time >= 0


class Graph:
    """Commits by name; ``add`` gives the name, so that it can be the next one's parent."""

    def __init__(self) -> None:
        self.commits: dict[str, Commit] = {}
        #: What other changes landed as.
        self.others: set[str] = set()

    def add(
        self, name: str, *parents: str, author: str = ALICE, message: str | None = None, committer: str = ALICE
    ) -> str:
        self.commits[name] = Commit(name, parents, author, committer, name if message is None else message)
        return name

    def rebase(self, *names: str, onto: str, committer: str = MERGER) -> str:
        """Copies of these commits, one on the other, as a forge makes them at the merge."""
        for name in names:
            onto = self.add(f"{name}'", onto, message=f"{name}\n", committer=committer)
        return onto

    def tip_before(self, landed: str, *own: str, start: str | None = None) -> str | None:
        mine = [self.commits[name] for name in own]
        return landed_after(landed, mine, self.commits.__getitem__, self.others.__contains__, start)

    def behind(self, name: str) -> list[str]:
        found = []
        while self.commits[name].parents:
            name = self.commits[name].parents[0]
            found.append(name)
        return found

    def lies_behind(self, one: str, other: str) -> bool:
        return one == other or any(self.lies_behind(one, parent) for parent in self.commits[other].parents)

    def tip_before_forward(self, landed: str, start: str | None, own: set[str] | None = None) -> str | None:
        return forwarded_after(self.behind(landed), start, own, self.others.__contains__, self.lies_behind)


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
    branched.add("s", "m1", message=message, committer=MERGER)
    assert branched.tip_before("s", "c1") == "m1"


def test_squash__with_the_message_of_one_of_several__cannot_be_told(branched):
    branched.add("s", "m1", message="c2", committer=MERGER)
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
    branched.add("d1'", "m1", message="same", committer=MERGER)
    branched.add("d2'", "d1'", message="same", committer=MERGER)
    assert branched.tip_before("d2'", "d1", "d2") == "m1"


@pytest.mark.parametrize("landed", [("c2", "c3"), ("c3",), ("c1", "c3")])
def test_rebase__some_commits_are_not_there__cannot_be_told(branched, landed):
    """Dropped because main had them: then the ones before may be this change's or another's."""
    assert branched.tip_before(branched.rebase(*landed, onto="m1"), *OWN) is None


@pytest.mark.parametrize("landed", [("c2", "c3"), ("c3",), ("c1", "c3")])
def test_rebase__some_commits_are_not_there_and_the_push_tells_where_it_began__goes_back_to_there(branched, landed):
    assert branched.tip_before(branched.rebase(*landed, onto="m1"), *OWN, start="m1") == "m1"


@pytest.mark.parametrize("method", ["rebase", "drops"])
def test_rebase__on_a_stacked_change_that_landed_a_moment_before__never_passes_its_landing(branched, method):
    """Two stacked changes, merged within the same minute: the first one's commits are the second one's too."""
    first = branched.rebase("c1", "c2", onto="m1")
    branched.others.add(first)
    landed = branched.rebase("c3", onto=first)
    assert branched.tip_before(landed, *OWN) == first


def test_rebase__behind_a_copy_of_mains_own_commit__the_push_says_whose_it_is(branched):
    """The branch had a cherry-pick of main's newest commit, which the forge dropped."""
    branched.add("picked", "m1", message="c1")
    landed = branched.rebase("c2", onto="picked")
    assert branched.tip_before(landed, "c1", "c2", start="picked") == "picked"


def test_rebase__behind_a_copy_that_somebody_else_committed__is_not_of_the_same_rebase(branched):
    branched.add("picked", "m1", message="c1", committer="Carol <c@example.com> 1700000000 +0000")
    assert branched.tip_before(branched.rebase("c2", onto="picked"), "c1", "c2", start="m0") is None


def test_rebase__first_commit_landed_long_before_with_another_change__never_passes_it(branched):
    early = branched.rebase("c1", onto="m1")
    branched.others.add(early)
    assert branched.tip_before(branched.rebase("c2", "c3", onto=early), *OWN) == early


@pytest.mark.parametrize("seconds", [0, 121, 86_400])
def test_rebase__whatever_the_clocks_say__is_told_by_the_commits(branched, seconds):
    first = branched.rebase("c1", onto="m1", committer=f"Bob <b@example.com> {1_700_000_000 - seconds} +0000")
    assert branched.tip_before(branched.rebase("c2", onto=first), "c1", "c2") == "m1"


def test_rebase__copy_of_another_author_time__is_none(branched):
    branched.add("c1'", "m1", message="c1", author="Alice <a@example.com> 101 +0000", committer=MERGER)
    assert branched.tip_before("c1'", "c1") == "m1"
    branched.add("c2'", "c1'", message="c2", committer=MERGER)
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
    copy, own = Commit("x", (), author, "", message), Commit("c1", ("m0",), ALICE, "", "c1\n")
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
        landed = graph.add(f"{name}'", landed, message=message, committer=MERGER)
    assert graph.tip_before(landed, *own) == tip


# -- fast-forwards ------------------------------------------------------------------


def test_forward__since_a_start__goes_back_to_it(branched):
    assert branched.tip_before_forward("c3", "m0") == "m0"


@pytest.mark.parametrize("start", ["m0", "m1", None])
def test_forward__over_another_changes_landing__stops_there(branched, start):
    branched.others.add("c1")
    assert branched.tip_before_forward("c3", start) == "c1"


def test_forward__of_a_branch_that_merged_main__starts_at_what_was_merged(branched):
    branched.add("x", "c2", "m1")
    branched.others.add("m0")
    branched.add("c4", "x")
    assert branched.tip_before_forward("c4", "m1") == "m1"


@pytest.mark.parametrize("start", ["m0", None])
def test_forward__over_somebodys_own_commit_of_the_same_push__starts_behind_that(branched, start):
    assert branched.tip_before_forward("c3", start, {"c2", "c3"}) == "c1"


def test_forward__without_a_word_on_where_it_began__cannot_be_told():
    graph = Graph()
    graph.add("r")
    graph.add("c", "r")
    assert graph.tip_before_forward("c", None, {"c", "r"}) is None


# -- pushes -------------------------------------------------------------------------

#: A branch, newest first.
LINE = ["f", "e", "d", "c", "b", "a"]


def _push(before: str | None, after: str | None) -> Push:
    return Push("bob", before, after, 0.0)


@pytest.mark.parametrize(
    ("pushes", "found"),
    [
        pytest.param([("e", "f"), ("c", "d"), ("b", "c")], ("c", "d"), id="its-own"),
        pytest.param([("e", "f"), ("b", "e"), ("a", "b")], ("b", "e"), id="of-several-commits"),
        pytest.param([("e", "f"), ("b", "c")], None, id="not-noted"),
        pytest.param([("e", "f"), ("x", "y"), ("c", "d")], ("c", "d"), id="behind-a-push-that-was-undone"),
        pytest.param([("x", "e")], ("x", "e"), id="that-began-aside"),
        pytest.param([(None, "d")], (None, "d"), id="that-made-the-branch"),
        pytest.param([("d", None), ("c", "d")], ("c", "d"), id="behind-one-that-took-it-away"),
        pytest.param([], None, id="none"),
    ],
)
def test_push_of__a_commit__is_the_one_that_brought_it(pushes, found):
    assert push_of("d", LINE, [_push(*ends) for ends in pushes]) == (_push(*found) if found else None)


def test_push_of__a_commit_that_is_not_on_the_line__only_one_that_ends_there():
    assert push_of("x", LINE, [_push("a", "f"), _push("w", "x")]) == _push("w", "x")
    assert push_of("x", LINE, [_push("a", "f")]) is None


# -- what a forge makes ---------------------------------------------------------------

WEB = "GitHub <noreply@github.com> 1700000000 +0000"


@pytest.mark.parametrize(
    ("flavour", "message", "number"),
    [
        ("github", "Merge pull request #7 from org/topic\n\nBetter", 7),
        ("github", "Better (#7)", 7),
        ("github", "Better (#5) (#7)\n\n* one (#3)", 7),
        ("github", "Better (#7) again", None),
        ("github", "Better\n\n(#7)", None),
        ("github", 'Revert "Better (#7)"', None),
        ("github", "Merge branch 'a' into 'main'\n\nSee merge request org/shop!7", None),
        ("gitlab", "Merge branch 'a' into 'main'\n\nBetter\n\nSee merge request org/sub/shop!7", 7),
        ("gitlab", "Better (#7)", None),
        ("gitlab", "See merge request org/shop!7", None),
        ("gitlab", "Fix\n\nPlease See merge request org/shop!7", None),
    ],
)
def test_made__words_of_a_merge__say_the_number(flavour, message, number):
    commit = Commit("c", ("p",), ALICE, ALICE, message)
    assert made_by_forge(commit, flavour) == (None if number is None else Made(number))


@pytest.mark.parametrize(
    ("parents", "committer", "made"),
    [
        (("p", "q"), WEB, True),
        (("p", "q"), "GitHub Enterprise <noreply@git.example.com> 1 +0000", True),
        (("p", "q"), ALICE, False),
        (("p",), WEB, False),
        (("p", "q"), "GitHub <noreply@github.com>", False),
    ],
)
def test_made__two_parents_and_github_itself__is_a_merge_of_no_known_number(parents, committer, made):
    commit = Commit("c", parents, ALICE, committer, "In my own words")
    assert made_by_forge(commit, "github") == (Made(None) if made else None)
    assert made_by_forge(commit, "gitlab") is None
