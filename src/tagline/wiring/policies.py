"""What a policy is made of beside its own file: the file that it extends, and the platform team's floor."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from tagline.domain.changes.policy import MAX_POLICY, Extends
from tagline.domain.text.public import public
from tagline.errors import NotFound, WrongUsage
from tagline.formats.policy import Outside
from tagline.settings import Settings

if TYPE_CHECKING:
    from tagline.domain.changes.policy import Policy
    from tagline.wiring.registry import Wiring

_COMMIT_RE = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def outside_of(settings: Settings, forge: str | None, api_url: str | None) -> Outside:
    """What is read with the rights of this job, each once a run. ``forge`` and ``api_url`` say where owner/name is."""

    @cache
    def floor() -> tuple[str, bytes] | None:
        if settings.policy_floor is None:
            return None
        from tagline.adapters.policy_floor import read_floor

        return f"the policy floor {public(settings.policy_floor)}", read_floor(settings.policy_floor, MAX_POLICY)

    @cache
    def read_base(extends: Extends) -> bytes:
        from tagline.wiring.registry import Wiring

        if extends.repo.startswith((".", "/", "~")):
            raise NotFound(
                f"extends: {extends.repo} is a folder of one machine.",
                "Name the repository as owner/name on the same forge, or by its URL.",
            )
        ref = extends.ref if _COMMIT_RE.fullmatch(extends.ref) else f"refs/tags/{extends.ref}"
        wiring = Wiring(settings, extends.repo, forge, api_url, named_by="policy")
        try:
            found = wiring.file_of_remote(ref, extends.path, MAX_POLICY)
        except WrongUsage as error:
            raise NotFound(f"extends: {error.message}", error.hint) from error
        except NotFound as error:
            raise NotFound(
                f"extends: there is no tag or commit {extends.ref!r} in {extends.repo}, or this job may not read it.",
                "Name a tag, or a full commit id: a branch would change what a merged change was judged by.",
            ) from error
        if found is None:
            raise NotFound(
                f"extends: there is no file {extends.path!r} in {extends.repo}@{extends.ref}.", "Check path."
            )
        return found

    return Outside(floor, read_base)


def policy_now(settings: Settings, wiring: Wiring) -> Policy:
    """The policy of a repository's default branch as its remote has it. Raises PlatformRefused."""
    from tagline.formats.policy import judge_policy  # here, because it parses YAML

    return judge_policy(wiring.policy(fresh=True), outside_of(settings, wiring.forge, wiring.api_url))
