"""What the documents show can be done: files that exist, examples that are run, inputs that are there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.faces import DOCUMENTS, ROOT
from tests.support.workflow_files import uncommented

DOCS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "gitlab-ci" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
EXAMPLES = sorted((ROOT / "docs" / "examples").rglob("*.yml"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
COMPONENT = re.compile(r"\$CI_SERVER_FQDN/tagline-dev/tagline/([a-z-]+)@\S+")


def _anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as both forges make them."""
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links__lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    for target in LINK.findall(text):
        if target.startswith(("https://", "http://")):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), f"{path.name}: {target}"
        if anchor and file.suffix == ".md":
            assert anchor in _anchors(file), f"{path.name}: {target}"


def _blocks(path: Path) -> Iterator[str]:
    found = re.findall(r"^```ya?ml\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE)
    yield from (block for block in found if "tagline-dev/" in block)


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _mappings(child)


def _uses(text: str) -> Iterator[tuple[str, set[str]]]:
    """What a piece of YAML uses of ours, and the inputs that it gives."""
    for each in _mappings(list(yaml.safe_load_all(text))):
        if str(each.get("uses", "")).startswith("tagline-dev/tagline"):
            yield each["uses"], {*each.get("with", {})}
        if "component" in each:
            yield each["component"], {*each.get("inputs", {})}


def _known(used: str) -> set[str]:
    """The inputs of an action, a reusable workflow, or a component."""
    if match := COMPONENT.fullmatch(used):
        header = next(yaml.safe_load_all((ROOT / "gitlab-ci" / "templates" / f"{match[1]}.yml").read_text()))
        return {*header["spec"]["inputs"]}
    name, _, version = used.partition("@")
    assert version == "v1", used
    inner = name.removeprefix("tagline-dev/tagline").removeprefix("/")
    if not inner:
        return {*ACTION["inputs"]}
    workflow = yaml.safe_load((ROOT / inner).read_text())
    return {*workflow[True]["workflow_call"]["inputs"]}  # YAML 1.1 reads "on" as true


PIECES = [(path, block) for path in DOCS for block in _blocks(path)]
PIECES += [
    (path, text) for path in EXAMPLES for text in dict.fromkeys((path.read_text(), uncommented(path.read_text())))
]


@pytest.mark.parametrize(
    ("path", "text"), PIECES, ids=[f"{path.relative_to(ROOT)}-{place}" for place, (path, _) in enumerate(PIECES)]
)
def test_example__gives_only_inputs_that_exist(path: Path, text: str) -> None:
    for used, given in _uses(text):
        assert given <= _known(used), used


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "docs" / "deploying.md"], ids=lambda path: path.name)
def test_workflows__that_readers_copy_first__are_files_that_the_runners_run(path: Path) -> None:
    written = {piece() for piece in DOCUMENTS[str(path.relative_to(ROOT))].values()}
    for block in _blocks(path):
        if any(True for _ in _uses(block)):
            assert f"```yaml\n{block}```\n" in written


def test_examples__every_one__is_run_by_an_end_to_end_test() -> None:
    tests = "".join(file.read_text() for file in (ROOT / "tests" / "e2e").glob("*.py"))
    for example in EXAMPLES:
        assert example.name in tests or f'"{example.stem}"' in tests, example


def test_readme__is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 250


SOURCE = sorted((ROOT / "src" / "tagline").rglob("*.py"))
FAILED = (ROOT / "docs" / "failed.md").read_text()
#: What a promotion is refused by: the forge, Git, the store.
REFUSALS = ("adapters/git/refusals.py", "adapters/forges/refusals.py", "adapters/stores/s3_errors.py")
CODE = re.compile(r'code="([a-z0-9-]+)"|^        "([a-z]+(?:-[a-z]+)*)",$', re.MULTILINE)


def _refused_by(name: str) -> set[str]:
    return {one or other for one, other in CODE.findall((ROOT / "src" / "tagline" / name).read_text())}


def test_failed__every_code_of_forge_git_and_store__has_a_row() -> None:
    codes = {code for name in REFUSALS for code in _refused_by(name)}
    assert {"ruleset", "bad-credentials", "no-credentials"} <= codes
    # Of addresses that a remote of Git may have: no promotion meets it.
    assert codes - {"bad-transport"} <= set(re.findall(r"`([a-z0-9-]+)`", FAILED))


def test_failed__words_that_it_shows__are_those_of_the_code() -> None:
    said = [
        each.value
        for path in SOURCE
        for each in ast.walk(ast.parse(path.read_text()))
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    text = "\n".join(said)
    shown = [words for words in re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", FAILED) if ">" not in words]
    assert len(shown) > 40
    for words in shown:
        for piece in words.split("..."):
            assert piece.strip() in text, words


SECURITY = (ROOT / "docs" / "security.md").read_text()
#: Sections whose every item is a promise.
PROMISES = ("What a malicious change cannot do", "Tokens", "The ledger", "Supply chain")
TEST = re.compile(r"`(tests/\S+\.py)::(\w+)`")


def _promises(text: str) -> list[str]:
    """The items of the sections of promises, each with what stands below it."""
    sections = dict(re.findall(r"^## (.*)\n((?:(?!## ).*\n?)*)", text, re.MULTILINE))
    return [item for name in PROMISES for item in re.split(r"^- ", sections[name], flags=re.MULTILINE)[1:]]


@pytest.mark.parametrize("promise", _promises(SECURITY), ids=lambda promise: " ".join(promise.split()[:6]))
def test_promise__of_the_security_model__names_tests_that_exist(promise: str) -> None:
    named = TEST.findall(promise)
    assert named, f"no test shows it: {promise}"
    for file, name in named:
        path = ROOT / file
        assert path.exists(), f"{file} is not there"
        functions = {each.name for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.FunctionDef)}
        assert name in functions, f"{file} has no {name}"


def test_promises__without_a_test_or_with_one_that_is_gone__are_seen() -> None:
    assert len(_promises(SECURITY)) > 20
    gone = SECURITY.replace(
        "## Tokens\n", "## Tokens\n\n- Whatever.\n    - `tests/commands/changes/test_kills.py::test_none`\n"
    )
    promise = next(item for item in _promises(gone) if item.startswith("Whatever."))
    with pytest.raises(AssertionError, match="has no test_none"):
        test_promise__of_the_security_model__names_tests_that_exist(promise)
    with pytest.raises(AssertionError, match="no test shows it"):
        test_promise__of_the_security_model__names_tests_that_exist("Whatever.")
    assert "What cannot be promised" in SECURITY
