"""What a tag started, for people."""

from __future__ import annotations

from tagline.domain.delivery.receipts import Receipt
from tagline.render.escape import no_command, one_line
from tagline.render.terminal.tables import Pen, failure


def delivered(receipt: Receipt, pen: Pen) -> str:
    """A line, and what stood against it."""
    what, tag = no_command(one_line(receipt.start.target.title)), pen(one_line(receipt.start.tag), "green")
    if receipt.error is not None:
        said = "was not started" if receipt.run.state == "none" else "may not run"
        return f"  {what} {said} for {tag}\n{failure(receipt.error, pen)}"
    said = f"started {what} for {tag}" if receipt.ours else f"{what} runs for {tag}"
    return f"  {said}: {one_line(receipt.run.url)}" if receipt.run.url else f"  {said}"
