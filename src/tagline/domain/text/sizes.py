"""Sizes as people write them: ``512MB``, ``1GB``, ``2GiB``."""

from __future__ import annotations

import re

from tagline.errors import WrongUsage

_BYTES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_SIZE = re.compile(r"([0-9]{1,9})([KMGT]I?B)", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes of a whole number and its unit: kB, MB, GB, TB, or KiB and so on. Raises WrongUsage for anything else."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise WrongUsage(f"{text[:100]!r} is no size.", "Write a whole number and MB or GB, such as 512MB or 4GB.")
    return int(match[1]) * _BYTES[match[2].upper()]
