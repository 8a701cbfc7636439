"""From requests to intents: what beats what, what contradicts what, and what has no effect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.changes.asks import LATEST, THIS, Action, Ask, Mistake
from tagline.domain.changes.intents import Intent, Known, is_bump, resolve
from tagline.domain.changes.request_files import read_requests
from tagline.formats.yaml import reading as yaml
from tests.support.promotions import asked, intents, known

A = Action
PROD, STAGING = "promotions/prod/q4.yaml", "promotions/staging/q4.yaml"


def short(found: Iterable[Intent]) -> list[tuple[str, Action, str | None, str | None]]:
    return [(intent.artifact, intent.action, intent.stage, intent.which) for intent in found]


def refused(known: Known, *names: str, files: Mapping[str, str] | None = None, limit: int = 5) -> list[Mistake]:
    """The mistakes of requests that are each well written."""
    asks, mistakes = asked(*names, files=files)
    assert mistakes == []
    found, mistakes = resolve(asks, known, limit)
    assert found == []
    assert mistakes
    return mistakes


# What each asks for


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("version:minor", [("churn", A.REGISTER, None, "minor"), ("rf", A.REGISTER, None, "minor")]),
        ("stage:prod", [("churn", A.ASSIGN, "prod", THIS), ("rf", A.ASSIGN, "prod", THIS)]),
        ("version:rf@minor", [("rf", A.REGISTER, None, "minor")]),
        ("version:rf@v2.1.0", [("rf", A.REGISTER, None, "v2.1.0")]),
        ("stage:rf#prod", [("rf", A.ASSIGN, "prod", THIS)]),
        ("stage:old#prod", [("old", A.ASSIGN, "prod", LATEST)]),
        ("stage:rf@v1.0.0#prod", [("rf", A.ASSIGN, "prod", "v1.0.0")]),
        ("rollback:rf#prod", [("rf", A.ROLLBACK, "prod", None)]),
        ("unstage:rf#prod", [("rf", A.UNASSIGN, "prod", None)]),
        ("deprecate:old", [("old", A.DEPRECATE, None, None)]),
    ],
)
def test_label__alone__means(label, expected):
    assert short(intents(label, touched=("rf", "churn"), tagged=("old",))) == expected


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("{artifact: rf}", ("rf", A.ASSIGN, "prod", THIS)),
        ("{artifact: old}", ("old", A.ASSIGN, "prod", LATEST)),
        ("{artifact: old, version: this}", ("old", A.ASSIGN, "prod", THIS)),
        ("{artifact: rf, version: latest}", ("rf", A.ASSIGN, "prod", LATEST)),
        ("{artifact: old, version: v1.0.0}", ("old", A.ASSIGN, "prod", "v1.0.0")),
        ("{artifact: old, rollback: true}", ("old", A.ROLLBACK, "prod", None)),
    ],
)
def test_request__alone__means(request_, expected):
    assert short(intents(tagged=("old",), files={PROD: f"- {request_}"})) == [expected]


def test_stage_of_one__whose_version_the_same_change_names__is_that_version():
    """Nothing of it is touched, but the change makes a version of it."""
    found = intents("version:churn@minor", "stage:churn#prod", touched=())
    assert short(found) == [("churn", A.REGISTER, None, "minor"), ("churn", A.ASSIGN, "prod", THIS)]


def test_resolve__asks_for_nothing__no_intents():
    assert resolve([], known("rf"), 5) == ([], [])


def test_resolve__several__by_artifact_then_what_builds_on_what():
    found = intents(
        "stage:prod", "stage:dev", "unstage:rf#eu", "version:minor", touched=("rf", "churn"), tagged=("rf",)
    )
    assert short(found) == [
        ("churn", A.REGISTER, None, "minor"),
        ("churn", A.ASSIGN, "dev", THIS),
        ("churn", A.ASSIGN, "prod", THIS),
        ("rf", A.REGISTER, None, "minor"),
        ("rf", A.ASSIGN, "dev", THIS),
        ("rf", A.ASSIGN, "prod", THIS),
        ("rf", A.UNASSIGN, "eu", None),
    ]


# Specific beats generic


@pytest.mark.parametrize(
    ("generic", "specific", "expected"),
    [
        ("version:minor", "version:rf@major", ("rf", A.REGISTER, None, "major")),
        ("version:minor", "version:rf@v9.0.0", ("rf", A.REGISTER, None, "v9.0.0")),
        ("stage:prod", "stage:rf@v1.0.0#prod", ("rf", A.ASSIGN, "prod", "v1.0.0")),
        ("stage:prod", "rollback:rf#prod", ("rf", A.ROLLBACK, "prod", None)),
        ("stage:prod", "unstage:rf#prod", ("rf", A.UNASSIGN, "prod", None)),
    ],
)
def test_specific_label__beside_a_generic_one__beats_it_for_its_artifact_alone(generic, specific, expected):
    (other,) = short(intents(generic, touched=("churn",)))
    for names in ((generic, specific), (specific, generic)):
        assert short(intents(*names, touched=("rf", "churn"))) == [other, expected]


def test_specific_label__of_another_stage__leaves_the_generic_one_be():
    found = intents("stage:prod", "stage:rf@v1.0.0#dev")
    assert short(found) == [("rf", A.ASSIGN, "dev", "v1.0.0"), ("rf", A.ASSIGN, "prod", THIS)]


# What agrees


def test_resolve__label_and_file_that_agree__are_one_intent_with_both_sources():
    (intent,) = intents("stage:rf#prod", files={PROD: "- {artifact: rf, version: this, reason: good}"})
    assert intent.sources == ["stage:rf#prod", f"{PROD}:1"]
    assert [ask.reason for ask in intent.asks] == [None, "good"]


def test_resolve__same_request_twice__is_one_intent():
    (intent,) = intents(tagged=("rf",), files={PROD: "- {artifact: rf, version: v1.0.0}\n" * 2})
    assert intent.sources == [f"{PROD}:1", f"{PROD}:2"]


def test_resolve__several_bumps_of_one_kind__are_one():
    (intent,) = intents("version:minor", "version::minor")
    assert intent.sources == ["version:minor", "version::minor"]


# What contradicts


@pytest.mark.parametrize(
    ("names", "subject"),
    [
        (("version:rf@minor", "version:rf@major"), "rf"),
        (("version:rf@minor", "version:rf@v2.0.0"), "rf"),
        (("stage:rf#prod", "stage:rf@v1.0.0#prod"), "rf#prod"),
        (("stage:rf@v1.0.0#prod", "stage:rf@v1.1.0#prod"), "rf#prod"),
        (("stage:rf#prod", "rollback:rf#prod"), "rf#prod"),
        (("stage:rf#prod", "unstage:rf#prod"), "rf#prod"),
        (("rollback:rf#prod", "unstage:rf#prod"), "rf#prod"),
        (("deprecate:rf", "version:rf@minor"), "rf"),
        (("deprecate:rf", "stage:rf#prod"), "rf"),
        (("deprecate:rf", "rollback:rf#prod"), "rf"),
        (("deprecate:rf", "unstage:rf#prod"), "rf"),
        (("deprecate:rf", "version:minor"), "rf"),
        (("deprecate:rf", "stage:prod"), "rf"),
    ],
)
def test_resolve__two_that_contradict__refuse_the_change_and_name_both(names, subject):
    for order in (names, names[::-1]):
        (mistake,) = refused(known("rf"), *order)
        assert set(mistake.source.split(" and ")) == set(names)
        assert mistake.message == f"{mistake.source} contradict each other about {subject}."
        assert mistake.fix == "Keep one of them."


def test_resolve__generic_bumps_that_contradict__refuse_the_change_once():
    (mistake,) = refused(known("rf", "churn"), "version:minor", "version:major", "version::minor")
    assert mistake.message == "version::minor and version:major contradict each other."


def test_resolve__label_and_file_that_contradict__refuse_the_change():
    (mistake,) = refused(known("rf"), "stage:rf#prod", files={PROD: "- {artifact: rf, version: v1.0.0}"})
    assert mistake.source == f"stage:rf#prod and {PROD}:1"


def test_resolve__two_files_that_contradict__refuse_the_change():
    files = {PROD: "- {artifact: rf, version: v1.0.0}", "promotions/prod/b.yaml": "- {artifact: rf, rollback: true}"}
    (mistake,) = refused(known("rf"), files=files)
    assert mistake.source == f"{PROD}:1 and promotions/prod/b.yaml:1"


def test_resolve__files_of_two_stages__do_not_contradict():
    files = {PROD: "- {artifact: rf, version: v1.0.0}", STAGING: "- {artifact: rf, version: v1.1.0}"}
    assert [intent.which for intent in intents(files=files)] == ["v1.0.0", "v1.1.0"]


# What has no effect


@pytest.mark.parametrize(
    ("label", "instead"),
    [
        ("version:minor", "version:NAME@minor"),
        ("version::patch", "version:NAME@patch"),
        ("stage:prod", "stage:NAME#prod"),
        ("stage::prod/eu", "stage:NAME#prod/eu"),
    ],
)
def test_generic_label__change_touches_nothing__refuses_and_shows_the_specific_form(label, instead):
    (mistake,) = refused(known(), label)
    assert mistake == Mistake(
        label,
        "The change touches no artifact, so the label has no effect.",
        f"Name the artifact ({instead}). Or remove the label.",
    )


def test_generic_label__with_a_prefix__shows_the_specific_form_with_it():
    asks, _ = asked("ml/version:minor", prefix="ml/")
    _, (mistake,) = resolve(asks, known(), 5)
    assert mistake.fix.startswith("Name the artifact (ml/version:NAME@minor)")


# Names that nobody knows


@pytest.mark.parametrize(
    "label",
    ["stage:chrun#prod", "stage:chrun@v1.0.0#prod", "rollback:chrun#prod", "unstage:chrun#prod", "deprecate:chrun"],
)
def test_unknown_artifact__refuses_with_a_did_you_mean(label):
    (mistake,) = refused(known("rf", tagged=("old",)), label)
    assert mistake == Mistake(
        label, "No manifest and no registry tag names an artifact 'chrun'.", "Did you mean churn?"
    )


def test_unknown_artifact__like_no_other__is_told_to_be_described():
    (mistake,) = refused(known("rf"), "deprecate:zzzzz")
    assert mistake.fix == "Describe it in artifacts.yaml first, or correct the name."


def test_version_label__artifact_that_only_the_ledger_knows__refuses():
    """A version is registered of what a manifest of this change describes."""
    (mistake,) = refused(known("rf", tagged=("old",)), "version:old@minor")
    assert mistake.message == "No manifest of this change names an artifact 'old'."


def test_stage_label__artifact_that_only_the_ledger_knows__is_fine():
    assert short(intents("stage:old@v1.0.0#prod", touched=(), tagged=("old",)))


STAGES = ("prod", "staging", "eu/live")


@pytest.mark.parametrize(
    ("stage", "near"),
    [
        ("prd", "prod"),
        ("Prod", "prod"),
        ("PROD", "prod"),
        ("stagin", "staging"),
        ("stagging", "staging"),
        ("eu/liv", "eu/live"),
    ],
)
@pytest.mark.parametrize("form", ["stage:{}", "stage:rf#{}", "stage:rf@v1.0.0#{}", "rollback:rf#{}", "unstage:rf#{}"])
def test_stage__that_is_a_slip_of_a_known_one__refuses_with_a_did_you_mean(form, stage, near):
    label = form.format(stage)
    (mistake,) = refused(known("rf", stages=STAGES), label)
    assert mistake.message == f"There is no stage {stage!r} of rf."
    assert mistake.fix.startswith(f"Known stages are eu/live, prod, staging. Did you mean {near}?")


@pytest.mark.parametrize("stage", ["canary", "prod-eu", "preprod", "production", "eu", "qa"])
def test_stage__new_and_no_slip__is_free(stage):
    asks, _ = asked(f"stage:rf#{stage}")
    found, mistakes = resolve(asks, known("rf", stages=STAGES), 5)
    assert mistakes == []
    assert short(found) == [("rf", A.ASSIGN, stage, THIS)]


def test_stage__not_among_the_only_ones__refuses_without_a_did_you_mean():
    (mistake,) = refused(known("rf", stages=STAGES, only_stages=True), "stage:canary")
    assert mistake.fix.startswith("Known stages are eu/live, prod, staging.")
    assert "Did you mean" not in mistake.fix


def test_stage__where_there_are_none_at_all__says_so():
    (mistake,) = refused(known("rf", only_stages=True), "stage:prod")
    assert mistake.fix.startswith("Known stages are none.")


def test_stage__unknown_of_many_artifacts__is_said_once_a_label():
    (mistake,) = refused(known("rf", "churn", stages=STAGES), "stage:prd")
    assert mistake.source == "stage:prd"


def test_stage__known_of_another_artifact_only__is_no_slip():
    ours = Known(("rf",), ("rf",), (), {"rf": (), "churn": ("prod",)})
    asks, _ = asked("stage:prd")
    assert resolve(asks, ours, 5)[1] == []


# Too many artifacts


MANY = tuple(f"m/{n}:rf" for n in range(6))


def test_generic_label__as_many_artifacts_as_allowed__is_carried_out():
    assert len(intents("version:minor", touched=MANY[:5])) == 5


@pytest.mark.parametrize("limit", [0, 5])
def test_generic_label__one_artifact_too_many__refuses(limit):
    touched = MANY[: limit + 1]
    (mistake,) = refused(known(*touched), "stage:prod", limit=limit)
    assert f"would act on {limit + 1} artifacts, and more than {limit} are" in mistake.message


def test_specific_labels__however_many__are_carried_out():
    found = intents(*(f"stage:{name}#prod" for name in MANY), touched=MANY)
    assert len(found) == 6


def pasted(mistake: Mistake) -> tuple[list[str], str]:
    """The request files that a fix tells to make, and their text: all lines but the first."""
    first, *rest = mistake.fix.split("\n")
    return [word for word in first.split() if word.startswith("promotions/")], "\n".join(rest)


def test_too_many__the_request_file_of_the_fix__is_accepted_as_it_stands():
    (mistake,) = refused(known(*MANY), "stage:prod")
    (path,), text = pasted(mistake)
    asks, mistakes = read_requests(path, yaml.load(text.encode()), "alice")
    assert mistakes == []
    found, mistakes = resolve(asks, known(*MANY), 5)
    assert mistakes == []
    assert short(found) == [(name, A.ASSIGN, "prod", THIS) for name in MANY]


def test_too_many__only_a_stage__the_file_of_the_fix_holds_nothing_but_requests():
    (mistake,) = refused(known(*MANY), "stage:prod")
    assert [line[:1] for line in pasted(mistake)[1].split("\n")] == ["-"] * len(MANY)


def test_too_many__several_stages__the_file_is_accepted_in_each_folder():
    (mistake,) = refused(known(*MANY), "stage:prod", "stage:dev")
    paths, text = pasted(mistake)
    asks, mistakes = asked(files=dict.fromkeys(paths, text))
    assert mistakes == []
    found, _ = resolve(asks, known(*MANY), 5)
    assert {(intent.artifact, intent.stage) for intent in found} == {(n, s) for n in MANY for s in ("prod", "dev")}


@pytest.mark.parametrize(
    "names", [("version:patch",), ("version::patch", "stage:prod"), ("stage:prod", "version:patch")]
)
def test_too_many__versions_as_well__the_labels_of_the_fix_are_accepted_beside_its_file(names):
    (mistake,) = refused(known(*MANY), *names)
    paths, text = pasted(mistake)
    labels = [line.removeprefix("# ") for line in text.split("\n") if line[:1] != "-" and line[-1:] != ":"]
    asks, mistakes = asked(*labels, files=dict.fromkeys(paths, text))
    assert mistakes == []
    found, mistakes = resolve(asks, known(*MANY), 5)
    assert mistakes == []
    registered = [(name, A.REGISTER, None, "patch") for name in MANY]
    assert [row for row in short(found) if row[1] is A.REGISTER] == registered
    assert all(row[3] == THIS for row in short(found) if row[1] is A.ASSIGN)
    assert len(found) == 6 * len(names)


def test_too_many__with_a_prefix__the_labels_of_the_fix_carry_it():
    asks, _ = asked("ml/version:minor", prefix="ml/")
    _, (mistake,) = resolve(asks, known(*MANY), 5)
    assert mistake.fix.split("\n")[1] == f"ml/version:{MANY[0]}@minor"


# Invariants


NAMES = ("rf", "churn", "old")
written = st.one_of(
    st.sampled_from(["version:minor", "version:major", "stage:prod", "stage:dev"]),
    st.builds("version:{}@{}".format, st.sampled_from(NAMES), st.sampled_from(["minor", "v2.0.0"])),
    st.builds("stage:{}#{}".format, st.sampled_from(NAMES), st.sampled_from(["prod", "dev"])),
    st.builds("stage:{}@v1.0.0#{}".format, st.sampled_from(NAMES), st.sampled_from(["prod", "dev"])),
    st.builds("{}:{}#prod".format, st.sampled_from(["rollback", "unstage"]), st.sampled_from(NAMES)),
    st.builds("deprecate:{}".format, st.sampled_from(NAMES)),
)


@given(st.lists(written, max_size=5), st.sets(st.sampled_from(NAMES)), st.randoms())
def test_resolve__any_requests__one_intent_a_stage_or_a_mistake_whatever_their_order(names, touched, random):
    asks, _ = asked(*names)
    ours = known(*sorted(touched), described=NAMES)
    found, mistakes = resolve(asks, ours, 2)
    assert not (found and mistakes)
    assert len({intent.key for intent in found}) == len(found)
    shuffled, others = resolve(random.sample(asks, len(asks)), ours, 2)
    assert short(shuffled) == short(found)
    assert bool(others) == bool(mistakes)


@given(st.lists(written, max_size=5), st.sets(st.sampled_from(NAMES)))
def test_resolve__not_refused__every_specific_request_is_in_exactly_one_intent(names, touched):
    asks, _ = asked(*names)
    found, mistakes = resolve(asks, known(*sorted(touched), described=NAMES), 5)
    if mistakes:
        return
    held: list[Ask] = [ask for intent in found for ask in intent.asks]
    for ask in asks:
        if ask.artifact is not None:
            assert held.count(ask) == asks.count(ask)


@pytest.mark.parametrize(("which", "expected"), [("minor", True), ("v1.0.0", False), ("latest", False), (None, False)])
def test_is_bump__tells_words_from_numbers(which, expected):
    assert is_bump(which) == expected
