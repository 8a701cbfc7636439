"""What the commands about pins are asked, and how they answer: pin, outdated, and the pin that ``fetch`` takes."""

from __future__ import annotations

from tagline.cli.arguments import Parser, ask_repository

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from tagline.commands.pins.pins import Registry
    from tagline.domain.ledger.events import Warn
    from tagline.domain.pins.lock import Pin
    from tagline.domain.pins.looked import Looked
    from tagline.settings import Settings
    from tagline.wiring.registry import Wiring

    Pins = dict[str, Pin]

#: Also of domain/pins/lock, which a help text does not import.
_LOCK_FILE = "tagline.lock"


def ask_file(sub: Parser) -> None:
    """Which lock file."""
    sub.add_argument("--file", metavar="FILE", default=_LOCK_FILE, help=f"the lock file (default: {_LOCK_FILE})")


def ask_pin(sub: Parser) -> None:
    """The options of ``pin``."""
    sub.add_argument(
        "target", nargs="?", metavar="TARGET", help="what to pin; with --update the name of one pin (default: all)"
    )
    sub.add_argument("--update", action="store_true", help="pin anew what the targets name now")
    sub.add_argument("--as", dest="name", metavar="NAME", help="what the pin is called (default: the artifact's name)")
    ask_file(sub)
    sub.add_argument("--dry-run", action="store_true", help="say what would be pinned, write nothing")
    ask_repository(sub)


def ask_outdated(sub: Parser) -> None:
    """The options of ``outdated``."""
    ask_file(sub)
    ask_repository(sub)


def run_pin(chosen: argparse.Namespace, settings: Settings) -> int:
    """``pin``."""
    from pathlib import Path

    from tagline.cli.presenter import Presenter
    from tagline.domain.pins.lock import write_lock
    from tagline.errors import WrongUsage
    from tagline.render.json import pins as documents
    from tagline.render.terminal import pins as terminal
    from tagline.wiring.runner import write_answer

    file = Path(chosen.file)
    before = _read(file, missing_is_fine=not chosen.update)
    if chosen.update and chosen.name is not None:
        raise WrongUsage("--as names a new pin, and --update an old one.", "Give one of them.")
    after, warnings = _updated(chosen, settings, before) if chosen.update else _pinned(chosen, settings, before)
    changed = [name for name in sorted(after) if after[name] != before.get(name)]
    if changed and not chosen.dry_run:
        write_answer(file, write_lock(after))
    presenter = Presenter(chosen, settings)
    document = documents.pinned(after, before, changed, chosen.file, chosen.dry_run, warnings)
    presenter.say(document, terminal.pinned(after, before, changed, chosen.file, presenter.pen), warnings)
    return 0


def run_outdated(chosen: argparse.Namespace, settings: Settings) -> int:
    """``outdated``: 0 nothing moved, 1 something moved, 6 a pin is gone."""
    from pathlib import Path

    from tagline.cli.presenter import Presenter
    from tagline.errors import Exit
    from tagline.render.json import pins as documents
    from tagline.render.terminal import pins as terminal

    looked = _look(chosen, settings, _read(Path(chosen.file)))
    presenter = Presenter(chosen, settings)
    presenter.say(documents.outdated(looked), terminal.outdated(looked, presenter.pen), [])
    states = {one.state for one in looked}
    return Exit.NOT_FOUND if "gone" in states else Exit.FINDINGS if "moved" in states else Exit.DONE


def locked(chosen: argparse.Namespace, settings: Settings) -> tuple[Pin, Wiring]:
    """The pin that ``fetch --locked`` names, and the adapters for its repository."""
    from pathlib import Path

    from tagline.domain.ledger.targets import parse_target
    from tagline.domain.pins.lock import pin_of
    from tagline.errors import WrongUsage

    if not chosen.target:
        raise WrongUsage("--locked says no pin.", "Name one: tagline fetch --locked NAME -o DEST")
    found = pin_of(_read(Path(chosen.file)), chosen.target, chosen.file)
    return found, _wiring(chosen, settings, found.repository, parse_target(found.target).artifact)


