"""The GitLab components and the command line say the same, and GitLab can read both halves of each.

``python -m tests.contract.test_gitlab_components`` writes the tables of inputs into gitlab-ci/README.md anew.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tagline.adapters.runners.gitlab import FILES, REPORT
from tagline.cli.commands import STEPS
from tagline.cli.inputs import INPUTS, command_line
from tagline.render.runner.outputs import ANSWERS, OUTPUTS

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "gitlab-ci"
README = PROJECT / "README.md"
#: The components that run the second image, and so no step of ``tagline ci``: test_index_faces.py.
OTHERS = ("index", "page")
TEMPLATES = sorted(path for path in (PROJECT / "templates").glob("*.yml") if path.stem not in OTHERS)
EXAMPLES = sorted(path for path in (ROOT / "docs" / "examples" / "gitlab").glob("*.yml") if path.stem not in OTHERS)
NAMES = [template.stem for template in TEMPLATES]

#: Tokens are CI/CD variables, which GitLab masks and protects; the command is an argument, which no variable overrides.
NO_INPUTS = {"command", "token", "repo-token"}
#: Inputs of components that are about the job, not about Tagline.
ABOUT_THE_JOB = {"job_name", "stage", "image", "rules", "expire_in", "git_strategy", "resource_group", "aws_audience",
                 "needs"}  # fmt: skip
_BLOCK = re.compile(r"\$\[\[\s*inputs\.(\w+)\s*\]\]")
_TYPES: dict[str, type] = {"string": str, "boolean": bool, "array": list}


class Component(NamedTuple):
    """A component: its two documents, the second as text because that is how GitLab puts inputs into it."""

    name: str
    inputs: dict[str, dict[str, Any]]
    header: str
    body: str

    def rendered(self, **given: Any) -> dict[str, Any]:
        """The job's file with these inputs."""
        loaded = yaml.safe_load(self.text(**given))
        assert isinstance(loaded, dict)
        return loaded

    def text(self, **given: Any) -> str:
        """As GitLab does it (Gitlab::Ci::Config::Interpolation::TextTemplate): text in text, the rest as JSON."""
        values = {**{name: spec.get("default", "needed") for name, spec in self.inputs.items()}, **given}

        def value(match: re.Match[str]) -> str:
            found = values[match[1]]
            return found if isinstance(found, str) else json.dumps(found)

        return _BLOCK.sub(value, self.body)

    def job(self, **given: Any) -> dict[str, Any]:
        """The one job."""
        (found,) = self.rendered(**given).values()
        assert isinstance(found, dict)
        return found


def component(path: Path) -> Component:
    header, separator, body = path.read_text().partition("\n---\n")
    assert separator, f"{path.name}: two documents"
    spec = yaml.safe_load(header)
    assert list(spec) == ["spec"]
    return Component(path.stem, spec["spec"]["inputs"], header, body)


COMPONENTS = {path.stem: component(path) for path in TEMPLATES}
each_component = pytest.mark.parametrize("name", NAMES)


