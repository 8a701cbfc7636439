"""Lineages for the tests of the formats: by hand, each with something of its own, and by hypothesis."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from tagline.domain.ledger.commits import CommitFacts, Signature
from tagline.domain.ledger.tags import EventKind
from tagline.domain.lineage.graph import Graph, Pointed, graph_of
from tagline.domain.lineage.lineage import Figure, Lineage, Parameter, Passage, Stale, parameters_of
from tagline.domain.lineage.pipelines import Behind, Imported, Origin, Step
from tagline.domain.manifest.manifest import ManifestEntry, MlflowRun
from tagline.domain.mlflow.runs import Checked, Run
from tagline.domain.storage.objects import Location

REPO = "https://github.com/acme/risk.git"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
COMMITTED, REGISTERED, ASSIGNED = 1767225600, 1767312000, 1767398400


def md5(letter: str) -> str:
    return f"md5:{letter * 32}"


def blob(letter: str) -> str:
    return letter * 40


FACTS = CommitFacts(
    COMMIT, "Ada", "ada@acme.example", COMMITTED, "Ada", COMMITTED, "Train on March", Signature("good", "ssh", "ada")
)
STEPS = (
    Step(
        "prepare", "dvc.yaml", "python src/prepare.py",
        (Behind("data/raw", f"{md5('1')}.dir", 2048, 3), Behind("data/prices.csv", md5("2"), 100),
         Behind("src/prepare.py", md5("3"), 10), Behind("s3://public/rates.csv", "etag:abc", 5)),
        (Behind("data/clean", f"{md5('4')}.dir", 1024, 2),),
        {"params.yaml": {"prepare.seed": 7}},
    ),
    Step(
        "train", "dvc.yaml", "python src/train.py --lr 0.1",
        (Behind("data/clean", f"{md5('4')}.dir", 1024, 2), Behind("src/train", "md5:" + "5" * 32 + ".dir", 20, 2)),
        (Behind("models/risk.pkl", md5("6"), 4096),),
        {"params.yaml": {"train.lr": 0.1, "train.layers": [8, 4], "train.deep": True}},
    ),
    Step(
        "evaluate", "dvc.yaml", "python src/evaluate.py",
        (Behind("models/risk.pkl", md5("6"), 4096), Behind("data/test.csv", md5("7"), 9)),
        (Behind("metrics.json", md5("8"), 30, cached=False), Behind("plots/roc.csv", md5("9"), 60, cached=False)),
        metrics=frozenset({"metrics.json"}), plots=frozenset({"plots/roc.csv"}),
    ),
)  # fmt: skip
IMPORTS = (
    Imported("data/raw.dvc", (Behind("data/raw", f"{md5('1')}.dir", 2048, 3),), Origin(
        "git@github.com:acme/datasets.git", "daily/raw", "v3", "f" * 40)),
    Imported("data/prices.csv.dvc", (Behind("data/prices.csv", md5("2"), 100),), Origin(
        "s3://prices/2026/march.csv", locked="etag:xyz")),
    Imported("data/test.csv.dvc", (Behind("data/test.csv", md5("7"), 9),)),
)  # fmt: skip
IN_GIT = (
    ("dvc.yaml", blob("a")), ("metrics.json", blob("b")), ("plots/roc.csv", blob("c")), ("src/prepare.py", blob("d")),
    ("src/train/__init__.py", blob("e")), ("src/train/net.py", blob("f")),
)  # fmt: skip
PASSAGES = (
    Passage(
        REGISTERED, EventKind.REGISTRATION, None, "risk@v1.2.0", "https://github.com/acme/risk/pull/12", ("ada",),
        ("grace 0123456 2026-01-01T12:00:00Z",), "sha256:" + "0" * 64, "https://github.com/acme/risk/actions/runs/99",
        tagger="tagline[bot]",
    ),
    Passage(
        ASSIGNED, EventKind.ASSIGNMENT, "prod", "risk#prod#3", "https://github.com/acme/risk/pull/13", ("grace",),
        ("ada 0123456 2026-01-02T12:00:00Z", "linus 0123456 2026-01-02T12:10:00Z"),
    ),
)  # fmt: skip


def pipeline(**changes: Any) -> Lineage:
    """A DVC pipeline of three steps, two imports, folders, metrics and a version with its history."""
    fields = {
        "artifact": "risk",
        "commit": FACTS,
        "version": "v1.2.0",
        "tag": "risk@v1.2.0",
        "entry": ManifestEntry(
            "risk", "artifacts.yaml", 1, "model", "models/risk.pkl", "Who will not pay", ("tabular", "risk"),
            mlflow=MlflowRun("abc123"),
        ),
        "content": Location("s3://acme-dvc/files/md5/66/" + "6" * 30, md5("6"), 4096, 1),
        "graph": graph_of("models/risk.pkl", Pointed(STEPS, IMPORTS), IN_GIT),
        "parameters": parameters_of(STEPS),
        "metrics": (Figure("auc", 0.91, "metrics.json"), Figure("rows", 1200, "metrics.json")),
        "stale": (Stale("train", "src/train/net.py was changed since it ran", "src/train/net.py"),),
        "run": Checked("ok", "The run has the same metrics.", run=Run("abc123", "brave-fox", status="FINISHED")),
        "passages": PASSAGES,
    }  # fmt: skip
    return Lineage(**(fields | changes))


def without_anything() -> Lineage:
    """A name at a commit, and nothing else."""
    return Lineage("risk", FACTS)


def in_git() -> Lineage:
    """An artifact that lies in Git."""
    graph = graph_of("model.json", Pointed(), [("model.json", blob("7"))])
    content = Location(f"git+{REPO}@{COMMIT}#model.json", f"gitblob:{blob('7')}", 12, 1)
    return pipeline(graph=graph, content=content, parameters=(), metrics=(), stale=(), run=None)


def folder_in_git() -> Lineage:
    """A folder that lies in Git."""
    graph = graph_of("model", Pointed(), [("model/a.bin", blob("7")), ("model/b.bin", blob("8"))])
    content = Location(f"git+{REPO}@{COMMIT}#model", f"gittree:{blob('9')}", None, 2)
    return pipeline(graph=graph, content=content, parameters=(), metrics=(), stale=(), run=None)


def in_lfs() -> Lineage:
    """An artifact in Git LFS, whose metrics stand in the manifest."""
    graph = graph_of("model.bin", Pointed(), [("model.bin", blob("7"))])
    content = Location("https://user:secret@lfs.acme.example/o/1?X-Amz-Signature=secret", "sha256:" + "7" * 64, 12, 1)
    return pipeline(graph=graph, content=content, parameters=(), metrics=(Figure("auc", 0.9),), stale=(), run=None)


def dvc_folder() -> Lineage:
    """An artifact that is a folder which DVC keeps."""
    return pipeline(
        graph=graph_of("data/clean", Pointed(STEPS[:1], IMPORTS), IN_GIT),
        entry=ManifestEntry("clean", "artifacts.yaml", 1, "dataset", "data/clean"),
        content=Location("s3://acme-dvc/files/md5/44/" + "4" * 30 + ".dir", f"{md5('4')}.dir", 1024, 2),
        parameters=parameters_of(STEPS[:1]),
    )


def virtual() -> Lineage:
    """An artifact of which the manifest has a URI only."""
    entry = ManifestEntry("risk", "artifacts.yaml", 1, "model", "s3://models/risk v2/model.bin", virtual=True)
    return pipeline(entry=entry, content=Location(), graph=Graph(), parameters=(), metrics=(), stale=(), run=None)


EVIL = "\ud800\x00\n\x1b[31m</script>\u2028##[set-output name=x]y::error::'\"; rm -rf / `id` ${TOKEN} %zz [x] ü \\udc80"


def hostile() -> Lineage:
    """Everything that people write is something that nobody should."""
    path = EVIL.replace("/", "")
    steps = (
        Step(
            EVIL, EVIL, EVIL, (Behind(f"a{path}", "md5:" + EVIL), Behind("s3://[bad/x", "etag:\ud800")),
            (Behind(path, md5("6"), 1, cached=False),),
            {EVIL: {EVIL: math.nan, "inf": [-math.inf, math.inf, 2**70, {EVIL: object}], "none": None}},
        ),
    )  # fmt: skip
    imports = (
        Imported(EVIL, (Behind(f"a{path}", "md5:" + EVIL),), Origin("https://u:tok@h/r?token=1", EVIL, EVIL, EVIL)),
    )
    passage = Passage(10**17, EventKind.REGISTRATION, EVIL, EVIL, EVIL, (EVIL,), (EVIL,), EVIL, EVIL, EVIL, EVIL, EVIL)
    return Lineage(
        EVIL,
        CommitFacts(EVIL, EVIL, EVIL, -5, EVIL, 10**17, EVIL, Signature("unverified", None, EVIL)),
        EVIL,
        EVIL,
        ManifestEntry(EVIL, EVIL, 1, EVIL, f"s3://{EVIL}", EVIL, (EVIL, EVIL), mlflow=MlflowRun(EVIL)),
        Location(f"https://u:tok@{EVIL}", "md5:" + EVIL, 1 << 80, -1, EVIL),
        graph_of(path, Pointed(steps, imports), [(f"a{path}", EVIL)]),
        (*parameters_of(steps), Parameter("huge", [1 << 20000], "f", (EVIL,))),
        (Figure(EVIL, math.nan, EVIL), Figure("", 1 << 20000), Figure(EVIL, EVIL), Figure("yes", True)),
        stale=(Stale(EVIL, EVIL, EVIL),),
        run=Checked("unknown", EVIL, run=Run(EVIL, EVIL, status=EVIL)),
        passages=(passage, passage),
    )


BY_HAND = {
    "pipeline": pipeline,
    "nothing": without_anything,
    "no-version": lambda: pipeline(version=None, tag=None, passages=()),
    "in-git": in_git,
    "folder-in-git": folder_in_git,
    "lfs": in_lfs,
    "dvc-folder": dvc_folder,
    "no-metrics": lambda: pipeline(metrics=(), no_metrics="the manifest names none"),
    "virtual": virtual,
    "hostile": hostile,
}

# -- by hypothesis -------------------------------------------------------------------

TEXTS = st.text(max_size=12) | st.sampled_from([EVIL, "", "x", "risk", "\ud800", "#", "a b", "%", "[", "::"])
PATHS = st.sampled_from(["a", "b", "d", "d/e", "d/f.py", "x.csv", "s3://b/k", "https://h/p?sig=1", "f:"]) | TEXTS
HEXES = st.sampled_from(["0" * 32, "f" * 32, "0" * 40, "a" * 64, "XYZ", "0" * 32 + ".dir"])
DIGESTS = st.none() | st.builds(
    "{}:{}".format, st.sampled_from(["md5", "sha256", "gitblob", "gittree", "etag", ""]), HEXES | TEXTS
)
SIZES = st.none() | st.integers(0, 2**70)
TIMES = st.integers(-(10**18), 10**18) | st.integers(0, 4 * 10**9)
URLS = st.builds(
    "{}://{}{}".format,
    st.sampled_from(["https", "s3", "file", "ssh", "git+https", "abfss"]),
    st.sampled_from(["", "h", "u:p@h", "h:1", "[::1]", "[", "c@a.net"]),
    TEXTS | st.builds("/{}".format, TEXTS),
)
PLACES = TEXTS | URLS | st.sampled_from([REPO, "git@h:o/r", "/srv/r.git", "https://u:t@h/r", "C:\\r"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
BEHIND = st.builds(Behind, PATHS, DIGESTS, SIZES, SIZES, st.booleans(), st.booleans())
ROWS = st.lists(BEHIND, max_size=4).map(tuple)
ORIGINS = st.none() | st.builds(Origin, PLACES, st.none() | TEXTS, st.none() | TEXTS, st.none() | TEXTS | HEXES)
STEPS_ANY = st.builds(
    Step, TEXTS, PATHS, TEXTS, ROWS, ROWS, st.dictionaries(PATHS, st.dictionaries(TEXTS, VALUES, max_size=3)),
    st.frozensets(PATHS, max_size=2), st.frozensets(PATHS, max_size=2),
)  # fmt: skip
OPTIONAL = st.none() | TEXTS | PLACES
LINES = st.lists(TEXTS, max_size=2).map(tuple)
PASSAGES_ANY = st.builds(
    Passage, TIMES, st.sampled_from(EventKind), OPTIONAL, TEXTS, OPTIONAL, LINES, LINES, OPTIONAL, OPTIONAL, OPTIONAL,
    OPTIONAL, OPTIONAL, TEXTS,
)  # fmt: skip


@st.composite
def lineages(draw: st.DrawFn) -> Lineage:
    """Any lineage whose graph is one of :func:`graph_of`."""
    steps = draw(st.lists(STEPS_ANY, max_size=4, unique_by=lambda step: step.name))
    imports = draw(st.lists(st.builds(Imported, PATHS, ROWS, ORIGINS), max_size=2))
    git = draw(st.dictionaries(PATHS, HEXES, max_size=5))
    target = draw(st.none() | PATHS)
    entry = st.builds(
        ManifestEntry, TEXTS, TEXTS, st.just(1), OPTIONAL, OPTIONAL, TEXTS, LINES,
        mlflow=st.none() | st.builds(MlflowRun, TEXTS),
    )  # fmt: skip
    facts = st.builds(
        CommitFacts, st.just(COMMIT) | TEXTS, TEXTS, TEXTS, TIMES, TEXTS, TIMES, TEXTS,
        st.builds(Signature, st.sampled_from(["none", "good", "bad"])),
    )  # fmt: skip
    return Lineage(
        artifact=draw(TEXTS),
        commit=draw(facts),
        version=draw(OPTIONAL),
        tag=draw(OPTIONAL),
        entry=draw(st.none() | entry),
        content=draw(st.builds(Location, st.none() | PLACES, DIGESTS, SIZES, SIZES, OPTIONAL)),
        graph=graph_of(target, Pointed(steps, imports), list(git.items())),
        parameters=parameters_of(steps) + draw(st.just(()) | st.just((Parameter("p", [1], "f"),))),
        metrics=tuple(draw(st.lists(st.builds(Figure, TEXTS, VALUES, st.none() | PATHS), max_size=3))),
        stale=tuple(draw(st.lists(st.builds(Stale, TEXTS, TEXTS), max_size=2))),
        run=draw(st.none() | st.builds(Checked, st.sampled_from(["ok", "unknown"]), TEXTS, run=st.none())),
        passages=tuple(draw(st.lists(PASSAGES_ANY, max_size=3))),
    )
