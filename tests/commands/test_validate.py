"""validate: which files, what is read, links and work trees, several files at once."""

from __future__ import annotations

import time

import pytest

from tagline.commands.validate import validate
from tagline.domain.findings import Finding
from tagline.domain.validation import ValidationReport
from tagline.errors import Exit, WrongUsage
from tests.fakes import MemoryTree


def check(tree: MemoryTree, files=None, *, tags: bool = False, present=()) -> ValidationReport:
    return validate(tree, files, has_registry_tags=lambda: tags, untracked_exists=lambda path: path in present)


def rules(report: ValidationReport) -> list[str]:
    return [finding.rule for finding in report.findings]


def only(report: ValidationReport) -> Finding:
    (finding,) = report.findings
    return finding


def test_validate__no_manifest_and_no_tags__is_ok():
    report = check(MemoryTree({"README.md": "x"}))
    assert (report.ok, report.checked, report.findings) == (True, (), ())


def test_validate__no_manifest_but_tags__is_a_finding():
    report = check(MemoryTree({"README.md": "x"}), tags=True)
    assert not report.ok
    assert only(report).rule == "no-manifest"
    assert "git add artifacts.yaml" in only(report).hint


def test_validate__manifest_present__tags_are_not_asked_for():
    def ask() -> bool:
        raise AssertionError("not needed")

    assert validate(MemoryTree({"artifacts.yaml": "{}"}), None, has_registry_tags=ask).ok


def test_validate__default_files__are_all_manifests_that_git_tracks():
    tree = MemoryTree(
        {
            "artifacts.yaml": "{}",
            "a/b/artifacts.yaml": "x: {}",
            "a/dvc.yaml": "artifacts: {y: {path: z}}",
            "a/z": "",
            "b/dvc.yaml": "stages: {}",
            "my-artifacts.yaml": "x: [",
        }
    )
    assert check(tree).checked == (("a/b/artifacts.yaml", 1), ("a/dvc.yaml", 1), ("artifacts.yaml", 0))


def test_validate__given_files__are_the_only_ones_checked():
    tree = MemoryTree({"artifacts.yaml": "x: [", "a/artifacts.yaml": "x: {}"})
    assert check(tree, ["./a/artifacts.yaml"]).checked == (("a/artifacts.yaml", 1),)


def test_validate__given_file_of_another_name__is_read_as_a_manifest():
    assert rules(check(MemoryTree({"drafts/new.yaml": "x: {pth: y}"}), ["drafts/new.yaml"])) == ["unknown-key"]


def test_validate__missing_file__is_wrong_usage():
    with pytest.raises(WrongUsage, match=r"no file artifact\.yaml") as caught:
        check(MemoryTree({"artifacts.yaml": "{}"}), ["artifact.yaml"])
    assert caught.value.exit_code == Exit.USAGE
    assert "Did you mean artifacts.yaml?" in caught.value.hint


def test_validate__untracked_file__is_wrong_usage_with_git_add():
    with pytest.raises(WrongUsage) as caught:
        check(MemoryTree({}), ["artifacts.yaml"], present={"artifacts.yaml"})
    assert "git add artifacts.yaml" in caught.value.hint


def test_validate__manifest_is_a_symlink__is_a_finding():
    assert rules(check(MemoryTree({}, links=["artifacts.yaml"]), tags=True)) == ["file-not-regular"]


def test_validate__huge_file__is_a_finding_and_not_parsed():
    report = check(MemoryTree({"artifacts.yaml": b"a: {}\n" + b"#" * (10 * 1024 * 1024)}))
    assert rules(report) == ["file-too-large"]


def test_validate__given_file_clashes_with_its_neighbour__is_a_finding_in_the_given_one():
    tree = MemoryTree({"artifacts.yaml": "x: {}", "dvc.yaml": "artifacts: {x: {path: y}}", "y": ""})
    for file in ("artifacts.yaml", "dvc.yaml"):
        report = check(tree, [file])
        assert [(f.file, f.rule) for f in report.findings] == [(file, "name-in-both-files")]


def test_validate__path_is_a_symlink__is_a_warning_only():
    report = check(MemoryTree({"artifacts.yaml": "a: {path: link}"}, links=["link"]))
    assert rules(report) == ["path-not-regular"]
    assert report.ok
    assert "symbolic link" in only(report).message


