"""A document as Markdown for the summary of a GitHub step: what people look for there first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tagline.render.markdown.escaping import code, link, table, text

#: Rows of findings; the summary of a step holds a mebibyte, and nobody reads more.
_MOST = 200
#: Tags or reasons of one change.
_PARTS = 20
_VERDICTS = {"ok": "✅", "waiting": "⏳", "refused": "❌", "nothing": "➖"}
#: The worst first.
_STATES = {"fail": "❌", "warn": "⚠️", "unknown": "❔", "ok": "✅"}
#: What is shown of an artifact, as the document calls it and as people do.
_FIELDS = (
    ("artifact", "artifact"), ("version", "version"), ("stage", "stage"), ("event", "event"), ("tag", "tag"),
    ("commit", "commit"), ("path", "path"), ("uri", "uri"), ("digest", "digest"), ("size", "bytes"),
    ("current", "current"), ("destination", "is now at"),
)  # fmt: skip


def summary(document: Mapping[str, Any]) -> str:
    """The summary of a document; empty for one that says nothing."""
    if "rollback_change" in document:
        return _deployed(document)
    if "changes" in document or "intents" in document:
        return _changes(document.get("changes", [document]), document.get("why"))
    if "error" in document:
        return _failure(document["error"])
    if "labels" in document and "dry_run" in document:
        return _labels(document)
    if "checks" in document:
        return _checks(document["checks"])
    if "findings" in document:
        return _findings(document)
    return _artifact(document) if document.get("artifact") else ""


def _changes(changes: list[Mapping[str, Any]], why: str | None) -> str:
    """What became of each change; the whole of it is in its comment."""
    rows = [_change(each) for change in changes for each in (*change.get("earlier", ()), change)]
    if not rows:
        return f"### Tagline\n\n{text(why or 'There is no change to look at.')}\n"
    more = f"\n\n{len(rows) - _MOST} more are in the log." if len(rows) > _MOST else ""
    return f"### Tagline\n\n{table(['Change', 'Looked at', 'Verdict', 'Tags', ''], rows[:_MOST])}{more}\n"


def _change(document: Mapping[str, Any]) -> list[str]:
    change, verdict = document["change"], document["verdict"]
    tags = [code(row["tag"]) for row in document["tags"]]
    reasons = [text(each["message"]) for each in (*document["refused"], *document["waiting"])]
    if "error" in document:
        reasons.append(text(document["error"]["message"]))
    if document["why"]:
        reasons.append(text(document["why"]))
    if document["comment_url"]:
        reasons.append(link("comment", document["comment_url"]))
    return [
        link(f"{'!' if '/-/' in change['url'] else '#'}{change['number']}", change["url"]),
        "<br>".join(_looked_at(change, document["touched"])),
        f"{_VERDICTS.get(verdict, '❌')} {verdict or 'failed'}",
        _listed(tags, ", "),
        _listed(reasons, "<br>"),
    ]


def _looked_at(change: Mapping[str, Any], touched: Iterable[str]) -> Iterator[str]:
    """The commit, the labels, and the artifacts as far as it was asked which."""
    yield code((change["commit"] or "no commit")[:7])
    yield f"labels: {_listed([code(name) for name in change['labels']], ', ')}" if change["labels"] else "no labels"
    if names := [code(name) for name in touched]:
        yield f"touches {_listed(names, ', ')}"


def _listed(parts: list[str], between: str) -> str:
    shown = parts[:_PARTS]
    return between.join([*shown, f"{len(parts) - _PARTS} more"] if len(parts) > _PARTS else shown)


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
        return f"{head}\n\nNo findings in {artifacts} artifacts of {len(document['checked'])} files.\n"
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


def _labels(document: Mapping[str, Any]) -> str:
    rows = [[code(row["name"]), text(row["state"]), text(row["message"] or "")] for row in document["labels"]]
    return f"### Tagline: labels\n\n{table(['Label', '', ''], rows)}\n"


def _checks(checks: list[Mapping[str, Any]]) -> str:
    """The doctor's report: what is wrong first."""
    ordered = sorted(checks, key=lambda check: list(_STATES).index(check["state"]))
    rows = [
        [
            f"{_STATES[check['state']]} {check['state']}",
            link(check["id"], check["url"]),
            *([text(check["repository"] or "")] if any(each["repository"] for each in checks) else []),
            text(check["message"]),
            text(check["hint"]) if check["state"] != "ok" else "",
        ]
        for check in ordered[:_MOST]
    ]
    several = ["Repository"] if any(check["repository"] for check in checks) else []
    more = f"\n\n{len(checks) - _MOST} more are in the log." if len(checks) > _MOST else ""
    head = "❌" if any(check["state"] == "fail" for check in checks) else "✅"
    return f"### {head} Tagline: doctor\n\n{table(['', 'Check', *several, 'What', 'What to do'], rows)}{more}\n"


def _artifact(document: Mapping[str, Any]) -> str:
    rows = [[label, code(_shown(document[name]))] for name, label in _FIELDS if document.get(name) not in (None, "")]
    return f"### Tagline\n\n{table(['', ''], rows)}\n"


_REPORTED = {"in_progress": "⏳ is being deployed", "success": "✅ is deployed", "failure": "❌ the deployment failed"}


def _deployed(document: Mapping[str, Any]) -> str:
    """What was reported, who knows it, and why somebody does not."""
    deployment, change = document["deployment"], document["rollback_change"]
    rows = [
        ["artifact", code(f"{document['artifact']}#{document['stage']}")],
        ["version", f"{code(document['version'] or document['commit'][:7])} {_REPORTED[document['state']]}"],
        ["tag", code(document["tag"]) + ("" if document["current"] else ": another one holds the stage by now")],
        ["environment", code((deployment or document)["environment"])],
        ["remembered", "yes" if document["remembered"] else "no"],
    ]
    if deployment is not None and deployment["url"]:
        rows.append(["deployment", link("of the forge" if deployment["by"] == "forge" else "page", deployment["url"])])
    if change is not None:
        rows.append(["rolls back", link(f"change {change['number']}", change["url"])])
    said = [f"❌ {text(error['message'])}<br>→ {text(error['hint'])}" for error in document["errors"]]
    return "\n\n".join([f"### Tagline\n\n{table(['', ''], rows)}", *said]) + "\n"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
