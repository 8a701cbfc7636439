"""Two sizes that a change controls are never multiplied: twice as much of both is about twice the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tagline.domain.changes.asks import Action, Ask
from tagline.domain.changes.intents import Known, resolve
from tagline.domain.changes.policy_rules import policy_problems
from tagline.domain.changes.touches import FileChange, Side, find_touches
from tagline.domain.lineage.graph import MOST_EDGES, Pointed, graph_of
from tagline.domain.lineage.pipelines import Behind, Step
from tagline.domain.manifest.dvc_stages import Stages
from tagline.domain.manifest.gto_config import read_config
from tagline.domain.manifest.manifest import ManifestEntry, declared
from tagline.domain.manifest.manifest_rules import check_type
from tagline.domain.manifest.paths import PathFacts, check_paths
from tagline.domain.manifest.tracked import Outs, TrackedPaths, upwards
from tagline.domain.storage.pointers import Out, outs_of
from tagline.domain.text import similar
from tagline.domain.text.similar import Words
from tagline.errors import TooLarge
from tagline.formats.yaml import reading as yaml
from tests.support.work import work

Action_ = Callable[[], Any]


def asks(size: int) -> Action_:
    """Misspelt artifacts, and artifacts."""
    known = Known((), [f"model-{n:05}" for n in range(size)], (), {})
    asked = [Ask(Action.REGISTER, f"f:{n}", f"modle-{n:05}x", which="minor") for n in range(size)]
    return lambda: resolve(asked, known, 5)


def stages(size: int) -> Action_:
    """Misspelt stages, and stages."""
    names = [f"m{n}" for n in range(size)]
    there = [f"prod-{n:05}" for n in range(size)]
    known = Known((), names, (), dict.fromkeys(names, there), only_stages=True)
    asked = [Ask(Action.ASSIGN, f"f:{n}", name, "prad-x") for n, name in enumerate(names)]
    return lambda: resolve(asked, known, 5)


def policy(size: int) -> Action_:
    """Stages one after the other, and patterns with rules of their own."""
    rows = [f"  s{n}: {{after: [s{n - 1}]}}\n" for n in range(1, size)]
    more = [f"  a{n}: {{stages: {{s{n}: {{after: [s0]}}}}}}\n" for n in range(1, size)]
    document = yaml.load(f"stages:\n  s0: {{}}\n{''.join(rows)}artifacts:\n{''.join(more)}".encode())
    return lambda: policy_problems(document, "p")


def listed(size: int) -> Action_:
    """Stages, and mistyped ones that others come after."""
    rows = [f"  stage-{n:05}: {{after: [stagf-x{n:05}]}}\n" for n in range(size)]
    document = yaml.load(f"stages:\n{''.join(rows)}".encode())
    return lambda: policy_problems(document, "p")


def types(size: int) -> Action_:
    """Mistyped types, and types."""
    config, _ = read_config(yaml.load(("types:\n" + "".join(f"- kind-{n:05}\n" for n in range(size))).encode()))
    items = declared(
        yaml.load("".join(f"m{n}: {{type: kind-x{n:05}}}\n" for n in range(size)).encode()), "artifacts.yaml"
    )
    return lambda: [check_type(item, config) for item in items]


def _items(size: int) -> Any:
    text = "".join(f"m{n}: {{path: p/{n}}}\n" for n in range(size))
    return declared(yaml.load(text.encode()), "artifacts.yaml")


def modules(size: int) -> Action_:
    """Paths, and submodules."""
    found = frozenset(f"s{n}" for n in range(size))
    facts = PathFacts(
        TrackedPaths(()), lambda _: False, lambda: found, lambda _: False, lambda _: None, lambda _: (), lambda _: None
    )
    return lambda: [check_paths(item, facts) for item in _items(size)]


def endings(size: int) -> Action_:
    """Paths, and outs of which only the end of the path is known."""
    outs = Outs(endings={f"o{n}" for n in range(size)})
    return lambda: [outs.covers(f"p/{n}") for n in range(size)]


def templates(size: int) -> Action_:
    """Outs of a lock, and templates that each may be any of them."""
    rows = [{f"o${{a}}x${{b}}{n}": {"remote": f"r{n}"}} for n in range(size)]
    pipeline = {"stages": {"s": {"cmd": "x", "outs": rows}}}
    lock = {"stages": {"s": {"outs": [{"path": f"o{n}", "md5": "0" * 32} for n in range(size)]}}}
    return lambda: outs_of("dvc.lock", lock, pipeline)


def touches(size: int) -> Action_:
    """Artifacts, files that differ, and outs of pointers that differ."""
    entries = {f"m{n}": ManifestEntry(f"m{n}", "artifacts.yaml", 1, path=f"p{n}/x") for n in range(size)}
    before = Side(entries, [Out(f"p{n}", "md5:a", None, None) for n in range(size)])
    after = Side(entries, [Out(f"p{n}", "md5:b", None, None) for n in range(size)])
    files = [FileChange(f"q{n}", "M") for n in range(size)]
    return lambda: find_touches(before, after, files)


def folders(size: int) -> Action_:
    """Artifacts of one folder, and outs in it."""
    entries = {f"m{n}": ManifestEntry(f"m{n}", "artifacts.yaml", 1, path="d") for n in range(size)}
    side = Side(entries, [Out(f"d/{n}", "md5:a", None, None) for n in range(size)])
    return lambda: find_touches(side, side, [])


KINDS = (asks, stages, policy, listed, types, modules, endings, templates, touches, folders)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_work__of_twice_as_much_of_both__is_twice_as_much(kind: Callable[[int], Action_]) -> None:
    kind(50)()  # what is imported or compiled once is not counted
    assert work(kind(600)) <= 3 * work(kind(300))


def test_words__many_questions__share_a_budget() -> None:
    words = Words(f"model-{n:05}" for n in range(40_000))
    assert words.nearest("modle-00001") == "model-00001"
    assert [words.nearest(f"modle-{n:05}x") for n in range(100, 1000)][-1] is None
    assert words.spent <= similar.BUDGET
    assert words.nearest("MODEL-00007") == "model-00007"  # that costs nothing
    assert words.nearest("m" * 1_000_000) is None


def test_override__that_closes_a_cycle__is_told_among_thousands() -> None:
    rows = "".join(f"  s{n}: {{after: [s{n - 1}]}}\n" for n in range(1, 300))
    more = "".join(f"  a{n}: {{stages: {{s{n}: {{after: [s0]}}}}}}\n" for n in range(1, 300))
    text = f"stages:\n  s0: {{}}\n{rows}artifacts:\n{more}  bad: {{stages: {{s0: {{after: [s7]}}}}}}\n"
    found = policy_problems(yaml.load(text.encode()), "p")
    assert [finding.line for finding in found] == [text.count("\n")]
    assert "none of them could ever be reached" in found[0].message


def test_overrides__that_each_want_a_look_at_all_stages__are_too_many() -> None:
    rows = "".join(f"  s{n}: {{after: [s{n - 1}]}}\n" for n in range(1, 500))
    more = "".join(f"  a{n}: {{stages: {{s1: {{after: [x, s499]}}, s2: {{after: []}}}}}}\n" for n in range(5000))
    found = policy_problems(yaml.load(f"stages:\n  s0: {{}}\n  x: {{}}\n{rows}artifacts:\n{more}".encode()), "p")
    assert "too many stages and patterns" in found[-1].message
    assert len(found) < 5000


def test_steps__that_all_read_a_folder_of_outs__are_refused() -> None:
    count = int(MOST_EDGES**0.5) + 2
    steps = [Step(f"s{n}", "dvc.yaml", "x", (Behind("d"),), (Behind(f"d/{n}", "md5:a"),)) for n in range(count)]
    last = Step("z", "dvc.yaml", "x", (Behind("d"),), (Behind("m", "md5:a"),))
    with pytest.raises(TooLarge):
        graph_of("m", Pointed([*steps, last]), [])


def test_upwards__of_a_path_longer_than_any_system_has__is_the_path_alone() -> None:
    assert list(upwards("a/" * 300_000 + "b")) == ["a/" * 300_000 + "b"]
    assert list(upwards("a/b/c")) == ["a/b/c", "a/b", "a"]


def test_covers__ending_of_several_folders__as_before() -> None:
    outs = Outs(endings={"b/c", "x"})
    assert [outs.covers(path) for path in ("a/b/c", "b/c/d", "q/b/c/d", "x", "a/x/y")] == [True] * 5
    assert [outs.covers(path) for path in ("a/b", "c", "b/cc", "ab/c", "xx")] == [False] * 5


def test_out__that_too_many_templates_may_be__is_unsure() -> None:
    rows: list[Any] = [{f"${{a}}{n}": {"remote": "r1" if n else "r2"}} for n in range(1000)]
    stage = next(Stages({"stages": {"s": {"outs": rows}}}).locked({"stages": {"s": {"outs": [{"path": "o"}]}}}))
    assert len(stage.outs[0][1]) == 1000
    (out,) = outs_of("dvc.lock", {"stages": {"s": {"outs": [{"path": "o"}]}}}, {"stages": {"s": {"outs": rows}}})
    assert out.unsure
