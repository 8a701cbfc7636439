"""Who owns a path, by GitHub's and by GitLab's reading of CODEOWNERS."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagline.domain.changes.codeowners import LOCATIONS, Flavour, parse_codeowners
from tagline.domain.text.patterns import github_pattern, gitlab_pattern

FLAVOURS: tuple[Flavour, ...] = ("github", "gitlab")


def owners(text: str, path: str, flavour: Flavour = "github") -> str:
    return " ".join(parse_codeowners(text, flavour).owners(path))


# Pattern, path, whether GitHub and whether GitLab says that it matches.
MATCHES = [
    ("*", "a/b.py", True, True),
    ("/*", "a", True, True),
    ("/*", "a/b", False, False),
    ("*.py", "a.py", True, True),
    ("*.py", "x/y/a.py", True, True),
    ("*.py", "a.pyc", False, False),
    ("*.py", ".py", True, True),
    ("README.md", "docs/README.md", True, True),
    ("README.md", "docs/readme.md", False, False),
    ("/README.md", "docs/README.md", False, False),
    ("docs/", "docs/a/b", True, True),
    ("docs/", "x/docs/a", True, True),
    ("docs/", "docs", False, False),
    ("/docs/", "x/docs/a", False, False),
    ("docs/*", "docs/a", True, True),
    ("docs/*", "docs/a/b", False, False),
    ("/docs/*.md", "docs/a.md", True, True),
    ("/docs/*.md", "docs/a/b.md", False, False),
    ("**/logs/", "a/b/logs/c", True, True),
    ("**/logs/", "logs/c", True, True),
    ("/a/**/z", "a/z", True, True),
    ("/a/**/z", "a/b/c/z", True, True),
    ("/a/**/z", "q/a/z", False, False),
    ("/a/**/**/z", "a/b/z", True, True),
    ("/a/*/z", "a/z", False, False),
    ("/a/?.py", "a/b.py", True, True),
    ("/a/?.py", "a/bc.py", False, False),
    ("/a?b", "a/b", False, False),
    ("/a**z", "abz", True, True),
    ("/a**z", "a/z", False, False),
    (r"/a\ b", "a b", True, True),
    (r"/a\*", "a*", True, True),
    (r"/a\*", "ab", False, False),
    (".github/*", ".github/x", True, True),
    # Where the two differ: anchoring by a slash inside, folders without a slash, /** at the end.
    ("a/b", "x/a/b", False, True),
    ("docs/*", "x/docs/a", False, True),
    ("docs", "docs/a", True, False),
    ("/docs", "docs/a/b", True, False),
    ("/docs/**", "docs/a/b", True, False),
    ("/docs/**", "docs/a", True, True),
    ("/a[bc]", "ab", False, True),
    ("/a[!b]", "ac", False, True),
    ("/a[^b-d]", "ac", False, False),
    ("/a[b-d]", "ac", False, True),
    ("/a[z-b]", "ac", False, False),
    ("/a[]", "a", False, False),
    ("/a[+-9]b", "a/b", False, False),
    ("/a[b", "a[b", False, False),
    ("/a[b\\]", "ab", False, False),
    (r"/a\[b\]", "a[b]", True, True),
    (r"\#a", "#a", False, True),
]


@pytest.mark.parametrize(("pattern", "path", "github", "gitlab"), MATCHES)
def test_owners__one_pattern__matches_as_on_the_forge(pattern: str, path: str, github: bool, gitlab: bool) -> None:
    assert owners(f"{pattern} @a", path, "github") == ("@a" if github else "")
    assert owners(f"{pattern} @a", path, "gitlab") == ("@a" if gitlab else "")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_owners__several_lines__the_last_match_wins(flavour: Flavour) -> None:
    text = "* @all a@b.c\n\n# *.py @no\n*.py\t@org/py   @bob\n/apps/ @apps\n/apps/free/\n"
    assert owners(text, "x", flavour) == "@all a@b.c"
    assert owners(text, "x.py", flavour) == "@org/py @bob"
    assert owners(text, "apps/x.py", flavour) == "@apps"
    assert owners(text, "apps/free/x.py", flavour) == ""
    assert parse_codeowners("", flavour).owners("x") == ()


@pytest.mark.parametrize(
    "line", ["!*.py @b", "a[bc].py @b", "*.py bob", "*.py @b, @c", "*.py @b/c/d", "*.py @", "\\#x.py @b", "*.py \\"]
)
def test_owners__line_that_github_calls_invalid__is_skipped(line: str) -> None:
    for path in ("ab.py", "#x.py"):
        assert owners(f"* @a\n{line}\n", path) == "@a"


def test_owners__comment_behind_the_owners__is_one_on_github_and_names_owners_on_gitlab() -> None:
    text = "*.py @a # not @b\n*.md # nobody, not @b\n"
    assert (owners(text, "x.py"), owners(text, "x.md")) == ("@a", "")
    assert (owners(text, "x.py", "gitlab"), owners(text, "x.md", "gitlab")) == ("@a @b", "@b")


def test_owners__windows_line_ends__do_not_matter() -> None:
    assert owners("*.py @a\r\n*.md @b\r\n", "x.py") == "@a"


SECTIONS = """\
* @admin
[Docs] @docs @writers
docs/
*.md @md
docs/legal.md
^[Ruby][2] @@maintainers
*.rb
config.rb nobody
[docs]
/docs/api/ @api
[Open]
*
!*.rb
*.go @go
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("x.txt", "@admin"),
        ("docs/a", "@admin @docs @writers"),
        ("docs/a.md", "@admin @md"),
        ("docs/legal.md", "@admin @docs @writers"),
        ("docs/api/x", "@admin @api"),  # of two sections with one name, the last match
        ("x.rb", "@admin @@maintainers"),
        ("config.rb", "@admin"),  # what is written there is no owner, but replaces the default
        ("x.go", "@admin @go"),
    ],
)
def test_owners__gitlab_sections__are_united(path: str, expected: str) -> None:
    assert owners(SECTIONS, path, "gitlab") == expected


