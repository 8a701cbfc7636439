"""Where GTO crashes, guesses or stays silent: its behaviour, pinned on the real library, and ours.

docs/gto.md gives the reason of each difference and names the test here.
"""

from __future__ import annotations

from pathlib import Path

import dvc.api
import gto.api
import pytest
from gto.exceptions import GTOException, InvalidTagName, ManyVersions, TagExists, WrongArtifactsYaml

from tagline.domain.ledger.answers import find
from tagline.domain.ledger.registry import ArtifactState
from tagline.domain.ledger.targets import parse_target
from tagline.errors import NotFound
from tests.oracle.readers import read
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, run_git

pytestmark = pytest.mark.oracle

T = EPOCH + 1000
_DVC = {".dvc/config": "", "dvc.yaml": "artifacts:\n  rf: {path: model.bin}\n"}
COMMITS = tuple(Commit(f"c{n}", (), {**_DVC, "model.bin": f"{n}"}, EPOCH + n) for n in range(4))
#: An artifact beside the odd one: whatever happens to that, this one must be answered.
OTHER = (Tag("other@v3.0.0", "c3", T), Tag("other#prod#1", "c3", T + 1))


@pytest.fixture
def repo(tmp_path: Path):
    """A function from odd tags to a repository that holds them beside the other artifact's."""

    def make(*tags: Tag, commits: tuple[Commit, ...] = COMMITS) -> tuple[Path, dict[str, str]]:
        path = tmp_path / "repo"
        ids = build(path, History(commits, (*OTHER, *tags), {"main": "c0"}), checkout=True)
        return path, ids

    return make


def every_question_fails(path: Path, error: type[Exception]) -> None:
    """GTO fails on the healthy artifact as well, whatever the question."""
    questions = (
        lambda: gto.api.show(str(path)),
        lambda: gto.api.show(str(path), "other"),
        lambda: gto.api.show(str(path), "other#prod"),
        lambda: gto.api.show(str(path), "other@latest"),
        lambda: gto.api.history(str(path), "other"),
        lambda: gto.api.check_ref(str(path), "other#prod#1"),
    )
    for ask in questions:
        with pytest.raises(error):
            ask()


def state_of(path: Path, name: str = "rf") -> ArtifactState:
    return read(path)[0][name]


def answer(path: Path, target: str) -> str | None:
    wanted = parse_target(target)
    return find(state_of(path, wanted.artifact), wanted).version


def the_other_is_answered(path: Path) -> bool:
    return answer(path, "other#prod") == answer(path, "other@latest") == "v3.0.0"


def warnings_of(path: Path) -> set[tuple[str, str | None]]:
    states, reading, _ = read(path)
    folded = [warning for state in states.values() for warning in state.warnings]
    return {(warning.code, warning.tag) for warning in [*reading.warnings, *folded]}


def test_assignments__in_the_same_second__three_readers_three_answers_ours_is_the_counters(repo):
    path, ids = repo(
        Tag("rf@v1.0.0", "c0", T),
        Tag("rf@v3.0.0", "c1", T + 1),
        Tag("rf@v2.0.0", "c2", T + 2),
        Tag("rf#prod#8", "c0", T + 9),
        Tag("rf#prod#9", "c2", T + 9),
        Tag("rf#prod#10", "c1", T + 9),
    )

    shown = gto.api.show(str(path))["rf"]["stage"]["prod"]
    (which,) = gto.api.find_versions_in_stage(str(path), "rf", "prod", versions_per_stage=1, assignments_per_version=-1)
    served = dvc.api.artifacts_show("rf", stage="prod", repo=str(path))["rev"]

    assert (shown, which.version, served) == ("v1.0.0", "v3.0.0", ids["c2"])
    assert answer(path, "rf#prod") == "v3.0.0"
    assert ("same-second", "rf#prod#10") in warnings_of(path)
    tied = [warning.message for warning in state_of(path).warnings if warning.tag == "rf#prod#10"]
    assert "rf#prod#9 and rf#prod#10" in tied[0]


def test_two_versions__on_one_commit_with_a_stage_tag__gto_answers_nothing_we_the_highest(repo):
    path, _ = repo(Tag("rf@v1.0.0", "c0", T), Tag("rf@v1.1.0-rc.1", "c0", T + 1), Tag("rf#prod#1", "c0", T + 2))

    every_question_fails(path, ManyVersions)

    assert the_other_is_answered(path)
    assert answer(path, "rf#prod") == "v1.1.0-rc.1"
    assert warnings_of(path) == {("two-versions", "rf#prod#1")}


