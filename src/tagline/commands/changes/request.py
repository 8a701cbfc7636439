"""A change as a request: everything that is read of it before anything is decided, but the ledger.

Two forms of one request: an open change, between its merge base and its head, and a merged one, between
the tip before it landed and the commit that it landed as. What decides (policy, code owners) comes
from the default branch and never from the change itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tagline.commands.lineage.reading import LineageSource
from tagline.commands.manifest.snapshots import Snapshot, pointers_among, snapshot
from tagline.commands.storage.locating import StorageContext
from tagline.domain.changes.asks import (
    MAX_REQUESTS,
    REQUESTS,
    Ask,
    Mistake,
    concerns_us,
    read_labels,
    read_requests,
    request_stage,
)
from tagline.domain.changes.changes import Change, Label
from tagline.domain.changes.codeowners import LOCATIONS, MAX_CODEOWNERS, Codeowners, parse_codeowners
from tagline.domain.changes.policy import MAX_POLICY, NO_POLICY, POLICY_FILE, Policy
from tagline.domain.changes.promotion import Refusal
from tagline.domain.changes.touches import Among, FileChange, Side, Touches, find_touches
from tagline.domain.ledger.events import Warn
from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.gto_config import GTO_CONFIG, read_config
from tagline.domain.manifest.manifest import ManifestEntry
from tagline.errors import Refused, WrongUsage
from tagline.formats.policy import judge_policy, unreadable
from tagline.formats.yaml import reading as yaml
from tagline.ports.forge import Forge
from tagline.ports.history import History, Landing
from tagline.ports.job import Job
from tagline.ports.ledger import Ledger
from tagline.ports.memory import Memory
from tagline.ports.mlflow import MlflowAccess
from tagline.ports.repository import Tree

#: Seconds: changes that landed longer ago are not looked for; naming one by its number still works.
RECENT = 7 * 86_400


@dataclass(frozen=True)
class ChangeContext:
    """What the commands about changes work with.

    ``now`` is unix seconds, ``pause`` sleeps for seconds.
    """

    forge: Forge
    job: Job
    history: History
    ledger: Ledger
    memory: Memory
    now: Callable[[], float]
    pause: Callable[[float], None]
    storage: StorageContext
    dry_run: bool = False
    #: Policies as they were read, by the id of the file.
    policies: dict[str, Policy] = field(default_factory=dict)
    #: The login that our comments are by, as configured; None: as the forge tells it.
    identity: str | None = None
    run_url: str | None = None
    #: Where lineages are read from; None: none are.
    lineage_source: LineageSource | None = None
    #: MLflow, which only an artifact whose manifest names a run asks for.
    tracking: MlflowAccess = field(default_factory=MlflowAccess)


@dataclass(frozen=True)
class ChangeRequest:
    """One change between two commits."""

    context: ChangeContext
    change: Change
    policy: Policy
    before: str
    commit: str
    #: The commit whose policy and code owners decide.
    rules_at: str
    #: As they stood at the merge; None before it, where they are asked for only if one asks for something.
    labels: tuple[Label, ...] | None = None

    @cached_property
    def requests(self) -> list[FileChange]:
        """The request files that differ between the two ends."""
        differing = self.context.history.differing(self.before, self.commit, Among(folders=(_REQUESTS,)))
        return [file for file in differing if request_stage(file.path) is not None]

    @cached_property
    def touches(self) -> Touches:
        """The artifacts whose bytes differ."""
        ends = (self._before, self._after)
        paths = {entry.path for end in ends for entry in end.entries.values() if entry.path and not entry.virtual}
        files = self.context.history.differing(self.before, self.commit, Among(paths=paths, telling=True))
        pointers = pointers_among(file.path for file in files)
        before, after = (Side(end.entries, [out for out in end.outs(pointers) if not out.unplaced]) for end in ends)
        return find_touches(before, after, files)

    @cached_property
    def entries(self) -> Mapping[str, ManifestEntry]:
        """The artifacts that the change's own end describes."""
        return self._after.entries

    def _tree(self, commit: str) -> Tree:
        return self.context.history.files(commit)

    @cached_property
    def asks(self) -> tuple[list[Ask], list[Mistake]]:
        """What labels and request files ask for, and what they get wrong."""
        labels = self.labels
        if labels is None:
            labels = self.context.forge.labels(self.change) if labelled(self.change, self.policy) else ()
        asks, mistakes = read_labels(labels, self.policy.label_prefix)
        if self.context.forge.attests_labels:
            mistakes += [_unattested(ask) for ask in asks if ask.at is None]
        added = [f.path for f in self.requests if f.status == "A"]
        if len(added) > MAX_REQUESTS:
            message = f"The change adds {len(added):,} request files, and more than {MAX_REQUESTS} are not read."
            return asks, [*mistakes, Mistake(added[0], message, "Put many into one file.")]
        contents = self._tree(self.commit).read_many(added, yaml.MAX_BYTES)
        for path in added:
            if path not in contents:
                mistakes.append(Mistake(path, "The request is no regular file.", "Write a plain YAML file."))
                continue
            more, wrong = read_requests(path, yaml.load(contents[path]), self.change.author)
            asks += more
            mistakes += wrong
        return asks, mistakes

    @cached_property
    def stages(self) -> tuple[str, ...] | None:
        """The stages that ``.gto`` lists; None for any."""
        data = self._tree(self.commit).read(GTO_CONFIG, yaml.MAX_BYTES)
        config, findings = read_config(yaml.load(data)) if data is not None else (None, [])
        return config.stages if config is not None and not findings else None

    @cached_property
    def codeowners(self) -> Codeowners:
        """As the rules' commit has them."""
        places = LOCATIONS[self.context.forge.flavour]
        found = self._tree(self.rules_at).read_many(places, MAX_CODEOWNERS)
        data = next((found[place] for place in places if place in found), b"")
        text = "" if len(data) > MAX_CODEOWNERS else data.decode(errors="replace")
        return parse_codeowners(text, self.context.forge.flavour)

    def is_behind(self, commit: str) -> bool:
        """Whether a merged change's landing, or one of the days before it on its branch, is this commit."""
        return commit in self._behind

    @cached_property
    def _behind(self) -> frozenset[str]:
        line = self.context.history.line(self.change.base, (self.change.merged_at or 0.0) - RECENT)
        return frozenset(line[line.index(self.commit) :] if self.commit in line else ())

    @cached_property
    def answers(self) -> dict[tuple[str, str], Any]:
        """What the forge said of people, kept: a second look of the same run sees the same."""
        return {}

    def owned_file(self, artifact: str, registered_at: str | None) -> str | None:
        """The one file in Git whose owners an artifact has: its pointer, itself, or else its manifest.

        Where it lay at its last registered version, else before the change: neither a change that moves it to a
        folder of its author's own makes him its owner, nor two of which one takes it away and one brings it back.
        """
        registered = [snapshot(self._tree(registered_at))] if registered_at is not None else []
        for place in (*registered, self._before, self._after):
            entry = place.entries.get(artifact)
            if entry is not None:
                return place.stands_for(entry)
        return None

    @cached_property
    def _before(self) -> Snapshot:
        return snapshot(self._tree(self.before))

    @cached_property
    def _after(self) -> Snapshot:
        return snapshot(self._tree(self.commit))

    def warnings(self) -> list[Warn]:
        """What a reviewer should know beside the plan."""
        found = [
            Warn("request-edited", None, f"{file.path} was {_EDITS[file.status]}; a request counts once, when added.")
            for file in self.requests
            if file.status != "A"
        ]
        unattested = [ask.source for ask in self.asks[0] if ask.at is None]
        if unattested and not self.context.forge.attests_labels:
            names = ", ".join(dict.fromkeys(unattested))
            message = f"Nobody can tell who applied {names}, or when: with this token labels count as they stand now."
            found.append(Warn("labels-unattested", None, message))
        if self.touches.removed:
            names = ", ".join(self.touches.removed)
            found.append(Warn("entries-removed", None, f"No longer described: {names}. Their tags stay."))
        for old, new in self.touches.renamed:
            message = f"{old} is now called {new}: its versions stay under the old name."
            found.append(Warn("entry-renamed", None, message))
        return found

    @cached_property
    def policy_refusals(self) -> tuple[Refusal, ...]:
        """Why nothing of this change is done: its policy cannot be understood, or it leaves behind one that cannot."""
        return (*_unknown_rules(self), *breaks_policy(self.context, self.change, lambda: self.before, self.commit))


