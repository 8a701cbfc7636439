"""Tickets: which requests name what a stage asks for, and what is said where none does."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tagline.domain.changes.tickets import MOST, RULE, judge_tickets, patterns_of, read_tickets
from tagline.domain.changes.verdicts import Verdict
from tests.support.promotions import asked, facts, intents, ledger, open_change, plan, policy

FILE = "promotions/prod/x.yaml"


def judged(said: str, *patterns: str) -> Verdict:
    """The word on a request of prod for a version, with what it says of tickets."""
    (intent,) = intents(files={FILE: f"- {{artifact: rf, version: v1.0.0{said}}}\n"}, tagged=("rf",))
    (verdict,) = judge_tickets(patterns, intent)
    return verdict


@pytest.mark.parametrize(
    ("said", "tickets"),
    [
        ("RISK-12", ("RISK-12",)),
        (["RISK-12", "https://jira.example/CHG-9?a=b#c"], ("RISK-12", "https://jira.example/CHG-9?a=b#c")),
        ("#12", ("#12",)),
        (None, None),
        ("", None),
        (12, None),
        ([], None),
        (["RISK-1", 2], None),
        ("RISK 12", None),
        ("RISK-1\n", None),
        ("RISK\u202e-1", None),
        ("R" * 201, None),
        ([f"R-{n}" for n in range(MOST + 1)], None),
        ({"a": "b"}, None),
    ],
)
def test_read_tickets__one_or_a_list_of_visible_words(said: Any, tickets: tuple[str, ...] | None) -> None:
    assert read_tickets(said) == tickets


@pytest.mark.parametrize(
    ("said", "patterns", "words"),
    [
        (", ticket: RISK-12", ("RISK-*",), ""),
        (", ticket: RISK-12", ("RISK-*", "*-12"), ""),
        (", ticket: [CHG-1, RISK-12]", ("RISK-*", "CHG-?"), ""),
        ("", ("RISK-*",), f"a ticket like RISK-*; {FILE}:1 names none."),
        (", ticket: risk-12", ("RISK-*",), f"a ticket like RISK-*; {FILE}:1 names risk-12."),
        (", ticket: XRISK-12", ("RISK-*",), "like RISK-*;"),
        (", ticket: RISK-12", ("RISK-*", "CHG-*"), "like CHG-*;"),
        (", ticket: TICKET", ("RISK-*",), "names TICKET"),
    ],
)
def test_judge__each_pattern_needs_a_ticket(said: str, patterns: tuple[str, ...], words: str) -> None:
    verdict = judged(said, *patterns)
    assert (verdict.rule, verdict.state) == (RULE, "refused" if words else "ok")
    assert words in verdict.message
    assert bool(words) == (f"Add the ticket to the request at {FILE}:1" in verdict.fix)


def test_judge__a_label__is_told_the_request_file_to_paste() -> None:
    (intent,) = intents("stage:rf@v1.0.0#prod", tagged=("rf",))
    (verdict,) = judge_tickets(("RISK-*",), intent)
    assert verdict.state == "refused"
    assert "a label cannot name one" in verdict.message
    first, line = verdict.fix.split("\n")
    assert "promotions/prod/ANY-NAME.yaml" in first
    asks, mistakes = asked(files={FILE: line})
    assert (mistakes, asks[0].tickets) == ([], ("TICKET",))


def test_judge__a_pattern_of_many_stars__takes_no_time() -> None:
    begun = time.process_time()
    assert judged(f", ticket: {'a' * 200}", "*a" * 99 + "*b").state == "refused"
    assert time.process_time() - begun < 1


RULES = policy("stages: {prod: {ticket: 'RISK-*', override: {allow: [alice]}}}\n")
LEDGER = ledger("rf@v1.0.0 a", "rf#prod#1 a", "rf@v2.0.0 b", "rf#prod#2 b")


@pytest.mark.parametrize(
    "asks",
    ["rollback:rf#prod", "unstage:rf#prod", "deprecate:rf"],
)
def test_plan__what_brings_no_version_forward__needs_no_ticket(asks: str) -> None:
    (step,) = plan(LEDGER, asks, policy=RULES, facts=facts(open_change()))
    assert [verdict.rule for verdict in step.verdicts if verdict.rule == RULE] == []


def test_policy__a_ticket_guards_the_stage_and_lists_replace() -> None:
    assert RULES.guards("rf", "prod")
    many = policy("stages: {prod: {ticket: A-*}}\nartifacts: {rf: {stages: {prod: {ticket: []}}}}\n")
    rules = many.rules("rf", "prod"), many.rules("churn", "prod")
    assert [one and one.tickets for one in rules] == [(), ("A-*",)]
    assert patterns_of({"ticket": ["a", "b"]}) == ("a", "b")
