"""``tagline fetch``: bring an artifact's bytes, verified, to a path that is replaced as a whole."""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Callable, Sequence

from tagline.commands.ledger.reading import Source
from tagline.commands.manifest.describe import described_names
from tagline.commands.storage.asking import items_of, location_of
from tagline.commands.storage.locating import Place, StorageContext
from tagline.commands.storage.resolve import Found, Wanted, look_up, other_digest, place_of
from tagline.commands.storage.superseding import overtaken_meanwhile
from tagline.domain.ledger.answers import Answer
from tagline.domain.ledger.events import Warn
from tagline.domain.ledger.superseded import Overtaken
from tagline.domain.pins.lock import Pin, require_same
from tagline.domain.storage.objects import Item, Location, only_file, total_size
from tagline.domain.storage.results import Fetched
from tagline.domain.storage.sha256 import Sha256s, pointed_sha256
from tagline.domain.text.public import public
from tagline.domain.text.similar import suggestion
from tagline.errors import BadPointer, NotFound, Refused, WrongUsage
from tagline.ports.storage import Destination

#: Told the bytes (None: unknown) and files to come, gives what is told of each piece that came.
Begin = Callable[[int | None, int], Callable[[int, int], None]]


def fetch(
    source: Source,
    wanted: Wanted,
    now: int,
    context: StorageContext,
    destination: Destination,
    begin: Begin,
    *,
    force: bool = False,
    only: str | None = None,
) -> Fetched:
    """Fetch a target to a destination; ``only`` asks for one file, as :func:`file_of`.

    What is there already and equal stays untouched. Right before the bytes are handed over the ledger is looked at
    again, where ``wanted`` asks what then decides. Raises Refused where something else is there and not
    ``force``, or where it is kept in any case, and all that ``resolve`` and the destination raise.
    """
    found = look_up(source, wanted, now)
    if found.overtaken is not None:
        return Fetched(found.left_out(wanted, found.overtaken), None, False)
    look = _Look(source, wanted, found.answer)
    place, items = _items_of(source, wanted, found, context, destination.recall)
    if only is not None:
        items = [file_of(items, only, found.answer.artifact)]
    size = place.size if place.size is not None and only is None else total_size(items)
    name = destination.settle(items, _file_name(only or _path_of(found), found.answer.artifact))
    sums = expected_of(found, items, only, wanted.pin)
    equal = destination.compare(items, sums)
    if equal is False:
        destination.refuse_kept(items)
    if equal is False and not force:
        raise Refused(
            f"{name} exists and is not {found.answer.artifact} {found.answer.version or found.answer.commit[:7]}.",
            "Name another path, or replace it: --force",
            code="destination-differs",
        )
    if equal:
        look.still_decides()
    else:
        assert place.store is not None  # noqa: S101 - items came from it
        came = _Counter(begin(size, len(items)))
        destination.receive(
            place.store, items, came.report, size, force=force, sums=sums, still_wanted=look.still_decides
        )
        if place.listing is not None and place.digest is not None:
            destination.keep(place.digest, place.listing)
        size = came.bytes if size is None else size
    if look.found is not None:
        return Fetched(found.left_out(wanted, look.found), None, False)
    # The files of a folder have each their own version.
    version = place.key.version_id if place.key is not None and only_file(items) is not None else None
    location = Location(place.uri, place.digest, size, len(items), version, sums.expected)
    notes = [Warn("not-cached", None, note) for note in destination.notes]
    notes += other_digest(found, place, location)
    return Fetched(found.resolved(location, *notes), name, equal is True)


def find_items(
    source: Source, wanted: Wanted, now: int, context: StorageContext, recall: Callable[[str], bytes | None]
) -> tuple[Found, Place, list[Item]]:
    """A target in the ledger, where its bytes are, and the files that they are. Raises as :func:`fetch`."""
    found = look_up(source, wanted, now)
    return (found, *_items_of(source, wanted, found, context, recall))