_REQUESTS = REQUESTS.rstrip("/")


def _unattested(ask: Ask) -> Mistake:
    """A label that was renamed into a request has no event: it may have come after every approval."""
    return Mistake(ask.source, "Nobody can tell who applied this label, or when.", "Remove it and add it again.")


_EDITS = {"M": "edited", "D": "deleted", "T": "replaced"}


def labelled(change: Change, policy: Policy, labels: Sequence[Label] = ()) -> bool:
    """Whether a label asks for anything: one of those given, before the merge also one that stands now."""
    names = [*(label.name for label in labels), *(change.labels if change.open else ())]
    return any(concerns_us(name, policy.label_prefix) for name in names)


def policy_at(context: ChangeContext, commit: str) -> Policy:
    """The policy of a commit, read once. What is wrong in it are its ``findings``."""
    found = context.history.object_id(commit, POLICY_FILE)
    if found is None:
        return NO_POLICY
    kind, key = found
    if key not in context.policies:
        data = context.history.files(commit).read(POLICY_FILE, MAX_POLICY) if kind == "blob" else None
        context.policies[key] = judge_policy(data) if data is not None else _no_file(kind)
    return context.policies[key]


def _no_file(kind: str) -> Policy:
    message = f"{POLICY_FILE} is a {kind}, not a file."
    finding = Finding(POLICY_FILE, 1, 1, None, "file-not-regular", "error", message, "Make it a plain file.")
    return Policy(digest="unreadable", findings=(finding,))


