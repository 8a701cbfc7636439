"""describe: one artifact's entry, and only mistakes that concern it."""

from __future__ import annotations

import pytest

from tagline.commands.manifest.describe import describe
from tagline.domain.manifest.manifest import ManifestEntry, MlflowRun
from tagline.errors import Exit, ManifestUnreadable
from tests.support.fakes import MemoryTree


def test_describe__artifacts_yaml__gives_every_field():
    text = (
        "rf:\n  type: model\n  path: m/../x.pkl\n  description: d\n  labels: [a]\n  custom: {k: 1}\n"
        "  virtual: true\n  metrics: m.json\n  mlflow: {run_id: r, tracking_uri: u}\n"
    )
    assert describe("dir/sub:rf", MemoryTree({"dir/sub/artifacts.yaml": text})) == ManifestEntry(
        name="dir/sub:rf",
        file="dir/sub/artifacts.yaml",
        line=1,
        type="model",
        path="dir/sub/x.pkl",
        description="d",
        labels=("a",),
        custom={"k": 1},
        virtual=True,
        metrics="dir/sub/m.json",
        mlflow=MlflowRun("r", "u"),
    )


def test_describe__dvc_yaml__takes_desc_meta_and_our_fields():
    meta = "{k: 1, tagline: {metrics: {auc: 1}}}"
    text = f"stages: {{}}\nartifacts:\n  rf:\n    path: x\n    desc: d\n    meta: {meta}\n"
    entry = describe("rf", MemoryTree({"dvc.yaml": text}))
    assert entry is not None
    assert (entry.description, entry.custom, entry.metrics, entry.line) == ("d", {"k": 1}, {"auc": 1}, 3)


def test_describe__template__is_resolved():
    tree = MemoryTree({"d/dvc.yaml": "artifacts: {rf: {path: '${p}/x'}}", "d/params.yaml": "p: q"})
    entry = describe("d:rf", tree)
    assert entry is not None
    assert entry.path == "d/q/x"


def test_describe__unknown_artifact_or_no_manifest__is_none():
    assert describe("other", MemoryTree({"artifacts.yaml": "rf: {}"})) is None
    assert describe("rf", MemoryTree({})) is None
    assert describe("rf", MemoryTree({"artifacts.yaml": "# empty\n"})) is None


def test_describe__any_artifact__reads_its_directory_only():
    tree = MemoryTree({"a/artifacts.yaml": "rf: {}", "artifacts.yaml": "rf: {}", "b/artifacts.yaml": ""})
    describe("a:rf", tree)
    assert set(tree.reads) <= {"a/artifacts.yaml", "a/dvc.yaml"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("rf: [", 1),
        ("- rf", 1),
        ("a: {}\nrf: x.pkl\n", 2),
        ("a: {}\nrf: {path: 1}\n", 2),
        ("rf: {}\nrf: {}\n", 2),
        ("a: {}\nrf:\n  path: !file x\n", 3),
    ],
)
def test_describe__entry_malformed__names_file_line_and_snapshot(text: str, line: int):
    with pytest.raises(ManifestUnreadable) as caught:
        describe("rf", MemoryTree({"artifacts.yaml": text}, label="commit 1a2b3c4"))
    assert f"artifacts.yaml, line {line}, in commit 1a2b3c4" in caught.value.message
    assert caught.value.hint
    assert (caught.value.exit_code, caught.value.code) == (Exit.FINDINGS, "manifest-unreadable")


@pytest.mark.parametrize(
    "text",
    [
        "rf: {path: x}\nother: 3\n",
        "rf: {path: x}\nother: {}\nother: {}\n",
        "rf: {path: x, pth: y, labels: 3}\n",
        "rf: {path: x, description: 2026-01-01}\n1: {}\n",
    ],
)
def test_describe__mistakes_that_leave_the_entry_readable__do_not_matter(text: str):
    entry = describe("rf", MemoryTree({"artifacts.yaml": text}))
    assert entry is not None
    assert entry.path == "x"


def test_describe__artifacts_yaml_broken_but_dvc_yaml_has_it__answers():
    tree = MemoryTree({"artifacts.yaml": "a: [", "dvc.yaml": "artifacts: {rf: {path: x}}"})
    assert describe("rf", tree) is not None


def test_describe__unresolved_template__is_refused():
    with pytest.raises(ManifestUnreadable, match="has no value"):
        describe("rf", MemoryTree({"dvc.yaml": "artifacts: {rf: {path: '${p}'}}"}))


def test_describe__entry_inside_a_wrapper__is_unreadable_and_others_are_not():
    tree = MemoryTree({"artifacts.yaml": "artifacts: {rf: {path: x}}\nother: {path: y}"})
    with pytest.raises(ManifestUnreadable, match="top level"):
        describe("rf", tree)
    other = describe("other", tree)
    assert other is not None
    assert other.path == "y"
    assert describe("unknown", tree) is None
