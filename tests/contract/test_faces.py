"""The faces and the documents cannot drift from the code: they are written from its tables."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from tagline.cli.commands import BY_STEP, parser
from tagline.cli.inputs import INPUTS
from tagline.render.runner.outputs import OUTPUTS
from tests.faces import ROOT, faces

SOURCE = ROOT / "src" / "tagline"


@pytest.mark.parametrize(
    ("path", "text"), list(faces()), ids=lambda value: value.name if isinstance(value, Path) else ""
)
def test_face__as_the_code_says(path: Path, text: str) -> None:
    assert path.read_text() == text, "run: make faces"


def test_action__is_what_github_reads() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert action["runs"]["using"] == "docker"
    assert action["runs"]["image"] == "Dockerfile"
    assert action["runs"]["args"] == ["ci"]
    assert set(action["outputs"]) == set(OUTPUTS)
    # Every input reaches a variable, and no variable comes from elsewhere.
    wired = {
        name: re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", value)[1] for name, value in action["runs"]["env"].items()
    }  # type: ignore[index]
    assert sorted(wired.values()) == sorted(action["inputs"])
    assert wired == {each.variable: each.name for each in INPUTS if each.only != "gitlab"}
    assert set(action["branding"]) == {"icon", "color"}


def test_outputs__are_gto_actions_seven_and_those_of_the_contract() -> None:
    seven = ["event", "name", "version", "stage", "type", "path", "description"]
    ours = ["tag", "commit", "uri", "digest", "size", "current", "superseded", "verdict", "tags", "json", "comment-url"]
    assert list(OUTPUTS) == [*seven, *ours]


def test_inputs__options_exist__for_every_command_that_they_name() -> None:
    subs = next(action.choices for action in parser()._actions if isinstance(action.choices, dict))
    assert {command.name for command in BY_STEP.values()} < set(subs)
    for each in INPUTS:
        if each.option is None:
            continue
        for command in each.commands:
            actions = subs[BY_STEP[command].name]._actions
            options = {option for action in actions for option in action.option_strings}
            takes_arguments = any(not action.option_strings for action in actions)
            assert each.option in options if each.option else takes_arguments, (each.name, command)


def test_inputs__no_variable_is_also_an_output_of_an_earlier_job() -> None:
    # A dotenv report of one job is the environment of the next.
    outputs = {f"TAGLINE_{name.upper().replace('-', '_')}" for name in OUTPUTS}
    assert not outputs & {each.variable for each in INPUTS}


def _variables_read() -> set[str]:
    """Every TAGLINE_ variable that the source names as a string."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= {node.value} if re.fullmatch(r"TAGLINE_[A-Z_]*[A-Z]", node.value) else set()
    return found


def test_variables__every_one__is_in_the_reference() -> None:
    text = (ROOT / "docs" / "reference.md").read_text()
    known = {each.variable for each in INPUTS} | _variables_read()
    missing = {name for name in known if f"`{name}`" not in text}
    assert not missing
    told = set(re.findall(r"^\| .*?`(TAGLINE_[A-Z_]+)`", text, re.MULTILINE))
    outputs = {f"TAGLINE_{name.upper().replace('-', '_')}" for name in OUTPUTS}
    assert told - outputs <= known


def test_reference__exit_codes__are_the_codes() -> None:
    from tagline.errors import Exit

    text = (ROOT / "docs" / "reference.md").read_text()
    rows = dict(re.findall(r"^\| (\d) \| ([^|]+) \|", text, re.MULTILINE))
    assert set(rows) == {str(int(code)) for code in Exit}
