"""A document as the values that a step of CI hands to later ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tagline.render.json.documents import dumps

#: Each output and what it says, in the order of action.yml.
OUTPUTS: Mapping[str, str] = {
    "event": "check-ref: registration, deregistration, assignment, unassignment or deprecation.",
    "name": "The artifact.",
    "version": "Its version.",
    "stage": "The stage.",
    "type": "What the manifest calls its kind, such as model.",
    "path": "Where the artifact is, from the repository's root.",
    "description": "What the manifest says about it.",
    "tag": "The tag that decides the answer.",
    "commit": "The commit that the tag names; of a change, the commit that it landed as.",
    "uri": "Where the bytes are.",
    "digest": "What they must be: md5:..., sha256:..., gitblob:... or gittree:...",
    "size": "How many bytes.",
    "current": "true if the tag still decides its stage, or is an active version.",
    "superseded": "resolve, fetch: true if another tag had overtaken it and nothing was handed over, else false.",
    "verdict": "plan, promote: ok, waiting, refused or nothing.",
    "tags": "plan, promote: the tags as a JSON list.",
    "json": "The whole document of --json.",
    "comment-url": "plan, promote: the comment on the change.",
}

_OF_AN_ARTIFACT = ("name", "version", "stage", "type", "path", "description", "tag", "commit")
_OF_BYTES = ("uri", "digest", "size")
#: Which of them each command answers, be it with nothing. The others may be another job's, in the same variables.
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "validate": (),
    "plan": ("commit", "verdict", "tags", "comment-url"),
    "promote": ("commit", "verdict", "tags", "comment-url"),
    "check-ref": ("event", *_OF_AN_ARTIFACT, "current"),
    "resolve": (*_OF_AN_ARTIFACT, *_OF_BYTES, "current", "superseded"),
    "fetch": (*_OF_AN_ARTIFACT, *_OF_BYTES, "current", "superseded"),
    "pin": (),
    "doctor": (),
    "lineage": (*_OF_AN_ARTIFACT, *_OF_BYTES),
    "labels-sync": (),
    "propose": ("name", "version", "stage"),
    "deployed": ("name", "version", "stage", "tag", "commit", "digest", "current"),
}

#: Bytes. GitHub takes a mebibyte an output.
_MAX_OUTPUT = 1024 * 1024
#: Bytes that a whole dotenv report must stay below, and what of a value its reader would take for something else: a
#: second "=" for the end of the name (the report is refused then), "$" and "%" for a variable ($NAME, ${NAME}, %NAME%),
#: the end of a line for the end of the value.
#: Source: GitLab's lib/gitlab/ci/parsers and its documentation of artifacts:reports:dotenv.
_MAX_DOTENV = 5 * 1024
_NOT_DOTENV = re.compile(r"[=$%\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|^\s|\s$")
_NOT_IN_DOTENV = ("tags", "json", "description")
#: What is left out first where not all have room: what a later job can look up by the rest.
_LEAST_NEEDED = ("comment-url", "path", "uri", "type")
_PREFIX = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,64}")
#: The worst first.
_VERDICTS = ("refused", "waiting", "ok", "nothing")


class Handed(NamedTuple):
    """Text for a runner, and the outputs that it could not carry."""

    text: str
    left_out: tuple[str, ...]


def outputs(document: Mapping[str, Any]) -> dict[str, str]:
    """Every output of a document; what it does not say is empty."""
    values = {name: _value(document.get(name)) for name in OUTPUTS}
    values["name"] = values["name"] or _value(document.get("artifact"))
    values["comment-url"] = _value(document.get("comment_url"))
    if changes := list(_changes(document)):
        verdicts = {change.get("verdict") for change in changes}
        values["verdict"] = next((verdict for verdict in _VERDICTS if verdict in verdicts), "")
        parts = (part for change in changes for part in (*change.get("earlier", ()), change))
        values["tags"] = dumps([row for part in parts for row in part.get("tags", ())])
        if len(changes) == 1:
            values["commit"] = _value(changes[0].get("change", {}).get("commit"))
    values["json"] = dumps(document)
    return values


def _changes(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The changes of ``plan`` and ``promote``, be it one, several or none."""
    if "changes" in document:
        yield from document["changes"] or [{"verdict": document.get("verdict")}]
    elif "intents" in document:
        yield document


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def github_outputs(values: Mapping[str, str], delimiter: str) -> Handed:
    """The lines of GITHUB_OUTPUT. ``delimiter`` must be one that nobody could have guessed.

    Raises ValueError when it stands in a name or a value.
    Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions#multiline-strings
    """
    if any(delimiter in text for pair in values.items() for text in pair):
        raise ValueError("the delimiter stands in a value")
    left_out = tuple(name for name, value in values.items() if len(_bytes(value)) > _MAX_OUTPUT)
    kept = ((name, "" if name in left_out else value) for name, value in values.items())
    # What is no Unicode (a path in Git may not be) is handed over escaped, never broken.
    lines = [f"{name}<<{delimiter}\n{_bytes(value).decode()}\n{delimiter}\n" for name, value in kept]
    return Handed("".join(lines), left_out)


def _bytes(value: str) -> bytes:
    return value.encode(errors="backslashreplace")


def is_prefix(text: str) -> bool:
    """Whether names of variables may begin so."""
    return _PREFIX.fullmatch(text) is not None


def dotenv(values: Mapping[str, str], prefix: str, command: str) -> Handed:
    """GitLab's dotenv report of a command. Values that it cannot carry are left out, for tagline.json has them."""
    answered = ANSWERS.get(command, ())
    kept = {name: value for name, value in values.items() if name in answered and name not in _NOT_IN_DOTENV}
    left_out = [name for name, value in kept.items() if _NOT_DOTENV.search(value)]
    for name in left_out:
        kept[name] = ""
    for name in (*(name for name in _LEAST_NEEDED if name in kept), *kept):
        if len(_dotenv(kept, prefix).encode()) < _MAX_DOTENV:
            break
        if kept[name]:
            kept[name] = ""
            left_out.append(name)
    return Handed(_dotenv(kept, prefix), tuple(left_out))


def _dotenv(values: Mapping[str, str], prefix: str) -> str:
    return "".join(f"{prefix}{name.upper().replace('-', '_')}={value}\n" for name, value in values.items())


def links(document: Mapping[str, Any]) -> str:
    """GitLab's report of links beside a job.

    Source: https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsannotations
    """
    found = [
        {"external_link": {"label": label, "url": url}}
        for change in _changes(document)
        for label, url in (
            (f"Change {change.get('change', {}).get('number')}", change.get("change", {}).get("url")),
            ("Tagline's comment", change.get("comment_url")),
        )
        if isinstance(url, str) and url.startswith(("https://", "http://"))
    ]
    return json.dumps({"Tagline": found[:50]}) + "\n"
