"""What a commit says of itself, and what git says of its signature."""

from __future__ import annotations

from tagline.adapters.git.running import Git
from tagline.domain.ledger.commits import CommitFacts, read_commit, verified


def commit_facts(git: Git, commit: str) -> CommitFacts:
    """A commit that is here. Its signature is checked with the keys of this machine, where there are any.

    Raises PlatformRefused for a commit that is not here.
    """
    text = git.run("cat-file", "commit", commit).stdout.decode(errors="replace")
    facts = read_commit(commit, text)
    if facts.signature.status == "none":
        return facts
    # gpg that is not installed, keys that are not known: git says so with E or N, which is no verdict.
    said = git.run("log", "-1", "--no-show-signature", "--format=%G?%x00%GS%x00%GF", commit, check=False)
    state, signer, key, *_ = [*said.stdout.decode(errors="replace").rstrip("\n").split("\0"), "", "", ""]
    return verified(facts, state, signer, key)
