"""Which remote keeps an out: DVC's own reading of the same configuration files is the oracle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dvc.config import Config
from dvc.fs import get_fs_config
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.storage.objects import Remote
from tagline.domain.storage.remotes import DvcConfig, Level, moved_to
from tagline.errors import WrongUsage
from tagline.formats.dvc_config import parse

LEVELS = ("system", "global", "repo", "local")


class Machine:
    """Four folders with configuration files, as DVC looks for them."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = root / "home"
        self.folders = {
            "system": root / "etc" / "dvc", "global": self.home / ".config" / "dvc", "repo": root / "work" / ".dvc",
            "local": root / "work" / ".dvc",
        }  # fmt: skip
        for folder in {*self.folders.values(), self.home}:
            folder.mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv("HOME", str(self.home))
        monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(self.folders["system"]))
        monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(self.folders["global"]))

    def write(self, files: dict[str, str]) -> None:
        for level in LEVELS:
            file = self.folders[level] / ("config.local" if level == "local" else "config")
            file.unlink(missing_ok=True)
            if level in files:
                file.write_text(files[level])

    def ours(self, files: dict[str, str]) -> DvcConfig:
        levels = [
            Level(level, parse(files[level].encode(), level), str(self.folders[level]))
            for level in LEVELS
            if level in files
        ]
        return DvcConfig.merge(levels, str(self.home))

    def theirs(self, files: dict[str, str], name: str | None) -> dict[str, Any]:
        self.write(files)
        config = Config(str(self.folders["repo"]), validate=False)
        return dict(get_fs_config(config, name=name or config["core"]["remote"]))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def section(name: str, **options: str) -> str:
    return f"['remote \"{name}\"']\n" + "".join(f"{key} = {value}\n" for key, value in options.items())


def flat(remote: Remote) -> dict[str, str]:
    return {"url": remote.url, **remote.options}


SAME: list[tuple[dict[str, str], str | None]] = [
    ({"repo": section("a", url="s3://b/x", region="eu")}, "a"),
    ({"repo": "[core]\nremote = A\n" + section("a", url="s3://b/x")}, None),
    ({"repo": section("A", url="s3://b/x")}, "a"),
    ({"repo": section("a", url="s3://b/x")}, "A"),
    ({"repo": section("a b", url="s3://b/x")}, "a b"),
    ({"repo": section("a", url="../store")}, "a"),
    ({"repo": section("a", url="store/x/")}, "a"),
    ({"repo": section("a", url=".")}, "a"),
    ({"repo": section("a", url="")}, "a"),
    ({"repo": section("a", url="~/store")}, "a"),
    ({"repo": section("a", url="~")}, "a"),
    ({"repo": section("a", url="/x/../y//z/")}, "a"),
    ({"repo": section("a", url="file:///x")}, "a"),
    ({"repo": section("a", url="S3://b/x")}, "a"),
    ({"repo": section("a", url="'s3://b/x # y'")}, "a"),
    ({"repo": section("a", url="C:/x")}, "a"),
    ({"repo": section("a", url="s3:x")}, "a"),
    ({"global": section("a", url="../x"), "repo": section("a", region="eu")}, "a"),
    (
        {
            "system": section("a", url="s3://1"),
            "global": section("a", url="s3://2"),
            "repo": section("b", url="s3://3"),
        },
        "a",
    ),
    ({level: section("a", url=f"s3://{level}", **{f"o{level}": "1"}) for level in LEVELS}, "a"),
    ({"repo": section("a", url="s3://b"), "local": section("A", url="/mnt", password="'x # y'")}, "a"),
    (
        {
            "local": "[core]\nremote = b\n" + section("b", url="rel"),
            "repo": "[core]\nremote=a\n" + section("a", url="s3://x"),
        },
        None,
    ),
    (
        {
            "repo": section(
                "a", url="s3://b/x", credentialpath="../keys", configpath="~/aws", keyfile="k", cert_path="/c"
            )
        },
        "a",
    ),
    ({"system": section("a", key_path="k"), "repo": section("a", url="https://h/x", cert_path="c")}, "a"),
    ({"repo": section("a", url="s3://b/x", profile="../not-a-path")}, "a"),
    ({"repo": section("a", url="s3://b/x") + section("b", url="remote://a/sub/y", region="eu")}, "b"),
    (
        {
            "repo": section("A", url="s3://b/x", region="us", profile="p")
            + section("b", url="remote://A/s", region="eu")
        },
        "b",
    ),
    ({"repo": section("a", url="s3://b/x/") + section("b", url="remote://a/sub")}, "b"),
    ({"repo": section("a", url="s3://b/x") + section("b", url="remote://a")}, "b"),
    ({"repo": section("a", url="s3://b/x/") + section("b", url="remote://a/")}, "b"),
    ({"repo": section("a", url="../x") + section("b", url="remote://a/../y")}, "b"),
    ({"repo": section("a", url="s3://b/x") + section("b", url="remote://a/1") + section("c", url="remote://b/2")}, "c"),
    (
        {
            "global": section("a", url="../x"),
            "repo": section("b", url="remote://a/1"),
            "local": section("b", type="copy"),
        },
        "b",
    ),
    ({"repo": section("a", url="https://u@h:8/x?q=1") + section("b", url="remote://a/1")}, "b"),
]


