"""Hostile text wherever a repository can put it, through to the rows of every table."""

from __future__ import annotations

import json
from pathlib import Path

from tagline.adapters.git.running import Git
from tagline.domain.delivery.book import Book, Report, to_record
from tagline.domain.index.tables import TABLES
from tagline.domain.ledger.records import FILE, Actor, commit_message, encode
from tests.support.gitbuild import Commit, History, Tag, build, run_git
from tests.support.index_runs import Run, rows
from tests.support.indexes import HOSTILE
from tests.support.sites import picture

EVIL = HOSTILE.replace("\n", " ").replace("\r", " ")
#: As a path of Git may be, and as a branch may.
NAMED, BRANCH = EVIL.replace("/", "|"), "x';$(x)<script>\u202e"
TEXT, PATH = json.dumps(EVIL), json.dumps(NAMED)
METRICS, PARAMS, CARD = (json.dumps(f"{NAMED}.{suffix}") for suffix in ("json", "yaml", "md"))
#: By which all of them are known.
MARK = "\u202e"
#: Columns of text that a grammar bounds, whatever the repository says, by their names or with that of their table.
BOUNDED = {
    "repository", "visibility", "artifact", "version", "stage", "tag", "commit", "latest", "url", "forge",
    "fingerprint", "status", "event", "kind", "state", "sha256", "repositories.reason",
    "images.path", "images.type", "images.data", "pins.target", "pins.digest",
}  # fmt: skip
#: Of what a deployment's record and a lock say; that is nobody's tag.
TOLD = {"deployments.stage", "deployments.version", "deployments.tag", "pins.version"}


def files(md5: str) -> dict[str, str | bytes]:
    said = json.dumps({EVIL: EVIL})
    pin = {
        "target": "rf#prod", "repository": f"https://h/{EVIL}", "version": EVIL, "commit": "a" * 40, "tag": EVIL,
        "tag_object": "b" * 40, "digest": "md5:" + "c" * 32,
    }  # fmt: skip
    return {
        "tagline.lock": json.dumps({"version": 1, "pins": {EVIL: pin}}),
        "artifacts.yaml": f"rf:\n  type: {TEXT}\n  path: {PATH}\n  description: {TEXT}\n  labels: [{TEXT}]\n"
        f"  card: {CARD}\n  metrics: {METRICS}\n",
        f"{NAMED}.json": json.dumps({EVIL: 1, "nan": float("nan"), "huge": 10**400}),
        f"{NAMED}.md": f"---\nowner: {TEXT}\nlicense: {TEXT}\nintended_use: {TEXT}\nrisk_tier: {TEXT}\ndata: {TEXT}\n"
        f"---\n![x](x.png) ![y](%E2%80%AE.png)\n{EVIL}\n",
        "x.png": picture(),
        f"{MARK}.png": picture(),  # a path that cannot be printed is no picture's
        "dvc.yaml": f"stages:\n  {PATH}:\n    cmd: x\n    deps: [{PATH}, imported]\n    params: [{PARAMS}: [{TEXT}]]\n"
        f"    outs: [{PATH}]\n",
        "dvc.lock": f"schema: '2.0'\nstages:\n  {PATH}:\n    cmd: x\n    deps:\n    - path: imported\n"
        f"      md5: {TEXT}\n    params:\n      {PARAMS}: {said}\n    outs:\n    - path: {PATH}\n      md5: {md5}\n",
        f"{NAMED}.yaml": said,
        "imported.dvc": f"frozen: true\ndeps:\n- path: {TEXT}\n  repo:\n    url: {TEXT}\n    rev_lock: {TEXT}\nouts:\n"
        f"- path: imported\n  md5: {TEXT}\n",
        ".dvc/config": f"[core]\n    remote = r\n['remote \"r\"']\n    url = s3://b/{MARK}';\n",
    }


def repository(path: Path) -> Path:
    """Manifest, pipeline, card, branch and tags are all of a stranger."""
    message = f"x\n\nChange: https://h/{EVIL}\nApproved-By: {EVIL}\nReason: {EVIL}\nTicket: {EVIL}\n"
    message += f"Artifact-Sha256: {EVIL}\n"
    tags = (
        Tag("rf@v1.0.0", "c0", message=message, tagger=f"{NAMED.replace('<', '[').replace('>', ']')} <a@b>"),
        Tag("rf#prod#1", "c0", 1_700_000_001, message=message),
        Tag("rf@v1.1.0", "c1", 1_700_000_002),
    )
    commits = (Commit("c0", (), files(TEXT)), Commit("c1", ("c0",), files(json.dumps("0" * 32))))
    build(path, History(commits, tags, {BRANCH: "c1"}), bare=True)
    run_git(path, "symbolic-ref", "HEAD", f"refs/heads/{BRANCH}")
    return path


def deliver(path: Path) -> None:
    """What a deployment said, with all that a stranger's record can say."""
    commit = run_git(path, "rev-parse", "HEAD").strip()
    report = Report(EVIL, commit, EVIL, EVIL, "success", EVIL, f"https://h/{EVIL}", None, EVIL, 1_700_000_002)
    record = to_record(Book(reports=(report,)), Actor("x", "x@y"), 1_700_000_002)
    git = Git(path)
    blob = git.run("hash-object", "-w", "--stdin", stdin=encode(record)).stdout.decode().strip()
    tree = git.run("mktree", stdin=f"100644 blob {blob}\t{FILE}\n".encode()).stdout.decode().strip()
    new = git.run("commit-tree", tree, "-F", "-", stdin=commit_message(record)).stdout.decode().strip()
    run_git(path, "update-ref", "refs/tagline/rf@delivery", new)


def test_hostile__text_in_every_column__is_text_there(run: Run, tmp_path: Path) -> None:
    path = repository(tmp_path / "r.git")
    deliver(path)
    ran, index = run(path), tmp_path / "index"
    assert (ran.code, ran.failed) == (0, [])
    reached, every = set(), set()
    for table, described in TABLES.items():
        found = rows(index, table)
        assert found, table
        for place, column in enumerate(described.columns):
            name = f"{table}.{column.name}"
            if column.kind.startswith("VARCHAR") and (name in TOLD or not {name, column.name} & BOUNDED):
                every.add(name)
            cells = [row[place] for row in found]
            texts = [text for cell in cells for text in (cell if isinstance(cell, list) else [str(cell)])]
            if any(MARK in text for text in texts):
                reached.add(name)
    assert reached == every
    assert run(path).unchanged == 1
