"""What a policy must satisfy beyond its schema: values with a grammar, and what they refer to.

Every check passes over values of the wrong kind, because the schema reports them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from tagline.domain.changes.policy import CODEOWNERS
from tagline.domain.changes.tickets import LONGEST, MOST, is_ticket
from tagline.domain.delivery.targets import KINDS, parse_wait, why_no_workflow
from tagline.domain.ledger.tags import is_name
from tagline.domain.manifest.document import Document, Node, Position
from tagline.domain.manifest.findings import Finding
from tagline.domain.text.durations import parse_duration
from tagline.domain.text.similar import Words
from tagline.domain.text.times import parse_time
from tagline.errors import WrongUsage

_GLOB = re.compile(r"[a-zA-Z0-9_./:*?\[\]!-]+")
_PERSON = re.compile(r"@[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+)*|[a-zA-Z0-9_.-]+(\[bot\])?")
# A figure beyond this is infinite or no number, and every comparison with it a trap.
_LARGEST = 1e300
#: Stages, and what they come after, that are looked at for all overrides together.
_MOST_STEPS = 500_000
_LONGEST = 100  # a finding repeats no more than this of the user's text


class _Trouble(NamedTuple):
    """A finding without its file."""

    place: Node | Position
    message: str
    hint: str


class _Stage(NamedTuple):
    """One place where the file lists a stage: ``glob`` is None for the rules of all artifacts."""

    glob: str | None
    name: str
    key: Position
    node: Node

    @property
    def title(self) -> str:
        return f"'{_cut(self.name)}'" + (f" of '{_cut(self.glob)}'" if self.glob is not None else "")

    @property
    def after(self) -> list[Node] | None:
        """The stages it comes after; None where the file does not say."""
        node = self.node.fields.get("after")
        return None if node is None else [item for item in node.items if isinstance(item.value, str)]


def policy_problems(document: Document, file: str) -> list[Finding]:
    """What is wrong in a policy though its shape is right, in no particular order."""
    stages = list(_listed(document))
    found = [*_base(document), *_globs(document), *_unknown_stages(stages), *_soaks(stages), *_cycles(stages)]
    for stage in stages:
        for check in (_name, _duration, _people, _gates, _freezes, _tickets, _delivery):
            found += check(stage)
    return [Finding(file, t.place.line, t.place.column, None, "policy", "error", t.message, t.hint) for t in found]


def _listed(document: Document) -> Iterator[_Stage]:
    """Every listed stage, in the order in which the rules apply."""
    yield from _section(None, document.root)
    overrides = document.find(("artifacts",))
    for glob, override in overrides.fields.items() if overrides else ():
        yield from _section(glob, override)


def _section(glob: str | None, node: Node | None) -> Iterator[_Stage]:
    stages = node.fields.get("stages") if node else None
    if stages is not None:
        for name, rules in stages.fields.items():
            yield _Stage(glob, name, stages.keys[name], rules)


# -- one value ----------------------------------------------------------------


def _base(document: Document) -> Iterator[_Trouble]:
    repo = document.find(("extends", "repo"))
    if repo is not None and isinstance(repo.value, str) and repo.value.startswith((".", "/", "~")):
        hint = "Name the repository as owner/name on the same forge, or by its URL."
        yield _Trouble(repo, f"'{_cut(repo.value)}' is a folder of one machine.", hint)


def _globs(document: Document) -> Iterator[_Trouble]:
    overrides = document.find(("artifacts",))
    for glob, place in overrides.keys.items() if overrides else ():
        if not _GLOB.fullmatch(glob):
            yield _Trouble(
                place,
                f"The pattern '{_cut(glob)}' matches no artifact.",
                "Use an artifact's full name, such as dir:NAME, with * for any text and ? for any character.",
            )


def _name(stage: _Stage) -> Iterator[_Trouble]:
    if not is_name(stage.name):
        yield _Trouble(
            stage.key,
            f"'{_cut(stage.name)}' is no valid name of a stage.",
            "Use letters, digits, '-', '_' and '/', with a letter or digit at both ends.",
        )


def _duration(stage: _Stage) -> Iterator[_Trouble]:
    yield from _refused(stage.node.fields.get("soak"), parse_duration)


def _refused(node: Node | None, parse: Callable[[str], int]) -> Iterator[_Trouble]:
    """Why ``parse`` refuses a text, if it does."""
    if node is not None and isinstance(node.value, str):
        try:
            parse(node.value)
        except WrongUsage as error:
            yield _Trouble(node, error.message, error.hint)


def _people(stage: _Stage) -> Iterator[_Trouble]:
    for key, names in (("approvals", "from"), ("override", "allow")):
        section = stage.node.fields.get(key)
        people = section.fields.get(names) if section else None
        yield from _names(people.items if people else (), owners=key == "approvals")


def _names(people: Sequence[Node], *, owners: bool) -> Iterator[_Trouble]:
    for item in people:
        if isinstance(item.value, str) and not _PERSON.fullmatch(item.value):
            team = f"@{item.value}"
            hint = f"Write '{_cut(team)}'." if _PERSON.fullmatch(team) else "Write a login, @org/team or codeowners."
            yield _Trouble(item, f"'{_cut(item.value)}' is neither a login nor a team.", hint)
        elif item.value == CODEOWNERS and not owners:
            yield _Trouble(item, "Code owners do not override.", "Name people or teams: alice, '@org/on-call'.")


def _gates(stage: _Stage) -> Iterator[_Trouble]:
    gates = stage.node.fields.get("gates")
    for gate in gates.items if gates else ():
        bounds = {key: node for key in ("min", "max", "tolerance") if (node := _figure(gate.fields.get(key)))}
        for key, node in bounds.items():
            if not -_LARGEST <= node.value <= _LARGEST:
                yield _Trouble(node, f"'{key}' is {_cut(node.written)}, which is no bound.", "Write a finite number.")
        low, high = bounds.get("min"), bounds.get("max")
        if low and high and low.value > high.value:
            yield _Trouble(
                low, f"'min' ({_cut(low.written)}) is above 'max' ({_cut(high.written)}): nothing passes.",
                "Exchange the two, or remove one.",
            )  # fmt: skip


def _figure(node: Node | None) -> Node | None:
    """The node if it holds a number."""
    return node if node and isinstance(node.value, int | float) and not isinstance(node.value, bool) else None


def _freezes(stage: _Stage) -> Iterator[_Trouble]:
    freezes = stage.node.fields.get("freeze")
    for freeze in freezes.items if freezes else ():
        begins, ends = freeze.fields.get("from"), freeze.fields.get("to")
        wrong = [*_refused(begins, parse_time), *_refused(ends, parse_time)]
        yield from wrong
        if wrong or not (begins and ends and isinstance(begins.value, str) and isinstance(ends.value, str)):
            continue
        if parse_time(ends.value) <= parse_time(begins.value):
            yield _Trouble(
                ends, f"The freeze ends at {ends.value}, not after its beginning at {begins.value}.",
                "Write the later instant under 'to'.",
            )  # fmt: skip


def _tickets(stage: _Stage) -> Iterator[_Trouble]:
    """A pattern that no ticket can match would refuse for ever."""
    said = stage.node.fields.get("ticket")
    patterns = said.items or [said] if said is not None else []
    for node in patterns:
        if isinstance(node.value, str) and node.value and not is_ticket(node.value):
            message = f"'{_cut(node.value)}' is no pattern of tickets."
            yield _Trouble(node, message, f"Write at most {LONGEST} visible characters without blanks, such as RISK-*.")
    if len(patterns) > MOST:
        yield _Trouble(patterns[MOST], f"There are more than {MOST} patterns.", "Ask for fewer tickets.")


def _delivery(stage: _Stage) -> Iterator[_Trouble]:
    """What is started must be one thing, with what belongs to it. An override may say a part of it."""
    deliver = stage.node.fields.get("deliver")
    if deliver is None:
        return
    given = deliver.fields
    yield from _refused(given.get("wait"), parse_wait)
    kinds = [key for key in KINDS if key in given]
    if "pipeline" in given and given["pipeline"].value is False:
        yield _Trouble(given["pipeline"], "'pipeline' is false, so that nothing starts.", "Remove 'deliver'.")
    if len(kinds) > 1:
        yield _Trouble(given[kinds[1]], f"'{kinds[0]}' and '{kinds[1]}' exclude each other.", "Remove one of them.")
    elif not kinds and stage.glob is None and deliver.value is not None and set(given) != {"on_failure"}:
        hint = "Add workflow: FILE.yml, pipeline: true, or project: NAME."
        yield _Trouble(deliver, "Nothing says what starts.", hint)
    for key, needs in (("repo", "workflow"), ("ref", "project")):
        if key in given and kinds and needs not in kinds:
            yield _Trouble(given[key], f"'{key}' belongs to '{needs}', which is not here.", f"Add '{needs}'.")
    if "together" in given and "workflow" in kinds and "repo" not in given and stage.glob is None:
        hint = "Give the workflow an input: on: workflow_dispatch: inputs: tags, and remove 'together'."
        yield _Trouble(given["together"], "A workflow here says itself whether it takes a list of tags.", hint)
    workflow = given.get("workflow")
    if workflow is not None and isinstance(workflow.value, str) and (why := why_no_workflow(workflow.value)):
        yield _Trouble(workflow, why, "Write the file's name alone, such as deploy.yml.")


# -- what refers to what ------------------------------------------------------


def _unknown_stages(stages: list[_Stage]) -> Iterator[_Trouble]:
    """A misspelt stage would be empty for ever: the rule could never, or would always, pass."""
    known = {stage.name for stage in stages}
    words = Words(known)
    for stage in stages:
        gates = stage.node.fields.get("gates")
        compared = [gate.fields.get("not_worse_than") for gate in (gates.items if gates else ())]
        for node in [*(stage.after or ()), *compared]:
            if node is None or not isinstance(node.value, str) or node.value in known:
                continue
            near = words.nearest(node.value)
            hint = f"Did you mean '{near}'?" if near else f"List it under 'stages': '{_cut(node.value)}: {{}}'."
            yield _Trouble(node, f"The policy does not list a stage '{_cut(node.value)}'.", hint)


def _soaks(stages: list[_Stage]) -> Iterator[_Trouble]:
    """A soak without stages to hold would be a rule that silently does nothing.

    That must hold however the overrides combine. So a soak needs an ``after`` beside it, or the
    one for all artifacts if no override before it empties that; and an override that empties
    ``after`` must end an earlier soak.
    """
    by_name: dict[str, list[_Stage]] = {}
    for stage in stages:
        by_name.setdefault(stage.name, []).append(stage)
    for places in by_name.values():
        inherited = soaking = False
        for stage in places:
            soak, after = _seconds(stage), stage.after
            by_schema = stage.glob is None and after is None
            if soak and not by_schema and not (inherited if after is None else after):
                yield _Trouble(
                    stage.node.fields["soak"],
                    f"The stage {stage.title} has a soak but no stage to hold.",
                    "Add 'after: [STAGE]' beside it: the stages that must be held so long.",
                )
            if soak is None and after == [] and soaking:
                yield _Trouble(
                    stage.node.fields["after"],
                    f"The stage {stage.title} comes after no stage, but its soak from above would stay.",
                    "Add 'soak: 0s' beside it.",
                )
            soaking = soaking or bool(soak)
            if after is not None:
                inherited = bool(after) and (inherited or stage.glob is None)


def _seconds(stage: _Stage) -> int | None:
    """The stage's soak; None where the file does not say, or not in a readable way."""
    node = stage.node.fields.get("soak")
    try:
        return parse_duration(node.value) if node and isinstance(node.value, str) else None
    except WrongUsage:
        return None


