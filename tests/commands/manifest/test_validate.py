"""validate: which files, what is read, links and work trees, several files at once."""

from __future__ import annotations

import json
import posixpath
import shlex
import time

import pytest

from tagline.commands.manifest.validate import validate
from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.validation import ValidationReport
from tagline.errors import Exit, WrongUsage
from tests.support.fakes import MemoryTree


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
    assert "Create artifacts.yaml" in only(report).hint
    assert "git add artifacts.yaml" in only(report).hint
    assert report.notes == ()


def test_validate__manifest_not_added_and_tags__finding_says_so():
    report = check(MemoryTree({"README.md": "x"}), tags=True, present={"artifacts.yaml"})
    assert only(report).rule == "no-manifest"
    assert only(report).message == "artifacts.yaml exists, but Git does not track it."
    assert only(report).hint == "Run: git add artifacts.yaml"
    assert report.notes == ()


def test_validate__manifest_not_added_and_no_tags__is_a_note_only():
    report = check(MemoryTree({"README.md": "x"}), present={"artifacts.yaml"})
    assert (report.ok, report.findings) == (True, ())
    assert report.notes == ("artifacts.yaml exists, but Git does not track it. Run: git add artifacts.yaml",)


def test_validate__policy_not_added__is_a_note() -> None:
    files = {"artifacts.yaml": "{}"}
    said = (".tagline.yaml exists, but Git does not track it. Run: git add .tagline.yaml",)
    assert check(MemoryTree(files), present={".tagline.yaml"}).notes == said
    tracked = MemoryTree(files | {".tagline.yaml": "stages: {}"})
    assert check(tracked, present={".tagline.yaml"}).notes == ()


def test_validate__other_manifest_tracked__says_nothing_of_the_one_not_added():
    tree = MemoryTree({"a/artifacts.yaml": "{}"})
    for tags in (False, True):
        report = check(tree, tags=tags, present={"artifacts.yaml"})
        assert (report.findings, report.notes) == ((), ())


def test_validate__tags_and_a_pipeline_that_mentions_artifacts__has_no_manifest():
    assert rules(check(MemoryTree({"dvc.yaml": "stages: {a: {cmd: x, meta: {artifacts: 1}}}"}), tags=True)) == [
        "no-manifest"
    ]


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
    assert "artifacts.yaml" in caught.value.hint


@pytest.mark.parametrize(
    ("file", "nearest"),
    [
        ("svc/svc/dvc.yaml", "svc/dvc.yaml"),  # typed from the root, inside svc
        ("svc/artifacts.yaml", "artifacts.yaml"),
        ("src/svc/svc/dvc.yaml", "svc/dvc.yaml"),
        ("svc/dvc.yml", "svc/dvc.yaml"),
    ],
)
def test_validate__missing_file__says_what_was_looked_for_and_the_nearest_manifest(file: str, nearest: str):
    tree = MemoryTree({"svc/dvc.yaml": "artifacts: {}", "artifacts.yaml": "{}", "dvc.yaml": "stages: {}"})
    with pytest.raises(WrongUsage) as caught:
        check(tree, [file])
    assert caught.value.message == f"There is no file {file} (path from the repository's root)."
    assert caught.value.hint == f"The nearest file that is checked, also from there, is {nearest}."


def test_validate__missing_file_like_no_manifest__proposes_to_leave_it_out():
    with pytest.raises(WrongUsage) as caught:
        check(MemoryTree({"README.md": ""}), ["artifacts.yaml"])
    assert caught.value.hint == "Leave FILE out to check all."


@pytest.mark.parametrize("file", ["artifacts.yaml", "my models/new.yml", "-x.yaml", ":x.yaml"])
def test_validate__untracked_file__is_wrong_usage_with_git_add(file: str):
    with pytest.raises(WrongUsage) as caught:
        check(MemoryTree({}), [file], present={file})
    assert f"Git does not track {file}" in caught.value.message
    *command, path = shlex.split(caught.value.hint.removeprefix("Run: "))
    assert command == ["git", "add"]
    assert path[0] not in "-:"
    assert posixpath.normpath(path) == file


