"""A change as a case: everything that is read of it before anything is decided, but the ledger.

Two forms of one case: an open change, between its merge base and its head, and a merged one, between
the tip before it landed and the commit that it landed as. What decides (policy, code owners) comes
from the default branch and never from the change itself.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tagline.commands.manifests import load_manifest, mentions_artifacts
from tagline.domain.asks import Ask, Mistake, concerns_us, read_labels, read_requests, request_stage
from tagline.domain.changes import Change
from tagline.domain.codeowners import LOCATIONS, MAX_CODEOWNERS, Codeowners, parse_codeowners
from tagline.domain.events import Warn
from tagline.domain.findings import Finding
from tagline.domain.gto_config import GTO_CONFIG, read_config
from tagline.domain.manifest import DVC_MANIFEST, MANIFEST, ManifestEntry
from tagline.domain.pointers import Out, outs_of
from tagline.domain.policy import MAX_POLICY, POLICY_FILE, Policy
from tagline.domain.touches import FileChange, Side, Touches, find_touches
from tagline.domain.tracked import TrackedPaths
from tagline.errors import WrongUsage
from tagline.formats import yaml
from tagline.formats.policy import check_policy, load_policy
from tagline.ports import Forge, History, Job, Landing, Ledger, Tree


@dataclass(frozen=True)
class ChangeDesk:
    """What the commands about changes work with.

    ``now`` is unix seconds, ``pause`` sleeps for seconds.
    """

    forge: Forge
    job: Job
    history: History
    ledger: Ledger
    now: Callable[[], float]
    pause: Callable[[float], None]
    dry_run: bool = False
    #: The login that our comments are by, as configured; None: as the forge tells it.
    identity: str | None = None
    run_url: str | None = None


@dataclass(frozen=True)
class Case:
    """One change between two commits."""

    desk: ChangeDesk
    change: Change
    policy: Policy
    before: str
    commit: str
    #: Where the code owners are read from.
    owners_at: str

    @cached_property
    def files(self) -> list[FileChange]:
        """What differs between the two ends."""
        return self.desk.history.differing(self.before, self.commit)

    @cached_property
    def touches(self) -> Touches:
        """The artifacts whose bytes differ."""
        pointers = [file.path for file in self.files if _is_pointer(file.path)]
        before, after = (
            Side(entries, _outs(self.desk.history.files(commit), pointers))
            for commit, entries in ((self.before, entries_of(self._tree(self.before))), (self.commit, self.entries))
        )
        return find_touches(before, after, self.files)

    @cached_property
    def entries(self) -> Mapping[str, ManifestEntry]:
        """The artifacts that the change's own end describes."""
        return entries_of(self._tree(self.commit))

    def _tree(self, commit: str) -> Tree:
        return self.desk.history.files(commit)

    @cached_property
    def asks(self) -> tuple[list[Ask], list[Mistake]]:
        """What labels and request files ask for, and what they get wrong."""
        labels = self.desk.forge.labels(self.change) if _concerned(self.change, self.policy) else ()
        asks, mistakes = read_labels(labels, self.policy.label_prefix)
        added = [f.path for f in self.files if f.status == "A" and request_stage(f.path) is not None]
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
        """Of the newest commit whose CODEOWNERS is not this change's own."""
        places = LOCATIONS[self.desk.forge.flavour]
        found = self._tree(self.owners_at).read_many(places, MAX_CODEOWNERS)
        data = next((found[place] for place in places if place in found), b"")
        text = "" if len(data) > MAX_CODEOWNERS else data.decode(errors="replace")
        return parse_codeowners(text, self.desk.forge.flavour)

    @cached_property
    def uses_lfs(self) -> bool:
        """Whether any of the repository's files may be kept by Git LFS."""
        attributes = self._tracked.named(".gitattributes")
        contents = self._tree(self.commit).read_many(attributes, yaml.MAX_BYTES)
        return any(b"filter=lfs" in data for data in contents.values())

    def stands_for(self, artifact: str) -> str | None:
        """The one file in Git that stands for an artifact: its pointer, itself, or else its manifest."""
        entry = self.entries.get(artifact)
        if entry is None:
            return None
        if entry.path is None or entry.virtual:
            return entry.file
        tracked = self._tracked
        if tracked.has_dvc_file(entry.path):
            folders = [entry.path, *_above(entry.path)]
            return next(f"{part}.dvc" for part in folders if tracked.is_file(f"{part}.dvc"))
        if tracked.is_file(entry.path) or tracked.is_directory(entry.path):
            return entry.path
        locks = tracked.named("dvc.lock")
        return next((lock for lock in locks if any(o.path == entry.path for o in self._locked(lock))), entry.file)

    @cached_property
    def _tracked(self) -> TrackedPaths:
        return TrackedPaths(self._tree(self.commit).paths())

    def _locked(self, lock: str) -> Sequence[Out]:
        return _outs(self._tree(self.commit), [lock])

    def out(self, path: str) -> Out | None:
        """What DVC's pointers at the change's end say of a path that is an out itself."""
        file = f"{path}.dvc"
        pointers = [file] if self._tracked.is_file(file) else self._tracked.named("dvc.lock")
        return next((out for out in _outs(self._tree(self.commit), pointers) if out.path == path), None)

    def warnings(self) -> list[Warn]:
        """What a reviewer should know beside the plan."""
        found = [
            Warn("request-edited", None, f"{file.path} was {_EDITS[file.status]}; a request counts once, when added.")
            for file in self.files
            if file.status != "A" and request_stage(file.path) is not None
        ]
        unattested = [ask.source for ask in self.asks[0] if ask.at is None]
        if unattested:
            names = ", ".join(dict.fromkeys(unattested))
            message = f"Nobody can tell who applied {names}, or when: with this token labels count as they stand now."
            found.append(Warn("labels-unattested", None, message))
        found += [Warn("policy-problem", None, _said(problem)) for problem in self._policy_problems()]
        if self.touches.removed:
            names = ", ".join(self.touches.removed)
            found.append(Warn("entries-removed", None, f"No longer described: {names}. Their tags stay."))
        for old, new in self.touches.renamed:
            message = f"{old} is now called {new}: its versions stay under the old name."
            found.append(Warn("entry-renamed", None, message))
        return found

    def _policy_problems(self) -> list[Finding]:
        """What is wrong in the policy that this change proposes; it counts from the next change on."""
        if not any(file.path == POLICY_FILE and file.status != "D" for file in self.files):
            return []
        data = self._tree(self.commit).read(POLICY_FILE, MAX_POLICY)
        return check_policy(data) if data is not None else []