def _pinned(chosen: argparse.Namespace, settings: Settings, before: Pins) -> tuple[Pins, list[Warn]]:
    from tagline.cli.shared import wiring_of
    from tagline.commands.pins.pins import Registry, pin
    from tagline.domain.ledger.targets import parse_target
    from tagline.errors import WrongUsage
    from tagline.wiring.registry import now

    if not chosen.target:
        raise WrongUsage("Nothing was named to be pinned.", "Write: tagline pin NAME#stage --repo URL")
    target = parse_target(chosen.target)
    wiring = wiring_of(chosen, settings, target.artifact)
    if wiring.address is None:
        raise WrongUsage(
            "A pin names a repository by its URL, so that others find it too.",
            "Add --repo URL, or --repo owner/name in a job of the same forge.",
            code="no-repository",
        )
    registry = Registry(wiring.source(), wiring.storage.context())
    found, warnings = pin(registry, target, wiring.address, now())
    return {**before, chosen.name or target.artifact: found}, warnings


def _updated(chosen: argparse.Namespace, settings: Settings, before: Pins) -> tuple[Pins, list[Warn]]:
    from tagline.domain.pins.lock import pin_of
    from tagline.errors import NotFound

    asked = before if not chosen.target else {chosen.target: pin_of(before, chosen.target, chosen.file)}
    after = dict(before)
    for one in _look(chosen, settings, asked):
        if one.now is None:
            raise NotFound(
                f"{one.name}: {one.why}", "Pin another version, or take it out of the lock.", code="pin-gone"
            )
        if one.state == "moved":
            after[one.name] = one.now
    return after, []


def _look(chosen: argparse.Namespace, settings: Settings, pins: Pins) -> list[Looked]:
    from tagline.commands.pins.pins import Registry, look_at_pins
    from tagline.wiring.registry import now

    def open_registry(repository: str, artifact: str) -> Registry:
        wiring = _wiring(chosen, settings, repository, artifact)
        return Registry(wiring.source(), wiring.storage.context())

    return look_at_pins(pins, open_registry, now())


def _wiring(chosen: argparse.Namespace, settings: Settings, repository: str, artifact: str) -> Wiring:
    """The adapters for a pin's repository: a lock introduces no host that gets a token, ``--repo`` does."""
    from tagline.cli.shared import wiring_of
    from tagline.errors import WrongUsage
    from tagline.wiring.registry import Wiring

    if chosen.repo is None:
        return Wiring(settings, repo=repository, artifact=artifact, named_by="content")
    named = wiring_of(chosen, settings, artifact)
    if named.address != repository:
        raise WrongUsage(
            f"The pin is of {repository}, and --repo names {named.address or chosen.repo}.",
            "Leave --repo out, or pin from there: tagline pin",
            code="other-repository",
        )
    return named


def _read(file: Path, *, missing_is_fine: bool = False) -> Pins:
    """The pins of a lock file. Raises NotFound where there is none, WrongUsage for what is no lock."""
    from tagline.domain.pins.lock import MAX_LOCK, read_lock
    from tagline.errors import NotFound, WrongUsage

    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_LOCK + 1)
    except FileNotFoundError as error:
        if missing_is_fine:
            return {}
        raise NotFound(f"There is no {file}.", "Make it: tagline pin NAME#stage --repo URL", code="no-lock") from error
    except OSError as error:
        raise WrongUsage(f"{file} cannot be read: {error.strerror}.", "Name the lock: --file FILE") from error
    if len(data) > MAX_LOCK:
        raise WrongUsage(f"{file} has more than {MAX_LOCK:,} bytes.", "Name the lock: --file FILE", code="bad-lock")
    return read_lock(data, str(file))
