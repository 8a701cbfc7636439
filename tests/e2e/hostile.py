"""A repository that tries to have a command run by whatever a checkout can hold. Each command leaves a file behind."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.gitbuild import environment

#: Where the container finds the folder that must stay empty.
PWNED = "/pwned"
HOOKS = (
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout", "post-commit",
    "post-index-change", "post-merge", "post-receive", "post-rewrite", "post-update", "pre-applypatch", "pre-auto-gc",
    "pre-commit", "pre-merge-commit", "pre-push", "pre-rebase", "pre-receive", "prepare-commit-msg", "proc-receive",
    "push-to-checkout", "reference-transaction", "sendemail-validate", "update",
)  # fmt: skip
ATTRIBUTES = "* merge=evil\nm filter=evil diff=evil\nbig filter=evil-process\nartifacts.yaml filter=evil diff=evil\n"
MANIFEST = "rf: {path: m}\nlfs: {path: big}\n"


def trap(name: str) -> str:
    """A command that shows that it ran."""
    return f"touch {PWNED}/{name}"


#: What .git/config names that git runs, or that leads to a file that does.
CONFIG = f"""
[core]
    pager = "{trap("pager")}; cat"
    editor = "{trap("editor")}; false"
    askPass = {PWNED}-scripts/askpass
    alternateRefsCommand = "{trap("alternate-refs")}"
    hooksPath = hooks-of-theirs
    attributesFile = .gitattributes
[filter "evil"]
    clean = "{trap("clean")}; cat"
    smudge = "{trap("smudge")}; cat"
[filter "evil-process"]
    process = "{trap("process")}; false"
[diff]
    external = "{trap("diff-external")}; true"
[diff "evil"]
    textconv = "{trap("textconv")}; cat"
    command = "{trap("diff-command")}; true"
[merge "evil"]
    driver = "{trap("merge-driver")}; true"
[include]
    path = ../included.cfg
[includeIf "gitdir:/github/"]
    path = ../included-if.cfg
[url "ext::sh -c {trap("ext").replace(" ", "% ")};"]
    insteadOf = https://forge.invalid/
[protocol "ext"]
    allow = always
[alias]
    evil = "!{trap("alias")}"
    for-each-ref = "!{trap("alias-of-builtin")}"
    cat-file = "!{trap("alias-of-builtin")}"
[gpg "ssh"]
    program = {PWNED}-scripts/gpg
[tag]
    gpgSign = true
[commit]
    gpgSign = true
[push]
    gpgSign = if-asked
[user]
    name = Mallory
    email = mallory@example.com
    signingKey = 1234
[log]
    showSignature = true
[remote "origin"]
    url = {{origin}}
    fetch = +refs/heads/*:refs/remotes/origin/*
    uploadpack = "{trap("uploadpack")}; git-upload-pack"
    receivepack = "{trap("receivepack")}; git-receive-pack"
[uploadpack]
    packObjectsHook = "{trap("pack-objects-hook")}; git"
[submodule "s"]
    url = "ext::sh -c {trap("submodule-ext").replace(" ", "% ")}"
    update = "!{trap("submodule-update")}"
    active = true
[submodule]
    recurse = true
[fetch]
    recurseSubmodules = true
[gc]
    recentObjectsHook = "{trap("recent-objects")}"
[trailer "change"]
    command = "{trap("trailer")}"
[sequence]
    editor = "{trap("sequence-editor")}"
[interactive]
    diffFilter = "{trap("diff-filter")}; cat"
[lfs]
    url = http://127.0.0.1:9/
[lfs "customtransfer.evil"]
    path = {PWNED}-scripts/lfs
"""
#: Of how a clone reaches its remote: git's and everybody's own tools need these, so they are used where a remote is
#: asked (actions/checkout puts its ssh key there).
REACHING = f"""
[core]
    sshCommand = "{trap("ssh-command")}; false"
[credential]
    helper = "!{trap("credential-helper")}; false"
"""
PYTHON = f"import os\nos.system('{trap('python')}')\n"
SHELL = "#!/bin/sh\ntouch {}/{}\n"


def build_hostile(folder: Path, *, origin: str, reaching: bool = False) -> Path:
    """The checkout, ``folder/workspace``, with artifacts of one version, and a harmless copy in ``folder/up.git``."""
    workspace, scripts = folder / "workspace", folder / "scripts"
    scripts.mkdir(parents=True)
    for name in ("askpass", "gpg", "lfs"):
        _script(scripts / name, SHELL.format(PWNED, name))
    _git(folder, "init", "--quiet", "--template=", "--initial-branch=main", str(workspace))
    _write(workspace)
    _git(workspace, "add", "--all", "--force")
    # Git adds no submodule whose repository is not there.
    _git(workspace, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")
    _git(workspace, "commit", "--quiet", "--message", "one")
    _git(workspace, "tag", "--annotate", "--message", "Registering artifact rf version v1.0.0", "rf@v1.0.0")
    _git(workspace, "tag", "--annotate", "--message", "Registering artifact lfs version v1.0.0", "lfs@v1.0.0")
    _git(folder, "clone", "--quiet", "--bare", "--no-local", str(workspace), str(folder / "up.git"))
    config = workspace / ".git/config"
    config.write_text(config.read_text() + CONFIG.replace("{origin}", origin) + (REACHING if reaching else ""))
    (workspace / ".git/info").mkdir(exist_ok=True)
    (workspace / ".git/info/attributes").write_text(ATTRIBUTES)
    for name in HOOKS:
        _script(workspace / ".git/hooks" / name, SHELL.format(PWNED, f"hook-{name}"))
    return workspace


def _write(workspace: Path) -> None:
    """What everybody can bring: files of a commit."""
    files = {
        "artifacts.yaml": MANIFEST,
        "m": "x",
        ".gitattributes": ATTRIBUTES,
        "big": f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 5\n",
        ".lfsconfig": "[lfs]\n    url = ext::sh -c touch% /pwned/lfsconfig\n",
        ".gitmodules": '[submodule "s"]\n    path = sub\n    url = --upload-pack=touch${IFS}/pwned/gitmodules\n',
        "included.cfg": f'[core]\n    fsmonitor = "{trap("fsmonitor")}; false"\n',
        "included-if.cfg": f"[gpg]\n    program = {PWNED}-scripts/gpg\n",
        ".env": "PATH=/github/workspace\nPYTHONPATH=/github/workspace\n",
        "pip.conf": "[global]\nindex-url = http://127.0.0.1:9/\n",
        "pyvenv.cfg": "home = /github/workspace\n",
        "evil.pth": f"import os; os.system('{trap('pth')}')\n",
        "tagline/__init__.py": PYTHON,
        "tagline/cli/main.py": PYTHON,
        "botocore/__init__.py": PYTHON,
    }
    modules = (
        "sitecustomize",
        "usercustomize",
        "yaml",
        "git",
        "json",
        "argparse",
        "github",
        "gitlab",
        "encodings",
        "site",
    )
    files |= {f"{name}.py": PYTHON for name in modules}
    for name, content in files.items():
        (workspace / name).parent.mkdir(exist_ok=True)
        (workspace / name).write_text(content)
    for name in ("git", "ssh", "python3", "sh", "git-remote-https", "hooks-of-theirs/reference-transaction"):
        _script(workspace / name, SHELL.format(PWNED, f"program-{Path(name).name}"))
    for name in HOOKS:
        _script(workspace / "hooks-of-theirs" / name, SHELL.format(PWNED, f"their-{name}"))


def _script(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o755)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", folder, *arguments], check=True, env=environment(), capture_output=True)
