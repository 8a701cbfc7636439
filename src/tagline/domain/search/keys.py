"""The keys that a search may name: what each is about, and how it may be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: What a value is: text, a version, a date, yes or no, a number, or a text that may be one.
Value = Literal["text", "version", "date", "flag", "number", "any"]

#: Operators as people write them, longer ones first. ``:`` is equality that passes over case, ``=`` is exact.
OPERATORS = ("!=", ">=", "<=", ":", "=", ">", "<")
_EQUAL = (":", "=", "!=")
_ALL = OPERATORS


@dataclass(frozen=True)
class Key:
    """One key. ``named``: a name stands between key and operator, as in ``metric:accuracy>0.9``."""

    name: str
    help: str
    value: Value
    operators: tuple[str, ...] = _EQUAL
    named: Literal["no", "maybe", "must"] = "no"


_KEYS = (
    Key("artifact", "the artifact's name", "text"),
    Key("repository", "the repository: host/owner/name", "text"),
    Key("type", "the artifact's type, such as model", "text"),
    Key("label", "one of the artifact's labels", "text"),
    Key("owner", "who looks after the artifact", "text"),
    Key("stage", "a stage that the version holds now, or held at as-of", "text"),
    Key("version", "the version; greater and smaller by SemVer", "version", _ALL),
    Key("metric", "metric:NAME, has it; metric:NAME>0.9 compares its value", "number", _ALL[:3] + _ALL[4:], "must"),
    Key("param", "param:NAME, has it; param:NAME=adam, param:NAME>0.1 compares its value", "any", _ALL[:3] + _ALL[4:],
        "must"),
    Key("input", "what it was made from: a digest, a path, or where it was imported from", "text"),
    Key("registered", "when the version was registered", "date", _ALL),
    Key("since", "since when it holds a stage; since:STAGE>DATE of that stage", "date", _ALL, "maybe"),
    Key("change", "the page of the change that registered or promoted it, or that change's number", "text"),
    Key("approved", "who approved a change that registered or promoted it", "text"),
    Key("active", "whether it is active: neither deregistered nor its artifact deprecated", "flag"),
    Key("deprecated", "whether its artifact is deprecated", "flag"),
    Key("as-of", "everything as it was then; once, beside everything else", "date", (":", "=")),
)  # fmt: skip

#: All keys by name.
KEYS: dict[str, Key] = {one.name: one for one in _KEYS}
