"""A step that would have to run again: what ``dvc status`` says after a commit, a lineage says from Git alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.lineage.pipeline_world import World
from tests.commands.lineage.reading import ours
from tests.oracle.dvc_world import in_dvc, surroundings, write

pytestmark = pytest.mark.oracle

Act = Callable[[Path], Any]


def put(path: str, before: str, after: str) -> Act:
    def act(root: Path) -> None:
        text = (root / path).read_text()
        assert before in text
        (root / path).write_text(text.replace(before, after))

    return act


def more(path: str, text: str = "# more\n") -> Act:
    return lambda root: write(root / path, ((root / path).read_text() if (root / path).exists() else "") + text)


def gone(path: str) -> Act:
    return lambda root: (root / path).unlink()


def both(*acts: Act) -> Act:
    return lambda root: [act(root) for act in acts]


@pytest.fixture(scope="module")
def one_clone(pipeline_world: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    return pipeline_world.clone(tmp_path_factory.mktemp("stale") / "own", "churn@v1.3.0")


@pytest.fixture
def clone(one_clone: World) -> Iterator[World]:
    """The last version's files, all as its steps left them."""
    yield one_clone
    one_clone.git("reset", "--quiet", "--hard", "churn@v1.3.0")
    one_clone.git("clean", "--quiet", "-fd")


def after(clone: World, act: Act) -> tuple[Any, dict[str, set[tuple[str, str | None]]]]:
    """What DVC says of the work tree, and what we say of the commit, by artifact."""
    with surroundings(clone.home):
        act(clone.root)
        clone.git("add", "--all")
        clone.git("commit", "--quiet", "--message", "changed")
        said = in_dvc(clone.root, lambda repo: repo.status())
    own = {name: {(row.step, row.path) for row in ours(clone, "HEAD", name).stale} for name in ("churn", "sub:report")}
    return said, own


def rows_of(said: dict[str, list[Any]]) -> set[tuple[str, str | None]]:
    """DVC's status as pairs: step, and the file that is not as it was (None: its command)."""
    rows: set[tuple[str, str | None]] = set()
    for step, words in said.items():
        for word in words:
            if isinstance(word, str):
                assert word == "changed command"
                rows.add((step, None))
            else:
                rows.update((step, path) for changed in word.values() for path in changed)
    return rows


CHANGES: dict[str, Act] = {
    "code": more("src/train.py"),
    "line ends": lambda root: write(
        root / "src/train.py", (root / "src/train.py").read_bytes().replace(b"\n", b"\r\n")
    ),
    "code that only measures": more("src/evaluate.py"),
    "code of a folder": more("src/common/tools.py"),
    "code more in a folder": more("src/common/new.py"),
    "code that is gone": gone("src/train.py"),
    "a folder that is gone": lambda root: shutil.move(root / "src/common", root / "src/uncommon"),
    "a parameter": put("params.yaml", "lr: 0.3", "lr: 0.4"),
    "a parameter of another type": put("params.yaml", "epochs: 5", "epochs: true"),
    "a parameter, written otherwise": put("params.yaml", "epochs: 5", "epochs: 5.0"),
    "a parameter more in a group": put("params.yaml", "lr: 0.3", "lr: 0.3\n  new: 1"),
    "a parameter less in a group": put("params.yaml", "  dropout: 0.2\n", ""),
    "a parameter of two steps that is gone": put("params.yaml", "seed: 7\n", ""),
    "a parameter of nobody": put("params.yaml", "still of nobody", "of nobody at all"),
    "a parameter in JSON": put("config/eval.json", '"threshold": 0.5', '"threshold": 0.6'),
    "a parameter in JSON, of nobody": put("config/eval.json", '"other": 1', '"other": 2'),
    "a metrics file": put("metrics/train.toml", "epochs", "epocks"),
    "a metrics file that is gone": gone("metrics/train.toml"),
    "a folder that Git keeps": more("reports/all.txt"),
    "a command": put("dvc.yaml", "cmd: python3 -S src/train.py", "cmd: python3 -S src/train.py --more"),
    "a variable of a command": put("dvc.yaml", "cut: 3", "cut: 4"),
    "a large file of code": more("src/train.py", "#" * 2_000_000),
    "a command's blanks": put("dvc.yaml", "src/train.py\n    deps", "src/train.py  \n    deps"),
    "a dependency more": put("dvc.yaml", "src/evaluate.py]", "src/evaluate.py, src/baseline.py]"),
    "a dependency less": put("dvc.yaml", "data/holidays.csv, src/common", "src/common"),
    "an out more": put("dvc.yaml", "outs: [models/churn.pkl]", "outs: [models/churn.pkl, models/new.pkl]"),
    "a parameter more": put("dvc.yaml", "params: [train, seed]", "params: [train, seed, unused]"),
    "nothing": more("README.md"),
    "much at once": both(more("src/prepare.py"), put("params.yaml", "lr: 0.3", "lr: 3"), gone("src/evaluate.py")),
}


