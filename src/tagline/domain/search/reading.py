"""The grammar of searches: text to a tree.

    search = [either]                     either = both { OR both }
    both   = not { [AND] not }            not    = { NOT } one
    one    = "(" either ")" | word | KEY operator value | KEY ":" NAME [operator value]

Every length is bounded: 2,000 characters, 64 words and terms, 32 parentheses in one another.
"""

from __future__ import annotations

from typing import NamedTuple

from tagline.domain.search.keys import KEYS, OPERATORS, Key
from tagline.domain.search.mistakes import SearchMistake
from tagline.domain.search.tree import And, Node, Not, Or, Search, Term, Word
from tagline.domain.search.values import operand, pattern_of
from tagline.domain.text.similar import listed, suggestion

MOST_CHARACTERS = 2_000
MOST_TERMS = 64
DEEPEST = 32
_BLANK = " \t\r\n"
_SPECIAL = _BLANK + '()"'
_COMPARING = tuple(one for one in OPERATORS if one != ":")


class _Text(NamedTuple):
    """A piece of the search: where it began, and whether it stood in quotes."""

    text: str
    place: int
    quoted: bool


def read_search(text: str) -> Search:
    """The tree of a search; of an empty one everything. Raises SearchMistake."""
    if len(text) > MOST_CHARACTERS:
        raise SearchMistake(
            "too-long",
            MOST_CHARACTERS,
            f"The search has more than {MOST_CHARACTERS} characters.",
            "Ask for less at once.",
        )
    return _Reader(text).whole()


