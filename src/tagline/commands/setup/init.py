"""``tagline init``: look at a repository, write what it needs and has not, say what is left to people."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tagline.commands.ledger.reading import Source
from tagline.commands.manifest.gto_file import understood_gto
from tagline.commands.manifest.snapshots import snapshot
from tagline.commands.setup.drafts import manifest_text, policy_text, sound
from tagline.commands.setup.old_tags import read_old_tags
from tagline.domain.changes.policy import MAX_POLICY, POLICY_FILE
from tagline.domain.ledger.tags import is_name
from tagline.domain.manifest.gto_config import GTO_CONFIG, GtoConfig
from tagline.domain.manifest.manifest import MANIFEST
from tagline.domain.setup import pipelines
from tagline.domain.setup.entries import MOST_ENTRIES, Entry, Found, entries, is_model_file
from tagline.domain.setup.places import DOCS, Forge, Home, Todo, todos
from tagline.domain.setup.results import FileState, OldTags, SetUp, SetUpFile
from tagline.domain.text.similar import listed
from tagline.errors import WrongUsage
from tagline.formats.examples import example
from tagline.formats.policy import judge_policy, other_tools
from tagline.ports.repository import Tree
from tagline.ports.setup import NewFiles

#: Files that are named one by one.
_FEW = 5
_MAX_CONFIG = 1024 * 1024
_DISPATCH_RE = re.compile(r"^[^#\n]*\bworkflow_dispatch\b", re.M)


@dataclass(frozen=True)
class SetupContext:
    """The work tree's tracked files, where new ones go, and the registry: compared with its remote (True), or not."""

    tree: Tree
    files: NewFiles
    source: Callable[[bool], Source]
    home: Home | None
    now: int
    dry_run: bool = False


def init(context: SetupContext, forge: Forge, stages: Sequence[str]) -> SetUp:
    """Write what is missing. ``stages`` are those of a new policy; none: what ``.gto`` or the tags have.

    Raises WrongUsage for stages that are none or that ``.gto`` does not allow, and for links in the way.
    """
    old, warnings = read_old_tags(context.source, context.now)
    gto = understood_gto(context.tree)
    wanted = _stages(stages, gto, old)
    manifest, made, todo = _manifest(context, gto, old)
    files = [*manifest, _policy(context, wanted, old)]
    more, by_hand = _on_github(context, wanted) if forge == "github" else _on_gitlab(context)
    files += more
    todo += by_hand
    s3 = b"s3://" in (context.tree.read(".dvc/config", _MAX_CONFIG) or b"")
    todo += todos(forge, context.home, s3=s3)
    written = tuple(file if context.dry_run else _written(context.files, file) for file in files)
    new = [file.path for file in written if file.state is not FileState.THERE]
    if new:
        todo.insert(0, Todo(f"Look at the new files, then propose them: git add {' '.join(new)}"))
    return SetUp(forge, written, tuple(made), old, tuple(todo), context.dry_run, tuple(warnings))


def _written(files: NewFiles, file: SetUpFile) -> SetUpFile:
    if file.text is None:
        return file
    return file._replace(state=FileState.WRITTEN if files.make(file.path, file.text) else FileState.THERE)


def _stages(given: Sequence[str], gto: GtoConfig, old: OldTags) -> list[str]:
    """The stages of a new policy."""
    wrong = [stage for stage in given if not is_name(stage)]
    if wrong:
        raise WrongUsage(
            f"--stages: {wrong[0]!r} cannot name a stage.",
            "Use letters, digits, '-', '_' and '/', with commas between: --stages staging,prod",
            code="bad-stages",
        )
    other = [stage for stage in given if gto.stages is not None and stage not in gto.stages]
    if other and gto.stages is not None:
        raise WrongUsage(
            f"--stages: {GTO_CONFIG} allows no stage {other[0]!r}.",
            f"It lists {listed(gto.stages)}. Add the stage there, or name those.",
            code="bad-stages",
        )
    return list(dict.fromkeys(given or gto.stages or old.stages or ("staging", "prod")))


def _new(context: SetupContext, path: str, what: str, text: str) -> SetUpFile:
    if context.files.there(path):
        return SetUpFile(path, FileState.THERE, what)
    return SetUpFile(path, FileState.MISSING, what, text)


# -- manifest and policy ------------------------------------------------------


def _manifest(context: SetupContext, gto: GtoConfig, old: OldTags) -> tuple[list[SetUpFile], list[Entry], list[Todo]]:
    """The manifest, the entries of a new one, and what people describe by hand."""
    tree = context.tree
    described = dict(snapshot(tree).entries)
    found = entries(_found(tree), [one.path for one in described.values() if one.path], described)
    unknown = [name for name in old.artifacts if name not in described]
    apart = [name for name in unknown if ":" in name]
    todo = [
        Todo(f"{name} has tags and no manifest: describe it in {posixpath.join(name.partition(':')[0], MANIFEST)}.")
        for name in apart[:_FEW]
    ]
    if described or context.files.there(MANIFEST):
        left = [entry.path for entry in found]
        if left:
            todo.append(Todo(f"No manifest names {_some(left)}: add an entry for each that is to have versions."))
        here = sorted({one.file for one in described.values()}) or [MANIFEST]
        return [SetUpFile(file, FileState.THERE, "the manifest") for file in here[:_FEW]], [], todo
    names = {entry.name for entry in found}
    without = [name for name in unknown if name not in names and is_name(name)]
    kept = sound(tree, found[:MOST_ENTRIES], gto.types, without)
    if left := [entry.path for entry in found if entry.path not in {one.path for one in kept}]:
        todo.append(Todo(f"Describe by hand what could not be or was too much: {_some(left)}.", f"{DOCS}/manifest.md"))
    if not kept and not without:
        said = f"Describe a model in {MANIFEST}, for Git tracks nothing that looks like one: 'NAME: {{path: FILE}}'."
        return [], [], [*todo, Todo(said, f"{DOCS}/manifest.md")]
    text = manifest_text(kept, without)
    what = f"the manifest: {len(kept) + len(without)} artifact{'s' * (len(kept) + len(without) != 1)}"
    return [SetUpFile(MANIFEST, FileState.MISSING, what, text)], kept, todo


