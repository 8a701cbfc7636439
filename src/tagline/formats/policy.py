"""The policy file's bytes -> findings, or the policy that is in force."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

from tagline.domain.changes.policy import MAX_POLICY, NO_POLICY, POLICY_FILE, Extends, Part, Policy, read_policy
from tagline.domain.changes.policy_rules import policy_problems
from tagline.domain.manifest.document import Document, Node, Path
from tagline.domain.manifest.findings import Finding
from tagline.errors import NotFound, WrongUsage
from tagline.formats.schema.check import Check, compile_check, read_schema
from tagline.formats.schema.explanation import Explanation
from tagline.formats.yaml import reading as yaml

_FILE = "policy.schema.json"

# What other tools call these keys.
_SYNONYMS = {
    "environments": "stages",
    "reviewers": "approvals",
    "approvers": "from",
    "users": "from",
    "exclude": "not",
    "threshold": "min",
    "start": "from",
    "end": "to",
}


def check_policy(data: bytes, file: str = POLICY_FILE) -> list[Finding]:
    """Everything that is wrong in a policy file, in its order; nothing in an empty one."""
    return _check(yaml.load(data, max_bytes=MAX_POLICY), file)


class Outside(NamedTuple):
    """What a policy is made of beside its own file.

    ``floor`` gives the platform team's policy, its name and its bytes, or None; ``read_base`` the file that a policy
    extends, and raises NotFound where there is none.
    """

    floor: Callable[[], tuple[str, bytes] | None]
    read_base: Callable[[Extends], bytes]


def _no_base(extends: Extends) -> bytes:
    raise NotFound(f"Nothing can be read here to extend: {extends.name}.")


#: Where nothing outside is asked for.
ALONE = Outside(lambda: None, _no_base)


def load_policy(data: bytes | None, outside: Outside) -> Policy:
    """The policy of the default branch from the bytes of its file, None where there is none.

    Raises WrongUsage (``policy-unreadable``) for a file with any finding: a rule that is not
    understood must not count as absent.
    """
    policy = judge_policy(data, outside)
    if policy.findings:
        raise unreadable(policy)
    return policy


def other_tools(data: bytes | None) -> Policy:
    """The policy of a file, for what it says of other tools; of one that is not understood, nothing."""
    return own_policy(data) if data is not None and b"ignore" in data else NO_POLICY


def own_policy(data: bytes) -> Policy:
    """What a file says by itself, for keys that decide nothing; of one with any finding as :func:`judge_policy`."""
    return _judge(data, None)


def judge_policy(data: bytes | None, outside: Outside) -> Policy:
    """The policy that a file says, with what it extends and the floor; of one with any finding the findings, and what
    tells our labels and comments.

    Raises WrongUsage for a floor that cannot be understood, PlatformRefused where what lies outside does not answer.
    """
    found = outside.floor()
    floor = None
    if found is not None:
        name, bytes_of_floor = found
        document = yaml.load(bytes_of_floor, max_bytes=MAX_POLICY)
        findings = [*_check(document, name), *_not_here(document, name, "The floor")]
        if findings:
            first = findings[0]
            raise WrongUsage(
                f"{name}, line {first.line}: {first.message}",
                f"{first.hint} The platform team set it: TAGLINE_POLICY_FLOOR",
                code="floor-unreadable",
            )
        floor = _part(document, bytes_of_floor, name)
        if not floor.raw:
            # A server may answer with nothing: that is not what the platform team wrote.
            raise WrongUsage(
                f"{name} has no rules.",
                "Whoever wants no floor sets none. The platform team set it: TAGLINE_POLICY_FLOOR",
                code="floor-unreadable",
            )
    if data is None:
        return NO_POLICY if floor is None else read_policy(Part({}), None, floor)
    return _judge(data, outside, floor)


def _judge(data: bytes, outside: Outside | None, floor: Part | None = None) -> Policy:
    document = yaml.load(data, max_bytes=MAX_POLICY)
    own = _part(document, data, POLICY_FILE)
    findings, base = _check(document, POLICY_FILE), None
    if not findings and outside is not None and (extends := own.raw.get("extends")):
        base, findings = _base(Extends(**extends), document, outside)
    if findings:
        return Policy(
            label_prefix=_text(document.find(("labels", "prefix"))),
            comment_authors=tuple(filter(None, map(_text, _items(document.find(("comment_authors",)))))),
            digest=own.digest,
            findings=tuple(findings),
        )
    return read_policy(own, base, floor)


def _base(extends: Extends, document: Document, outside: Outside) -> tuple[Part | None, list[Finding]]:
    """The file that a policy starts from, or what is wrong with it."""
    try:
        data = outside.read_base(extends)
    except NotFound as error:
        place = document.find(("extends",))
        line, column = (place.line, place.column) if place is not None else (1, 1)
        return None, [Finding(POLICY_FILE, line, column, None, "policy", "error", error.message, error.hint)]
    base = yaml.load(data, max_bytes=MAX_POLICY)
    findings = [*_check(base, extends.name), *_not_here(base, extends.name, "A file that others extend")]
    return _part(base, data, extends.name), findings


def _not_here(document: Document, file: str, what: str) -> list[Finding]:
    """One level is enough to read, and to understand."""
    node = document.find(("extends",))
    if node is None:
        return []
    message = f"{what} extends nothing itself."
    return [Finding(file, node.line, node.column, None, "policy", "error", message, "Write its rules into it.")]


def _part(document: Document, data: bytes, name: str) -> Part:
    raw = document.root.value if document.root else None
    return Part(raw if isinstance(raw, dict) else {}, name, f"sha256:{sha256(data).hexdigest()}")


def _text(node: Node | None) -> str:
    return node.value if node is not None and isinstance(node.value, str) else ""


def _items(node: Node | None) -> list[Node]:
    return node.items if node is not None else []


def _check(document: Document, file: str) -> list[Finding]:
    # Warnings are about GTO and DVC, which do not read this file. An empty file has no rules.
    problems = [p for p in document.problems if p.severity == "error" and p.rule != "file-empty"]
    found = [problem.finding(file) for problem in problems]
    if document.root is not None and document.root.value is not None:
        if not _quick()(document.root.value):
            found += _PolicyExplanation(document, (), file).findings(_errors(document.root.value))
        found += policy_problems(document, file)
    # One value that aliases repeat is one mistake.
    return sorted(dict.fromkeys(found), key=lambda finding: (finding.line, finding.column))


def _errors(value: Any) -> Iterable[Any]:
    # Patterns are in the schema for editors; policy_problems says the same in words.
    return (error for error in _validator().iter_errors(value) if error.validator != "pattern")


@cache
def _quick() -> Check:
    return compile_check(read_schema(_FILE))


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(read_schema(_FILE))


class _PolicyExplanation(Explanation):
    """Errors about a policy."""

    main_keys: Mapping[str, str] = {"labels": "prefix"}

    def root_name(self) -> str:
        return "The policy"

    def synonym(self, path: Path, key: str) -> str | None:
        return _SYNONYMS.get(key)


def unreadable(policy: Policy) -> WrongUsage:
    """The error for a policy with findings, by the first of them."""
    first, more = policy.findings[0], len(policy.findings) - 1
    others = f" And {more} more problem{'s' if more > 1 else ''}." if more else ""
    return WrongUsage(
        f"{first.file} of the default branch cannot be read, line {first.line}: {first.message}{others}"
        if first.file == POLICY_FILE
        else f"{first.file} cannot be read, line {first.line}: {first.message}{others}",
        first.hint,
        code="policy-unreadable",
    )
