"""The grammar of labels and request files, and what looks like it and is none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.domain.changes.asks import Action, Ask, Mistake, concerns_us, read_labels
from tagline.domain.changes.changes import Label
from tagline.domain.changes.request_files import read_requests, request_stage
from tagline.formats.yaml import reading as yaml
from tests.support.promotions import asked, labels

A = Action
FILE = "promotions/prod/q4.yaml"


def read(name: str, prefix: str = "") -> Ask | Mistake | None:
    """What one label is."""
    asks, mistakes = read_labels(labels(name), prefix)
    assert len(asks) + len(mistakes) <= 1
    return next(iter([*asks, *mistakes]), None)


def meant(name: str, prefix: str = "") -> str:
    """How a label that is a mistake should have been written, as its fix says; empty where it says nothing."""
    found = read(name, prefix)
    assert isinstance(found, Mistake)
    assert found.source == name
    return found.fix.partition("Did you mean ")[2].partition("?")[0]


FORMS = {
    "version:patch": (A.REGISTER, None, None, "patch"),
    "version:minor": (A.REGISTER, None, None, "minor"),
    "version:major": (A.REGISTER, None, None, "major"),
    "version:rf@minor": (A.REGISTER, "rf", None, "minor"),
    "version:rf@v2.1.0": (A.REGISTER, "rf", None, "v2.1.0"),
    "version:dir/sub:rf@v2.1.0-rc.1+b": (A.REGISTER, "dir/sub:rf", None, "v2.1.0-rc.1+b"),
    "stage:prod": (A.ASSIGN, None, "prod", None),
    "stage:prod/eu": (A.ASSIGN, None, "prod/eu", None),
    "stage:rf#prod": (A.ASSIGN, "rf", "prod", None),
    "stage:dir:rf#prod": (A.ASSIGN, "dir:rf", "prod", None),
    "stage:rf@v1.2.0#prod": (A.ASSIGN, "rf", "prod", "v1.2.0"),
    "stage:dir:rf@v1.2.0-rc.1#prod/eu": (A.ASSIGN, "dir:rf", "prod/eu", "v1.2.0-rc.1"),
    "rollback:rf#prod": (A.ROLLBACK, "rf", "prod", None),
    "rollback:dir:rf#prod": (A.ROLLBACK, "dir:rf", "prod", None),
    "unstage:rf#prod": (A.UNASSIGN, "rf", "prod", None),
    "deprecate:rf": (A.DEPRECATE, "rf", None, None),
    "deprecate:dir/sub:rf": (A.DEPRECATE, "dir/sub:rf", None, None),
}


@pytest.mark.parametrize("name", FORMS)
def test_label__each_form__is_read_with_who_put_it(name):
    assert read_labels([Label(name, "zoe", 5.0)], "") == ([Ask(FORMS[name][0], name, *FORMS[name][1:], "zoe", 5.0)], [])


@pytest.mark.parametrize("name", FORMS)
def test_label__two_colons__are_read_as_one(name):
    scoped = name.replace(":", "::", 1)
    found = read(scoped)
    assert isinstance(found, Ask)
    assert (found.action, found.artifact, found.stage, found.which) == FORMS[name]
    assert found.source == scoped


@pytest.mark.parametrize("name", FORMS)
def test_label__with_the_configured_prefix__is_read(name):
    found = read(f"ml/{name}", "ml/")
    assert isinstance(found, Ask)
    assert (found.source, found.action) == (f"ml/{name}", FORMS[name][0])


@pytest.mark.parametrize("name", [*FORMS, "stages:prod", "version:bogus"])
def test_label__without_the_configured_prefix__is_nobodys(name):
    assert read(name, "ml/") is None


@pytest.mark.parametrize("name", FORMS)
def test_label__copied_from_our_own_comment__is_read_all_the_same(name):
    """The comment breaks mentions by an invisible word joiner, which comes along when a label is copied."""
    found = read(name.replace("#", "#\u2060").replace("@", "@\u2060"))
    assert isinstance(found, Ask)
    assert (found.action, found.artifact, found.stage, found.which) == FORMS[name]


NOBODYS = (
    "", "bug", "state:wip", "type:bug", "priority:high", "area/prod", "versioning", "v1.2.0", "stage", "version",
    "stage/prod", "stage-prod", "version-2", "version 2.0", "version/next", "rollback-needed", "deprecate-me",
    "deprecated", "statue:prod", "rage:prod", "page:home", "usage:rf#prod", "env:prod", "release:minor", "semver:minor",
    "kind/version", "status: stage", "wontfix", "good first issue", ":prod", "::", "#prod", "rf@v1.0.0", "rf#prod",
    "conversion:rate", "inversion:minor", "staging:prod", "deprecation:rf", "rolled-back:rf#prod",
    "🚀 prod", ":rocket: prod", ":bug: state:open", "🚀 staging:prod", "сцена:open", "🎭 stage", "📦 version-2",
    "状态:prod", "[stage] prod",
)  # fmt: skip


@pytest.mark.parametrize("name", NOBODYS)
def test_label__of_another_project__is_no_request_and_no_mistake(name):
    assert read(name) is None
    assert not concerns_us(name, "")


SLIPS = {
    # A letter too many, one too few, two swapped, capitals, blanks.
    "stages:prod": "stage:prod",
    "stag:prod": "stage:prod",
    "satge:prod": "stage:prod",
    "Stage:prod": "stage:prod",
    "STAGE:rf#prod": "stage:rf#prod",
    "stage : prod": "stage:prod",
    " stage:prod": "stage:prod",
    "tage:prod": "stage:prod",
    "versions:minor": "version:minor",
    "verison:minor": "version:minor",
    "Version: minor": "version:minor",
    "aversion:minor": "version:minor",
    "rollbacks:rf#prod": "rollback:rf#prod",
    "rolback:rf#prod": "rollback:rf#prod",
    "unstaged:rf#prod": "unstage:rf#prod",
    "deprecated:rf": "deprecate:rf",
    # Another sign in place of the colon.
    "version-minor": "version:minor",
    "version/minor": "version:minor",
    "version=minor": "version:minor",
    "version_minor": "version:minor",
    "version minor": "version:minor",
    "Version - minor": "version:minor",
    "version/rf@v1.2.0": "version:rf@v1.2.0",
    "stage-rf#prod": "stage:rf#prod",
    "rollback/rf#prod": "rollback:rf#prod",
    "unstage rf#prod": "unstage:rf#prod",
    # After a word of ours.
    "stage: prod": "stage:prod",
    "stage:prod ": "stage:prod",
    "stage:: prod": "stage:prod",
    "stage: :prod": "stage:prod",
    "version: minor": "version:minor",
    "version:minr": "version:minor",
    "version:Major": "version:major",
    "version:rf@minr": "version:rf@minor",
    "version:rf@1.2.0": "version:rf@v1.2.0",
    "version:rf@V1.2.0": "version:rf@v1.2.0",
    "stage:rf@V1.2.0#prod": "stage:rf@v1.2.0#prod",
    "stage:dir=rf#prod": "stage:dir:rf#prod",
    "deprecate:dir=rf": "deprecate:dir:rf",
    "rollback:prod": "rollback:NAME#prod",
    "unstage:prod": "unstage:NAME#prod",
}


@pytest.mark.parametrize("name", SLIPS)
def test_label__near_miss__is_a_mistake_that_says_what_was_meant(name):
    assert meant(name) == SLIPS[name]
    assert concerns_us(name, "")


DRESSED = {
    # Emoji, as themselves and as GitHub lets people write them.
    ":rocket: stage:prod": "stage:prod",
    ":rocket:stage:prod": "stage:prod",
    ":+1: version:minor": "version:minor",
    "stage:prod :tada:": "stage:prod",
    "🚀 stage:prod": "stage:prod",
    "🚀stage:prod": "stage:prod",
    "stage:prod 🚀": "stage:prod",
    "stage: 🚀 prod": "stage:prod",
    "👩‍🚀 stage:rf#prod": "stage:rf#prod",
    "🇪🇺 stage:prod/eu": "stage:prod/eu",
    "⚠️ version:rf@minor": "version:rf@minor",
    "1️⃣ version:minor": "version:minor",
    "① version:minor": "version:minor",
    "Ⓜ️ version:minor": "version:minor",
    "🔥 Stages:prod": "stage:prod",
    "✨ version - minor ✨": "version:minor",
    # Signs around it.
    "[stage:prod]": "stage:prod",
    "(version:minor)": "version:minor",
    "→ rollback:rf#prod": "rollback:rf#prod",
    ":stage:prod": "stage:prod",
    ":stage: prod": "stage:prod",
    # Signs and letters that look like ours, and those that nobody sees.
    "stage：prod": "stage:prod",
    "stage ： prod": "stage:prod",
    "stage∶prod": "stage:prod",
    "stage꞉prod": "stage:prod",
    "ｓｔａｇｅ:prod": "stage:prod",
    "stage:ｐｒｏｄ": "stage:prod",
    "stage:rf＃prod": "stage:rf#prod",
    "version:rf＠minor": "version:rf@minor",
    "stаge:prod": "stage:prod",
    "vеrsiоn:minor": "version:minor",
    "ståge:prod": "stage:prod",
    "stage\u00a0:prod": "stage:prod",
    "stage:\u00a0prod": "stage:prod",
    "sta\u200bge:prod": "stage:prod",
    "stage:prod\ufe0f": "stage:prod",
}


@pytest.mark.parametrize("name", DRESSED)
def test_label__dressed_in_emoji_or_odd_signs__is_a_near_miss(name):
    assert meant(name) == DRESSED[name]
    assert concerns_us(name, "")


@pytest.mark.parametrize("name", DRESSED)
def test_label__dressed_with_a_prefix__is_meant_with_it(name):
    assert meant(f"ml/{name}", "ml/") == f"ml/{DRESSED[name]}"


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("🚀 ml/stage:prod", "ml/"), (":rocket: ml/stage:prod", "ml/"), ("ｍｌ/stage:prod", "ml/"),
        ("ML/stage:prod", "ml/"), ("ml／stage：prod", "ml/"), ("🚀 ml/stages:prod", "ml/"), ("🚀 ml-stage:prod", "ml-"),
        ("ml] stage:prod", "[ml] "), ("[ＭＬ] stage:prod", "[ml] "),
    ],
)  # fmt: skip
def test_label__whose_prefix_is_dressed__is_meant_with_the_plain_one(name, prefix):
    assert meant(name, prefix) == f"{prefix}stage:prod"


@pytest.mark.parametrize("name", ["🚀 ml/bug", "ML/bug", "🚀 stage:prod", "stage：prod"])
def test_label__dressed_and_no_request_under_our_prefix__is_nobodys(name):
    assert read(name, "ml/") is None


def test_label__with_an_emoji_for_a_prefix__is_read_and_others_are_nobodys():
    assert isinstance(read("🚀stage:prod", "🚀"), Ask)
    assert read("stage:prod", "🚀") is None
    assert read("✨stage:prod", "🚀") is None


@pytest.mark.parametrize("name", [name for name in SLIPS if not name.startswith(" ")])
def test_label__near_miss_with_a_prefix__is_meant_with_it(name):
    assert meant(f"ml/{name}", "ml/") == f"ml/{SLIPS[name]}"


@pytest.mark.parametrize(
    "name",
    [
        "version:bogus", "version:", "version::", "version:1.2.0", "version:v1.2.0", "version:2", "version:rf",
        "version:@minor", "version:rf@", "version:rf@bogus", "version:rf@v1.2", "version:rf#prod",
        "version:r f@minor", "version:rf@v01.0.0", "stage:", "stage:#prod", "stage:rf#", "stage:rf@v1.2.0",
        "stage:rf@#prod", "stage:rf@minor#prod", "stage:@v1.2.0#prod", "stage:rf@v1.2#prod", "stage:a#b#prod",
        "stage:-prod", "stage:rf@latest#prod", "stage:::prod", "rollback:", "rollback:#prod", "rollback:rf",
        "rollback:rf@v1.0.0#prod", "rollback:rf#", "unstage:#prod", "unstage:rf@v1.0.0#prod", "deprecate:",
        "deprecate:rf#prod", "deprecate:rf@v1.0.0", "deprecate:a b",
    ],
)  # fmt: skip
def test_label__word_of_ours_and_nonsense_after_it__is_a_mistake_that_shows_the_forms(name):
    found = read(name)
    assert isinstance(found, Mistake)
    word = name.partition(":")[0]
    assert found.message == f"The label says nothing that Tagline understands after {word}:."
    assert f"Write {word}:" in found.fix


@pytest.mark.parametrize(
    "name", ["rollback:a b", "unstage:#prod", "stage:", "version:bogus", "deprecate:a b", "stage:a#b#prod"]
)
def test_label__nonsense_like_nothing__has_no_did_you_mean(name):
    assert meant(name) == ""


def test_label__nonsense_with_a_prefix__shows_the_forms_with_it():
    found = read("ml/version:bogus", "ml/")
    assert isinstance(found, Mistake)
    assert found.fix == "Write ml/version:minor, ml/version:NAME@minor or ml/version:NAME@v2.1.0."


def test_label__anything_else_under_our_own_prefix__is_a_mistake():
    found = read("ml/bug", "ml/")
    assert isinstance(found, Mistake)
    assert found.fix.startswith("Labels are ml/version:minor, ml/version:NAME@minor")
    assert "ml/deprecate:NAME" in found.fix


def test_label__longest_that_a_forge_takes__is_read():
    name = f"version:{'a' * 240}@v1.0.0"
    assert isinstance(read(name), Ask)


def test_label__longer_than_any_forge_takes__is_nobodys():
    assert read(f"version:{'a' * 290}@v1.0.0") is None


@given(st.text(max_size=60), st.sampled_from(["", "ml/", "stage"]))
def test_label__any_text__is_read_without_an_error(name, prefix):
    assert (read(name, prefix) is not None) == concerns_us(name, prefix)


@given(st.sampled_from(sorted(FORMS)), st.text("abc:#@ -/_v1.", max_size=4), st.integers(0, 30))
def test_label__near_one_of_ours__following_what_was_meant_ends(name, inserted, place):
    """A did-you-mean leads to a request, or to a mistake that has no better idea: never in a circle."""
    found = read(name[:place] + inserted + name[place + 1 :])
    for _ in range(3):
        if not isinstance(found, Mistake) or not (better := meant(found.source)) or "NAME" in better:
            return
        found = read(better)
        assert found is not None
    raise AssertionError(found)


# Request files


def one(text: str) -> Ask | Mistake:
    """What a file of one request is."""
    asks, mistakes = read_requests(FILE, yaml.load(text.encode()), "alice")
    (found,) = [*asks, *mistakes]
    return found


REQUESTS = {
    "- {artifact: rf}": (A.ASSIGN, "rf", None),
    "- {artifact: rf, version: v1.4.2}": (A.ASSIGN, "rf", "v1.4.2"),
    "- {artifact: rf, version: this}": (A.ASSIGN, "rf", "this"),
    "- {artifact: rf, version: latest}": (A.ASSIGN, "rf", "latest"),
    "- {artifact: 'dir/sub:rf', version: latest, rollback: false}": (A.ASSIGN, "dir/sub:rf", "latest"),
    "- {artifact: rf, rollback: true}": (A.ROLLBACK, "rf", None),
    "- {artifact: rf, rollback: true, version: null}": (A.ROLLBACK, "rf", None),
}


@pytest.mark.parametrize("text", REQUESTS)
def test_request__each_form__asks_for_the_stage_of_its_folder(text):
    action, artifact, which = REQUESTS[text]
    assert one(text) == Ask(action, f"{FILE}:1", artifact, "prod", which, by="alice", at=0.0, file=FILE)


def test_request__reason__is_kept():
    found = one("- {artifact: rf, reason: 'the quarterly review: passed'}")
    assert isinstance(found, Ask)
    assert found.reason == "the quarterly review: passed"


def test_request__rollback_from_a_version__is_kept():
    found = one("- {artifact: rf, rollback: true, from: v1.2.0}")
    assert isinstance(found, Ask)
    assert (found.action, found.leaves, found.which) == (A.ROLLBACK, "v1.2.0", None)


def test_requests__several__each_with_its_line():
    asks, mistakes = asked(files={FILE: "- artifact: rf\n  version: this\n\n- artifact: churn\n  rollback: true\n"})
    assert mistakes == []
    assert [(ask.source, ask.artifact, ask.action) for ask in asks] == [
        (f"{FILE}:1", "rf", A.ASSIGN),
        (f"{FILE}:4", "churn", A.ROLLBACK),
    ]


def test_requests__some_wrong__every_one_of_those_is_said():
    asks, mistakes = asked(files={FILE: "- {artifact: rf}\n- {artifact: '#'}\n- 5\n"})
    assert [ask.artifact for ask in asks] == ["rf"]
    assert [mistake.source for mistake in mistakes] == [f"{FILE}:2", f"{FILE}:3"]


WRONG = {
    "- {artifact: rf, verson: this}": "no key 'verson'",
    "- {artifact: rf, stage: prod}": "no key 'stage'",
    "- {version: this}": "names no artifact",
    "- {artifact: 5}": "names no artifact",
    "- {artifact: 'a b'}": "names no artifact",
    "- {artifact: ''}": "names no artifact",
    "- {artifact: [rf]}": "names no artifact",
    "- {artifact: rf, rollback: 'true'}": "'rollback' is true or false",
    "- {artifact: rf, rollback: 1}": "'rollback' is true or false",
    "- {artifact: rf, rollback: 0}": "'rollback' is true or false",
    "- {artifact: rf, rollback: 1.0}": "'rollback' is true or false",
    "- {artifact: rf, rollback: []}": "'rollback' is true or false",
    "- {artifact: rf, rollback: true, version: v1.0.0}": "names none",
    "- {artifact: rf, rollback: true, version: this}": "names none",
    "- {artifact: rf, version: 1.2.0}": "'1.2.0' is no version",
    "- {artifact: rf, version: 1.2}": "'1.2' is no version",
    "- {artifact: rf, version: minor}": "'minor' is no version",
    "- {artifact: rf, version: This}": "'This' is no version",
    "- {artifact: rf, version: ''}": "'' is no version",
    "- {artifact: rf, version: [v1.0.0]}": "is no version",
    "- {artifact: rf, version: .nan}": "is no version",
    "- {artifact: rf, version: 2026-01-01}": "is no version",
    "- {artifact: rf, from: v1.0.0}": "'from' is the version that a rollback is from",
    "- {artifact: rf, rollback: true, from: latest}": "'from' is the version that a rollback is from",
    "- {artifact: rf, reason: 5}": "'reason' is text",
    "- {artifact: rf, reason: [a]}": "'reason' is text",
    "- rf": "is a mapping",
    "- [rf]": "is a mapping",
    "-": "is a mapping",
    "{artifact: rf}": "is a list",
    "- {artifact: rf, ticket: 12}": "'ticket' is text without blanks",
    "- artifact: rf\n  ticket: #12": "'ticket' is text without blanks",
    "- {artifact: rf, ticket: ''}": "'ticket' is text without blanks",
    "- {artifact: rf, ticket: []}": "'ticket' is text without blanks",
    "rf": "is a list",
    "[]": "is a list",
    "{}": "is a list",
    "": "holds nothing",
    "# - {artifact: rf}": "only comments",
    "- {artifact: rf": "",
    "- {artifact: rf, artifact: churn}": "already given",
    "- {1: rf}": "keys must be text",
    "- !!python/object:os.system {artifact: rf}": "is not supported",
    "- {artifact: *rf}": "",
    "--- []\n--- []\n": "",
}


@pytest.mark.parametrize("text", WRONG)
def test_request__malformed__is_one_mistake_with_its_line_and_a_fix(text):
    found = one(text)
    assert isinstance(found, Mistake)
    assert WRONG[text] in found.message
    assert found.source.startswith(f"{FILE}:")
    assert found.fix


def test_request__unknown_key__names_its_line_and_what_was_meant():
    found = one("- artifact: rf\n  verzion: this\n")
    assert isinstance(found, Mistake)
    assert (found.source, found.fix) == (f"{FILE}:2", "Did you mean 'version'?")


def test_requests__no_yaml_from_some_line_on__names_that_line():
    _, (mistake,) = asked(files={FILE: "- {artifact: rf}\n- {artifact: rf}\n- {artifact: rf, artifact: rf}\n"})
    assert mistake.source == f"{FILE}:3"


def test_request__key_like_no_other__is_told_the_known_ones():
    found = one("- {artifact: rf, zzz: this}")
    assert isinstance(found, Mistake)
    assert found.fix == "Known keys are artifact, version, rollback, reason, ticket, lift, override, from."


def test_request__version_of_five_thousand_digits__is_a_short_mistake():
    found = one(f"- {{artifact: rf, version: {'9' * 5000}}}")
    assert isinstance(found, Mistake)
    assert len(found.message) < 100


def test_requests__alias__repeats_a_request():
    asks, mistakes = asked(files={FILE: "- &a {artifact: rf, version: this}\n- *a\n"})
    assert mistakes == []
    assert [ask.artifact for ask in asks] == ["rf", "rf"]


def test_requests__alias_bomb__is_one_mistake():
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    asks, mistakes = asked(files={FILE: "\n".join(levels)})
    assert asks == []
    assert len(mistakes) == 1


def test_requests__a_thousand__are_read_and_one_more_are_not():
    line = "- {artifact: rf}\n"
    assert len(asked(files={FILE: line * 1000})[0]) == 1000
    asks, mistakes = asked(files={FILE: line * 1001})
    assert asks == []
    assert mistakes[0].message == "A request file is a list of 1 to 1000 requests."


@pytest.mark.parametrize("text", [b"\xff\xfe", b"- {artifact: rf}\x00", b"\x80"])
def test_requests__no_text__are_one_mistake(text):
    asks, mistakes = read_requests(FILE, yaml.load(text), "alice")
    assert (asks, len(mistakes)) == ([], 1)


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("promotions/prod/rf.yaml", "prod"),
        ("promotions/prod/rf.yml", "prod"),
        ("promotions/prod/eu/rf.yaml", "prod/eu"),
        ("promotions/rf.yaml", ""),
        ("promotions/prod/README.md", None),
        ("promotions/prod/yaml", None),
        ("promotions/prod/rf.yaml.bak", None),
        ("x/promotions/prod/rf.yaml", None),
        ("promotion/prod/rf.yaml", None),
        ("PROMOTIONS/prod/rf.yaml", None),
    ],
)
def test_request_stage__is_the_folder_below_promotions(path, stage):
    assert request_stage(path) == stage


@pytest.mark.parametrize(
    "path", ["promotions/rf.yaml", "promotions/-/rf.yaml", "promotions/pr od/rf.yaml", "promotions/a#b/rf.yaml"]
)
def test_requests__folder_that_cannot_name_a_stage__are_one_mistake(path):
    asks, mistakes = asked(files={path: "- {artifact: rf}"})
    assert asks == []
    assert mistakes[0].source == f"{path}:1"
    assert "cannot name a stage" in mistakes[0].message


json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text("aü: -[#", max_size=8)
    | st.sampled_from(["rf", "this", "v1.0.0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["artifact", "version", "rollback", "reason", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_like)
def test_requests__any_data__are_requests_or_mistakes_and_never_neither(data):
    text = json.dumps(data, ensure_ascii=False)
    asks, mistakes = read_requests(FILE, yaml.load(text.encode()), "alice")
    assert len(asks) + len(mistakes) == (len(data) if isinstance(data, list) and data else 1)
