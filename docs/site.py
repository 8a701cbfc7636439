"""The site's home page is the README, and links that leave docs/ lead to the repository. A hook of mkdocs.yml.

The schemas are a part of the site, at the addresses that they name themselves by.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")


def on_files(files: Any, config: Any) -> Any:
    """Add the README as the home page, and the schemas."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    files.append(
        File.generated(config, "index.md", content=_LINK.sub(lambda link: _from_the_root(link[1], config), text))
    )
    for path in sorted((ROOT / "schemas").rglob("*.json")):
        address = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, address, content=path.read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Lead ``../FILE`` to the file in the repository; the README is the home page."""
    return _LINK.sub(lambda link: _from_docs(link[1], config), markdown)


def _from_the_root(target: str, config: Any) -> str:
    return target.removeprefix("docs/") if target.startswith("docs/") else _in_repository(target, config)


def _from_docs(target: str, config: Any) -> str:
    if target == "../README.md":
        return "index.md"
    if target.startswith("examples/"):
        return _in_repository(f"docs/{target}", config)
    return _in_repository(target.removeprefix("../"), config) if target.startswith("../") else target


def _in_repository(path: str, config: Any) -> str:
    if not (ROOT / path).exists():
        raise FileNotFoundError(f"a document links to {path}, which is not there")
    return f"{config['repo_url']}/blob/main/{path}"
