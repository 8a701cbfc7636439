"""What is deployed, by what deployments reported, against who holds the stage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tagline.domain.delivery.book import MOST_REPORTS, Book, Note, Report
from tagline.domain.delivery.drift import SILENT_AFTER, deployed
from tagline.domain.ledger.registry import Hold

OLD, NEW, BACK = "churn#prod#1", "churn#prod#2", "churn#prod#3"
VERSIONS = {OLD: "v1.0.0", NEW: "v1.1.0", BACK: "v1.0.0"}
NOW = 10_000


def hold(tag: str = NEW, since: int = 100, opened_by: str | None = None) -> Hold:
    return Hold("prod", VERSIONS[tag], "c", tag, since, opened_by or tag)


def report(tag: str, state: str, time: int, run: str | None = None, stage: str = "prod") -> Report:
    url = f"https://forge/{run or tag}"
    return Report(tag, f"object of {tag}", stage, VERSIONS[tag], state, None, url, None, "bob", time)  # type: ignore[arg-type]


def start(tag: str, time: int, state: str = "started") -> Note:
    return Note(tag, f"object of {tag}", "deploy.yml", state, "dispatch", f"https://forge/{tag}", None, time)  # type: ignore[arg-type]


def drift(*reports: Report, of: Hold | None = None, starts: tuple[Note, ...] = (), now: int = NOW) -> object:
    found = deployed(of or hold(), Book(starts, reports), now)
    return found and (found.tag, found.state, found.drift)


def test_report_of_a_tag_that_named_another_version__is_not_of_the_one_that_holds() -> None:
    """The tag was deleted and made again, under the same name."""
    before = report(NEW, "success", 200)
    assert drift(before, of=replace(hold(), version="v1.2.0")) == (NEW, "success", "not-deployed")
    # A version that was registered on the tag's commit later is no other one.
    assert drift(replace(before, version=None)) == (NEW, "success", None)


def test_nothing_was_ever_said__is_nothing() -> None:
    assert drift() is None
    assert drift(report(NEW, "success", 200, stage="staging")) is None
    assert drift(starts=(start(OLD, 50), start(NEW, 150, "none"))) is None


@pytest.mark.parametrize(
    ("reports", "told"),
    [
        ([(NEW, "success", 200)], (NEW, "success", None)),
        ([(OLD, "success", 50), (NEW, "in_progress", NOW), (NEW, "success", NOW)], (NEW, "success", None)),
        ([(NEW, "in_progress", NOW - 5)], (NEW, "in_progress", None)),
        # An old run that finished last, whatever the new one had said before it.
        ([(NEW, "in_progress", 200), (NEW, "success", 300), (OLD, "success", 400)], (OLD, "success", "old-run")),
        ([(NEW, "failure", 300), (OLD, "success", 400)], (OLD, "success", "old-run")),
        ([(NEW, "success", 300), (OLD, "success", 400), (OLD, "failure", 500)], (OLD, "failure", "old-run")),
        ([(NEW, "success", 300), (OLD, "failure", 400)], (OLD, "failure", None)),
        ([(NEW, "success", 300), (OLD, "success", 400), (NEW, "success", 500)], (NEW, "success", None)),
        ([(NEW, "success", 300), (OLD, "in_progress", NOW - 5)], (OLD, "in_progress", None)),
        # The stage was given to another tag, and nobody deployed that.
        ([(OLD, "success", 50)], (OLD, "success", "not-deployed")),
        ([(OLD, "success", 50), (NEW, "failure", 200)], (NEW, "failure", "not-deployed")),
        ([(OLD, "in_progress", 50)], (OLD, "in_progress", "not-deployed")),
        ([(NEW, "success", 200), (NEW, "failure", 300)], (NEW, "failure", None)),
        # It began, and that was long ago.
        ([(NEW, "in_progress", NOW - SILENT_AFTER - 1)], (NEW, "in_progress", "silent")),
        ([(NEW, "success", 300), (OLD, "in_progress", 400)], (OLD, "in_progress", "silent")),
        ([(NEW, "in_progress", 300), (OLD, "failure", 400)], (NEW, "in_progress", "silent")),
    ],
)  # fmt: skip
def test_reports__by_their_order(reports: list[tuple[str, str, int]], told: object) -> None:
    assert drift(*(report(*one) for one in reports)) == told


def test_run_that_was_started__is_under_way_and_then_silent() -> None:
    began = (start(NEW, NOW - SILENT_AFTER),)
    assert drift(starts=began) == (NEW, "started", None)
    assert drift(starts=began, now=NOW + 1) == (NEW, "started", "silent")
    assert drift(report(OLD, "success", 50), starts=began) == (OLD, "success", None)
    assert drift(report(OLD, "success", 50), starts=began, now=NOW + 1) == (NEW, "started", "silent")
    assert drift(report(NEW, "success", NOW), starts=began, now=NOW + 1) == (NEW, "success", None)


def test_rollback__is_not_deployed_until_its_tag_is() -> None:
    went = [report(OLD, "success", 50), report(NEW, "success", 200)]
    assert drift(*went, of=hold(BACK, 300)) == (NEW, "success", "not-deployed")
    assert drift(*went, report(BACK, "success", 400), of=hold(BACK, 300)) == (BACK, "success", None)
    # An old run of the same version deploys what is meant, if it did so since.
    assert drift(*went, report(OLD, "success", 400, "again"), of=hold(BACK, 300)) == (OLD, "success", None)


def test_stage_that_fell_back__to_a_tag_that_was_deployed_long_ago__is_not_deployed() -> None:
    went = [report(OLD, "success", 50), report(NEW, "success", 200)]
    fell = hold(OLD, 300, opened_by=f"{NEW[:-1]}!#3")
    assert drift(*went, of=fell) == (NEW, "success", "not-deployed")
    assert drift(*went, report(OLD, "success", 400, "again"), of=fell) == (OLD, "success", None)


def test_the_same_report_twice__is_one() -> None:
    book = Book().reported(report(NEW, "success", 200)).reported(report(NEW, "success", 900))
    assert [one.time for one in book.reports] == [200]
    assert book.known(report(NEW, "success", 999)) == report(NEW, "success", 200)
    assert book.known(report(NEW, "success", 200, "other run")) is None
    # A person at a terminal has no run: the same word again is one, and a word after another's is not.
    by_hand = Report(NEW, "object", "prod", "v1.1.0", "success", None, None, None, "bob", 1)
    book = Book().reported(by_hand).reported(by_hand).reported(report(OLD, "success", 2)).reported(by_hand)
    assert len(book.reports) == 3


def test_busy_stage__does_not_make_another_ones_reports_forgotten() -> None:
    book = Book().reported(report(OLD, "success", 1, stage="rare"))
    for number in range(MOST_REPORTS + 20):
        book = book.reported(report(NEW, "success", number, f"run {number}"))
    assert len(book.reports) == MOST_REPORTS
    assert book.reports[0].stage == "rare"
