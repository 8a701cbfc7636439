"""The published formats, judged by the packages that their projects publish."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tagline.domain.lineage.graph import Pointed, graph_of
from tagline.domain.lineage.lineage import Figure, Lineage, Stale
from tagline.domain.lineage.pipelines import Behind
from tagline.render.exports import cyclonedx, in_toto, openlineage
from tagline.render.exports.interchange import HOME
from tests.support import openlineage_judge
from tests.support.judges import all_of, judge_all
from tests.support.lineages import (
    ASSIGNED,
    BY_HAND,
    COMMIT,
    EVIL,
    IMPORTS,
    IN_GIT,
    PASSAGES,
    PLACES,
    REPO,
    STEPS,
    hostile,
    lineages,
    md5,
    pipeline,
)

DOCS = Path(__file__).parents[3] / "docs" / "lineage-formats.md"
ANY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
# From in-toto's list of digests, and our own one.
LENGTHS = {
    "md5": (32,), "sha256": (64,), "gitBlob": (40, 64), "gitTree": (40, 64), "gitCommit": (40, 64), "dvcDirMd5": (32,),
}  # fmt: skip


# -- every lineage is valid in every format ------------------------------------------


@pytest.mark.parametrize("made", BY_HAND.values(), ids=BY_HAND)
@pytest.mark.parametrize("url", [REPO, "git@github.com:acme/risk.git", "/srv/risk.git", "..", "", EVIL])
def test_formats__lineage_by_hand__valid(made: Callable[[], Lineage], url: str) -> None:
    judge_all(made(), url)


@ANY
@given(lineages(), PLACES)
def test_formats__any_lineage__valid(lineage: Lineage, url: str) -> None:
    judge_all(lineage, url)


@pytest.mark.parametrize("made", BY_HAND.values(), ids=BY_HAND)
def test_formats__same_lineage__same_bytes(made: Callable[[], Lineage]) -> None:
    assert json.dumps(all_of(made())) == json.dumps(all_of(made()))


def test_formats__credentials_in_urls__nowhere() -> None:
    lineage = hostile()
    for url in ("https://user:tok@github.com/acme/risk?token=tok", "ssh://git:tok@h/r", "git+https://tok@h/r"):
        assert not re.search(r"\btok\b", json.dumps(all_of(lineage, url)))
    assert "secret" not in json.dumps(all_of(BY_HAND["lfs"]()))


def test_formats__lone_surrogate__is_said_and_is_utf8() -> None:
    assert "\\ud800" in in_toto.statement(hostile(), REPO)["subject"][0]["name"]


# -- in-toto ---------------------------------------------------------------------------


def definition_of(lineage: Lineage, url: str = REPO) -> dict[str, Any]:
    return in_toto.statement(lineage, url)["predicate"]["buildDefinition"]


@pytest.mark.parametrize(
    ("made", "digest"),
    [
        ("pipeline", {"md5": "6" * 32}),
        ("in-git", {"gitBlob": "7" * 40}),
        ("folder-in-git", {"gitTree": "9" * 40}),
        ("lfs", {"sha256": "7" * 64}),
        ("dvc-folder", {"dvcDirMd5": "4" * 32}),
        ("virtual", {"gitCommit": COMMIT}),
        ("nothing", {"gitCommit": COMMIT}),
    ],
)
def test_in_toto_subject__what_git_says__is_its_digest(made: str, digest: dict[str, str]) -> None:
    subject = in_toto.statement(BY_HAND[made](), REPO)["subject"][0]
    assert subject["digest"] == digest
    # The digest of something else than the bytes is said to be one.
    assert ("digestOf" in subject.get("annotations", {})) == (not {"md5", "gitBlob", "gitTree", "sha256"} & {*digest})


@ANY
@given(lineages())
def test_in_toto_digests__any_lineage__are_well_formed(lineage: Lineage) -> None:
    definition = definition_of(lineage)
    for row in definition["resolvedDependencies"][1:]:
        for name, value in row.get("digest", {}).items():
            assert len(value) in LENGTHS[name]
            assert re.fullmatch("[0-9a-f]+", value)


def test_in_toto_dependencies__pipeline__commit_code_data_and_origins() -> None:
    rows = {row["name"]: row for row in definition_of(pipeline())["resolvedDependencies"]}
    at = f"git+{REPO}@{COMMIT}"
    assert rows["source"] == {"name": "source", "uri": at, "digest": {"gitCommit": COMMIT}}
    assert rows["src/train/net.py"]["uri"] == f"{at}#src/train/net.py"
    assert rows["src/train/net.py"]["digest"] == {"gitBlob": "f" * 40}
    assert rows["src/train/net.py"]["annotations"]["readBy"] == ["train"]
    assert rows["data/raw"]["digest"] == {"dvcDirMd5": "1" * 32}
    assert rows["origin of data/raw"] == {
        "name": "origin of data/raw",
        "uri": f"git+ssh://git@github.com/acme/datasets.git@{'f' * 40}#daily/raw",
        "digest": {"gitCommit": "f" * 40},
        "annotations": {"revision": "v3"},
    }
    assert rows["origin of data/prices.csv"]["uri"] == "s3://prices/2026/march.csv"
    assert rows["origin of data/prices.csv"]["annotations"] == {"mark": "etag:xyz"}
    assert rows["s3://public/rates.csv"]["uri"] == "s3://public/rates.csv"
    # What a step made is no input.
    assert not rows.keys() & {"data/clean", "models/risk.pkl", "metrics.json"}


def test_in_toto_run__registration__its_run_time_and_host() -> None:
    details = in_toto.statement(pipeline(), REPO, tagline_version="9.9")["predicate"]["runDetails"]
    assert details["builder"] == {"id": "https://github.com", "version": {"tagline": "9.9"}}
    assert details["metadata"] == {
        "invocationId": "https://github.com/acme/risk/actions/runs/99", "finishedOn": "2026-01-02T00:00:00Z",
    }  # fmt: skip
    metrics = {row["name"]: row for row in details["byproducts"]}
    assert metrics["metrics.json"]["annotations"]["metrics"] == {"auc": 0.91, "rows": 1200}
    assert metrics["metrics.json"]["uri"].endswith("#metrics.json")
    assert in_toto.statement(BY_HAND["nothing"](), REPO)["predicate"]["runDetails"]["builder"]["id"] == HOME


def test_formats__registered_twice__the_newest_registration_counts() -> None:
    again = PASSAGES[0]._replace(time=ASSIGNED + 86400, run="https://ci.acme.example/7", tag="risk@v1.2.0-again")
    statement, events, bom = judge_all(pipeline(passages=(*PASSAGES, again)))
    details = statement["predicate"]["runDetails"]
    assert details["metadata"]["finishedOn"] == "2026-01-04T00:00:00Z"
    assert details["builder"]["id"] == "https://ci.acme.example"
    assert events[-1]["eventTime"] == bom["metadata"]["timestamp"] == "2026-01-04T00:00:00Z"


def test_in_toto_parameters__pipeline__what_is_claimed_and_who_approved() -> None:
    definition = definition_of(pipeline())
    outside, inside = definition["externalParameters"], definition["internalParameters"]
    assert (outside["artifact"], outside["version"], outside["repository"]) == ("risk", "v1.2.0", REPO)
    assert {"file": "params.yaml", "name": "train.lr", "value": 0.1, "steps": ["train"]} in outside["parameters"]
    assert "did not run the steps" in inside["tagline_claim"]
    assert inside["tagline_ledger"][0]["approvedBy"] == ["grace 0123456 2026-01-01T12:00:00Z"]
    assert inside["tagline_ledger"][1]["stage"] == "prod"
    assert inside["tagline_measuring"] == ["evaluate"]
    assert not outside.keys() & inside.keys()


def test_in_toto_build_type__leads_to_a_heading_of_the_document() -> None:
    heading = in_toto.BUILD_TYPE.partition("#")[2]
    headings = re.findall(r"^#+ (.*)$", DOCS.read_text(), re.MULTILINE)
    assert heading in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings]


def test_formats__what_a_step_read_and_nobody_has__is_said_to_be_missing() -> None:
    graph = pipeline().graph
    gone = {"src/prepare.py": graph.files["src/prepare.py"]._replace(digest=None, missing=True)}
    code = tuple(file for file in graph.code if file.path not in gone)
    statement, events, bom = judge_all(pipeline(graph=replace(graph, files={**graph.files, **gone}, code=code)))
    rows = {row["name"]: row for row in statement["predicate"]["buildDefinition"]["resolvedDependencies"]}
    assert rows["src/prepare.py"]["annotations"]["missing"] is True
    assert "uri" not in rows["src/prepare.py"]
    assert any(one["facets"]["tagline_file"].get("missing") for one in events[0]["inputs"])
    assert properties(component(bom, "src/prepare.py"))["missing"] == "true"


# -- OpenLineage -----------------------------------------------------------------------


def facets(dataset: dict[str, Any]) -> dict[str, Any]:
    return dataset["facets"]


def test_openlineage_events__pipeline__one_a_step_and_the_registration() -> None:
    events = openlineage.events(pipeline(), REPO)
    assert [event["job"]["name"] for event in events] == ["prepare", "train", "evaluate", "tagline:register:risk"]
    assert [event["eventTime"] for event in events] == ["2026-01-01T00:00:00Z"] * 3 + ["2026-01-02T00:00:00Z"]
    assert {event["job"]["namespace"] for event in events} == {f"git+{REPO}"}
    train = events[1]
    assert [one["name"] for one in train["inputs"]] == ["data/clean", "src/train"]
    assert [one["name"] for one in train["outputs"]] == ["models/risk.pkl"]
    keys = {one["key"]: one["value"] for one in train["run"]["facets"]["executionParameters"]["parameters"]}
    assert keys == {
        "params.yaml:train.lr": "0.1",
        "params.yaml:train.layers": "[8, 4]",
        "params.yaml:train.deep": "true",
    }
    assert train["run"]["facets"]["tagline_step"]["stale"] == ["src/train/net.py was changed since it ran"]
    assert events[2]["run"]["facets"]["tagline_step"]["measures"] is True
    assert train["job"]["facets"]["sourceCodeLocation"]["version"] == COMMIT


def test_openlineage_events__each_output__is_the_next_ones_input() -> None:
    events = openlineage.events(pipeline(), REPO)
    prepare, train, evaluate, register = events
    for maker, reader in ((prepare, train), (train, evaluate), (train, register)):
        made, read = maker["outputs"][0], reader["inputs"][0]
        assert (made["namespace"], made["name"]) == (read["namespace"], read["name"])
        assert facets(made)["version"]["datasetVersion"] == facets(read)["version"]["datasetVersion"]
    assert register["outputs"][0]["facets"]["version"]["datasetVersion"] == "v1.2.0"


def test_openlineage_datasets__elsewhere__named_as_the_naming_spec_has_it() -> None:
    inputs = {one["name"]: one for one in openlineage.events(pipeline(), REPO)[0]["inputs"]}
    assert inputs["rates.csv"]["namespace"] == "s3://public"
    assert facets(inputs["data/prices.csv"])["symlinks"]["identifiers"] == [
        {"namespace": "s3://prices", "name": "2026/march.csv", "type": "LOCATION"}
    ]
    assert facets(inputs["data/raw"])["symlinks"]["identifiers"] == [
        {"namespace": "git+ssh://git@github.com/acme/datasets.git", "name": "daily/raw", "type": "LOCATION"}
    ]
    artifact = openlineage.events(pipeline(), REPO)[1]["outputs"][0]
    assert facets(artifact)["symlinks"]["identifiers"][0]["namespace"] == "s3://acme-dvc"
    (virtual,) = openlineage.events(BY_HAND["virtual"](), REPO)
    assert (virtual["inputs"][0]["namespace"], virtual["inputs"][0]["name"]) == ("s3://models", "risk v2/model.bin")


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("s3://b/k/x.csv", ("s3://b", "k/x.csv")),
        ("gs://b/k", ("gs://b", "k")),
        ("file:///data/x", ("file", "/data/x")),
        ("hdfs://n:8020/x", ("hdfs://n:8020", "/x")),
        ("abfss://c@a.dfs.core.windows.net/x", ("abfss://c@a.dfs.core.windows.net", "/x")),
        ("git+https://h/o/r.git@abc#p/q%20r", ("git+https://h/o/r.git", "p/q r")),
        ("s3://b", None),
        ("urn:x", None),
        (None, None),
    ],
)
def test_openlineage_name__of_a_uri__is_the_naming_specs(where: str | None, name: tuple[str, str] | None) -> None:
    assert openlineage.dataset_of(where) == name


def test_openlineage_run_ids__deterministic_and_of_their_own() -> None:
    one, other = openlineage.events(pipeline(), REPO), openlineage.events(pipeline(version="v2.0.0"), REPO)
    ids = [event["run"]["runId"] for event in one]
    assert len(set(ids)) == 4
    # A run is the commit's, whatever it is called later; a registration is the version's.
    assert [event["run"]["runId"] for event in other][:3] == ids[:3]
    assert other[3]["run"]["runId"] != ids[3]


@pytest.mark.parametrize("facet", openlineage._STANDARD.values())
def test_openlineage_facets__written_for__are_published(facet: str) -> None:
    url = f"https://openlineage.io/spec/facets/{facet}.json#/$defs/{facet.partition('/')[2]}"
    assert openlineage_judge.kind_of(url) in openlineage_judge.FACETS


# -- CycloneDX -------------------------------------------------------------------------


def component(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in document["components"] if one["name"] == name]
    return found


def properties(one: dict[str, Any]) -> dict[str, str]:
    return {row["name"].removeprefix("tagline:"): row["value"] for row in one["properties"]}


def test_cyclonedx_model__pipeline__card_hashes_and_who_approved() -> None:
    document = cyclonedx.bom(pipeline(), REPO)
    model = document["metadata"]["component"]
    assert (model["type"], model["name"], model["version"]) == ("machine-learning-model", "risk", "v1.2.0")
    assert model["hashes"] == [{"alg": "MD5", "content": "6" * 32}]
    measured = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert measured[0] == {"type": "auc", "value": "0.91", "slice": "metrics.json"}
    learnt = [one["ref"] for one in model["modelCard"]["modelParameters"]["datasets"]]
    # Not what the model was measured with.
    assert learnt == ["file:data/raw", "file:data/prices.csv", "file:s3://public/rates.csv"]
    assert properties(model)["approved-by"] == "grace 0123456 2026-01-01T12:00:00Z"
    assert {one["type"]: one["url"] for one in model["externalReferences"]}["build-meta"].endswith("/runs/99")
    assert document["metadata"]["timestamp"] == "2026-01-02T00:00:00Z"


def test_cyclonedx_components__pipeline__data_files_and_their_marks() -> None:
    document = cyclonedx.bom(pipeline(), REPO)
    assert component(document, "src/prepare.py")["type"] == "file"
    assert component(document, "src/prepare.py")["swhid"] == [f"swh:1:cnt:{'d' * 40}"]
    raw = component(document, "data/raw")
    assert (raw["type"], raw["data"][0]["type"]) == ("data", "dataset")
    # The md5 of a folder's list is no hash of the folder.
    assert "hashes" not in raw
    assert properties(raw)["digest"] == f"md5:{'1' * 32}.dir"
    assert raw["externalReferences"][0]["url"].endswith("#daily/raw")
    needs = {row["ref"]: row.get("dependsOn") for row in document["dependencies"]}
    assert needs["artifact"] == ["file:data/clean", "file:src/train"]
    assert needs["file:src/train"] == ["file:src/train/__init__.py", "file:src/train/net.py"]
    assert needs["file:metrics.json"] == ["artifact", "file:data/test.csv"]
    (workflow,) = document["formulation"][0]["workflows"]
    assert [(task["name"], task["taskTypes"]) for task in workflow["tasks"]] == [
        ("prepare", ["build"]), ("train", ["build"]), ("evaluate", ["test"]),
    ]  # fmt: skip


def test_cyclonedx_artifact__a_data_set__is_data_without_a_card() -> None:
    one = cyclonedx.bom(BY_HAND["dvc-folder"](), REPO)["metadata"]["component"]
    assert one["type"] == "data"
    assert "modelCard" not in one
    assert properties(one)["metric:auc"] == "0.91"


def test_cyclonedx_serial__content__decides() -> None:
    one, other = cyclonedx.bom(pipeline(), REPO), cyclonedx.bom(pipeline(metrics=(Figure("auc", 0.92),)), REPO)
    assert one["serialNumber"] == cyclonedx.bom(pipeline(), REPO)["serialNumber"] != other["serialNumber"]


# -- what a step read is not what the commit has -------------------------------------


def read_otherwise() -> Lineage:
    """The pipeline after its data and its code were changed, and only the first step was run again."""
    prepare, train, evaluate = STEPS
    now = Behind("data/clean", f"{md5('a')}.dir", 1024, 2)
    raw, prices, *others = prepare.deps
    ran = prepare._replace(outs=(now,), deps=(raw, prices._replace(digest=md5("b")), *others))
    steps = (ran, train, evaluate)
    graph = graph_of("models/risk.pkl", Pointed(steps, IMPORTS), IN_GIT)
    return pipeline(graph=graph, stale=(Stale("prepare", "src/prepare.py was changed", "src/prepare.py"),))


def test_in_toto_dependencies__step_read_other_bytes__are_those_that_it_read() -> None:
    judge_all(read_otherwise(), REPO)
    rows = {row["name"]: row for row in definition_of(read_otherwise())["resolvedDependencies"]}
    assert rows["data/clean"]["digest"] == {"dvcDirMd5": "4" * 32}
    assert rows["data/clean"]["annotations"]["readBy"] == ["train"]
    assert rows["data/prices.csv"]["digest"] == {"md5": "b" * 32}
    assert rows["src/prepare.py"]["digest"] == {"md5": "3" * 32}
    # Nothing says where these bytes are, or came from.
    assert not any("uri" in rows[name] for name in ("data/clean", "data/prices.csv", "src/prepare.py"))
    assert "origin of data/prices.csv" not in rows


def test_openlineage_inputs__step_read_other_bytes__are_those_that_it_read() -> None:
    [train] = [one for one in openlineage.events(read_otherwise(), REPO) if one["job"]["name"] == "train"]
    versions = {row["name"]: row["facets"]["version"]["datasetVersion"] for row in train["inputs"]}
    assert versions["data/clean"] == f"{md5('4')}.dir"


def test_cyclonedx_inputs__step_read_other_bytes__are_those_that_it_read() -> None:
    made = cyclonedx.bom(read_otherwise(), REPO)
    [flow] = made["formulation"][0]["workflows"]
    tasks = {task["uid"]: task for task in flow["tasks"]}
    by_ref = {row["bom-ref"]: row for row in made["components"]}

    def digests(task: str) -> set[str]:
        refs = [row["resource"]["ref"] for row in tasks[task]["inputs"] if "resource" in row]
        facts = [fact for ref in refs for fact in by_ref[ref]["properties"]]
        return {fact["value"] for fact in facts if fact["name"] == "tagline:digest"}

    assert f"{md5('4')}.dir" in digests("train")
    assert f"{md5('a')}.dir" not in digests("train")
    assert {md5("b"), md5("3")} <= digests("prepare")
    learnt = {row["ref"] for row in made["metadata"]["component"]["modelCard"]["modelParameters"]["datasets"]}
    assert f"file:data/prices.csv@{md5('b')}" in learnt
    assert "file:data/prices.csv" not in learnt
