"""Pictures of model cards: which files they are, and that nothing else passes for one."""

from __future__ import annotations

import io

import pytest
from PIL import Image as Pillow

from tagline.domain.manifest.card_images import MAX_IMAGE, MOST_IMAGES, image_of, image_path, images_in, wanted_images

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="window.harmed=1"/>'


def drawn(kind: str, width: int, height: int, **how: object) -> bytes:
    """A real picture."""
    into = io.BytesIO()
    Pillow.new("RGB", (width, height), "teal").save(into, kind, **how)
    return into.getvalue()


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("png", {}),
        ("gif", {}),
        ("jpeg", {}),
        ("jpeg", {"progressive": True, "exif": b"Exif\x00\x00" + b"x" * 300}),
        ("webp", {}),
        ("webp", {"lossless": True}),
        ("webp", {"exif": b"Exif\x00\x00"}),
    ],
)
def test_image__real_one__has_its_type_and_pixels_whatever_its_name(kind: str, how: dict[str, object]) -> None:
    data = drawn(kind, 321, 45, **how)
    image = image_of("curve.svg", data)
    assert image is not None
    assert image[1:4] == (kind, 321, 45)
    # Cut anywhere, it is a picture or none, and no error.
    for end in range(40):
        image_of("curve.svg", data[:end])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        SVG,
        b"GIF89a",
        b"<html><script>",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        drawn("png", 9, 9) + b" " * MAX_IMAGE,
        drawn("png", 10_001, 1),
        drawn("png", 6_000, 6_000),
        b"\xff\xd8\xff\xe0" + b"\x00\x00" * 20,
        b"\xff\xd8" + b"\xff" * 99,
    ],
)
def test_image__anything_else__is_none(data: bytes) -> None:
    assert image_of("curve.png", data) is None


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("curve.png", "cards/curve.png"),
        ("./img/a%20b.png?raw=true#x", "cards/img/a b.png"),
        ("../img/a.png", "img/a.png"),
        ("/img/a.png", "img/a.png"),
        ("../../a.png", None),
        ("https://elsewhere.example/a.png", None),
        ("//elsewhere.example/a.png", None),
        ("data:image/png;base64,AAAA", None),
        ("javascript:x", None),
        ("http://[", None),
        ("a%00.png", None),
        ("..\\a.png", None),
        ("#only", None),
        ("..", None),
        ("", None),
    ],
)
def test_path__of_an_address__is_a_file_of_the_repository_or_none(address: str, path: str | None) -> None:
    assert image_path(address, "cards/MODEL_CARD.md") == path


def test_wanted__of_a_card__are_its_images_in_order_and_not_too_many() -> None:
    text = (
        "![a](a.png) <img src=no.png> ![b][b] ![far](https://x.example/c.png)\n\n[b]: <b.png> 'B'\n![a](a.png 'again')"
    )
    assert wanted_images(text, "MODEL_CARD.md") == ["a.png", "b.png"]
    many = "".join(f"![]({number}.png)" for number in range(99))
    assert len(wanted_images(many, "c.md")) == MOST_IMAGES
    assert wanted_images("![" * 50_000, "c.md") == []


def test_images__beyond_the_room_for_all__are_left_out() -> None:
    one, two = drawn("png", 50, 50), drawn("png", 9, 9)
    files = {"a": one, "b": one, "c": two, "d": SVG}
    assert [image.path for image in images_in(files, ["a", "b", "c", "d", "e"], len(one) + len(two))] == ["a", "c"]
