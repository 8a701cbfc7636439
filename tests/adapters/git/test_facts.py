"""What commits say of themselves, read by real git; signatures by real keys where ssh-keygen is (e2e)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tagline.adapters.git.facts import commit_facts
from tagline.adapters.git.running import find_repository, open_git
from tagline.domain.ledger.commits import Signature
from tests.support.gitbuild import Commit, History, build, run_git


def facts(folder: Path, commit: str):
    return commit_facts(open_git(find_repository(folder)), commit)


def raw_commit(folder: Path, tree: str, header: str) -> str:
    text = f"tree {tree}\nauthor Bo <b@x.example> 1700000000 +0100\ncommitter Cy <c@x.example> 1700000100 +0000\n"
    return run_git(
        folder, "hash-object", "-t", "commit", "-w", "--stdin", stdin=f"{text}{header}\nA title\n\nmore\n".encode()
    ).strip()


def test_facts__plain_commit__is_who_and_when(tmp_path: Path) -> None:
    ids = build(tmp_path, History((Commit("c0", files={"a": "1"}),)))
    commit = raw_commit(tmp_path, ids["tree:c0"], "")
    found = facts(tmp_path, commit)
    assert found == (
        commit, "Bo", "b@x.example", 1_700_000_000, "Cy", 1_700_000_100, "A title", Signature(),
    )  # fmt: skip


def test_facts__signature_that_nobody_can_check__is_unverified(tmp_path: Path) -> None:
    ids = build(tmp_path, History((Commit("c0", files={"a": "1"}),)))
    header = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQEz\n =abcd\n -----END PGP SIGNATURE-----\n"
    assert facts(tmp_path, raw_commit(tmp_path, ids["tree:c0"], header)).signature.status in ("unverified", "bad")
    assert facts(tmp_path, raw_commit(tmp_path, ids["tree:c0"], header)).signature.kind == "openpgp"


@pytest.mark.e2e
@pytest.mark.parametrize(("known", "status"), [(True, "good"), (False, "unverified")])
def test_facts__ssh_signature__is_as_good_as_the_keys_that_are_known(
    tmp_path: Path, known: bool, status: str, clean_environment: None
) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    folder = tmp_path / "repo"
    build(folder, History((Commit("c0", files={"a": "1"}),)), checkout=True)
    for name, value in (("gpg.format", "ssh"), ("user.signingkey", str(key))):
        run_git(folder, "config", name, value)
    if known:
        (tmp_path / "signers").write_text(f"ada@example.com {(tmp_path / 'key.pub').read_text()}")
        run_git(folder, "config", "gpg.ssh.allowedSignersFile", str(tmp_path / "signers"))
    run_git(folder, "commit", "--allow-empty", "--quiet", "--gpg-sign", "--message", "Signed")
    signature = facts(folder, run_git(folder, "rev-parse", "HEAD").strip()).signature
    assert (signature.status, signature.kind) == (status, "ssh")
    assert signature.signer == ("ada@example.com" if known else None)
