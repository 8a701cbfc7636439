"""``tagline init``: look at a repository, write what it needs and has not, say what is left to people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tagline.commands.manifest.gto_file import understood_gto
from tagline.commands.setup.context import SetupContext
from tagline.commands.setup.describing import manifest_of
from tagline.commands.setup.drafts import policy_text, with_file
from tagline.commands.setup.old_tags import read_old_tags
from tagline.commands.setup.pipelines import on_github, on_gitlab
from tagline.domain.changes.policy import POLICY_FILE
from tagline.domain.ledger.tags import is_name
from tagline.domain.manifest.gto_config import GTO_CONFIG, GtoConfig
from tagline.domain.manifest.manifest import MANIFEST
from tagline.domain.setup.places import Forge, Todo, todos
from tagline.domain.setup.results import FileState, OldTags, SetUp, SetUpFile
from tagline.domain.text.similar import listed
from tagline.errors import WrongUsage
from tagline.ports.setup import NewFiles

_MAX_CONFIG = 1024 * 1024


def init(context: SetupContext, forge: Forge, stages: Sequence[str]) -> SetUp:
    """Write what is missing. ``stages`` are those of a new policy; none: what ``.gto`` or the tags have.

    Raises WrongUsage for stages that are none or that ``.gto`` does not allow, and for links in the way.
    """
    context = _with_untracked(context)
    old, warnings = read_old_tags(context.source, context.now)
    gto = understood_gto(context.tree)
    wanted = _stages(stages, gto, old)
    manifest, made, todo = manifest_of(context, gto, old)
    files = [*manifest, _policy(context, wanted, old)]
    more, by_hand = on_github(context, wanted) if forge == "github" else on_gitlab(context)
    files += more
    todo += by_hand
    s3 = b"s3://" in (context.tree.read(".dvc/config", _MAX_CONFIG) or b"")
    todo += todos(forge, context.home, s3=s3)
    written = tuple(file if context.dry_run else _written(context.files, file) for file in files)
    new = [file.path for file in written if file.state is not FileState.THERE]
    if new:
        todo[:0] = _to_add(new, context.files.ignored(new))
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


def _with_untracked(context: SetupContext) -> SetupContext:
    """The same, with what an earlier run wrote and nobody has added to Git yet."""
    tree = context.tree
    for path in (MANIFEST, POLICY_FILE, GTO_CONFIG):
        if not tree.objects([path]) and context.files.there(path):
            tree = with_file(tree, path, (context.files.read(path) or "").encode())
    return replace(context, tree=tree)


def _to_add(new: Sequence[str], ignored: Sequence[str]) -> list[Todo]:
    """How the new files get into Git, which does not take those that it ignores."""
    plain = [path for path in new if path not in ignored]
    found = [Todo(f"Look at the new files, then propose them: git add {' '.join(plain)}")] if plain else []
    if ignored:
        found.append(Todo(f"A .gitignore names some of them: git add --force {' '.join(ignored)}"))
    return found


def _policy(context: SetupContext, stages: Sequence[str], old: OldTags) -> SetUpFile:
    others = [stage for stage in old.stages if stage not in stages]
    if context.files.there(POLICY_FILE):
        return SetUpFile(POLICY_FILE, FileState.THERE, "the policy")
    what = f"the policy: {', '.join(stages)}"
    return SetUpFile(POLICY_FILE, FileState.MISSING, what, policy_text(stages, others))
