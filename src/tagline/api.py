"""The Python functions: ``import tagline``, then ``tagline.fetch("churn#prod", repo="https://...")``.

They run the commands of the command line, so they answer and refuse as it does. What goes wrong is a
:class:`tagline.TaglineError` with ``code``, ``message``, ``hint`` and ``exit_code``. A ``repo`` is what ``--repo`` is;
a :class:`os.PathLike` is always a folder. A ``token`` (or a function that gives one) goes to the host that ``repo``
names and nowhere else. Environment variables mean what they mean to the command line.
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, overload

from tagline import answers
from tagline.domain.text.times import seconds_of
from tagline.errors import WrongUsage
from tagline.settings import Secret, Settings
from tagline.wiring.addresses import address_of
from tagline.wiring.registry import Wiring, now

if TYPE_CHECKING:
    from tagline.commands.storage.resolve import Wanted
    from tagline.domain.ledger.superseded import IfSuperseded

#: What ``repo`` may be, and what says when.
Repo = str | os.PathLike[str] | None
Token = str | Callable[[], str] | None
Instant = str | date | datetime | None


def resolve(
    target: str,
    repo: Repo = None,
    *,
    as_of: Instant = None,
    presign: int | None = None,
    require_change: bool = False,
    if_superseded: IfSuperseded = "run",
    token: Token = None,
) -> answers.Resolved:
    """The version behind a target, and where its bytes are.

    ``target`` is ``NAME``, ``NAME@v1.2.3``, ``NAME@latest`` or ``NAME#stage``. ``presign`` is in seconds.
    ``require_change`` refuses what no merged change has promoted. ``if_superseded`` is about an answer that another tag
    has overtaken: "fail" raises Refused, "skip" answers with ``superseded`` and nothing of its bytes. Raises NotFound
    and what reading raises.
    """
    from tagline.commands.storage.resolve import resolve as run
    from tagline.render.json import documents

    wanted, wiring = _wanted(target, repo, token, as_of, require_change=require_change, if_superseded=if_superseded)
    begun = time.monotonic()
    with _closing(wiring):
        found = run(
            wiring.source(), wanted, now(), wiring.storage.context(), presign=presign,
            passed=lambda: time.monotonic() - begun,
        )  # fmt: skip
    return answers.Resolved.from_dict(documents.resolved(found))


@overload
def fetch(
    target: str,
    dest: str | os.PathLike[str] | None = None,
    repo: Repo = None,
    *,
    cache: str | os.PathLike[str] | None = None,
    force: bool = False,
    require_change: bool = False,
    if_superseded: Literal["fail", "run"] = "run",
    lock: str | os.PathLike[str] | None = None,
    token: Token = None,
) -> Path: ...
@overload
def fetch(
    target: str,
    dest: str | os.PathLike[str] | None = None,
    repo: Repo = None,
    *,
    cache: str | os.PathLike[str] | None = None,
    force: bool = False,
    require_change: bool = False,
    if_superseded: IfSuperseded,
    lock: str | os.PathLike[str] | None = None,
    token: Token = None,
) -> Path | None: ...
def fetch(
    target: str,
    dest: str | os.PathLike[str] | None = None,
    repo: Repo = None,
    *,
    cache: str | os.PathLike[str] | None = None,
    force: bool = False,
    require_change: bool = False,
    if_superseded: IfSuperseded = "run",
    lock: str | os.PathLike[str] | None = None,
    token: Token = None,
) -> Path | None:
    """Bring an artifact's bytes, verified; gives the path of the file or folder.

    Without ``dest`` it lies in this user's cache (``TAGLINE_CACHE``, at most ``TAGLINE_CACHE_LIMIT``), read-only, and
    is verified again at each call. With ``dest`` the file or folder is that path itself, and ``force`` replaces what
    an earlier fetch put there. ``cache`` is a folder of objects in DVC's layout. Where another tag has overtaken the
    one that decides, ``if_superseded`` "fail" raises Refused and "skip" gives None. With ``lock``, a file of
    ``tagline pin``, the target is one of its pins, and exactly that is brought, overtaken or not. Raises WrongBytes for
    other bytes, Conflict for a pin whose tag was replaced.
    """
    if lock is None:
        asked = _wanted(target, repo, token, require_change=require_change, if_superseded=if_superseded)
    elif if_superseded != "run":
        raise WrongUsage("A pin is taken, overtaken or not.", "Leave if_superseded out, or lock.")
    else:
        asked = _pinned(target, Path(lock), repo, token, require_change=require_change)
    return _fetch(asked, dest, cache, force=force)


@overload
def open(  # noqa: A001 - as tagline.open
    target: str,
    path: str | None = None,
    repo: Repo = None,
    mode: Literal["rb"] = "rb",
    verify: Literal["before", "late"] = "before",
    *,
    require_change: bool = False,
    token: Token = None,
) -> IO[bytes]: ...
@overload
def open(  # noqa: A001 - as tagline.open
    target: str,
    path: str | None = None,
    repo: Repo = None,
    mode: Literal["r"] = ...,
    verify: Literal["before", "late"] = "before",
    *,
    require_change: bool = False,
    token: Token = None,
) -> IO[str]: ...
def open(  # noqa: A001 - as tagline.open
    target: str,
    path: str | None = None,
    repo: Repo = None,
    mode: Literal["rb", "r"] = "rb",
    verify: Literal["before", "late"] = "before",
    *,
    require_change: bool = False,
    token: Token = None,
) -> IO[bytes] | IO[str]:
    """Open an artifact's file, or the file at ``path`` of a folder, for reading; text is UTF-8.

    ``verify="before"`` fetches the file into the cache and hands out verified bytes. ``"late"`` streams it, keeps
    nothing, and raises WrongBytes where the end shows that the bytes were others: use nothing before the end was read.
    """
    if mode not in ("rb", "r"):
        raise WrongUsage(f"An artifact is only read, and mode is {mode!r}.", 'mode is "rb" or "r".')
    if verify not in ("before", "late"):
        raise WrongUsage(f"There is no verify={verify!r}.", 'verify is "before" or "late".')
    asked = _wanted(target, repo, token, require_change=require_change)
    raw = _stream(asked, path or "") if verify == "late" else io.FileIO(_cached(asked, path or ""))
    buffered = io.BufferedReader(raw)
    return buffered if mode == "rb" else io.TextIOWrapper(buffered, encoding="utf-8")


@overload
def show(
    target: None = None, repo: Repo = None, *, as_of: Instant = None, all: bool = False, token: Token = None
) -> answers.Registry: ...
@overload
def show(
    target: str, repo: Repo = None, *, as_of: Instant = None, all: bool = False, token: Token = None
) -> answers.Registry | answers.Shown: ...
def show(
    target: str | None = None,
    repo: Repo = None,
    *,
    as_of: Instant = None,
    all: bool = False,  # noqa: A002 - as --all
    token: Token = None,
) -> answers.Registry | answers.Shown:
    """The registry; of ``NAME`` that artifact's part of it; what ``NAME@version`` or ``NAME#stage`` names now.

    ``all`` lists deprecated artifacts too. Raises NotFound.
    """
    from tagline.commands.ledger.show import show_artifact, show_registry, show_target
    from tagline.domain.ledger.targets import parse_target
    from tagline.render.json import documents

    parsed = parse_target(target) if target is not None else None
    source = _wiring(repo, parsed.artifact if parsed else None, token).source()
    then = seconds_of(as_of)
    if parsed is not None and (parsed.version or parsed.stage):
        shown = show_target(source, parsed, now(), as_of=then, deprecated=all)
        return answers.Shown.from_dict(documents.shown(shown))
    if parsed is not None:
        found = show_artifact(source, parsed.artifact, now(), as_of=then, deprecated=all)
    else:
        found = show_registry(source, now(), as_of=then, deprecated=all)
    rows = {state.name: documents.artifact(state) for state in found}
    return answers.Registry.from_dict({"artifacts": rows, "warnings": documents.warnings(found.warnings)})


@overload
def history(name: str | None = None, repo: Repo = None, *, at: None = None, token: Token = None) -> answers.History: ...
@overload
def history(name: str | None = None, repo: Repo = None, *, at: str, token: Token = None) -> answers.Holds: ...
def history(
    name: str | None = None, repo: Repo = None, *, at: str | None = None, token: Token = None
) -> answers.History | answers.Holds:
    """Every event, newest first, of all artifacts or of one; with ``at`` who held that stage, and how long."""
    from tagline.commands.ledger.history import history as events
    from tagline.commands.ledger.holds import holds
    from tagline.domain.ledger.targets import parse_target
    from tagline.render.json import documents

    parsed = parse_target(name) if name is not None else None
    if parsed is not None and (parsed.version or parsed.stage):
        raise WrongUsage(f"{name!r} is more than a name.", f"Give {parsed.artifact!r}, and a stage as at=...")
    artifact = parsed.artifact if parsed else None
    source = _wiring(repo, artifact, token).source()
    if at is not None:
        return answers.Holds.from_dict(documents.holds(holds(source, artifact, at, now(), start=None, end=None)))
    return answers.History.from_dict(documents.history(events(source, artifact, now())))


def lineage(target: str, repo: Repo = None, *, as_of: Instant = None, token: Token = None) -> answers.Lineage:
    """What is behind a version: code, data, steps, parameters, metrics; and how it differs from what stages hold."""
    from tagline.commands.lineage.lineage import trace_target
    from tagline.render.json import lineage as document

    wanted, wiring = _wanted(target, repo, token, as_of)
    with _closing(wiring):
        traced, warnings = trace_target(
            wiring.source(), wiring.lineage_source(), wiring.policy, wanted.target, now(), wanted.as_of
        )
    return answers.Lineage.from_dict(document.traced(traced, warnings))


def validate(*files: str | os.PathLike[str], repo: Repo = None, token: Token = None) -> answers.Validation:
    """Check manifests, policy, ``.gto`` and request files: those named, or all that Git tracks."""
    import json

    from tagline.commands.manifest.validate import validate as run
    from tagline.render.findings.formats import render_findings

    wiring = _wiring(repo, None, token)
    named = [wiring.repository_path(os.fspath(file)) for file in files] or None
    report = run(wiring.manifests(), named, has_registry_tags=wiring.has_registry_tags, untracked_exists=wiring.exists)
    said = render_findings(report, "json", sources=report.sources, color=False)
    return answers.Validation.from_dict(json.loads(said))


def propose(
    artifact: str,
    version: str,
    stage: str,
    repo: Repo = None,
    *,
    action: Literal["promote", "rollback"] = "promote",
    reason: str | None = None,
    ticket: str | None = None,
    dry_run: bool = False,
    forge: Literal["github", "gitlab"] | None = None,
    api_url: str | None = None,
    token: Token = None,
) -> answers.Proposed:
    """Open the change that asks for a promotion, or a rollback from ``version``; find it where it is open already.

    It merges nothing: people approve, under the rules of the policy. ``forge`` says whose ``repo`` is; in a job it is
    known. Raises NotFound and Refused for what cannot be asked, PlatformRefused where the token may not.
    """
    from tagline.commands.changes.proposing import propose as run
    from tagline.domain.delivery.proposals import KINDS, Request
    from tagline.render.json import proposals as document
    from tagline.render.markdown.proposal import proposal
    from tagline.wiring.changes import ChangeWiring
    from tagline.wiring.proposing import ProposingWiring

    if action not in KINDS:
        raise WrongUsage(f"action={action!r} is nothing that can be asked.", 'Write "promote" or "rollback".')
    wiring = _wiring(repo, artifact, token, forge, api_url, here=False)
    registry = ChangeWiring(wiring.settings, wiring.repo, forge, api_url)
    context = ProposingWiring(wiring.settings, wiring, registry).context(proposal)
    request = Request(artifact, version, stage, action, reason, ticket)
    return answers.Proposed.from_dict(document.asked(run(context, request, dry_run=dry_run)))


def _wanted(
    target: str,
    repo: Repo,
    token: Token,
    as_of: Instant = None,
    *,
    require_change: bool = False,
    if_superseded: IfSuperseded = "run",
) -> tuple[Wanted, Wiring]:
    """What is asked of the ledger, and the adapters for it."""
    from tagline.commands.storage.resolve import Wanted
    from tagline.domain.ledger.targets import parse_target

    if if_superseded not in ("fail", "skip", "run"):
        raise WrongUsage(f"if_superseded={if_superseded!r} means nothing.", 'Give "fail", "skip" or "run".')
    parsed = parse_target(target)
    return Wanted(parsed, seconds_of(as_of), require_change, if_superseded), _wiring(repo, parsed.artifact, token)


def _pinned(name: str, lock: Path, repo: Repo, token: Token, *, require_change: bool) -> tuple[Wanted, Wiring]:
    """What a lock pins, by the tag that decided then. A token needs ``repo``, which the lock must agree with."""
    from tagline.commands.storage.resolve import Wanted
    from tagline.domain.ledger.targets import parse_target
    from tagline.domain.pins.lock import pin_of
    from tagline.wiring.pins import read_pins, wiring_of_pin

    pin = pin_of(read_pins(lock), name, str(lock))
    artifact = parse_target(pin.target).artifact
    named = _wiring(repo, artifact, token) if repo is not None or token is not None else None
    wiring = wiring_of_pin(Settings.from_environ(os.environ), pin.repository, artifact, named)
    return Wanted(pin.tag, None, require_change, pin=pin), wiring


def _fetch(
    asked: tuple[Wanted, Wiring],
    dest: str | os.PathLike[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
    *,
    force: bool = False,
    only: str | None = None,
) -> Path | None:
    from tagline.commands.storage.fetch import fetch as run

    wanted, wiring = asked
    objects = Path(cache) if cache is not None else wiring.settings.objects
    place = wiring.storage.shelf(objects) if dest is None else None
    destination = place or wiring.storage.destination(os.fspath(dest or ""), objects, None)
    with _closing(wiring):
        fetched = run(
            wiring.source(), wanted, now(), wiring.storage.context(), destination,
            lambda size, files: lambda size, files: None, force=force, only=only,
        )  # fmt: skip
    if fetched.destination is None:
        return None
    return place.shelve() if place is not None else Path(fetched.destination).absolute()


def _cached(asked: tuple[Wanted, Wiring], path: str) -> Path:
    found = _fetch(asked, only=path)
    assert found is not None  # noqa: S101 - nobody asked whether it was overtaken
    return found


def _stream(asked: tuple[Wanted, Wiring], path: str) -> io.RawIOBase:
    from tagline.commands.storage.opening import stream

    wanted, wiring = asked
    with contextlib.ExitStack() as failed:
        failed.callback(wiring.storage.close)
        raw = stream(wiring.source(), wanted, now(), wiring.storage.context(), path, wiring.storage.close)
        failed.pop_all()
    return raw


@contextlib.contextmanager
def _closing(wiring: Wiring) -> Iterator[None]:
    """End the processes that read the repository."""
    try:
        yield
    finally:
        wiring.storage.close()


def _wiring(
    repo: Repo,
    artifact: str | None,
    token: Token,
    forge: str | None = None,
    api_url: str | None = None,
    *,
    here: bool = True,
) -> Wiring:
    """``here``: without ``repo`` a job's checkout is meant, else its repository on the forge."""
    settings = Settings.from_environ(os.environ)
    named = str(Path(repo).expanduser().absolute()) if isinstance(repo, os.PathLike) else repo
    if named is None and not here and settings.repository_url is not None:
        named = f"{settings.repository_url}.git"
    if token is not None:
        if address_of(named, settings, forge, api_url) is None:
            raise WrongUsage(
                "A token is for a repository that is named by its URL.",
                "Name it: repo='https://...'; a clone's own remote is asked with Git's own login.",
                code="token-without-repo",
            )
        secret = Secret((token() if callable(token) else token).strip())
        settings = replace(settings, repo_token=secret, repo_host=None)
    return Wiring(settings, repo=named, forge=forge, api_url=api_url, artifact=artifact)