@pytest.mark.parametrize("what", CHANGES)
def test_stale__something_changed_without_a_run__is_what_dvc_status_says(clone: World, what: str):
    said, own = after(clone, CHANGES[what])
    assert own["churn"] == rows_of(said)
    # The report is made from the model, and by no step that measures the model.
    assert own["sub:report"] == {row for row in rows_of(said) if row[0] != "evaluate"}


OF_THE_REPORT: dict[str, Act] = {
    "a file of parameters": gone("sub/limits.yaml"),
    "a list of commands": put("sub/dvc.yaml", "printf done", "printf did"),
    "code beside": more("sub/code/score.py"),
    "figures in Git": more("sub/report.json", " "),
}


@pytest.mark.parametrize("what", OF_THE_REPORT)
def test_stale__something_changed_in_a_folder_below__is_what_dvc_status_says(clone: World, what: str):
    said, own = after(clone, OF_THE_REPORT[what])
    assert rows_of(said)
    assert own == {"churn": set(), "sub:report": rows_of(said)}


def test_stale__data_was_added_anew__is_what_dvc_status_says(pipeline_world: World, tmp_path: Path):
    clone = pipeline_world.clone(tmp_path / "own")

    def act(root: Path) -> None:
        write(root / "data/raw.csv", "1,1\n")
        in_dvc(root, lambda repo: (repo.add("data/raw.csv"), repo.update(["data/shops.csv.dvc"], rev="v1")))

    said, own = after(clone, act)
    assert own["churn"] == rows_of(said) == {("prepare", "data/raw.csv"), ("prepare", "data/shops.csv")}


def test_stale__all_was_run__is_nothing_in_any_version(pipeline_world: World):
    assert [ours(pipeline_world, f"churn@{version}").stale for version in pipeline_world.commits] == [()] * 4


# -- where we say something else, on purpose ---------------------------------------


def test_stale__frozen_step__is_told_though_dvc_is_silent(clone: World):
    # Who froze a step does not want it run again; who reviews the model wants to know that the code is another one.
    freeze = put("dvc.yaml", "  train:\n", "  train:\n    frozen: true\n")
    said, own = after(clone, both(freeze, more("src/train.py")))
    assert said == {}
    assert own["churn"] == {("train", "src/train.py")}


def test_stale__step_that_always_runs__is_not_called_changed(clone: World):
    # Nothing in the commit differs from what it read.
    said, own = after(clone, put("dvc.yaml", "  train:\n", "  train:\n    always_changed: true\n"))
    assert said == {"train": ["always changed"]}
    assert own["churn"] == set()


def test_stale__step_that_never_ran__is_behind_nothing_yet(clone: World):
    step = "  more:\n    cmd: echo\n    deps: [models/churn.pkl]\n    metrics: [m2.json]\nmetrics: [metrics/people"
    said, own = after(clone, put("dvc.yaml", "metrics: [metrics/people", step))
    assert said.keys() == {"more"}
    assert own["churn"] == set()


def test_stale__step_of_another_name_now__is_of_no_bytes(clone: World):
    # DVC knows the new name only, which never ran: what the lock says of the old one does not count.
    said, own = after(clone, put("dvc.yaml", "  train:\n", "  trained:\n"))
    assert said.keys() == {"trained"}
    found = ours(clone, "HEAD")
    assert (found.content.digest, found.graph.upstream) == (None, [])
    assert own["churn"] == set()


def test_stale__folder_with_compiled_files__is_not_said_to_be_another_one(pipeline_world: World, tmp_path: Path):
    # DVC hashed what it saw, also what Git never gets: nobody can tell from the commit whether the rest changed.
    clone = pipeline_world.clone(tmp_path / "own")
    write(clone.root / ".gitignore", "__pycache__\n")
    write(clone.root / "src/common/__pycache__/tools.pyc", "compiled")
    with surroundings(clone.home):
        in_dvc(clone.root, lambda repo: repo.reproduce(all_pipelines=True, pull=False))
    said, own = after(clone, lambda root: None)
    assert said == {}
    assert own["churn"] == set()
    [gap] = [one.message for one in ours(clone, "HEAD").warnings if one.message.startswith("Whether")]
    assert gap == (
        "Whether src/common is what prepare read could not be checked: DVC saw files in it that are not in Git; "
        "nor could 1 other."
    )


def test_stale__folder_of_which_dvc_ignores_files__is_not_judged(clone: World):
    said, own = after(clone, both(more(".dvcignore", "*.md\n"), more("src/common/notes.md")))
    assert not any(step in ("prepare", "train") for step in said)
    assert own["churn"] == set()