def test_project__has_what_a_component_project_needs() -> None:
    assert set(NAMES) == set(STEPS)
    assert (PROJECT / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert {path.name for path in PROJECT.iterdir()} == {".gitlab-ci.yml", "LICENSE", "README.md", "templates"}


# -- inputs ------------------------------------------------------------------------------------------


@each_component
def test_inputs__each__has_a_type_a_description_and_a_default_of_its_type(name: str) -> None:
    for key, spec in COMPONENTS[name].inputs.items():
        assert set(spec) <= {"type", "description", "default", "options", "regex"}, key
        assert spec["type"] in _TYPES, key
        assert spec["description"].endswith("."), key
        assert len(spec["description"]) <= 120, key
        if "default" in spec:
            assert type(spec["default"]) is _TYPES[spec["type"]], key
            assert spec["default"] in spec.get("options", [spec["default"]]), key
            assert re.search(spec.get("regex", ""), str(spec["default"])), key
            # To many a server empty text passes no regex at all: Gitlab::UntrustedRegexp#match?
            assert "regex" not in spec or spec["default"], key


@pytest.mark.parametrize("text", ["it's", 'a "word"', "$TAGLINE_TOKEN", "a\nscript: [evil]", "a\\"])
def test_inputs__that_people_fill_in__take_nothing_that_ends_a_text_of_yaml_or_is_expanded(text: str) -> None:
    """GitLab puts them into the file as they are, before it reads YAML."""
    form = component(ROOT / "docs" / "examples" / "gitlab" / "propose.yml")
    for inputs in (COMPONENTS["propose"].inputs, form.inputs):
        asked = [spec for key, spec in inputs.items() if key in ("reason", "ticket", "artifact", "version")]
        assert len(asked) == 4
        assert not any(re.search(spec["regex"], text) for spec in asked)
    whole = form.rendered(artifact="models:churn", reason="It is # better: [really] {x} & *y, {{ 1 }}")
    assert whole["include"][0]["inputs"]["reason"] == "It is # better: [really] {x} & *y, {{ 1 }}"


@each_component
def test_inputs__declared_and_used__are_the_same(name: str) -> None:
    assert set(_BLOCK.findall(COMPONENTS[name].body)) == set(COMPONENTS[name].inputs)
    assert COMPONENTS[name].body.count("$[[") == len(_BLOCK.findall(COMPONENTS[name].body))


@each_component
def test_inputs__variables__are_those_that_the_command_knows(name: str) -> None:
    marked = {key: f"<{key}>" for key, spec in COMPONENTS[name].inputs.items() if spec["type"] != "array"}
    variables = COMPONENTS[name].job(**marked)["variables"]
    handed = {variable: value.strip("<>") for variable, value in variables.items() if variable.startswith("TAGLINE_")}
    known = {
        each.variable: each.name.replace("-", "_")
        for each in INPUTS
        if name in each.commands and each.only != "github" and each.name not in NO_INPUTS
    }
    if name in ("check-ref", "lineage", "labels-sync", "deployed", "propose"):  # they ask no store
        del known["TAGLINE_AWS_ROLE"]

    assert handed == known
    assert set(COMPONENTS[name].inputs) <= set(known.values()) | ABOUT_THE_JOB


@each_component
def test_inputs__that_a_command_cannot_do_without__have_no_default(name: str) -> None:
    needed = {each.name.replace("-", "_") for each in INPUTS if name in each.needed} - NO_INPUTS
    assert {key for key, spec in COMPONENTS[name].inputs.items() if "default" not in spec} == needed


def test_inputs__of_one_name__are_the_same_in_all_components() -> None:
    own = {"job_name", "stage", "rules", "expire_in", "repo", "repo_forge", "target", "change", "dest", "version"}
    for key in {key for each in COMPONENTS.values() for key in each.inputs} - own:
        first, *others = [each.inputs[key] for each in COMPONENTS.values() if key in each.inputs]
        assert all(other == first for other in others), key


@each_component
def test_outputs__of_a_command__are_what_its_document_answers(name: str) -> None:
    file = {"plan": "change", "promote": "change"}.get(name, name)
    schema = json.loads((ROOT / "schemas" / "output" / f"{file}.schema.json").read_text())
    if file == "change":
        schema = schema["$defs"]["change"]
        common = json.loads((ROOT / "schemas" / "output" / "common.schema.json").read_text())
        fields = {*schema["properties"], *common["$defs"]["change"]["properties"]}
    else:
        fields = {*schema["properties"]}
    fields |= {"name"} if "artifact" in fields else set()
    assert set(ANSWERS[name]) == {each for each in OUTPUTS if each.replace("-", "_") in fields}


def test_outputs__as_variables_of_later_jobs__overrule_no_input() -> None:
    # GitLab: variables of dotenv reports come before a job's own.
    outputs = {f"TAGLINE_{output.upper().replace('-', '_')}" for output in OUTPUTS}
    assert not outputs & {each.variable for each in INPUTS}


# -- jobs --------------------------------------------------------------------------------------------


@each_component
def test_job__is_the_only_key__and_its_command_an_argument(name: str) -> None:
    rendered = COMPONENTS[name].rendered(job_name="one")
    assert list(rendered) == ["one"]
    job = rendered["one"]
    assert job["script"] == [f"tagline ci {name}"]
    assert job["image"]["entrypoint"] == [""]
    assert "before_script" not in job
    assert "after_script" not in job
    assert job["inherit"] == {"default": ["tags", "timeout"]}
    assert "TAGLINE_COMMAND" not in job["variables"]


@each_component
def test_job__files__are_those_that_the_command_writes(name: str) -> None:
    has_dest = "dest" in COMPONENTS[name].inputs
    artifacts = COMPONENTS[name].job(**({"dest": "model"} if has_dest else {}))["artifacts"]
    reports, paths = artifacts["reports"], set(artifacts["paths"])
    changes = name in ("plan", "promote")

    assert artifacts["when"] == "always"
    assert reports["dotenv"] == str(FILES["dotenv"])
    assert str(FILES["document"]) in paths
    assert reports.get("codequality") == (str(FILES["code-quality"]) if name == "validate" else None)
    assert reports.get("junit") == (str(FILES["junit"]) if name == "validate" else None)
    assert reports.get("annotations") == (str(FILES["annotations"]) if changes else None)
    assert (str(REPORT) in paths) is (changes or name in ("lineage", "pin"))
    assert ("model" in paths) is has_dest
    assert paths <= {str(REPORT), *map(str, FILES.values()), "model"}
    # Presigned URLs and bytes are not for everybody.
    assert artifacts.get("access") == ("developer" if name in ("resolve", "fetch") else None)


@pytest.mark.parametrize("dest", ["", " ", "/", "/tmp/lineage.txt"])
def test_job__of_lineage__keeps_no_whole_folder(dest: str) -> None:
    # GitLab's runner reads an empty path as the folder itself, and GitLab refuses what the regex does not match.
    spec = COMPONENTS["lineage"].inputs["dest"]
    assert not re.search(spec["regex"], dest)
    assert all(COMPONENTS["lineage"].job()["artifacts"]["paths"])


def test_job__with_a_write_token__takes_nothing_from_elsewhere() -> None:
    for name in ("plan", "promote", "labels-sync", "propose"):
        job = COMPONENTS[name].job()
        assert job["dependencies"] == COMPONENTS["pin"].job()["dependencies"] == []
        assert job["variables"]["GIT_STRATEGY"] == "none"
    assert COMPONENTS["promote"].job()["resource_group"] == "tagline-promote"
    assert COMPONENTS["promote"].job()["interruptible"] is False


def test_job__that_reads_the_checkout__has_all_of_it() -> None:
    for name in ("validate", "resolve", "fetch", "lineage", "check-ref", "pin"):
        assert COMPONENTS[name].job()["variables"]["GIT_DEPTH"] == "0"


def test_job__of_a_component_twice__are_two() -> None:
    resolve = COMPONENTS["resolve"]
    first = resolve.rendered(target="churn#prod")
    second = resolve.rendered(target="churn#staging", job_name="staging", dotenv_prefix="STAGING_")
    both = {**first, **second}
    assert [job["variables"]["TAGLINE_TARGET"] for job in both.values()] == ["churn#prod", "churn#staging"]
    assert [job["variables"]["TAGLINE_DOTENV_PREFIX"] for job in both.values()] == ["TAGLINE_", "STAGING_"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("target", "a/b:churn#prod"),
        ("repo", "https://git.example.org:8443/x.git"),
        ("as_of", "2026-03-01T00:00:00Z"),
        ("aws_role", "arn:aws:iam::123456789012:role/read models"),
        ("target", "$MODEL@v1.0.0"),
        ("repo", "C:\\not\\a folder # here"),
    ],
)
def test_interpolation__of_odd_text__changes_nothing(key: str, value: str) -> None:
    job = COMPONENTS["resolve"].job(**{key: value})
    variable = next(each.variable for each in INPUTS if each.name.replace("-", "_") == key)
    assert job["variables"][variable] == value


