"""The pictures of a model card as files of the site: looked at once more, since an index is somebody's file."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import NamedTuple

from tagline.domain.manifest.card_images import MOST_IMAGES, image_of
from tagline.domain.site.gathering import Artifact
from tagline.domain.site.places import image_file


class Shown(NamedTuple):
    """A picture: its file in the site, its pixels, its bytes."""

    file: str
    width: int
    height: int
    data: bytes


def images_of(one: Artifact) -> dict[str, Shown]:
    """The pictures of an artifact's card, by their paths in the repository."""
    found = {}
    for row in one.images[:MOST_IMAGES]:
        try:
            image = image_of(row.path, b64decode(row.data, validate=True))
        except (binascii.Error, ValueError):
            continue
        if image is not None:
            file = image_file(*one.key, image.data, image.type)
            found[row.path] = Shown(file, image.width, image.height, image.data)
    return found