@pytest.mark.parametrize(("folder", "example"), [(".", "a/b/dvc.yaml"), ("a", "a/b/dvc.yaml"), ("a/c", None)])
def test_validate__folder__is_wrong_usage_and_never_added(folder: str, example: str | None):
    tree = MemoryTree({"a/b/dvc.yaml": "artifacts: {}", "a/c/x": "", "b/artifacts.yaml": "{}"})
    with pytest.raises(WrongUsage) as caught:
        check(tree, [folder], present={folder})
    assert "is a folder" in caught.value.message
    assert "leave FILE out" in caught.value.hint
    assert "git add" not in caught.value.hint
    assert (f"such as {example} " in caught.value.hint) == (example is not None)


@pytest.mark.parametrize(("folder", "says"), [(".", "is a folder"), ("new", "Git does not track new")])
def test_validate__untracked_folder__is_never_added(folder: str, says: str):
    with pytest.raises(WrongUsage) as caught:
        check(MemoryTree({}), [folder], present={folder})
    assert says in caught.value.message
    assert "git add" not in caught.value.hint
    assert "leave FILE out" in caught.value.hint


def test_validate__manifest_is_a_symlink__is_a_finding():
    assert rules(check(MemoryTree({}, links=["artifacts.yaml"]), tags=True)) == ["file-not-regular"]


def test_validate__one_file_given_twice__is_found_once():
    report = check(MemoryTree({}, links=["artifacts.yaml"]), ["artifacts.yaml", "./artifacts.yaml"])
    assert rules(report) == ["file-not-regular"]


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
    assert "a symbolic link, or deleted in the work tree" in only(report).message


def test_validate__path_not_regular_but_in_the_work_tree__is_not_called_deleted():
    report = check(MemoryTree({"artifacts.yaml": "a: {path: link}"}, links=["link"]), present={"link"})
    assert only(report).message == "'path' is a symbolic link: link"


def test_validate__path_is_a_submodule__is_named_so():
    files = {"artifacts.yaml": "a: {path: lib}", ".gitmodules": '[submodule "lib"]\n\tpath = lib\n'}
    assert "a submodule: lib" in only(check(MemoryTree(files, links=["lib"]))).message


def test_validate__path_not_tracked_but_present__proposes_git_add():
    report = check(MemoryTree({"artifacts.yaml": "a: {path: m.pkl}"}), present={"m.pkl"})
    assert only(report).rule == "path-untracked"
    assert "git add m.pkl" in only(report).hint


@pytest.mark.parametrize("path", ["my model.pkl", "$(x).pkl", "it's.pkl", "-f"])
def test_validate__path_with_shell_characters__is_one_word_in_hints(path: str):
    tree = MemoryTree({"artifacts.yaml": json.dumps({"a": {"path": path}})})
    for hint in (only(check(tree)).hint, only(check(tree, present={path})).hint):
        command = hint[hint.index("git add") : hint.index("(or")]
        assert [posixpath.normpath(word) for word in shlex.split(command)] == ["git", "add", path]


def test_validate__parameter_file_with_a_space__is_one_word_in_the_hint():
    tree = MemoryTree({"dvc.yaml": "vars: [my params.yaml]\nartifacts: {a: {path: '${x}'}}"})
    assert check(tree).findings[0].hint == "Add it: git add 'my params.yaml'"


@pytest.mark.parametrize(
    ("file", "text", "near"),
    [
        ("artifacts.yaml", "a: {path: models/chrun.pkl}", "models/churn.pkl"),
        ("artifacts.yaml", "a: {path: models/fruad.pkl}", "models/fraud.pkl"),
        ("artifacts.yaml", "a: {path: out/modle.bin}", "out/model.bin"),
        ("models/artifacts.yaml", "a: {path: chrun.pkl}", "churn.pkl"),
        ("svc/artifacts.yaml", "a: {path: ../models/chrun.pkl}", "../models/churn.pkl"),
        ("svc/dvc.yaml", "artifacts: {a: {path: churn.pkl}}", "../models/churn.pkl"),
    ],
)
def test_validate__path_nearly_right__hint_proposes_it_as_it_is_to_be_written(file: str, text: str, near: str):
    files = {"models/churn.pkl": "", "models/fraud.pkl.dvc": "", "dvc.yaml": "stages: {s: {outs: [out/model.bin]}}"}
    finding = only(check(MemoryTree({**files, file: text})))
    assert finding.rule == "path-missing"
    assert finding.hint.startswith(f"Did you mean '{near}'?")


