"""``${...}`` in dvc.yaml: what resolves, what is refused, and DVC's own parser as the oracle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tagline.domain.manifest.document import Problem
from tagline.domain.manifest.dvc_stages import Stages
from tagline.domain.manifest.interpolation import RULE, filled, resolve_artifacts
from tagline.formats import params
from tagline.formats.yaml import reading as yaml


def resolve(files: dict[str, str], file: str = "dvc.yaml") -> tuple[Any, list[Problem]]:
    def load(path: str):
        return params.read_params(path, files[path].encode()) if path in files else None

    document = resolve_artifacts(yaml.load(files[file].encode()), file, load)
    node = document.find(("artifacts",))
    return (node.value if node else None), [problem for problem in document.problems if problem.rule == RULE]


RESOLVABLE = [
    {"dvc.yaml": "artifacts: {a: {path: 'm/${name}.pkl'}}", "params.yaml": "name: x"},
    {"dvc.yaml": "artifacts: {'${name}': {path: '${a.b[1].c}', labels: '${l}'}}",
     "params.yaml": "name: art\na: {b: [0, {c: p}]}\nl: [x, y]"},
    {"dvc.yaml": "vars: [{dir: d, n: {k: 1}}, more.json, 'x.toml:t']\n"
                 "artifacts: {a: {path: '${dir}/${n.k}${t.u}${flag}', desc: '\\${kept} ${j}'}}",
     "more.json": '{"j": 1.5, "flag": true}', "x.toml": "[t]\nu = 3\n[other]\nv = 1\n"},
    {"dvc.yaml": "vars: [params.yaml]\nartifacts: {a: {path: '${p}'}}", "params.yaml": "p: q\n1: odd"},
    {"dvc.yaml": "vars: [{a: {x: 1}}, {a: {y: 2}}]\nartifacts: {a: {path: '${a.x}-${a.y}'}}"},
    {"dvc.yaml": "artifacts: {a: {path: x, meta: {k: ['${ p }', {n: '${p}'}]}}}", "params.yaml": "p: 7"},
    {"dvc.yaml": "artifacts: {a: {path: '$ {x} $x {y}'}}"},
]  # fmt: skip
UNRESOLVABLE = [
    {"dvc.yaml": "artifacts: {a: {path: '${none}'}}"},
    {"dvc.yaml": "artifacts: {a: {path: '${a.b}'}}", "params.yaml": "a: 1"},
    {"dvc.yaml": "artifacts: {a: {path: '${a[3]}'}}", "params.yaml": "a: [1]"},
    {"dvc.yaml": "artifacts: {a: {path: '${}'}}"},
    {"dvc.yaml": "artifacts: {a: {path: '${a.}'}}", "params.yaml": "a: 1"},
    {"dvc.yaml": "vars: [none.yaml]\nartifacts: {a: {path: '${x}'}}", "params.yaml": "x: 1"},
    {"dvc.yaml": "vars: [{x: 1}]\nartifacts: {a: {path: '${x}'}}", "params.yaml": "x: 1"},
    {"dvc.yaml": "vars: ['params.yaml:x']\nartifacts: {a: {path: '${x}'}}", "params.yaml": "x: 1"},
    {"dvc.yaml": "vars: ['p.yaml:y']\nartifacts: {a: {path: '${x}'}}", "p.yaml": "x: 1"},
    {"dvc.yaml": "artifacts: {a: {path: '${x}'}}", "params.yaml": "x: ["},
    {"dvc.yaml": "artifacts: {a: {path: '${x}'}}", "params.yaml": "[x]"},
    {"dvc.yaml": "artifacts: {'${x}': {path: p}}", "params.yaml": "x: 1"},
]


def dvc_resolves(files: dict[str, str], directory: Path) -> Any:
    from dvc.parsing import DataResolver
    from dvc.repo import Repo
    from dvc.utils.serialize import loads_yaml

    for name, text in files.items():
        (directory / name).write_text(text)
    repo = Repo.init(str(directory), no_scm=True)
    try:
        return DataResolver(repo, str(directory), loads_yaml(files["dvc.yaml"])).resolve_artifacts()
    finally:
        repo.close()


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("files", RESOLVABLE)
def test_resolve_artifacts__resolvable__is_what_dvc_says(files: dict[str, str], tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ours, problems = resolve(files)
    assert problems == []
    assert ours == dvc_resolves(files, tmp_path)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("files", UNRESOLVABLE)
def test_resolve_artifacts__dvc_refuses__is_a_problem_with_place_and_fix(files, tmp_path: Path, monkeypatch):
    from dvc.exceptions import DvcException

    monkeypatch.chdir(tmp_path)
    with pytest.raises(DvcException):
        dvc_resolves(files, tmp_path)
    _, problems = resolve(files)
    assert problems
    for problem in problems:
        assert problem.rule == "dvc-interpolation"
        assert problem.line >= 1
        assert problem.hint


def test_resolve_artifacts__in_a_directory__reads_parameters_beside_the_file():
    files = {
        "d/dvc.yaml": "vars: [../shared/v.yaml]\nartifacts: {a: {path: '${p}${q}'}}",
        "d/params.yaml": "p: 1",
        "shared/v.yaml": "q: 2",
        "params.yaml": "p: wrong",
    }
    assert resolve(files, "d/dvc.yaml") == ({"a": {"path": "12"}}, [])


def test_resolve_artifacts__file_outside_the_repository__is_not_read():
    _, problems = resolve({"dvc.yaml": "vars: [../../etc/passwd]\nartifacts: {a: {path: '${x}'}}"})
    assert "not tracked" in problems[0].message


def test_resolve_artifacts__text_that_grows__is_cut_off():
    files = {
        "dvc.yaml": "artifacts: {a: {path: 'x" + "${a}" * 50 + "'}}",
        "params.yaml": "a: " + "y" * 10_000,
    }
    _, problems = resolve(files)
    assert "longer than" in problems[0].message


def test_resolve_artifacts__python_parameters__are_not_run():
    files = {"dvc.yaml": "vars: [p.py]\nartifacts: {a: {path: '${x}'}}", "p.py": "x = 1"}
    _, problems = resolve(files)
    assert "Python files are not read" in problems[0].message


def test_resolve_artifacts__without_templates__reads_nothing():
    def load(path: str):
        raise AssertionError(path)

    document = yaml.load(b"vars: [x.yaml]\nartifacts: {a: {path: x}}")
    assert resolve_artifacts(document, "dvc.yaml", load) is document


# -- a stage's command --------------------------------------------------------------------

COMMANDS = [
    ("train", "stages: {train: {cmd: 'sh ${script} --lr ${t.lr}'}}\nvars: [{script: a.sh}]", "t: {lr: 0.1}"),
    ("train", "stages: {train: {cmd: 'go ${on} ${n} \\${HOME}'}}", "on: true\nn: null"),
    ("each@eu", "stages: {each: {foreach: [eu, us], do: {cmd: 'go ${item}'}}}", ""),
    ("each@eu", "stages: {each: {foreach: {eu: {r: x}}, do: {cmd: 'go ${key} ${item.r}'}}}", ""),
    ("m@a-2", "stages: {m: {matrix: {x: [a], y: [1, 2]}, cmd: 'go ${item.x} ${item.y} ${key}'}}", ""),
]
UNSURE = [
    ("train", "stages: {train: {cmd: 'go ${none}'}}", ""),
    ("train", "stages: {train: {cmd: 'go ${t}'}}", "t: {lr: 0.1}"),  # a mapping becomes options
    ("train", "stages: {train: {cmd: 'go ${t}'}}", "t: ["),
    ("train", "stages: {train: {cmd: 'go ${t}'}}", "t: '${u}'\nu: 1"),
    ("train", "stages: {train: {cmd: 'go ${t}'}}\nvars: [{t: 0x" + "f" * 5000 + "}]", ""),
    ("each@eu", "stages: {each: {foreach: {eu: '${r}'}, do: {cmd: 'go ${item}'}}}", "r: x"),
    ("each@eu", "stages: {each: {foreach: '${all}', do: {cmd: 'go ${item}'}}}", "all: [eu]"),
]


def fill(name: str, pipeline: str, values: str) -> str | None:
    data = yaml.load(pipeline.encode()).root.value
    stages = Stages(data)
    load = {"params.yaml": params.read_params("params.yaml", values.encode())}.get
    return filled(stages.body(name)["cmd"], data, "dvc.yaml", load, stages.values(name))


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "pipeline", "values"), COMMANDS)
def test_filled__command_of_a_stage__is_what_dvc_runs(name, pipeline, values, tmp_path: Path, monkeypatch):
    from dvc.parsing import DataResolver
    from dvc.repo import Repo
    from dvc.utils.serialize import loads_yaml

    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(values)
    (tmp_path / "dvc.yaml").write_text(pipeline)
    repo = Repo.init(str(tmp_path), no_scm=True)
    try:
        said = DataResolver(repo, str(tmp_path), loads_yaml(pipeline)).resolve_one(name)
    finally:
        repo.close()
    assert fill(name, pipeline, values) == said[name]["cmd"]


@pytest.mark.parametrize(("name", "pipeline", "values"), UNSURE)
def test_filled__command_that_is_not_sure__is_none(name, pipeline, values):
    assert fill(name, pipeline, values) is None
