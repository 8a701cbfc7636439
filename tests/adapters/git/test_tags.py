"""Reading tags from real repositories: all shapes, few processes, only the refs that were asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.running import find_repository, open_git
from tagline.adapters.git.tags import read_tags, tag_names
from tagline.errors import PlatformRefused
from tests.support.gitbuild import EPOCH, Commit, History, Tag, build, run_git

ODD = History(
    commits=(Commit("c0", files={"f": "x"}), Commit("c1", ("c0",))),
    tags=(
        Tag("rf@v1.0.0", "c0", time=EPOCH + 1, tagger="Ana <ana@example.org>", message="Registering\n\nRun: 1\n"),
        Tag("rf#prod/eu#1", "c0", time=EPOCH + 2),
        Tag("rf#prod#2", "c0", time=EPOCH + 3, zone="+0530"),
        Tag("nested#prod#1", "tag:rf@v1.0.0", time=EPOCH + 4),
        Tag("twice#prod#1", "tag:nested#prod#1", time=EPOCH + 5),
        Tag("light@v1.0.0", "c1", lightweight=True),
        Tag("anon@v1.0.0", "c0", time=None),
        Tag("tree@v1.0.0", "tree:c0"),
        Tag("blob@v1.0.0", "blob:c0:f"),
        Tag("new@v1.0.0", "c0", embedded="old@v1.0.0"),
        Tag("dir/sub=rf@v1.0.0", "c1", time=EPOCH + 6),
        Tag("rfx@v1.0.0", "c1", time=EPOCH + 7),
    ),
)


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    build(tmp_path / "odd", ODD)
    return tmp_path / "odd"


def _git(path: Path):
    return open_git(find_repository(path))


def test_read_tags__every_shape__as_git_stores_it(odd: Path) -> None:
    tags = {tag.name: tag for tag in read_tags(_git(odd), None)}
    c0, c1 = run_git(odd, "rev-parse", "rf@v1.0.0^{commit}").strip(), run_git(odd, "rev-parse", "rfx@v1.0.0^{}").strip()
    assert set(tags) == {tag.name for tag in ODD.tags}
    assert tags["rf@v1.0.0"][2:7] == ("tag", c0, "commit", EPOCH + 1, "rf@v1.0.0")
    assert tags["rf#prod#2"].time == EPOCH + 3  # seconds are UTC whatever the zone
    assert tags["nested#prod#1"][3:6] == (c0, "commit", EPOCH + 4)
    assert tags["twice#prod#1"][3:6] == (c0, "commit", EPOCH + 5)
    assert tags["light@v1.0.0"][2:6] == ("commit", c1, "commit", None)
    assert tags["anon@v1.0.0"].time is None
    assert tags["tree@v1.0.0"].target_type == "tree"
    assert tags["blob@v1.0.0"].target_type == "blob"
    assert tags["new@v1.0.0"].embedded_name == "old@v1.0.0"


def test_read_tags__details__adds_tagger_and_message(odd: Path) -> None:
    tags = {tag.name: tag for tag in read_tags(_git(odd), ["rf"], details=True)}
    assert tags["rf@v1.0.0"].actor_name == "Ana"
    assert tags["rf@v1.0.0"].actor_email == "ana@example.org"
    assert tags["rf@v1.0.0"].message == "Registering\n\nRun: 1\n"


@pytest.mark.parametrize(
    ("artifact", "names"),
    [
        ("rf", {"rf@v1.0.0", "rf#prod#2", "rf#prod/eu#1"}),
        ("dir/sub:rf", {"dir/sub=rf@v1.0.0"}),
        ("nobody", set()),
    ],
)
def test_read_tags__one_artifact__its_tags_alone(odd: Path, artifact: str, names: set[str]) -> None:
    assert {tag.name for tag in read_tags(_git(odd), [artifact])} == names


def test_read_tags__one_artifact__does_not_open_the_others(odd: Path) -> None:
    broken = run_git(odd, "rev-parse", "rfx@v1.0.0").strip()
    loose = odd / ".git" / "objects" / broken[:2] / broken[2:]
    loose.unlink()
    assert len(list(read_tags(_git(odd), ["rf"]))) == 3
    with pytest.raises(PlatformRefused, match="cannot read a tag object"):
        list(read_tags(_git(odd), None))


@pytest.mark.parametrize("count", [10, 1000])
def test_read_tags__any_number__two_git_processes(tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path / "r", History(tags=tuple(Tag(f"m{n}@v1.0.0", "c0") for n in range(count))))
    git = _git(tmp_path / "r")
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(tmp_path / "trace"))
    assert len(list(read_tags(git, None))) == count
    monkeypatch.delenv("GIT_TRACE2_EVENT")
    events = [json.loads(line) for line in (tmp_path / "trace").read_text().splitlines()]
    assert [e["argv"][1] for e in events if e["event"] == "start"] in (
        ["for-each-ref", "cat-file"],
        ["cat-file", "for-each-ref"],
    )


@pytest.mark.parametrize("packed", [False, True])
def test_tag_names__loose_or_packed__all(odd: Path, packed: bool) -> None:
    if packed:
        run_git(odd, "pack-refs", "--all")
    assert set(tag_names(_git(odd))) == {tag.name for tag in ODD.tags}
    assert len(list(GitRepository.at(odd).tags(["rf"]))) == 3


def test_read_tags__more_than_a_pipe_holds_and_odd_ones_between__each_as_it_was_written(tmp_path: Path) -> None:
    long, told = "x" * 200_000 + "\n", "Registering\n\nMerge-Commit: " + "e" * 40 + "\n"
    tags = [
        Tag(
            f"m{n:03d}@v1.0.{n}",
            "c0",
            time=EPOCH + n,
            tagger="Zoë > B <zoë@example.org>",
            message=f"Größe {n}\n\n\nb\n",
        )
        for n in range(600)
    ]
    odd = [
        Tag("m100#long#1", "c0", time=EPOCH, message=long),
        Tag("m200#other#1", "c0", time=EPOCH, message=told),
        Tag("m300#anon#1", "c0", time=None),
        Tag("m400#blob#1", "blob:c0:big", lightweight=True),
    ]
    files = {"big": "y" * 300_000}
    build(tmp_path / "r", History(commits=(Commit("c0", files=files),), tags=(*tags, *odd)))
    detailed = {tag.name: tag for tag in read_tags(_git(tmp_path / "r"), None, details=True)}
    plain = {tag.name: tag for tag in read_tags(_git(tmp_path / "r"), None)}
    assert detailed.keys() == plain.keys() == {tag.name for tag in (*tags, *odd)}
    for tag in tags:
        assert detailed[tag.name][5:] == (tag.time, tag.name, "Zoë > B", "zoë@example.org", tag.message)
        assert plain[tag.name] == detailed[tag.name]._replace(actor_name="", actor_email="", message="")
    assert detailed["m100#long#1"].message == long
    assert plain["m200#other#1"].message == detailed["m200#other#1"].message == told
    assert plain["m300#anon#1"].time is None
    assert (
        detailed["m400#blob#1"][2:6]
        == plain["m400#blob#1"][2:6]
        == ("blob", detailed["m400#blob#1"].object_id, "blob", None)
    )
