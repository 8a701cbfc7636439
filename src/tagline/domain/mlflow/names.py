"""A registry of MLflow as it is told to us, and what its names become here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tagline.domain.ledger.messages import one_line
from tagline.domain.ledger.tags import is_name
from tagline.domain.text.similar import suggestion
from tagline.errors import NotFound, Refused, WrongUsage

#: MLflow's stages of before aliases; the other two of them, ``Archived`` and ``None``, mean no stage.
OLD_STAGES: Mapping[str, str] = {"Production": "production", "Staging": "staging", "Archived": "", "None": ""}
READY = "READY"
_EXAMPLES = 10
#: MLflow keeps prompts as models that have this tag.
_PROMPT = "mlflow.prompt.is_prompt"


@dataclass(frozen=True)
class RegisteredModel:
    """A registered model: ``aliases`` is alias to number of a version."""

    name: str
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ListedVersion:
    """A version of a registered model. ``created`` and ``updated`` are unix milliseconds, 0 for unknown.

    ``run_id`` is empty where no run made it; ``stage`` is one of MLflow's old stages.
    """

    model: str
    number: int
    run_id: str = ""
    source: str = ""
    description: str = ""
    status: str = READY
    stage: str = "None"
    tags: Mapping[str, str] = field(default_factory=dict)
    created: int = 0
    updated: int = 0
    user: str = ""

    @property
    def uri(self) -> str:
        """``models:/NAME/N``, which MLflow loads it by."""
        return f"models:/{self.model}/{self.number}"


class ReadRun(NamedTuple):
    """What a run says of itself: its last figures, and what it ran with."""

    metrics: Mapping[str, float] = {}
    params: Mapping[str, str] = {}


class Claim(NamedTuple):
    """What says who holds a stage: ``alias champion``; its versions, the holder last."""

    what: str
    versions: tuple[ListedVersion, ...]

    @property
    def is_stage(self) -> bool:
        """Whether it is one of MLflow's old stages, which knows since when."""
        return self.what.startswith("stage ")


def distinct(versions: Sequence[ListedVersion]) -> list[ListedVersion]:
    """Each version once: pages of a list that changes while it is read may overlap.

    Raises Refused where one number is said of two things.
    """
    found: dict[int, ListedVersion] = {}
    for version in versions:
        if found.setdefault(version.number, version) != version:
            raise Refused(
                f"MLflow lists version {version.number} of {version.model!r} twice, and says two things of it.",
                "Run the same command again; if it stays, ask whoever runs the server.",
                code="import-listed-twice",
            )
    return list(found.values())


def left_out(names: Mapping[str, str]) -> set[str]:
    """The stages that ``--stage MLFLOW=`` leaves out; ``names`` is as for :func:`claims`."""
    return {OLD_STAGES.get(theirs) or valid_name(theirs) or "" for theirs, ours in names.items() if not ours}


def valid_name(text: str) -> str | None:
    """``text`` as a name of ours: other characters become ``-``. None where nothing of it can stay."""
    name = re.sub(r"[^a-zA-Z0-9_/-]+", "-", text)
    name = re.sub(r"-*/[-/]*", "/", name).strip("-_/")
    return name if is_name(name) else None


def choose(models: Sequence[RegisteredModel], wanted: Sequence[str]) -> dict[str, RegisteredModel]:
    """Artifact name to model, of the models that are asked for: ``NAME`` or ``NAME=OURS``; all for none.

    Raises NotFound for a model that is not there, WrongUsage for a name that none can have, Refused where
    two models would become one artifact or one becomes none.
    """
    known = {model.name: model for model in models if model.tags.get(_PROMPT, "").lower() != "true"}
    given = dict(_split(text, known) for text in wanted) or dict.fromkeys(known)
    chosen: dict[str, RegisteredModel] = {}
    for name, ours in given.items():
        artifact = ours or valid_name(name)
        if artifact is None:
            raise Refused(
                f"The model {name!r} has no character that a name here may have.",
                f"Say what it is called here: --model {word(name)}=NAME",
                code="import-name",
            )
        other = chosen.setdefault(artifact, known[name])
        if other.name != name:
            raise Refused(
                f"The models {other.name!r} and {name!r} would both be {artifact}.",
                f"Name one of them yourself, and list all that are to come: "
                f"--model {word(name)}=NAME --model {word(other.name)}",
                code="import-same-name",
            )
    return chosen


def word(name: str) -> str:
    """A name as one word of a shell, on one line."""
    return shlex.quote(one_line(name))


