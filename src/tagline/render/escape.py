"""Untrusted text made safe for terminals, logs and the runners that read them."""

from __future__ import annotations

import re
import unicodedata

#: Compiled where it is used, since that takes longer than the rest of most commands' rendering.
_XML_FORBIDDEN = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


def visible(char: str) -> str:
    """The character, or its escape where it is invisible or would steer the terminal."""
    if char == "\t":
        return "    "
    # Cc and Cs would steer or break the terminal, Cf reorders text (bidi), Zl and Zp break the line.
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        code = ord(char)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return char


def one_line(text: str) -> str:
    """Text without line breaks and control characters, that no runner takes for a command.

    GitHub's runner reads ``##[command]`` anywhere in a line, so that is broken up.
    """
    if text.isascii() and text.isprintable():
        return break_commands(text)
    return break_commands("".join(map(visible, text)))


def break_commands(text: str) -> str:
    """``##[`` with a backslash in it: no longer a command to GitHub's runner."""
    return text.replace("##[", "##\\[")


def no_command(line: str) -> str:
    """A line that begins with ``::`` with a backslash before it: GitHub's runner would obey it, blanks or not."""
    return line.replace("::", "\\::", 1) if line.lstrip().startswith("::") else line


def width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def command_data(text: str) -> str:
    """The message of a workflow command (``::error::MESSAGE``); line breaks stay."""
    lines = (one_line(line) for line in text.split("\n"))
    return "\n".join(lines).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """A property of a workflow command (``file=PROPERTY``)."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")


def xml_text(text: str) -> str:
    """Text for XML 1.0: characters it forbids are dropped."""
    return re.sub(_XML_FORBIDDEN, "", text)