def test_validate__path_is_a_submodule__is_named_so():
    files = {"artifacts.yaml": "a: {path: lib}", ".gitmodules": '[submodule "lib"]\n\tpath = lib\n'}
    assert "a submodule: lib" in only(check(MemoryTree(files, links=["lib"]))).message


def test_validate__path_not_tracked_but_present__proposes_git_add():
    report = check(MemoryTree({"artifacts.yaml": "a: {path: m.pkl}"}), present={"m.pkl"})
    assert only(report).rule == "path-untracked"
    assert "git add m.pkl" in only(report).hint


def test_validate__virtual__looks_nothing_up():
    tree = MemoryTree({"artifacts.yaml": "a: {path: nowhere, metrics: none.json, virtual: true}", "x.dvc": "outs: []"})
    assert check(tree, present={"nowhere"}).findings == ()
    assert "x.dvc" not in tree.reads


def test_validate__paths_known_by_name__read_no_pointer():
    tree = MemoryTree({"artifacts.yaml": "a: {path: m}\nb: {path: d/n}\n", "m": "", "d.dvc": "", "dvc.lock": ""})
    assert check(tree).ok
    assert not {"d.dvc", "dvc.lock"} & set(tree.reads)


def test_validate__broken_pointers__track_nothing_and_break_nothing():
    files = {
        "a.dvc": "outs: [",
        "b.dvc": "outs: {x: 1}",
        "c.dvc": b"\xff",
        "dvc.lock": "stages: [1]",
        "d/dvc.lock": "stages: {x: 3, y: {outs: [1, {path: 2}, null]}}",
        "d/dvc.yaml": "stages: {x: 3, y: {outs: [1, {a: 2}], wdir: 5}}",
    }
    assert rules(check(MemoryTree({**files, "artifacts.yaml": "a: {path: m}"}))) == ["path-missing"]


def test_validate__manifest_in_a_directory__names_carry_it():
    report = check(MemoryTree({"team/x/artifacts.yaml": "rf: {pth: y}"}))
    assert only(report).artifact == "team/x:rf"


def test_validate__findings__are_sorted_by_place():
    tree = MemoryTree({"b/artifacts.yaml": "z: {q: 1, p: 1}\na b: {}", "a/artifacts.yaml": "x: 1"})
    places = [(f.file, f.line, f.column) for f in check(tree).findings]
    assert places == sorted(places)
    assert len(places) == 4


def test_validate__sources__hold_the_files_with_findings_only():
    tree = MemoryTree({"a/artifacts.yaml": "x: 1", "b/artifacts.yaml": "{}", ".gto": "types: 1"})
    assert check(tree).sources == {"a/artifacts.yaml": "x: 1", ".gto": "types: 1"}


def test_validate__pipeline_with_the_word_artifacts__is_no_manifest():
    tree = MemoryTree(
        {
            "dvc.yaml": "stages: {a: {cmd: x, meta: {artifacts: 1}}}\nvars: [{x: 1, x: 2}]",
            "artifacts.yaml": "{}",
        }
    )
    report = check(tree)
    assert report.checked == (("artifacts.yaml", 0),)
    assert report.ok


@pytest.mark.parametrize(
    "files",
    [
        {"artifacts.yaml": "a: {path: /" + "x" * 1_000_000 + "}"},
        {
            "artifacts.yaml": "a: {path: lib/x}",
            ".gitmodules": "\n" * 1_000_000 + " " * 1_000_000 + "path = " + " " * 1_000_000,
        },
        {"dvc.yaml": "artifacts: {a: {path: '" + "${" * 100_000 + "'}}"},
        {"dvc.yaml": "\n" * 1_000_000 + "{" + " " * 1_000_000 + "artifacts:"},
    ],
    ids=["message", "gitmodules", "template", "mention"],
)
def test_validate__hostile_file__takes_bounded_time_and_says_little(files):
    start = time.perf_counter()
    report = check(MemoryTree(files))
    assert time.perf_counter() - start < 5
    assert report.findings
    assert all(len(finding.message) < 1000 and len(finding.hint) < 1000 for finding in report.findings)
