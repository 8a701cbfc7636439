"""One suite over the command line and the Python functions: they answer and refuse alike, wherever the registry is."""

from __future__ import annotations

import datetime
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import tagline as package
from tagline.errors import TaglineError
from tests.commands.storage.test_fetch import FILES, MODEL, Registry, md5, registry, server
from tests.commands.storage.test_superseded import overtake_late
from tests.conftest import CommandLine
from tests.support.gitbuild import EPOCH, run_git
from tests.support.githttp import GitServer, serve

__all__ = ["registry", "server"]

PLACES = ("clone", "folder", "file", "http")


@pytest.fixture(params=PLACES)
def repo(request: pytest.FixtureRequest, registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A registry as it can be named: where one stands, a folder, ``file://``, HTTP."""
    place = request.param
    if place in ("clone", "folder"):
        run_git(tmp_path, "clone", "-q", str(registry.path), "clone")
        if place == "clone":
            monkeypatch.chdir(tmp_path / "clone")
            return None
        return tmp_path / "clone"
    if place == "file":
        return f"file://{registry.path}"
    return f"{request.getfixturevalue('server').url}/shop.git"


Answer = tuple[int, Any]


def by_function(call: Callable[[], Any]) -> Answer:
    """The exit code that the answer or the refusal stands for, and its document."""
    try:
        return 0, call().to_dict()
    except TaglineError as error:
        return int(error.exit_code), {"error": {"code": error.code, "message": error.message, "hint": error.hint}}


def by_command(tagline: CommandLine, repo: Any, *arguments: str) -> Answer:
    where = [] if repo is None else ["--repo", str(repo)]
    said = tagline(*arguments, *where, "--json")
    return said.code, said.json


QUESTIONS: dict[str, tuple[list[str], Callable[[Any], Any]]] = {
    "show": (["show"], lambda repo: package.show(repo=repo)),
    "show-artifact": (["show", "model"], lambda repo: package.show("model", repo)),
    "show-stage": (["show", "model#prod"], lambda repo: package.show("model#prod", repo)),
    "show-then": (
        ["show", "model#prod", "--as-of", "2023-11-14T22:13:30Z"],
        lambda repo: package.show("model#prod", repo, as_of=datetime.datetime.fromtimestamp(EPOCH + 10, datetime.UTC)),
    ),
    "show-nobody": (["show", "modle#prod"], lambda repo: package.show("modle#prod", repo)),
    "history": (["history"], lambda repo: package.history(repo=repo)),
    "history-name": (["history", "model"], lambda repo: package.history("model", repo)),
    "resolve": (["resolve", "model#prod"], lambda repo: package.resolve("model#prod", repo)),
    "resolve-latest": (["resolve", "model"], lambda repo: package.resolve("model", repo)),
    "resolve-folder": (["resolve", "data@v1.0.0"], lambda repo: package.resolve("data@v1.0.0", repo)),
    "resolve-change": (
        ["resolve", "data@v1.0.0", "--require-change"],
        lambda repo: package.resolve("data@v1.0.0", repo, require_change=True),
    ),
    "resolve-nothing": (["resolve", "model#staging"], lambda repo: package.resolve("model#staging", repo)),
    "resolve-odd": (["resolve", "#prod"], lambda repo: package.resolve("#prod", repo)),
    "lineage": (["lineage", "model#prod"], lambda repo: package.lineage("model#prod", repo)),
    "validate": (["validate"], lambda repo: package.validate(repo=repo)),
}


def test_functions__answer_and_refuse__as_the_command_line(repo: Any, tagline: CommandLine) -> None:
    answers, printed = {}, {}
    for question, (arguments, call) in QUESTIONS.items():
        answers[question] = by_function(partial(call, repo))
        printed[question] = by_command(tagline, repo, *arguments)
    assert answers == printed
    assert {code for code, _ in answers.values()} >= {0, 1, 2, 6}


def test_validate__of_a_broken_file__answers_with_findings(here: Path, tagline: CommandLine) -> None:
    run_git(here, "init", "-q")
    (here / "artifacts.yaml").write_text("churn:\n  pathh: x\n")
    run_git(here, "add", "artifacts.yaml")
    found = package.validate("artifacts.yaml")
    assert not found.ok
    said = tagline("validate", "artifacts.yaml", "--json")
    assert (said.code, said.json) == (1, found.to_dict())


def test_history__at_a_stage__lists_holds(registry: Registry, tagline: CommandLine) -> None:
    found = package.history("model", f"file://{registry.path}", at="prod")
    assert isinstance(found, package.Holds)
    printed = tagline.json("history", "model", "--at", "prod", "--repo", f"file://{registry.path}")
    for document in (shown := found.to_dict(), printed):  # they count to now, and now goes on
        for row in (*document["holds"], *document["summary"].values(), document["overall"]):
            for name in ("seconds", "mean_seconds", "held_seconds", "window_seconds", "longest_seconds", "share"):
                row.pop(name, None)
    assert shown == printed


def test_fetch__twice_without_dest__is_one_read_only_file_of_the_cache(repo: Any) -> None:
    first = package.fetch("model#prod", repo=repo)
    assert first.read_bytes() == MODEL
    assert not os.access(first, os.W_OK) or os.getuid() == 0
    assert first.stat().st_mode & 0o222 == 0
    assert package.fetch("model#prod", repo=repo) == first


def test_fetch__of_a_folder_to_dest__is_that_folder(repo: Any, tmp_path: Path) -> None:
    path = package.fetch("data", tmp_path / "out", repo)
    assert path == tmp_path / "out"
    assert {str(one.relative_to(path)): one.read_bytes() for one in path.rglob("*") if one.is_file()} == FILES


def test_fetch__where_somebody_changed_the_cache__brings_the_bytes_anew(registry: Registry) -> None:
    repo = f"file://{registry.path}"
    path = package.fetch("data", repo=repo)
    (path / "a.txt").chmod(0o644)
    (path / "a.txt").write_bytes(b"eve")
    assert (package.fetch("data", repo=repo) / "a.txt").read_bytes() == FILES["a.txt"]
    (path / "more").write_bytes(b"added")
    assert sorted(one.name for one in package.fetch("data", repo=repo).iterdir()) == ["a.txt", "empty", "sub"]


def called(call: Callable[[], Path | None]) -> tuple[int, Path | None]:
    """The exit code that an answer or a refusal stands for, and the path."""
    try:
        return 0, call()
    except TaglineError as error:
        return int(error.exit_code), None


def test_fetch__overtaken_meanwhile__fails_skips_or_runs_as_the_command_line(
    registry: Registry, server: GitServer, tagline: CommandLine, tmp_path: Path
) -> None:
    for name in ("allowFilter", "allowAnySHA1InWant"):
        run_git(registry.path, "config", f"uploadpack.{name}", "true")
    repo, dest = f"{server.url}/shop.git", tmp_path / "out"
    found = {}
    for what in ("fail", "skip", "run"):
        for face in ("function", "command"):
            overtake_late(registry, server)
            if face == "command":
                said = tagline(
                    "fetch", "model#prod", "-o", str(dest), "--repo", repo, "--if-superseded", what, "--json"
                )
                code, path = said.code, said.json.get("destination")
            else:
                code, path = called(partial(package.fetch, "model#prod", dest, repo, if_superseded=what))
            found[what, face] = (code, path and str(path), dest.exists())
            dest.unlink(missing_ok=True)
            run_git(registry.path, "update-ref", "-d", "refs/tags/model#prod#3")
            server.requests.clear()
    for face in ("function", "command"):
        assert [found[what, face] for what in ("fail", "skip", "run")] == [
            (1, None, False), (0, None, False), (0, str(dest), True),
        ], face  # fmt: skip
    server.redirect = lambda _: None
    assert package.fetch("model#prod", repo=repo, if_superseded="skip") is not None
    with pytest.raises(package.WrongUsage, match="if_superseded"):
        package.fetch("model#prod", repo=repo, if_superseded="maybe")  # type: ignore[call-overload]


def test_fetch__of_tampered_bytes__hands_nothing_out(registry: Registry, tmp_path: Path) -> None:
    registry.s3.put(registry.bucket, f"store/files/md5/{md5(MODEL)[:2]}/{md5(MODEL)[2:]}", MODEL[:-1] + b"!")
    repo = f"file://{registry.path}"
    with pytest.raises(package.WrongBytes):
        package.fetch("model#prod", tmp_path / "out", repo)
    assert not (tmp_path / "out").exists()
    with pytest.raises(package.WrongBytes):
        package.fetch("model#prod", repo=repo)
    with pytest.raises(package.WrongBytes):
        package.open("model#prod", repo=repo)
    with package.open("model#prod", repo=repo, verify="late") as file, pytest.raises(package.WrongBytes):
        while file.read(1024):
            pass


def test_open__of_a_folders_file__fetches_that_file_alone(registry: Registry) -> None:
    repo = f"file://{registry.path}"
    registry.delete(FILES["a.txt"])
    for verify in ("before", "late"):
        with package.open("data", "sub/b.txt", repo, verify=verify) as file:  # type: ignore[arg-type]
            assert file.read() == FILES["sub/b.txt"]
    with package.open("in-git", "a.md", repo, "r") as text:
        assert text.read() == "note\n"


@pytest.mark.parametrize(
    ("target", "path", "code"),
    [("data", None, "is-folder"), ("model", "x", "is-file"), ("data", "sub/c.txt", "no-file")],
)
@pytest.mark.parametrize("verify", ["before", "late"])
def test_open__of_what_is_no_file__says_so(
    registry: Registry, target: str, path: str | None, code: str, verify: Any
) -> None:
    with pytest.raises(TaglineError) as caught:
        package.open(target, path, f"file://{registry.path}", verify=verify)
    assert caught.value.code == code


def test_open__in_a_mode_that_there_is_not__says_which_argument() -> None:
    with pytest.raises(package.WrongUsage, match="mode is 'w'"):
        package.open("model", mode="w")  # type: ignore[arg-type]
    with pytest.raises(package.WrongUsage, match="verify='never'"):
        package.open("model", verify="never")  # type: ignore[arg-type]


def test_cache__over_its_limit__loses_what_was_not_used_longest(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = f"file://{registry.path}"
    monkeypatch.setenv("TAGLINE_CACHE_LIMIT", "5kB")
    model = package.fetch("model#prod", repo=repo)
    old = package.fetch("model@v1.0.0", repo=repo)
    assert model.exists(), "it was used a moment ago"
    os.utime(model.parent, (0, 0))
    package.fetch("data", repo=repo)
    assert not model.exists()
    assert old.exists()


def test_cache__that_others_may_write__is_refused(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Path(os.environ["TAGLINE_CACHE"]) / "artifacts"
    shelf.mkdir(parents=True)
    shelf.chmod(0o777)
    with pytest.raises(package.WrongUsage, match="alone"):
        package.fetch("model#prod", repo=f"file://{registry.path}")


def test_token__goes_to_the_named_host__and_shows_nowhere(registry: Registry) -> None:
    asked: list[str] = []

    def token() -> str:
        asked.append("asked")
        return "s3cret-token"

    with serve(registry.path.parent, password="s3cret-token") as running:
        found = package.resolve("model#prod", f"{running.url}/shop.git", token=token)
        with pytest.raises(package.PlatformRefused) as caught:
            package.resolve("model#prod", f"{running.url}/shop.git", token="wr0ng-token")
    assert asked == ["asked"]
    shown = f"{found!r}{caught.value!r}{vars(caught.value)}{pickle.dumps(caught.value)!r}"
    assert "s3cret" not in shown
    assert "wr0ng" not in shown


def test_token__without_a_repository_by_url__is_refused(here: Path) -> None:
    with pytest.raises(package.WrongUsage, match="URL"):
        package.resolve("model#prod", here, token="t")


def test_errors__through_pickle__are_the_same() -> None:
    for error in (package.WrongUsage("cause", "fix", code="why"), package.NotFound("cause")):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert (str(again), again.hint, again.code, again.exit_code) == (
            str(error), error.hint, error.code, error.exit_code,
        )  # fmt: skip


def test_presigned__in_a_repr__is_hidden(registry: Registry) -> None:
    found = package.resolve("model#prod", f"file://{registry.path}", presign=60)
    assert found.presigned is not None
    assert found.presigned.url not in repr(found)


def test_names__of_the_package__are_all_there_and_none_is_heavy() -> None:
    code = (
        "import sys, tagline; before = set(sys.modules)\n"
        "assert not [m for m in before if m.startswith('tagline.')], before\n"
        "[getattr(tagline, name) for name in tagline.__all__]\n"
        "heavy = {'git', 'yaml', 'boto3', 'requests', 'jsonschema'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_types__of_a_users_program__are_known_to_mypy(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from datetime import datetime\nfrom pathlib import Path\nimport tagline\n"
        "def serve(stage: str) -> Path:\n"
        "    try:\n"
        "        found = tagline.resolve(f'churn#{stage}', 'https://example.org/shop.git', token=lambda: 't')\n"
        "    except tagline.NotFound as error:\n"
        "        raise SystemExit(error.hint) from error\n"
        "    registered: datetime | None = found.registered_at\n"
        "    print(found.version, registered)\n"
        "    waiting: Path | None = tagline.fetch('churn#prod', if_superseded='skip')\n"
        "    print(waiting)\n"
        "    with tagline.open('churn') as bytes_, tagline.open('card', None, None, 'r') as text:\n"
        "        print(bytes_.read() + b'', text.read() + '', tagline.open('card', mode='r').read() + '')\n"
        "    print(list(tagline.show().artifacts), tagline.history('churn').events[0].tag)\n"
        "    print(tagline.history('churn', at=stage).holds[0].change)\n"
        "    return tagline.fetch('churn', lock='tagline.lock')\n"
    )
    mypy = shutil.which("mypy", path=str(Path(sys.executable).parent))
    assert mypy, "make installs it"
    done = subprocess.run(
        [mypy, "--strict", "--python-executable", sys.executable, "--cache-dir", str(tmp_path / "cache"), str(program)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    program.write_text("import tagline\nx: int = tagline.resolve('churn').version\n")
    wrong = subprocess.run(
        [mypy, "--strict", "--python-executable", sys.executable, "--cache-dir", str(tmp_path / "cache"), str(program)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert 'expression has type "str | None"' in wrong.stdout
