"""What ``tagline promote --deliver`` started, as a document and for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tagline.domain.changes.delivery import Delivered
from tagline.render.escape import no_command, one_line
from tagline.render.json.documents import failure as failed
from tagline.render.terminal.tables import Pen, failure


def documents(delivered: Iterable[Delivered]) -> list[dict[str, Any]]:
    """The member ``delivered`` of the document."""
    return [
        {**one._asdict(), "error": failed(one.error)["error"] if one.error is not None else None} for one in delivered
    ]


def text(delivered: Iterable[Delivered], pen: Pen) -> str:
    """A line each, and what stood against it."""
    return "\n".join(_said(one, pen) for one in delivered)


def _said(one: Delivered, pen: Pen) -> str:
    workflow, tag = no_command(one_line(one.workflow)), pen(one_line(one.tag), "green")
    if one.error is not None:
        return f"{workflow} was not started for {tag}\n{failure(one.error, pen)}"
    said = f"started {workflow} for {tag}" if one.started else f"{workflow} runs for {tag} already"
    return f"{said}: {one_line(one.url)}" if one.url else said
