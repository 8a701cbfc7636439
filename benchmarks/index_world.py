"""A world of repositories to index: bare ones of 100 tags each, made quickly by copying one template.

Each has one model with 40 versions on 40 commits: manifest, pipeline, lock, parameters, metrics, a pointer. All of them
are the same but for their names; nothing that the index reads of one is kept for the next.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from tests.support.gitbuild import Commit, History, Tag, build, run_git

VERSIONS = 40
_START = 1_700_000_000


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


_PIPELINE = """\
stages:
  prepare:
    cmd: python src/prepare.py
    deps: [data/raw.csv, src/prepare.py]
    params: [prepare.split]
    outs: [data/train.csv]
  train:
    cmd: python src/train.py
    deps: [data/train.csv, src/train.py]
    params: [train.lr, train.epochs, train.seed]
    outs: [models/churn.pkl]
    metrics:
    - metrics.json:
        cache: false
"""


def _dep(path: str, md5: str, size: int) -> str:
    return f"    - path: {path}\n      hash: md5\n      md5: {md5}\n      size: {size}\n"


def _lock(number: int) -> str:
    raw, train, model = _md5(f"raw{number // 5}"), _md5(f"train{number}"), _md5(f"model{number}")
    return (
        "schema: '2.0'\nstages:\n  prepare:\n    cmd: python src/prepare.py\n    deps:\n"
        + _dep("data/raw.csv", raw, 10_000 + number)
        + _dep("src/prepare.py", _md5("prepare"), 17)
        + "    params:\n      params.yaml:\n        prepare.split: 0.2\n    outs:\n"
        + _dep("data/train.csv", train, 9_000 + number)
        + "  train:\n    cmd: python src/train.py\n    deps:\n"
        + _dep("data/train.csv", train, 9_000 + number)
        + _dep("src/train.py", _md5("train"), 15)
        + f"    params:\n      params.yaml:\n        train.lr: {number / 1000}\n        train.epochs: {number}\n"
        + "        train.seed: 7\n    outs:\n"
        + _dep("models/churn.pkl", model, 5_000 + number)
        + _dep("metrics.json", _md5(f"metrics{number}"), 60)
    )


def _files(number: int) -> dict[str, str]:
    raw = _md5(f"raw{number // 5}")
    return {
        "artifacts.yaml": "churn:\n  type: model\n  path: models/churn.pkl\n  description: Who leaves\n"
        "  labels: [tabular, retail]\n",
        "dvc.yaml": _PIPELINE,
        "dvc.lock": _lock(number),
        "params.yaml": f"prepare:\n  split: 0.2\ntrain:\n  lr: {number / 1000}\n  epochs: {number}\n  seed: 7\n",
        "metrics.json": '{"accuracy": %s, "auc": 0.9, "loss": 0.1}\n' % (0.9 + number / 1000),
        "data/raw.csv.dvc": f"outs:\n- md5: {raw}\n  size: {10_000 + number}\n  hash: md5\n  path: raw.csv\n",
        "src/prepare.py": "print('prepare')\n",
        "src/train.py": "print('train')\n",
        ".dvc/config": "[core]\n    remote = store\n['remote \"store\"']\n    url = s3://models/dvc\n",
        "README.md": "# Churn\n" + "words " * 200,
    }


def _history(versions: int) -> History:
    commits: list[Commit] = []
    tags: list[Tag] = []
    for number in range(versions):
        name, time, version = f"c{number}", _START + number * 3600, f"v1.{number}.0"
        commits.append(Commit(name, (commits[-1].name,) if commits else (), _files(number), time))
        why = f"\n\nChange: https://github.com/acme/shop/pull/{number}\nApproved-By: ada 0123abc 2026-01-01T00:00:00Z\n"
        tags.append(Tag(f"churn@{version}", name, time + 1, f"Registering artifact churn version {version}{why}"))
        for stage, at in (("staging", 2 * number + 1), *([("prod", 2 * number + 2)] if number % 2 else [])):
            said = f"Assigning stage {stage} to artifact churn version {version}{why}"
            tags.append(Tag(f"churn#{stage}#{at}", name, time + 1 + at % 2, said))
    return History(tuple(commits), tuple(tags), {"main": commits[-1].name})


def template(folder: Path, versions: int = VERSIONS) -> Path:
    """One bare repository, packed as a forge keeps them."""
    path = folder / "template.git"
    build(path, _history(versions), bare=True)
    run_git(path, "gc", "--quiet")
    run_git(path, "config", "http.receivepack", "false")
    for sample in (path / "hooks").glob("*"):
        sample.unlink()
    return path


def copies(template_: Path, folder: Path, count: int) -> list[Path]:
    """So many repositories: the packs are hard links, the rest is copied."""
    paths = []
    for number in range(count):
        path = folder / f"team-{number // 100}" / f"repo-{number:04}.git"
        if not path.exists():
            shutil.copytree(template_, path, copy_function=_linked)
        paths.append(path)
    return paths


def _linked(source: str, target: str) -> str:
    if "/objects/" in source:
        os.link(source, target)
        return target
    return str(shutil.copy2(source, target))


def add_tag(path: Path, number: int) -> None:
    """A new version on the newest commit, of a repository that changed."""
    run_git(path, "tag", "--annotate", f"churn@v2.{number}.0", "--message", "Registering", "main")
