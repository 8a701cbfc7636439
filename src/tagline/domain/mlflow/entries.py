"""A version of MLflow's as an entry of ``artifacts.yaml``, and how it replaces the entry of the version before.

What is committed is read by many: no login and no signature of a URL goes into an entry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from tagline.domain.mlflow.names import ListedVersion, ReadRun, RegisteredModel
from tagline.domain.text.public import public
from tagline.domain.text.times import MAX_TIME, format_time

#: Characters: what readers of YAML bear. MLflow's own limit is 250.
_LONGEST_KEY = 1000
#: The largest float, which MLflow's databases keep in the place of infinity.
_INFINITE = 1.7976931348623157e308
_OURS, _THEIRS = "tagline.", "mlflow."
_LABEL_RE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
#: Keys whose values are of one version alone, and values that are: numbers, digests, UUIDs.
_ID_KEY_RE = re.compile(r"(?:^|[._-])(?:sha\d*|md5|commit|digest|hash|revision|uuid|id)$", re.IGNORECASE)
_ID_RE = re.compile(r"[0-9]+(?:[.-][0-9]+)*|(?=\S*[0-9])[0-9a-f-]{7,}", re.IGNORECASE)
#: Schemes have two letters at least: one is a drive of Windows.
_ONE_SLASH_RE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(?!/)")
_URI_RE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://.")
#: What only MLflow can follow.
_INDIRECT = ("models", "runs")
_WEB_RE = re.compile(r"(?:https?|ftps?):", re.IGNORECASE)
_TAIL_RE = re.compile(r"[?#]\S*")
_DROPPED = "…"
#: Keys that say where a version's bytes are and what it is to MLflow: an import's alone.
_IMPORTS = ("path", "virtual", "mlflow")
_ABSENT: Any = object()


def entry_of(
    model: RegisteredModel,
    version: ListedVersion,
    *,
    location: str,
    run: ReadRun | None,
    server: str,
    tracked: str | None = None,
) -> dict[str, Any]:
    """The entry of ``artifacts.yaml`` as of one version: ``location`` is where its bytes are, ``server`` MLflow's URL.

    ``tracked`` is the path under which DVC has the bytes; None: they stay where they are, and the entry is ``virtual``.
    ``run`` is None where nobody can read it: then the entry
    does not say that it had no parameters.
    """
    location, server = without_secrets(location), without_secrets(server)
    path = tracked or uri_of(location)
    labels, rest = split_tags({**model.tags, **version.tags})
    metrics = run.metrics if run is not None else {}
    named: dict[str, Any] = {"run_id": version.run_id} if version.run_id else {}
    named |= {"tracking_uri": server, "model": version.model, "version": version.number}
    named |= {"params": _params(run.params)} if run is not None else {}
    about: dict[str, Any] = (
        {"description": public(model.description)} if version.description and model.description else {}
    )
    about |= {"source": location} if location and path != location else {}
    about |= {"tags": rest} if rest else {}
    about |= {"created": format_time(version.created // 1000)} if 0 < version.created // 1000 <= MAX_TIME else {}
    about |= {"user": public(version.user)} if version.user else {}
    fields: dict[str, Any] = {
        "type": "model",
        "path": path,
        "virtual": tracked is None,
        "description": public(version.description or model.description),
        "labels": labels,
        "metrics": {name: metrics[name] for name in sorted(metrics) if _fits(name) and abs(metrics[name]) < _INFINITE},
        "mlflow": named,
        "custom": {"mlflow": about} if about else None,
    }
    return {key: value for key, value in fields.items() if value}


def _params(params: Mapping[str, str]) -> dict[str, str]:
    return {public(name): public(params[name]) for name in sorted(params) if _fits(name)}


def split_tags(tags: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Tags that are words, as labels (``key`` or ``key:value``), and the rest; our own are neither."""
    labels, rest = [], {}
    for key, value in sorted(tags.items()):
        if key.startswith(_OURS) or not _fits(key):
            continue
        plain = _LABEL_RE.fullmatch(key) and not key.startswith(_THEIRS)
        if plain and value in ("", "true"):
            labels.append(key)
        elif plain and _LABEL_RE.fullmatch(value) and not _names_one(key, value):
            labels.append(f"{key}:{value}")
        else:
            rest[public(key)] = public(value)
    return labels, rest


