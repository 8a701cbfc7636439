"""What a step of CI can be asked: each input's name, its variable, and the option of the command line that it is.

``action.yml`` and the components of ``gitlab-ci/`` hand their inputs over in these variables, and both call
``tagline ci``. One table, so that the faces, the documents and the command line cannot drift apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from tagline.cli.arguments import LINEAGE_FORMATS
from tagline.cli.commands import BY_STEP, STEPS
from tagline.errors import WrongUsage

_BYTES = ("resolve", "fetch")
_CHANGES = ("plan", "promote")
#: What others read on a change.
_TOLD = ("reason", "ticket")
_SHORTEST_SECRET = 6
_SECRET_RE = re.compile("TOKEN|PASSW|SECRET|KEY|JWT|CREDENTIAL")
_RANDOM_RE = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[^\s/:]{16,}")
_TRUE, _FALSE = ("true", "1", "yes", "on"), ("", "false", "0", "no", "off")


class Input(NamedTuple):
    """One input. ``option`` is what it becomes on the command line.

    An option of the command line, ``""`` for an argument without one, None for what is read as a setting.
    ``commands`` are those that know it; ``needed`` those that cannot do without.
    """

    name: str
    help: str
    option: str | None = None
    commands: tuple[str, ...] = STEPS
    kind: Literal["text", "flag", "lines"] = "text"
    needed: tuple[str, ...] = ()
    #: Only GitHub's action, or only GitLab's components, have it.
    only: Literal["github", "gitlab"] | None = None

    @property
    def variable(self) -> str:
        """The environment's name of it."""
        return _VARIABLES.get(self.name, f"TAGLINE_{self.name.upper().replace('-', '_')}")


_OF_A_FORM = "TAGLINE_PROPOSE_"
#: What a form says that nobody has filled in: GitLab's older servers let no empty text pass a regex.
_NOTHING = "-"
#: Where the variable has another name than the input.
_VARIABLES = {
    "cache": "TAGLINE_OBJECTS",
    "digest": "TAGLINE_DEPLOYED_DIGEST",
    # In a form of GitLab's they are variables of the whole pipeline: named so that no other job takes them for its own.
    **{name: f"{_OF_A_FORM}{name.upper()}" for name in ("artifact", "version", "action", "reason", "ticket")},
    "registry-stage": f"{_OF_A_FORM}STAGE",
}