def _split(text: str, known: Mapping[str, RegisteredModel]) -> tuple[str, str | None]:
    if text in known:
        return text, None
    name, equals, ours = text.rpartition("=")
    if equals and name in known:
        if not is_name(ours):
            raise WrongUsage(
                f"{ours!r} cannot name an artifact.", "Use letters, digits, '-', '_' and '/'.", code="bad-name"
            )
        return name, ours
    asked = name if equals else text
    raise NotFound(
        f"MLflow has no registered model {asked!r}.",
        f"It has: {_some(known)}.{suggestion(asked, known)}",
        code="unknown-model",
    )


def _some(names: Iterable[str]) -> str:
    first = sorted(names)
    return ", ".join(map(one_line, first[:_EXAMPLES])) + (", ..." if len(first) > _EXAMPLES else "") or "none"


def stage_names(pairs: Iterable[str], models: Iterable[RegisteredModel]) -> dict[str, str]:
    """What ``--stage MLFLOW=OURS`` says: alias or old stage to ours, empty for none.

    Raises WrongUsage for what is no such pair, a stage that none can have, and an alias that no model has.
    """
    aliases = {alias for model in models for alias in model.aliases}
    known = sorted({*aliases, *OLD_STAGES})
    found = {}
    for pair in pairs:
        theirs, equals, ours = pair.partition("=")
        if not equals or not theirs:
            raise WrongUsage(f"--stage {pair!r} is no pair.", "Write MLFLOW=OURS: --stage Production=prod")
        if ours and not is_name(ours):
            raise WrongUsage(
                f"{ours!r} cannot name a stage.", "Use letters, digits, '-', '_' and '/'.", code="bad-name"
            )
        if theirs not in known:
            raise WrongUsage(
                f"No model has an alias {theirs!r}, and it is no stage of MLflow's.",
                f"There are: {', '.join(known)}.{suggestion(theirs, known)}",
                code="unknown-stage",
            )
        found[theirs] = ours
    return found


def claims(model: RegisteredModel, versions: Sequence[ListedVersion], names: Mapping[str, str]) -> dict[str, Claim]:
    """Our stages, each with what claims it; ``names`` is what :func:`stage_names` gave.

    Raises Refused where an alias has no name that a stage may have, or two claim one stage for two versions.
    """
    found: dict[str, Claim] = {}
    for theirs, claim in _claims(model, versions):
        meant = _meaning(theirs, claim, names)
        stage = names.get(meant, OLD_STAGES.get(meant) or ("" if meant in OLD_STAGES else valid_name(meant)))
        if stage == "":
            continue
        if stage is None:
            raise Refused(
                f"The {claim.what} of {model.name!r} has no character that a stage here may have.",
                f"Say what it is called here, or leave it out by an empty name: --stage {word(theirs)}=NAME",
                code="import-name",
            )
        other = found.get(stage)
        if other is not None and other.versions[-1].number != claim.versions[-1].number:
            raise Refused(
                f"Of {model.name!r}, the {other.what} (version {other.versions[-1].number}) and the {claim.what} "
                f"(version {claim.versions[-1].number}) would both be the stage {stage}.",
                f"Name one of them yourself, or leave it out by an empty name: --stage {word(theirs)}=NAME",
                code="import-same-stage",
            )
        if other is None or (claim.is_stage and not other.is_stage) or len(claim.versions) > len(other.versions):
            found[stage] = claim
    return dict(sorted(found.items()))


def _meaning(theirs: str, claim: Claim, names: Mapping[str, str]) -> str:
    """The word that a claim's name goes by: an alias ``production`` in any case means the old stage, unless it is
    called something else by ``--stage``.
    """
    if claim.is_stage or theirs in names:
        return theirs
    return next((stage for stage, ours in OLD_STAGES.items() if ours and ours == theirs.lower()), theirs)


def dangling(model: RegisteredModel, versions: Sequence[ListedVersion]) -> dict[str, int]:
    """The aliases that point to a version that is not there, and its number."""
    numbers = {version.number for version in versions}
    return {alias: number for alias, number in sorted(model.aliases.items()) if number not in numbers}


def _claims(model: RegisteredModel, versions: Sequence[ListedVersion]) -> Iterable[tuple[str, Claim]]:
    by_number = {version.number: version for version in versions}
    for alias, number in sorted(model.aliases.items()):
        if number in by_number:
            yield alias, Claim(f"alias {alias}", (by_number[number],))
    for stage in OLD_STAGES:
        # MLflow lets several versions be in one stage; here one holds it, and the others held it before.
        there = sorted((v for v in versions if v.stage == stage), key=lambda v: (v.updated, v.number))
        if there:
            yield stage, Claim(f"stage {stage}", tuple(there))
