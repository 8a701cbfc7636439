"""What any other machine says: a person's, or a CI that we do not know and that says no more than ``CI``."""

from __future__ import annotations

from collections.abc import Mapping

from tagline.settings.runner import TAGGER, RunnerSettings
from tagline.settings.variables import is_true


def read(environ: Mapping[str, str]) -> RunnerSettings:
    """Whether it is a CI at all."""
    ci = is_true(environ.get("CI"))
    return RunnerSettings(ci=ci, tagger=TAGGER if ci else None)
