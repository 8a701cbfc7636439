"""Workflows of GitHub as files: their YAML, their expressions, and what of them an older GitHub does not know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_QUEUE_RE = re.compile(r"^ +queue: max\b.*\n", re.MULTILINE)


def load(path: Path) -> dict[Any, Any]:
    """A workflow or an action. YAML 1.1 reads ``on`` as true."""
    document = yaml.safe_load(path.read_text())
    assert isinstance(document, dict)
    return document


def without_queue(text: str) -> str:
    """A workflow as Enterprise Server up to 3.19 and act take it; both refuse a file that has the key.

    Source: https://github.com/nektos/act/issues/6095
    """
    return _QUEUE_RE.sub("", text)


def uncommented(text: str) -> str:
    """An example with the lines that it has as comments: the login at AWS."""
    return re.sub(r"(?m)^( *)# ( *(?:id-token: write|with:|inputs:|aws[-_]\w+:))", r"\1\2", text)


def evaluate(expression: str, said: Mapping[str, Any]) -> Any:
    """An expression of GitHub's, as far as ours go. ``said``: names with their values; others are null, as ''."""
    words = {"&&": " and ", "||": " or ", "!": " not ", "==": "==", "!=": "!=", "format": "str.format", ",": ","}
    words["always"] = "(lambda: True)"

    def python(match: re.Match[str]) -> str:
        word = match[0]
        if word[0] == "'":
            return word
        return words.get(word) or (word if word in "()" or word.isspace() else repr(said.get(word, "")))

    tokens = r"'[^']*'|&&|\|\||[!=]=|[!(),]|[\w.-]+|\s+"
    assert re.fullmatch(f"(?:{tokens})*", expression)
    # Strings, names as strings, operators, format and always alone.
    return eval(f"({re.sub(tokens, python, expression)})")


def filled(text: str, said: Mapping[str, Any]) -> str:
    """A text with its expressions replaced."""
    return EXPRESSION.sub(lambda match: str(evaluate(match[0][3:-2], said)), text)