MOVED = {"s3://a": "s3://b", "s3://a/deep/": "gs://c/x/", "/mnt/old": "/mnt/new", "s3://b": "s3://twice"}


@pytest.mark.parametrize(
    ("address", "now"),
    [
        ("s3://a", "s3://b"),
        ("s3://a/", "s3://b/"),
        ("S3://a/x/y", "s3://b/x/y"),
        ("s3://a/deep", "gs://c/x"),
        ("s3://a/deep/er", "gs://c/x/er"),
        ("s3://a/deeper", "s3://b/deeper"),
        ("s3://ab/x", "s3://ab/x"),
        ("s3://A/x", "s3://A/x"),
        ("/mnt/old/x", "/mnt/new/x"),
        ("/mnt/older", "/mnt/older"),
        ("s3://b/x", "s3://twice/x"),
    ],
)
def test_moved_to__addresses__move_once_with_the_longest_that_they_lie_below(address: str, now: str):
    assert moved_to(address, MOVED) == now


@pytest.mark.parametrize(("files", "name"), SAME)
def test_remote__configuration__is_what_dvc_makes_of_it(machine, files, name):
    found = machine.ours(files).remote(name)
    assert flat(found) == machine.theirs(files, name)


@pytest.mark.parametrize(
    ("files", "name", "code"),
    [
        ({}, None, "no-storage"),
        ({"repo": section("a", url="s3://b")}, None, "no-storage"),
        ({"repo": section("a", url="s3://b"), "local": "[core]\nremote =\n"}, None, "no-storage"),
        ({"repo": section("a", url="s3://b")}, "b", "unknown-remote"),
        ({"repo": "[core]\nremote = b\n" + section("a", url="s3://b")}, None, "unknown-remote"),
        ({"repo": section("a", region="eu")}, "a", "usage"),
        ({"repo": section("a", url="remote://a/x")}, "a", "usage"),
        ({"repo": section("a", url="remote://b") + section("b", url="remote://a")}, "a", "usage"),
        ({"repo": section("a", url="remote://b/x")}, "a", "unknown-remote"),
        ({"repo": section("a", url="remote://")}, "a", "unknown-remote"),
        ({"repo": section("a", url="remote://b/x") + section("b", region="eu")}, "a", "usage"),
        ({"repo": section("a", url="s3://[x")}, "a", "bad-url"),
        ({"repo": section("a", url="remote://[b")}, "a", "bad-url"),
    ],
)
def test_remote__configuration_that_names_none__is_an_error_as_it_is_to_dvc(machine, files, name, code):
    with pytest.raises(WrongUsage) as caught:
        machine.ours(files).remote(name)
    assert (caught.value.code, bool(caught.value.hint)) == (code, True)
    if code != "bad-url":  # DVC fails on those later, or reads the brackets as a bucket
        with pytest.raises(Exception):  # noqa: B017 - RecursionError, KeyError, DVC's own
            machine.theirs(files, name)


