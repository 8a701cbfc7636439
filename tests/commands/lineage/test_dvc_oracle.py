"""What is behind an artifact: DVC itself, asked about the same commits, says the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml

from tagline.domain.lineage.comparison import Comparison, compare
from tagline.domain.lineage.staleness import md5_of
from tagline.domain.storage.listings import Entry, folder_digest
from tests.commands.lineage.pipeline_world import VERSIONS, World
from tests.commands.lineage.reading import address, all_edges, dvc_at, files_of, ours
from tests.oracle.dvc_world import in_dvc, surroundings
from tests.support.gitbuild import run_git

pytestmark = pytest.mark.oracle

PAIRS = [*pairwise(VERSIONS), ("v1.0.0", "v1.3.0"), ("v1.3.0", "v1.0.0")]
#: Steps that churn neither comes from nor is measured by. Both score and report make another artifact.
NOT_OF_CHURN = {"baseline", "sub/dvc.yaml:score@eu", "sub/dvc.yaml:score@us", "sub/dvc.yaml:report"}


def tag(version: str) -> str:
    return f"churn@{version}"


def between(world: World, before: str, after: str, artifact: str = "churn") -> Comparison:
    return compare(ours(world, tag(before), artifact), ours(world, tag(after), artifact), {})


def asked(world: World, question: Callable[[Any], Any]) -> Any:
    with surroundings(world.home):
        return in_dvc(world.root, question)


# -- the graph ---------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_graph__of_each_version__has_the_edges_of_dvc_dag(pipeline_world: World, version: str):
    lineage = ours(pipeline_world, tag(version))
    known = {step.name for step in lineage.graph.steps}
    pointers = {file.pointer for file in lineage.graph.files.values() if file.maker is None and file.pointer}
    with dvc_at(pipeline_world, tag(version)) as repo:
        root = repo.root_dir
        theirs = {(address(dep, root), address(stage, root)) for stage, dep in repo.index.graph.edges}
    wanted = {(maker, reader) for maker, reader in theirs if {maker, reader} <= known | pointers}
    assert len(wanted) == 6
    assert all_edges(lineage.graph) == wanted
    # Nothing of the artifact's is left out: what else DVC knows is other steps'.
    assert {name for edge in theirs for name in edge} - known - pointers == NOT_OF_CHURN


@pytest.mark.parametrize(
    ("artifact", "stage"), [("churn", "train"), ("customers", "prepare"), ("sub:report", "report")]
)
def test_graph__upstream_of_an_artifact__is_dvcs_ancestors(pipeline_world: World, artifact: str, stage: str):
    import networkx

    lineage = ours(pipeline_world, tag("v1.2.0"), artifact)
    with dvc_at(pipeline_world, tag("v1.2.0")) as repo:
        graph, root = repo.index.graph, repo.root_dir
        own = next(node for node in graph if getattr(node, "name", None) == stage)
        theirs = {address(node, root) for node in {own, *networkx.descendants(graph, own)}}
    upstream = {step.name for step in lineage.graph.upstream}
    assert upstream == {name for name in theirs if not name.endswith(".dvc")}
    read = {path for path, step in lineage.graph.reads if step in upstream}
    assert {lineage.graph.files[path].pointer for path in read} >= {name for name in theirs if name.endswith(".dvc")}


def test_graph__steps__come_in_an_order_in_which_dvc_can_run_them(pipeline_world: World):
    graph = ours(pipeline_world, tag("v1.2.0"), "sub:report").graph
    places = {step.name: place for place, step in enumerate(graph.steps)}
    assert all(places[one] < places[other] for one, other in all_edges(graph) if one in places)


@pytest.mark.parametrize("artifact", ["churn", "sub:report", "customers"])
def test_graph__of_outs__has_the_edges_of_dvc_dag_outs(pipeline_world: World, artifact: str):
    graph = ours(pipeline_world, tag("v1.3.0"), artifact).graph
    written: dict[str, list[str]] = {}
    for step, path in graph.writes:
        written.setdefault(step, []).append(path)
    own = {(path, out) for path, reader in graph.reads for out in written[reader] if graph.files[path].pointer}
    with dvc_at(pipeline_world, tag("v1.3.0")) as repo:
        outs = repo.index.outs_graph
        theirs = {
            (repo.fs.relpath(dep.fs_path, repo.root_dir), repo.fs.relpath(out.fs_path, repo.root_dir))
            for out, dep in outs.edges
        }
    assert own
    assert own == {(dep, out) for dep, out in theirs if out in graph.files and graph.files[out].maker in written}


# -- metrics -----------------------------------------------------------------


def is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


#: Metrics that DVC keeps in its cache: a lineage is read from Git alone, and warns about them.
IN_CACHE = {"metrics/eval.yaml"}


#: Listed for the project as a whole, and written by none of the steps: DVC shows it, and nothing says whose it is.
PROJECTS = {"metrics/people.yaml"}


@pytest.mark.parametrize("version", VERSIONS)
def test_figures__of_each_version__are_those_of_dvc_metrics_show(pipeline_world: World, version: str):
    lineage = ours(pipeline_world, tag(version))
    shown = asked(pipeline_world, lambda repo: repo.metrics.show(revs=[tag(version)]))[tag(version)]["data"]
    theirs = {
        (file, name): value
        for file, found in shown.items()
        if file not in {*IN_CACHE, "metrics/baseline.json", "sub/report.json", *PROJECTS}
        for name, value in flat(found["data"]).items()
    }
    own = {(figure.file, figure.name): figure.value for figure in lineage.metrics}
    assert own.keys() == theirs.keys()
    for key, value in own.items():
        assert (is_nan(value) and is_nan(theirs[key])) or (value, type(value)) == (theirs[key], type(theirs[key]))
    assert [IN_CACHE & set(warning.message.split()) for warning in lineage.warnings] == [IN_CACHE]


def flat(values: Any) -> dict[str, Any]:
    from dvc.utils.flatten import flatten

    return dict(flatten(values))


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_metrics__of_two_versions__differ_as_dvc_metrics_diff_says(pipeline_world: World, before: str, after: str):
    found = asked(pipeline_world, lambda repo: repo.metrics.diff(tag(before), tag(after)))["diff"]
    theirs = {
        (file, name): row
        for file, rows in found.items()
        if file not in {*IN_CACHE, "metrics/baseline.json", "sub/report.json", *PROJECTS}
        for name, row in rows.items()
        # To DVC NaN differs from NaN each time; to us it is itself, and nothing happened.
        if not (is_nan(row["old"]) and is_nan(row["new"]))
    }
    own = {
        (delta.file, delta.name): delta
        for delta in between(pipeline_world, before, after).metrics
        if not (delta.before == delta.after or (is_nan(delta.before) and is_nan(delta.after)))
    }
    assert theirs
    assert own.keys() == theirs.keys()
    for key, row in theirs.items():
        was, now = row["old"], row["new"]
        assert (own[key].before, own[key].after) == (was, now)
        # DVC subtracts booleans (true to false is -1); to us a yes that became a no is no number.
        if isinstance(was, bool) or isinstance(now, bool):
            assert own[key].delta is None
        else:
            assert own[key].delta == row.get("diff")


def test_metrics__of_every_kind__are_compared_as_dvc_does_or_for_a_reason(pipeline_world: World):
    deltas = {delta.name: delta for delta in between(pipeline_world, "v1.2.0", "v1.3.0").metrics}
    # A text is shown, never counted; a metric that came has no difference.
    assert (deltas["text_of_digits"].before, deltas["text_of_digits"].delta) == ("5", None)
    assert (deltas["recall"].before, deltas["recall"].after, deltas["recall"].delta) == (None, 0.5, None)
    # Lists, nulls and empty mappings are no figures, neither here nor there.
    assert not {"curve", "nothing", "empty"} & deltas.keys()
    assert (deltas["inf"].delta, deltas["odd"].delta, deltas["zero"].delta) == (None, None, 0)


# -- parameters ---------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_parameters__of_two_versions__differ_as_dvc_params_diff_says(pipeline_world: World, before: str, after: str):
    found = asked(pipeline_world, lambda repo: repo.params.diff(tag(before), tag(after))).get("diff", {})
    theirs = {(file, name): (row["old"], row["new"]) for file, rows in found.items() for name, row in rows.items()}
    own = {
        (delta.file, delta.name): (as_dvc(delta.before), as_dvc(delta.after))
        for delta in between(pipeline_world, before, after).parameters
    }
    # DVC shows the whole of params.yaml; what no step reads is behind no artifact.
    nobodys = {("params.yaml", "unused")} if found else set()
    assert own == {key: values for key, values in theirs.items() if key not in nobodys}
    assert nobodys <= theirs.keys()


def as_dvc(value: Any) -> Any:
    """DVC writes lists out as text before it compares them."""
    return str(value) if isinstance(value, list) else value


@pytest.mark.parametrize("version", VERSIONS)
def test_parameters__of_each_version__are_those_of_dvcs_steps(pipeline_world: World, version: str):
    lineage = ours(pipeline_world, tag(version))
    names = [step.name for step in lineage.graph.steps]
    shown = asked(pipeline_world, lambda repo: repo.params.show(revs=[tag(version)], stages=names, deps_only=True))[
        tag(version)
    ]["data"]
    theirs = {(file, name): value for file, found in shown.items() for name, value in flat(found["data"]).items()}
    assert {(row.file, row.name): row.value for row in lineage.parameters} == theirs


# -- files ------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_files__of_two_versions__differ_as_dvc_diff_says(pipeline_world: World, before: str, after: str):
    found = asked(pipeline_world, lambda repo: repo.diff(tag(before), tag(after)))
    comparison = between(pipeline_world, before, after)
    behind = {*comparison.before.graph.files, *comparison.after.graph.files}
    theirs = {}
    for row in found["modified"]:
        # DVC names the files of a folder one by one, and so the folder with a slash.
        if row["path"].rstrip("/") in behind:
            theirs[row["path"].rstrip("/")] = (row["hash"]["old"], row["hash"]["new"])
    # Those that Git has itself are no business of dvc diff.
    in_git = {out.path for step in comparison.after.graph.steps for out in step.outs if not out.cached}
    own = {
        delta.path: (md5(delta.before), md5(delta.after))
        for delta in comparison.of("data", "metrics", "plots")
        if delta.path not in in_git
    }
    old, new = comparison.before.graph.artifact, comparison.after.graph.artifact
    if old != new:
        own["models/churn.pkl"] = (md5(old), md5(new))
    assert theirs
    assert own == theirs
    assert not found["added"]
    assert not found["deleted"]


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_files__that_differ__are_those_of_dvc_data_status(
    pipeline_world: World, before: str, after: str, tmp_path: Path
):
    # DVC compares HEAD with its files in the work tree: the one version, and the pointers of the other.
    clone = pipeline_world.clone(tmp_path / "own", tag(before))
    clone.git("checkout", "--quiet", tag(after), "--", ".")
    with surroundings(clone.home):
        status = in_dvc(clone.root, lambda repo: repo.data_status(granular=False))
    comparison = between(pipeline_world, before, after)
    behind = {*comparison.before.graph.files, *comparison.after.graph.files}
    theirs = {
        (how, path.rstrip("/"))
        for how, word in (("added", "added"), ("changed", "modified"), ("removed", "deleted"))
        for path in status["committed"].get(word, ())
        if path.rstrip("/") in behind
    }
    in_git = {out.path for step in comparison.after.graph.steps for out in step.outs if not out.cached}
    own = {(d.how, d.path) for d in comparison.of("data", "metrics", "plots") if d.path not in in_git}
    if comparison.same_bytes is False:
        own.add(("changed", "models/churn.pkl"))
    assert theirs
    assert own == theirs


def md5(file: Any) -> str:
    return str(file.digest).removeprefix("md5:")


@pytest.mark.parametrize("version", ["v1.0.0", "v1.2.0"])
def test_files__of_a_version__are_byte_for_byte_what_dvc_checks_out(
    pipeline_world: World, version: str, tmp_path: Path
):
    clone = pipeline_world.clone(tmp_path / "own", tag(version))
    checked_out = files_of(clone.root)
    lineage = ours(clone, "HEAD")
    for path, file in lineage.graph.files.items():
        inside = {name: data for name, data in checked_out.items() if name.startswith(f"{path}/")}
        if file.digest is not None and file.digest.startswith("gitblob:"):
            assert file.digest == f"gitblob:{run_git(clone.root, 'hash-object', path).strip()}"
        elif inside:
            rows = [Entry(name[len(path) + 1 :], md5_of(data, text=False)) for name, data in inside.items()]
            assert file.digest == f"md5:{folder_digest(rows)}"
            assert (file.files, file.size) == (len(inside), sum(map(len, inside.values())))
        else:
            data = checked_out[path]
            assert (file.digest, file.size, file.files) == (f"md5:{md5_of(data, text=False)}", len(data), 1)


@pytest.mark.parametrize(("version", "revision"), [("v1.1.0", "v1"), ("v1.2.0", "v2")])
def test_origins__of_imports__are_what_dvcs_files_say(pipeline_world: World, version: str, revision: str):
    files = ours(pipeline_world, tag(version)).graph.files
    said = pyyaml.safe_load(pipeline_world.git("show", f"{tag(version)}:data/shops.csv.dvc"))["deps"][0]
    shops = files["data/shops.csv"].origin
    assert shops is not None
    assert (shops.url, shops.path) == (said["repo"]["url"], said["path"])
    assert (shops.revision, shops.locked) == (said["repo"]["rev"], said["repo"]["rev_lock"])
    assert shops == (
        str(pipeline_world.source), "tables/shops.csv", revision,
        run_git(pipeline_world.source, "rev-parse", revision).strip(),
    )  # fmt: skip
    holidays = files["data/holidays.csv"].origin
    said = pyyaml.safe_load(pipeline_world.git("show", f"{tag(version)}:data/holidays.csv.dvc"))["deps"][0]
    assert holidays == (said["path"], None, None, f"md5:{said['md5']}")
    assert files["data/raw.csv"].origin is None
