"""What is remembered of deliveries, on a real remote: written again and again, above whatever stands there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tagline.adapters.git.delivery_memory import GitDeliveryMemory, delivery_ref
from tagline.adapters.git.remote import RemoteCache
from tagline.adapters.git.urls import remote_url
from tagline.domain.delivery.book import Book, Note
from tagline.ports.delivery import Page
from tests.support.gitbuild import Commit, History, build, run_git

ROW = {"tag": "a", "tag_object": "b", "target": "c", "state": "claimed", "how": "event", "run_url": None, "by": None}
RECORD = {"format": 1, "kind": "delivery", "tags": [], "change": None, "actor": {"name": "a", "email": "b"}}


@pytest.fixture
def origin(tmp_path: Path) -> tuple[Path, str]:
    ids = build(tmp_path / "origin", History((Commit("c0"),), (), {"main": "c0"}), bare=True)
    return tmp_path / "origin", ids["c0"]


def _memory(origin: Path) -> GitDeliveryMemory:
    cache = RemoteCache(origin.parent / "cache")
    return GitDeliveryMemory(cache, remote_url(origin.as_uri()), ("Bot", "bot@example.org"))


def _note(number: int) -> Note:
    return Note(f"churn#prod#{number}", f"{number}", "deploy.yml", "started", "dispatch", None, None, number)


def test_write__twice_by_one_run__goes_on_from_what_it_wrote(origin: tuple[Path, str]) -> None:
    path, like = origin
    memory, book, mark = _memory(path), Book(), ""
    for number in range(3):
        book = book.noted(_note(number))
        mark = memory.write({"churn": Page(book, mark)}, like, 5)["churn"]
    assert run_git(path, "rev-list", "--count", delivery_ref("churn")).strip() == "3"
    assert _memory(path).read(["churn"])["churn"] == Page(book, mark)


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", "2026-01-01T00:00:00Z"])
def test_write__above_what_anybody_wrote__is_written(origin: tuple[Path, str], time: str) -> None:
    path, like = origin
    record = {**RECORD, "time": "2026-01-01T00:00:00Z", "starts": [{**ROW, "time": time}]}
    text = json.dumps(record, indent=1) + "\n"
    blob = run_git(path, "hash-object", "-w", "--stdin", stdin=text.encode()).strip()
    tree = run_git(path, "mktree", stdin=f"100644 blob {blob}\trecord.json\n".encode()).strip()
    commit = run_git(path, "commit-tree", tree, "-F", "-", stdin=f"delivery\n\n{text}".encode()).strip()
    run_git(path, "update-ref", delivery_ref("churn"), commit)
    memory = _memory(path)
    page = memory.read(["churn"])["churn"]
    assert len(page.book.starts) == (1 if time.startswith("2026") else 0)
    memory.write({"churn": Page(page.book.noted(_note(1)), page.mark)}, like, 5)
    assert _memory(path).read(["churn"])["churn"].book.note("1", "deploy.yml") == _note(1)
