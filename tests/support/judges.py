"""The published formats' judges: the packages that their projects publish, and what no schema can say."""

from __future__ import annotations

import json
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from jsonschema import FormatChecker

from tagline.domain.lineage.lineage import Lineage
from tagline.render.exports import cyclonedx, in_toto, openlineage
from tests.support import openlineage_judge
from tests.support.lineages import REPO

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)


def judge_in_toto(document: dict[str, Any]) -> None:
    """By the classes of in-toto's own package: every field must be one of the format's, and of its type."""
    message = json_format.ParseDict(document, StatementMessage())
    Statement.copy_from_pb(message).validate()
    assert document["predicateType"] == "https://slsa.dev/provenance/v1"
    provenance = json_format.ParseDict(document["predicate"], Provenance())
    # What SLSA's level 1 requires.
    assert provenance.build_definition.build_type
    assert provenance.build_definition.HasField("external_parameters")
    assert provenance.run_details.builder.id
    run = document["predicate"]["runDetails"]
    definition = document["predicate"]["buildDefinition"]
    found = [*document["subject"], *definition.get("resolvedDependencies", []), *run.get("byproducts", [])]
    for descriptor in found:
        assert descriptor.keys() & {"name", "uri", "digest"}
        if "uri" in descriptor:
            FormatChecker().check(descriptor["uri"], "uri")


def judge_cyclonedx(document: dict[str, Any]) -> None:
    """By the project's own strict schema, and by what a schema cannot say: every reference leads somewhere."""
    error = VALIDATOR.validate_str(json.dumps(document))
    assert error is None, error
    components = [document["metadata"]["component"], *document.get("components", [])]
    tasks = [
        task for formula in document.get("formulation", []) for flow in formula["workflows"] for task in flow["tasks"]
    ]
    refs = [one["bom-ref"] for one in [*components, *tasks]]
    assert len(refs) == len(set(refs)), "a bom-ref stands for two things"
    named = [row["ref"] for row in document["dependencies"]]
    named += [ref for row in document["dependencies"] for ref in row.get("dependsOn", [])]
    named += [put["resource"]["ref"] for task in tasks for way in ("inputs", "outputs") for put in task.get(way, [])
              if "resource" in put]  # fmt: skip
    card = components[0].get("modelCard", {})
    named += [data["ref"] for data in card.get("modelParameters", {}).get("datasets", [])]
    assert set(named) <= set(refs)


def all_of(lineage: Lineage, url: str = REPO) -> list[Any]:
    return [in_toto.statement(lineage, url), openlineage.events(lineage, url), cyclonedx.bom(lineage, url)]


def judge_all(lineage: Lineage, url: str = REPO) -> list[Any]:
    statement, events, bom = documents = all_of(lineage, url)
    judge_in_toto(statement)
    for event in events:
        openlineage_judge.judge(event)
    judge_cyclonedx(bom)
    for document in documents:
        written = json.dumps(document, allow_nan=False, ensure_ascii=False).encode()
        assert json.loads(written) == document
    return documents
