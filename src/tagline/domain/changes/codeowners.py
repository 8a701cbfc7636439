"""CODEOWNERS: who owns a path, as GitHub and as GitLab read the file.

They agree on the patterns that most people write, and differ in the rest: on GitLab ``docs`` is a
file and ``docs/**`` only what lies directly in it.

Sources: docs.github.com, "About code owners"; docs.gitlab.com, user/project/codeowners/reference
and .../advanced; for what those leave open, GitLab's ee/lib/gitlab/code_owners/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Literal

from tagline.domain.text.patterns import PathPattern, github_pattern, gitlab_pattern

Flavour = Literal["github", "gitlab"]

#: Where the file is looked for; the first that is there counts, alone.
LOCATIONS: dict[Flavour, tuple[str, ...]] = {
    "github": (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
    "gitlab": ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"),
}
#: Bytes; GitHub does not read a larger one.
MAX_CODEOWNERS = 3 * 1024 * 1024

# A pattern ends at the first blank without a backslash.
_LINE = re.compile(r"((?:[^\s\\]|\\.)++)(?:\s+(.*))?", re.ASCII)
_OWNERS: dict[Flavour, re.Pattern[str]] = {
    "github": re.compile(r"@[\w-]+(/[\w.-]+)?|[^@\s]+@[^@\s]+", re.ASCII),
    # "@@developer" is a role.
    "gitlab": re.compile(r"@?@[\w.-]+(/[\w.-]+)*|[^@\s]+@[^@\s]+", re.ASCII),
}
# "[Name]", "^[Name]" (optional), "[Name][2]" (approvals), each with default owners.
_SECTION = re.compile(r"\^?\[([^\]]*)\](?:\[[0-9]*\])?(?:\s+(.*))?", re.ASCII)
# GitLab's own name of the section for lines before the first header.
_UNNAMED = "codeowners"


@dataclass(frozen=True)
class _Rule:
    """One line. An ``excludes`` line takes its paths out of its section."""

    pattern: PathPattern
    owners: tuple[str, ...]
    excludes: bool = False


@dataclass
class _Section:
    """Rules of which the last that matches a path decides."""

    rules: list[_Rule] = field(default_factory=list)
    exclusions: list[_Rule] = field(default_factory=list)

    def add(self, rule: _Rule) -> None:
        (self.exclusions if rule.excludes else self.rules).append(rule)

    def owners(self, path: str) -> tuple[str, ...]:
        # GitLab's exclusions hold wherever they stand in the section.
        if any(rule.pattern.matches(path) for rule in self.exclusions):
            return ()
        return next((rule.owners for rule in reversed(self.rules) if rule.pattern.matches(path)), ())


class Codeowners:
    """A CODEOWNERS file that has been read. GitHub knows no sections: it has one."""

    def __init__(self, sections: Iterable[_Section]) -> None:
        self._sections = tuple(sections)

    def owners(self, path: str) -> tuple[str, ...]:
        """The owners of a file, as written: ``@alice``, ``@org/team``, ``a@b.c``, GitLab's ``@@role``.

        ``path`` is relative to the repository's root. Empty when nobody owns it.
        """
        found = (owner for section in self._sections for owner in section.owners(path))
        return tuple(dict.fromkeys(found))


def parse_codeowners(text: str, flavour: Flavour) -> Codeowners:
    """Read a CODEOWNERS file. Never raises: a line that the forge calls invalid counts for nothing."""
    lines = [line for raw in text.split("\n") if (line := raw.strip()) and not line.startswith("#")]
    return Codeowners(_gitlab_sections(lines) if flavour == "gitlab" else _github_sections(lines))


def _github_sections(lines: Sequence[str]) -> Iterable[_Section]:
    section = _Section()
    for line in lines:
        if match := _LINE.fullmatch(line):
            pattern = github_pattern(match[1])
            owners = tuple(takewhile(lambda word: not word.startswith("#"), (match[2] or "").split()))
            if pattern and all(_OWNERS["github"].fullmatch(owner) for owner in owners):
                section.add(_Rule(pattern, owners))
    return [section]


def _gitlab_sections(lines: Sequence[str]) -> Iterable[_Section]:
    sections = {_UNNAMED: _Section()}
    section = sections[_UNNAMED]
    defaults: tuple[str, ...] = ()
    for line in lines:
        if header := _SECTION.match(line):
            section = sections.setdefault(header[1].casefold(), _Section())
            defaults = _gitlab_owners(header[2] or "")
        elif rule := _gitlab_rule(line, defaults):
            section.add(rule)
    return sections.values()


def _gitlab_rule(line: str, defaults: tuple[str, ...]) -> _Rule | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    excludes = match[1].startswith("!")
    pattern = gitlab_pattern(match[1].removeprefix("!"))
    # Text without any owner in it still takes the place of the default owners.
    owners = defaults if match[2] is None else _gitlab_owners(match[2])
    return _Rule(pattern, owners, excludes)


def _gitlab_owners(text: str) -> tuple[str, ...]:
    """The words that can be owners. GitLab knows no comments behind a pattern: who is named there owns too."""
    return tuple(word for word in text.split() if _OWNERS["gitlab"].fullmatch(word))