def test_two_versions__highest_deregistered__gto_answers_nothing_we_the_active_one(repo):
    path, _ = repo(
        Tag("rf@v1.0.0", "c0", T),
        Tag("rf@v1.1.0", "c0", T + 1),
        Tag("rf#prod#1", "c0", T + 2),
        Tag("rf@v1.1.0!", "c0", T + 3),
    )

    every_question_fails(path, ManyVersions)

    assert answer(path, "rf#prod") == "v1.0.0"


def test_created_tag__gto_answers_nothing__we_ignore_it_with_a_warning(repo):
    path, _ = repo(Tag("rf@v1.0.0", "c0", T), Tag("rf@created", "c0", T + 1))

    every_question_fails(path, KeyError)

    assert the_other_is_answered(path)
    assert answer(path, "rf@latest") == "v1.0.0"
    assert warnings_of(path) == {("created-event", "rf@created")}


def test_tag_without_tagger__gto_answers_nothing__we_skip_it_with_a_warning(repo):
    path, _ = repo(Tag("rf@v1.0.0", "c0", T), Tag("rf@v1.1.0", "c1", None))

    every_question_fails(path, AttributeError)

    assert the_other_is_answered(path)
    assert answer(path, "rf@latest") == "v1.0.0"
    assert warnings_of(path) == {("no-tagger", "rf@v1.1.0")}


@pytest.mark.parametrize("target", ["tree:c1", "blob:c1:model.bin"])
def test_registry_tag__on_no_commit__gto_answers_nothing_we_skip_it_with_a_warning(repo, target):
    path, _ = repo(Tag("rf@v1.0.0", "c0", T), Tag("rf@v1.1.0", target, T + 1))

    every_question_fails(path, AttributeError)

    assert the_other_is_answered(path)
    assert answer(path, "rf@latest") == "v1.0.0"
    assert warnings_of(path) == {("not-a-commit", "rf@v1.1.0")}


def test_nested_tag__of_a_stage__gto_names_a_version_by_the_tag_object_we_peel(repo):
    path, ids = repo(Tag("rf@v1.0.0", "c0", T), Tag("release", "c0", T + 1), Tag("rf#prod#1", "tag:release", T + 2))

    assert gto.api.show(str(path))["rf"]["stage"]["prod"] == ids["tag:release"]

    assert answer(path, "rf#prod") == "v1.0.0"
    assert state_of(path).stages["prod"].commit == ids["c0"]
    assert warnings_of(path) == set()


def test_embedded_name__of_another_registry_tag__gto_trusts_it_we_the_ref(repo):
    path, _ = repo(Tag("rf@v1.0.0", "c0", T), Tag("rf@v1.1.0", "c1", T + 1, embedded="bert@v9.9.9"))

    shown = gto.api.show(str(path))
    assert (shown["rf"]["version"], shown["bert"]["version"]) == ("v1.0.0", "v9.9.9")

    assert answer(path, "rf@latest") == "v1.1.0"
    assert set(read(path)[0]) == {"other", "rf"}
    assert warnings_of(path) == {("name-mismatch", "rf@v1.1.0")}


def test_embedded_name__of_no_registry_tag__gto_answers_nothing_we_the_refs(repo):
    path, _ = repo(Tag("rf@v1.0.0", "c0", T, embedded="something else"))

    every_question_fails(path, InvalidTagName)

    assert the_other_is_answered(path)
    assert answer(path, "rf@latest") == "v1.0.0"


def test_lightweight_tag__with_a_registry_name__gto_is_silent_we_warn(repo):
    path, ids = repo(Tag("rf@v1.0.0", "c0", T), Tag("rf@v1.1.0", "c1", lightweight=True))

    assert gto.api.show(str(path))["rf"]["version"] == "v1.0.0"
    with pytest.raises(TagExists):  # and yet the name is taken
        gto.api.register(str(path), "rf", ids["c1"], version="v1.1.0")

    assert answer(path, "rf@latest") == "v1.0.0"
    assert warnings_of(path) == {("lightweight-tag", "rf@v1.1.0")}
    assert read(path)[1].lightweight == ["rf@v1.1.0"]


def test_some_tags_missing__of_a_registration__gto_answers_a_commit_id_we_warn(repo):
    """That commands refuse such a clone is the completeness check's business, where the remote is known."""
    path, ids = repo(Tag("rf@v1.0.0", "c0", T), Tag("rf#prod#1", "c0", T + 1))
    run_git(path, "tag", "--delete", "rf@v1.0.0")

    assert gto.api.show(str(path))["rf"]["stage"]["prod"] == ids["c0"]

    assert answer(path, "rf#prod") is None
    assert warnings_of(path) == {("unregistered-commit", "rf#prod#1")}