#: Of a file with more mistakes the first are told.
_MOST_FINDINGS = 10


def breaks_policy(
    context: ChangeContext, change: Change, before: Callable[[], str], commit: str
) -> tuple[Refusal, ...]:
    """What is wrong in the policy that a change makes of the default branch's, if it makes another of it.

    ``before`` is the other end of the change, asked for only where its own is wrong.
    """
    if change.base != context.history.default_branch:
        return ()
    findings = policy_at(context, commit).findings
    place = context.history.object_id
    if not findings or place(before(), POLICY_FILE) == place(commit, POLICY_FILE):
        return ()
    told = findings[:_MOST_FINDINGS]
    refusals = [
        Refusal(None, None, "policy-breaks", f"{f.file}:{f.line}:{f.column}: {f.message}", f.hint) for f in told
    ]
    if more := len(findings) - len(told):
        last = refusals[-1]
        refusals[-1] = last._replace(message=f"{last.message} And {more} more problem{'s' if more > 1 else ''}.")
    return tuple(refusals)


def _unknown_rules(request: ChangeRequest) -> list[Refusal]:
    if not request.policy.findings or not any(request.asks):
        return []
    first = request.policy.findings[0]
    message = f"The policy cannot be understood: {first.file}, line {first.line}: {first.message}"
    fix = (
        f"{first.hint} A change that does just this and asks for nothing can be merged; "
        f"{'then plan this one again' if request.change.open else 'then ask in a new change'}."
    )
    return [Refusal(None, None, "policy-unreadable", message, fix)]


def policy_now(context: ChangeContext) -> Policy:
    """The policy of the default branch as it is."""
    return policy_at(context, context.history.tip())