_EDITS = {"M": "edited", "D": "deleted", "T": "replaced"}


def _said(finding: Finding) -> str:
    return f"{finding.file}, line {finding.line}: {finding.message} {finding.hint}".strip()


def _concerned(change: Change, policy: Policy) -> bool:
    """Whether a label asks for anything. After the merge one may have been taken away that stood then."""
    return change.merged or any(concerns_us(name, policy.label_prefix) for name in change.labels)


def policy_at(history: History, commit: str) -> Policy:
    """The policy of a commit. Raises WrongUsage for one that cannot be read."""
    tree = history.files(commit)
    data = tree.read(POLICY_FILE, MAX_POLICY)
    if data is None and (found := history.object_id(commit, POLICY_FILE)) is not None:
        raise WrongUsage(
            f"{POLICY_FILE} of the default branch is a {found[0]}, not a file.",
            "Make it a plain file there.",
            code="policy-unreadable",
        )
    return load_policy(data)


def open_case(desk: ChangeDesk, change: Change) -> Case | None:
    """The case of an open change; None where it asks for nothing, which costs no request to find out."""
    tip = desk.history.tip()
    policy = policy_at(desk.history, tip)
    if not promotes(desk.history, policy, change.base):
        return None
    if not _concerned(change, policy) and not _may_request(desk.history, change):
        return None
    return Case(desk, change, policy, desk.forge.merge_base(change), change.head, tip)


def merged_case(desk: ChangeDesk, change: Change) -> Case | None:
    """The case of a merged change; None for a branch that is not promoted."""
    history = desk.history
    tip = history.tip()
    if not promotes(history, policy_at(history, tip), change.base):
        return None
    landing = history.landing(change)
    places = LOCATIONS[desk.forge.flavour]
    rules_at, owners_at = (_not_its_own(history, tip, landing, files) for files in ([POLICY_FILE], places))
    return Case(desk, change, policy_at(history, rules_at), landing.before, landing.commit, owners_at)


def promotes(history: History, policy: Policy, branch: str) -> bool:
    """Whether what is merged into a branch is promoted."""
    return branch == history.default_branch or policy.lists_branch(branch)


def _not_its_own(history: History, tip: str, landing: Landing, files: Iterable[str]) -> str:
    """The newest commit in which these files are not what the change made of them.

    The tip, unless one of them is there word for word what the change made of it: then the commit
    before the change.
    """
    for file in files:
        before, own, now = (history.object_id(at, file) for at in (landing.before, landing.commit, tip))
        if before != own == now:
            return landing.before
    return tip


def _may_request(history: History, change: Change) -> bool:
    """Whether the change may add a request file: one that its base branch has not."""
    here = {path for path in history.files(change.head).paths() if request_stage(path) is not None}
    return bool(here) and not here.issubset(history.files(history.tip(change.base)).paths())


def entries_of(tree: Tree) -> dict[str, ManifestEntry]:
    """Every artifact that a snapshot's manifests describe; artifacts.yaml counts before dvc.yaml."""
    manifests = [path for path in tree.paths() if posixpath.basename(path) in (MANIFEST, DVC_MANIFEST)]
    contents = tree.read_many(manifests, yaml.MAX_BYTES)
    entries: dict[str, ManifestEntry] = {}
    for file in sorted(contents, key=lambda path: (posixpath.basename(path) != MANIFEST, path)):
        if posixpath.basename(file) == MANIFEST or mentions_artifacts(contents[file]):
            for item in load_manifest(file, contents[file], tree).items:
                entries.setdefault(item.entry.name, item.entry)
    return entries


def _is_pointer(path: str) -> bool:
    name = posixpath.basename(path)
    return name == "dvc.lock" or (name.endswith(".dvc") and name != ".dvc")


def _outs(tree: Tree, pointers: Sequence[str]) -> list[Out]:
    pipelines = {path: posixpath.join(posixpath.dirname(path), DVC_MANIFEST) for path in pointers}
    locks = [pipelines[path] for path in pointers if posixpath.basename(path) == "dvc.lock"]
    contents = tree.read_many([*pointers, *locks], yaml.MAX_BYTES)
    data = {path: yaml.load(content).root for path, content in contents.items()}
    values = {path: root.value for path, root in data.items() if root is not None}
    return [out for path in pointers for out in outs_of(path, values.get(path), values.get(pipelines[path]))]


def _above(path: str) -> Iterable[str]:
    while path := posixpath.dirname(path):
        yield path
