"""A document as Markdown for the summary of a GitHub step: what people look for there first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagline.render.markdown import code, table, text

#: Rows of findings; the summary of a step holds a mebibyte, and nobody reads more.
_MOST = 200
#: What is shown of an artifact, as the document calls it and as people do.
_FIELDS = (
    ("artifact", "artifact"), ("version", "version"), ("stage", "stage"), ("event", "event"), ("tag", "tag"),
    ("commit", "commit"), ("path", "path"), ("uri", "uri"), ("digest", "digest"), ("size", "bytes"),
    ("current", "current"), ("destination", "is now at"),
)  # fmt: skip


def summary(document: Mapping[str, Any]) -> str:
    """The summary of a document; empty for one that is said elsewhere, as changes are in their comment."""
    if "error" in document:
        return _failure(document["error"])
    if "findings" in document:
        return _findings(document)
    return _artifact(document) if document.get("artifact") else ""


def _failure(error: Mapping[str, str]) -> str:
    parts = ["### ❌ Tagline", text(error["message"])]
    if error["hint"]:
        parts.append("\n".join(f"{text(line)}  " for line in error["hint"].split("\n")).rstrip())
    return "\n\n".join(parts) + "\n"


def _findings(document: Mapping[str, Any]) -> str:
    findings = document["findings"]
    artifacts = sum(checked["artifacts"] for checked in document["checked"])
    head = f"### {'✅' if document['ok'] else '❌'} Tagline: validate"
    if not findings:
        return f"{head}\n\nNo findings in {artifacts} artifacts of {len(document['checked'])} manifests.\n"
    rows = [
        [
            code(f"{finding['file']}:{finding['line']}:{finding['column']}"),
            text(finding["severity"]),
            f"{text(finding['message'])} {text(finding['hint'])}".strip(),
            code(finding["rule"]),
        ]
        for finding in findings[:_MOST]
    ]
    more = f"\n\n{len(findings) - _MOST} more are in the log." if len(findings) > _MOST else ""
    return f"{head}\n\n{table(['Where', '', 'What', 'Rule'], rows)}{more}\n"


def _artifact(document: Mapping[str, Any]) -> str:
    rows = [[label, code(_shown(document[name]))] for name, label in _FIELDS if document.get(name) not in (None, "")]
    return f"### Tagline\n\n{table(['', ''], rows)}\n"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