def test_remote__without_a_default__names_those_there_are(machine):
    with pytest.raises(WrongUsage, match="there are: a, b") as caught:
        machine.ours({"repo": section("b", url="x") + section("a", url="x")}).remote(None)
    assert caught.value.hint.endswith("dvc remote default a")


def test_remote__home_of_another_user__is_left_alone(machine):
    """DVC asks the machine for it; a folder that is called so would be a guess."""
    assert machine.ours({"repo": section("a", url="~nobody-here/x")}).remote("a").url == "~nobody-here/x"


def test_remote__without_a_clone__relative_paths_stay_as_they_are():
    sections = parse(section("a", url="../store", keyfile="k").encode(), "x")
    found = DvcConfig.merge([Level("repo", sections, None)], "/home/me").remote("a")
    assert flat(found) == {"url": "../store", "keyfile": "k"}


def test_remote__without_a_home__stays_as_it_is():
    found = DvcConfig.merge([Level("repo", parse(section("a", url="~/x").encode(), "x"), "/w/.dvc")], None).remote("a")
    assert found.url == "~/x"


def test_own__is_what_this_machines_files_set():
    levels = [
        Level("system", {"remote:a": {"profile": "p", "region": "r"}}),
        Level("repo", {"remote:a": {"url": "s3://b", "region": "eu", "user": "u"}}),
        Level("local", {"remote:a": {"user": "me"}}),
    ]
    assert DvcConfig.merge(levels).remote("a").own == {"profile", "user"}


@pytest.mark.parametrize(
    ("base", "referring", "own"),
    [("repo", "repo", False), ("repo", "local", False), ("local", "repo", False), ("global", "local", True)],
)
def test_own__url_made_of_two_files__is_ours_only_if_both_are(base, referring, own):
    files: dict[str, dict[str, dict[str, str]]] = {level: {} for level in LEVELS}
    files[base]["remote:a"] = {"url": "s3://b"}
    files[referring]["remote:b"] = {"url": "remote://a/x"}
    found = DvcConfig.merge([Level(level, files[level]) for level in LEVELS]).remote("b")
    assert ("url" in found.own) is own


@pytest.mark.parametrize(
    ("options", "aware", "worktree"),
    [
        ({}, False, False),
        ({"version_aware": "True"}, True, False),
        ({"version_aware": "false"}, False, False),
        ({"worktree": "true"}, True, True),
        ({"worktree": "yes"}, False, False),
    ],
)
def test_version_aware__says_so_in_either_option(options, aware, worktree):
    found = Remote("a", "s3://b", options)
    assert (found.version_aware, found.is_worktree) == (aware, worktree)


_urls = st.sampled_from(
    [
        "s3://b/x",
        "s3://b/x/",
        "/mnt/x",
        "../x",
        "x",
        "~/x",
        "https://h/x",
        "remote://a",
        "remote://B/y",
        "remote://c/",
        "'# x'",
    ]
)
_options = st.fixed_dictionaries(
    {},
    optional={
        "url": _urls,
        "region": st.sampled_from(["eu", "''", "1"]),
        "keyfile": st.sampled_from(["k", "~/k", "/k"]),
    },
)
_file = st.builds(
    lambda default, remotes: (
        (f"[core]\nremote = {default}\n" if default else "")
        + "".join(section(name, **options) for name, options in remotes.items())
    ),
    st.sampled_from(["", "a", "B", "c"]),
    st.dictionaries(st.sampled_from(["a", "B", "c"]), _options, max_size=3),
)


@given(st.dictionaries(st.sampled_from(LEVELS), _file), st.sampled_from([None, "a", "b", "C"]))
def test_remote__any_files__are_what_dvc_makes_of_them(tmp_path_factory, files, name):
    with pytest.MonkeyPatch.context() as patch:
        machine = Machine(tmp_path_factory.getbasetemp() / "any-machine", patch)
        try:
            ours = flat(machine.ours(files).remote(name))
        except WrongUsage:
            ours = None
        try:
            theirs = machine.theirs(files, name)
        except Exception as error:
            if "extra keys not allowed" in str(error):  # which options a store knows is the store's to say
                return
            theirs = None
    assert ours == theirs
