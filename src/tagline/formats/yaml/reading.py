"""YAML text -> Document, at libyaml's speed, by YAML 1.2's core schema, hostile input included.

libyaml only cuts the text into events; the tree is built here, because its own composer
recurses in C (deep nesting overflows the stack) and expands neither limits nor positions
in the way we need. Where PyYAML was built without libyaml its slower parser serves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tagline.domain.manifest.document import Document, Problem
from tagline.formats.yaml.composer import Abort, Composer
from tagline.formats.yaml.syntax_errors import explain
from tagline.formats.yaml.tabs import tab_problems

MAX_BYTES = 10 * 1024 * 1024

# Not printable in YAML, or (U+0085, U+2028, U+2029) a line break to some readers only: with
# those, no two programs would agree on line numbers. A byte order mark may only come first.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@lru_cache(maxsize=16)  # one run asks for the same manifest or lock from several sides
def load(data: bytes, *, max_bytes: int = MAX_BYTES) -> Document:
    """Read one YAML document. Never raises on bad input: problems are in the Document.

    ``root`` is None where the text is no single readable document, and also for an empty file. Whoever reads the
    same bytes gets the same Document: nobody changes one.
    """
    if len(data) > max_bytes:
        return _failed(_too_large(max_bytes))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _failed(_not_utf8(data, error))
    if bad := _FORBIDDEN.search(text):
        return _failed(_forbidden(text, bad.start()))
    composer = Composer()
    try:
        root = composer.compose(events(text))
    except Abort as stop:
        return Document(None, (*composer.problems, stop.problem))
    if root is None:
        return _failed(_empty(text))
    tabs = tab_problems(text, events(text)) if "\t" in text else ()
    return Document(root, (*composer.problems, *tabs))


def events(text: str) -> Iterator[Any]:
    """The events of the text; raises Abort at a syntax error."""
    import yaml

    parser = _parser(text)
    try:
        while (event := parser.get_event()) is not None:
            yield event
    except yaml.YAMLError as error:
        raise Abort(explain(error, text)) from None


def _parser(text: str) -> Any:
    try:
        from yaml._yaml import CParser
    except ImportError:
        return pure_parser(text)
    return CParser(text)


def pure_parser(text: str) -> Any:
    """PyYAML's parser in Python, with the same interface."""
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class PureParser(Reader, Scanner, Parser):
        def __init__(self, text: str) -> None:
            Reader.__init__(self, text)
            Scanner.__init__(self)
            Parser.__init__(self)

    return PureParser(text)


def _failed(problem: Problem) -> Document:
    return Document(None, (problem,))


def _problem(line: int, column: int, rule: str, message: str, hint: str) -> Problem:
    return Problem((), line, column, rule, "error", message, hint)


def _too_large(limit: int) -> Problem:
    return _problem(
        1, 1, "file-too-large",
        f"The file is larger than {limit // (1024 * 1024)} MiB and was not read.",
        "Manifests hold names and paths, not data: move the content elsewhere.",
    )  # fmt: skip


def _not_utf8(data: bytes, error: UnicodeDecodeError) -> Problem:
    # With "utf-8-sig" the error's offset does not count the byte order mark.
    body = data.removeprefix(b"\xef\xbb\xbf")
    line, column = place(body[: error.start].decode("utf-8", "replace"), None)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        message, line, column = "The file is UTF-16, not UTF-8.", 1, 1
    else:
        message = f"Byte 0x{body[error.start]:02x} is not valid UTF-8."
    return _problem(line, column, "file-encoding", message, "Save the file as UTF-8.")


def _forbidden(text: str, index: int) -> Problem:
    line, column = place(text, index)
    code = ord(text[index])
    if text[index] in "\x85\u2028\u2029":
        message = f"The character U+{code:04X} ends a line for some YAML readers and not for others."
        hint = "Replace it by an ordinary line break."
    else:
        message = f"The character U+{code:04X} is not allowed in YAML."
        hint = f'Remove it, or write it as "\\u{code:04X}" in double quotes.'
    return _problem(line, column, "yaml-character", message, hint)


def _empty(text: str) -> Problem:
    what = "only comments" if "#" in text else "nothing"
    return _problem(1, 1, "file-empty", f"The file holds {what}.", "Write {} for a manifest without artifacts.")


def place(text: str, index: int | None) -> tuple[int, int]:
    """Line and column of the character at ``index`` (None: the end), by YAML's line breaks."""
    lines = re.split("\r\n|\n|\r", text[:index])
    return len(lines), len(lines[-1]) + 1
