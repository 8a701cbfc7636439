"""A change as a request: everything that is read of it before anything is decided, but the ledger.

Two forms of one request: an open change, between its merge base and its head, and a merged one, between
the tip before it landed and the commit that it landed as. What decides (policy, code owners) comes
from the default branch and never from the change itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tagline.commands.changes.context import ChangeContext
from tagline.commands.changes.landing import MOST_COMMITS, RECENT
from tagline.commands.manifest.gto_file import GtoFile, read_gto
from tagline.commands.manifest.snapshots import Snapshot, pointers_among, snapshot
from tagline.domain.changes import unheard
from tagline.domain.changes.asks import REQUESTS, Action, Ask, Mistake, as_put_on, concerns_us, read_labels
from tagline.domain.changes.changes import Change, Label
from tagline.domain.changes.codeowners import LOCATIONS, MAX_CODEOWNERS, Codeowners, parse_codeowners
from tagline.domain.changes.floors import below_floor
from tagline.domain.changes.labels import offered_stages
from tagline.domain.changes.policy import Policy
from tagline.domain.changes.promotion import Refusal
from tagline.domain.changes.request_files import MAX_REQUESTS, read_requests, request_stage
from tagline.domain.changes.touches import Among, FileChange, Side, Touches, find_touches
from tagline.domain.changes.unheard import Unheard
from tagline.domain.ledger.events import Warn
from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.gto_config import GTO_CONFIG
from tagline.domain.manifest.manifest import ManifestEntry
from tagline.errors import Refused, TaglineError, WrongUsage
from tagline.formats.policy import unreadable
from tagline.formats.yaml import reading as yaml
from tagline.ports.repository import History, Landing, Tree


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
        entries = [self._ours(end.entries) for end in ends]
        paths = {entry.path for end in entries for entry in end.values() if entry.path and not entry.virtual}
        files = self.context.history.differing(self.before, self.commit, Among(paths=paths, telling=True))
        pointers = pointers_among(file.path for file in files)
        outs = ([out for out in end.outs(pointers) if not out.unplaced] for end in ends)
        before, after = map(Side, entries, outs)
        return find_touches(before, after, files)

    @cached_property
    def entries(self) -> Mapping[str, ManifestEntry]:
        """The artifacts that the change's own end describes."""
        return self._ours(self._after.entries)

    def _ours(self, entries: Mapping[str, ManifestEntry]) -> Mapping[str, ManifestEntry]:
        """Without what files of other tools describe, by the policy."""
        return {name: entry for name, entry in entries.items() if not self.policy.ignores(entry.file)}

    def _tree(self, commit: str) -> Tree:
        return self.context.history.tree(commit)

    @cached_property
    def asks(self) -> tuple[list[Ask], list[Mistake]]:
        """What labels and request files ask for, and what they get wrong."""
        labels = self.labels
        if labels is None:
            labels = self.context.forge.labels(self.change) if labelled(self.change, self.policy) else ()
        prefix, stages = self.policy.label_prefix, offered_stages(self.policy, None)
        asks, mistakes = read_labels(as_put_on(labels, prefix), prefix, stages)
        if self.context.forge.attests_labels:
            mistakes += [_unattested(ask, self.change) for ask in asks if ask.at is None]
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
        return self._gto.config.stages

    @cached_property
    def _gto(self) -> GtoFile:
        return read_gto(self._tree(self.commit))

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
        return [*found, *unheard.warnings(self.unheard, self.change), *self.gone_labels()]

    @cached_property
    def unheard(self) -> tuple[Unheard, ...]:
        """The labels that ask for nothing and are answered."""
        stood = self.labels
        names = self.change.labels if stood is None else [label.name for label in stood]
        near = unheard.similar(names, self.policy, self.stages) if names and self.touches.touched else []
        return (*near, *(unheard.added_late(self.change, stood, self.policy.label_prefix) if stood is not None else ()))

    def gone_labels(self) -> list[Warn]:
        """The requests whose labels were renamed or deleted since they were put on, and what may have been some."""
        found = []
        for label in self.labels or ():
            by = label.by or "somebody"
            if label.gone and not label.name:
                message = (
                    f"A label that {by} put on the change was deleted since, and its name with it: what it asked for "
                    "is unknown. If it was a request, ask again in a new change."
                )
                found.append(Warn("label-gone", None, message))
            elif label.gone and label.at is not None and concerns_us(label.name, self.policy.label_prefix):
                message = (
                    f"{label.name}, which {by} put on the change, was renamed or deleted since. It counts: nobody took "
                    "it off the change before the merge."
                )
                found.append(Warn("label-gone", None, message))
        return found

    @cached_property
    def policy_refusals(self) -> tuple[Refusal, ...]:
        """Why nothing of this change is done: its policy or the stages that ``.gto`` allows cannot be understood, or it
        leaves behind a policy that cannot.
        """
        unknown = (*_unknown_rules(self), *_below_floor(self), *_unknown_stages(self, self._gto.findings))
        return (*unknown, *self.context.policies.broken_by(self.change, lambda: self.before, self.commit))


_REQUESTS = REQUESTS.rstrip("/")


def _unattested(ask: Ask, change: Change) -> Mistake:
    """A label that was renamed into a request has no event: it may have come after every approval."""
    fix = "Remove it and add it again." if change.open else "Ask again in a new change."
    return Mistake(ask.source, "Nobody can tell who applied this label, or when.", fix)


_EDITS = {"M": "edited", "D": "deleted", "T": "replaced"}