@pytest.mark.parametrize("manifest", ["rf: [", "- rf\n", "", "rf: {labels: 5}\n"])
def test_manifest__malformed_at_a_tagged_commit__gto_answers_nothing_we_everything(repo, manifest):
    broken = Commit("broken", (), {**_DVC, "artifacts.yaml": manifest}, EPOCH)
    path, _ = repo(Tag("rf@v1.0.0", "broken", T), Tag("rf#prod#1", "broken", T + 1), commits=(*COMMITS, broken))

    every_question_fails(path, WrongArtifactsYaml)

    assert the_other_is_answered(path)
    assert answer(path, "rf#prod") == answer(path, "rf@latest") == "v1.0.0"
    assert warnings_of(path) == set()


def test_stage_tag__on_an_unregistered_commit__gto_shows_duplicates_we_one_row_without_version(repo):
    path, ids = repo(Tag("rf@v1.0.0", "c0", T), Tag("rf#prod#1", "c1", T + 1))

    rows = [row["version"] for row in gto.api.show(str(path), "rf")]
    assert rows == ["v1.0.0", ids["c1"], ids["c1"]]
    assert len(gto.api.show(str(path), "rf#prod")) == 2

    state = state_of(path)
    assert [row.version for row in state.versions] == ["v1.0.0"]
    assert (state.stages["prod"].version, state.stages["prod"].commit) == (None, ids["c1"])
    assert warnings_of(path) == {("unregistered-commit", "rf#prod#1")}


def test_latest__without_any_version__gto_answers_commit_ids_we_nothing(repo):
    path, ids = repo(Tag("rf#prod#1", "c1", T + 1))

    assert [row["version"] for row in gto.api.show(str(path), "rf@latest")] == [ids["c1"]]

    assert state_of(path).latest is None
    with pytest.raises(NotFound):
        answer(path, "rf@latest")


def test_unassign__on_an_unregistered_commit__gto_ignores_it_we_do_not(repo):
    path, ids = repo(Tag("rf#prod#1", "c1", T), Tag("rf#prod!#2", "c1", T + 1))

    assert gto.api.show(str(path))["rf"]["stage"]["prod"] == ids["c1"]

    assert state_of(path).stages == {}


def test_deregister__on_another_commit__gto_makes_a_second_version_we_deregister_with_a_warning(repo):
    path, _ = repo(Tag("rf@v1.0.0", "c0", T), Tag("rf@v1.0.0!", "c1", T + 1))

    rows = gto.api.show(str(path), "rf@v1.0.0", deprecated=True)
    assert sorted(row["is_active"] for row in rows) == [False, True]
    assert gto.api.show(str(path))["rf"]["version"] == "v1.0.0"

    state = state_of(path)
    assert [(row.version, row.active) for row in state.versions] == [("v1.0.0", False)]
    assert state.latest is None
    assert warnings_of(path) == {("deregister-elsewhere", "rf@v1.0.0!")}


def test_deregister__of_a_version_nobody_registered__gto_makes_a_version_we_warn(repo):
    path, _ = repo(Tag("rf@v1.0.0", "c0", T), Tag("rf@v2.0.0!", "c1", T + 1))

    assert len(gto.api.show(str(path), "rf@v2.0.0", deprecated=True)) == 1

    assert [row.version for row in state_of(path).versions] == ["v1.0.0"]
    assert warnings_of(path) == {("deregister-unknown", "rf@v2.0.0!")}


def test_unassign__on_another_commit__has_no_effect_in_gto_and_ours_but_we_warn(repo):
    path, _ = repo(
        Tag("rf@v1.0.0", "c0", T),
        Tag("rf@v1.1.0", "c1", T + 1),
        Tag("rf#prod#1", "c0", T + 2),
        Tag("rf#prod!#2", "c1", T + 3),
    )

    assert gto.api.show(str(path))["rf"]["stage"]["prod"] == "v1.0.0"

    assert answer(path, "rf#prod") == "v1.0.0"
    assert warnings_of(path) == {("unassign-without-effect", "rf#prod!#2")}


def test_version__registered_on_two_commits__gto_has_two_rows_we_the_newest_registration(repo):
    path, ids = repo(Tag("rf@v1.0.0", "c0", T), Tag("rf@v1.0.0#2", "c1", T + 1))

    rows = gto.api.show(str(path), "rf@v1.0.0")
    assert {row["commit_hexsha"] for row in rows} == {ids["c0"], ids["c1"]}

    assert [(row.version, row.commit) for row in state_of(path).versions] == [("v1.0.0", ids["c1"])]
    assert warnings_of(path) == {("registered-twice", "rf@v1.0.0#2")}


