"""Two lineages side by side: what is better, what is worse, what was done for it."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.lineage.comparison import (
    Against,
    FileDelta,
    MetricDelta,
    ParameterDelta,
    StepDelta,
    compare,
    directions_of,
    higher_is_better,
)
from tagline.domain.lineage.graph import MOST_IN_FOLDER, File, Graph
from tagline.domain.lineage.lineage import Figure, Lineage, Parameter, parameters_of, same
from tagline.domain.lineage.pipelines import Origin, Step
from tagline.domain.manifest.manifest import ManifestEntry, MlflowRun
from tagline.domain.mlflow.runs import Checked, Run
from tagline.domain.storage.objects import Location
from tests.support.pipelines import JSON, facts, graph, step
from tests.support.promotions import policy

NAN = math.nan


def lineage(metrics: dict[str, Any] | None = None, *, file: str | None = "m.json", **more: Any) -> Lineage:
    figures = tuple(Figure(name, value, file) for name, value in (metrics or {}).items())
    return Lineage("rf", facts(), metrics=figures, **more)


def delta(before: Any, after: Any, name: str = "accuracy", directions: dict[str, bool] | None = None) -> MetricDelta:
    """The one metric of a comparison; ``...`` is one that is not there."""
    one, other = ({} if value is ... else {name: value} for value in (before, after))
    [found] = compare(lineage(one), lineage(other), directions or {}).metrics
    return found


# -- metrics ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "difference", "judgement"),
    [
        (0.5, 0.75, 0.25, "better"),
        (0.75, 0.5, -0.25, "worse"),
        (0.5, 0.5, 0.0, "same"),
        (1, 1.0, 0.0, "same"),
        (2**53, 2**53 + 1, 1.0, "better"),
        (-1e308, 1e308, None, "better"),
        (10**308, -(10**308), None, "worse"),
        (0.5, NAN, None, None),
        (NAN, NAN, None, None),
        (math.inf, 1.0, None, None),
        (True, False, None, None),
        ("5", "6", None, None),
        (1, "1", None, None),
        (10**400, 1, None, None),
    ],
)
def test_metric__before_and_after__is_judged_where_both_are_numbers(before, after, difference, judgement):
    found = delta(before, after)
    assert (found.delta, found.judgement) == (difference, judgement)
    assert found[:2] == ("accuracy", "m.json")
    assert (found.before, found.after) == (before, after) or math.isnan(after)


def test_metric__that_came_or_went__has_one_side_and_no_judgement():
    assert delta(..., 1) == MetricDelta("accuracy", "m.json", None, 1)
    assert delta(1, ...) == MetricDelta("accuracy", "m.json", 1, None)


def test_metric__that_no_word_tells__has_a_difference_and_no_judgement():
    assert delta(1, 2, "rows") == MetricDelta("rows", "m.json", 1, 2, 1.0)
    assert delta(1, 1, "rows").judgement == "same"


def test_metric__lower_is_better_by_a_gate__is_judged_by_it():
    assert delta(1, 2, "accuracy", {"accuracy": False}).judgement == "worse"
    assert delta(1, 2, "rows", {"rows": True}).judgement == "better"


def test_metric__in_another_file_now__is_still_the_same_one():
    found = compare(lineage({"auc": 1.0}, file="old.json"), lineage({"auc": 2.0}, file="new.json"), {}).metrics
    assert found == (MetricDelta("auc", "new.json", 1.0, 2.0, 1.0, "better"),)


def test_metric__of_two_files__is_two_and_none_moves():
    both = (Figure("auc", 1.0, "a"), Figure("auc", 2.0, "b"))
    before, after = lineage({"auc": 3.0}, file="c"), Lineage("rf", facts(), metrics=both)
    assert [(d.file, d.before, d.after) for d in compare(before, after, {}).metrics] == [
        ("a", None, 1.0),
        ("b", None, 2.0),
        ("c", 3.0, None),
    ]
    kept = compare(Lineage("rf", facts(), metrics=both), Lineage("rf", facts(), metrics=both), {}).metrics
    assert [(d.file, d.before, d.after) for d in kept] == [("a", 1.0, 1.0), ("b", 2.0, 2.0)]


def test_metrics__twenty_thousand_that_moved__are_quick():
    names = {f"m{n}": n for n in range(20_000)}
    started = time.monotonic()
    found = compare(lineage(names, file="a"), lineage(names, file="b"), {}).metrics
    assert len(found) == 20_000
    assert time.monotonic() - started < 5


# -- which way is better --------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["accuracy", "acc", "val_acc", "top5_acc", "acc5", "test.f1_score", "f1", "F1", "F1Score", "f1-macro", "r2", "R2",
     "mAP", "mAP50", "map_50", "AUC", "roc-auc", "valAUC", "precision_at_5", "recall@10", "ndcg10",
     "test.metrics.recall", "r2_score", "iou", "val/accuracy", "eval_bleu", "neg_log_loss", "hits@10",
     "neg_mean_squared_error", "val_neg_brier_score", "neg_root_mean_squared_error", "mAP50-95", "ap50",
     "top5_accuracy",
     "top_5_accuracy", "acc@1", "weighted_precision", "macro avg.precision", "mean_iou",
     "balanced_accuracy", "roc_auc_score",
     "mean_average_precision"],
)  # fmt: skip
def test_direction__of_a_name_that_is_a_score__is_up(name):
    assert higher_is_better(name, {}) is True


@pytest.mark.parametrize(
    "name",
    ["loss", "val_loss", "valLoss", "log-loss", "logloss", "test.log_loss", "RMSE", "rmse", "val_MSE", "mae", "MAPE",
     "error", "test_error", "error_rate", "wer", "latency", "latency_ms", "perplexity", "fpr", "accuracy.loss", "brier",
     "brier_score", "brier_score_loss", "valRMSE", "mean_squared_error", "root_mean_squared_error", "max_error",
     "train_cross_entropy_loss"],
)  # fmt: skip
def test_direction__of_a_name_that_is_a_loss__is_down(name):
    assert higher_is_better(name, {}) is False


@pytest.mark.parametrize(
    "name",
    ["", ".", "rows", "epochs", "support", "lossy", "scorecard", "accurate", "2", "étage", "x" * 9999, "val_" * 3000,
     # Words of well-known names in other names: what they say there nobody knows.
     "accuracy_drop", "auc_std", "f1_gap_between_groups", "cost_savings", "error_reduction", "bias", "fid_score",
     "psi_score", "tp", "fp", "fn", "tn", "accuracy.support", "f1.count", "score_threshold", "duration", "seconds",
     "ms", "score", "cost", "num_errors", "latency.p95", "inference_seconds", "loss_free_accuracy", "mean_error",
     "neg_loss", "neg_accuracy", "hits", "accuracy_loss", "throughput", "precision_recall", "val_",
     "mean_squared", "f1 score gap"],
)  # fmt: skip
def test_direction__of_a_name_that_tells_nothing__is_unknown(name):
    assert higher_is_better(name, {}) is None


@given(st.text(max_size=200))
def test_direction__of_any_name__never_raises(name):
    assert higher_is_better(name, {}) in (True, False, None)
    assert higher_is_better(name, {name: True}) is True


def test_directions__of_gates__win_over_names():
    rules = policy(
        """
        stages:
          staging: {gates: [{metric: loss, min: 0.5}]}
          prod:
            gates:
              - {metric: accuracy, max: 0.5}
              - {metric: rows, min: 1}
              - {metric: size, not_worse_than: prod, direction: min, tolerance: 1}
              - {metric: both, min: 0, max: 1}
              - {metric: loss, max: 0.5}
        """
    )
    assert directions_of(rules, "rf") == {"loss": False, "accuracy": False, "rows": True, "size": False, "both": True}


# -- parameters, files, steps -------------------------------------------------------------------


def test_parameters__that_differ__are_told_by_file_and_name():
    before = lineage(
        parameters=(Parameter("a", 1, "p"), Parameter("b", [1], "p"), Parameter("c", NAN, "p"), Parameter("d", 1, "p"))
    )
    after = lineage(
        parameters=(
            Parameter("b", [2], "p"),
            Parameter("c", math.nan, "p"),
            Parameter("d", True, "p"),
            Parameter("a", 1, "q"),
        )
    )
    assert compare(before, after, {}).parameters == (
        ParameterDelta("a", "p", "removed", 1, None),
        ParameterDelta("b", "p", "changed", [1], [2]),
        ParameterDelta("d", "p", "changed", 1, True),
        ParameterDelta("a", "q", "added", None, 1),
    )


def test_parameters__that_two_steps_ran_with_other_values__are_shown_as_both():
    mixed = (step("a", params={"p": {"s": 1}}), step("b", params={"p": {"s": 2}}))
    alike = (step("a", params={"p": {"s": 1}}), step("b", params={"p": {"s": 1}}))
    before, after = (lineage(parameters=parameters_of(steps)) for steps in (mixed, alike))
    assert compare(before, after, {}).parameters == (ParameterDelta("s", "p", "changed", [1, 2], 1),)
    assert compare(before, before, {}).parameters == ()


def of_graph(*steps: Step, **more: Any) -> Lineage:
    return lineage(graph=graph("m", *steps, **more))


def test_files__that_differ__are_told_with_what_happened():
    before = of_graph(step("train", "d=1 t.py gone.csv", "m=1", metrics="!e=1"), in_git=["t.py", "gone.csv"])
    after = of_graph(step("train", "d=2 t.py come.csv", "m=2", metrics="!e=2"), in_git=["t.py", "come.csv"])
    found = compare(before, after, {})
    # The artifact itself is told by its bytes, not among its files.
    assert [(d.path, d.role, d.how) for d in found.files] == [
        ("come.csv", "data", "added"),
        ("e", "metrics", "changed"),
        ("gone.csv", "data", "removed"),
    ]
    assert [d.path for d in found.of("metrics", "plots")] == ["e"]


def test_files__data_of_a_step_or_an_import__is_compared_by_digest_and_origin():
    was = File("x", "data", "md5:1", origin=Origin("u", "x", "v1", "c1"))
    for now, expected in (
        (was, ()),
        (was._replace(digest="md5:2"), ("changed",)),
        (was._replace(origin=Origin("u", "x", "v2", "c2")), ("changed",)),
        (was._replace(size=9), ()),
    ):
        before, after = (lineage(graph=Graph(files={"x": file})) for file in (was, now))
        assert tuple(d.how for d in compare(before, after, {}).files) == expected


def test_files__code_of_a_folder__is_told_file_by_file_not_as_the_folder():
    before = of_graph(step("train", "src=1.dir", "m"), in_git=["src/a.py", "src/b.py"])
    after = of_graph(step("train", "src=2.dir", "m"), in_git=["src/a.py", "src/c.py"])
    assert [(d.path, d.how) for d in compare(before, after, {}).files] == [
        ("src/b.py", "removed"),
        ("src/c.py", "added"),
    ]


def test_files__folder_with_too_many_to_list__stands_for_the_rest():
    names = [f"src/{n:05}.py" for n in range(MOST_IN_FOLDER + 1)]
    before, after = (of_graph(step("train", f"src={n}.dir", "m"), in_git=names) for n in (1, 2))
    assert [(d.path, d.how) for d in compare(before, after, {}).files] == [("src", "changed")]


def test_steps__that_differ__are_told_with_their_commands():
    kept, changed = step("kept", "", "a"), step("changed", "", "b")
    before = of_graph(step("old", "a b", "m"), kept, changed, in_git=[])
    after = of_graph(step("new", "a b", "m"), kept, changed._replace(command="other"), in_git=[])
    assert set(compare(before, after, {}).steps) == {
        StepDelta("old", "removed", "old", None),
        StepDelta("new", "added", None, "new"),
        StepDelta("changed", "changed", "changed", "other"),
    }


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("md5:1", "md5:1", True), ("md5:1", "md5:2", False), ("md5:1", "gitblob:1", None), (None, "md5:1", None),
        (None, None, None), ("md5:1.dir", "md5:1", False),
    ],
)  # fmt: skip
def test_bytes__of_two_versions__are_the_same_where_one_kind_of_digest_says_so(one, other, expected):
    before, after = (lineage(content=Location(digest=digest)) for digest in (one, other))
    assert compare(before, after, {}).same_bytes is expected


def of_run(run_id: str, params: dict[str, str] | None = None, run: Run | None = None) -> Lineage:
    """A version of an MLflow run: ``params`` are those that its manifest keeps, ``run`` is what MLflow said."""
    entry = ManifestEntry("rf", "artifacts.yaml", 1, virtual=True, mlflow=MlflowRun(run_id, params=params))
    return lineage(entry=entry, run=run and Checked("ok", "", run=run))


def test_not_compared__of_versions_with_nothing_behind_them__is_everything():
    found = compare(lineage(), lineage(), {})
    assert found.not_compared == ("bytes", "metrics", "steps", "parameters", "data", "code")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (of_graph(step("a", "", "m=1")), of_graph(step("a", "", "m=1"))),  # a pipeline names all that there is
        (of_graph(step("a", "", "m=1")), of_graph()),  # that it is gone is a difference
    ],
)
def test_not_compared__with_a_pipeline__is_only_what_is_not_of_it(one, other):
    assert compare(one, other, {}).not_compared == ("bytes", "metrics")


def test_not_compared__without_a_pipeline__is_what_neither_side_has():
    content = Location(digest="md5:1")
    one = lineage({"auc": 1}, content=content, parameters=(Parameter("a", 1, "p"),))
    assert compare(one, lineage(content=content), {}).not_compared == ("steps", "data", "code")


@pytest.mark.parametrize("kept", [True, False])
def test_parameters__of_runs_that_were_read__are_compared(kept):
    def version(run_id: str, lr: str) -> Lineage:
        params = {"lr": lr, "depth": "3"}
        return of_run(run_id, params) if kept else of_run(run_id, run=Run(run_id, params=params))

    found = compare(version("r1", "0.1"), version("r2", "0.2"), {})
    assert found.parameters == (ParameterDelta("lr", "mlflow", "changed", "0.1", "0.2"),)
    assert found.not_compared == ("bytes", "metrics", "steps", "data", "code")


def test_parameters__of_a_run_that_was_not_read__are_not_said_to_be_gone():
    found = compare(of_run("r1", {"lr": "0.1"}), of_run("r2"), {})
    assert found.parameters == ()
    assert found.not_compared[-1] == "mlflow-parameters"


def test_parameters__of_one_run__are_one():
    found = compare(of_run("r1"), of_run("r1"), {})
    assert "mlflow-parameters" not in found.not_compared


def test_against__label__names_stages_and_version():
    assert Against(("prod", "eu"), "v1.0.0", "c" * 40, None).label == "prod, eu v1.0.0"
    assert Against((), None, "c" * 40, None).label == "ccccccc"


# -- properties -----------------------------------------------------------------------------------

_PATHS = st.sampled_from(["a.csv", "b.py", "src/c.py", "d"])
_FIGURES = st.dictionaries(
    st.sampled_from(["acc", "loss", "x.y"]), st.integers() | st.floats() | st.booleans() | st.text(max_size=2)
)


@st.composite
def lineages(draw: Any) -> Lineage:
    steps = [
        step(
            f"s{n}", " ".join(f"{path}={draw(st.sampled_from('12'))}" for path in draw(st.sets(_PATHS))), f"o{n}",
            metrics=f"!m{n}", params={"p": draw(st.dictionaries(st.sampled_from(["k", "l"]), JSON))},
        )
        for n in range(draw(st.integers(0, 3)))
    ]  # fmt: skip
    last = step("train", " ".join(f"o{n}" for n in range(len(steps))), "m=1")
    found = of_graph(*steps, last, in_git=sorted(draw(st.sets(_PATHS))))
    figures = [
        Figure(name, value, file)
        for file in draw(st.sets(st.sampled_from("ef")))
        for name, value in draw(_FIGURES).items()
    ]
    return replace(found, metrics=tuple(figures), parameters=parameters_of(found.graph.steps))


@given(lineages())
def test_compare__with_itself__finds_nothing(one):
    found = compare(one, one, {})
    assert (found.parameters, found.files, found.steps) == ((), (), ())
    assert len(found.metrics) == len(one.metrics)
    assert all(same(row.before, row.after) and row.judgement in ("same", None) for row in found.metrics)
    assert not any(row.delta for row in found.metrics)


_OPPOSITE: dict[Any, Any] = {"better": "worse", "worse": "better", "added": "removed", "removed": "added"}


@given(lineages(), lineages())
def test_compare__the_other_way_round__is_the_mirror(one, other):
    there, back = compare(one, other, {}), compare(other, one, {})

    def shown(rows: Any) -> list[str]:
        return sorted(map(repr, rows))

    def turned(row: Any) -> Any:
        return row._replace(how=_OPPOSITE.get(row.how, row.how), before=row.after, after=row.before)

    assert shown(map(turned, there.parameters)) == shown(back.parameters)
    assert shown(map(turned, there.steps)) == shown(back.steps)
    # What lay in another file or had another role is called after what it is now.
    roles = [
        sorted((row.path, row.how, repr(row.before), repr(row.after)) for row in rows)
        for rows in (map(turned, there.files), back.files)
    ]
    assert roles[0] == roles[1]
    metrics = [
        MetricDelta(
            row.name,
            None,
            row.after,
            row.before,
            -row.delta if row.delta else row.delta,
            _OPPOSITE.get(row.judgement, row.judgement),
        )
        for row in there.metrics
    ]
    assert shown(metrics) == shown(row._replace(file=None) for row in back.metrics)


def test_file_delta__of_a_file_that_became_data__has_its_present_role():
    before, after = (
        lineage(graph=Graph(files={"x": File("x", role, digest)})) for role, digest in (("code", "a"), ("data", "b"))
    )
    before = replace(before, graph=replace(before.graph, code=(File("x", "code", "a"),)))
    assert compare(before, after, {}).files == (
        FileDelta("x", "data", "changed", File("x", "code", "a"), File("x", "data", "b")),
    )
