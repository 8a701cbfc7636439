"""A workflow's file, as GitHub reads it: which tags start it, and what it can be given."""

from __future__ import annotations

from typing import Any, NamedTuple

from tagline.formats.yaml import reading as yaml


class Triggers(NamedTuple):
    """Patterns of the tags whose push starts it (None: none does), and the inputs of a dispatch (None: takes none)."""

    tags: tuple[str, ...] | None = None
    inputs: frozenset[str] | None = None


def triggers(data: bytes) -> Triggers:
    """What ``on:`` says; of what is no workflow, nothing.

    Source: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#on
    """
    document = yaml.load(data)
    whole = document.root.value if document.root else None
    on = whole.get("on") if isinstance(whole, dict) else None
    if isinstance(on, str):
        on = [on]
    if isinstance(on, list):
        on = {word: None for word in on if isinstance(word, str)}
    if not isinstance(on, dict):
        return Triggers()
    return Triggers(_tags(on), _inputs(on))


def _tags(on: dict[str, Any]) -> tuple[str, ...] | None:
    if "push" not in on:
        return None
    push = on["push"] if isinstance(on["push"], dict) else {}
    if "tags" in push:
        tags = push["tags"]
        tags = [tags] if isinstance(tags, str) else tags
        return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
    if "tags-ignore" in push:
        return ()  # which of them is not worth knowing: it is looked for, and started where it is not there
    # Where only branches are named no tag starts it.
    return None if "branches" in push or "branches-ignore" in push else ("**",)


def _inputs(on: dict[str, Any]) -> frozenset[str] | None:
    if "workflow_dispatch" not in on:
        return None
    dispatch = on["workflow_dispatch"]
    inputs = dispatch.get("inputs") if isinstance(dispatch, dict) else None
    return frozenset(inputs if isinstance(inputs, dict) else ())
