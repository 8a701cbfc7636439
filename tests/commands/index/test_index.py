"""``tagline index`` on real repositories: what becomes rows, what is read again, what goes."""

from __future__ import annotations

import base64
import json
import math
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from benchmarks.index_world import add_tag, template
from tagline.adapters.index.dataset import RETIRED_FOR
from tagline.adapters.index.folder import Folder
from tagline.cli.main import main
from tagline.commands.index.reading import read_registry
from tagline.domain.index.listing import INDEX
from tagline.domain.index.sources import Wanted, once
from tagline.domain.index.tables import TABLES
from tagline.errors import Conflict
from tagline.settings import Settings
from tagline.wiring.index import IndexWiring
from tests.e2e.gitlab_runner import token_of
from tests.support.gitbuild import Commit, History, Tag, build, environment, run_git
from tests.support.githttp import GitServer, serve
from tests.support.index_runs import TAGS, VERSIONS, Run, everything, listing, rows, small
from tests.support.indexes import HOSTILE
from tests.support.sites import picture

# -- rows --------------------------------------------------------------------------------------------


def test_index__a_repository__is_rows_of_every_table(run: Run, pattern: Path, tmp_path: Path) -> None:
    ran, index, name = run(pattern), tmp_path / "index", pattern.as_uri()
    assert (ran.code, ran.read, ran.failed) == (0, 1, [])
    assert rows(index, "repositories", "repository", "forge", "visibility", "status", "branch") == [
        (name, "git", "unknown", "ok", "main")
    ]
    assert rows(index, "artifacts") == [
        (name, "unknown", "churn", "model", "models/churn.pkl", "Who leaves", ["tabular", "retail"], None, None,
         "v1.7.0", False)
    ]  # fmt: skip
    versions = rows(index, "versions", "version", "digest", "size", "uri", "change", "approved_by")
    assert len(versions) == VERSIONS
    assert versions[0][0] == "v1.0.0"
    assert versions[0][1].startswith("md5:")
    assert versions[0][2] == 5000
    assert versions[0][3] == f"s3://models/dvc/files/md5/{versions[0][1][4:6]}/{versions[0][1][6:]}"
    assert versions[0][4:] == ("https://github.com/acme/shop/pull/0", ["ada"])
    assert rows(index, "stages", "stage", "version", "held") == [
        ("prod", "v1.7.0", False),
        ("staging", "v1.7.0", False),
    ]
    assert len(rows(index, "holds")) == VERSIONS * 3 // 2
    assert len(rows(index, "events")) == TAGS
    metrics = [row[1:] for row in rows(index, "metrics", "version", "name", "value") if row[0] == "v1.7.0"]
    assert metrics == [("accuracy", 0.907), ("auc", 0.9), ("loss", 0.1)]
    params = [row[1:] for row in rows(index, "params", "version", "name", "value") if row[0] == "v1.7.0"]
    assert params == [
        ("prepare.split", "0.2"), ("train.epochs", "7"), ("train.lr", "0.007"), ("train.seed", "7"),
    ]  # fmt: skip
    inputs = [row[1:] for row in rows(index, "inputs", "version", "kind", "step", "path") if row[0] == "v1.7.0"]
    assert inputs == [
        ("data", "prepare", "data/raw.csv"),
        ("dep", "prepare", "src/prepare.py"),
        ("dep", "train", "data/train.csv"),
        ("dep", "train", "src/train.py"),
        ("out", "prepare", "data/train.csv"),
        ("out", "train", "metrics.json"),
        ("out", "train", "models/churn.pkl"),
    ]


