"""What a remote's refusal means, and what its owner or the caller must change."""

from __future__ import annotations

import re
from pathlib import Path

from tagline.adapters.git.running import plain_stderr
from tagline.domain.text.public import public
from tagline.errors import PlatformRefused

#: How a job of GitHub's gets an App's token, with all that the App may do.
_APP = (
    "  - uses: actions/create-github-app-token@v3\n"
    "    id: app\n"
    "    with: {client-id: ${{ vars.TAGLINE_APP }}, private-key: ${{ secrets.TAGLINE_APP_KEY }}}\n"
    "  and pass token: ${{ steps.app.outputs.token }}"
)
# (what the remote says, our code, cause, fix); the first that matches wins.
_REFUSALS = (
    (
        # GitHub says it with a ruleset's words around it, or without.
        r"create or update workflow|without `?workflows?`? (permission|scope)",
        "workflows",
        "their commit has a file under .github/workflows that no branch has now, and the token may not write workflows",
        "Use the token of an App that has the permission Workflows: write (the GITHUB_TOKEN of a workflow cannot have "
        f"it; a personal token needs the scope workflow):\n{_APP}",
    ),
    (
        r"GH013|repository rule violations|Cannot create ref due to creations being restricted",
        "ruleset",
        "a ruleset guards these tags",
        f"Let an App bypass the ruleset and use its token (the GITHUB_TOKEN of a workflow cannot bypass one):\n{_APP}",
    ),
    (
        r"protected tag|You are not allowed to create this tag|GitLab: You are not allowed to create",
        "protected-tag",
        "a protected tag pattern covers these tags",
        "In GitLab: Settings > Repository > Protected tags, allow the bot user to create them, and run with "
        "its token as TAGLINE_TOKEN (a protected variable).",
    ),
    (
        r"Resource not accessible by integration|Write access to repository not granted|"
        r"Permission to .* denied|returned error: 403|You are not allowed to (push|upload)|insufficient permission",
        "no-write-permission",
        "the token may not write here",
        "GitHub: give the job permissions: contents: write (a fork's pull_request run never has it). "
        "GitLab: use a project token with write_repository as TAGLINE_TOKEN; a job token may push only where "
        "Settings > CI/CD > Job token permissions > Allow Git push requests is on.",
    ),
    (
        r"authentication failed|could not read username|terminal prompts disabled|returned error: 401|"
        r"permission denied \(publickey",
        "access-denied",
        "the credentials are missing or wrong",
        "Set TAGLINE_TOKEN, or check Git's own credentials for this remote.",
    ),
    (
        r"hidden ref|deny updating",
        "guard-refused",
        "it refuses the ref under refs/tagline/ that keeps concurrent runs apart",
        "Allow pushes to refs/tagline/* for this token.",
    ),
    (
        r"hook declined|rejected by|declined",
        "hook-declined",
        "a hook on the server declined them",
        "Its words above say why; ask the remote's administrator.",
    ),
)


_MISSING_RE = re.compile(
    r"does not exist|not found|does not appear to be a git repository|repository '[^']*' not found", re.I
)
#: How long curl tried.
_TOOK_RE = re.compile(r" after [0-9]+ ms(?=:)")
_DENIED_RE = re.compile(
    r"authentication failed|could not read username|permission denied|access denied|invalid username|"
    r"terminal prompts disabled|returned error: 40[13]|http basic",
    re.I,
)


def unreachable(url: str, stderr: str) -> PlatformRefused:
    """The error for a remote that did not answer, by what git said of it; the same one each time."""
    shown, said = public(url), _TOOK_RE.sub("", plain_stderr(stderr))
    if _DENIED_RE.search(said):
        return PlatformRefused(
            f"{shown} does not let us in: {said}",
            "Give a token that may read it: TAGLINE_REPO_TOKEN for --repo (to TAGLINE_REPO_HOST alone, where that is "
            "set), TAGLINE_TOKEN for this job's own repository. GitHub: permission contents: read. GitLab: scope "
            "read_repository.",
            code="access-denied",
        )
    if _MISSING_RE.search(said):
        return PlatformRefused(
            f"There is no repository at {shown}: {said}",
            "Check the URL. A private repository without a token looks the same: set TAGLINE_REPO_TOKEN for --repo, "
            "TAGLINE_TOKEN for this job's own repository.",
            code="no-remote-repository",
        )
    if "transport" in said and "not allowed" in said:
        return PlatformRefused(
            f"{shown} is no Git transport that Tagline uses.", "Use https, ssh, git or file.", code="bad-transport"
        )
    fix = "Check the network and try again."
    if "certificate" in said:
        fix = "A private authority's certificate: name its bundle in GIT_SSL_CAINFO, or make this machine trust it."
    return PlatformRefused(f"{shown} cannot be reached: {said}", fix, code="unreachable")


def refused_push(url: str, said: str, what: str = "these tags, and wrote none of them") -> PlatformRefused:
    """The error for a push that failed for good, or whose end nobody saw; ``what`` was pushed."""
    shown = public(url)
    words = plain_stderr("\n".join(line for line in said.splitlines() if not line.startswith(("To ", "Done"))))
    for pattern, code, cause, fix in _REFUSALS:
        if re.search(pattern, said, re.I):
            return PlatformRefused(f"{shown} refused {what}: {cause}. It said: {words}", fix, code=code)
    return PlatformRefused(
        f"The push to {shown} failed: {words}",
        "Run the same command again when the remote is back: what is done already is not done twice.",
        code="push-failed",
    )


def cache_unwritable(folder: Path, error: OSError) -> PlatformRefused:
    """The refusal where the cache's folder takes nothing."""
    return PlatformRefused(
        f"The cache folder {folder} cannot be written: {error.strerror}.",
        "Name another: TAGLINE_CACHE=/path",
        code="cache",
    )
