"""``tagline validate``: manifests, policy, ``.gto`` and request files that Git tracks, all findings at once."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from itertools import chain

from tagline.commands.manifest.cards import card_findings
from tagline.commands.manifest.dvc_pointers import DvcPointers
from tagline.commands.manifest.gto_file import not_regular, read_gto
from tagline.commands.manifest.reading import LoadedManifest, load_manifest, mentions_artifacts
from tagline.commands.manifest.snapshots import snapshot
from tagline.domain.changes.policy import MAX_POLICY, POLICY_FILE
from tagline.domain.changes.request_files import judge_requests, request_stage
from tagline.domain.manifest import manifest_rules
from tagline.domain.manifest import paths as manifest_paths
from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.gto_config import GTO_CONFIG, GtoConfig
from tagline.domain.manifest.manifest import (
    DVC_MANIFEST,
    MANIFEST,
    Declared,
    ManifestEntry,
    kind_of,
    repository_path,
    section_of,
)
from tagline.domain.manifest.near_paths import NearPaths
from tagline.domain.manifest.tracked import TrackedPaths
from tagline.domain.manifest.validation import Checked, ValidationReport
from tagline.domain.text.shell import shell_path
from tagline.domain.text.similar import did_you_mean
from tagline.errors import WrongUsage
from tagline.formats.policy import check_policy, other_tools
from tagline.formats.yaml import reading as yaml
from tagline.ports.repository import Tree

_MAX_MESSAGE = 600


def validate(
    tree: Tree,
    files: Sequence[str] | None,
    *,
    has_registry_tags: Callable[[], bool],
    untracked_exists: Callable[[str], bool] = lambda path: False,
    look: Callable[[Sequence[Declared]], list[Finding]] | None = None,
) -> ValidationReport:
    """Check ``files``, each by what it is; or (None) the policy, ``.gto``, the request files and all manifests.

    Manifests are every ``artifacts.yaml`` and every ``dvc.yaml`` with artifacts.

    ``files`` are relative to the repository's root. ``untracked_exists`` tells whether the work
    tree has a path, tracked or not; it only improves hints. ``look`` looks at what the artifacts name
    outside of the repository. Raises WrongUsage where one of ``files`` is not in the snapshot.
    """
    paths = tree.paths()
    contents, findings = _contents(tree, paths, files, untracked_exists)
    settings = {file: data for file, data in contents.items() if _is_setting(file)}
    contents = {file: data for file, data in contents.items() if file not in settings}
    loaded = [load_manifest(file, data, tree) for file, data in sorted(contents.items())]
    notes: tuple[str, ...] = ()
    if not files:
        loaded = [manifest for manifest in loaded if _declares_artifacts(manifest)]
        if not loaded and not findings:
            findings, notes = _no_manifest(has_registry_tags, untracked_exists)
        if POLICY_FILE not in paths and untracked_exists(POLICY_FILE):
            notes += (" ".join(_untracked(POLICY_FILE)),)
    for file, data in settings.items():
        findings += _setting_findings(file, data)
    config, config_findings, config_data = read_gto(tree)
    findings += config_findings
    for manifest in loaded:
        findings += _with_way_out(manifest)
        findings += _file_rules(manifest, config)
    findings += _cross_rules(loaded, _partners(tree, paths, contents) if files else [])
    findings += _path_rules(tree, paths, loaded, untracked_exists)
    findings += card_findings(tree, [item for manifest in loaded for item in manifest.items])
    if look is not None:
        findings += look([item for manifest in loaded for item in manifest.items])
    texts = {GTO_CONFIG: config_data} | settings | {manifest.file: manifest.data for manifest in loaded}
    checked = [Checked(file, 0) for file in settings] + [Checked(one.file, len(one.items)) for one in loaded]
    return _report(checked, findings, texts, notes)


def _report(
    checked: Sequence[Checked],
    findings: Collection[Finding],
    texts: Mapping[str, bytes],
    notes: tuple[str, ...],
) -> ValidationReport:
    concerned = {finding.file for finding in findings}
    # A set: what an alias repeats within an entry is found once for each repetition.
    findings = {_shortened(finding) for finding in findings}
    return ValidationReport(
        ok=all(finding.severity != "error" for finding in findings),
        checked=tuple(sorted(checked)),
        findings=tuple(sorted(findings, key=lambda f: (f.file, f.line, f.column, f.rule, f.message))),
        sources={
            file: data[: yaml.MAX_BYTES].decode("utf-8-sig", "replace")
            for file, data in texts.items()
            if file in concerned
        },
        notes=notes,
    )


def _shortened(finding: Finding) -> Finding:
    """Messages quote the file, which may hold text of any length."""
    if len(finding.message) <= _MAX_MESSAGE and len(finding.hint) <= _MAX_MESSAGE:
        return finding
    parts = (text if len(text) <= _MAX_MESSAGE else text[:_MAX_MESSAGE] + "…" for text in finding[6:8])
    message, hint = parts
    return finding._replace(message=message, hint=hint)


# -- which files --------------------------------------------------------------


def _contents(
    tree: Tree, paths: Sequence[str], files: Sequence[str] | None, untracked_exists: Callable[[str], bool]
) -> tuple[dict[str, bytes], list[Finding]]:
    """The contents of what is checked, and findings about files that are no regular ones."""
    if files:
        tracked = TrackedPaths(paths)
        wanted = [_known(posixpath.normpath(file), paths, tracked, untracked_exists) for file in files]
    else:
        policy = other_tools(tree.read(POLICY_FILE, MAX_POLICY))
        wanted = [path for path in _default_files(paths) if not policy.ignores(path)]
    contents = tree.read_many(wanted, yaml.MAX_BYTES)
    findings = [
        not_regular(file) for file in wanted if file not in contents and (files or kind_of(file) == "artifacts")
    ]
    if not files:
        contents = {f: data for f, data in contents.items() if kind_of(f) == "artifacts" or mentions_artifacts(data)}
    return contents, findings


def _default_files(paths: Sequence[str]) -> list[str]:
    """What is checked unless somebody names files; of ``dvc.yaml`` those that have artifacts are chosen later."""
    return [path for path in paths if posixpath.basename(path) in (MANIFEST, DVC_MANIFEST) or _is_setting(path)]


def _is_setting(file: str) -> bool:
    """Whether a file is the policy, ``.gto`` or a request; any other is a manifest."""
    return file in (POLICY_FILE, GTO_CONFIG) or request_stage(file) is not None


def _declares_artifacts(manifest: LoadedManifest) -> bool:
    """False for a mere pipeline; a file that cannot be read stays, because it may be a manifest."""
    root = manifest.document.root
    return (
        root is None
        or not isinstance(root.value, dict)
        or manifest.document.find(section_of(kind_of(manifest.file))) is not None
    )


def _known(file: str, paths: Sequence[str], tracked: TrackedPaths, untracked_exists: Callable[[str], bool]) -> str:
    if tracked.is_file(file):
        return file
    known = _default_files(paths)
    if file == "." or tracked.is_directory(file):
        inside = [path for path in known if file == "." or path.startswith(f"{file}/")]
        example = f", such as {inside[0]} (path from the repository's root)," if inside else ""
        raise WrongUsage(
            f"{'The repository' if file == '.' else file} is a folder, not a file to check.",
            f"Name a file{example} or leave FILE out to check all.",
        )
    if untracked_exists(file):
        # An untracked folder looks the same from here, so only what is named like YAML is proposed.
        add = f"Run: git add {shell_path(file)}" if file.endswith((".yaml", ".yml", ".json")) else ""
        raise WrongUsage(
            f"Git does not track {file} (path from the repository's root).",
            add or "Name a file that Git tracks, or leave FILE out to check all.",
        )
    near = _nearest(file, known)
    raise WrongUsage(
        f"There is no file {file} (path from the repository's root).",
        f"The nearest file that is checked, also from there, is {near}." if near else "Leave FILE out to check all.",
    )


def _nearest(file: str, known: Sequence[str]) -> str | None:
    # In a folder one easily types a path from the root: then the end of what was looked for exists.
    ends = [path for path in known if file.endswith(f"/{path}")]
    return max(ends, key=len) if ends else did_you_mean(file, known)


def _no_manifest(
    has_registry_tags: Callable[[], bool], untracked_exists: Callable[[str], bool]
) -> tuple[list[Finding], tuple[str, ...]]:
    """A finding if there are registry tags, else at most a note."""
    exists = untracked_exists(MANIFEST)
    if not has_registry_tags():
        return [], (" ".join(_untracked(MANIFEST)),) if exists else ()
    message = "There are registry tags, but Git tracks no artifacts.yaml and no dvc.yaml with artifacts."
    hint = f"Create {MANIFEST} with 'NAME: {{path: FILE}}' for each artifact, then: git add {MANIFEST}"
    if exists:
        message, hint = _untracked(MANIFEST)
    return [Finding(MANIFEST, 1, 1, None, "no-manifest", "error", message, hint)], ()


def _untracked(file: str) -> tuple[str, str]:
    return f"{file} exists, but Git does not track it.", f"Run: git add {file}"


def _partners(tree: Tree, paths: Sequence[str], contents: Mapping[str, bytes]) -> list[LoadedManifest]:
    """The other manifests in the directories of the given files: a name may be in one only."""
    tracked = set(paths)
    wanted = {posixpath.join(posixpath.dirname(f), name) for f in contents for name in (MANIFEST, DVC_MANIFEST)}
    others = tree.read_many(sorted((wanted & tracked) - contents.keys()), yaml.MAX_BYTES)
    return [load_manifest(file, data, tree) for file, data in others.items()]


# -- rules --------------------------------------------------------------------


def _with_way_out(manifest: LoadedManifest) -> tuple[Finding, ...]:
    """A file's own findings; where no entry of it is like ours, with the way to leave it out as another tool's."""
    found, root = manifest.findings, manifest.document.root
    if not found or root is None or kind_of(manifest.file) != "artifacts":
        return found
    blamed = {finding.artifact for finding in found if finding.severity == "error"}
    known = {field.name for field in fields(ManifestEntry)} - {"name", "file", "line"}
    if any(item.entry.name not in blamed or not known.isdisjoint(item.node.fields) for item in manifest.items):
        return found
    path = posixpath.dirname(manifest.file) or manifest.file
    way_out = f"If the file is another tool's, leave it out in {POLICY_FILE}: 'ignore: {{paths: [{path}]}}'."
    return (found[0]._replace(hint=f"{found[0].hint} {way_out}".strip()), *found[1:])


def _setting_findings(file: str, data: bytes) -> list[Finding]:
    if file == POLICY_FILE:
        return check_policy(data)
    # .gto is read whatever is checked: manifests depend on it.
    return [] if file == GTO_CONFIG else judge_requests(file, yaml.load(data))[1]


def _file_rules(manifest: LoadedManifest, config: GtoConfig) -> list[Finding]:
    findings = manifest_rules.check_directory(manifest.file, manifest.items)
    for item in manifest.items:
        findings += manifest_rules.check_name(item)
        findings += manifest_rules.check_type(item, config)
    return findings


def _cross_rules(loaded: Sequence[LoadedManifest], partners: Sequence[LoadedManifest]) -> list[Finding]:
    checked = {manifest.file for manifest in loaded}
    items = [item for manifest in (*loaded, *partners) for item in manifest.items]
    # A clash with a file that was not asked for is shown in the one that was.
    ordered = sorted(items, key=lambda item: (item.entry.file in checked, item.kind))
    own = [item for item in items if item.entry.file in checked]
    found = (
        manifest_rules.check_same_name(ordered) + manifest_rules.check_alike(own) + manifest_rules.check_same_path(own)
    )
    return [finding for finding in found if finding.file in checked]


def _path_rules(
    tree: Tree,
    paths: Sequence[str],
    loaded: Sequence[LoadedManifest],
    untracked_exists: Callable[[str], bool],
) -> list[Finding]:
    pointers_there = TrackedPaths(paths).pointers()
    tracked = TrackedPaths(paths, set(pointers_there).difference(snapshot(tree).counted(pointers_there)))
    modules: list[frozenset[str]] = []

    def submodules() -> frozenset[str]:
        if not modules:
            modules.append(_submodules(tree))
        return modules[0]

    pointers = DvcPointers(tree, tracked)
    near = NearPaths(lambda: chain(tracked.names(), pointers.paths()))
    facts = manifest_paths.PathFacts(
        tracked,
        pointers.covers,
        submodules,
        untracked_exists,
        near.nearest,
        pointers.tracked_by,
        pointers.why_unclear,
    )
    items = [item for manifest in loaded for item in manifest.items]
    findings = [finding for item in items for finding in manifest_paths.check_paths(item, facts)]
    irregular = _irregular(tree, tracked, items)
    if irregular:
        findings += [finding for item in items for finding in manifest_paths.check_regular(item, irregular, facts)]
    return findings


def _irregular(tree: Tree, tracked: TrackedPaths, items: Sequence[Declared]) -> set[str]:
    """Paths of artifacts that Git tracks, but not as regular files."""
    written = {(item.entry.file, node.value) for item in items for _, node in manifest_paths.path_fields(item)}
    resolved = {repository_path(file, path) for file, path in written}
    named = {path for path in resolved if path is not None and tracked.is_file(path)}
    return named - tree.read_many(sorted(named), 0).keys()


def _submodules(tree: Tree) -> frozenset[str]:
    """The paths that .gitmodules lists, read as far as paths need it."""
    data = tree.read(".gitmodules", yaml.MAX_BYTES) or b""
    settings = (line.partition("=") for line in data.decode("utf-8", "replace").splitlines())
    return frozenset(value.strip().strip('"') for key, _, value in settings if key.strip() == "path")
