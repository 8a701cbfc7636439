"""What the object stores share: reading DVC's options, whom to trust with them, threads, pieces.

A remote's options are text from a file. Those that the repository set come from a stranger, so an option
that names a file which is read, sent or may run programs counts only from this machine's configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shlex import quote
from typing import TypeVar

from tagline.domain.storage.objects import Facts, Key, Remote
from tagline.errors import ObjectMissing, WrongUsage

A = TypeVar("A")
B = TypeVar("B")

#: Bytes: how much is handed on at a time. Threads that hash and write change places once a piece.
PIECE = 4 << 20


def flag(remote: Remote, name: str, default: bool = False) -> bool:
    """An option that is ``true`` or ``false``. Raises WrongUsage for anything else."""
    text = remote.options.get(name)
    if text is None:
        return default
    if text.lower() not in ("true", "false"):
        raise _bad_option(remote, name, "true or false", "true")
    return text.lower() == "true"


def number(remote: Remote, name: str, default: float) -> float:
    """An option that is a number, such as seconds. Raises WrongUsage for anything else."""
    text = remote.options.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise _bad_option(remote, name, "a number above 0", "60")
    return value


def ssl_verify(remote: Remote) -> bool | str | None:
    """Whether TLS certificates are checked, or the file of those to trust; None where the remote does not say."""
    text = remote.options.get("ssl_verify")
    if text is None:
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return str(Path(text).expanduser())


def refuse_untrusted(remote: Remote, names: Iterable[str], otherwise: str = "") -> None:
    """Raise WrongUsage where the repository, and not this machine, set one of these options."""
    for name in names:
        if name in remote.options and name not in remote.own:
            raise WrongUsage(
                f"The repository sets {name} of the DVC remote {remote.name!r}. It names something of this "
                "machine, so it counts only from this machine's own configuration.",
                f"Set it in .dvc/config.local: dvc remote modify --local {quote(remote.name)} {name} PATH"
                + (f", {otherwise}" if otherwise else ""),
                code="untrusted-option",
            )


def below(root: str, key: Key, uri: str) -> str:
    """The path of a key below a store's root. Raises ObjectMissing for one that would lead out of it."""
    if any(part in ("..", ".") for part in key.path.split("/")) or "\0" in key.path or not key.path:
        raise missing(uri, "Its path leads out of the store, so it names no object of it.")
    return f"{root}/{key.path}" if root else key.path


def missing(uri: str, because: str = "") -> ObjectMissing:
    """The error for an object that a store does not have."""
    return ObjectMissing(
        f"There is no object {uri}.{' ' if because else ''}{because}",
        "Run dvc push where the file was made, or check that the pointer and the remote belong together.",
    )


def no_versions(uri: str) -> ObjectMissing:
    """The error for a version asked of a store that keeps none."""
    return missing(uri, "The pointer names a version of it, and this store keeps no versions.")


def in_threads(act: Callable[[A], B], things: Collection[A], streams: int) -> list[B]:
    """``act`` on everything, ``streams`` at a time, in order. The first failure ends it and is raised."""
    if len(things) < 2:
        return [act(thing) for thing in things]
    with ThreadPoolExecutor(min(streams, len(things)), thread_name_prefix="store") as pool:
        waiting = [pool.submit(act, thing) for thing in things]
        try:
            return [future.result() for future in waiting]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def look_at_each(look: Callable[[Key], Facts], keys: Collection[Key], streams: int) -> dict[Key, Facts]:
    """The facts of those objects that are there, by one look each, ``streams`` at a time."""

    def look_or_none(key: Key) -> Facts | None:
        try:
            return look(key)
        except ObjectMissing:
            return None

    wanted = list(dict.fromkeys(keys))
    looked = zip(wanted, in_threads(look_or_none, wanted, streams), strict=True)
    return {key: facts for key, facts in looked if facts is not None}


def cut(pieces: Iterable[bytes], skip: int, length: int | None) -> Iterator[bytes]:
    """Pieces without their first ``skip`` bytes, and no more than ``length`` bytes of them."""
    left = length
    for piece in pieces:
        kept = piece[skip:] if skip else piece
        skip -= min(skip, len(piece))
        if left is not None:
            kept = kept[:left]
            left -= len(kept)
        if kept:
            yield kept
        if left == 0:
            return


def _bad_option(remote: Remote, name: str, wanted: str, example: str) -> WrongUsage:
    return WrongUsage(
        f"The option {name} of the DVC remote {remote.name!r} is not {wanted}.",
        f"Set it right: dvc remote modify {quote(remote.name)} {name} {example}",
        code="bad-option",
    )