def open_request(context: ChangeContext, change: Change) -> ChangeRequest | None:
    """The case of an open change; None where it asks for nothing, which costs no request to find out."""
    policy = policy_now(context)
    # Where the list of branches cannot be understood, what asks is told so.
    if not promotes(context.history, policy, change.base) and not policy.findings:
        return None
    if not labelled(change, policy) and not _may_request(context.history, change):
        return None
    return ChangeRequest(context, change, policy, context.forge.merge_base(change), change.head, context.history.tip())


def merged_case(context: ChangeContext, change: Change) -> ChangeRequest | None:
    """The case of a merged change; None for a branch that is not promoted, or where it asks for nothing.

    Raises Refused where its landing cannot be told, WrongUsage where nobody knows whether its branch is listed.
    """
    history = context.history
    # What is on the default branch now is not asked about what landed there.
    elsewhere = policy_now(context) if change.base != history.default_branch else None
    if elsewhere is not None and not promotes(history, elsewhere, change.base) and not elsewhere.findings:
        return None
    labels = context.forge.labels(change)
    requested = may_have_requested(history, change)
    if not labels and not requested:
        return None
    if elsewhere is not None and elsewhere.findings:
        # Not for good: the branch's tip decides, and may be mended.
        raise unreadable(elsewhere)
    try:
        landing = landing_of(context, change)
    except Refused:
        if requested or labelled(change, policy_now(context), labels):
            raise
        return None
    rules_at = rules_of_landing(context, change, landing)
    policy = policy_at(context, rules_at)
    if not requested and not labelled(change, policy, labels):
        return None
    return ChangeRequest(context, change, policy, landing.before, landing.commit, rules_at, labels)


def any_request(context: ChangeContext, change: Change) -> ChangeRequest:
    """The case of a change that is only looked at, whether it asks for something or not.

    Raises WrongUsage for one that was closed, Refused where its landing cannot be told.
    """
    if change.merged:
        landing = landing_of(context, change)
        labels = context.forge.labels(change)
        return ChangeRequest(
            context, change, policy_now(context), landing.before, landing.commit, context.history.tip(), labels
        )
    if not change.open:
        raise WrongUsage(f"Change {change.number} was closed without a merge.", "Name an open or a merged one.")
    return ChangeRequest(
        context, change, policy_now(context), context.forge.merge_base(change), change.head, context.history.tip()
    )  # fmt: skip


def landing_of(context: ChangeContext, change: Change) -> Landing:
    """How a change landed; one from a list is asked for whole where the list leaves out what tells it."""
    if change.merge_commit == change.head and change.base_commit is None:
        change = context.forge.change(change.number)
    return context.history.landing(change, lambda: context.forge.commit_ids(change))


def rules_of_landing(context: ChangeContext, change: Change, landing: Landing) -> str:
    """The commit whose policy and code owners decide on what landed: the branch's, just before it.

    So neither the change itself nor anything that came later counts, however late its job. What landed on another
    branch has made nothing of the default one, which speaks for it: by its tip.
    """
    return landing.before if change.base == context.history.default_branch else context.history.tip()


def promotes(history: History, policy: Policy, branch: str) -> bool:
    """Whether what is merged into a branch is promoted."""
    return branch == history.default_branch or policy.lists_branch(branch)


#: A change has no more commits than this, where nobody says how many: GitHub rebases at most 100.
_COMMITS = 101


def may_have_requested(history: History, change: Change) -> bool:
    """Whether request files came in about where a change landed; no is certain, and costs no API request."""
    if change.merge_commit is None:
        return False
    here = _requests(history, change.merge_commit)
    if not here:
        return False
    start = history.parent(change.merge_commit, max(change.commits or 0, _COMMITS))
    return start is None or bool(here - _requests(history, start))


def _requests(history: History, commit: str) -> set[str]:
    inside = history.files(commit).blobs(_REQUESTS)
    return {path for blob in inside if request_stage(path := f"{REQUESTS}{blob.relpath}") is not None}


def _may_request(history: History, change: Change) -> bool:
    """Whether an open change may add a request file: one that its base branch has not."""
    return bool(_requests(history, change.head) - _requests(history, history.tip(change.base)))
