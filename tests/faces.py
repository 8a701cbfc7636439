"""The faces of Tagline, written from the tables in the code: action.yml and the tables of the documents.

``python -m tests.faces`` writes them; tests/contract/test_faces.py says that they are as it would write them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tagline.cli.commands import STEPS, parser
from tagline.cli.inputs import INPUTS, Input
from tagline.domain.index.tables import TABLES
from tagline.render.runner.outputs import OUTPUTS
from tests import index_schemas
from tests.editor_schemas import editor_files
from tests.support.printed import FOLDER, documented

ROOT = Path(__file__).parents[1]

_HEAD = """\
# Written by `make faces` from src/tagline/cli/inputs.py and src/tagline/render/runner/outputs.py.
name: Tagline
description: A model registry in Git. Validate, plan, promote, resolve and fetch models by tags and pull requests.
author: The Tagline authors
branding: {icon: tag, color: purple}
"""
_RUNS = """\
runs:
  using: docker
  image: Dockerfile  # a release names its image by digest here
  args: [ci]
  env:
"""


def inputs_of(face: str) -> list[Input]:
    """The inputs that a face has."""
    return [each for each in INPUTS if each.only in (None, face)]


def action() -> str:
    """action.yml."""
    lines = [_HEAD, "inputs:\n"]
    for each in inputs_of("github"):
        default = "${{ github.token }}" if each.name in ("token", "job-token") else ""
        lines.append(f"  {each.name}:\n    description: {_quoted(_help(each))}\n")
        lines.append(f"    required: {str(each.name == 'command').lower()}\n")
        if each.name != "command":
            lines.append(f"    default: {_quoted(default)}\n")
    lines.append("\noutputs:\n")
    lines += [f"  {name}:\n    description: {_quoted(text)}\n" for name, text in OUTPUTS.items()]
    lines += ["\n", _RUNS]
    lines += [f"    {each.variable}: ${{{{ inputs.{each.name} }}}}\n" for each in inputs_of("github")]
    return "".join(lines)


def _help(each: Input) -> str:
    """What it is, and to which commands."""
    some = set(each.commands) != set(STEPS)
    return f"{each.help} ({', '.join(each.commands)})" if some else each.help


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def inputs_table() -> str:
    """Every input of both faces."""
    rows = []
    for each in INPUTS:
        github = f"`{each.name}`" if each.only != "gitlab" else ""
        gitlab = f"`{each.name.replace('-', '_')}`" if each.only != "github" else ""
        if each.name in ("command", "token", "repo-token"):
            gitlab = {"command": "the component's name"}.get(each.name, f"variable `{each.variable}`")
        rows.append([github, gitlab, f"`{each.variable}`", _help(each)])
    return _table(["GitHub", "GitLab", "Variable", "Meaning"], rows)


def outputs_table() -> str:
    """Every output of both faces."""
    in_file = ("tags", "json", "description")
    rows = [
        [f"`{name}`", "`tagline.json`" if name in in_file else f"`TAGLINE_{name.upper().replace('-', '_')}`", text]
        for name, text in OUTPUTS.items()
    ]
    return _table(["GitHub", "GitLab", "Meaning"], rows)


def commands_text() -> str:
    """Every command with its arguments and options, as ``--help`` has them."""
    subs = next(action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    summaries = {choice.dest: choice.help or "" for choice in subs._choices_actions}
    parts = []
    for name, sub in subs.choices.items():
        rows = [
            [_spelled(action), _filled(action.help or "")]
            for action in sub._actions
            if not isinstance(action, argparse._HelpAction)
        ]
        parts.append(f"### `tagline {name}`\n\n{summaries[name]}\n\n{_table(['Argument', 'Meaning'], rows)}")
    return "\n".join(parts)


def _spelled(action: argparse.Action) -> str:
    """How an argument is written. Not argparse's own words, which differ from one Python to the next."""
    if not action.option_strings:
        return f"`{action.metavar}`"
    value = f" {action.metavar or '|'.join(action.choices or ())}" if action.nargs != 0 else ""
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)


def _filled(text: str) -> str:
    return text[:1].upper() + text[1:] + "." * (not text.endswith((".", ")")))


def answers_text() -> str:
    """Every document of ``--json``, field by field, from its schema."""
    parts = []
    for name, schema in documented():
        if schema.get("type") == "array":  # of rows, whose fields are what the question names
            link = f"[{name}.schema.json](../schemas/output/{name}.schema.json)"
            parts.append(f"### {schema['title']}\n\n{schema['description']} {link}")
            continue
        fields = sorted(_fields(schema).items(), key=lambda item: item[0] == "warnings")
        rows = [[f"`{key}`", _kind(value), _meaning(value)] for key, value in fields]
        link = f"[{name}.schema.json](../schemas/output/{name}.schema.json)"
        parts.append(
            f"### {schema['title']}\n\n{schema['description']} {link}\n\n{_table(['Field', 'Type', 'Meaning'], rows)}"
        )
    return "\n".join(parts)


