"""The one shape: who may import whom. Read from the code's own import statements."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "tagline"

# What puts a question of the command line to a command, and says its answer.
_SPEAKS = {"cli_shared", "voice", "wiring", "commands", "render", "ports", "domain", "settings"}

# Layer (folder or file) -> the layers it may import. Its own layer and errors are always allowed.
ALLOWED = {
    "domain": set(),
    "formats": {"domain"},
    "ports": {"domain"},
    "storage_ports": {"domain"},
    "tracking_ports": {"domain"},
    "memory_ports": {"domain"},
    "render": {"domain"},
    "commands": {"ports", "storage_ports", "tracking_ports", "memory_ports", "formats", "domain"},
    "adapters": {"ports", "storage_ports", "tracking_ports", "domain", "settings"},
    "settings": {"domain"},
    "arguments": {"render", "inputs"},
    "inputs": set(),
    "token_wiring": {"domain", "settings"},
    "wiring": {
        "token_wiring",
        "storage_wiring",
        "tracking_wiring",
        "adapters",
        "commands",
        "ports",
        "storage_ports",
        "tracking_ports",
        "formats",
        "domain",
        "settings",
    },
    "ci_wiring": {"adapters", "ports", "settings"},
    "change_wiring": {
        "token_wiring",
        "wiring",
        "lineage_wiring",
        "ci_wiring",
        "storage_wiring",
        "tracking_wiring",
        "adapters",
        "commands",
        "ports",
        "memory_ports",
        "storage_ports",
        "settings",
    },
    "import_wiring": {"token_wiring", "adapters", "domain", "tracking_ports", "settings"},
    "storage_wiring": {"adapters", "commands", "ports", "storage_ports", "domain", "settings"},
    "lineage_wiring": {"wiring", "tracking_wiring", "adapters", "commands", "settings"},
    "tracking_wiring": {"token_wiring", "adapters", "tracking_ports", "domain", "settings"},
    "localforge": set(),
    "voice": {"render", "settings"},
    "progress": {"render"},
    "cli": {
        "voice",
        "cli_shared",
        "cli_ledger",
        "cli_bytes",
        "cli_changes",
        "cli_import",
        "cli_lineage",
        "cli_ci",
        "render",
        "settings",
        "arguments",
        "inputs",
        "demo",
    },
    "cli_shared": {"wiring", "render", "ports", "domain", "settings"},
    "cli_ledger": _SPEAKS,
    "cli_bytes": _SPEAKS | {"progress"},
    "cli_import": _SPEAKS | {"import_wiring"},
    "cli_changes": _SPEAKS | {"change_wiring"},
    "cli_lineage": _SPEAKS | {"change_wiring", "ci_wiring", "lineage_wiring"},
    "cli_ci": {"cli_bytes", "arguments", "inputs", "ci_wiring", "render", "ports", "domain", "settings"},
    "demo": {"localforge"},
    "errors": {"domain"},
}
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
    "subprocess": {"demo", "localforge"},
    "argparse": {
        "arguments",
        "cli",
        "cli_shared",
        "cli_ledger",
        "cli_bytes",
        "cli_changes",
        "cli_import",
        "cli_lineage",
        "cli_ci",
        "voice",
    },
    "socket": {"localforge", "adapters"},
}
# What "pure" means: nothing of the world in these layers.
PURE = {"domain", "render", "formats"}
WORLD = {"os", "sys", "time", "subprocess", "pathlib", "socket", "tempfile", "shutil", "random", "logging"}


def _layer(path: Path) -> str:
    top = path.relative_to(SOURCE).parts[0]
    return top.removesuffix(".py")


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


MODULES = sorted(p for p in SOURCE.rglob("*.py") if p.stem not in ("__init__", "__main__"))


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


@pytest.mark.parametrize("module", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_module__size__few_hundred_lines(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 400


def _reads_environment(path: Path) -> bool:
    nodes = ast.walk(ast.parse(path.read_text()))
    return any(isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") for node in nodes)


def test_environment__read__in_one_place() -> None:
    # cli hands it to Settings; git.py passes on the Git configuration it carries; the demo hides it from its children.
    assert {m.name for m in MODULES if _reads_environment(m)} == {"cli/main.py", "git.py", "stage.py"}
