"""The pipelines that a repository gets, by what its own run already."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence

from tagline.commands.setup.context import SetupContext
from tagline.commands.setup.running import running
from tagline.domain.changes.policy import MAX_POLICY, POLICY_FILE
from tagline.domain.setup import pipelines
from tagline.domain.setup.places import DOCS, Todo
from tagline.domain.setup.results import FileState, SetUpFile
from tagline.formats.examples import example
from tagline.formats.policy import own_policy
from tagline.formats.yaml import reading as yaml


def on_github(context: SetupContext, stages: Sequence[str]) -> tuple[list[SetUpFile], list[Todo]]:
    """Workflows, a file each."""
    files, read = context.files, _reader(context)
    folder = posixpath.dirname(pipelines.DEPLOYS[0])
    here = [f"{folder}/{name}" for name in files.names(folder) if name.endswith((".yml", ".yaml"))]
    runs = {path: running(path, read, context.tree.paths) for path in here}
    deploy = next((path for path in pipelines.DEPLOYS if path in here and _starts_by_hand(read(path))), None)
    stage = _last_stage(context, stages) if deploy is not None else None
    found, todo = [], []
    for name, (path, command) in pipelines.WORKFLOWS.items():
        own = [file for file, one in runs.items() if command in one.commands]
        what = f"the workflow {name.removesuffix('.yml')}"
        if own:
            found.append(SetUpFile(own[0], FileState.THERE, what))
            continue
        names = posixpath.basename(deploy or pipelines.DEPLOYS[0])
        text = pipelines.workflow(example(f"github/{name}"), files.default_branch, stage, names)
        found.append(_new(context, path, f"{what}, for the branch {files.default_branch}", text))
        if files.there(path):
            todo.append(_other(path, command))
    if any(file.text for file in found):
        todo += _not_read([name for one in runs.values() for name in one.elsewhere])
    if deploy is None and not any(path in here for path in pipelines.DEPLOYS):
        said = "A deployment: a workflow deploy.yml that the tag of a stage starts."
        todo.append(Todo(said, f"{DOCS}/deploying.md"))
    elif deploy is None:
        said = (
            "promote starts your deployment on each new tag if it has 'workflow_dispatch' and promote says 'deliver'."
        )
        todo.append(Todo(said, f"{DOCS}/deploying.md"))
    elif stage is None:
        said = f"Say in the workflow promote on which stage {posixpath.basename(deploy)} starts: deliver."
        todo.append(Todo(said, f"{DOCS}/deploying.md"))
    return found, todo


def _reader(context: SetupContext) -> Callable[[str], bytes | None]:
    """The work tree's files, tracked or not."""

    def read(path: str) -> bytes | None:
        text = context.files.read(path)
        return None if text is None else text.encode()

    return read


def _starts_by_hand(data: bytes | None) -> bool:
    document = yaml.load(data or b"")
    return document.root is not None and pipelines.starts_by_hand(document.root.value)


def _other(path: str, command: str) -> Todo:
    """A file of ours by its name, and another by what it says."""
    return Todo(f"{path} is there and does not run {command}: add it there, or rename that file and run init again.")


def _not_read(elsewhere: Sequence[str]) -> list[Todo]:
    """What may run the same already."""
    if not elsewhere:
        return []
    names = ", ".join(dict.fromkeys(elsewhere[:3]))
    return [
        Todo(f"Your pipelines call {names}, which was not read: if it runs Tagline already, leave out the new files.")
    ]


def _new(context: SetupContext, path: str, what: str, text: str) -> SetUpFile:
    if context.files.there(path):
        return SetUpFile(path, FileState.THERE, what)
    return SetUpFile(path, FileState.MISSING, what, text)


def _last_stage(context: SetupContext, wanted: Sequence[str]) -> str | None:
    """The stage that is deployed, as far as a name or the order tells; of the policy that is there if there is one."""
    data = context.tree.read(POLICY_FILE, MAX_POLICY)
    rules = [one for layer in own_policy(data).layers for one in layer.stages.items()] if data is not None else []
    known = [stage for stage, _ in rules] if data is not None else wanted
    usual = [stage for stage in known if stage in ("prod", "production")]
    if usual or data is None:
        return usual[0] if usual else wanted[-1]
    before = {stage for _, one in rules for stage in one.get("after", ())}
    last = {stage for stage, one in rules if one.get("after") and stage not in before}
    return last.pop() if len(last) == 1 else None


def on_gitlab(context: SetupContext) -> tuple[list[SetUpFile], list[Todo]]:
    """One pipeline of what is missing: the project's own, or a file that it has to include."""
    files, read = context.files, _reader(context)
    todo = [Todo("A deployment: a job that the tag of a stage starts.", f"{DOCS}/deploying.md")]
    own = files.there(pipelines.GITLAB_CI)
    is_run = running(pipelines.GITLAB_CI, read, context.tree.paths)
    beside = running(pipelines.GITLAB_CI_BESIDE, read, context.tree.paths).commands
    missing = [
        name for name, (_, command) in pipelines.WORKFLOWS.items() if command not in is_run.commands | beside
    ]  # fmt: skip
    named = ", ".join(one for name in missing or pipelines.WORKFLOWS for one in pipelines.COMPONENTS[name])
    what = f"the pipeline: {named}"
    place = pipelines.GITLAB_CI_BESIDE if own and (missing or beside - is_run.commands) else pipelines.GITLAB_CI
    if not missing:
        made = SetUpFile(place, FileState.THERE, what)
    else:
        text = pipelines.pipeline(example(f"gitlab/{name}") for name in missing)
        made = _new(context, place, what, text)
        if made.state is FileState.THERE:
            todo.insert(0, _other(place, pipelines.WORKFLOWS[missing[0]][1]))
    if made.text is not None:
        todo += _not_read(is_run.elsewhere)
    if place == pipelines.GITLAB_CI_BESIDE and place not in is_run.files:
        add = (
            f"Add to {pipelines.GITLAB_CI}, under include: '- local: {place}'. Its jobs are of the "
            "stages test and deploy; where you list stages without them, give each component the input stage."
        )
        todo.insert(0, Todo(add))
    return [made], todo
