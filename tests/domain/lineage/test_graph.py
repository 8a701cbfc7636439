"""What is behind a path: upstream to the raw inputs, and the steps that measure it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.lineage.graph import MOST_IN_FOLDER, File, Graph, Pointed, edges, graph_of, role_in_git
from tagline.domain.lineage.pipelines import Behind, Imported, Origin
from tests.support.pipelines import graph, names, step

PREPARE = step("prepare", "raw.csv prepare.py", "data=d.dir")
TRAIN = step("train", "data train.py", "m.pkl=m", metrics="!train.json")
EVALUATE = step("evaluate", "m.pkl data/test.csv evaluate.py", metrics="!eval.json", plots="roc.csv")
RAW = Imported("raw.csv.dvc", (Behind("raw.csv", "md5:r", 5),))
CODE = ("prepare.py", "train.py", "evaluate.py")


def pipeline(target: str | None, *, others: tuple[str, ...] = ()) -> Graph:
    return graph(target, EVALUATE, TRAIN, PREPARE, imports=[RAW], in_git=CODE, others=others)


# -- upstream -----------------------------------------------------------------------


def test_graph__of_a_model__has_all_before_it_and_what_measures_it():
    found = pipeline("m.pkl")
    assert names(found.steps) == ["prepare", "train", "evaluate"]
    assert (names(found.upstream), found.measuring) == (["prepare", "train"], {"evaluate"})
    assert list(edges(found)) == [("prepare", "train"), ("train", "evaluate"), ("prepare", "evaluate")]
    assert found.artifact == File("m.pkl", "artifact", "md5:m", None, 1, "train", "dvc.lock")
    assert found.files["raw.csv"] == File("raw.csv", "data", "md5:r", 5, 1, None, "raw.csv.dvc")
    assert found.files["train.py"] == File("train.py", "code", "gitblob:id-train.py", None, 1)
    roles = {path: file.role for path, file in found.files.items()}
    assert roles == {
        "raw.csv": "data", "data": "data", "m.pkl": "artifact", "train.json": "metrics", "eval.json": "metrics",
        "roc.csv": "plots", **dict.fromkeys(CODE, "code"),
    }  # fmt: skip
    assert [file.path for file in found.code] == sorted(CODE)
    assert [file.path for file in found.data] == ["raw.csv", "data"]


def test_graph__of_nothing__is_empty():
    assert graph(None, TRAIN) == Graph()
    assert Graph().artifact is None


def test_graph__of_a_path_that_nobody_knows__is_the_path_alone():
    found = pipeline("nowhere")
    assert (found.steps, dict(found.files)) == ((), {"nowhere": File("nowhere", "artifact")})


def test_graph__of_a_file_in_git__is_a_leaf():
    found = graph("m.txt", in_git=["m.txt"])
    assert found.artifact == File("m.txt", "artifact", "gitblob:id-m.txt", files=1)


def test_graph__of_a_folder_in_git__counts_its_files():
    found = graph("m", in_git=["m/a", "m/b/c", "mm", "m.txt"])
    assert found.artifact == File("m", "artifact", files=2)


def test_graph__of_what_was_imported__has_its_origin():
    origin = Origin("https://h/r.git", "x", "v1", "c")
    found = graph("x", imports=[Imported("x.dvc", (Behind("x", "md5:x", 1, 3),), origin)])
    assert found.artifact == File("x", "artifact", "md5:x", 1, 3, None, "x.dvc", origin)


def test_graph__of_a_part_of_an_out__has_the_outs_step_and_no_digest():
    found = pipeline("data/test.csv")
    assert names(found.upstream) == ["prepare"]
    assert found.artifact == File("data/test.csv", "artifact", maker="prepare", pointer="dvc.lock")
    assert found.measuring == {"evaluate", "train"}


def test_graph__of_a_folder_with_outs_in_it__has_the_steps_of_all():
    found = graph("models", step("one", "a", "models/a"), step("two", "b", "models/b"), in_git=["a", "b"])
    assert names(found.upstream) == ["one", "two"]
    assert found.artifact == File("models", "artifact")


def test_graph__pointer_of_a_step_and_of_a_person__is_the_steps():
    assert graph("x", step("s", "a", "x=1"), imports=[Imported("x.dvc", (Behind("x", "md5:2"),))]).artifact == File(
        "x", "artifact", "md5:1", None, 1, "s", "dvc.lock"
    )


def test_graph__what_a_step_read__is_kept_beside_what_is_there_now():
    found = graph("m", step("a", "", "d.csv=now"), step("train", "d.csv=then e", "m"))
    assert found.files["d.csv"].digest == "md5:now"
    assert found.read == {("d.csv", "train"): "md5:then"}


@pytest.mark.parametrize(
    ("path", "role"),
    [("/mnt/nas/raw.csv", "data"), ("../lib/x.py", "code"), ("C:/d/x", "data"), ("vendor/x.py", "code")],
)
def test_graph__what_lies_outside_or_in_a_submodule__is_not_missing(path, role):
    found = graph_of("m", Pointed([step("train", f"{path}=1 other.py", "m")]), [], submodules=["vendor"])
    assert (found.files[path].missing, found.files[path].role) == (False, role)
    assert found.files["other.py"].missing


# -- folders, URLs and what is missing ------------------------------------------------------


def test_graph__dependency_inside_an_out__comes_from_its_step():
    found = graph("m", PREPARE, step("train", "data/in/deep.csv", "m"))
    assert list(edges(found)) == [("prepare", "train")]
    assert ("data", "train") in found.reads


def test_graph__dependency_with_outs_in_it__comes_from_all_their_steps_and_from_git():
    found = graph(
        "m", step("one", "", "src/a.bin"), step("two", "", "src/b/c"), step("train", "src", "m"), in_git=["src/x.py"]
    )
    assert list(edges(found)) == [("one", "train"), ("two", "train")]
    assert [file.path for file in found.code] == ["src/x.py"]
    assert (found.files["src"].role, found.files["src"].missing) == ("code", False)


def test_graph__neighbour_of_almost_the_same_name__is_another_one():
    found = graph(
        "m", step("one", "", "data2"), step("two", "", "dat"), step("train", "data", "m"), in_git=["data.csv"]
    )
    assert names(found.steps) == ["train"]
    assert found.files["data"].missing


@pytest.mark.parametrize("url", ["s3://b/k", "https://h/x.csv", "remote://r/x"])
def test_graph__dependency_elsewhere__is_data_with_its_mark(url):
    found = graph("m", step("train", f"{url}=e", "m"), in_git=[url])
    assert found.files[url] == File(url, "data", "md5:e", origin=Origin(url, locked="md5:e"))


def test_graph__out_elsewhere__is_not_missing_to_its_reader():
    found = graph("m", step("up", "a", "s3://b/k"), step("train", "s3://b/k", "m"))
    assert not found.files["s3://b/k"].missing


def test_graph__file_that_is_in_neither_git_nor_dvc__is_missing():
    found = graph("m", step("train", "gone.py gone.csv there.py", "m"), in_git=["there.py"])
    assert {path for path, file in found.files.items() if file.missing} == {"gone.py", "gone.csv"}


def test_graph__folder_of_code__is_named_file_by_file():
    found = graph("m", step("train", "src", "m"), in_git=["src/a.py", "src/b/c.sql", "src/d.csv", "srcs/e.py"])
    assert (found.files["src"].role, found.files["src"].files) == ("code", 3)
    assert [file.path for file in found.code] == ["src/a.py", "src/b/c.sql"]


def test_graph__folder_of_data_in_git__is_data():
    found = graph("m", step("train", "tables", "m"), in_git=["tables/a.csv", "tables/b.parquet"])
    assert (found.files["tables"].role, found.code) == ("data", ())


def test_graph__the_whole_repository_as_a_dependency__is_code():
    found = graph("m", step("train", ".", "m"), in_git=["a.py", "b/c.py"])
    assert (found.files["."].files, [file.path for file in found.code]) == (2, ["a.py", "b/c.py"])


def test_graph__ten_thousand_files_in_a_folder__are_quick_and_cut():
    started = time.monotonic()
    files = [f"src/{number:05}.py" for number in range(10_000)]
    found = graph(
        "m", *(step(f"s{number}", "src", f"o{number}") for number in range(100)), step("t", "src o0", "m"), in_git=files
    )
    assert (len(found.code), found.files["src"].files) == (MOST_IN_FOLDER, 10_000)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("train.py", "code"), ("a/b.CSV", "data"), ("x.parquet", "data"), ("notes.txt", "data"), ("w.npz", "data"),
        ("requirements.txt", "code"), ("req/requirements-dev.txt", "code"), ("constraints.txt", "code"),
        ("CMakeLists.txt", "code"), ("Makefile", "code"), ("x.csv.py", "code"), ("csv", "code"), ("a.zip", "data"),
    ],
)  # fmt: skip
def test_role__by_name__is_data_or_code(name, role):
    assert role_in_git(name) == role


# -- shapes -----------------------------------------------------------------------------


def test_graph__diamond__has_each_step_once():
    top, left, right = step("top", "a", "b c"), step("left", "b", "d"), step("right", "c", "e")
    found = graph("m", step("join", "d e", "m"), right, left, top)
    assert names(found.steps) == ["top", "left", "right", "join"]
    assert set(edges(found)) == {("top", "left"), ("top", "right"), ("left", "join"), ("right", "join")}


def test_graph__circle__ends():
    found = graph("m", step("one", "b", "a"), step("two", "a", "b"), step("self", "c a", "c m"))
    assert set(names(found.steps)) == {"one", "two", "self"}
    assert ("self", "self") not in list(edges(found))


@pytest.mark.parametrize("target", ["o3000", "o0"])
def test_graph__chain_of_three_thousand_steps__is_quick_and_in_order(target):
    # From its end everything is upstream; from its beginning everything leads to what measures it.
    chain = [step(f"s{n}", f"o{n - 1}", f"o{n}", metrics="m.json" if n == 3000 else "") for n in range(3001)]
    started = time.monotonic()
    found = graph(target, *reversed(chain))
    assert names(found.steps) == [f"s{n}" for n in range(3001)]
    assert len(found.measuring) == (0 if target == "o3000" else 3000)
    assert len(list(edges(found))) == 3000
    assert time.monotonic() - started < 5


@given(st.data())
def test_graph__any_steps__come_in_an_order_in_which_they_can_run(data):
    count = data.draw(st.integers(1, 9))
    reads = [data.draw(st.lists(st.integers(0, n - 1), max_size=3)) if n else [] for n in range(count)]
    metrics = data.draw(st.sets(st.integers(0, count - 1)))
    steps = [
        step(f"s{n}", " ".join(f"o{r}" for r in reads[n]) + f" c{n}", f"o{n}", metrics=f"m{n}" if n in metrics else "")
        for n in range(count)
    ]
    target = data.draw(st.integers(0, count - 1))
    found = graph(f"o{target}", *data.draw(st.permutations(steps)))
    places = {name: place for place, name in enumerate(names(found.steps))}
    assert len(places) == len(found.steps)
    for name, place in places.items():
        assert all(places[f"s{r}"] < place for r in reads[int(name[1:])])
    above, pending = {target}, [target]
    while pending:
        for other in reads[pending.pop()]:
            if other not in above:
                above.add(other)
                pending.append(other)
    assert {step.name for step in found.upstream} == {f"s{n}" for n in above}


# -- what measures it --------------------------------------------------------------------


def test_measuring__step_after_the_artifact_without_metrics__is_not_there():
    assert names(graph("m", step("train", "a", "m"), step("deploy", "m", "image")).steps) == ["train"]


def test_measuring__metrics_two_steps_later__have_the_way_there():
    found = graph(
        "m", step("train", "a", "m"), step("predict", "m new.csv", "p"), step("score", "p", metrics="s.json"),
        step("aside", "p", "q"),
    )  # fmt: skip
    assert names(found.steps) == ["train", "predict", "score"]
    assert found.measuring == {"predict", "score"}
    assert "new.csv" in found.files


def test_measuring__what_it_needs_besides__comes_with_it():
    found = graph("m", step("train", "a", "m"), step("other", "b", "labels"), step("score", "m labels", metrics="s"))
    assert names(found.steps) == ["train", "other", "score"]
    assert found.measuring == {"other", "score"}


def test_measuring__step_that_makes_another_artifact__measures_that_one():
    tune = step("tune", "m", "m2", metrics="tune.json")
    score = step("score", "m2", metrics="score.json")
    steps = (step("train", "a", "m"), tune, score)
    assert names(graph("m", *steps, others=["m", "m2"]).steps) == ["train"]
    assert names(graph("m", *steps, others=["m"]).steps) == ["train", "tune", "score"]
    assert graph("m2", *steps, others=["m", "m2"]).measuring == {"score"}


def test_measuring__other_artifact_in_a_folder_of_outs__is_one_too():
    steps = (step("train", "a", "m"), step("tune", "m", "models", metrics="t"))
    assert names(graph("m", *steps, others=["models/fine/x"]).steps) == ["train"]


def test_measuring__metrics_file_that_is_itself_registered__still_measures():
    steps = (step("train", "a", "m"), step("score", "m", "", metrics="s.json"))
    assert graph("m", *steps, others=["s.json"]).measuring == {"score"}


def test_measuring__nothing_comes_after__others_are_not_asked_for():
    def never() -> list[str]:
        raise AssertionError("reading every manifest costs")

    assert names(graph_of("m", Pointed([step("train", "a", "m")]), [], never).steps) == ["train"]


def test_measuring__many_steps_in_a_bush__is_quick():
    leaves = [step(f"s{n}", "m", f"o{n}") for n in range(3000)]
    found_in = time.monotonic()
    found = graph(
        "m", step("train", "a", "m"), *leaves, step("join", " ".join(f"o{n}" for n in range(3000)), metrics="x")
    )
    assert len(found.measuring) == 3001
    assert time.monotonic() - found_in < 5
