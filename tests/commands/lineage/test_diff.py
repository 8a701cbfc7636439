"""``tagline diff``: versions, and a stage between two instants; and where a lineage is written to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tagline.domain.text.times import format_time
from tests.conftest import CommandLine
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build
from tests.support.mlflowserver import MlflowServer

MANIFEST = "rf: {path: models/rf, metrics: m.json}\nother: {path: other}\n"


def files(number: int) -> dict[str, str]:
    return {"artifacts.yaml": MANIFEST, "models/rf": f"{number}\n", "m.json": json.dumps({"auc": number / 10})}


COMMITS = (
    Commit("c1", files=files(1)),
    Commit("c2", ("c1",), files(2)),
    Commit("c3", ("c2",), files(3)),
)
APPROVED = "Assigning\n\nChange: https://h.example/pull/7\nRequested-By: bob\nApproved-By: carol abc1234\n"
TAGS = (
    Tag("rf@v1.0.0", "c1", EPOCH + 10),
    Tag("rf#prod#1", "c1", EPOCH + 20),
    Tag("rf@v1.1.0", "c2", EPOCH + 30),
    Tag("rf#dev#2", "c2", EPOCH + 35),
    Tag("rf#prod#3", "c2", EPOCH + 40, message=APPROVED),
    Tag("rf#prod!#4", "c2", EPOCH + 60),
    Tag("rf#prod!#5", "c1", EPOCH + 70),
    Tag("rf@v2.0.0", "c3", EPOCH + 80),
    Tag("other@v0.1.0", "c3", EPOCH + 90),
)


@pytest.fixture
def registry(here: Path) -> dict[str, str]:
    return build(here, History(COMMITS, TAGS, {"main": "c3"}), checkout=True)


def at(seconds: int) -> str:
    return format_time(EPOCH + seconds)


def ends(found: dict[str, Any]) -> list[str | None]:
    return [found[end]["version"] for end in ("from", "to")]


def test_diff__stage_between_two_instants__compares_its_holders(registry: Any, tagline: CommandLine) -> None:
    found = tagline.json("diff", "rf#prod", "--from", at(25), "--to", at(45))
    assert ends(found) == ["v1.0.0", "v1.1.0"]
    assert [end["since"] for end in (found["from"], found["to"])] == [at(20), at(40)]
    assert [(m["name"], m["before"], m["after"], m["judgement"]) for m in found["metrics"]] == [
        ("auc", 0.1, 0.2, "better")
    ]
    assert (found["same"], found["same_bytes"]) == (False, False)
    # The registration of what it was given, and the stage itself; another stage is another question.
    assert [(e["tag"], e["version"]) for e in found["events"]] == [("rf@v1.1.0", "v1.1.0"), ("rf#prod#3", "v1.1.0")]
    assert (found["events"][1]["change"], found["events"][1]["approved_by"]) == (
        "https://h.example/pull/7", ["carol abc1234"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "versions", "same"),
    [
        (15, 25, [None, "v1.0.0"], False),  # nobody before
        (15, 18, [None, None], True),
        (5, 8, [None, None], True),  # nothing had happened at all
        (20, 20, ["v1.0.0", "v1.0.0"], True),  # an instant counts with its own event
        (45, 65, ["v1.1.0", "v1.0.0"], False),  # taken away: the one before holds it again
        (65, 75, ["v1.0.0", None], False),  # now nobody does
        (21, 62, ["v1.0.0", "v1.0.0"], True),  # there and back
    ],
)
def test_diff__stage_that_was_empty_or_came_back__says_what_was(
    registry: Any, tagline: CommandLine, start: int, end: int, versions: list[str | None], same: bool
) -> None:
    found = tagline.json("diff", "rf#prod", "--from", at(start), "--to", at(end))
    assert ends(found) == versions
    assert found["same"] is same
    assert ("metrics" in found) == (None not in versions)


def test_diff__until_now__needs_no_end(registry: Any, tagline: CommandLine) -> None:
    assert ends(tagline.json("diff", "rf#prod", "--from", at(45))) == ["v1.1.0", None]


def test_diff__two_versions__are_compared_in_this_order(registry: Any, tagline: CommandLine) -> None:
    forth = tagline.json("diff", "rf@v1.0.0", "rf@v2.0.0")
    back = tagline.json("diff", "rf@v2.0.0", "rf@v1.0.0")
    assert ends(forth) == ["v1.0.0", "v2.0.0"]
    (up,), (down,) = forth["metrics"], back["metrics"]
    assert (up["delta"], up["judgement"]) == (pytest.approx(0.2), "better")
    assert (down["delta"], down["judgement"]) == (pytest.approx(-0.2), "worse")


def test_diff__stage_against_a_version__is_what_a_promotion_would_change(registry: Any, tagline: CommandLine) -> None:
    assert ends(tagline.json("diff", "rf#dev", "rf@latest")) == ["v1.1.0", "v2.0.0"]


def test_diff__latest_at_two_instants__is_of_then(registry: Any, tagline: CommandLine) -> None:
    assert ends(tagline.json("diff", "rf", "--from", at(15), "--to", at(35))) == ["v1.0.0", "v1.1.0"]


def test_diff__text__has_both_ends_and_what_changed(registry: Any, tagline: CommandLine) -> None:
    out = tagline("diff", "rf#prod", "--from", at(25), "--to", at(45)).out
    assert f"from  {at(25)}  rf#prod v1.0.0, since {at(20)}" in out
    assert "auc     0.1     0.2    +0.1 better  m.json" in out
    assert "carol" in out


def _imported(run: str, params: str) -> dict[str, str]:
    return {"artifacts.yaml": f"m: {{path: 's3://b/{run}', virtual: true, mlflow: {{run_id: {run}{params}}}}}\n"}


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (", params: {lr: '%s'}", "not compared: bytes, metrics, steps, data and code"),
        ("", "nothing behind it is compared"),
    ],
)
def test_diff__of_versions_elsewhere__compares_what_was_read_and_says_the_rest(
    here: Path, tagline: CommandLine, params: str, text: str
) -> None:
    commits = [Commit("c0", files=_imported("r1", params.replace("%s", "0.1")))]
    commits.append(Commit("c1", ("c0",), _imported("r2", params.replace("%s", "0.2"))))
    build(here, History(tuple(commits), (Tag("m@v1.0.0", "c0"), Tag("m@v2.0.0", "c1"))))
    found = tagline.json("diff", "m@v1.0.0", "m@v2.0.0")
    changed = [(p["name"], p["file"], p["before"], p["after"]) for p in found["parameters"]]
    assert changed == ([("lr", "mlflow", "0.1", "0.2")] if params else [])
    assert ("mlflow-parameters" in found["not_compared"]) is not bool(params)
    said = tagline("diff", "m@v1.0.0", "m@v2.0.0").out
    assert text in said
    assert "nothing behind it differs" not in said


def test_diff__of_runs_that_mlflow_knows__compares_their_parameters(
    here: Path, tagline: CommandLine, mlflow_server: MlflowServer
) -> None:
    runs = [mlflow_server.run(params={"lr": lr}) for lr in ("0.1", "0.2")]
    commits = (Commit("c0", files=_imported(runs[0], "")), Commit("c1", ("c0",), _imported(runs[1], "")))
    build(here, History(commits, (Tag("m@v1.0.0", "c0"), Tag("m@v2.0.0", "c1"))))
    for ask in (("diff", "m@v1.0.0", "m@v2.0.0"), ("lineage", "m@v2.0.0")):
        found = tagline.json(*ask, MLFLOW_TRACKING_URI=mlflow_server.url)
        found = found["against"][0] if "against" in found else found
        assert [(p["before"], p["after"]) for p in found["parameters"]] == [("0.1", "0.2")]


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["rf#prod"], 2, "--from"),
        (["rf@v1.0.0", "other@v0.1.0"], 2, "two artifacts"),
        (["rf#nope", "--from", "2023-01-01T00:00:00Z"], 6, "never assigned a stage"),
        (["gone#prod", "--from", "2023-01-01T00:00:00Z"], 6, "gone"),
        (["rf@v1.0.0", "rf@v9.0.0"], 6, "v9.0.0"),
        (["rf#prod", "--from", "2024-01-01T00:00:00Z", "--to", "2023-01-01T00:00:00Z"], 2, "later than"),
        (["rf#prod", "--from", "yesterday"], 2, "yesterday"),
    ],
)
def test_diff__question_without_an_answer__says_why(
    registry: Any, tagline: CommandLine, arguments: list[str], code: int, word: str
) -> None:
    said = tagline("diff", *arguments)
    assert (said.code, said.out) == (code, "")
    assert word in said.err


# -- written to a file --------------------------------------------------------------


def test_lineage__output__is_a_whole_file_and_nothing_else(registry: Any, tagline: CommandLine, here: Path) -> None:
    (here / "old.json").write_text("mine")
    said = tagline("lineage", "rf@v1.1.0", "--format", "cyclonedx", "--output", "old.json")
    assert (said.code, said.out) == (0, "Written to old.json.\n")
    assert json.loads((here / "old.json").read_text())["bomFormat"] == "CycloneDX"
    assert sorted(path.name for path in here.iterdir() if path.name not in (".git", "artifacts.yaml", "m.json")) == [
        "models", "old.json",
    ]  # fmt: skip


def test_lineage__output_with_json__keeps_stdout_a_document(registry: Any, tagline: CommandLine, here: Path) -> None:
    said = tagline("lineage", "rf@v1.1.0", "--json", "-o", "out.json")
    assert json.loads((here / "out.json").read_text())["version"] == "v1.1.0"
    assert json.loads(said.out)["version"] == "v1.1.0"


def test_lineage__output_that_cannot_be_written__says_so(registry: Any, tagline: CommandLine, here: Path) -> None:
    (here / "nowhere").write_text("a file, where a folder is needed")
    said = tagline("lineage", "rf", "-o", "nowhere/out.md")
    assert said.code == 4
    assert "nowhere/out.md cannot be written" in said.err
    assert not list(here.glob(".out*"))
