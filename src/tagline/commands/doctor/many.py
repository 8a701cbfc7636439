"""One report over many repositories: what is asked of a forge about each, some at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from tagline.commands.doctor.questions import Question, answers
from tagline.domain.doctor.checks import Check
from tagline.errors import TaglineError

_AT_ONCE = 4
#: More nobody reads in one report, and a token's rate limit ends sooner.
MOST = 500


def look_at_all(repositories: Iterable[str], of: Callable[[str], list[Question]]) -> list[Check]:
    """Every repository's checks, by its name; one that cannot be read is a line that says so."""
    names = list(islice(repositories, MOST + 1))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = [check for checks in pool.map(lambda name: _look(name, of), sorted(names[:MOST])) for check in checks]
    if len(names) > MOST:
        hint = "Look at smaller groups, one after the other."
        found.append(Check("token", "unknown", f"There are more than {MOST} repositories; these are some.", hint))
    return found


def _look(name: str, of: Callable[[str], list[Question]]) -> list[Check]:
    try:
        checks = answers(of(name))
    except TaglineError as error:
        checks = [Check("token", "unknown", error.message, error.hint)]
    return [check._replace(repository=name) for check in checks]
