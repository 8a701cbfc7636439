"""The one shape: who may import whom. Read from the code's own import statements."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "tagline"
FORGE = SOURCE.with_name("tagline_localforge")

# Layer (folder or file) -> the layers it may import. Its own layer and errors are always allowed.
ALLOWED = {
    "errors": {"domain"},
    "settings": {"domain"},
    "domain": set(),
    "formats": {"domain"},
    "ports": {"domain"},
    "render": {"domain"},
    "commands": {"domain", "formats", "ports"},
    "adapters": {"domain", "ports", "settings"},
    "wiring": {"domain", "formats", "ports", "commands", "adapters", "settings"},
    "answers": set(),
    "api": {"answers", "domain", "render", "commands", "wiring", "settings"},
    "cli": {"domain", "ports", "render", "commands", "wiring", "settings"},
}
# The subjects of the domain: each may import those before it. Storage and MLflow know nothing of each other.
SUBJECTS = (
    "text",
    "ledger",
    "manifest",
    "storage",
    "pins",
    "mlflow",
    "delivery",
    "changes",
    "lineage",
    "doctor",
    "setup",
    "index",
    "search",
    "site",
)
STRANGERS = ("storage", "mlflow")
# Libraries that only one layer may know.
LIBRARIES = {
    "git": {"adapters"},
    "yaml": {"formats"},
    "jsonschema": {"formats"},
    "github": {"adapters"},
    "gitlab": {"adapters"},
    "requests": {"adapters"},
    "urllib3": {"adapters"},
    "boto3": {"adapters"},
    "botocore": {"adapters"},
    "fsspec": {"adapters"},
    "configobj": {"formats"},
    "subprocess": {"adapters"},  # and there one file: see below
    "argparse": {"cli"},
    "duckdb": {"adapters"},
    "socket": {"adapters"},
    "jinja2": {"render"},
    "markdown_it": {"render"},
    "nh3": {"render"},
    "tagline_localforge": {"cli"},
}
# What "pure" means: nothing of the world in these layers.
PURE = {"domain", "render", "formats"}
WORLD = {"os", "sys", "time", "subprocess", "pathlib", "socket", "tempfile", "shutil", "random", "logging"}


def _layer(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


MODULES = sorted(p for p in SOURCE.rglob("*.py") if p not in (SOURCE / "__init__.py", SOURCE / "__main__.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_module__imports__only_what_its_layer_may(module: Path) -> None:
    layer = _layer(module)
    assert layer in ALLOWED, f"{module.name}: a new layer; say in this test and in CONTRIBUTING.md what it may import"
    for name in _imports(module):
        parts = name.split(".")
        if parts[0] == "tagline" and len(parts) > 1 and parts[1] != "__version__":
            assert parts[1] in ALLOWED[layer] | {layer, "errors"}, f"{layer} imports {name}"
        if parts[0] in LIBRARIES:
            assert layer in LIBRARIES[parts[0]], f"{layer} imports {name}"
        if layer in PURE and parts[0] in WORLD:
            # The schema is a file of the package; reading it is part of knowing the format.
            assert (layer, parts[0]) == ("formats", "pathlib"), f"{layer} imports {name}"


def test_domain__subjects__know_only_those_before_them() -> None:
    rooms = {p.name for p in (SOURCE / "domain").iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert rooms == set(SUBJECTS)
    for module in (SOURCE / "domain").rglob("*.py"):
        room = module.parent.name
        if room not in SUBJECTS:
            continue
        before = set(SUBJECTS[: SUBJECTS.index(room) + 1]) - (set(STRANGERS) - {room} if room in STRANGERS else set())
        for name in _imports(module):
            if name.startswith("tagline.domain."):
                assert name.split(".")[2] in before, f"{module.relative_to(SOURCE)} imports {name}"


@pytest.mark.parametrize("layer", ["commands", "adapters"])
def test_rooms__of_a_layer__are_in_no_circle(layer: str) -> None:
    arrows: dict[str, set[str]] = {}
    for module in (SOURCE / layer).rglob("*.py"):
        room = module.relative_to(SOURCE / layer).parts[0]
        names = [name.split(".") for name in _imports(module) if name.startswith(f"tagline.{layer}.")]
        arrows.setdefault(room, set()).update({parts[2] for parts in names} - {room})
    _no_circle(arrows)


def test_local_forge__knows_nothing_of_tagline_and_has_no_circle() -> None:
    arrows: dict[str, set[str]] = {}
    for module in FORGE.rglob("*.py"):
        names = _imports(module)
        assert not {name for name in names if name.split(".")[0] == "tagline"}, module
        if module == FORGE / "__init__.py":
            continue
        room = module.relative_to(FORGE).parts[0].removesuffix(".py")
        inner = {name.split(".")[1] for name in names if name.startswith("tagline_localforge.")}
        arrows.setdefault(room, set()).update(inner - {room})
    _no_circle(arrows)


def _no_circle(arrows: dict[str, set[str]]) -> None:
    """Take away what points to nothing left, again and again: a circle remains."""
    while bottom := {room for room, to in arrows.items() if not to & set(arrows)}:
        arrows = {room: to for room, to in arrows.items() if room not in bottom}
    assert not arrows, f"a circle: {arrows}"


@pytest.mark.parametrize(
    "module", sorted(itertools.chain(MODULES, FORGE.rglob("*.py"))), ids=lambda p: str(p.relative_to(SOURCE.parent))
)
def test_module__size__few_hundred_lines(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 400


def _reads_environment(path: Path) -> bool:
    nodes = ast.walk(ast.parse(path.read_text()))
    return any(isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") for node in nodes)


def test_programs__beside_git__are_run_in_one_place() -> None:
    # git itself is run by GitPython; an import may bring bytes by MLflow's and DVC's own programs; questions of
    # strangers are answered in a process of ours that has nothing.
    runs = {str(module.relative_to(SOURCE)) for module in MODULES if "subprocess" in _imports(module)}
    assert runs == {"adapters/mlflow/artifacts.py", "adapters/index/engine.py"}


def test_environment__read__in_one_place() -> None:
    # cli and api hand it to Settings; git.running passes on the Git configuration it carries, and
    # git.gitpython tells GitPython by it how to be imported.
    assert {str(m.relative_to(SOURCE)) for m in MODULES if _reads_environment(m)} == {
        "api.py",
        "cli/main.py",
        "adapters/git/gitpython.py",
        "adapters/git/running.py",
        "adapters/index/worker.py",  # which empties its own
    }
