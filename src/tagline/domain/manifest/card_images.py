"""Images that a model card shows: which file of the repository each is, and whether its bytes are a small picture.

An address of another host is none of them, and neither is a drawing that can hold scripts (SVG). A file's content says
what it is, never its name.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

#: Bytes of an image, images of a card, bytes of all images of a repository.
MAX_IMAGE, MOST_IMAGES, MOST_BYTES = 1 << 20, 12, 4 << 20
#: Files of a repository that are looked at, whether they are pictures.
MOST_LOOKED_AT = 200
#: What a picture may need when it is unpacked.
_LONGEST_SIDE, _MOST_PIXELS = 10_000, 25_000_000

_SHOWN_RE = re.compile(r"!\[[^\]\n]{0,300}\]\(\s{0,9}<?([^)\s<>]{1,500})")
_NAMED_RE = re.compile(r"^ {0,3}\[[^\]\n]{1,200}\]:[ \t]{0,9}<?([^\s<>]{1,500})", re.MULTILINE)
#: Segments of a JPEG that say how large it is.
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class Image(NamedTuple):
    """A picture: its path from the repository's root, its type (``png``, ``jpeg``, ``gif``, ``webp``), its pixels."""

    path: str
    type: str
    width: int
    height: int
    data: bytes


def wanted_images(text: str, card: str) -> list[str]:
    """The files that a card's text may show, in its order: a few too many rather than one too few."""
    found = sorted((match.start(), match[1]) for form in (_SHOWN_RE, _NAMED_RE) for match in form.finditer(text))
    paths = dict.fromkeys(image_path(address, card) for _, address in found)
    return [path for path in paths if path is not None][:MOST_IMAGES]


def image_path(address: str, card: str) -> str | None:
    """The file of the repository that an address in a card means; None for an address elsewhere.

    ``card`` is the card's own path: addresses are relative to its folder, or begin at the root with a slash.
    """
    try:
        split = urlsplit(address)
    except ValueError:
        return None
    path = unquote(split.path)
    if split.scheme or split.netloc or not path or "\\" in path or not path.isprintable():
        return None
    whole = posixpath.normpath(
        path.lstrip("/") if path.startswith("/") else f"{posixpath.dirname(card)}/{path}".lstrip("/")
    )
    return None if whole == "." or whole.startswith("..") else whole


def images_in(files: Mapping[str, bytes], paths: Iterable[str], room: int = MOST_BYTES) -> list[Image]:
    """Those of the files that are small pictures, as long as there is room for their bytes."""
    found = []
    for path in paths:
        image = image_of(path, files.get(path, b""))
        if image is not None and len(image.data) <= room:
            room -= len(image.data)
            found.append(image)
    return found


def image_of(path: str, data: bytes) -> Image | None:
    """The bytes as a picture; None for all that a page must not show."""
    if len(data) > MAX_IMAGE:
        return None
    for kind, measure in (("png", _png), ("jpeg", _jpeg), ("gif", _gif), ("webp", _webp)):
        width, height = measure(data)
        if width and height:
            fits = max(width, height) <= _LONGEST_SIDE and width * height <= _MOST_PIXELS
            return Image(path, kind, width, height, data) if fits else None
    return None


_Size = tuple[int, int]
_NONE: _Size = (0, 0)


def _png(data: bytes) -> _Size:
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR":
        return _NONE
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _gif(data: bytes) -> _Size:
    if data[:6] not in (b"GIF87a", b"GIF89a"):
        return _NONE
    return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")


def _webp(data: bytes) -> _Size:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return _NONE
    match data[12:16]:
        case b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
        case b"VP8 " if data[23:26] == b"\x9d\x01\x2a":
            return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    return _NONE


def _jpeg(data: bytes) -> _Size:
    if data[:3] != b"\xff\xd8\xff":
        return _NONE
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        mark = data[at + 1]
        if mark in _JPEG_SIZES:
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        at += 1 if mark == 0xFF else 2 + max(2, length)
    return _NONE