def labelled(change: Change, policy: Policy, labels: Sequence[Label] = ()) -> bool:
    """Whether a label asks for anything: one of those given, before the merge also one that stands now."""
    names = [*(label.name for label in labels), *(change.labels if change.open else ())]
    return any(concerns_us(name, policy.label_prefix) for name in names)


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


def _below_floor(request: ChangeRequest) -> list[Refusal]:
    """Keys for the whole repository that are looser than the floor."""
    policy = request.policy
    if policy.floor is None or not any(request.asks):
        return []
    said = ((one, policy.origins[one.key.partition(".")[0]]) for one in policy.looser)
    return [Refusal(None, None, "policy-floor", *below_floor(one, file, policy.floor.name)) for one, file in said]


def _unknown_stages(request: ChangeRequest, findings: Sequence[Finding]) -> list[Refusal]:
    """Whether a stage may be given nobody can tell where ``.gto`` cannot be understood; nothing else hangs on it."""
    if not findings or not any(ask.action in (Action.ASSIGN, Action.ROLLBACK) for ask in request.asks[0]):
        return []
    first = findings[0]
    message = f"The stages that {GTO_CONFIG} allows cannot be understood: line {first.line}: {first.message}"
    fix = f"{first.hint} {'Mend it in this change.' if request.change.open else 'Mend it, then ask in a new change.'}"
    return [Refusal(None, None, "gto-config", message, fix)]


def open_request(context: ChangeContext, change: Change) -> ChangeRequest | None:
    """The request of an open change; None where it asks for nothing, which costs no API request to find out."""
    history, tip = context.history, context.history.tip()
    # Labels of ours, as far as they can be told without the policy: then the merge base is read as well.
    merge_base = None
    if change.base == history.default_branch and any(concerns_us(name, "") for name in change.labels):
        with contextlib.suppress(TaglineError):  # where it is needed it is asked for again
            merge_base = context.forge.merge_base(change)
    history.prepare([commit for commit in (tip, change.head, merge_base) if commit is not None])
    policy = context.policies.now()
    # Where the list of branches cannot be understood, what asks is told so.
    if not promotes(history, policy, change.base) and not policy.findings:
        return None
    if not labelled(change, policy) and not _may_request(history, change):
        return None
    before = merge_base or context.forge.merge_base(change)
    return ChangeRequest(context, change, policy, before, change.head, tip)


def merged_request(context: ChangeContext, change: Change) -> ChangeRequest | None:
    """The request of a merged change; None for a branch that is not promoted, or where it asks for nothing.

    Raises Refused where its landing cannot be told, WrongUsage where nobody knows whether its branch is listed.
    """
    history = context.history
    # What is on the default branch now is not asked about what landed there.
    elsewhere = context.policies.now() if change.base != history.default_branch else None
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
        landing = context.landings.of(change)
    except Refused:
        if requested or labelled(change, context.policies.now(), labels):
            raise
        return None
    rules_at = rules_of_landing(context, change, landing)
    policy = context.policies.at(rules_at)
    # What the forge does not name may have asked.
    if not requested and not labelled(change, policy, labels) and all(label.name for label in labels):
        return None
    return ChangeRequest(context, change, policy, landing.before, landing.commit, rules_at, labels)


def any_request(context: ChangeContext, change: Change) -> ChangeRequest:
    """The request of a change that is only looked at, whether it asks for something or not.

    Raises WrongUsage for one that was closed, Refused where its landing cannot be told.
    """
    change = context.landings.settled(change)
    if change.merged:
        landing = context.landings.of(change)
        labels = context.forge.labels(change)
        return ChangeRequest(
            context, change, context.policies.now(), landing.before, landing.commit, context.history.tip(), labels
        )
    if not change.open:
        raise WrongUsage(f"Change {change.number} was closed without a merge.", "Name an open or a merged one.")
    return ChangeRequest(
        context, change, context.policies.now(), context.forge.merge_base(change), change.head, context.history.tip()
    )  # fmt: skip


def rules_of_landing(context: ChangeContext, change: Change, landing: Landing) -> str:
    """The commit whose policy and code owners decide on what landed: the branch's, just before it.

    So neither the change itself nor anything that came later counts, however late its job. What landed on another
    branch has made nothing of the default one, which speaks for it: by its tip.
    """
    return landing.before if change.base == context.history.default_branch else context.history.tip()


def promotes(history: History, policy: Policy, branch: str) -> bool:
    """Whether what is merged into a branch is promoted."""
    return branch == history.default_branch or policy.lists_branch(branch)


def may_have_requested(history: History, change: Change) -> bool:
    """Whether request files came in about where a change landed; no is certain, and costs no API request."""
    if change.merge_commit is None:
        return False
    here = requests_at(history, change.merge_commit)
    if not here:
        return False
    steps = max(change.commits or 0, MOST_COMMITS)
    behind = history.behind(change.merge_commit, steps)
    return len(behind) < steps or bool(here - requests_at(history, behind[-1]))


def requests_at(history: History, commit: str) -> set[str]:
    """The request files of a commit."""
    inside = history.tree(commit).blobs(_REQUESTS)
    return {path for blob in inside if request_stage(path := f"{REQUESTS}{blob.relpath}") is not None}


def _may_request(history: History, change: Change) -> bool:
    """Whether an open change may add a request file: one that its base branch has not."""
    return bool(requests_at(history, change.head) - requests_at(history, history.tip(change.base)))
