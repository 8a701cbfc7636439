"""Names, types and clashes, with Git itself as the judge of tag names."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagline.domain.ledger.tags import artifact_in_tag, parse_tag
from tagline.domain.manifest import manifest_rules
from tagline.domain.manifest.gto_config import GtoConfig
from tagline.domain.manifest.manifest import declared, full_name, is_absolute, repository_path, split_name
from tagline.formats.yaml import reading as yaml


def items(text: str, file: str = "artifacts.yaml"):
    return declared(yaml.load(text.encode()), file)


def git_accepts(refs: list[str]) -> list[bool]:
    return [
        subprocess.run(["git", "check-ref-format", f"refs/tags/{ref}"], check=False).returncode == 0 for ref in refs
    ]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="aB1-_/. é:@", min_size=1, max_size=8))
def test_check_name__any_name__is_accepted_only_if_git_takes_its_tags(name: str):
    (item,) = items(f'"{name}": {{}}')
    if manifest_rules.check_name(item) == []:
        assert parse_tag(f"{name}@v1.0.0") is not None
        assert git_accepts([f"{name}@v1.0.0", f"{name}#prod#1"]) == [True, True]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="aB.-_ l", min_size=1, max_size=5) | st.just("x.lock"), min_size=1, max_size=3))
def test_check_directory__any_directory__is_accepted_exactly_if_its_tags_work(parts: list[str]):
    file = "/".join(parts) + "/artifacts.yaml"
    found = manifest_rules.check_directory(file, items("a: {}", file))
    tag = artifact_in_tag(full_name(file, "a")) + "@v1.0.0"
    works = parse_tag(tag) is not None and git_accepts([tag]) == [True]
    assert (found == []) == works


@settings(deadline=None)
@given(st.text(max_size=20))
def test_valid_name__any_text__proposes_a_name_that_passes(text: str):
    proposal = manifest_rules.valid_name(text)
    if proposal is not None:
        (item,) = items(f'"{proposal}": {{}}')
        assert manifest_rules.check_name(item) == []


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("my model", "my-model"),
        ("a//b", "a/b"),
        ("a/.b", "a/b"),
        ("_x_", "x"),
        ("é", None),
        ("a.b/c", "a-b/c"),
        ("", None),
    ],
)
def test_valid_name__bad_name__stays_close(name: str, proposal: str | None):
    assert manifest_rules.valid_name(name) == proposal


def test_check_type__gto_lists_none__allows_everything():
    (item,) = items("a: {type: x}")
    assert manifest_rules.check_type(item, GtoConfig()) == []


def test_check_type__gto_lists_an_empty_list__allows_nothing():
    (item,) = items("a: {type: x}")
    assert manifest_rules.check_type(item, GtoConfig(types={}))[0].rule == "unknown-type"


@pytest.mark.parametrize(
    ("file", "path", "expected"),
    [
        ("artifacts.yaml", "m/x", "m/x"),
        ("artifacts.yaml", "./m//x/", "m/x"),
        ("d/artifacts.yaml", "../x", "x"),
        ("d/artifacts.yaml", "../../x", None),
        ("artifacts.yaml", "..", None),
        ("artifacts.yaml", "..x", "..x"),
        ("d/artifacts.yaml", ".", "d"),
        ("artifacts.yaml", "/x", None),
        ("artifacts.yaml", "s3://b/k", None),
    ],
)
def test_repository_path__relative_to_its_file__stays_inside(file: str, path: str, expected: str | None):
    assert repository_path(file, path) == expected


@pytest.mark.parametrize("path", ["/x", "C:\\x", "c:/x", "C:", "~/x", "~user/x", "\\\\server\\share"])
def test_is_absolute__absolute_path__is_seen_on_every_system(path: str):
    assert is_absolute(path)
    assert not is_absolute("x" + path)


@pytest.mark.parametrize(("file", "full"), [("artifacts.yaml", "a"), ("d/e/dvc.yaml", "d/e:a")])
def test_full_name__and_split_name__are_inverse(file: str, full: str):
    assert full_name(file, "a") == full
    assert split_name(full) == (file.rpartition("/")[0], "a")
