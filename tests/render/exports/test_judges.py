"""The judges of the formats do judge: a spoiled document is refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tagline.render.exports import cyclonedx, in_toto, openlineage
from tests.support import openlineage_judge
from tests.support.judges import judge_cyclonedx, judge_in_toto
from tests.support.lineages import REPO, pipeline


def spoiled(document: Any, path: list[Any], value: Any) -> Any:
    document = copy.deepcopy(document)
    place = document
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["_type"], "https://in-toto.io/Statement/v0.1"),
        (["subject"], []),
        (["subject", 0, "digest"], ...),
        (["subject", 0, "size"], 3),
        (["subject", 0, "uri"], "not a uri"),
        (["predicate", "buildDefinition", "buildType"], ...),
        (["predicate", "buildDefinition", "externalParameters"], ...),
        (["predicate", "buildDefinition", "approvals"], {}),
        (["predicate", "runDetails", "metadata", "finishedOn"], "yesterday"),
        (["predicate", "runDetails", "builder"], ...),
    ],
)
def test_judge_in_toto__spoiled_statement__refused(path: list[Any], value: Any) -> None:
    with pytest.raises(Exception) as refusal:
        judge_in_toto(spoiled(in_toto.statement(pipeline(), REPO), path, value))
    assert not isinstance(refusal.value, KeyError)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["eventTime"], "2026-01-01"),
        (["eventTime"], "2026-13-01T00:00:00Z"),
        (["eventType"], "DONE"),
        (["producer"], "not a uri"),
        (["producer"], ...),
        (["run", "runId"], "1"),
        (["job", "name"], ...),
        (["job", "owner"], "me"),
        (["job", "facets", "jobType", "integration"], ...),
        (["job", "facets", "jobType", "_schemaURL"], "https://openlineage.io/spec/facets/9-9-9/X.json#/$defs/X"),
        (["job", "facets", "sourceCodeLocation", "url"], ...),
        (["job", "facets", "kind"], {"_producer": "https://x", "_schemaURL": "https://x"}),
        (["run", "facets", "executionParameters", "parameters", 0, "value"], 7),
        (["run", "facets", "tagline_step", "timeOf"], "run"),
        (["run", "facets", "tagline_step", "more"], 1),
        (["inputs", 0, "name"], ...),
        (["inputs", 0, "facets", "version", "datasetVersion"], ...),
        (["inputs", 0, "facets", "tagline_file", "role"], "loot"),
        (["inputs", 0, "inputFacets", "inputStatistics", "size"], "big"),
        (["outputs", 0, "facets", "symlinks"], {"_producer": "https://x", "_schemaURL": "https://x"}),
    ],
)
def test_judge_openlineage__spoiled_event__refused(path: list[Any], value: Any) -> None:
    with pytest.raises(Exception) as refusal:
        openlineage_judge.judge(spoiled(openlineage.events(pipeline(), REPO)[1], path, value))
    assert not isinstance(refusal.value, KeyError)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["serialNumber"], "7"),
        (["metadata", "timestamp"], "yesterday"),
        (["metadata", "component", "type"], "model"),
        (["metadata", "component", "hashes", 0, "content"], "xyz"),
        (["metadata", "component", "modelCard", "author"], "me"),
        (["components", 0, "data", 0, "type"], "table"),
        (["components", 0, "externalReferences", 0, "url"], "http://[x y"),
        (["dependencies", 0, "dependsOn"], ["file:nowhere"]),
        (["formulation", 0, "workflows", 0, "tasks", 0, "taskTypes"], ["guess"]),
    ],
)
def test_judge_cyclonedx__spoiled_bill__refused(path: list[Any], value: Any) -> None:
    with pytest.raises(AssertionError):
        judge_cyclonedx(spoiled(cyclonedx.bom(pipeline(), REPO), path, value))
