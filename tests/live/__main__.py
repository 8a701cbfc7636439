"""``make live FORGE=github|gitlab``: see on a live forge what is written of it, in a throw-away repository.

    TAGLINE_LIVE_REPO       its page, https://HOST/OWNER/NAME; everything in it may change
    TAGLINE_LIVE_API_URL    the API, where it is not at the usual place
    TAGLINE_LIVE_TOKEN      its owner's token: GitHub: repo, workflow (and administration); GitLab: api
    TAGLINE_LIVE_JOB_TOKEN  what a job would have: an App's token, a project token; else the same

It prints a table for docs/verified.md and ends with 0 whatever it saw. It never runs in CI.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from tests.live import github, gitlab
from tests.live.facts import look
from tests.live.place import Place, Row, Unseen

_FACTS = {"github": github.FACTS, "gitlab": gitlab.FACTS}
_VERDICTS = {True: "as written", False: "**otherwise**", None: "not seen"}


def place_of(forge: str, environ: Mapping[str, str], work: Path) -> Place:
    """The repository that the environment names. Raises Unseen where it names none."""
    page, token = environ.get("TAGLINE_LIVE_REPO", "").rstrip("/"), environ.get("TAGLINE_LIVE_TOKEN", "")
    parts = urlsplit(page)
    if forge not in _FACTS or not parts.netloc or not token:
        raise Unseen("Say make live FORGE=github or gitlab, and set TAGLINE_LIVE_REPO and TAGLINE_LIVE_TOKEN.")
    server = f"{parts.scheme}://{parts.netloc}"
    usual = {"github": f"{server}/api/v3", "gitlab": f"{server}/api/v4"}[forge]
    if server == "https://github.com":
        usual = "https://api.github.com"
    api_url = environ.get("TAGLINE_LIVE_API_URL") or usual
    name = parts.path.strip("/").removesuffix(".git")
    job = environ.get("TAGLINE_LIVE_JOB_TOKEN") or token
    patience = float(environ.get("TAGLINE_LIVE_PATIENCE", "120"))
    return Place(forge, api_url.rstrip("/"), f"{server}/{name}.git", name, token, job, work, patience)


def table(host: str, rows: Sequence[Row], day: str) -> str:
    """The rows as Markdown."""
    lines = [f"## {host}, {day}", "", "| Fact | What is written | What was seen | |", "|---|---|---|---|"]
    for row in rows:
        seen = row.seen.replace("|", "\\|").replace("\n", " ")
        lines.append(f"| {row.fact} | {row.written} | {seen} | {_VERDICTS[row.holds]} |")
    return "\n".join([*lines, ""])


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Look, and print the table."""
    with tempfile.TemporaryDirectory(prefix="tagline-live-") as folder:
        try:
            place = place_of(arguments[0] if arguments else "", environ, Path(folder))
            rows = look(place, place.start(), _FACTS[place.forge])
        except Unseen as error:
            sys.stderr.write(f"{error}\n")
            return 2
    sys.stdout.write(table(urlsplit(place.url).netloc, rows, f"{datetime.now(UTC):%Y-%m-%d}"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
