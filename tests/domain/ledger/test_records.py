"""Records: written as the schema says, and read as data that anybody may have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.ledger.records import (
    MAX_RECORD,
    WRITE,
    Actor,
    ChangeKey,
    Record,
    RecordedTag,
    commit_message,
    decode,
    encode,
    file_in,
)
from tagline.domain.text.times import MAX_TIME

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "record.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
ID = "0123456789abcdef" * 2 + "01234567"

texts = st.text(max_size=20)
ids = st.text("0123456789abcdef", min_size=40, max_size=40) | st.text("0123456789abcdef", min_size=64, max_size=64)
records = st.builds(
    Record,
    texts,
    st.lists(st.builds(RecordedTag, texts, ids, ids), max_size=3).map(tuple),
    st.none() | st.builds(ChangeKey, texts, texts, st.integers(1, 10**9)),
    st.builds(Actor, texts, texts),
    st.integers(0, MAX_TIME),
    st.dictionaries(st.text("xyz", min_size=1), st.none() | st.booleans() | texts, max_size=2),
)
RECORD = Record(
    WRITE,
    (RecordedTag("rf@v1.0.0", ID, ID),),
    ChangeKey("github.com", "1296269", 7),
    Actor("Ada", "ada@example.org"),
    1_772_323_200,
)


@given(records)
def test_encode__any_record__is_what_the_schema_says_and_is_read_back(record: Record) -> None:
    assert decode(encode(record)) == record
    VALIDATOR.validate(json.loads(encode(record)))


@given(records)
def test_message__of_any_record__carries_the_very_file(record: Record) -> None:
    message = commit_message(record)
    assert file_in(message) == encode(record)
    assert b"\0" not in message
    assert message.split(b"\n")[1] == b""


def test_schema__is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "https://tagline.dev/schemas/record.schema.json"


def changed(**more: Any) -> bytes:
    return json.dumps({**json.loads(encode(RECORD)), **more}).encode()


def test_decode__keys_of_later_kinds__are_kept_and_harm_nothing() -> None:
    found = decode(changed(kind="start", workflow={"name": "deploy.yml"}))
    assert found is not None
    assert found.kind == "start"
    assert found.more == {"workflow": {"name": "deploy.yml"}}
    assert found.tags == RECORD.tags


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"{" * 100_000,
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"format": ' + b"9" * 5000 + b"}",
        encode(RECORD)[:-5],
        changed(format=2),
        changed(format=True),
        changed(kind=None),
        changed(tags={}),
        changed(tags=[[]]),
        changed(tags=[{"tag": "rf@v1.0.0", "tag_object": "--upload-pack=x", "commit": ID}]),
        changed(tags=[{"tag": "rf@v1.0.0", "tag_object": ID, "commit": "HEAD"}]),
        changed(tags=[{"tag": 1, "tag_object": ID, "commit": ID}]),
        changed(change=[]),
        changed(change={"host": "github.com", "repository": 7, "number": 7}),
        changed(change={"host": "github.com", "repository": "7", "number": True}),
        changed(change={"host": "github.com", "repository": "7", "number": 7.0}),
        changed(actor="Ada"),
        changed(time=7),
        changed(time="yesterday"),
        changed(time="2026-03-01"),
        changed(more="x" * MAX_RECORD),
    ],
    ids=range(26),
)
def test_decode__what_is_no_record__is_none(data: bytes) -> None:
    assert decode(data) is None


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_decode__any_bytes__is_none_or_a_record(data: bytes) -> None:
    found = decode(data)
    assert found is None or isinstance(found, Record)
