"""What a forge tells of the files between a branch and its base, read back."""

from __future__ import annotations

from collections.abc import Sequence

from tagline.domain.delivery.proposals import asks_the_same


def is_just_that_file(files: Sequence[tuple[str, bool, str]], path: str, content: str) -> bool:
    """Whether one new file is all that differs, and asks what this content does.

    ``files`` are path, whether it is new, and its unified diff. A diff that was cut off is not the content.
    """
    if len(files) != 1:
        return False
    name, new, patch = files[0]
    head, *lines = patch.removesuffix("\n").split("\n")
    is_added = head.startswith("@@ ") and all(line.startswith("+") for line in lines)
    found = "".join(f"{line[1:]}\n" for line in lines)
    return (name, new) == (path, True) and is_added and asks_the_same(found, content)