def test_index__of_any_history__says_what_show_says(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = (
        "rf@v1.0.0", "rf#prod#1", "rf#dev#2", "rf@v1.1.0-rc.1", "rf#dev!#3", "d/e=nn@v0.1.0", "d/e=nn@v0.1.0!",
        "old@v1.0.0", "old#prod#1", "old@deprecated", "bare#prod#1",
    )  # fmt: skip
    commits = [Commit(f"c{n}", (f"c{n - 1}",) if n else ()) for n in range(4)]
    tags = [Tag(name, f"c{n % 4}", 1_700_000_000 + n) for n, name in enumerate(names)]
    tags += [Tag("rf@v1.0.1", "c0", 1_700_000_100), Tag("rf#prod#9", "c3", 1_700_000_101), Tag("x@v1", "c0")]
    path = tmp_path / "r.git"
    build(path, History(tuple(commits), tuple(tags), {"main": "c3"}), bare=True)
    run(path)
    assert main(["show", "--repo", str(path), "--all", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["artifacts"]
    index = tmp_path / "index"
    assert {row[0]: row[1:] for row in rows(index, "artifacts", "artifact", "latest", "deprecated")} == {
        name: (one["latest"], one["deprecated"]) for name, one in shown.items()
    }
    cells = ("version", "commit", "tag", "registered_at")
    told = {
        (name, *(row[cell] for cell in cells), row["active"] and not one["deprecated"])
        for name, one in shown.items() for row in one["versions"]
    }  # fmt: skip
    at = "strftime(registered_at, '%Y-%m-%dT%H:%M:%SZ')"
    assert set(rows(index, "versions", "artifact", "version", "commit", "tag", at, "active")) == told
    told = {
        (name, stage, row["version"], row["commit"], row["tag"], row["since"])
        for name, one in shown.items() for stage, row in one["stages"].items()
    }  # fmt: skip
    at = "strftime(since, '%Y-%m-%dT%H:%M:%SZ')"
    assert set(rows(index, "stages", "artifact", "stage", "version", "commit", "tag", at)) == told
    assert len(told) == 4


def test_index__over_http__has_the_same_rows_as_in_a_folder(
    run: Run, pattern: Path, tmp_path: Path, many: list[Path]
) -> None:
    add_tag(many[1], 1)
    with serve(tmp_path / "git") as server:
        urls = [f"{server.url}/team-0/{path.name}" for path in many[:2]]
        assert run(*urls, into=tmp_path / "remote").read == 2
        remote, names = everything(tmp_path / "remote"), [url.partition("://")[2].removesuffix(".git") for url in urls]
        # Again with one new version: of the others only their tags come.
        add_tag(many[0], 2)
        server.requests.clear()
        assert (again := run(*urls, into=tmp_path / "remote")).read == 1
        assert again.unchanged == 1
        assert len(server.requests) <= 1 + 1 + 3 * 2  # a look at each; three fetches of the changed one
    run(*many[:2], into=tmp_path / "here")
    here = everything(tmp_path / "here")
    assert {row[0] for row in remote["repositories"]} == set(names)
    for table in ("metrics", "params", "inputs", "events", "holds"):
        of_second = [row[1:] for row in here[table] if row[0] == many[1].as_uri()]
        assert of_second, table
        assert [row[1:] for row in everything(tmp_path / "remote")[table] if row[0] == names[1]] == of_second
        of_first = [row[1:] for row in here[table] if row[0] == many[0].as_uri()]
        assert [row[1:] for row in everything(tmp_path / "remote")[table] if row[0] == names[0]] == of_first


def test_index__hostile_names_and_values__are_data_in_every_column(run: Run, tmp_path: Path) -> None:
    evil = HOSTILE.replace("\n", " ").replace("\r", " ")
    text = json.dumps(evil)
    files: dict[str, str | bytes] = {
        "artifacts.yaml": f"rf:\n  type: {text}\n  path: m.pkl\n  description: {text}\n  labels: [{text}]\n"
        f"  custom: {{owner: {text}}}\n  card: {text}\n  metrics: m.json\n",
        "m.pkl": b"\0\xff",
        "m.json": json.dumps({evil: 1, "nan": float("nan"), "inf": float("inf"), "text": evil, "huge": 10**400}),
        "params.yaml": f"{text}: {text}\n",
    }
    message = f"x\n\nChange: https://u:secret@h/{'a' * 20_000}\nApproved-By: {evil}\n"
    message += f"Ticket: {evil}\nReason: https://u:secret@h/\n"
    tags = (
        Tag("rf@v1.0.0", "c0", message=message, tagger="A\u202e=cmd <a@b>"),
        Tag("rf#prod#1", "c0", 1_700_000_001, message=message),
        Tag("d=\"x';--@v1.0.0", "c0", message=message),
        Tag("lightweight@v1.0.0", "c0", lightweight=True),
    )
    path = small(tmp_path / "it's; a [very]*? odd\n name.git", *tags, files=files)
    assert run(path).failed == []
    index = tmp_path / "index"
    ((name, visibility, *artifact),) = [row for row in rows(index, "artifacts") if row[2] == "rf"]
    assert (name, visibility) == (path.resolve().as_uri(), "unknown")
    assert artifact[1:7] == [evil, "m.pkl", evil, [evil], evil, evil]
    metrics = dict(rows(index, "metrics", "name", "value"))
    assert metrics[evil] == 1.0
    assert math.isnan(metrics["nan"])
    assert metrics["inf"] == math.inf
    assert "text" not in metrics
    ((change, approved),) = set(rows(index, "versions", "change", "approved_by[1]"))
    assert len(change) <= 10_000
    assert "secret" not in change
    assert approved == evil
    assert set(rows(index, "events", "tickets[1]", "reason")) == {(evil, "https://h/")}
    assert {row[0] for row in rows(index, "stages", "stage")} == {"prod"}
    assert run(path).unchanged == 1


def test_index__more_params_than_anybody_reads__are_cut(run: Run, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "artifacts.yaml": "rf:\n  path: m\n  metrics: m.json\n",
        "m": "m",
        "m.json": json.dumps({f"k{number}": number for number in range(12_000)}),
    }
    assert run(small(tmp_path / "a.git", Tag("rf@v1.0.0", "c0"), files=files)).rows["metrics"] == 10_000


def test_index__more_rows_than_a_repository_has__are_left_out_and_that_is_told(pattern: Path, tmp_path: Path) -> None:
    """A tag costs nothing, and each makes a version with all that its commit has."""
    wiring = IndexWiring(Settings.from_environ({"TAGLINE_CACHE": str(tmp_path)}))
    registries = wiring.registries(1)
    refs = registries.look(pattern.as_uri())
    with registries.open(pattern.as_uri(), refs) as opened:
        whole = read_registry(opened, {}, wiring.storage)
        each = {key: one.rows for key, one in whole.registry.behind.items()}
        assert (len(each), min(each.values()) > 5, whole.gaps) == (VERSIONS, True, [])
        exact = read_registry(opened, {}, wiring.storage, most=sum(each.values()))
        assert (exact.registry.behind, exact.gaps) == (whole.registry.behind, [])
        cut = read_registry(opened, {}, wiring.storage, most=min(each.values()) + 1)
    found = cut.registry.behind.values()
    assert sorted(one.rows > 0 for one in found) == [False] * (VERSIONS - 2) + [True] * 2
    assert all(one.digest for one in found)
    assert cut.gaps[0].endswith("those of others are left out.")


def test_index__more_of_cards_than_a_repository_has__is_left_out_and_that_is_told(tmp_path: Path) -> None:
    manifest = "".join(f"m{number}:\n  card: CARD.md\n" for number in range(65))
    path = small(tmp_path / "cards.git", files={"artifacts.yaml": manifest, "CARD.md": "-" * (1 << 20)})
    wiring = IndexWiring(Settings.from_environ({"TAGLINE_CACHE": str(tmp_path / "cache")}))
    registries = wiring.registries(1)
    with registries.open(path.as_uri(), registries.look(path.as_uri())) as opened:
        read = read_registry(opened, {}, wiring.storage)
    assert len(read.registry.cards) == 64
    assert read.gaps == ["Its model cards have more than 64 MiB: those of others are left out."]


def test_wanted__names_of_forges_in_another_case__are_one_repository() -> None:
    named = [
        Wanted("github.com/Acme/risk", "u", "u", "github"),
        Wanted("github.com/acme/Risk", "u", "u", "github", "internal"),
        Wanted("git.example/acme/risk", "u", "u"),
        Wanted("git.example/Acme/risk", "u", "u"),
    ]
    found = [one.repository for one in once(named)]
    assert found == ["git.example/Acme/risk", "git.example/acme/risk", "github.com/acme/Risk"]


# -- again -------------------------------------------------------------------------------------------


def test_again__nothing_changed__nothing_is_read_and_no_file_is_written(
    run: Run, many: list[Path], tmp_path: Path
) -> None:
    run(*many)
    files = {file: file.stat().st_mtime_ns for file in (tmp_path / "index").glob("*/*.parquet")}
    for path in many:
        # Our own memory, and what is none of the registry's.
        run_git(path, "update-ref", "refs/tagline/churn@guard", "main")
        run_git(path, "update-ref", "refs/tagline/@changes/1", "main")
        run_git(path, "update-ref", "refs/heads/topic", "main~1")
        run_git(path, "tag", "release-1", "main")
    ran = run(*many)
    assert (ran.read, ran.unchanged) == (0, 6)
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "index").glob("*/*.parquet")} == files


def test_again__changed__is_read_and_others_keep_their_rows(run: Run, many: list[Path], tmp_path: Path) -> None:
    run(*many)
    before = everything(tmp_path / "index")
    add_tag(many[2], 1)
    ran = run(*many)
    assert (ran.read, ran.unchanged) == (1, 5)
    after = everything(tmp_path / "index")
    changed = many[2].as_uri()
    for table in TABLES:
        assert [r for r in after[table] if r[0] != changed] == [r for r in before[table] if r[0] != changed]
    assert len(after["versions"]) == len(before["versions"]) + 1


def test_again__rewritten_tag__has_the_new_commits_rows(run: Run, many: list[Path], tmp_path: Path) -> None:
    path = many[0]
    run(path)
    run_git(path, "tag", "--force", "--annotate", "churn@v1.3.0", "--message", "moved", "churn@v1.6.0^{commit}")
    assert run(path).read == 1
    found = dict(rows(tmp_path / "index", "metrics", "concat(version, name)", "value"))
    assert found["v1.3.0accuracy"] == found["v1.6.0accuracy"] == 0.906
    run_git(path, "tag", "--delete", "churn@v1.3.0")
    run(path)
    assert "v1.3.0accuracy" not in dict(rows(tmp_path / "index", "metrics", "concat(version, name)", "value"))


def test_again__known_versions__are_not_read_anew(run: Run, many: list[Path], tmp_path: Path) -> None:
    """What an index has of a commit stays, even where that commit can be read no more."""
    run(many[0])
    before = rows(tmp_path / "index", "metrics")
    pack = next((many[0] / "objects" / "pack").glob("*.pack"))
    keep = run_git(many[0], "rev-list", "--objects", "--no-object-names", "main~0^!", "--tags", "--no-walk").split()
    tags = run_git(many[0], "for-each-ref", "--format=%(objectname)", "refs/tags").split()
    thin = run_git_bytes(many[0], "pack-objects", "--stdout", stdin="\n".join({*keep, *tags}).encode())
    for file in pack.parent.iterdir():
        file.unlink()
    run_git_bytes(many[0], "unpack-objects", "-q", stdin=thin)
    add_tag(many[0], 5)
    run(many[0])
    assert [row for row in rows(tmp_path / "index", "metrics") if row[3] != "v2.5.0"] == before


POINTER = "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  size: 3\n  hash: md5\n  path: m\n"


def test_again__stores_that_moved__are_where_the_policy_says_now(run: Run, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "artifacts.yaml": "rf:\n  path: m\n",
        "m.dvc": POINTER,
        ".dvc/config": "[core]\n    remote = s\n['remote \"s\"']\n    url = s3://old\n",
    }
    moved: dict[str, str | bytes] = {**files, ".tagline.yaml": "storage: {moved: {'s3://old': 's3://new'}}\n"}
    history = History((Commit("c0", (), files), Commit("c1", ("c0",), moved)), (Tag("rf@v1.0.0", "c0"),))
    path = tmp_path / "a.git"
    ids = build(path, history, bare=True)
    for commit, bucket in (("c0", "old"), ("c1", "new"), ("c1", "new"), ("c0", "old")):
        run_git(path, "update-ref", "refs/heads/main", ids[commit])
        run(path)
        assert rows(tmp_path / "index", "versions", "uri")[0][0].startswith(f"s3://{bucket}/"), commit
    # Nor does a run that cannot read it forget by which policy it was read.
    run_git(path, "update-ref", "refs/heads/main", ids["c1"])
    run(path)
    (path / "packed-refs").write_text("no refs")
    assert [one["status"] for one in run(path).failed] == ["broken"]
    assert rows(tmp_path / "index", "versions", "uri")[0][0].startswith("s3://new/")
    (path / "packed-refs").unlink()
    run_git(path, "update-ref", "refs/heads/main", ids["c0"])
    run(path)
    assert rows(tmp_path / "index", "versions", "uri")[0][0].startswith("s3://old/")


def test_again__version_that_could_not_be_read__is_read_once_it_can_be(run: Run, tmp_path: Path) -> None:
    commits = [Commit(f"c{n}", (), {"artifacts.yaml": "rf:\n  path: m\n", "m": f"{n}"}) for n in range(2)]
    path = tmp_path / "a.git"
    ids = build(path, History(tuple(commits), (Tag("rf@v1.0.0", "c0"), Tag("rf@v1.1.0", "c1"))), bare=True)
    tree = path / "objects" / ids["tree:c1"][:2] / ids["tree:c1"][2:]
    tree.rename(tmp_path / "tree")
    for number in range(2):  # it is told as long as it is so
        run_git(path, "tag", "-a", "-m", "x", f"rf#prod#{number}", ids["c0"])
        assert run(path).code == 0
        assert "v1.1.0" in rows(tmp_path / "index", "repositories", "reason")[0][0]
        assert [row[0] is None for row in rows(tmp_path / "index", "versions", "digest")] == [False, True]
    (tmp_path / "tree").rename(tree)
    run_git(path, "tag", "-a", "-m", "x", "rf#prod#2", ids["c0"])
    run(path)
    assert rows(tmp_path / "index", "repositories", "reason") == [(None,)]
    assert [row[0] is None for row in rows(tmp_path / "index", "versions", "digest")] == [False, False]


def run_git_bytes(path: Path, *arguments: str, stdin: bytes) -> bytes:
    command = ["git", "-C", str(path), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, env=environment(), check=True).stdout


def test_again__what_is_not_asked_for__goes_unless_added(run: Run, many: list[Path], tmp_path: Path) -> None:
    run(*many[:3])
    assert run(many[3], "--add").rows["repositories"] == 4
    ran = run(*many[1:3])
    assert (ran.removed, ran.rows["repositories"], ran.rows["events"]) == (2, 2, 2 * TAGS)
    assert f"{many[0].as_uri()}: its rows are taken away" in ran.err
    assert {row[0] for row in rows(tmp_path / "index", "events", "repository")} == {p.as_uri() for p in many[1:3]}


def test_index__of_what_a_repository_pins__is_a_row_or_a_gap(run: Run, tmp_path: Path) -> None:
    pin = {
        "target": "dir:churn#prod", "repository": "https://GitHub.com/org/shop.git", "version": "v1.2.0",
        "commit": "a" * 40, "tag": "dir=churn#prod#3", "tag_object": "b" * 40, "digest": "md5:" + "c" * 32,
    }  # fmt: skip
    lock = json.dumps({"version": 1, "pins": {"scores": pin}})
    path = small(tmp_path / "uses.git", files={"tagline.lock": lock})
    bad = small(tmp_path / "bad.git", files={"tagline.lock": lock.replace("md5:", "crc:")})
    ran = run(path, bad)
    said = ("dir:churn", "github.com/org/shop", "scores", "dir:churn#prod", "v1.2.0", "a" * 40, "md5:" + "c" * 32)
    assert rows(tmp_path / "index", "pins") == [(path.as_uri(), "unknown", *said)]
    assert ran.rows["pins"] == 1
    reasons = dict(rows(tmp_path / "index", "repositories", "repository", "reason"))
    assert reasons[path.as_uri()] is None
    assert "digest" in reasons[bad.as_uri()]


def test_index__model_card__is_a_row_with_its_fields_and_its_small_pictures(run: Run, tmp_path: Path) -> None:
    manifest = "a:\n  card: docs/CARD.md\nb:\n  card: docs/CARD.md\nc:\n  card: none.md\n"
    card = "---\nowner: team\nrisk_tier: high\n---\n# A\n![x](x.png) ![y](y.png) ![z](/z.png) ![w](https://w.example/w.png)\n"
    files = {
        "artifacts.yaml": manifest, "docs/CARD.md": card, "docs/x.png": picture(), "docs/y.png": "<svg/>",
        "z.png": picture() + b" " * (1 << 20),
    }  # fmt: skip
    path = small(tmp_path / "cards.git", files=files)
    run(path)
    index, key = tmp_path / "index", (path.as_uri(), "unknown")
    text = card.partition("---\n# ")[2]
    assert rows(index, "cards") == [
        (*key, name, "docs/CARD.md", f"# {text}", "team", None, None, "high", None) for name in "ab"
    ]
    data = base64.b64encode(picture()).decode()
    assert rows(index, "images") == [(*key, name, "docs/x.png", "png", 480, 180, data) for name in "ab"]
    assert rows(index, "artifacts", "artifact", "owner", "card")[0] == ("a", "team", "docs/CARD.md")


# -- what cannot be read -----------------------------------------------------------------------------


def test_failed__each_kind__is_a_row_with_a_reason(run: Run, many: list[Path], tmp_path: Path) -> None:
    empty = tmp_path / "git" / "empty.git"
    run_git(tmp_path, "init", "--quiet", "--bare", str(empty))
    broken = tmp_path / "git" / "broken.git"
    shutil.copytree(many[0], broken)
    shutil.rmtree(broken / "objects" / "pack")
    (broken / "objects" / "pack").mkdir()
    names = tmp_path / "list"
    names.write_text(f"# all of them\n{many[0]}\n{empty} # nothing yet\n{broken}\n\n{tmp_path}/nothing\n")
    ran = run("--from", names)
    assert (ran.code, ran.repositories, ran.read) == (0, 4, 2)
    found = {row[0].rpartition("/")[2]: row[1:] for row in rows(tmp_path / "index", "repositories", "url", "status")}
    assert found == {
        "repo-0000.git": ("ok",), "empty.git": ("empty",), "broken.git": ("broken",), "nothing": ("gone",)
    }  # fmt: skip
    reasons = dict(rows(tmp_path / "index", "repositories", "status", "reason"))
    assert reasons["ok"] is None
    assert all(reasons[status] for status in ("empty", "broken", "gone"))
    assert run("--from", names, "--strict").code == 1


def test_failed__permission_lost__its_rows_go_and_the_log_says_so(run: Run, many: list[Path], tmp_path: Path) -> None:
    with serve(tmp_path / "git") as server:
        url = f"{server.url}/team-0/{many[0].name}"
        assert run(url).rows["events"] == TAGS
        server.old_protocol = False
        locked(server)
        ran = run(url)
    assert (ran.code, [one["status"] for one in ran.failed]) == (0, ["forbidden"])
    assert {name: count for name, count in ran.rows.items() if count} == {"repositories": 1}
    assert "its rows are taken away" in ran.err


def locked(server: GitServer) -> None:
    """From now on the server wants a password."""
    server.redirect = lambda _path: "http://nowhere.invalid/"
    server.status = 401


def test_failed__server_away__what_was_read_before_stays(run: Run, many: list[Path], tmp_path: Path) -> None:
    with serve(tmp_path / "git") as server:
        url = f"{server.url}/team-0/{many[0].name}"
        run(url)
    ran = run(url)
    assert [one["status"] for one in ran.failed] == ["broken"]
    assert " ms" not in ran.failed[0]["reason"]
    assert ran.rows["events"] == TAGS
    assert rows(tmp_path / "index", "repositories", "status", "fingerprint", "branch") == [("broken", None, "main")]
    # And once more: nothing is new.
    files = listing(tmp_path / "index").files
    run(url)
    assert listing(tmp_path / "index").files == files


def test_failed__token__is_nowhere(run: Run, many: list[Path], tmp_path: Path) -> None:
    with serve(tmp_path / "git", password="s3cr3t") as server:
        url = f"{server.url}/team-0/{many[0].name}"
        login = url.replace("://", "://x:s3cr3t@")
        ran = run(login)
        assert ran.read == 1
        refused = run(url.replace("://", "://x:wr0ng@"))
    assert [one["status"] for one in refused.failed] == ["forbidden"]
    for text in (ran.err, json.dumps(ran.document), refused.err, json.dumps(refused.document)):
        assert "s3cr3t" not in text
        assert "wr0ng" not in text
    assert all(b"s3cr3t" not in file.read_bytes() for file in (tmp_path / "index").rglob("*") if file.is_file())
    left = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert all(b"s3cr3t" not in file.read_bytes() for file in left)


def test_list__names_a_host__which_gets_no_token(
    run: Run, many: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGLINE_REPO_TOKEN", "s3cr3t")
    with serve(tmp_path / "git") as server:
        names = tmp_path / "list"
        names.write_text(f"{server.url}/team-0/{many[0].name}\n")
        assert run("--from", names).read == 1
        assert all(sent is None for _, _, sent in server.requests)
        server.requests.clear()
        run(f"{server.url}/team-0/{many[1].name}")
        assert any(sent is not None for _, _, sent in server.requests)


# -- while it is read --------------------------------------------------------------------------------


def test_while_read__refs_move__rows_and_fingerprint_are_of_one_instant(
    run: Run, many: list[Path], tmp_path: Path
) -> None:
    stop = threading.Event()

    def move() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            add_tag(many[0], number)
            run_git(many[0], "tag", "--force", "--annotate", "churn@v1.0.0", "--message", f"{number}", "main")

    thread = threading.Thread(target=move)
    with serve(tmp_path / "git") as server:
        thread.start()
        try:
            for address in (str(many[0]), f"{server.url}/team-0/{many[0].name}"):
                ran = run(address, into=tmp_path / "moving")
                assert ran.failed == []
        finally:
            stop.set()
            thread.join()
        url = f"{server.url}/team-0/{many[0].name}"
        run(url, into=tmp_path / "moving")
        run(url, into=tmp_path / "fresh")
    assert everything(tmp_path / "moving") == everything(tmp_path / "fresh")


# -- writers -----------------------------------------------------------------------------------------


def test_lock__held_by_another_run__conflict_after_the_wait(tmp_path: Path) -> None:
    place = Folder(tmp_path, wait=0.3)
    with place.writing(), pytest.raises(Conflict), Folder(tmp_path, wait=0.3).writing():
        pass
    with place.writing() as scratch:
        assert scratch.is_dir()


def test_parts__that_are_listed_no_more__go_after_a_day(run: Run, many: list[Path], tmp_path: Path) -> None:
    index = tmp_path / "index"
    run(many[0])
    old = listing(index).files
    stray, of_people = index / "events" / f"{'0' * 32}.parquet", index / "inputs" / "train.parquet"
    stray.write_bytes(b"killed")
    of_people.write_bytes(b"data")
    add_tag(many[0], 1)
    run(many[0])
    left = {file for file in old if (index / file).exists()}
    assert left == old
    assert stray.exists()
    document = json.loads((index / INDEX).read_text())
    assert set(document["retired"]) == old - listing(index).files
    document["retired"] = dict.fromkeys(document["retired"], "2020-01-01T00:00:00Z")
    (index / INDEX).write_text(json.dumps(document))
    long_ago = time.time() - RETIRED_FOR - 60
    for file in (stray, of_people):
        os.utime(file, (long_ago, long_ago))
    run(many[0])
    there = {str(file.relative_to(index)) for file in index.glob("*/*.parquet")}
    assert there == {*listing(index).files, "inputs/train.parquet"}


# -- wrong usage -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Nothing says which"),
        (["a/b"], "nothing says on which"),
        (["./x", "--shard", "0/4"], "--shard"),
        (["./x", "--jobs", "0"], "--jobs"),
        (["--from", "/nowhere"], "/nowhere"),
    ],
)
def test_wrong__usage__is_told(run: Run, arguments: list[str], told: str) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert told in ran.document["error"]["message"]


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b'{"format": 2}', b'{"format": "1"}', b'{"format": 1, "tables": {"events": [1]}}',
                b'{"format": 1, "generated_at": "x", "tables": {"events": [{"file": "../../etc/passwd", "rows": 1, '
                b'"bytes": 1, "buckets": []}]}}'],
)  # fmt: skip
def test_wrong__something_else_is_there__is_refused_and_kept(
    run: Run, many: list[Path], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / INDEX).write_bytes(content)
    assert run(many[0]).code == 2
    assert (tmp_path / "index" / INDEX).read_bytes() == content