def _found(tree: Tree) -> list[Found]:
    """What DVC tracks, and models that lie in Git itself; not what the policy leaves to other tools."""
    shot, policy = snapshot(tree), other_tools(tree.read(POLICY_FILE, MAX_POLICY))
    outs = (out for out in shot.outs(shot.pointers) if out.cached and not out.unplaced)
    found = {out.path: Found(out.path, out.file, out.file.endswith(".dvc")) for out in outs}
    for path in tree.paths():
        if is_model_file(path):
            found.setdefault(path, Found(path, path))
    return [one for one in found.values() if not policy.ignores(one.source)]


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _FEW} more" if len(paths) > _FEW else ""
    return f"{', '.join(paths[:_FEW])}{more}"


def _policy(context: SetupContext, stages: Sequence[str], old: OldTags) -> SetUpFile:
    others = [stage for stage in old.stages if stage not in stages]
    if context.files.there(POLICY_FILE):
        return SetUpFile(POLICY_FILE, FileState.THERE, "the policy")
    return _new(context, POLICY_FILE, f"the policy: {', '.join(stages)}", policy_text(stages, others))


# -- pipelines ----------------------------------------------------------------


def _on_github(context: SetupContext, stages: Sequence[str]) -> tuple[list[SetUpFile], list[Todo]]:
    files = context.files
    folder = posixpath.dirname(pipelines.DEPLOY)
    texts = {
        f"{folder}/{name}": files.read(f"{folder}/{name}") or ""
        for name in files.names(folder)
        if name.endswith((".yml", ".yaml"))
    }
    deploys = _DISPATCH_RE.search(texts.get(pipelines.DEPLOY, "")) is not None
    stage = _last_stage(context, stages) if deploys else None
    found = []
    for name, (path, mark) in pipelines.WORKFLOWS.items():
        own = [file for file, text in texts.items() if mark in text]
        what = f"the workflow {name.removesuffix('.yml')}"
        if own:
            found.append(SetUpFile(own[0], FileState.THERE, what))
            continue
        text = pipelines.workflow(example(f"github/{name}"), files.default_branch, stage)
        found.append(_new(context, path, f"{what}, for the branch {files.default_branch}", text))
    if stage is not None:
        return found, []
    if deploys:
        said = f"Say in the workflow promote on which stage {posixpath.basename(pipelines.DEPLOY)} starts: deliver."
        return found, [Todo(said, f"{DOCS}/deploying.md")]
    return found, [Todo("A deployment: a workflow deploy.yml that the tag of a stage starts.", f"{DOCS}/deploying.md")]


def _last_stage(context: SetupContext, wanted: Sequence[str]) -> str | None:
    """The stage that is deployed, as far as a name or the order tells; of the policy that is there if there is one."""
    data = context.tree.read(POLICY_FILE, MAX_POLICY)
    rules = [one for layer in judge_policy(data).layers for one in layer.stages.items()] if data is not None else []
    known = [stage for stage, _ in rules] if data is not None else wanted
    usual = [stage for stage in known if stage in ("prod", "production")]
    if usual or data is None:
        return usual[0] if usual else wanted[-1]
    before = {stage for _, one in rules for stage in one.get("after", ())}
    last = {stage for stage, one in rules if one.get("after") and stage not in before}
    return last.pop() if len(last) == 1 else None


def _on_gitlab(context: SetupContext) -> tuple[list[SetUpFile], list[Todo]]:
    files, what = context.files, "the pipeline: validate, plan, promote, labels-sync"
    deploy = Todo("A deployment: a job that the tag of a stage starts.", f"{DOCS}/deploying.md")
    text = pipelines.pipeline(example(f"gitlab/{name}") for name in pipelines.PIPELINES)
    own = files.read(pipelines.GITLAB_CI) if files.there(pipelines.GITLAB_CI) else None
    if own is None or pipelines.COMPONENT in own:
        return [_new(context, pipelines.GITLAB_CI, what, text)], [deploy]
    beside = _new(context, pipelines.GITLAB_CI_BESIDE, what, text)
    if pipelines.GITLAB_CI_BESIDE in own:
        return [beside], [deploy]
    add = (
        f"Add to {pipelines.GITLAB_CI}, under include: '- local: {pipelines.GITLAB_CI_BESIDE}'. Its jobs are of the "
        "stage test; where you list stages without it, give each component the input stage."
    )
    return [beside], [Todo(add), deploy]