def test_interpolation__of_booleans_and_rules__is_what_variables_and_rules_take() -> None:
    rules = [{"if": '$CI_COMMIT_TAG =~ /[^!]#\\d+$/ && $A == "b"', "when": "manual"}, {"when": "never"}]
    job = COMPONENTS["resolve"].job(no_storage=True, rules=rules, job_name="deploy: churn")
    # YAML's true would be no variable for GitLab.
    assert job["variables"]["TAGLINE_NO_STORAGE"] == "true"
    assert job["variables"]["TAGLINE_REQUIRE_CHANGE"] == "false"
    assert job["rules"] == rules


def test_interpolation__of_several_files__keeps_them_apart() -> None:
    job = COMPONENTS["validate"].job(files="artifacts.yaml\n\nmodels/artifacts.yaml")
    assert job["variables"]["TAGLINE_FILES"].splitlines() == ["artifacts.yaml", "models/artifacts.yaml"]


# -- GitLab's schema ---------------------------------------------------------------------------------


def test_schema__of_gitlab__accepts_every_document(tmp_path: Path) -> None:
    files = [PROJECT / ".gitlab-ci.yml", *EXAMPLES]
    for name, each in COMPONENTS.items():
        for part, text in (("spec", each.header), ("job", each.text())):
            files.append(tmp_path / f"{name}-{part}.yml")
            files[-1].write_text(text)
    for path in [each for each in files if "\n---\n" in each.read_text()]:
        files.remove(path)
        for part, text in enumerate(path.read_text().split("\n---\n")):
            files.append(tmp_path / f"{path.stem}-{part}.yml")
            files[-1].write_text(text)
    assert check(*files) == ""


