"""Names that differ in case or Unicode form only: said where somebody looks for one and has the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build

NFC, NFD = "mod\u00e8le.pkl", "mode\u0300le.pkl"
POINTER = "outs:\n- md5: d3b07384d113edec49eaa6238ad5ff00\n  size: 4\n  hash: md5\n  path: {}\n"


def findings(tagline: CommandLine, folder: Path, files: dict[str, str]) -> dict[str, str]:
    """Rule to message and hint, of validate."""
    build(folder, History((Commit("c0", (), files),)), checkout=True)
    said = tagline("validate", "--json", cwd=folder)
    return {found["rule"]: f"{found['message']} {found['hint']}" for found in json.loads(said.out)["findings"]}


@pytest.mark.parametrize(
    ("written", "there", "only"),
    [(NFC, NFD, "Unicode form"), (NFD, NFC, "Unicode form"), ("models/churn.pkl", "Models/Churn.pkl", "case")],
)
@pytest.mark.parametrize("by_dvc", [True, False])
def test_path__that_differs_in_form_only__the_hint_says_so(
    here: Path, tagline: CommandLine, written: str, there: str, only: str, *, by_dvc: bool
) -> None:
    file = {f"{there}.dvc": POINTER.format(Path(there).name)} if by_dvc else {there: "x"}
    found = findings(tagline, here / "r", {"artifacts.yaml": f"m: {{path: {written}}}\n", ".dvc/config": "", **file})
    assert f"Git has '{there}', which differs in {only}" in found["path-missing"]


def test_names__in_two_cases__are_a_warning_of_validate(here: Path, tagline: CommandLine) -> None:
    files = {"artifacts.yaml": "churn: {path: a}\nChurn: {path: b}\nfraud: {path: c}\n", "a": "1", "b": "2", "c": "3"}
    found = findings(tagline, here / "r", files)
    assert set(found) == {"names-alike"}
    assert "'Churn' differs from 'churn' (artifacts.yaml, line 1)" in found["names-alike"]
    assert tagline("validate", cwd=here / "r").code == 0


def test_names__in_two_unicode_forms__are_said_beside_their_own_mistake(here: Path, tagline: CommandLine) -> None:
    text = f"{NFC[:-4]}: {{path: a}}\n{NFD[:-4]}: {{path: b}}\n"
    found = findings(tagline, here / "r", {"artifacts.yaml": text, "a": "1", "b": "2"})
    assert set(found) == {"artifact-name", "names-alike"}
    assert "Unicode form" in found["names-alike"]


def test_ledger__artifacts_and_stages_in_two_cases__are_warnings_of_show(here: Path, tagline: CommandLine) -> None:
    tags = (
        Tag("churn@v1.0.0", "c0"), Tag("Churn@v1.0.0", "c0"), Tag("fraud@v1.0.0", "c0"),
        Tag("churn#prod#1", "c0", EPOCH + 1), Tag("churn#Prod#2", "c0", EPOCH + 2),
    )  # fmt: skip
    files = {"artifacts.yaml": "Churn: {path: a}\n", "a": "1"}
    build(here / "r", History((Commit("c0", (), files),), tags), checkout=True)

    def alike(*arguments: str) -> list[str]:
        shown = tagline.json("show", *arguments, cwd=here / "r")
        return [warning["message"] for warning in shown["warnings"] if warning["code"] == "names-alike"]

    whole = alike()
    assert [message.partition(" differ")[0] for message in whole] == [
        "The artifacts Churn and churn", "The stages Prod and prod of churn"
    ]  # fmt: skip
    assert len(alike("churn#prod")) == 1
    assert alike("fraud") == []
    (warning,) = (
        w for w in tagline.json("resolve", "churn", cwd=here / "r")["warnings"] if w["code"] == "not-described"
    )
    assert "Did you mean Churn?" in warning["message"]
    assert "Did you mean Churn?" in tagline("fetch", "churn", "-o", "out", cwd=here / "r").err
