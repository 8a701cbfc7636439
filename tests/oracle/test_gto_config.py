"""``.gto``: what GTO's own reader takes and refuses, we take and refuse."""

from __future__ import annotations

from pathlib import Path

import gto.api
import pytest
from gto.config import read_registry_config
from gto.exceptions import WrongConfig

from tagline.domain.manifest.gto_config import read_config
from tagline.formats.yaml import reading as yaml
from tests.conftest import CommandLine
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, run_git

pytestmark = pytest.mark.oracle

TEXTS = [
    "", "# nothing\n", "{}", "stages: [a]", "STAGES: [a]", "Stages: [a]", "sTaGeS: [a, b]", "types: [m]\nSTAGES: [a]",
    "TYPES: [m]", "stages:", "stages: []", "stages: [no]", "stages: [a, a]", "stages: a", "stages: {}", "stages: [1]",
    "stages: ['a b']", "stages: [null]", "STAGES: a", "STAGES: [1]", "stage: [a]", "stages_: [a]", "'stages ': [a]",
    "ſtages: [a]", "gto_stages: [a]", "foo: 1", "- a", "a", "stages: [a]\nstages: [b]", "stages: [a]\n---\nstages: [b]",
    "stages: (a)", "<<: {stages: [a]}", "index: a.yaml", "INDEX: a.yaml", "index: 3", "index:", "log_level: INFO",
    "log_level: 3", "debug: true", "DEBUG: 'on'", "debug: 1", "debug: 1.0", "debug: 1.5", "debug: 2", "debug: maybe",
    "debug:", "emojis: no", "EMOJIS: x", "autoload_enrichments: false", "autoload_enrichments: []", "enrichments: []",
    "enrichments: [{type: x}]", "enrichments: [{type: x, config: {a: 1}}]", "enrichments: [{config: {}}]",
    "enrichments: [{type: 1}]", "enrichments: x", "enrichments:", "config_file_name: x", "CONFIG_FILE_NAME: 3",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_config__any__is_understood_as_by_gto_or_refused_by_both(tmp_path: Path, text: str) -> None:
    (tmp_path / ".gto").write_text(text)
    config, findings = read_config(yaml.load(text.encode()))
    try:
        theirs = read_registry_config(str(tmp_path / ".gto"))
    except WrongConfig:
        assert findings, "GTO refuses this file"
        return
    assert findings == []
    assert config.stages == (None if theirs.stages is None else tuple(theirs.stages))
    assert config.types == (None if theirs.types is None else dict.fromkeys(theirs.types))


def test_config__a_key_in_two_cases__gto_takes_the_first_we_refuse(tmp_path: Path) -> None:
    text = "STAGES: [a]\nstages: [b]\n"
    (tmp_path / ".gto").write_text(text)
    assert read_registry_config(str(tmp_path / ".gto")).stages == ["a"]
    _, findings = read_config(yaml.load(text.encode()))
    assert [(finding.line, finding.rule) for finding in findings] == [(2, "gto-config")]


def test_show__a_stage_outside_the_list__gto_hides_it_we_do_not(here: Path, tagline: CommandLine) -> None:
    tags = (Tag("churn@v1.0.0", "c0"), Tag("churn#prod#1", "c0", EPOCH + 1), Tag("churn#qa#2", "c0", EPOCH + 2))
    build(here / "r", History((Commit("c0", (), FILES),), tags), checkout=True)
    (here / "r" / ".gto").write_text("stages: [prod]\n")
    (row,) = gto.api.show(str(here / "r")).values()
    assert set(row["stage"]) == {"prod"}
    assert [found["version"] for found in gto.api.show(str(here / "r"), "churn#qa")] == ["v1.0.0"]
    stages = tagline.json("show", cwd=here / "r")["artifacts"]["churn"]["stages"]
    assert {name: stage["version"] for name, stage in stages.items()} == {"prod": "v1.0.0", "qa": "v1.0.0"}


FILES = {"artifacts.yaml": "churn: {path: m}\n", "m": "1\n"}


@pytest.fixture
def clone(here: Path) -> Path:
    build(here / "r", History((Commit("c0", (), FILES),), (Tag("churn@v1.0.0", "c0"),)), checkout=True)
    return here / "r"


def _assign(tagline: CommandLine, stage: str, clone: Path) -> tuple[int, str]:
    said = tagline("assign", f"churn#{stage}", "--version", "v1.0.0", cwd=clone)
    return said.code, said.err


@pytest.mark.parametrize("key", ["stages", "STAGES", "Stages"])
def test_assign__stages_in_any_case__only_those_listed(clone: Path, tagline: CommandLine, key: str) -> None:
    (clone / ".gto").write_text(f"{key}:\n - dev\n - prod\n")
    code, said = _assign(tagline, "qa", clone)
    assert code == 6
    assert "does not list a stage 'qa'" in said
    assert _assign(tagline, "dev", clone)[0] == 0


@pytest.mark.parametrize(
    "text", ["stage: [prod]", "stages: prod", "stages: [prod]\nfoo: 1", "STAGES: [a]\nstages: [b]"]
)
def test_assign__a_guard_that_is_not_understood__refused_with_the_reason(
    clone: Path, tagline: CommandLine, text: str
) -> None:
    (clone / ".gto").write_text(f"{text}\n")
    code, said = _assign(tagline, "prod", clone)
    assert code == 2
    assert ".gto, line" in said
    assert run_git(clone, "tag").split() == ["churn@v1.0.0"]
    checked = tagline("validate", cwd=clone)
    assert "[gto-config]" in checked.out


@pytest.mark.parametrize("tracked", [True, False])
def test_assign__the_guard_is_a_link__refused(clone: Path, tagline: CommandLine, *, tracked: bool) -> None:
    (clone / "shared").write_text("stages: [dev]\n")
    (clone / ".gto").symlink_to("shared")
    if tracked:
        run_git(clone, "add", "-A")
    code, said = _assign(tagline, "prod", clone)
    assert code == 2
    assert "symbolic link" in said
    if tracked:
        assert "file-not-regular" in tagline("validate", cwd=clone).out
