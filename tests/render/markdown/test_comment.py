"""The comment on a change: what it says, that nothing in it is what it should not be, and that it always fits."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tagline.adapters.forges.pages import GitHubPages
from tagline.domain.changes.approvals import People
from tagline.domain.changes.asks import THIS, Action, Ask, Mistake
from tagline.domain.changes.changes import Change, Review, Reviews
from tagline.domain.changes.intents import Intent, resolve
from tagline.domain.changes.promotion import Decided, Refusal, settle
from tagline.domain.changes.record import MARKER, Record, digest, find
from tagline.domain.changes.request_files import read_requests
from tagline.domain.changes.steps import Step
from tagline.domain.changes.touches import Touches
from tagline.domain.changes.verdicts import Verdict
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.planning import NewTag, Row
from tagline.domain.ledger.tags import EventKind
from tagline.domain.setup.places import DOCS
from tagline.errors import PlatformRefused, TaglineError
from tagline.formats.yaml import reading as yaml
from tagline.render.markdown.comment import comment
from tagline.render.markdown.foot import Run
from tests.render.markdown.test_escaping import REFERENCES, hostile
from tests.support.promotions import (
    HEAD,
    LABELLED,
    MERGE,
    NOW,
    asked,
    decided,
    facts,
    known,
    ledger,
    merged_change,
    open_change,
    plan,
    plan_intents,
    policy,
)

PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")
PAGES = GitHubPages("https://h.example")
GITHUB_TAKES = 65_536
GUARDED = policy("stages: {prod: {approvals: {count: 1, from: [bob]}}}")


def write(found: Decided, record: Record | None = None) -> str:
    return comment(found, record or Record(), PAGES, "sha256:0123456789abcdef", NOW)


def opened(*names: str, rules: Any = GUARDED, book: Any = None, **fields: Any) -> Decided:
    """What labels ask for on an open change."""
    given = facts(open_change(), **fields)
    return decided(plan(book or ledger("rf@v1.0.0 a", "rf#prod#1 a"), *names, policy=rules, facts=given), open_change())


def landed(*names: str, rules: Any = GUARDED, book: Any = None, **fields: Any) -> Decided:
    """The same once it is merged."""
    given = facts(**fields)
    return settle(decided(plan(book or ledger("rf@v1.0.0 a", "rf#prod#1 a"), *names, policy=rules, facts=given)), rules)


APPROVED = People(Reviews((Review("bob", "approved", HEAD, LABELLED + 60),)), {"bob": True})
MISTAKEN = decided(
    [],
    open_change(),
    mistakes=(Mistake("stages:prod", "The label looks like a request and is none.", "Did you mean stage:prod?"),),
)


# What it says


def title(text: str) -> str:
    return text.split("\n")[0]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (opened("version:minor"), "### ✅ Tagline: ready"),
        (opened("stage:rf@v1.0.0#prod"), "### ✅ Tagline: nothing left to do"),
        (opened("version:minor", "stage:prod"), "### ⏳ Tagline: waiting"),
        (opened("rollback:rf#prod"), "### ❌ Tagline: refused"),
        (MISTAKEN, "### ❌ Tagline: refused"),
        (landed("version:minor"), "### ✅ Tagline: done"),
        (landed("version:minor", "stage:prod"), "### ❌ Tagline: refused"),
        (decided([]), "### Tagline: nothing to tag"),
    ],
)
def test_title__says_the_verdict(found, expected):
    assert title(write(found)) == expected


def test_title__counts_the_tags_that_are_made():
    assert "Merging this makes 2 tags." in write(opened("version:minor", "stage:prod", people=APPROVED))
    assert "This merge made 1 tag." in write(landed("version:minor"))
    assert "This merge made 1 tag. The rest was refused" in write(landed("version:minor", "stage:prod"))
    assert "Nothing was tagged." in write(landed("stage:rf@v1.0.0#prod", book=ledger("rf@v1.0.0 a")))


def test_against__says_what_is_missing_and_who_can_give_it():
    text = write(opened("version:minor", "stage:prod"))
    assert "⏳ `rf#prod`" in text
    assert "0 of 1 approval" in text
    assert (
        "→ Missing\\: an approval of bob, on the last commit\\. Not of anybody who pushed to it or may not write\\."
        in text
    )


def test_against__a_mistake__names_the_label_and_what_was_meant():
    text = write(MISTAKEN)
    assert "❌ `stages:prod`" in text
    assert "→ Did you mean stage\\:prod?" in text.replace("\\?", "?")


def test_against__a_mistake_that_begins_with_its_label__says_it_once():
    wrong = Mistake("stage:prod", "stage:prod would act on 6 artifacts.", "")
    text = write(decided([], open_change(), mistakes=(wrong,)))
    assert "❌ `stage:prod` would act on 6 artifacts\\. ([request](" in text


def test_against__nothing_would_help__has_no_arrow_and_no_empty_line():
    final = (Refusal("rf", "prod", "after", "It never held staging.", ""),)
    text = write(decided([], final=final))
    assert "❌ `rf#prod`: It never held staging\\. ([after](" in text
    assert "→" not in text


def test_against__an_approval_that_does_not_count__is_named_with_its_reason():
    people = People(Reviews((Review("zoe", "approved", HEAD, LABELLED + 60),)), {"zoe": True})
    text = write(opened("version:minor", "stage:prod", people=people))
    assert "Not counted: `zoe` (is not among those who may approve)" in text


def test_against__the_same_of_many__is_said_once():
    book = ledger(*(f"m{n}@v1.0.0 a" for n in range(12)))
    names = [f"stage:m{n}@v1.0.0#prod" for n in range(12)]
    asks, _ = asked(*names)
    wanted, _ = resolve(asks, known(described=[f"m{n}" for n in range(12)]), 5)
    steps = plan_intents(book, wanted, GUARDED, facts(open_change()))
    text = write(decided(steps, open_change()))
    assert text.count("0 of 1 approval\\.") == 1
    assert "`m7#prod` and 2 more: 0 of 1 approval" in text


def test_details__what_is_satisfied_and_who_asked_for_what__are_folded_away():
    found = opened("version:minor", "stage:prod", people=APPROVED)
    text = write(replace(found, touches=Touches({"rf": "model.pkl changed", "other": "is new"})))
    folded = text.partition("<details><summary>✅ 1 rule satisfied</summary>")[2].partition("</details>")[0]
    assert "| `rf#prod` | `approvals` | 1 of 1 approval\\. Counted: `bob` |" in folded
    assert "Asked for: `version:minor` by `zoe`, `stage:prod` by `zoe`" in folded
    assert "Touched: `rf` (model\\.pkl changed)" in folded
    assert "other" not in folded


TWO_STAGES = "stages: {dev: {}, prod: {approvals: {count: 1, from: [bob]}, gates: [{metric: auc, min: 0.5}]}}"


def test_rules__each_is_said_once__what_stands_against_it_above_and_the_rest_below():
    there = {("rf", HEAD): Verdict("storage", "ok", "All 3 objects are there.")}
    metrics = {("rf", HEAD): {"auc": 0.9}}
    rules = policy(TWO_STAGES)
    text = write(opened("version:minor", "stage:dev", "stage:prod", rules=rules, stored=there, metrics=metrics))
    above, _, below = text.partition("<details>")
    assert (
        "0 of 1 approval\\. ([approvals](https://github.com/tagline-dev/tagline/blob/main/docs/policy.md#approvals))"
        in above
    )
    assert "0 of 1" not in below
    assert text.count("All 3 objects are there") == 1
    assert "| `rf`, `rf#dev`, `rf#prod` | `storage` | All 3 objects" in below
    assert "✅ 2 rules satisfied" in below
    assert "`gate:auc`" in below


def test_steps__what_waits__is_not_said_to_be_there_after_the_merge():
    text = write(opened("version:minor", "stage:prod"))
    assert "| ⏳ | stage `prod` | `v1.0.0` | not yet `v1.1.0` | `rf#prod#2` |" in text
    assert "| ✅ | new version | `v1.0.0` | **`v1.1.0`** | `rf@v1.1.0` |" in text


def test_details__no_rules__are_only_who_asked():
    assert "<details><summary>Who asked</summary>" in write(opened("version:minor"))


def test_details__nothing_asked__are_left_out():
    assert "<details>" not in write(decided([]))


def test_steps__refused_before_the_merge__is_unchanged_though_its_tag_is_known():
    gated = policy("stages: {prod: {gates: [{metric: auc, min: 1}]}}")
    text = write(opened("version:minor", "stage:prod", rules=gated))
    assert "| ❌ | stage `prod` | `v1.0.0` | unchanged | – |" in text


def test_steps__current_against_proposed():
    text = write(opened("version:minor", "stage:prod", people=APPROVED))
    assert "| new version | `v1.0.0` | **`v1.1.0`** | `rf@v1.1.0` |" in text
    assert "| stage `prod` | `v1.0.0` | **`v1.1.0`** | `rf#prod#2` |" in text


def test_steps__of_one_artifact_and_of_two__name_it_once_or_in_each_row():
    one = opened("version:minor", people=APPROVED)
    assert "| `rf` | Now | After merge | Tag |\n" in write(one)
    step = one.steps[0]
    other = replace(step, intent=replace(step.intent, artifact="churn"))
    text = write(replace(one, steps=(step, other)))
    assert "| Artifact | What | Now | After merge | Tag |\n" in text
    assert "| `churn` | new version | `v1.0.0` | **`v1.1.0`** |" in text


def test_steps__after_the_merge__tags_are_links():
    assert "[`rf@v1.1.0`](https://h.example/releases/tag/rf%40v1.1.0)" in write(landed("version:minor"))


def test_steps__refused_after_the_merge__is_unchanged_without_a_tag():
    assert "| ❌ | stage `prod` | `v1.0.0` | unchanged | – |" in write(landed("version:minor", "stage:prod"))


def test_again__after_a_refused_merge__its_request_file_is_accepted():
    text = write(landed("version:minor", "stage:prod"))
    path, _, rest = text.partition("To ask again, open a new change that adds a request file:\n\n`")[2].partition(
        "`\n\n"
    )
    asks, mistakes = read_requests(path, yaml.load(rest.split("\n```")[0].partition("\n")[2].encode()), "alice")
    assert mistakes == []
    assert [(ask.artifact, ask.stage, ask.which) for ask in asks] == [("rf", "prod", "v1.1.0")]


def test_again__before_the_merge__is_not_said():
    assert "To ask again" not in write(opened("rollback:rf#prod"))


def test_too_many__the_request_file_stands_there_to_be_pasted():
    names = tuple(f"m/{n}:rf" for n in range(60))
    asks, _ = asked("stage:prod")
    _, mistakes = resolve(asks, known(*names), 5)
    text = write(decided([], open_change(), mistakes=tuple(mistakes)))
    block = text.split("```yaml\n")[1].split("\n```")[0]
    requests, wrong = read_requests("promotions/prod/x.yaml", yaml.load(block.encode()), "alice")
    assert (wrong, [ask.artifact for ask in requests]) == ([], sorted(names))


def test_failure__says_why_and_what_a_run_again_does_and_nothing_of_a_verdict():
    found = landed("version:minor", "stage:prod")
    error = PlatformRefused("The remote refused it.", "Run it again.")
    text = comment(found, Record(), PAGES, "none", NOW, error=error)
    assert title(text) == "### ❌ Tagline: failed"
    assert "This merge made 1 tag. That is not all:" in text
    assert "❌ The remote refused it\\.<br>→ Run it again\\." in text
    assert "nothing twice: `tagline promote --change 7`." in text
    assert "rf@v1.1.0" in text
    for word in ("final", "approval", "To ask again"):
        assert word not in text
    assert "Nothing was tagged:" in comment(Decided(merged_change()), Record(), PAGES, "none", NOW, error=error)


def small_print(found: Decided, run: Run, policy_digest: str = "sha256:0123456789abcdef") -> str:
    text = comment(found, Record(), PAGES, policy_digest, NOW, run=run)
    (line,) = (line for line in text.split("\n") if line.startswith("<sub>"))
    return line


JOB = "https://h.example/run/1"


def test_foot__leads_to_commit_policy_run_and_help():
    found = replace(opened("version:minor"), rules_at="b" * 40)
    line = small_print(found, Run(JOB, "github"))
    assert f"[`{HEAD[:7]}`](https://h.example/commit/{HEAD})" in line
    assert f"[policy](https://h.example/blob/{'b' * 40}/.tagline.yaml)" in line
    assert f"[run]({JOB})" in line
    assert "[help](https://github.com/tagline-dev/tagline/blob/main/docs/changes.md#the-comment)" in line
    assert "0123456789ab" not in line
    assert f"[`{MERGE[:7]}`](https://h.example/commit/{MERGE})" in small_print(landed("version:minor"), Run())


def test_foot__of_no_policy_and_of_one_whose_commit_is_not_known():
    assert "no [policy](https://github.com/tagline-dev/" in small_print(opened("version:minor"), Run(), "none")
    assert "policy `0123456789ab`" in small_print(MISTAKEN, Run())


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (Run(JOB, "github"), f"*Re-run all jobs* on [the run]({JOB}), or `tagline plan --change 7`."),
        (
            Run(JOB, "gitlab"),
            f"*Run pipeline* on the tab *Pipelines*, [the job]({JOB}) once more, or `tagline plan --change 7`. "
            "Labels and approvals alone start nothing here.",
        ),
        (Run(), "To run it again: `tagline plan --change 7`."),
    ],
    ids=["github", "gitlab", "terminal"],
)
def test_foot__of_an_open_change__says_how_to_run_it_again(run, expected):
    assert expected in small_print(opened("version:minor"), run)


def test_foot__of_a_merge__says_how_to_run_it_again_only_where_that_helps():
    assert "again" not in small_print(landed("version:minor"), Run(JOB, "github"))
    unknown = Verdict("approvals", "unknown", "The members of x cannot be read.", "An App.")
    found = landed("version:minor", "stage:prod")
    found = replace(found, steps=tuple(replace(step, verdicts=(unknown,)) for step in found.steps))
    assert f"To run it again: *Re-run all jobs* on [the run]({JOB}), or `tagline promote" in small_print(
        found, Run(JOB, "github")
    )


def test_record__is_found_in_what_was_written():
    record = Record("0123456789abcdef" * 2)
    text = write(opened("version:minor"), record)
    assert find(text) == record
    assert text.count(MARKER) == 1


# Whatever the names are

WRITTEN_HTML = re.compile(r"</?(details|summary|sub)>|<br>|<!-- tagline:v1 [A-Za-z0-9+/=]* -->")


@st.composite
def anything(draw: st.DrawFn) -> Decided:
    """A change whose every word is hostile: more than the grammar of names would ever let through."""
    change = draw(st.sampled_from([open_change(), merged_change()]))
    words = hostile
    maybe = st.none() | words
    steps = []
    for _ in range(draw(st.integers(0, 3))):
        action = draw(st.sampled_from(list(Action)))
        ask = Ask(action, draw(words), by=draw(maybe))
        intent = Intent(draw(words), action, draw(maybe), THIS, (ask,))
        verdicts = tuple(
            Verdict(
                draw(words), draw(st.sampled_from(["ok", "waiting", "refused", "unknown"])), draw(words), draw(words)
            )
            for _ in range(draw(st.integers(0, 2)))
        )
        row = Row(draw(words), "c" * 40, intent.artifact, EventKind.ASSIGNMENT, draw(maybe), draw(maybe), created=True)
        steps.append(
            Step(
                intent, draw(maybe), draw(maybe), (row,), (NewTag(row.tag, "c" * 40, 0, ""),), verdicts,
                reviewers=((draw(words), draw(words)),), approved_by=(draw(words),),
            )
        )  # fmt: skip
    mistakes = tuple(Mistake(draw(words), draw(words), draw(words)) for _ in range(draw(st.integers(0, 2))))
    final = tuple(
        Refusal(draw(maybe), draw(maybe), draw(words), draw(words), draw(words)) for _ in range(draw(st.integers(0, 2)))
    )
    warnings = tuple(Warn("w", None, draw(words)) for _ in range(draw(st.integers(0, 2))))
    drift = tuple(draw(st.lists(words, max_size=2)))
    touches = Touches({step.intent.artifact: draw(words) for step in steps})
    return Decided(change, tuple(steps), mistakes, touches, warnings, drift, final)


def every(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from every(token.children or [])


@given(anything(), hostile, st.none() | st.builds(TaglineError, hostile, hostile))
def test_comment__whatever_the_words__holds_nothing_that_we_did_not_write(found, policy_digest, error):
    record = Record()
    text = comment(found, record, PAGES, policy_digest, NOW, error=error)
    tokens = list(every(PARSER.parse(text)))
    for token in tokens:
        assert token.type not in (
            "image",
            "s_open",
            "em_open",
            "hr",
            "blockquote_open",
            "code_block",
            "ordered_list_open",
        ), token
        if token.type.startswith("html"):
            rest = WRITTEN_HTML.sub("", token.content)
            assert "<" not in rest, token
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith(("https://h.example/", f"{DOCS}/"))
        if token.type == "fence":
            assert token.info == "yaml"
        if token.type in ("text", "text_special"):
            assert REFERENCES.search(token.content) is None
    assert find(text) == record
    assert tokens[-1].type == "html_block"
    assert tokens[-1].content.startswith(MARKER)


@given(anything())
def test_comment__whatever_the_words__tables_keep_their_columns(found):
    tokens = PARSER.parse(write(found))
    width = 0
    cells = 0
    for token in tokens:
        if token.type == "thead_open":
            width = 0
        if token.type == "th_open":
            width += 1
        if token.type == "tr_open":
            cells = 0
        if token.type == "td_open":
            cells += 1
        if token.type == "tr_close":
            assert cells in (0, width)
    for line in write(found).split("\n"):
        if line.startswith("| "):
            assert line.endswith(" |")


# However much it is


def name(source: random.Random, length: int) -> str:
    return "".join(source.choices(string.ascii_letters + string.digits, k=length))


def many(count: int, length: int, *, change: Change, state: Any) -> Decided:
    """So many artifacts with names that do not compress, each registered and assigned."""
    source = random.Random(0)
    steps = []
    for _ in range(count):
        artifact = name(source, length)
        for action, stage in ((Action.REGISTER, None), (Action.ASSIGN, "prod")):
            intent = Intent(artifact, action, stage, THIS, (Ask(action, f"stage:{artifact}#prod", by="zoe"),))
            row = Row(f"{artifact}@v1.0.0", "c" * 40, artifact, EventKind.REGISTRATION, "v1.0.0", stage, created=True)
            verdicts = tuple(
                Verdict(f"gate:{number}", state, f"{artifact} is refused!", f"Ask @{artifact}.") for number in range(3)
            )
            new = (NewTag(row.tag, row.commit, 0, ""),)
            reviewers = ((artifact, f"is not {artifact}"),) * 2
            steps.append(Step(intent, "v1.0.0", "v0.9.0", (row,), new, verdicts, reviewers, (f"{artifact} c 1",)))
    return Decided(change, tuple(steps), touches=Touches({step.intent.artifact: "is new" for step in steps}))


@pytest.mark.parametrize("change", [open_change(), merged_change()], ids=["open", "merged"])
@pytest.mark.parametrize("state", ["ok", "waiting", "refused"])
@pytest.mark.parametrize(("count", "length"), [(1, 10_000), (20, 50), (500, 30), (50, 10_000)])
def test_comment__however_much__fits_and_its_record_is_found(count, length, state, change):
    fits(many(count, length, change=change, state=state))


def test_comment__of_twenty_rows__fifteen_are_seen_and_five_are_folded():
    found = many(10, 20, change=open_change(), state="ok")
    text = write(replace(found, steps=tuple(replace(step, verdicts=(), reviewers=()) for step in found.steps)))
    seen, _, folded = text.partition("<details><summary>5 more</summary>")
    rows = [piece.count("\n| ") for piece in (seen, folded.partition("</details>")[0])]
    assert rows == [2 + 15, 2 + 5], "each table has a head of two lines"


def test_comment__five_hundred_artifacts_with_names_of_ten_thousand_letters__fits_and_its_record_is_found():
    fits(many(500, 10_000, change=merged_change(), state="refused"))


def fits(found: Decided) -> None:
    change = found.change
    record = Record(digest(found) if change.merged else "")
    text = write(found, record)
    assert len(text) <= GITHUB_TAKES
    remembered = find(text)
    assert remembered is not None
    assert remembered.says == record.says
    assert title(text).startswith("### ")


def test_comment__five_hundred_artifacts_of_usual_names__are_counted():
    found = many(500, 20, change=open_change(), state="ok")
    found = replace(found, steps=tuple(replace(s, verdicts=()) for s in found.steps))
    record = Record()
    text = write(found, record)
    assert "Merging this makes 1000 tags." in text
    assert find(text) == record


LONG = "`@alice <img src=x> | " * 450


@pytest.mark.parametrize("change", [open_change(), merged_change()], ids=["open", "merged"])
def test_comment__too_much_of_hostile_words__is_cut_where_nothing_comes_alive(change):
    mistakes = tuple(Mistake(f"{number}{LONG}", LONG, f"{LONG}\n{LONG}\n{LONG}") for number in range(30))
    steps = many(30, 10_000, change=change, state="refused").steps
    final = tuple(Refusal(LONG, LONG, LONG, f"{number}{LONG}", LONG) for number in range(30))
    warnings = tuple(Warn("w", None, LONG) for _ in range(100))
    found = Decided(change, steps, mistakes, warnings=warnings, final=final, drift=(LONG,) * 30)
    text = write(found, Record(says=digest(found)))
    assert len(text) <= GITHUB_TAKES
    assert "… and more than fits into a comment" in text
    for token in every(PARSER.parse(text)):
        assert token.type != "image"
        if token.type.startswith("html"):
            assert "<" not in WRITTEN_HTML.sub("", token.content)
        if token.type in ("text", "text_special"):
            assert REFERENCES.search(token.content) is None
    assert find(text) is not None
    assert text.rpartition("\n\n")[2].startswith(MARKER)
    assert PARSER.parse(text)[-1].type == "html_block"


@settings(max_examples=20)
@given(st.integers(0, 120), st.integers(1, 400), st.sampled_from(["ok", "refused"]))
def test_comment__of_any_size__fits(count, length, state):
    assert len(write(many(count, length, change=open_change(), state=state))) <= GITHUB_TAKES
