"""GTO's own regular expressions as the oracle of the tag grammar, on tags and near misses."""

from __future__ import annotations

import pytest
from gto.constants import Action, fullname_re, name_re, tag_re
from gto.tag import name_tag, parse_name
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tagline.domain.ledger.tags import EventKind, TagName, format_tag, is_artifact, is_created_tag, is_name, parse_tag
from tests.domain.ledger.test_tags import tag_names

pytestmark = pytest.mark.oracle

_ACTIONS = {
    Action.REGISTER: EventKind.REGISTRATION,
    Action.DEREGISTER: EventKind.DEREGISTRATION,
    Action.ASSIGN: EventKind.ASSIGNMENT,
    Action.UNASSIGN: EventKind.UNASSIGNMENT,
    Action.DEPRECATE: EventKind.DEPRECATION,
}
_TURNS = "a1v.-_/=:#@!+\n é٣0"
_SNIPPETS = ("rf", "d/s=", "@v1.0.0", "#prod", "!", "#3", "@deprecated", "@created", "-rc.1", "+b5", "=", "\n", "01")


@st.composite
def near_tags(draw: st.DrawFn) -> str:
    """A tag with up to two characters changed, or pieces of tags in any order."""
    if draw(st.booleans()):
        return "".join(draw(st.lists(st.sampled_from(_SNIPPETS), max_size=6)))
    text = draw(tag_names().map(format_tag))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.sampled_from(_TURNS)) + text[place + draw(st.integers(0, 1)) :]
    return text


def _as_gto(name: str) -> TagName | None:
    """GTO's reading, less what we deliberately read otherwise."""
    if name.endswith("\n"):
        return None  # its "$" accepts a last newline; no ref name can end in one
    match = tag_re.search(name)
    if match is None or match["created"]:
        return None  # @created parses there, and then crashes every command
    if not name.isascii():
        return None  # its "\d" accepts the digits of every script
    parsed = parse_name(name)
    kind = _ACTIONS[parsed["action"]]
    return TagName(parsed["name"], kind, parsed.get("version"), parsed.get("stage"), parsed.get("counter"))


@settings(max_examples=1500, derandomize=True, database=None, deadline=None)
@given(near_tags())
@example("rf@v1.0.0\n")
@example("rf@created")
@example("rf@v1.0.٣")
@example("rf@v1.٣.0")
@example("rf#prod#007")
@example("a=b=c@v1.0.0")
def test_parse_tag__tags_and_near_misses__read_as_gto_reads_them(name):
    assert parse_tag(name) == _as_gto(name)


@settings(max_examples=300, derandomize=True, database=None)
@given(st.text(st.sampled_from("aZ1_-/.:=\n é"), max_size=6))
def test_names__any_text__accepted_where_gto_accepts_them(text):
    if not text.endswith("\n"):
        assert is_name(text) == bool(name_re.search(text))
        assert is_artifact(text) == bool(fullname_re.search(text))


@settings(max_examples=200, derandomize=True, database=None)
@given(tag_names().map(lambda tag: tag._replace(counter=None)))
def test_format_tag__any_event__is_the_name_that_gto_would_write(tag):
    action = {kind: action for action, kind in _ACTIONS.items()}[tag.kind]
    assert format_tag(tag) == name_tag(action, tag.artifact, tag.version, tag.stage, simple=True)


def test_gtos_grammar__what_we_refuse_on_purpose__is_accepted_there():
    """The three differences that the comparison leaves out."""
    assert parse_name("rf@v1.0.0\n")["version"] == "v1.0.0"
    assert tag_re.search("rf@v1.1٣.0")
    with pytest.raises(KeyError):
        parse_name("rf@created")["action"]

    assert parse_tag("rf@v1.0.0\n") is None
    assert parse_tag("rf@v1.1٣.0") is None
    assert parse_tag("rf@created") is None
    assert is_created_tag("rf@created")
