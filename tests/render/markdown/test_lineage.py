"""What people read of a lineage: Markdown, Mermaid and the terminal, against texts that were looked at.

``TAGLINE_WRITE_GOLDENS=1`` writes the texts anew; tests/e2e/test_pages.py shows them in a browser.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tagline.adapters.forges.pages import GitHubPages
from tagline.domain.ledger.events import Warn
from tagline.domain.lineage.comparison import Against, Comparison, FileDelta, MetricDelta, Point, Traced, compare
from tagline.domain.lineage.graph import File, Pointed, graph_of
from tagline.domain.lineage.lineage import Figure, Lineage, parameters_of
from tagline.domain.lineage.pipelines import Behind, Origin, Step
from tagline.domain.manifest.manifest import ManifestEntry, MlflowRun
from tagline.domain.mlflow.runs import Checked
from tagline.render.json import lineage as lineage_document
from tagline.render.markdown.comment import LIMIT
from tagline.render.markdown.lineage import LEVELS, section
from tagline.render.markdown.lineage_mermaid import diagram
from tagline.render.terminal.lineage import lineages
from tagline.render.terminal.tables import Pen
from tests.support.lineages import (
    FACTS,
    IMPORTS,
    IN_GIT,
    STEPS,
    dvc_folder,
    in_git,
    md5,
    pipeline,
    virtual,
    without_anything,
)
from tests.support.promotions import HEAD, merged_change, open_change

GOLDENS = Path(__file__).parent / "goldens"
#: Read now: a test's environment is clean.
WRITE = bool(os.environ.get("TAGLINE_WRITE_GOLDENS"))
PLAIN = Pen(color=False)
PAGES = GitHubPages("https://h.example")
OLD = "fedcba9876543210fedcba9876543210fedcba98"


def older(version: str, auc: float, lr: float, **more: object) -> Lineage:
    """A version before: other parameters, other data, other code, without one metric."""
    prepare, train, evaluate = STEPS
    steps = (
        prepare._replace(deps=(prepare.deps[0], prepare.deps[1]._replace(digest=md5("d"), size=90), *prepare.deps[2:])),
        train._replace(params={"params.yaml": {"train.lr": lr, "train.deep": True}}, command="python src/train.py"),
        evaluate,
    )
    files = [(path, "9" * 40 if path == "src/train/net.py" else blob) for path, blob in IN_GIT]
    imports = (IMPORTS[0], IMPORTS[1]._replace(outs=(Behind("data/prices.csv", md5("d"), 90),)), IMPORTS[2])
    graph = graph_of("models/risk.pkl", Pointed(steps, imports), files)
    base = pipeline()
    fields = {
        "commit": base.commit._replace(id=OLD),
        "version": version,
        "graph": graph,
        "parameters": parameters_of(steps),
        "metrics": (Figure("auc", auc, "metrics.json"),),
        "content": replace(base.content, digest=md5("0"), size=3072),
        **more,
    }
    return replace(base, **fields)  # type: ignore[arg-type]


def traced(lineage: Lineage, *others: tuple[tuple[str, ...], Lineage], **more: object) -> Traced:
    against = tuple(
        Against(stages, other.version, other.commit.id, compare(other, lineage, {})) for stages, other in others
    )
    return Traced(lineage.artifact, lineage, against, **more)  # type: ignore[arg-type]


def history(*values: float) -> tuple[Point, ...]:
    return tuple(
        Point(f"v1.{place}.0", 1_767_312_000 + place, (Figure("auc", value, "metrics.json"),))
        for place, value in enumerate(values)
    )


PROD, STAGING = older("v1.0.0", 0.90, 0.3), older("v1.1.0", 0.93, 0.1)
CASES: Mapping[str, Callable[[], list[Traced]]] = {
    "lineage-promotion": lambda: [
        traced(
            pipeline(), (("prod",), PROD), (("dev", "staging"), STAGING), asked=("prod",),
            history=history(0.88, 0.9, 0.93, 0.91),
        )
    ],
    "lineage-first-version": lambda: [traced(pipeline(stale=(), version="v0.1.0"))],
    "lineage-same": lambda: [traced(pipeline(stale=()), (("prod",), pipeline(stale=(), version="v1.0.0")))],
    "lineage-in-git": lambda: [traced(in_git())],
    "lineage-nothing": lambda: [
        traced(without_anything()), Traced("gone", why="The manifest cannot be read."),
    ],
    "lineage-doubts": lambda: [
        traced(
            pipeline(
                run=Checked("different", "the MLflow run abc123 has other metrics: auc is 0.91 here and 0.5 there.",
                            "Take the metrics from the run that made the artifact."),
                warnings=(Warn("lineage-gap", None, "dvc.lock cannot be read, line 3: a tab."),),
            ),
            (("prod",), PROD),
        )
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_section__of_known_lineages__is_as_it_was_looked_at(name: str) -> None:
    text = section(CASES[name](), PAGES)
    golden = GOLDENS / f"{name}.md"
    if WRITE:
        GOLDENS.mkdir(exist_ok=True)
        golden.write_text(f"{text}\n")
    assert f"{text}\n" == golden.read_text()


@pytest.mark.parametrize("name", CASES)
def test_terminal__of_known_lineages__is_as_it_was_looked_at(name: str) -> None:
    text = lineages(CASES[name](), PLAIN)
    golden = GOLDENS / f"{name}.txt"
    if WRITE:
        GOLDENS.mkdir(exist_ok=True)
        golden.write_text(f"{text}\n")
    assert f"{text}\n" == golden.read_text()


def _virtual(version: str, **more: object) -> Lineage:
    return replace(virtual(), version=version, **more)  # type: ignore[arg-type]


def test_versions__of_which_nothing_is_compared__are_not_said_to_be_alike() -> None:
    found = [traced(_virtual("v2.0.0"), (("prod",), _virtual("v1.0.0")))]
    left = "bytes, metrics, steps, parameters, data and code"
    for text in (section(found, PAGES), lineages(found, PLAIN)):
        assert "nothing behind it is compared" in text
        assert f"ot compared: {left}" in text
        assert "differs" not in text


def test_versions__of_one_digest_without_a_pipeline__say_what_is_not_compared() -> None:
    found = [traced(in_git(), (("prod",), replace(in_git(), version="v1.0.0")))]
    assert (
        "byte for byte the same, and nothing that is compared behind it differs. "
        "Not compared: metrics, steps, parameters, data and code." in section(found, PAGES)
    )


def test_versions__of_runs_with_other_parameters__show_these() -> None:
    entries = [ManifestEntry("risk", "artifacts.yaml", 1, mlflow=MlflowRun(run, params={"lr": run})) for run in "12"]
    one, other = (_virtual(f"v{entry.mlflow.run_id}.0.0", entry=entry) for entry in entries if entry.mlflow)
    found = [traced(other, (("prod",), one))]
    assert "| parameter | `lr` of `mlflow` | `1` | `2` |" in section(found, PAGES)
    assert "Not compared: bytes, metrics, steps, data and code." in section(found, PAGES)
    assert "not compared: bytes, metrics, steps, data and code" in lineages(found, PLAIN)


# -- each thing once, and big things at a click --------------------------------------


def above(text: str) -> str:
    """What stands there without a click."""
    return re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)


def test_section__digests__are_among_the_details_alone() -> None:
    text = section(CASES["lineage-promotion"](), PAGES)
    assert "`md5:22222222222222222222222222222222`" in text
    for letter in "0269df":
        assert letter * 8 not in above(text)
    assert "other bytes (3.07 kB → 4.1 kB)" in above(text)


def test_section__no_pipeline__says_nothing_of_it() -> None:
    assert "pipeline" not in above(section([traced(in_git())], PAGES))


def test_section__graph__is_folded_where_it_is_big() -> None:
    big, small = section([traced(pipeline())], PAGES), section([traced(dvc_folder())], PAGES)
    assert "<details><summary>How it was made: a graph of 16 nodes</summary>\n\n```mermaid\n" in big
    assert "```mermaid" not in above(big)
    assert "```mermaid" in above(small)


def test_section__of_a_change__says_whose_metrics_are_whose() -> None:
    found = [traced(pipeline(commit=FACTS._replace(id=HEAD)), (("prod",), PROD))]
    head = "| Metric | `prod` {} (`v1.0.0`) | This change (`v1.2.0`) | Difference |\n"
    assert head.format("now") in section(found, PAGES, change=open_change())
    assert head.format("before") in section(found, PAGES, change=merged_change(merge_commit=HEAD))
    # A version that was there before is not the change's own.
    assert "| `prod` now (`v1.0.0`) | `v1.2.0` |" in section(
        [traced(pipeline(), (("prod",), PROD))], PAGES, change=open_change()
    )


def test_section__many_metrics__show_a_screenful_with_those_first_that_moved() -> None:
    text = section(large(20), PAGES)
    shown = [line for line in above(text).splitlines() if line.startswith("| `metric_")]
    assert len(shown) == 12
    assert "`metric_0`" not in "".join(shown)  # the one that is the same
    assert "<summary>8 more metrics</summary>" in text


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (MetricDelta("auc", None, 0.9, 0.8, -0.1, "worse"), ("0.9", "🔴 -0.1 worse")),
        (MetricDelta("auc", None, 0.8, 0.9, 0.1, "better"), ("0.8", "🟢 +0.1 better")),
        (MetricDelta("x", None, 1, 2, 1), ("1", "+1")),
        (MetricDelta("x", None, 1, 1, 0, "same"), ("1", "±0")),
        (MetricDelta("x", None, None, 1), ("–", "new")),
        (MetricDelta("x", None, 1, None), ("1", "gone")),
        (MetricDelta("x", None, "a", "b"), ("a", "changed")),
        (MetricDelta("x", None, "a", "a"), ("a", "same")),
    ],
)
def test_metric__what_it_was_and_the_difference__are_two_cells(metric: MetricDelta, expected: tuple[str, str]) -> None:
    other = Against(("prod",), "v1.0.0", OLD, Comparison(PROD, in_git(), (metric,)))
    text = section([Traced("risk", in_git(), (other,))], PAGES)
    cells = [
        cell.strip() for cell in next(x for x in text.splitlines() if x.startswith(f"| `{metric.name}`")).split("|")
    ]
    assert (cells[2], cells[4]) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (File("d", "data", "md5:1", 90), File("d", "data", "md5:2", 100), "| 90 B | 100 B |"),
        (File("d", "data", "md5:1", 90), File("d", "data", "md5:2", 90), "| 90 B | 90 B changed |"),
        (File("d", "data", "md5:1"), File("d", "data", "md5:2"), "| – | changed |"),
        (None, File("d", "data", "md5:2", 90), "| – | 90 B |"),
        (None, File("d", "data", "md5:2"), "| – | new |"),
        (File("d", "data", "md5:1", 90), None, "| 90 B | gone |"),
        (
            File("d", "data", "md5:1", 90, origin=Origin("git@h:o/r.git", locked="a" * 40)),
            File("d", "data", "md5:2", 90, origin=Origin("git@h:o/r.git", locked="b" * 40)),
            "| 90 B `aaaaaaaaaaaa` | 90 B `bbbbbbbbbbbb` |",
        ),
    ],
)
def test_data__before_and_after__are_sizes_and_no_digests(
    before: File | None, after: File | None, expected: str
) -> None:
    how = "added" if before is None else "removed" if after is None else "changed"
    delta = FileDelta("d", "data", how, before, after)  # type: ignore[arg-type]
    other = Against(("prod",), "v1.0.0", OLD, Comparison(PROD, in_git(), files=(delta,)))
    assert f"| data | `d` {expected}" in section([Traced("risk", in_git(), (other,))], PAGES)


# -- bounds ----------------------------------------------------------------------


def large(files: int, artifacts: int = 1) -> list[Traced]:
    """An artifact that ``files`` files are upstream of, each another one than before, with as many parameters."""

    def one(mark: str, size: int) -> Lineage:
        deps = tuple(Behind(f"data/part-{n:05}/{'x' * 60}.parquet", f"md5:{mark}{n:031x}", size) for n in range(files))
        code = tuple(Behind(f"src/{n:05}.py", None, 3) for n in range(files))
        out = Behind("models/risk.pkl", md5(mark), size)
        values = {f"group.{n}.{'p' * 40}": n * size for n in range(files)}
        step = Step("train", "dvc.yaml", "python train.py", (*deps, *code), (out,), {"params.yaml": values})
        graph = graph_of("models/risk.pkl", Pointed([step]), [(dep.path, mark * 40) for dep in code])
        figures = tuple(Figure(f"metric_{n}", n / size, "metrics.json") for n in range(files))
        return pipeline(graph=graph, parameters=parameters_of([step]), metrics=figures, stale=(), passages=())

    after, before = one("a", 3), replace(one("b", 2), version="v1.0.0")
    return [traced(after, (("prod",), before), history=history(1.0, 2.0, 3.0))] * artifacts


@pytest.mark.parametrize(("files", "artifacts"), [(3, 1), (500, 1), (500, 10)])
@pytest.mark.parametrize("room", [LIMIT, 5_000, 600])
def test_section__of_much__keeps_within_its_room(files: int, artifacts: int, room: int) -> None:
    text = section(large(files, artifacts), PAGES, room)
    assert len(text) <= room
    assert text
    if room == LIMIT:
        assert "metric_1" in text  # what matters most is still there


def test_section__with_less_and_less_room__drops_one_thing_after_the_other() -> None:
    found = CASES["lineage-promotion"]()
    parts = {
        "charts": "xychart-beta",
        "details": "Everything behind it",
        "graph": "flowchart",
        "changes": "train.layers",
        "metrics": "| `auc` |",
        "title": "#### `risk`",
    }
    lengths: list[int] = []
    gone: list[str] = []
    room = len(section(found, PAGES)) + 1
    while room > 0 and (text := section(found, PAGES, room)):
        lengths.append(len(text))
        gone += [name for name, words in parts.items() if words not in text and name not in gone]
        room = len(text) - 1
    assert gone == [name for name in parts if name != "title"]
    assert len(lengths) <= len(LEVELS)
    assert section(found, PAGES, 10) == ""


# -- hostile words ---------------------------------------------------------------

HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "</details><script>alert(1)</script>", "| a | b |", "`` ` ``", "@everyone #1 !2", "::set-output name=x::y",
        "##[error]x", "```mermaid", '"]; click n0 "javascript:alert(1)"', "[x](javascript:alert(1))", "a\nb\x1b[31m",
        "\u202eabc", "![i](https://h.example/i.png)", "<img src=x onerror=alert(1)>", "%%{init: {}}%%", "\x00", "-",
    ]
)  # fmt: skip


def hostile_lineage(words: list[str]) -> Lineage:
    """Every text of a lineage is somebody else's."""
    w = [*words, "", "x", "y"]
    step = Step(
        w[0] or "s", w[1], w[2], (Behind(w[3] or "d", w[0], 1), Behind("src/a.py", None)),
        (Behind("models/risk.pkl", md5("1"), 2), Behind(w[1] or "m", md5("2"), 3, cached=False)),
        {w[2]: {w[3]: w[0], w[1]: [w[2]]}}, metrics=frozenset({w[1] or "m"}), written=w[3],
    )  # fmt: skip
    graph = graph_of("models/risk.pkl", Pointed([step], IMPORTS), [(w[3] or "d", "a" * 40), ("src/a.py", "b" * 40)])
    base = pipeline(graph=graph, parameters=parameters_of([step]))
    assert base.entry is not None
    return replace(
        base,
        commit=base.commit._replace(author=w[0], email=w[1], subject=w[2]),
        metrics=(Figure(w[0], w[1], w[2]), Figure(w[1], 1.0, w[2]), Figure(w[3], float("nan"), None)),
        warnings=(Warn("lineage-gap", None, w[3]),),
        passages=tuple(p._replace(change=w[0], requested_by=(w[1],), tagger=w[2], reason=w[3]) for p in base.passages),
        no_content=w[1],
        run=Checked("missing", w[2], w[3]),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(HOSTILE, min_size=4, max_size=4), st.lists(HOSTILE, min_size=4, max_size=4))
def test_section__hostile_words__stay_words(before: list[str], after: list[str]) -> None:
    found = [traced(hostile_lineage(after), (("prod",), replace(hostile_lineage(before), version="v1.0.0")))]
    text = section(found, PAGES)
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    for forbidden in ("<script", "<img", "onerror=alert", 'href="javascript'):
        assert forbidden not in rendered.replace("&lt;", "").lower() or forbidden == "onerror=alert"
    assert rendered.count("<details>") == rendered.count("</details>") == text.count("<details>")
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    terminal = lineages(found, PLAIN)
    assert "\x1b" not in terminal
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in terminal.splitlines())
    json.loads(json.dumps(lineage_document.traced(found[0], ()), allow_nan=False))


def test_all_renderings__of_500_files_upstream__take_less_than_two_seconds_together() -> None:
    # A bound with much room on any machine: what it guards against is quadratic.
    found = large(500)
    start = time.process_time()
    section(found, PAGES, LIMIT)
    diagram(found[0].lineage or pipeline(), found[0].against)
    lineages(found, PLAIN)
    lineage_document.traced(found[0], ())
    assert time.process_time() - start < 2
