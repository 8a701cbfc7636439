"""A secret in any part of an address, wherever one may stand, is in nothing that Tagline says or writes."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from urllib.parse import quote

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from tests.conftest import CommandLine
from tests.support.gitbuild import Commit, History, Tag, build, run_git

MARK = "hunter2"
#: What a password may have beside letters, as it is and as a careful person writes it.
_ODD = st.text("ab12/@:%", max_size=3)
_SECRETS = st.builds(lambda before, after: f"{before}{MARK}{after}", _ODD, _ODD)
_ENCODED = _SECRETS.map(lambda text: quote(text, safe=""))
#: Nobody listens there, and a name is looked up nowhere.
_HOSTS = st.sampled_from(["127.0.0.1:9", "[::1]:9", "127.0.0.1"])
_WEB = st.sampled_from(["http", "https"])


def _passwords(secret: str) -> st.SearchStrategy[str]:
    return st.builds(lambda scheme, host: f"{scheme}://u:{secret}@{host}/o/x.git", _WEB, _HOSTS)


#: Of a login without a colon, a slash makes a host and a path: it cannot be told from one.
_USERS = st.builds(lambda scheme, user, host: f"{scheme}://{user}@{host}/x.git", _WEB, _ENCODED, _HOSTS)
_BEHIND = st.builds(
    lambda scheme, host, mark, secret: f"{scheme}://{host}/x.git{mark}{secret}",
    _WEB,
    _HOSTS,
    st.sampled_from(["?private_token=", "#access_token=", "?a=b&sig=", "/?x=1#"]),
    _SECRETS,
)
_IN_PATHS = st.builds(
    lambda scheme, host, inner: f"{scheme}://{host}/{inner}",
    _WEB,
    _HOSTS,
    st.one_of(
        (_SECRETS | _ENCODED).map(lambda secret: f"https://u:{secret}@127.0.0.1/x.git"),
        _ENCODED.map(lambda secret: f"u:{secret}@127.0.0.1/x.git"),
        _SECRETS.map(lambda secret: f"https://127.0.0.1/x?token={secret}"),
    ),
)
_SSH = st.builds(lambda secret: f"ssh://git:{secret}@127.0.0.1:9/x.git", _SECRETS | _ENCODED)
_SCP = st.builds(lambda secret: f"git:{secret}@127.0.0.1:o/x.git", _ENCODED)
ADDRESSES = st.one_of((_SECRETS | _ENCODED).flatmap(_passwords), _USERS, _BEHIND, _IN_PATHS, _SSH, _SCP)
#: The issue's own.
SLASHED = "https://u:hun/ter2hunter2@127.0.0.1:9/x.git"

#: Each example starts a dozen of git's processes; the first that fails is as good as the smallest.
SOME = settings(max_examples=15, phases=[Phase.explicit, Phase.generate])
_numbers = itertools.count()
HISTORY = History(
    [Commit("c1", files={"artifacts.yaml": "rf: {path: rf.pkl, type: model}\n", "rf.pkl": "1"})],
    [Tag("rf@v1.0.0", "c1"), Tag("rf#prod#1", "c1")],
    {"main": "c1"},
)
QUICK = {"GIT_SSH_COMMAND": "false"}


def _texts(folder: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())


def _tags(repository: Path) -> str:
    return run_git(repository, "for-each-ref", "--format=%(contents)", "refs/tags", "refs/tagline")


def _check(said: str, address: str) -> None:
    assert MARK not in said, f"{address}\n{said}"


@SOME
@example(SLASHED)
@example("https://u:@hunter2/b@127.0.0.1:9/x.git")
@example("ssh://git:@aahunter2/aa@127.0.0.1:9/x.git")
@example("https://127.0.0.1:9/x.git?private_token=hunter2")
@given(ADDRESSES)
def test_repo__secret_in_its_address__is_in_no_answer(here: Path, tagline: CommandLine, address: str) -> None:
    outputs = here / f"outputs-{next(_numbers)}"
    outputs.mkdir()
    files = {name: str(outputs / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for command in (
        ("show", "rf#prod"),
        ("resolve", "rf#prod", "--json"),
        ("register", "rf", "--json"),
        ("history", "--offline"),
        ("plan", "--change", "1", "--repo-forge", "gitlab", "--json"),
    ):
        said = tagline(*command, "--repo", address, **QUICK)
        assert said.code != 0
        _check(said.out + said.err, address)
    job = {"GITHUB_ACTIONS": "true", "TAGLINE_COMMAND": "resolve", "TAGLINE_TARGET": "rf#prod", "TAGLINE_REPO": address}
    said = tagline("ci", **job, **files, **QUICK)
    _check(said.out + said.err + _texts(outputs), address)


@SOME
@example(SLASHED)
@example("https://127.0.0.1:9/x.git?private_token=hunter2")
@given(ADDRESSES)
def test_clone__secret_in_its_remotes_address__is_in_no_answer_and_no_tag(
    here: Path, tagline: CommandLine, address: str
) -> None:
    clone = here / f"clone-{next(_numbers)}"
    build(clone, HISTORY)
    run_git(clone, "remote", "add", "origin", address)
    outputs = clone / ".git" / "outputs"
    outputs.mkdir()
    said = tagline("resolve", "rf#prod", "--offline", "--json", cwd=clone, **QUICK)
    assert said.code == 0, said.err
    _check(said.out + said.err, address)
    job = {"CI": "true", **QUICK}
    for command in (
        ("show", "rf#prod", "--json"),
        ("show",),
        ("register", "rf", "--push"),
        ("register", "other", "--no-push"),
        ("assign", "rf#dev", "--version", "v1.0.0", "--no-push", "--override", f"see {address}"),
        ("unassign", "rf#prod", "--no-push", "--override", f"see '{address}'."),
        ("lineage", "rf#prod", "--offline"),
        ("lineage", "rf#prod", "--offline", "--format", "in-toto"),
        ("lineage", "rf#prod", "--offline", "--format", "openlineage"),
        ("lineage", "rf#prod", "--offline", "--format", "cyclonedx"),
        ("history", "rf", "--offline", "--json"),
        ("plan", "--change", "1", "--repo-forge", "github"),
    ):
        said = tagline(*command, cwd=clone, **job)
        # What is no address is refused as such, which says nothing of it either.
        no_address = "bad-url" in said.out or "cannot be read" in said.err
        assert said.code != 2 or no_address or "plan" in command or "ssh" in address.partition(":")[0], said.err
        _check(said.out + said.err, address)
    _check(_tags(clone), address)


@SOME
@example(SLASHED)
@example("ssh://git:/hunter2/@127.0.0.1:9/x.git")
@example("ssh://git:1/hunter2@127.0.0.1:9/x.git")
@example("http://u::@@hunter2/@[::1]:9/o/x.git")
@example("http://127.0.0.1/u:2hunter2%2F%2F@127.0.0.1/x.git")
@given(ADDRESSES.filter(lambda address: "://" in address))
def test_files__secret_in_an_address_of_theirs__is_in_no_answer_and_no_output(
    here: Path, tagline: CommandLine, address: str
) -> None:
    clone = here / f"clone-{next(_numbers)}"
    written = json.dumps(address)
    files = {
        "artifacts.yaml": f"far: {{path: {written}, type: {written}, description: {written}, labels: [{written}]}}\n"
        "data: {path: data.pkl}\n"
        f"rf: {{path: rf.pkl, mlflow: {{run_id: r1, tracking_uri: {written}}}}}\n",
        "rf.pkl": "1",
        "data.pkl.dvc": f"outs:\n- md5: {'a' * 32}\n  size: 3\n  hash: md5\n  path: data.pkl\n",
        ".dvc/config": f"[core]\n    remote = s\n['remote \"s\"']\n    url = {address}\n",
        "big.bin": f"version https://git-lfs.github.com/spec/v1\noid sha256:{'b' * 64}\nsize 3\n",
        ".lfsconfig": f'[lfs]\n\turl = "{address}"\n',
    }
    tags = [Tag(f"{name}@v1.0.0", "c1") for name in ("far", "data", "rf")]
    build(clone, History([Commit("c1", files=files)], tags, {"main": "c1"}))
    job = {**QUICK, "MLFLOW_TRACKING_URI": address}
    for name in ("far", "data", "rf"):
        for command in (
            ("resolve", f"{name}@v1.0.0", "--json"),
            ("resolve", f"{name}@v1.0.0", "--no-storage"),
            ("fetch", f"{name}@v1.0.0", "-o", "out"),
            ("lineage", f"{name}@v1.0.0", "--json"),
        ):
            said = tagline(*command, cwd=clone, **job)
            _check(said.out + said.err, address)
    for options in (("--json",), ("--check-storage", "--check-mlflow"), ("--format", "github")):
        said = tagline("validate", *options, cwd=clone, **job)
        _check(said.out + said.err, address)
    outputs = clone / ".git" / "outputs"
    outputs.mkdir()
    files = {name: str(outputs / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    step = {"GITHUB_ACTIONS": "true", "TAGLINE_COMMAND": "resolve", "TAGLINE_TARGET": "far@v1.0.0"}
    said = tagline("ci", cwd=clone, **job, **files, **step, TAGLINE_NO_STORAGE="true")
    _check(said.out + said.err + _texts(outputs), address)