INPUTS = (
    Input("command", f"What to do: {', '.join(STEPS)}.", needed=STEPS),
    Input(
        "target",
        "NAME (its latest version), NAME@v1.2.3, NAME@latest or NAME#stage; for check-ref a tag, for deployed "
        "NAME#stage or its tag; the name of a pin with locked and update. Empty: this job's tag; all pins.",
        "", (*_BYTES, "lineage", "check-ref", "deployed", "pin"),
    ),
    Input("repo", "The repository: owner/name on this forge, any Git URL, or a folder. Empty: this one.", "--repo"),
    Input("repo-token", "The token for `repo`; without one this job's own is used, on its own forge."),
    Input("repo-forge", "Whose `repo` is: github, gitlab, or git for a plain server.", "--repo-forge"),
    Input("repo-api-url", "Where the API of `repo`'s forge is.", "--repo-api-url"),
    Input("files", "Files to check, one a line. Empty: all that Git tracks.", "", ("validate",), "lines"),
    Input(
        "check-storage", "Look at every object too: is it there, is it right.", "--check-storage", ("validate",), "flag"
    ),
    Input(
        "check-mlflow", "Ask MLflow about every run that a manifest names.", "--check-mlflow", ("validate",), "flag"
    ),
    Input("change", "The number of the pull or merge request. Empty: this job's.", "--change", (*_CHANGES, "lineage")),
    Input("open", "Every open change: for schedules.", "--open", ("plan",), "flag"),
    Input("dry-run", "Say what would be done; write, comment and set nothing.", "--dry-run",
          (*_CHANGES, "labels-sync", "deployed", "pin", "propose"), "flag"),
    Input("per-artifact", "Also labels that name an artifact: at most 100 in all.", "--per-artifact", ("labels-sync",),
          "flag"),
    Input(
        "deliver",
        "A workflow's file, such as deploy.yml, to start on each new stage tag by workflow_dispatch: tags that "
        "github.token pushes start nothing. After the file a pattern of tags may stand; one a line.",
        "--deliver", ("promote",), "lines", only="github",
    ),
    Input(
        "dest",
        "The file or folder that the artifact becomes, or a folder/ that it goes into; of lineage the file that takes "
        "it.",
        "--output", ("fetch", "lineage"), needed=("fetch",),
    ),
    Input("format", f"What lineage is written as: {', '.join(LINEAGE_FORMATS)}.", "--format", ("lineage",)),
    Input(
        "force", "Replace the file at `dest`, or the folder that an earlier fetch made.", "--force", ("fetch",), "flag",
    ),
    Input("locked", "The target is a pin of the lock file: exactly that version and its bytes, or nothing.", "--locked",
          ("fetch",), "flag"),
    Input("update", "Pin anew what the targets name now: the lock file is written.", "--update", ("pin",), "flag"),
    Input(
        "propose",
        "Update by a pull or merge request that is opened once and kept up to date. The lock is the default branch's.",
        "--propose", ("pin",), "flag",
    ),
    Input("branch", "The branch of that request. Empty: tagline/update-models, or one of its own for a target.",
          "--branch", ("pin",)),
    Input("lock-file", "The lock file. Empty: tagline.lock.", "--file", ("fetch", "pin")),
    Input("cache", "A folder that keeps fetched objects between runs.", commands=("fetch",)),
    Input("as-of", "As the registry was then: an instant with its zone, or a date: midnight UTC.", "--as-of",
          (*_BYTES, "lineage")),
    Input("presign", "Also a URL that reads the object for so many seconds.", "--presign", ("resolve",)),
    Input(
        "require-change",
        "Refuse a tag whose message names no change: against mistakes, not against people who may push tags.",
        "--require-change", _BYTES, "flag",
    ),
    Input(
        "if-superseded",
        "Where another tag has overtaken the one that decides: fail, skip (hand nothing over) or run. Empty: run. It "
        "means nothing with as-of and locked.",
        "--if-superseded", _BYTES,
    ),
    Input("artifact", "What is asked about.", "", ("propose",), needed=("propose",)),
    Input(
        "version", "v1.2.3 or latest; for a rollback the version that the stage is taken from.", "", ("propose",),
        needed=("propose",),
    ),
    Input("registry-stage", "The stage of the artifact.", "", ("propose",), needed=("propose",)),
    Input("action", "promote, or rollback: give the stage back to the version before. Empty: promote.", "--action",
          ("propose",)),
    Input("reason", "Why, for people and for the tag.", "--reason", ("propose",)),
    Input("ticket", "The ticket that this is about, where the policy wants one.", "--ticket", ("propose",)),
    Input("state", "How far the deployment is: in_progress, success or failure.", "--state", ("deployed",),
          needed=("deployed",)),
    Input(
        "digest",
        "What was deployed: digest or sha256 of fetch. One that the ledger does not know is refused. Empty: the "
        "ledger's own.",
        "--digest", ("deployed",),
    ),
    Input("url", "Where it is deployed, for people.", "--url", ("deployed",)),
    Input("record", "On success also a record by the SHA-256 (artifact-metadata: write).", "--record", ("deployed",),
          "flag", only="github"),
    Input("no-storage", "Ask no store: answer from Git alone.", "--no-storage", ("resolve",), "flag"),
    Input("fix", "First make missing labels and fetch missing tags; no more.", "--fix", ("doctor",), "flag"),
    Input("token", "The token for this job's repository."),
    Input(
        "job-token",
        "Leave it as it is. By it Tagline knows whether `token` is github.token, whose pushes start no workflow: then "
        "all tags of a change go in one push, else at most three, or GitHub would start nothing.",
        commands=("promote",), only="github",
    ),
    Input("identity", "Whose comments are ours, where the token cannot tell: my-app[bot].", commands=_CHANGES),
    Input("dotenv-prefix", "What the names in the dotenv report begin with.", only="gitlab"),
    Input("aws-role", "The AWS role to assume with this job's ID token.", only="gitlab"),
)  # fmt: skip


