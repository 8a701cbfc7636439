"""What the text of GitHub's workflows says: which checkout they use, and what a schedule starts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from tagline.domain.doctor.checks import Check, some

WORKFLOWS = ".github/workflows"
_CHECKOUT = re.compile(r"(?m)^[^#\n]*\bactions/checkout@([\w.-]+)[ \t]*(?:#[ \t]*(v[\d.]+))?")
_VERSION = re.compile(r"v(\d+)(?:\.(\d+)\.(\d+))?")
_SCHEDULE = re.compile(r"(?m)^[ \t]*schedule:[ \t]*(?:#.*)?$")
#: Before it the tag that started the run became a lightweight one: https://github.com/actions/checkout/issues/290
_RIGHT = (6, 0, 2)


def is_workflow(path: str) -> bool:
    """Whether GitHub reads a file as a workflow."""
    return path.startswith(f"{WORKFLOWS}/") and path.count("/") == 2 and path.endswith((".yml", ".yaml"))


def judge_pipelines(commands: Collection[str], elsewhere: Collection[str]) -> Check:
    """Whether anything runs what a change needs. ``elsewhere`` are files of others that pipelines call."""
    missing = [name for name in ("plan", "promote") if name not in commands]
    if not missing:
        return Check("workflows", "ok", "Pipelines of the default branch run plan and promote.")
    named = " nor ".join(missing)
    fix = "Make them: tagline init, then merge what it writes (docs/init.md)."
    if elsewhere:
        message = f"No pipeline of the default branch itself runs {named}; not read was {some(sorted(elsewhere))}."
        return Check("workflows", "unknown", message, f"If they do not: {fix}")
    what = "merges make no tags" if "promote" in missing else "nobody is told before a merge what it will do"
    state: Literal["fail", "warn"] = "fail" if "promote" in missing else "warn"
    return Check("workflows", state, f"No pipeline of the default branch runs {named}: {what}.", fix)


def judge_checkouts(workflows: Mapping[str, str]) -> Iterator[Check]:
    """The versions of actions/checkout that workflows use; no check where none does."""
    used = {(path, found[2] or found[1]) for path, text in workflows.items() for found in _CHECKOUT.finditer(text)}
    old = sorted(f"{path} ({version})" for path, version in used if _is_old(version))
    unread = sorted(f"{path} ({version[:12]})" for path, version in used if _is_old(version) is None)
    fix = "Use actions/checkout@v6 with fetch-depth: 0 in jobs that a tag starts."
    if old:
        yield Check(
            "versions", "warn", f"checkout before 6.0.2 makes the tag that starts a run lightweight: {some(old)}.", fix
        )
    if unread:
        hint = f"{fix} Where it is pinned by a commit, say the version behind it: # v6.0.2"
        yield Check("versions", "unknown", f"Nothing says which checkout this is: {some(unread)}.", hint)
    if used and not old and not unread:
        yield Check("versions", "ok", "Every workflow uses checkout 6.0.2 or newer.")


def _is_old(version: str) -> bool | None:
    """Whether a version is before the right one. ``v6`` is its newest; None for a commit or branch."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return None
    if found[2] is None:
        return int(found[1]) < _RIGHT[0]
    return (int(found[1]), int(found[2]), int(found[3])) < _RIGHT


def scheduled(workflows: Mapping[str, str]) -> list[str]:
    """The workflows that a schedule starts."""
    return [path for path, text in workflows.items() if _SCHEDULE.search(text)]