def _cycles(stages: list[_Stage]) -> Iterator[_Trouble]:
    """Stages that come after one another could never be reached: as written, and with each override."""
    common = {stage.name: stage for stage in stages if stage.glob is None}
    yield from _cycle(common)
    order = _order(common)
    left = _MOST_STEPS
    overrides: dict[str, dict[str, _Stage]] = {}
    for stage in stages:
        if stage.glob is not None and stage.after is not None:
            overrides.setdefault(stage.glob, {})[stage.name] = stage
    for override in overrides.values():
        # What comes after stages that come earlier anyway closes no cycle.
        if order is not None and all(
            name in order and order.get(node.value, -1) < order[name]
            for name, stage in override.items()
            for node in stage.after or ()
        ):
            continue
        reached = _reached(common, override, left)
        left -= sum(1 + len(stage.after or ()) for stage in reached.values())
        if left < 0:
            glob = next(iter(override.values()))
            message = f"There are too many stages and patterns to look through, at {glob.title}."
            yield _Trouble(glob.key, message, "Write fewer patterns that have an 'after' of their own.")
            return
        yield from _cycle(reached, among=override)


def _order(stages: dict[str, _Stage]) -> dict[str, int] | None:
    """Places in which each stage stands behind those that it comes after; None where there are none such."""
    graph = {name: [node.value for node in stage.after or ()] for name, stage in stages.items()}
    try:
        return {name: place for place, name in enumerate(TopologicalSorter(graph).static_order())}
    except CycleError:
        return None


def _reached(common: dict[str, _Stage], override: dict[str, _Stage], most: int) -> dict[str, _Stage]:
    """The stages of an override, and those that they come after, one behind the other; about ``most`` of them."""
    found: dict[str, _Stage] = {}
    pending = list(override)
    while pending and most >= 0:
        name = pending.pop()
        stage = override.get(name, common.get(name))
        if stage is not None and name not in found:
            found[name] = stage
            after = [node.value for node in stage.after or ()]
            most -= 1 + len(after)
            pending += after
    return found


def _cycle(stages: dict[str, _Stage], among: dict[str, _Stage] | None = None) -> Iterator[_Trouble]:
    """A cycle of ``after``, told at one of its stages; of those ``among``, if given."""
    graph = {name: [node.value for node in stage.after or ()] for name, stage in stages.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        names: list[str] = error.args[1][::-1]
        culprits = [name for name in names if among is None or name in among]
        if culprits:
            stage = stages[culprits[0]]
            chain = ", which comes after ".join(f"'{_cut(name)}'" for name in names[:10])
            yield _Trouble(
                stage.node.fields["after"], f"{chain}: none of them could ever be reached.",
                "Remove one of these stages from 'after'.",
            )  # fmt: skip


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
