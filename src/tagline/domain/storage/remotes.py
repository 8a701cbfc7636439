"""Which remote keeps an out: DVC's configuration files merged, the weakest first.

Source: https://dvc.org/doc/user-guide/project-structure/configuration#remote
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from tagline.domain.storage.objects import Remote
from tagline.domain.text.public import lowered_scheme
from tagline.domain.text.similar import suggestion
from tagline.errors import WrongUsage

#: The level of the file that the repository itself carries; the others are this machine's.
REPOSITORY = "repo"
#: Options that are paths, as DVC takes them: relative ones start at the folder of their file.
_PATHS = ("url", "credentialpath", "configpath", "keyfile", "cert_path", "key_path")
_SCHEME_RE = re.compile(r"\w+://")
_MOST_REFERENCES = 10


class Level(NamedTuple):
    """One configuration file: its level, its sections, and the folder that its relative paths start from.

    ``folder`` is None where there is no such folder, because the repository is read without a clone.
    """

    name: str
    sections: Mapping[str, Mapping[str, str]]
    folder: str | None = None


class _Option(NamedTuple):
    value: str
    level: str


@dataclass(frozen=True)
class DvcConfig:
    """The merged configuration. ``home`` is what ``~`` means in paths."""

    default: str | None = None
    remotes: Mapping[str, Mapping[str, _Option]] = field(default_factory=dict)

    @classmethod
    def merge(cls, levels: Sequence[Level], home: str | None = None) -> DvcConfig:
        """Merge files: a later one overrides key by key."""
        default: str | None = None
        remotes: dict[str, dict[str, _Option]] = {}
        for level in levels:
            for name, section in level.sections.items():
                if name == "core" and "remote" in section:
                    default = section["remote"].lower() or None
                elif name.startswith("remote:"):
                    options = remotes.setdefault(name.removeprefix("remote:"), {})
                    for key, value in section.items():
                        resolved = _path(value, level.folder, home) if key in _PATHS else value
                        options[key] = _Option(resolved, level.name)
        return cls(default, remotes)

    def remote(self, name: str | None) -> Remote:
        """A remote by name, the default one for None. Raises WrongUsage where there is none, or no url."""
        wanted = name.lower() if name else self.default
        if wanted is None:
            raise self._no_default()
        return _made(wanted, self._options(wanted, 0))

    def at(self, address: str, options: Mapping[str, str]) -> Remote:
        """What a pointer names by a URL or ``remote://NAME/PATH``, which is the repository's word."""
        given = {key.lower(): _Option(value, REPOSITORY) for key, value in options.items()}
        return _made(address, self._referred({**given, "url": _Option(address, REPOSITORY)}, address, 0))

    def _options(self, name: str, depth: int) -> dict[str, _Option]:
        """The options of a remote; of one that names another (``remote://OTHER/sub``) that one's too."""
        found = self.remotes.get(name)
        if found is None:
            raise WrongUsage(
                f"DVC's configuration has no remote {name!r}.",
                f"{suggestion(name, self.remotes).strip()} Add it: dvc remote add {name} URL".strip(),
                code="unknown-remote",
            )
        if "url" not in found or depth > _MOST_REFERENCES:
            why = "has no url" if "url" not in found else "refers to itself"
            raise WrongUsage(f"DVC's remote {name!r} {why}.", f"Set it: dvc remote modify {name} url URL")
        return self._referred(found, name, depth)

    def _referred(self, found: Mapping[str, _Option], name: str, depth: int) -> dict[str, _Option]:
        url = found["url"]
        try:
            parts = urlsplit(url.value)
        except ValueError:
            raise WrongUsage(
                f"The url of DVC's remote {name!r} is none.", "Check its brackets.", code="bad-url"
            ) from None
        if parts.scheme != "remote":
            return dict(found)
        base = self._options(parts.netloc.lower(), depth + 1)
        # As DVC does it, which makes two slashes of one at the end: on S3 that is another place.
        joined = f"{base['url'].value}/{parts.path.lstrip('/')}"
        # An address is a stranger's as soon as a part of it is.
        level = REPOSITORY if REPOSITORY in (url.level, base["url"].level) else url.level
        return {**base, **found, "url": _Option(joined, level)}

    def _no_default(self) -> WrongUsage:
        if not self.remotes:
            return WrongUsage(
                "No DVC remote is configured, so nobody knows where the bytes are.",
                "Add one and commit .dvc/config: dvc remote add --default NAME URL",
                code="no-storage",
            )
        names = ", ".join(sorted(self.remotes))
        return WrongUsage(
            f"No DVC remote is the default one (there are: {names}).",
            f"Choose one and commit .dvc/config: dvc remote default {sorted(self.remotes)[0]}",
            code="no-storage",
        )


def moved_to(address: str, moved: Mapping[str, str]) -> str:
    """Where an address is now, by the longest of the old ones that it is or lies below; itself where none is."""
    address = lowered_scheme(address)
    old = {lowered_scheme(place).rstrip("/"): lowered_scheme(new).rstrip("/") for place, new in moved.items()}
    found = [place for place in old if address.rstrip("/") == place or address.startswith(f"{place}/")]
    if not found:
        return address
    place = max(found, key=len)
    return old[place] + address[len(place) :]


def _made(name: str, options: Mapping[str, _Option]) -> Remote:
    plain = {key: option.value for key, option in options.items()}
    own = frozenset(key for key, option in options.items() if option.level != REPOSITORY)
    return Remote(name, plain.pop("url"), plain, own)


def _path(value: str, folder: str | None, home: str | None) -> str:
    """A path of a configuration file made absolute, where that can be done; URLs and the rest as they are."""
    if _SCHEME_RE.match(value) or posixpath.isabs(value):
        return value
    if value.startswith("~"):
        # What belongs to another user (~ada/x) is not looked up, and a folder of that name would be a guess.
        return home + value[1:] if home is not None and value[1:2] in ("", "/") else value
    return value if folder is None else posixpath.normpath(posixpath.join(folder, value))
