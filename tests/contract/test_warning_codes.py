"""Every warning code of the code is documented, and the other way round."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "warnings.md"


def _codes_in(path: Path) -> set[str]:
    """The first argument of every call of ``Warn`` in a file, which must be a literal."""
    codes = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Warn":
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            code = node.args[0] if node.args else keywords["code"]
            assert isinstance(code, ast.Constant), f"{path}:{node.lineno}: a code is a literal"
            codes.add(code.value)
    return codes


def test_warning_codes__of_all_modules__are_those_of_the_document():
    modules = sorted((ROOT / "src" / "tagline").rglob("*.py"))
    used = set().union(*(_codes_in(module) for module in modules))
    documented = re.findall(r"^### `(.+)`$", DOCUMENT.read_text(), re.MULTILINE)

    assert sorted(used) == sorted(documented)
    assert {"same-second", "lightweight-tag"} <= used


def test_warning_codes__in_the_document__each_says_what_it_means():
    sections = re.split(r"^##+ .*$", DOCUMENT.read_text(), flags=re.MULTILINE)[1:]
    titles = re.findall(r"^(##+) .*$", DOCUMENT.read_text(), flags=re.MULTILINE)
    assert all(section.strip() for section, depth in zip(sections, titles, strict=True) if depth == "###")