def test_wiring__forge__is_known_only_where_somebody_said_so(tmp_path: Path) -> None:
    from tagline.settings import Settings

    settings = Settings.from_environ({"HOME": str(tmp_path)})
    wiring = IndexWiring(settings)
    told = wiring.wanted(
        ["https://github.com/a/b", "git@example.org:a/b.git", "https://u:p@example.org/a/b"], [], [], []
    )
    assert [(one.repository, one.forge) for one in told] == [
        ("example.org/a/b", "git"), ("github.com/a/b", "github"),
    ]  # fmt: skip


def test_index__in_a_job_of_gitlab__is_read_with_the_groups_token(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job's own token lists no group, and reads only projects that let it."""
    from tagline_localforge import LocalForge
    from tagline_localforge import serve as serve_forge

    forge = LocalForge(tmp_path / "forge")
    project = forge.repository("org/risk")
    project.grant("bot", "read")
    forge.token("groups-token", login="bot")
    forge.token("jobs-token", login="bot", kind="job")
    run_git(template(tmp_path, 1), "push", "--quiet", "--mirror", str(project.path))
    with serve_forge(forge) as server:
        for name, value in {
            "GITLAB_CI": "true", "CI_SERVER_URL": server.url, "CI_API_V4_URL": f"{server.url}/api/v4",
            "CI_PROJECT_PATH": "org/models", "CI_JOB_TOKEN": "jobs-token", "TAGLINE_TOKEN": "groups-token",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        of_group = run("--group", "org")
        named = run("org/risk", into=tmp_path / "named")
        asked = {token_of(one) for one in server.exchanges}
    assert [(ran.code, ran.read, ran.failed) for ran in (of_group, named)] == [(0, 1, [])] * 2
    assert asked == {"groups-token"}
