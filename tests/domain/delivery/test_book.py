"""What is remembered of deliveries, as a record that anybody may have filled."""

from __future__ import annotations

import pytest

from tagline.domain.delivery.book import Book, Note, Report, from_record, to_record
from tagline.domain.ledger.records import MAX_RECORD, Actor, encode

LONG = "x" * 1900
OURS = Note("churn#prod#1", "ours", "deploy.yml", "claimed", "dispatch", None, None, 1)


@pytest.mark.parametrize("what", ["starts", "reports", "sent"])
def test_to_record__of_more_than_it_holds__leaves_out_the_oldest_and_keeps_the_newest_start(what: str) -> None:
    book = Book()
    for number in range(190):
        if what == "starts":
            book = book.noted(Note(LONG, str(number), "deploy.yml", "started", "dispatch", None, None, number))
        elif what == "reports":
            report = Report(LONG, str(number), "prod", None, "success", None, None, None, "bob", number)
            book = book.reported(report)
        else:
            book = book.told(f"{number}{LONG}", "slack")
    record = to_record(book.noted(OURS), Actor("Bot", "bot@example.org"), 1)
    assert MAX_RECORD / 3 < len(encode(record)) <= MAX_RECORD
    found = from_record(record)
    assert found.note("ours", "deploy.yml") == OURS
    assert len(found.starts) + len(found.reports) + len(found.sent) > 50
