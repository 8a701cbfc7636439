"""Sites in a real Chromium, by Playwright: pages that note whatever they should not do."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import CHROMIUM

AXE = Path(__file__).parent / "vendored" / "axe.min.js"


class Watched:
    """A page, and what it did that it must not: errors, refused content, requests to elsewhere."""

    def __init__(self, page: Any, root: str) -> None:
        self.page, self.root = page, root
        self.wrongs: list[str] = []
        page.on("console", lambda said: said.type in ("error", "warning") and self.wrongs.append(said.text))
        page.on("pageerror", lambda error: self.wrongs.append(str(error)))
        page.on("dialog", lambda dialog: (self.wrongs.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("requestfailed", self._failed)
        page.on("request", lambda request: self._asked(request.url))

    def _failed(self, request: Any) -> None:
        # Who leaves a page before it is loaded has not seen anything fail.
        if request.failure != "net::ERR_ABORTED":
            self.wrongs.append(f"failed {request.url} {request.failure}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.root, "data:")):
            self.wrongs.append(f"request {url}")

    def open(self, path: str) -> Any:
        """Go to a page of the site; wait until it is drawn."""
        self.page.goto(self.root + path)
        return self.page

    def axe(self) -> list[str]:
        """What axe finds wrong on the page as it stands."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run({resultTypes: ['violations']})")
        nodes = [(one["id"], node) for one in found["violations"] for node in one["nodes"]]
        return [f"{name}: {node['target']} {node['failureSummary']}" for name, node in nodes]


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A browser; where there is none the test is skipped, which in CI is a failure."""
    if CHROMIUM is None:
        pytest.skip("no chromium here: run .ci/runners as root")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL of a folder, by a plain server of files."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0),
        lambda *given: _Quiet(*given, directory=str(folder)),  # type: ignore[arg-type]
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