def of_action(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a step of GitHub's action, in which its inputs win.

    The runner passes inputs as ``INPUT_NAME`` (hyphens stay), and lets what a workflow's ``env`` has under our own
    names be: whoever writes ``with: {token: ...}`` shall not get another one.
    """
    result = dict(environ)
    if "INPUT_COMMAND" in environ:
        for each in INPUTS:
            if each.only != "gitlab":
                result[each.variable] = environ.get(f"INPUT_{each.name.upper()}", "")
    return result


def command_of(named: str | None, environ: Mapping[str, str]) -> str:
    """The command that is asked for: the one that is named wins over the one in ``environ``."""
    return named or environ.get("TAGLINE_COMMAND", "").strip()


def command_line(command: str | None, environ: Mapping[str, str]) -> list[str]:
    """The arguments that the inputs in ``environ`` mean; ``command`` wins over the one that stands there.

    Raises WrongUsage for a command that is none, an input that is missing, not to be read, or means nothing to
    the command: nobody shall believe that it had an effect.
    """
    chosen = command_of(command, environ)
    if chosen not in STEPS:
        said = f"{chosen!r} is no command of a CI step." if chosen else "No command was given."
        raise WrongUsage(said, f"Set the input command to one of: {', '.join(STEPS)}.", code="no-command")
    given = [(each, _said(each, environ, chosen)) for each in INPUTS]
    for each, value in given:
        _check(each, value, chosen)
        if each.name in _TOLD:
            _check_secret(each, value, environ)
    # Options with '=' and arguments after '--': a value that begins with '-' stays a value.
    options = [text for each, value in given if each.option for text in _option(each, value)]
    rest = [text for each, value in given if each.option == "" for text in _lines(each, value)]
    line = [*BY_STEP[chosen].line, *options]
    return [*line, "--", *rest] if rest else line


def _said(each: Input, environ: Mapping[str, str], command: str) -> str:
    """What an input says; of a form that was filled in for another job of the pipeline nothing."""
    said = environ.get(each.variable, "").strip()
    of_form = each.variable.startswith(_OF_A_FORM) and "INPUT_COMMAND" not in environ
    return "" if of_form and (said == _NOTHING or command not in each.commands) else said


def _check_secret(each: Input, value: str, environ: Mapping[str, str]) -> None:
    """Raises WrongUsage where a text has a secret of the job in it.

    GitLab expands what somebody writes into a form as ``$NAME``, and many people read the change.
    """
    for name, said in environ.items():
        if said in value and not name.startswith(_OF_A_FORM) and _is_secret(name, said):
            raise WrongUsage(
                f"The input {each.name} has in it what the variable {name} says.",
                "Many people read it. Write it without variables ($NAME).",
                code="secret-in-input",
            )


def _is_secret(name: str, said: str) -> bool:
    """Whether a variable is a secret, by its name, or by its value where people named it."""
    if len(said) < _SHORTEST_SECRET:
        return False
    ours = not name.startswith(("CI_", "GITLAB_", "GITHUB_", "RUNNER_", "INPUT_"))
    return _SECRET_RE.search(name) is not None or (ours and _RANDOM_RE.fullmatch(said) is not None)


def _check(each: Input, value: str, command: str) -> None:
    if not value and command in each.needed and each.name != "command":
        raise WrongUsage(f"{command} needs the input {each.name}.", f"It is: {each.help}", code="input-missing")
    set_ = _flag(each, value) if each.kind == "flag" else bool(value)
    if set_ and each.option is not None and command not in each.commands:
        raise WrongUsage(
            f"The input {each.name} means nothing to {command}.",
            f"Leave it out ({each.variable}); it is for {' and '.join(each.commands)}.",
            code="input-unused",
        )


def _option(each: Input, value: str) -> Iterable[str]:
    if each.kind == "flag":
        return [each.option or ""] if _flag(each, value) else []
    return [f"{each.option}={text}" for text in _lines(each, value)]


def _lines(each: Input, value: str) -> list[str]:
    lines = value.splitlines() if each.kind == "lines" else [value]
    return [line.strip() for line in lines if line.strip()]


def _flag(each: Input, value: str) -> bool:
    text = value.casefold()
    if text not in (*_TRUE, *_FALSE):
        raise WrongUsage(
            f"The input {each.name} is {value!r}, which is neither true nor false.", "Write true or false.",
            code="bad-input",
        )  # fmt: skip
    return text in _TRUE