def test_schema__of_a_misspelt_keyword__refuses(tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_text(COMPONENTS["plan"].text().replace("expire_in:", "expires_in:"))
    (tmp_path / "spec.yml").write_text(COMPONENTS["plan"].header.replace("type: string", "type: text", 1))
    said = check(tmp_path / "job.yml", tmp_path / "spec.yml")
    assert "job.yml" in said
    assert "spec.yml" in said


def check(*files: Path) -> str:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == ("ok -- validation done" in done.stdout), done.stdout + done.stderr
    return "" if done.returncode == 0 else done.stdout + done.stderr


def document_of(path: Path) -> dict[str, Any]:
    """A pipeline's file; of one with a form, as it is where nobody fills it in."""
    if "\n---\n" in path.read_text():
        return component(path).rendered()
    loaded = yaml.safe_load(path.read_text())
    assert isinstance(loaded, dict)
    return loaded


# -- who includes them -------------------------------------------------------------------------------


def _inclusions(path: Path) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for each in document_of(path)["include"]:
        place, version = each["component"].rsplit("@", 1)
        found.append((place.rpartition("/")[2], each.get("inputs", {})))
        own = path.parent == PROJECT
        assert place.startswith(f"$CI_SERVER_FQDN/{'$CI_PROJECT_PATH' if own else 'tagline-dev/tagline'}/")
        assert version == ("$CI_COMMIT_SHA" if own else "1")
    return found


@pytest.mark.parametrize("path", [PROJECT / ".gitlab-ci.yml", *EXAMPLES], ids=lambda path: path.stem)
def test_inclusion__gives_inputs_that_there_are(path: Path) -> None:
    for name, given in _inclusions(path):
        inputs = COMPONENTS[name].inputs
        assert {key for key, spec in inputs.items() if "default" not in spec} <= set(given)
        for key, value in given.items():
            assert type(value) is _TYPES[inputs[key]["type"]], key
            assert value in inputs[key].get("options", [value]), key
            assert re.search(inputs[key].get("regex", ""), str(value)), key


def test_inclusion__in_the_projects_own_pipeline_and_in_the_examples__is_of_every_component() -> None:
    assert {name for name, _ in _inclusions(PROJECT / ".gitlab-ci.yml")} == set(NAMES)
    assert {name for path in EXAMPLES for name, _ in _inclusions(path)} == set(NAMES)


# -- README ------------------------------------------------------------------------------------------

_TABLE = re.compile(r"(<!-- inputs of (\S+), generated -->\n).*?(\n<!-- end -->)", re.DOTALL)


def inputs_table(each: Component) -> str:
    """The inputs of a component as Markdown."""
    rows = ["| Input | Type | Default | |", "|---|---|---|---|"]
    for name, spec in each.inputs.items():
        if "default" not in spec:
            default = "*needed*"
        elif isinstance(spec["default"], list):
            default = ", ".join(f"`{one['if'] if isinstance(one, dict) else one}`" for one in spec["default"])
        else:
            default = f"`{json.dumps(spec['default'])}`" if spec["default"] != "" else ""
        said = spec["description"]
        if options := [f"`{option}`" for option in spec.get("options", []) if option]:
            said += f" One of {', '.join(options)}."
        rows.append(f"| `{name}` | {spec['type']} | {default} | {said} |")
        assert rows[-1].count("|") == 5
    return "\n".join(rows) + "\n"


def readme_with_tables(text: str) -> str:
    """The README, its tables written anew."""
    return _TABLE.sub(lambda match: f"{match[1]}\n{inputs_table(COMPONENTS[match[2]])}{match[3]}", text)


def test_readme__tables__are_the_inputs() -> None:
    text = README.read_text()
    assert [match[2] for match in _TABLE.finditer(text)] == [
        "validate", "plan", "promote", "propose", "check-ref", "resolve", "fetch", "lineage", "deployed", "labels-sync",
        "pin", "doctor",
    ]  # fmt: skip
    assert text == readme_with_tables(text), "python -m tests.contract.test_gitlab_components"


def test_readme__files_of_a_kilobyte_and_more__stand_in_the_variable_that_the_input_feeds() -> None:
    """GitLab bounds strings in inputs, and no variables."""
    blocks = re.findall(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)
    (shown,) = (yaml.safe_load(block) for block in blocks if "TAGLINE_FILES" in block)
    validate = COMPONENTS["validate"]
    assert "below 1 KB" in validate.inputs["files"]["description"]
    assert set(shown) == set(validate.rendered())  # GitLab merges the two, key by key
    variables = {**validate.job()["variables"], **shown["tagline-validate"]["variables"]}
    assert set(variables) == set(validate.job()["variables"])
    named = command_line("validate", variables)
    assert named[-2:] == ["teams/fraud/artifacts.yaml", "teams/risk/artifacts.yaml"]


def test_readme__examples__are_the_files_that_the_end_to_end_tests_run() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)
    files = [path.read_text() for path in EXAMPLES]
    shown = [block for block in blocks if block in files]
    assert sorted(shown) == sorted(files)
    for block in blocks:  # and all others are YAML
        list(yaml.safe_load_all(block))


if __name__ == "__main__":
    README.write_text(readme_with_tables(README.read_text()))