@pytest.mark.parametrize("out", ["/cache/churn.pkl", "../other/churn.pkl", "s3://bucket/churn.pkl"])
def test_validate__dvc_output_outside_the_repository__is_not_proposed(out: str):
    tree = MemoryTree({"artifacts.yaml": "a: {path: m/churn.pkl}", "x.dvc": json.dumps({"outs": [{"path": out}]})})
    assert "Did you mean" not in only(check(tree)).hint


def test_validate__path_missing_in_dvc_yaml__hint_says_virtual_as_dvc_accepts_it():
    finding = only(check(MemoryTree({"dvc.yaml": "artifacts: {a: {path: x}}"})))
    assert "'meta: {tagline: {virtual: true}}'" in finding.hint


def test_validate__wrapper__is_said_at_its_key_without_an_artifact():
    finding = only(check(MemoryTree({"artifacts.yaml": "artifacts: {a: {path: x}, b: {}}"})))
    assert (finding.rule, finding.artifact) == ("artifacts-wrapper", None)
    assert finding.message == "In artifacts.yaml the names stand at the top level."
    assert finding.hint == "Remove 'artifacts:' and unindent its entries."


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("types: model", "Write 'types: [model]'."),
        ("stages: staging, prod", "Write 'stages: [staging, prod]'."),
        ("stages: {a: b}", "Write for example 'stages: [staging, prod]'."),
    ],
)
def test_validate__gto_config_without_list__hint_repeats_its_value(text: str, hint: str):
    assert only(check(MemoryTree({"artifacts.yaml": "{}", ".gto": text}))).hint == hint


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
        {"artifacts.yaml": "a: {path: " + "x" * 1_000_000 + "}", "x" * 200: ""},
        {f"m/model-{n:04}.pkl": "" for n in range(3000)}
        | {"artifacts.yaml": "".join(f"a{n}: {{path: m/modle-{n:04}.bin}}\n" for n in range(3000))},
    ],
    ids=["message", "gitmodules", "template", "mention", "long path", "many near paths"],
)
def test_validate__hostile_file__takes_bounded_time_and_says_little(files):
    start = time.perf_counter()
    report = check(MemoryTree(files))
    assert time.perf_counter() - start < 5
    assert report.findings
    assert all(len(finding.message) < 1000 and len(finding.hint) < 1000 for finding in report.findings)


# -- the policy, .gto and request files ---------------------------------------------

BROKEN_POLICY = "stages: {prod: {aprovals: {count: 1}}}\n"
BROKEN_REQUEST = "- {artefact: churn}\n"
SETTINGS = {".gto": "stages: prod\n", ".tagline.yaml": BROKEN_POLICY, "promotions/prod/one.yaml": BROKEN_REQUEST}


def test_validate__default_files__are_the_policy_gto_and_request_files_too():
    report = check(MemoryTree({**SETTINGS, "artifacts.yaml": "churn: {}\n"}))
    assert [(checked.file, checked.artifacts) for checked in report.checked] == [
        (".gto", 0), (".tagline.yaml", 0), ("artifacts.yaml", 1), ("promotions/prod/one.yaml", 0),
    ]  # fmt: skip
    assert [(found.file, found.rule) for found in report.findings] == [
        (".gto", "gto-config"), (".tagline.yaml", "unknown-key"), ("promotions/prod/one.yaml", "request"),
    ]  # fmt: skip
    assert set(report.sources) == set(SETTINGS)


@pytest.mark.parametrize(
    ("file", "rule"),
    [(".gto", "gto-config"), (".tagline.yaml", "unknown-key"), ("promotions/prod/one.yaml", "request")],
)
def test_validate__given_file__is_checked_by_what_it_is(file: str, rule: str):
    others = {name: text for name, text in SETTINGS.items() if name != file}
    report = check(MemoryTree({**dict.fromkeys(others, "# fine\n"), file: SETTINGS[file]}), [file])
    assert [checked.file for checked in report.checked] == [file]
    assert only(report).rule == rule


def test_validate__policy_alone__is_checked_and_needs_no_manifest():
    assert only(check(MemoryTree({".tagline.yaml": BROKEN_POLICY}))).hint == "Did you mean 'approvals'?"
    assert check(MemoryTree({".tagline.yaml": "stages: {prod: {}}\n"})).ok