def _names_one(key: str, value: str) -> bool:
    """Whether a tag says which one it is (a commit, a digest, a number), and not of what kind: no label for many."""
    return _ID_KEY_RE.search(key) is not None or _ID_RE.fullmatch(value) is not None


def _fits(key: str) -> bool:
    return len(key) <= _LONGEST_KEY


def uri_of(location: str) -> str | None:
    """Where a version's bytes are as a URI with ``//``; None for what only one machine or MLflow knows."""
    text = without_secrets(location)
    if text.startswith("//") or _DROPPED in text:
        return None
    if text.startswith("/"):
        return "file://" + quote(text)
    text = _ONE_SLASH_RE.sub(r"\1:///", text, count=1) if _ONE_SLASH_RE.match(text) else text
    match = _URI_RE.match(text)
    return text if match is not None and match[1].lower() not in _INDIRECT else None


def without_secrets(text: str) -> str:
    """A location without a login and without a query that may be a signature; a container before an ``@`` stays, as
    Azure's addresses have. A key in a store may have ``?`` and ``#`` in it: those stay where no ``=`` follows.
    """
    tail = _TAIL_RE.search(text)
    if "@" not in text and not (tail and ("=" in tail[0] or _WEB_RE.match(text))):
        return text
    return re.sub(rf"\?{_DROPPED}\S*", "", public(text))


# -- an entry that is there ---------------------------------------------------


class Merged(NamedTuple):
    """An entry as it is to be written; ``kept`` are the keys that people wrote otherwise than the import would."""

    entry: dict[str, Any]
    kept: list[str]


def imported_version(there: Any, model: str) -> int | None:
    """The number of the version of ``model`` that an entry says it is about; None for an entry that no import wrote."""
    if not isinstance(there, Mapping):
        return None
    custom = there.get("custom")
    if there.get("virtual") is not True and not _is_brought(custom):
        return None
    for about in (there.get("mlflow"), custom.get("mlflow") if isinstance(custom, Mapping) else None):
        if isinstance(about, Mapping) and about.get("model") == model:
            number = about.get("version")
            return number if type(number) is int else None
    return None


def _is_brought(custom: Any) -> bool:
    """Whether ``custom`` says where an import took the bytes from that it brought under DVC."""
    about = custom.get("mlflow") if isinstance(custom, Mapping) else None
    return isinstance(about, Mapping) and isinstance(about.get("source"), str)


def tracked_path(artifact: str) -> str:
    """Where the bytes of an artifact lie that an import brings under DVC."""
    return f"models/{artifact}"


def is_untouched(there: Mapping[str, Any], base: Mapping[str, Any]) -> bool:
    """Whether an entry still says where its bytes are, and of which run, as ``base``, what an import wrote, does.

    The server's address may be another: one server has several, and moves. Parameters name nothing.
    """
    return all(_named(there.get(key)) == _named(base.get(key)) for key in _IMPORTS)


def _named(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {key: said for key, said in value.items() if key not in ("tracking_uri", "params")}


def merged(there: Mapping[str, Any], base: Mapping[str, Any] | None, entry: Mapping[str, Any]) -> Merged:
    """``entry`` in the place of ``there``, with what people wrote since the import wrote ``base``; None for a base that
    nobody knows: then all is theirs but for what only an import writes.
    """
    result: dict[str, Any] = {}
    kept = []
    for key in dict.fromkeys((*entry, *there)):
        new, old = entry.get(key, _ABSENT), there.get(key, _ABSENT)
        if key == "custom" and isinstance(old, Mapping):
            value = _custom(old, new)
        elif key in _IMPORTS or (base is not None and old == base.get(key, _ABSENT)):
            value = new
        else:
            value = old
            kept += [key] if new is not _ABSENT and new != old else []
        if value is not _ABSENT:
            result[key] = value
    return Merged(result, kept)


def _custom(old: Mapping[str, Any], new: Any) -> Any:
    """``custom`` of an entry: what people have there, beside what an import says under ``mlflow``."""
    mine = new if isinstance(new, Mapping) else {}
    value = {**{key: said for key, said in old.items() if key != "mlflow"}, **mine}
    return value or _ABSENT