def _items_of(
    source: Source, wanted: Wanted, found: Found, context: StorageContext, recall: Callable[[str], bytes | None]
) -> tuple[Place, list[Item]]:
    if found.entry is None:
        raise NotFound(
            f"No manifest describes {found.answer.artifact} at commit {found.answer.commit[:7]}.",
            "Describe it in artifacts.yaml and register the commit that does."
            + suggestion(found.answer.artifact, described_names(found.tree, found.answer.artifact)),
            code="not-described",
        )
    if found.entry.virtual and (named := found.entry.mlflow) is not None and named.model and named.version:
        raise _in_mlflow(found.answer.artifact, named.model, named.version)
    place, items = items_of(place_of(source, found, context), found.tree, recall)
    if wanted.pin is not None:
        _require_pinned(found, place, wanted.pin)
    return place, items


def _require_pinned(found: Found, place: Place, pin: Pin) -> None:
    """Raises Conflict where a lock says otherwise. Nothing is fetched yet: what Git tells is compared."""
    location = location_of(place, look=False)
    require_same(found.answer.artifact, pin, found.pinned(location, pin.target, pin.repository))


def file_of(items: Sequence[Item], path: str, artifact: str) -> Item:
    """The one file that an artifact is, or with ``path`` that file of a folder, as an artifact of one file.

    Raises NotFound, and WrongUsage for a path in what is no folder, and for none in what is one.
    """
    one = only_file(items)
    if (one is None) != bool(path):
        raise WrongUsage(
            f"{artifact} is one file, and has none at {path!r}." if path else f"{artifact} is a folder: which file?",
            "Leave the path out." if path else "Name a file by its path in the folder, such as model.pkl.",
            code="is-file" if path else "is-folder",
        )
    found = one or next((item for item in items if item.relpath == path), None)
    if found is None:
        near = suggestion(path, [item.relpath for item in items])
        raise NotFound(
            f"{artifact} has no file {path!r}.", f"Paths are from the artifact's folder.{near}", code="no-file"
        )
    return found._replace(relpath="")


def expected_of(found: Found, items: Sequence[Item], only: str | None, pin: Pin | None = None) -> Sha256s:
    """The SHA-256 that the files must have: of a part only what its own pointer tells."""
    whole = (pin.sha256 if pin is not None else None) or found.sha256
    return Sha256s((whole if only is None else None) or pointed_sha256(items))


def _path_of(found: Found) -> str:
    return (found.entry.path if found.entry is not None else None) or ""


def _in_mlflow(artifact: str, model: str, version: str) -> BadPointer:
    """Of a version that an import brought without its bytes."""
    uri = public(f"models:/{model}/{version}")
    pair = shlex.quote(public(f"{model}={artifact}-2"))
    return BadPointer(
        f"The bytes of this version of {artifact} lie in MLflow ({uri}): it was imported without them.",
        f"Import the model with its bytes, under another name: tagline import mlflow --artifacts --model {pair}\n"
        f"Or take them from there: mlflow artifacts download --artifact-uri {shlex.quote(uri)}",
        code="in-mlflow",
    )


def _file_name(path: str, artifact: str) -> str:
    """What an artifact is called inside of a folder: as in its repository."""
    name = path.rpartition("/")[2]
    return name if name not in ("", ".", "..") else re.split("[/:]", artifact)[-1]


class _Look:
    """The look at the ledger right before the bytes are handed over; ``found`` is what overtook the answer."""

    def __init__(self, source: Source, wanted: Wanted, answer: Answer) -> None:
        self._source, self._wanted, self._answer = source, wanted, answer
        self.found: Overtaken | None = None

    def still_decides(self) -> bool:
        """Whether nothing has overtaken the answer, as far as that matters."""
        if self._wanted.looks:
            self.found = overtaken_meanwhile(self._source, self._wanted.target, self._answer)
        return self.found is None


class _Counter:
    """Adds up what came: a store tells the size of what its pointer does not."""

    def __init__(self, report: Callable[[int, int], None]) -> None:
        self._report = report
        self._lock = threading.Lock()
        self.bytes = 0

    def report(self, size: int, files: int) -> None:
        """So many bytes and files in addition."""
        with self._lock:
            self.bytes += size
        self._report(size, files)
