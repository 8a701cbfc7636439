"""Which exchanges were held against a description before: one that differs in nothing that counts is right as well."""

from __future__ import annotations

import json
import re
from typing import Any

#: What is another in each test and of the same kind in all: where the server listens, ids of Git, times, and the text
#: of a comment.
_OTHERWISE = re.compile(
    r"(?P<port>(?<=127\.0\.0\.1:)[0-9]+)"
    r"|(?P<id>(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f]))"
    r"|(?P<time>20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2})"
    r'|(?P<text>(?<="body": ")(?:[^"\\]|\\.)+(?="))'
)


def fingerprint(said: Any) -> int:
    """The same for exchanges between which no description can tell."""
    return hash(_OTHERWISE.sub(lambda found: str(found.lastgroup), json.dumps(said, sort_keys=True)))
