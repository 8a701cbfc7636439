"""Pushes: new refs and moved ones, all or nothing; and a push that does nothing, to hear what a remote has."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tagline.adapters.git.repository import GitRepository
from tagline.adapters.git.running import Git, Result
from tagline.adapters.git.tags import TAGS
from tagline.adapters.git.urls import RemoteUrl
from tagline.adapters.scratch import temporary

#: Git would have to send what is not here.
_LACKING_RE = re.compile(
    r"pack-objects died|unable to (read|parse) |could not read [0-9a-f]{40}|bad (tree )?object|failed to traverse|"
    r"revision walk setup failed|missing (blob|tree|commit)",
    re.I,
)


@contextlib.contextmanager
def outbox(sources: Sequence[GitRepository], like: str, remote: RemoteUrl) -> Iterator[Git]:
    """A repository for one push to a remote: new objects land in it, those of ``sources`` are visible.

    ``like`` is the id of one of their objects. It knows of nobody who has what a source leaves out: git would ask the
    remote for folders of every branch that it happens to know, only to see that they need not be sent.
    """
    with temporary("tagline-push-") as place:
        objects = place / "objects"
        for inner in (objects / "info", place / "refs"):
            inner.mkdir(parents=True)
        (place / "HEAD").write_text("ref: refs/heads/main\n")
        algorithm = "\tobjectFormat = sha256\n" if len(like) == 64 else ""
        (place / "config").write_text(
            f"[core]\n\trepositoryFormatVersion = 1\n\tbare = true\n[extensions]\n{algorithm}"
        )
        folders = dict.fromkeys(source.place.common_dir.absolute() / "objects" for source in sources)
        (objects / "info" / "alternates").write_text("".join(f"{path}\n" for path in folders))
        yield Git(place, remote.everything, moved=remote.moved)


def push_out(box: Git, partial: Git, url: str, tags: Mapping[str, str], moved: Mapping[str, tuple[str, str]]) -> Result:
    """Push what an outbox holds. ``partial`` is a cached repository, which can bring what it leaves out.

    That is needed where a commit is tagged that nothing here shows to be on the remote: git sends it, with its files.
    """
    result = push(box, url, tags, moved)
    if result.status != 0 and _LACKING_RE.search(result.stderr):
        return push(within(partial, box), url, tags, moved)
    return result


def within(repository: Git, box: Git, more: Iterable[tuple[str, str]] = ()) -> Git:
    """git in a repository, with its own configuration, which sees what an outbox holds."""
    environment = {"GIT_OBJECT_DIRECTORY": str(box.directory / "objects")}
    return Git(repository.directory, [*repository.config, *more], environment, box.moved)


def push(git: Git, url: str, tags: Mapping[str, str], moved: Mapping[str, tuple[str, str]]) -> Result:
    """Push new tags, and refs that are ``moved`` from where they were seen to where they are to be."""
    refspecs = [f"{object_id}:refs/tags/{name}" for name, object_id in tags.items()]
    leases = [f"--force-with-lease={ref}:{before}" for ref, (before, _) in moved.items()]
    refspecs += [f"{after}:{ref}" for ref, (_, after) in moved.items()]
    return git.run(
        "push", "--atomic", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--no-thin",
        "--recurse-submodules=no", *leases, "--end-of-options", url, *refspecs,
        check=False,
    )  # fmt: skip


def held(git: Git, remote: RemoteUrl, names: Sequence[str]) -> list[str]:
    """Those of some tags that a remote has where it takes pushes, whatever its lists show; none if it takes none of us.

    By a dry run that would delete them if they were not there: what is there is refused as "stale info".
    """
    refs = [f"{TAGS}{name}" for name in names]
    leases = [f"--force-with-lease={ref}:" for ref in refs]
    result = Git(git.directory, [*git.config, *remote.config], moved=remote.moved).run(
        "push", "--dry-run", "--porcelain", "--no-verify", *leases, "--end-of-options", remote.url,
        *(f":{ref}" for ref in refs), check=False,
    )  # fmt: skip
    lines = [line.split("\t") for line in result.stdout.decode(errors="surrogateescape").splitlines()]
    stale = {fields[1].rpartition(":")[2] for fields in lines if fields[0] == "!" and "stale info" in fields[-1]}
    return [name for name, ref in zip(names, refs, strict=True) if ref in stale]
