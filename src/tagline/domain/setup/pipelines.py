"""The pipelines that a repository gets: the examples of the documents, as this repository needs them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

#: Where each example goes on GitHub, and what tells in a workflow that somebody wrote it already.
WORKFLOWS: Mapping[str, tuple[str, str]] = {
    "review.yml": (".github/workflows/tagline-review.yml", "tagline-dev/tagline/.github/workflows/review.yml"),
    "promote.yml": (".github/workflows/tagline-promote.yml", "tagline-dev/tagline/.github/workflows/promote.yml"),
    "labels.yml": (".github/workflows/tagline-labels.yml", "command: labels-sync"),
}
#: The examples that one pipeline of GitLab includes, and what tells that it does.
PIPELINES = ("review.yml", "promote.yml", "labels.yml")
GITLAB_CI, GITLAB_CI_BESIDE, COMPONENT = ".gitlab-ci.yml", ".gitlab/tagline.yml", "tagline-dev/tagline/promote@"
DEPLOY = ".github/workflows/deploy.yml"
_BRANCHES = "branches: [main]"
#: Branches that need no quotes in YAML's lists; on, off, yes and no are words of YAML 1.1.
_PLAIN = re.compile(r"(?!(?:on|off|yes|no|true|false|null|y|n)$)[A-Za-z][\w/.-]*")
_DELIVER = re.compile(r"(?m)^ *actions: write.*\n|^ *with:\n *deliver: .*\n")
#: What an example has as comments under its ``with:``, which is a comment too where nothing else stands there.
_UNDER_WITH = re.compile(r"(?m)^ {6}(# Bytes in S3.*\n)((?: {6}# .*\n)+)")


def workflow(text: str, branch: str, stage: str | None) -> str:
    """An example for a repository whose default branch is ``branch``.

    ``stage`` is the one whose tags start deploy.yml; None: there is no such file.
    """
    written = branch if _PLAIN.fullmatch(branch) else json.dumps(branch)
    text = text.replace(_BRANCHES, f"branches: [{written}]")
    if stage is not None:
        return text.replace("#prod#", f"#{stage}#").replace("new tag of prod", f"new tag of {stage}")
    text = _DELIVER.sub("", text).replace(", then starts deploy.yml on each new tag of prod", "")
    return _UNDER_WITH.sub(lambda found: f"    {found[1]}    # with:\n{found[2].replace('      # ', '    #   ')}", text)


def pipeline(examples: Iterable[str]) -> str:
    """Examples of GitLab's as one file: what each says of itself, then all that they include."""
    parts = [text.partition("include:\n") for text in examples]
    return "".join(head for head, _, _ in parts) + "include:\n" + "".join(included for _, _, included in parts)