class _Reader:
    """Reads from left to right; ``at`` is the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.terms = 0
        self.as_of: int | None = None

    def whole(self) -> Search:
        self._blanks()
        where = self._either(0, top=True) if self.at < len(self.text) else None
        if self.at < len(self.text):  # only a parenthesis ends a part
            raise self._mistake("parenthesis", self.at, "A parenthesis is closed that was not opened.", _QUOTE)
        return Search(where, self.as_of)

    def _either(self, depth: int, *, top: bool = False) -> Node | None:
        """What is the same as nothing, a lone as-of, is None."""
        nodes = [self._both(depth, top=top)]
        first = self.at
        while self._keyword("OR"):
            if self.as_of is not None and depth == 0:
                raise self._mistake("as-of", first, "as-of stands beside an OR.", _AS_OF)
            nodes.append(self._both(depth, top=False))
        known = [node for node in nodes if node is not None]
        return known[0] if len(known) == 1 else Or(tuple(known)) if known else None

    def _both(self, depth: int, *, top: bool) -> Node | None:
        nodes = [self._not(depth, top=top)]
        while True:
            self._blanks()
            if self.at >= len(self.text) or self.text[self.at] == ")" or self._is_keyword("OR"):
                break
            self._keyword("AND")
            nodes.append(self._not(depth, top=top))
        known = [node for node in nodes if node is not None]
        return known[0] if len(known) == 1 else And(tuple(known)) if known else None

    def _not(self, depth: int, *, top: bool) -> Node | None:
        opposite = False
        while self._keyword("NOT"):
            opposite, top = not opposite, False
        node = self._one(depth, top=top)
        return Not(node) if opposite and node is not None else node

    def _one(self, depth: int, *, top: bool) -> Node | None:
        self._blanks()
        place = self.at
        if place >= len(self.text):
            raise self._mistake("ends", place, "The search ends where a word is missing.", "Add a word or a term.")
        if self.text[place] == "(":
            return self._group(depth, place)
        if self.text[place] == ")":
            raise self._mistake("parenthesis", place, "A word is missing before the parenthesis.", _QUOTE)
        if self._is_keyword("AND") or self._is_keyword("OR"):
            raise self._mistake("ends", place, "A word is missing before AND or OR.", 'In quotes it is a word: "or"')
        self.terms += 1
        if self.terms > MOST_TERMS:
            raise self._mistake(
                "too-many", place, f"The search has more than {MOST_TERMS} terms.", "Ask for less at once."
            )
        if self.text[place] == '"':
            word = self._quoted()
            if not word.text:
                raise self._mistake("no-value", place, "There is nothing between the quotes.", "Write a word in them.")
            return Word(word.text)
        return self._word_or_term(place, top=top)

    def _group(self, depth: int, place: int) -> Node | None:
        if depth >= DEEPEST:
            raise self._mistake(
                "too-deep", place, f"More than {DEEPEST} parentheses are in one another.", "Ask simpler."
            )
        self.at += 1
        node = self._either(depth + 1)
        self._blanks()
        if self.at >= len(self.text):
            raise self._mistake("parenthesis", place, "A parenthesis is not closed.", "Add: )")
        self.at += 1
        return node

    def _word_or_term(self, place: int, *, top: bool) -> Node | None:
        head = self._bare(OPERATORS)
        after = self.at
        operator = self._operator()
        if operator is None and head.text:
            self._blanks()
            operator = self._operator(":")  # a colon stands right behind its key
        if operator is None:
            self.at = after
            return Word(head.text)
        key = self._key(head, operator)
        name = self._name(key, operator) if key.named != "no" else None
        if name is not None:
            operator = self._operator(":")
            if operator is None:
                return Term(key.name, None, None, *pattern_of(name.text, quoted=name.quoted))
        self._allowed(key, operator or "", place)
        value = self._value(operator or "")
        meant = operand(key, operator or "", value.text, value.place, quoted=value.quoted)
        if key.name == "as-of":
            self._at_instant(meant.value, place, top=top)
            return None
        named = (None, False) if name is None else pattern_of(name.text, quoted=name.quoted)
        return Term(key.name, meant.operator, meant.value, *named)

    def _key(self, head: _Text, operator: str) -> Key:
        if not head.text:
            raise self._mistake(
                "no-key", head.place, f"Nothing stands before {operator}.", "Write KEY, operator, value."
            )
        key = KEYS.get(head.text.lower())
        if key is None:
            near, meant = suggestion(head.text.lower(), KEYS), ""
            if operator in (">", ">=", "<", "<="):
                meant = f" A metric is asked as metric:{head.text}{operator}..."
            elif operator == ":" and not near:
                meant = f" An artifact in a directory is asked as artifact:{head.text}:..."
            raise self._mistake(
                "unknown-key", head.place, f"There is no key {head.text!r}.{near}",
                f"Keys are {listed(list(KEYS))}.{meant} In quotes it is a word.",
            )  # fmt: skip
        return key

    def _name(self, key: Key, operator: str) -> _Text | None:
        """The name after ``metric:``; of ``since:`` only where a comparison follows it."""
        start = self.at
        if operator != ":":
            if key.named == "must":
                raise self._mistake(
                    "no-name", start, f"{key.name} needs a name.", f"Write {key.name}:NAME{operator}VALUE."
                )
            return None
        name = self._quoted() if self.text.startswith('"', start) else self._bare(_COMPARING)
        after = self.at
        self._blanks()
        compared = self._operator(":") is not None
        self.at = after
        if compared:
            self._blanks()
        if key.named == "maybe" and not compared:
            self.at = start
            return None
        if not name.text:
            raise self._mistake("no-name", start, f"{key.name}: is followed by no name.", f"Write {key.name}:NAME.")
        if not compared:
            self._must_end()
        return name

    def _allowed(self, key: Key, operator: str, place: int) -> None:
        if operator not in key.operators:
            raise self._mistake(
                "operator", place, f"{key.name} is not compared by {operator}.",
                f"{key.name} takes {' '.join(key.operators)}",
            )  # fmt: skip

    def _value(self, operator: str) -> _Text:
        if operator != ":":
            self._blanks()
        if self.text.startswith('"', self.at):
            return self._quoted()
        value = self._bare(())
        if not value.text:
            raise self._mistake("no-value", value.place, f"Nothing stands after {operator}.", "Write a value there.")
        self._must_end()
        return value

    def _at_instant(self, value: object, place: int, *, top: bool) -> None:
        if not top or self.as_of is not None:
            raise self._mistake("as-of", place, "as-of stands inside of something, or a second time.", _AS_OF)
        self.as_of = int(getattr(value, "seconds", 0))

    def _blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in _BLANK:
            self.at += 1

    def _bare(self, ends: tuple[str, ...]) -> _Text:
        """Characters up to a blank, a parenthesis, a quote, or one of ``ends``."""
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in _SPECIAL:
            if ends and self.text.startswith(ends, self.at):
                break
            self.at += 1
        if self.text.startswith('"', self.at) and self.at > start:
            raise self._mistake("quote", self.at, "A quote begins inside of a word.", "Put all of it in quotes.")
        return _Text(self.text[start : self.at], start, quoted=False)

    def _quoted(self) -> _Text:
        start = self.at
        self.at += 1
        told = []
        while self.at < len(self.text) and self.text[self.at] != '"':
            if self.text[self.at] == "\\" and self.text[self.at + 1 : self.at + 2] in ('"', "\\"):
                self.at += 1
            told.append(self.text[self.at])
            self.at += 1
        if self.at >= len(self.text):
            raise self._mistake("quote", start, "A quote is not closed.", 'Add: "')
        self.at += 1
        if not self.text.startswith(_COMPARING, self.at):
            self._must_end()
        return _Text("".join(told), start, quoted=True)

    def _must_end(self) -> None:
        if self.at < len(self.text) and self.text[self.at] not in _BLANK + "()":
            raise self._mistake("quote", self.at, "Something follows without a blank.", "Put a blank between them.")

    def _operator(self, without: str = "") -> str | None:
        """Take the operator that stands here, if one does."""
        for one in OPERATORS:
            if one != without and self.text.startswith(one, self.at):
                self.at += len(one)
                return one
        return None

    def _is_keyword(self, word: str) -> bool:
        end = self.at + len(word)
        return self.text[self.at : end].upper() == word and (end >= len(self.text) or self.text[end] in _SPECIAL)

    def _keyword(self, word: str) -> bool:
        self._blanks()
        if not self._is_keyword(word):
            return False
        self.at += len(word)
        return True

    @staticmethod
    def _mistake(code: str, place: int, message: str, hint: str) -> SearchMistake:
        return SearchMistake(code, place, message, hint)


_QUOTE = "In quotes a parenthesis is a character as any other."
_AS_OF = "Write it once, beside the rest: stage:prod as-of:2026-03-01"
