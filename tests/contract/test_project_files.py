"""What people expect of an open project: forms, owners, hooks, and a site that every document is in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.test_github_workflows import tool

ROOT = Path(__file__).parents[2]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def _loaded(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_issue_form__as_github_takes_it(path: Path) -> None:
    schema = "github-issue-config" if path.name == "config.yml" else "github-issue-forms"
    said = tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", str(path))
    assert said.returncode == 0, said.stdout + said.stderr


def test_owners__every_pattern__names_something_that_is_there() -> None:
    lines = (ROOT / ".github" / "CODEOWNERS").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    assert rows[0][0] == "*"
    for pattern, *owners in rows:
        assert owners, pattern
        assert all(owner.startswith("@") for owner in owners)
        assert pattern == "*" or (ROOT / pattern.strip("/")).exists(), pattern


def test_hook_for_users__files__are_those_that_validate_reads() -> None:
    (hook,) = _loaded(".pre-commit-hooks.yaml")
    assert (hook["id"], hook["entry"], hook["language"]) == ("tagline-validate", "tagline validate", "python")
    asked = re.compile(hook["files"])
    for name in ("artifacts.yaml", "a/b/artifacts.yaml", "dvc.yaml", "a/dvc.yaml", ".tagline.yaml", ".gto"):
        assert asked.search(name), name
    assert asked.search("promotions/prod/churn.yaml")
    for name in ("my-artifacts.yaml", "artifacts.yaml.bak", "docs/promotions/x.md"):
        assert not asked.search(name), name


def test_own_hooks__run_what_lint_runs() -> None:
    (local,) = _loaded(".pre-commit-config.yaml")["repos"]
    makefile = (ROOT / "Makefile").read_text()
    tools = {Path(hook["entry"].split()[0]).name for hook in local["hooks"]}
    assert tools == {"ruff", "mypy"}
    assert all(f"$(VENV)/bin/{name}" in makefile for name in tools)


def test_site__navigation__has_every_document_once() -> None:
    text = (ROOT / "mkdocs.yml").read_text()
    pages = re.findall(r": ([\w-]+\.md)$", text, re.MULTILINE)
    assert sorted(pages) == sorted(["index.md", *(path.name for path in (ROOT / "docs").glob("*.md"))])
