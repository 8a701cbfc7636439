"""What the commands about pins are asked, and how they answer: pin, outdated, and the pin that ``fetch`` takes."""

from __future__ import annotations

from tagline.cli.arguments import Parser, ask_repository

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from tagline.commands.pins.pins import Open
    from tagline.domain.changes.pages import Pages
    from tagline.domain.ledger.events import Warn
    from tagline.domain.lineage.pinned import Moved
    from tagline.domain.pins.lock import Pin
    from tagline.domain.pins.looked import Looked
    from tagline.settings import Settings
    from tagline.wiring.registry import Wiring

    Pins = dict[str, Pin]

#: Also of domain/pins/lock, which a help text does not import.
LOCK_FILE = "tagline.lock"
_BRANCH = "tagline/update-models"


def ask_file(sub: Parser) -> None:
    """Which lock file."""
    sub.add_argument("--file", metavar="FILE", default=LOCK_FILE, help=f"the lock file (default: {LOCK_FILE})")


def ask_pin(sub: Parser) -> None:
    """The options of ``pin``."""
    sub.add_argument(
        "target", nargs="?", metavar="TARGET", help="what to pin; with --update the name of one pin (default: all)"
    )
    sub.add_argument("--update", action="store_true", help="pin anew what the targets name now")
    sub.add_argument("--as", dest="name", metavar="NAME", help="what the pin is called (default: the artifact's name)")
    sub.add_argument(
        "--propose", action="store_true",
        help="update by a change that is opened and kept up to date, in a job: nothing is written here",
    )  # fmt: skip
    sub.add_argument(
        "--branch", metavar="NAME",
        help=f"the branch of that change (default: {_BRANCH}, and one of its own where TARGET names one pin)",
    )  # fmt: skip
    ask_file(sub)
    sub.add_argument("--dry-run", action="store_true", help="say what would be pinned, write nothing")
    ask_repository(sub)


def ask_outdated(sub: Parser) -> None:
    """The options of ``outdated``."""
    ask_file(sub)
    sub.add_argument("--markdown", action="store_true", help="as Markdown for a reviewer, with what is behind each")
    ask_repository(sub)


def run_pin(chosen: argparse.Namespace, settings: Settings) -> int:
    """``pin``."""
    from pathlib import Path

    from tagline.cli.presenter import Presenter
    from tagline.domain.pins.lock import write_lock
    from tagline.errors import WrongUsage
    from tagline.render.json import pins as documents
    from tagline.render.terminal import pins as terminal
    from tagline.wiring.pins import read_pins
    from tagline.wiring.runner import write_answer

    updates = chosen.update or chosen.propose
    if updates and chosen.name is not None:
        raise WrongUsage("--as names a new pin, and --update an old one.", "Give one of them.")
    if chosen.propose:
        return _propose(chosen, settings)
    if chosen.branch is not None:
        raise WrongUsage("--branch is of the change that --propose opens.", "Leave it out, or add --propose.")
    file = Path(chosen.file)
    before = read_pins(file, missing_is_fine=not updates)
    after, warnings = _updated(chosen, settings, before) if updates else _pinned(chosen, settings, before)
    changed = [name for name in sorted(after) if after[name] != before.get(name)]
    if changed and not chosen.dry_run:
        write_answer(file, write_lock(after))
    presenter = Presenter(chosen, settings)
    document = documents.pinned(after, before, changed, chosen.file, chosen.dry_run, warnings)
    presenter.say(document, terminal.pinned(after, before, changed, chosen.file, presenter.pen), warnings)
    return 0


def _propose(chosen: argparse.Namespace, settings: Settings) -> int:
    """``pin --propose``: 0 whatever was done, 6 where a pin is gone."""
    from tagline.cli.presenter import Presenter
    from tagline.cli.shared import shown
    from tagline.commands.pins.updates import Text, begin, branch_of, propose
    from tagline.domain.ledger.events import Warn
    from tagline.domain.pins.looked import warnings_of
    from tagline.errors import Exit
    from tagline.render.json import pins as documents
    from tagline.render.markdown import pins as markdown
    from tagline.render.terminal import pins as terminal
    from tagline.wiring.pins import updating_of
    from tagline.wiring.registry import Wiring, now
    from tagline.wiring.runner import job_of

    own = Wiring(settings)
    branch = chosen.branch or branch_of(_BRANCH, chosen.target)
    updating = updating_of(settings, own, branch, dry_run=chosen.dry_run)
    work = begin(updating, own.repository_path(chosen.file))
    looked, after = _moved_on(chosen, settings, work.pins)
    moved = _traced(chosen, settings, looked)
    body = markdown.proposed(moved, looked, chosen.file)
    lost = [one for one in looked if one.state == "gone"]
    update = propose(
        updating, work, after, Text(markdown.title(moved), body), now(),
        dry_run=chosen.dry_run, gone=[one.name for one in lost],
    )  # fmt: skip
    presenter = Presenter(chosen, settings)
    changed = [one.looked.name for one in moved]
    gone = [Warn("pin-gone", None, f"{one.name}: {one.why}") for one in lost]
    warnings = [*warnings_of(looked), *gone]
    proposed = (update.state, update.branch, update.change)
    document = documents.pinned(after, work.pins, changed, chosen.file, chosen.dry_run, warnings, proposed)
    text = terminal.proposed(after, work.pins, changed, proposed, presenter.pen)
    presenter.say(document, f"{text}\n\n{shown(body, settings)}" if chosen.dry_run else text, warnings)
    if settings.step:
        job_of(settings).report(body)
    return Exit.NOT_FOUND if gone else Exit.DONE


