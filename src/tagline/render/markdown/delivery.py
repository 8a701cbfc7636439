"""What the tags of a merged change started, for its comment."""

from __future__ import annotations

from collections.abc import Sequence

from tagline.domain.delivery.receipts import Receipt
from tagline.render.escape import one_line
from tagline.render.markdown.escaping import code, link, table, text

#: So many rows are shown.
_MOST = 20
_SAID = {
    "started": "started",
    "succeeded": "✅ succeeded",
    "failed": "❌ failed",
    "none": "❌ not started",
    "unknown": "❔ not known",
}


def section(receipts: Sequence[Receipt]) -> str:
    """One row a start, and why what did not start did not; empty for none."""
    if not receipts:
        return ""
    shown = receipts[:_MOST]
    rows = [
        [code(one.start.tag), text(one_line(one.start.target.title)), _run(one), code(one.start.environment or "–")]
        for one in shown
    ]
    more = f"\n\n… and {len(receipts) - _MOST} more." if len(receipts) > _MOST else ""
    reasons = dict.fromkeys(
        f"❌ {text(one_line(one.error.message))}<br>→ {text(one_line(one.error.hint))}"
        for one in shown
        if one.error is not None
    )
    return "\n\n".join([table(["Tag", "Starts", "Run", "Environment"], rows) + more, *reasons])


def _run(receipt: Receipt) -> str:
    said = _SAID[receipt.run.state]
    return link(said, receipt.run.url) if receipt.run.url else said


def deployed_table(rows: Sequence[tuple[str, str, str, str, str | None]]) -> str:
    """``show --deployed``: each stage's artifact, name, who it is assigned to, what was reported, and by which run."""
    cells = [
        [code(artifact), code(stage), text(assigned), text(said), link("run", run) if run else "–"]
        for artifact, stage, assigned, said, run in rows
    ]
    return table(["Artifact", "Stage", "Assigned", "Reported", "By"], cells)