def test_versions__that_differ_in_build_metadata_only__gto_takes_the_later_known_we_the_newest_registration(repo):
    path, _ = repo(Tag("rf@v1.0.0+b5", "c0", T), Tag("rf@v1.0.0+b7", "c1", T + 1), Tag("rf@v1.0.0+b5#2", "c0", T + 2))

    assert gto.api.show(str(path))["rf"]["version"] == "v1.0.0+b7"

    assert answer(path, "rf@latest") == "v1.0.0+b5"


def test_deprecation__older_than_a_tagged_commit__gto_overlooks_it_we_do_not(repo):
    late = Commit("late", (), _DVC, T + 100)
    path, _ = repo(Tag("rf@v1.0.0", "late", T), Tag("rf@deprecated", "late", T + 1), commits=(*COMMITS, late))

    assert gto.api.show(str(path))["rf"]["active"] is True

    assert state_of(path).deprecated


def test_artifact__in_heads_manifest_without_tags__gto_lists_it_the_ledger_does_not(repo):
    head = Commit("c0", (), {"artifacts.yaml": "untagged: {}\n"}, EPOCH)
    path, _ = repo(Tag("rf@v1.0.0", "c0", T), commits=(head, *COMMITS[1:]))

    assert gto.api.show(str(path))["untagged"]["registered"] is False

    assert set(read(path)[0]) == {"other", "rf"}


def test_gtos_own_lookup__of_a_stage_rolled_back__ranks_by_version_not_by_time(repo):
    """``find_versions_in_stage`` contradicts ``gto show``; we agree with show."""
    path, _ = repo(
        Tag("rf@v1.0.0", "c0", T),
        Tag("rf@v2.0.0", "c1", T + 1),
        Tag("rf#prod#1", "c1", T + 2),
        Tag("rf#prod#2", "c0", T + 3),
    )

    (which,) = gto.api.find_versions_in_stage(str(path), "rf", "prod", versions_per_stage=1, assignments_per_version=-1)
    assert which.version == "v2.0.0"
    assert gto.api.show(str(path))["rf"]["stage"]["prod"] == "v1.0.0"

    assert answer(path, "rf#prod") == "v1.0.0"


def test_dvc__after_a_rollback_by_unassign__serves_the_old_model(repo):
    path, ids = repo(
        Tag("rf@v1.0.0", "c0", T),
        Tag("rf@v2.0.0", "c1", T + 1),
        Tag("rf#prod#1", "c0", T + 2),
        Tag("rf#prod#2", "c1", T + 3),
        Tag("rf#prod!#3", "c1", T + 4),
    )

    # The last tag that names the stage, whatever it says: here the unassignment's own commit.
    assert dvc.api.artifacts_show("rf", stage="prod", repo=str(path))["rev"] == ids["c1"]

    assert gto.api.show(str(path))["rf"]["stage"]["prod"] == "v1.0.0"
    assert answer(path, "rf#prod") == "v1.0.0"


def test_rollback__by_assigning_the_older_version_again__gto_dvc_and_we_agree(repo):
    path, ids = repo(
        Tag("rf@v1.0.0", "c0", T),
        Tag("rf@v2.0.0", "c1", T + 1),
        Tag("rf#prod#1", "c0", T + 2),
        Tag("rf#prod#2", "c1", T + 3),
        Tag("rf#prod#3", "c0", T + 4),
    )

    assert dvc.api.artifacts_show("rf", stage="prod", repo=str(path))["rev"] == ids["c0"]
    assert gto.api.show(str(path))["rf"]["stage"]["prod"] == "v1.0.0"
    assert answer(path, "rf#prod") == "v1.0.0"


@pytest.mark.parametrize(("tag", "deciding"), [("rf@v2.0.0!", "latest"), ("rf@deprecated", "deprecated")])
def test_dvc__after_a_cancel_event__still_serves_what_was_cancelled(repo, tag, deciding):
    path, ids = repo(Tag("rf@v1.0.0", "c0", T), Tag("rf@v2.0.0", "c1", T + 1), Tag(tag, "c1", T + 2))

    assert dvc.api.artifacts_show("rf", repo=str(path))["rev"] == ids["c1"]

    state = state_of(path)
    assert state.deprecated if deciding == "deprecated" else state.latest.version == "v1.0.0"


def test_healthy_repository__beside_the_other_artifact__gto_answers(repo):
    """Without it, that every question fails above could be the questions' fault."""
    path, _ = repo(Tag("rf@v1.0.0", "c0", T))

    with pytest.raises(pytest.fail.Exception):
        every_question_fails(path, GTOException)
    assert gto.api.show(str(path), "other#prod")[0]["version"] == "v3.0.0"
    assert gto.api.check_ref(str(path), "other#prod#1")[0].version == "v3.0.0"
    assert warnings_of(path) == set()