def run_outdated(chosen: argparse.Namespace, settings: Settings) -> int:
    """``outdated``: 0 nothing moved, 1 something moved, 6 a pin is gone."""
    from pathlib import Path

    from tagline.cli.presenter import Presenter
    from tagline.domain.pins.looked import warnings_of
    from tagline.errors import Exit, WrongUsage
    from tagline.render.json import pins as documents
    from tagline.render.terminal import pins as terminal
    from tagline.wiring.pins import read_pins

    if chosen.json and chosen.markdown:
        raise WrongUsage("--json and --markdown contradict each other.", "Use one of them.")
    looked = _look(chosen, settings, read_pins(Path(chosen.file)))
    presenter = Presenter(chosen, settings)
    if chosen.markdown:
        from tagline.cli.shared import shown
        from tagline.render.markdown import pins as markdown

        text = shown(markdown.outdated(_traced(chosen, settings, looked), looked, chosen.file), settings)
    else:
        text = terminal.outdated(looked, presenter.pen)
    presenter.say(documents.outdated(looked), text, warnings_of(looked))
    states = {one.state for one in looked}
    return Exit.NOT_FOUND if "gone" in states else Exit.FINDINGS if "moved" in states else Exit.DONE


def locked(chosen: argparse.Namespace, settings: Settings) -> tuple[Pin, Wiring]:
    """The pin that ``fetch --locked`` names, and the adapters for its repository."""
    from pathlib import Path

    from tagline.domain.ledger.targets import parse_target
    from tagline.domain.pins.lock import pin_of
    from tagline.errors import WrongUsage
    from tagline.wiring.pins import read_pins

    if not chosen.target:
        raise WrongUsage("--locked says no pin.", "Name one: tagline fetch --locked NAME -o DEST")
    found = pin_of(read_pins(Path(chosen.file)), chosen.target, chosen.file)
    return found, _wiring(chosen, settings, found.repository, parse_target(found.target).artifact)


def _pinned(chosen: argparse.Namespace, settings: Settings, before: Pins) -> tuple[Pins, list[Warn]]:
    from tagline.cli.shared import wiring_of
    from tagline.commands.pins.pins import pin
    from tagline.domain.ledger.targets import parse_target
    from tagline.errors import WrongUsage
    from tagline.wiring.pins import registry_of
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
    found, warnings = pin(registry_of(wiring), target, wiring.address, now())
    return {**before, chosen.name or target.artifact: found}, warnings


def _updated(chosen: argparse.Namespace, settings: Settings, before: Pins) -> tuple[Pins, list[Warn]]:
    from tagline.domain.pins.looked import warnings_of
    from tagline.errors import NotFound

    looked, after = _moved_on(chosen, settings, before)
    for one in looked:
        if one.state == "gone":
            raise NotFound(
                f"{one.name}: {one.why}", "Pin another version, or take it out of the lock.", code="pin-gone"
            )
    return after, warnings_of(looked)


def _moved_on(chosen: argparse.Namespace, settings: Settings, before: Mapping[str, Pin]) -> tuple[list[Looked], Pins]:
    """What became of the pins that are asked for, and all of them with those that moved as they are now."""
    from tagline.domain.pins.lock import pin_of

    asked = before if not chosen.target else {chosen.target: pin_of(before, chosen.target, chosen.file)}
    looked = _look(chosen, settings, asked)
    return looked, {**before, **{one.name: one.now for one in looked if one.state == "moved" and one.now is not None}}


def _look(chosen: argparse.Namespace, settings: Settings, pins: Mapping[str, Pin]) -> list[Looked]:
    from tagline.commands.pins.pins import look_at_pins
    from tagline.wiring.registry import now

    return look_at_pins(pins, _opening(chosen, settings), now())


def _traced(chosen: argparse.Namespace, settings: Settings, looked: Sequence[Looked]) -> list[Moved]:
    from tagline.commands.pins.updates import trace_moved
    from tagline.wiring.pins import pages_of
    from tagline.wiring.registry import now

    def pages(repository: str) -> Pages | None:
        return pages_of(settings, repository, chosen.repo_forge)

    return trace_moved(looked, _opening(chosen, settings), pages, now())


def _opening(chosen: argparse.Namespace, settings: Settings) -> Open:
    from tagline.wiring.pins import registry_of

    return lambda repository, artifact: registry_of(_wiring(chosen, settings, repository, artifact))


def _wiring(chosen: argparse.Namespace, settings: Settings, repository: str, artifact: str) -> Wiring:
    """The adapters for a pin's repository: a lock introduces no host that gets a token, ``--repo`` does."""
    from tagline.cli.shared import wiring_of
    from tagline.wiring.pins import wiring_of_pin

    named = wiring_of(chosen, settings, artifact) if chosen.repo is not None else None
    return wiring_of_pin(settings, repository, artifact, named)