def test_owners__one_owner_in_two_sections__is_named_once() -> None:
    assert owners("[A]\n* @x @y\n[B]\n* @y @z\n", "f", "gitlab") == "@x @y @z"


def test_owners__gitlab_exclusion__counts_wherever_it_stands_in_its_section() -> None:
    text = "[A]\n!*.rb\n* @a\n[B]\n* @b\n"
    assert owners(text, "x.rb", "gitlab") == "@b"
    assert owners(text, "x.py", "gitlab") == "@a @b"


@pytest.mark.parametrize("header", ["[a].rb @x", "[a][b] @x", "[] @x", "^[a] @x", "[A  b][12]  @x"])
def test_owners__whatever_begins_as_a_header__is_one_on_gitlab(header: str) -> None:
    assert owners(f"{header}\n*.py @y", "x.py", "gitlab") == "@y"
    assert owners(f"{header}\n*.py @y", "a.rb", "gitlab") == ""


def test_locations__of_each_forge__its_own_folder() -> None:
    assert LOCATIONS["github"][0] == ".github/CODEOWNERS"
    assert LOCATIONS["gitlab"] == ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")


# -- properties -----------------------------------------------------------------

LINES = st.text("ab*?[]!^-\\/#@ .\t", max_size=20)
PATHS = st.lists(st.text("ab*. [", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)


@given(st.text() | st.lists(LINES, max_size=8).map("\n".join), st.text() | PATHS, st.sampled_from(FLAVOURS))
def test_owners__any_text_and_path__answers(text: str, path: str, flavour: Flavour) -> None:
    assert all(owner in text for owner in parse_codeowners(text, flavour).owners(path))


@given(PATHS, st.sampled_from(FLAVOURS))
def test_owners__the_path_itself_as_pattern__owns_it(path: str, flavour: Flavour) -> None:
    escaped = "".join(f"\\{character}" if character in "*?[]\\ " else character for character in path)
    assert owners(f"* @other\n/{escaped} @me", path, flavour) == "@me"


@given(st.lists(st.sampled_from([m[0] for m in MATCHES]), max_size=8), PATHS, st.sampled_from(FLAVOURS))
def test_owners__any_lines__the_last_that_matches_alone_decides(lines: list[str], path: str, flavour: Flavour) -> None:
    text = "\n".join(f"{pattern} @o{i}" for i, pattern in enumerate(lines))
    alone = [f"@o{i}" for i, pattern in enumerate(lines) if owners(f"{pattern} @x", path, flavour)]
    assert owners(text, path, flavour) == (alone[-1] if alone else "")


def _matches(segments: list[str], names: list[str]) -> bool:
    """The definition, with every choice tried out."""
    if not segments:
        return not names
    if segments[0] == "**":
        return any(_matches(segments[1:], names[i:]) for i in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], segments[0]) and _matches(segments[1:], names[1:])


SEGMENTS = st.lists(st.sampled_from(["**", "a", "b", "*", "a*", "*a*b", "?", "*b?", "a?*"]), min_size=1, max_size=5)
NAMES = st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=5)


@settings(max_examples=500)
@given(SEGMENTS, NAMES)
def test_patterns__any_stars__match_as_if_every_choice_were_tried(segments: list[str], names: list[str]) -> None:
    text, path = "/" + "/".join(segments), "/".join(names)
    # A last "**" is everything below for GitHub and one segment for GitLab.
    last = segments[-1]
    below = [*segments[:-1], "*", "**"] if last == "**" else segments if last == "*" else [*segments, "**"]
    github = github_pattern(text)
    assert github
    assert github.matches(path) == _matches(below, names)
    gitlab = segments if last != "**" else [*segments[:-1], "*"]
    assert gitlab_pattern(text).matches(path) == _matches(gitlab, names)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        # The last "?" leaves no long literal text whose absence would settle it at once.
        ("*a" * 5000 + "*b?", "a" * 10_000),
        ("/" + "*?" * 5000 + "b?", "a" * 10_000),
        ("/" + "**/a/" * 2000 + "b?", "a/" * 4000 + "c"),
        ("**/*a*/" * 1000 + "b?", "aa/" * 2000 + "c"),
        ("**/a*a*a*a*/" * 20 + "b?", "aaaaaaaa/" * 400 + "c"),
        ("/" + "a" * 10_000, "a" * 9_999),
        ("/" + "[" * 300_000, "["),
        ("/" + "[a" * 300_000 + "]", "x"),
        ("\\" * 300_001, "\\"),
    ],
)
def test_owners__hostile_pattern__answers_at_once(flavour: Flavour, pattern: str, path: str) -> None:
    began = time.monotonic()
    assert owners(f"{pattern} @a", path, flavour) == ""
    assert time.monotonic() - began < 5  # a naive matcher would not end in our lifetime


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_owners__huge_file__is_read_and_asked_in_seconds(flavour: Flavour) -> None:
    text = "".join(f"/services/s{i}/**/*.py @team{i}\n" for i in range(80_000))
    began = time.monotonic()
    codeowners = parse_codeowners(text, flavour)
    assert [codeowners.owners(f"services/s{i}/a/b.py") for i in (0, 79_999)] == [("@team0",), ("@team79999",)]
    assert codeowners.owners("elsewhere") == ()
    assert time.monotonic() - began < 30
