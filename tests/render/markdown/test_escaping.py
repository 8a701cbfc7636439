"""Untrusted text in Markdown, as a CommonMark parser with GitHub's tables reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tagline.domain.changes.asks import WORD_JOINER
from tagline.render.escape import one_line
from tagline.render.markdown.escaping import code, link, table, text

PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")

HOSTILE = (
    "@alice", "@org/team", "#1", "!7", "~bug", "%1", "$3", "&4", "^alert#5", "*iteration:1", "GH-12", "gl-7",
    "[vulnerability:1]", "org/repo#1", "a@b.example", "https://evil.example/x?y=1", "irc://evil.example",
    "www.evil.example", "<https://evil.example>", "<b>bold</b>", "<img src=x onerror=alert(1)>",
    "<!-- tagline:v1 AAAA -->", "<script>", "</details>", "</td></tr></table>", "<br/>", "&lt;", "&#64;alice",
    "\\", "\\|", "\\`", "|", "||", "| --- |", "`", "``", "```", "~~~", "`a", "a`", "``a`", "`@alice`",
    "[x](https://evil.example)", "![x](https://evil.example)", "[x]", "[x]: /url", "[^1]", "]", "](", ")", "**",
    "__", "*a*", "_a_", "~~a~~", "# head", "- item", "1. item", "> quote", "---", "===", "+", "    code", "\t",
    "\n", "\r\n", "\n\n", "/close", ":smile:", "$a$", "$`a`$", "\u202e", "\u2028", "\u200b", "\u2060", "\x00",
    "\x1b[31m", "\ud800", "\u00a0", "##[error]", "é", "名", "🙂", " ", "  ",
)  # fmt: skip
hostile = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=6), max_size=8).map("".join)

#: What a forge looks for in a finished text, outside of code.
REFERENCES = re.compile(r"@\w|(?<!\w)[#!~%$&]\d|#\d|\[\w+:|\^\w|\*iteration:|\bg[hl]-\d|\w://|&\w", re.IGNORECASE)


def leaves(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield from leaves(token.children) if token.children else [token]


def parsed(markdown: str) -> list[Token]:
    return list(leaves(PARSER.parse(markdown)))


def words(tokens: list[Token]) -> str:
    """The text of a document that is no code."""
    return "".join(token.content for token in tokens if token.type in ("text", "text_special"))


def expected(text: str, longest: int) -> str:
    """What is to be read."""
    line = one_line(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"


PLAIN = {"text", "text_special", "paragraph_open", "paragraph_close", "inline"}


@given(hostile)
def test_text__anything__is_one_paragraph_of_words(sentence):
    tokens = parsed(f"→ {text(sentence)} ←")
    assert {token.type for token in tokens} <= PLAIN
    assert words(tokens).replace(WORD_JOINER, "") == f"→ {expected(sentence, 600).strip()} ←"


@given(hostile)
def test_text__at_the_beginning_of_a_line__is_still_no_more_than_words(sentence):
    assert {token.type for token in parsed(text(sentence))} <= PLAIN


@given(hostile)
def test_text__anything__refers_to_nobody(sentence):
    assert REFERENCES.search(words(parsed(f"→ {text(sentence)} ←"))) is None


@pytest.mark.parametrize(
    "mention",
    [
        "@alice",
        "#1",
        "!7",
        "~1",
        "%1",
        "$3",
        "&4",
        "^alert#5",
        "*iteration:1",
        "GH-12",
        "gl-7",
        "[issue:1]",
        "irc://evil.example",
    ],
)
def test_references__of_every_kind__are_seen_by_these_tests_where_nothing_breaks_them(mention):
    assert REFERENCES.search(words(parsed(f"→ {mention} ←")))
    assert REFERENCES.search(words(parsed(f"→ {text(mention)} ←"))) is None


@given(hostile)
def test_text__anything__is_never_an_address_before_it_is_parsed(sentence):
    """GitHub links bare addresses while it parses: no colon or dot in a text stands unescaped."""
    assert re.search(r"(?<!\\)[:.]", text(sentence)) is None


@given(hostile)
def test_code__anything__is_one_span_that_shows_it(name):
    tokens = [token for token in parsed(f"→ {code(name)} ←") if token.type not in PLAIN]
    assert [token.type for token in tokens] == ["code_inline"]
    # Outside of a table the backslash before a bar stays; inside it is taken away (below).
    wanted = expected(name, 120).replace("##\\[", "##[").replace("|", "\\|")
    assert tokens[0].content == wanted or (not wanted.strip() and not tokens[0].content.strip())


@given(hostile, hostile, hostile)
def test_table__anything_in_its_cells__keeps_its_rows_and_columns(name, sentence, other):
    rows = [[code(name), text(sentence)], [text(other), code(other)]]
    tokens = PARSER.parse(table(["A", "B"], rows))
    kinds = [token.type for token in tokens]
    assert kinds.count("table_open") == 1
    assert kinds.count("tr_open") == 3
    assert kinds.count("td_open") == 4
    assert kinds[-1] == "table_close"
    inner = [token for token in tokens if token.type == "inline"][2:]
    assert {token.type for cell in inner for token in leaves([cell])} <= {*PLAIN, "code_inline"}
    assert words(list(leaves([inner[1]]))).replace(WORD_JOINER, "").strip() == expected(sentence, 600).strip()
    shown = "".join(token.content for token in leaves([inner[0]]))
    assert shown.strip() == expected(name, 120).replace("##\\[", "##[").strip()


@given(hostile, st.text(max_size=40) | hostile)
def test_link__any_target__is_one_link_with_that_label(name, url):
    tokens = list(leaves(PARSER.parse(f"→ {link(code(name), url)} ←")))
    kinds = [token.type for token in tokens if token.type not in PLAIN]
    assert kinds == ["link_open", "code_inline", "link_close"]


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://h.example/a/b?c=d#e", "https://h.example/a/b?c=d#e"),
        ("https://h.example/rf%23prod", "https://h.example/rf%23prod"),
        ("https://h/a b)", "https://h/a%20b%29"),
        ("https://h/<x>", "https://h/%3Cx%3E"),
        ("https://h/é", "https://h/%C3%A9"),
        ('https://h/" title', "https://h/%22%20title"),
        ("https://h/a\n\nb", "https://h/a%0A%0Ab"),
        ("https://h/\\`|", "https://h/%5C%60%7C"),
    ],
)
def test_link__target__is_kept_where_it_is_safe_and_escaped_where_not(url, target):
    assert link("`x`", url) == f"[`x`]({target})"


@pytest.mark.parametrize("length", [10_000, 100_000])
@pytest.mark.parametrize("sign", ["a", "|", "`", "\\", "@", "\n", "<b>", "[", "名", "\u202e"])
def test_long__anything__is_cut(sign, length):
    assert len(code(sign * length)) <= 400
    assert len(text(sign * length)) <= 3 * 600
    assert "…" in code(sign * length)


@pytest.mark.parametrize(
    ("write", "longest"), [(lambda name: code(name)[1:-1], 120), (text, 600)], ids=["code", "text"]
)
def test_long__as_long_as_there_is_room__is_whole_and_by_one_more_is_cut(write, longest):
    assert write("a" * longest) == "a" * longest
    assert write("a" * (longest + 1)) == "a" * (longest - 1) + "…"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rf#prod", "`rf#prod`"),
        ("a|b", "`a\\|b`"),
        ("a`b", "``a`b``"),
        ("`a", "`` `a ``"),
        ("a ", "` a  `"),
        ("```", "```` ``` ````"),
        ("", "` `"),
        ("   ", "` `"),
        ("##[x]", "`##[x]`"),
    ],
)
def test_code__is_written(name, expected):
    assert code(name) == expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ('It\'s 5, fine; "yes"', 'It\'s 5, fine; "yes"'),
        ("a.b", "a\\.b"),
        ("@bob", "\\@\u2060bob"),
        ("rf#prod", "rf\\#\u2060prod"),
        ("GH-1", "GH\\-\u20601"),
        ("high-1", "high\\-1"),
        ("stage:prod", "stage\\:prod"),
        ("s3://b", "s3\\:\u2060\\/\\/b"),
        ("", ""),
    ],
)
def test_text__is_written(sentence, expected):
    assert text(sentence) == expected