def _fields(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    if "properties" in schema:
        return dict(schema["properties"])
    return dict(schema["$defs"]["change"]["properties"])


def _kind(value: dict[str, Any]) -> str:
    if "$ref" in value:
        return value["$ref"].rpartition("/")[2].replace("_", " ")
    if "enum" in value:
        return "one of: " + ", ".join(str(one) for one in value["enum"] if one is not None)
    if "anyOf" in value:
        return " or ".join(_kind(one) for one in value["anyOf"])
    kind = value.get("type", "any")
    said = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{said} of {_kind(value['items'])}" if kind == "array" and "items" in value else said


def _meaning(value: dict[str, Any]) -> str:
    if "description" in value or "$ref" not in value:
        return str(value.get("description", ""))
    shared = json.loads((FOLDER / "common.schema.json").read_text())["$defs"]
    return str(shared.get(value["$ref"].rpartition("/")[2], {}).get("description", ""))


def example(name: str) -> Callable[[], str]:
    """A file of docs/examples, which the end-to-end tests run, as a block of YAML."""
    return lambda: f"```yaml\n# {_PLACES[name]}\n{(ROOT / 'docs' / 'examples' / name).read_text()}```\n"


#: Where a user puts an example.
_PLACES = {
    "github/review.yml": ".github/workflows/tagline-review.yml",
    "github/promote.yml": ".github/workflows/tagline-promote.yml",
    "github/deploy.yml": ".github/workflows/deploy.yml",
    "github/reuse.yml": ".github/workflows/score.yml, in another repository",
    "github/company-review.yml": ".github/workflows/tagline-review.yml",
    "github/company-promote.yml": ".github/workflows/tagline-promote.yml",
    "github/labels.yml": ".github/workflows/tagline-labels.yml",
    "github/gitops.yml": ".github/workflows/model.yml, in the repository that is deployed from",
    "gitlab/gitops.yml": ".gitlab-ci.yml, in the project that is deployed from",
    "github/update-models.yml": ".github/workflows/models.yml, in the repository that uses the models",
    "gitlab/update-models.yml": ".gitlab-ci.yml, in the project that uses the models",
    "gitlab/labels.yml": ".gitlab-ci.yml",
    "gitlab/review.yml": ".gitlab-ci.yml",
    "gitlab/promote.yml": ".gitlab-ci.yml",
    "gitlab/deploy.yml": ".gitlab-ci.yml",
    "gitlab/reuse.yml": ".gitlab-ci.yml, in another project",
}


def _examples(*names: str) -> dict[str, Callable[[], str]]:
    return {name: example(name) for name in names}


#: Document -> marker -> what stands between its two lines.
DOCUMENTS: dict[str, dict[str, Callable[[], str]]] = {
    "docs/reference.md": {
        "inputs": inputs_table,
        "outputs": outputs_table,
        "commands": commands_text,
        "answers": answers_text,
    },
    "docs/model-index.md": {"tables": index_schemas.table_text},
    "docs/deploying.md": _examples(
        *(f"{forge}/{name}.yml" for name in ("deploy", "reuse", "gitops") for forge in ("github", "gitlab"))
    ),
    "docs/permissions.md": _examples("github/company-review.yml", "github/company-promote.yml"),
    "docs/pins.md": _examples("github/update-models.yml", "gitlab/update-models.yml"),
    "docs/labels.md": _examples("github/labels.yml", "gitlab/labels.yml"),
    "README.md": _examples("github/review.yml", "github/promote.yml", "gitlab/review.yml", "gitlab/promote.yml"),
}


def written(text: str, pieces: dict[str, Callable[[], str]]) -> str:
    """A document with its pieces between their two lines."""
    for name, piece in pieces.items():
        begin, end = f"<!-- {name}: written by make faces -->\n", f"<!-- /{name} -->\n"
        assert text.count(begin) == text.count(end) == 1, f"marker {name}"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{piece()}\n{end}{rest.split(end)[1]}"
    return text


def faces() -> Iterator[tuple[Path, str]]:
    """Every written file and its text."""
    yield ROOT / "action.yml", action()
    for table in TABLES.values():
        yield ROOT / "schemas" / "index" / f"{table.name}.json", index_schemas.schema(table)
    yield from editor_files()
    for name, pieces in DOCUMENTS.items():
        yield ROOT / name, written((ROOT / name).read_text(), pieces)


def main() -> None:
    """Write them."""
    for path, text in faces():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
