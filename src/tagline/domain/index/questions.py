"""The questions that everybody asks of an index: SQL with parameters, each with what it is asked with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tagline.domain.text.similar import listed, suggestion
from tagline.domain.text.times import format_time, parse_instant
from tagline.errors import WrongUsage

_DIGEST_RE = re.compile(r"[a-z0-9-]+:\S+")


@dataclass(frozen=True)
class Parameter:
    """What a question is asked with; without ``default`` it must be given. An instant is written as people write it."""

    name: str
    meaning: str
    default: str | None = None
    kind: Literal["text", "instant", "digest"] = "text"


@dataclass(frozen=True)
class NamedQuestion:
    """A question: its name, what it answers, its parameters (``$1`` first), the tables it reads, its SQL."""

    name: str
    help: str
    parameters: tuple[Parameter, ...]
    tables: tuple[str, ...]
    sql: str

    @property
    def usage(self) -> str:
        """``in-stage-on DATE [STAGE]``."""
        words = [one.name if one.default is None else f"[{one.name}]" for one in self.parameters]
        return " ".join([self.name, *words])

    def bind(self, words: Sequence[str]) -> tuple[Any, ...]:
        """The values of its parameters. Raises WrongUsage for too few, too many, or one of another kind."""
        needed = sum(one.default is None for one in self.parameters)
        if not needed <= len(words) <= len(self.parameters):
            count = f"{needed}" if needed == len(self.parameters) else f"{needed} to {len(self.parameters)}"
            raise WrongUsage(
                f"{self.name} is asked with {count} argument{'s' * (count != '1')}, and "
                f"{len(words)} {'was' if len(words) == 1 else 'were'} given.",
                f"Write: tagline query --named {self.usage}",
            )
        given = [*words, *[None] * (len(self.parameters) - len(words))]
        return tuple(_value(one, word) for one, word in zip(self.parameters, given, strict=True))


def _value(parameter: Parameter, word: str | None) -> Any:
    text = parameter.default if word is None else word
    if parameter.kind == "digest" and not _DIGEST_RE.fullmatch(text or ""):
        raise WrongUsage(
            f"{text!r} is no digest: those begin with their kind.",
            "Write it as dvc.lock or git has it, such as md5:22a1a2931c8370d3aeedd7183606fd7f. "
            "By its path: tagline search input:PATH",
        )
    return format_time(parse_instant(text or "")) if parameter.kind == "instant" else text


_STAGE = Parameter("STAGE", "the stage", "prod")
_ARTIFACT = Parameter("ARTIFACT", "the artifact's name, as in NAME or dir:NAME")

_QUESTIONS = (
    NamedQuestion(
        "prod-models",
        "what holds a stage now, in every repository",
        (_STAGE,),
        ("stages", "versions", "artifacts"),
        """
        SELECT s.repository, s.artifact, a.type, s.version, s.since, s.held, v.digest, v.uri
        FROM stages s
        LEFT JOIN versions v ON (v.repository, v.artifact, v.version) = (s.repository, s.artifact, s.version)
        LEFT JOIN artifacts a ON (a.repository, a.artifact) = (s.repository, s.artifact)
        WHERE s.stage = $1
        ORDER BY s.repository, s.artifact
        """,
    ),
    NamedQuestion(
        "who-approved",
        "who approved each promotion of an artifact, newest first",
        (_ARTIFACT, Parameter("STAGE", "only this stage; * for all", "*")),
        ("holds",),
        """
        SELECT repository, artifact, stage, version, since, until, approved_by, change
        FROM holds
        WHERE artifact = $1 AND ($2 = '*' OR stage = $2)
        ORDER BY since DESC, repository, stage
        """,
    ),
    NamedQuestion(
        "trained-on",
        "every version that some bytes went into, and the stages that it holds now",
        (Parameter("DIGEST", "of a file or folder: md5:..., sha256:..., gitblob:...", kind="digest"),),
        ("inputs", "stages"),
        """
        WITH found AS (
          SELECT repository, artifact, version, step, path FROM inputs WHERE digest = $1 AND kind != 'out'
        ),
        held AS (
          SELECT repository, artifact, version, list(stage ORDER BY stage) AS stages
          FROM stages SEMI JOIN found USING (repository, artifact, version) GROUP BY ALL
        )
        SELECT repository, artifact, version, coalesce(stages, []) AS stages, step, path
        FROM found LEFT JOIN held USING (repository, artifact, version)
        ORDER BY repository, artifact, version, step, path
        """,
    ),
    NamedQuestion(
        "in-stage-on",
        "what held a stage at an instant; of a date alone, at its midnight UTC",
        (Parameter("DATE", "2026-03-01, or 2026-03-01T09:30:00Z", kind="instant"), _STAGE),
        ("holds",),
        """
        SELECT repository, artifact, stage, version, since, until, change, approved_by
        FROM holds
        WHERE stage = $2 AND since <= $1::TIMESTAMPTZ AND (until IS NULL OR until > $1::TIMESTAMPTZ)
        ORDER BY repository, artifact
        """,
    ),
    NamedQuestion(
        "metric-over-versions",
        "a metric of each version of an artifact, in the order of their registration",
        (_ARTIFACT, Parameter("METRIC", "the metric's name, as in accuracy or test.accuracy")),
        ("metrics", "versions"),
        """
        SELECT m.repository, m.artifact, m.version, v.registered_at, m.value,
          m.value - lag(m.value) OVER (PARTITION BY m.repository ORDER BY v.registered_at, numbers, m.version)
            AS change_of_value
        FROM metrics m
        JOIN (
          -- Of versions that were registered in one second, v1.9.0 comes before v1.10.0.
          SELECT *, list_transform(
            string_split(regexp_extract(version, '^v([0-9.]+)', 1), '.'), lambda n: lpad(n, 40, '0')
          ) AS numbers FROM versions WHERE artifact = $1
        ) v ON (v.repository, v.artifact, v.version) = (m.repository, m.artifact, m.version)
        WHERE m.artifact = $1 AND m.name = $2
        ORDER BY m.repository, v.registered_at, numbers, m.version
        """,
    ),
)

#: All of them by name.
QUESTIONS: dict[str, NamedQuestion] = {one.name: one for one in _QUESTIONS}


def question(name: str) -> NamedQuestion:
    """The question of that name. Raises WrongUsage, with the nearest one."""
    if name not in QUESTIONS:
        raise WrongUsage(
            f"There is no question {name!r}.{suggestion(name, QUESTIONS)}",
            f"There are: {listed(list(QUESTIONS))}. See: tagline query --list",
        )
    return QUESTIONS[name]
