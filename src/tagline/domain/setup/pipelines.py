"""The pipelines that a repository gets: the examples of the documents, as this repository needs them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

#: Where each example goes on GitHub, and the command by which a pipeline that somebody wrote does the same.
WORKFLOWS: Mapping[str, tuple[str, str]] = {
    "review.yml": (".github/workflows/tagline-review.yml", "plan"),
    "promote.yml": (".github/workflows/tagline-promote.yml", "promote"),
    "labels.yml": (".github/workflows/tagline-labels.yml", "labels-sync"),
}
#: The components of each of the same examples.
COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "review.yml": ("validate", "plan"), "promote.yml": ("promote",), "labels.yml": ("labels-sync",),
}  # fmt: skip
GITLAB_CI, GITLAB_CI_BESIDE = ".gitlab-ci.yml", ".gitlab/tagline.yml"
#: What a called workflow of ours runs. Its owner is another where a server has a mirror.
_CALLED = re.compile(r"[\w.-]+/tagline/\.github/workflows/(review|promote|deploy)\.yml@\S+")
_RUNS: Mapping[str, tuple[str, ...]] = {
    "review": ("validate", "plan"), "promote": ("promote",), "deploy": ("check-ref", "fetch"),
}  # fmt: skip
_ACTION = re.compile(r"[\w.-]+/tagline@\S+")
_COMPONENT = re.compile(r"\S+/tagline/([a-z-]+)@\S+")
_TYPED = re.compile(r"(?m)^[^#\n]*?\btagline (?:ci )?(validate|plan|promote|labels[- ]sync)\b")
_SCRIPTS = ("run", "script", "before_script", "after_script")
#: What a deployment is called.
DEPLOYS = (".github/workflows/deploy.yml", ".github/workflows/deploy.yaml")
_BRANCHES = "branches: [main]"
#: Branches that need no quotes in YAML's lists; on, off, yes and no are words of YAML 1.1.
_PLAIN = re.compile(r"(?!(?:on|off|yes|no|true|false|null|y|n)$)[A-Za-z][\w/.-]*")
_DELIVER = re.compile(r"(?m)^ *actions: write.*\n|^ *with:\n *deliver: .*\n")
#: What an example has as comments under its ``with:``, which is a comment too where nothing else stands there.
_UNDER_WITH = re.compile(r"(?m)^ {6}(# Bytes in S3.*\n)((?: {6}# .*\n)+)")


class Called(NamedTuple):
    """What a file of pipelines calls: our commands, files beside it, and files of elsewhere, which nobody reads."""

    commands: frozenset[str]
    files: tuple[str, ...]
    elsewhere: tuple[str, ...]


def called_by(document: Any) -> Called:
    """What a workflow, an action or a pipeline calls; ``document`` is its YAML as data."""
    commands: set[str] = set()
    files: list[str] = []
    elsewhere: list[str] = []
    for one in _mappings(document):
        uses, component = one.get("uses"), one.get("component")
        if isinstance(uses, str):
            if match := _CALLED.fullmatch(uses):
                commands.update(_RUNS[match[1]])
            elif _ACTION.fullmatch(uses):
                given = one.get("with")
                commands.add(str(given.get("command")) if isinstance(given, dict) else "")
            elif uses.startswith("./"):
                files.append(uses.removeprefix("./"))
            elif ".github/workflows/" in uses:
                elsewhere.append(uses)
        if isinstance(component, str):
            match = _COMPONENT.fullmatch(component)
            commands.update([match[1]] if match else [])
            elsewhere += [] if match else [component]
        commands |= {word.replace(" ", "-") for key in _SCRIPTS for word in _TYPED.findall(_text(one.get(key)))}
    for name in _included(document):
        (files if name.startswith("local:") else elsewhere).append(name.removeprefix("local:").lstrip("/"))
    return Called(frozenset(commands), tuple(files), tuple(elsewhere))


def _mappings(document: Any) -> Iterator[dict[str, Any]]:
    """Every mapping of some data, each once: an alias of YAML may name one a million times."""
    seen: set[int] = set()
    waiting = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, (dict, list)) and id(one) not in seen:
            seen.add(id(one))
            waiting += one.values() if isinstance(one, dict) else one
            if isinstance(one, dict):
                yield one


def _text(script: Any) -> str:
    """A script, which GitLab takes as lines as well."""
    lines = script if isinstance(script, list) else [script]
    return "\n".join(line for line in lines if isinstance(line, str))


def _included(document: Any) -> Iterator[str]:
    """What a pipeline of GitLab's includes besides components: ``local:PATH``, or what it is called elsewhere."""
    given = document.get("include") if isinstance(document, dict) else None
    for one in given if isinstance(given, list) else [given]:
        if isinstance(one, str):
            yield one if one.startswith(("http://", "https://")) else f"local:{one}"
        elif isinstance(one, dict):
            local, other = one.get("local"), one.get("project") or one.get("remote")
            if isinstance(local, str):
                yield f"local:{local}"
            elif isinstance(other, str):
                yield other


def starts_by_hand(document: Any) -> bool:
    """Whether a workflow can be dispatched."""
    on = document.get("on") if isinstance(document, dict) else None
    return on == "workflow_dispatch" or (isinstance(on, (dict, list)) and "workflow_dispatch" in on)


def workflow(text: str, branch: str, stage: str | None, deploy: str = "deploy.yml") -> str:
    """An example for a repository whose default branch is ``branch``.

    ``stage`` is the one whose tags start the workflow ``deploy``; None: there is no such file.
    """
    written = branch if _PLAIN.fullmatch(branch) else json.dumps(branch)
    text = text.replace(_BRANCHES, f"branches: [{written}]")
    if stage is not None:
        text = text.replace("#prod#", f"#{stage}#").replace("new tag of prod", f"new tag of {stage}")
        return text.replace("deploy.yml", deploy)
    text = _DELIVER.sub("", text).replace(", then starts deploy.yml on each new tag of prod", "")
    return _UNDER_WITH.sub(lambda found: f"    {found[1]}    # with:\n{found[2].replace('      # ', '    #   ')}", text)


def pipeline(examples: Iterable[str]) -> str:
    """Examples of GitLab's as one file: what each says of itself, then all that they include."""
    parts = [text.partition("include:\n") for text in examples]
    return "".join(head for head, _, _ in parts) + "include:\n" + "".join(included for _, _, included in parts)