def test_validate__settings_and_tags_but_no_manifest__is_a_finding():
    report = check(MemoryTree({".tagline.yaml": "stages: {prod: {}}\n"}), tags=True)
    assert only(report).rule == "no-manifest"


@pytest.mark.parametrize("file", sorted(SETTINGS))
def test_validate__settings_file_that_is_a_symlink__is_a_finding(file: str):
    found = only(check(MemoryTree({}, links=[file])))
    assert (found.file, found.rule) == (file, "file-not-regular")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- {artefact: churn}\n", "Did you mean 'artifact'?"),
        ("- {artifact: churn, version: 1.2.0}\n", "Did you mean 'v1.2.0'?"),
        ("- {artifact: churn, version: lates}\n", "Did you mean 'latest'?"),
        ("- {artifact: churn, version: nonsense}\n", "Write v1.2.3, this or latest."),
    ],
)
def test_validate__request__says_what_was_probably_meant(text: str, says: str):
    assert only(check(MemoryTree({"promotions/prod/one.yaml": text}))).hint == says


@pytest.mark.parametrize(
    ("file", "near"),
    [("tagline.yaml", ".tagline.yaml"), ("promotion/prod/one.yaml", "promotions/prod/one.yaml")],
)
def test_validate__missing_settings_file__the_nearest_is_named(file: str, near: str):
    with pytest.raises(WrongUsage) as refused:
        check(MemoryTree(SETTINGS), [file])
    assert near in refused.value.hint


def test_validate__huge_policy__is_a_finding_and_not_parsed():
    report = check(MemoryTree({".tagline.yaml": "x" * (1024 * 1024 + 1)}))
    assert only(report).rule == "file-too-large"


CHARMS = "charms:\n  flask: {dir: a/b}\nplatforms:\n- arch: amd64\n"


def test_validate__manifest_of_another_tool__finding_says_how_to_leave_it_out():
    first, second = check(MemoryTree({"deploy/artifacts.yaml": CHARMS, "artifacts.yaml": "{}"})).findings
    assert "'ignore: {paths: [deploy]}'" in first.hint
    assert ".tagline.yaml" in first.hint
    assert "ignore" not in second.hint
    assert "ignore: {paths: [artifacts.yaml]}" in check(MemoryTree({"artifacts.yaml": CHARMS})).findings[0].hint


@pytest.mark.parametrize("text", ["rf: {path: m, typ: model}\n", "a: {x: 1}\nb: {}\n", "rf: {type: 3}\n", "rf: [\n"])
def test_validate__manifest_with_an_entry_of_ours__is_no_other_tools(text):
    assert all("ignore" not in finding.hint for finding in check(MemoryTree({"sub/artifacts.yaml": text})).findings)


@pytest.mark.parametrize("pattern", ["deploy", "deploy/", "deploy/k8s", "dep*", "deploy/k8s/artifacts.yaml", "*/k8s"])
def test_validate__path_that_the_policy_leaves_out__is_not_looked_at(pattern):
    policy = f"ignore: {{paths: ['{pattern}']}}\n"
    files = {"deploy/k8s/artifacts.yaml": CHARMS, "artifacts.yaml": "{}", ".tagline.yaml": policy}
    report = check(MemoryTree(files))
    assert (report.findings, [one.file for one in report.checked]) == ((), [".tagline.yaml", "artifacts.yaml"])
    assert check(MemoryTree(files), ["deploy/k8s/artifacts.yaml"]).findings, "whoever names it wants to know"


@pytest.mark.parametrize("pattern", ["eploy", "deploy/k8", "k8s", "deployment"])
def test_validate__path_that_is_like_one_left_out__is_looked_at(pattern):
    policy = f"ignore: {{paths: ['{pattern}']}}\n"
    assert check(MemoryTree({"deploy/k8s/artifacts.yaml": CHARMS, ".tagline.yaml": policy})).findings


def test_validate__policy_that_is_not_understood__leaves_nothing_out():
    policy = "ignore: {paths: [deploy]}\nstagse: {}\n"
    found = check(MemoryTree({"deploy/artifacts.yaml": CHARMS, ".tagline.yaml": policy})).findings
    assert {finding.file for finding in found} == {"deploy/artifacts.yaml", ".tagline.yaml"}
