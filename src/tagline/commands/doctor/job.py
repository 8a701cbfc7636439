"""What the doctor asks of this job or machine: keys, identity, the stores behind the artifacts, MLflow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tagline.commands.doctor.questions import Question
from tagline.commands.manifest.snapshots import entries_of
from tagline.commands.storage.asking import location_of
from tagline.commands.storage.dvc_configs import config_of
from tagline.commands.storage.locating import StorageContext, Surroundings, locate
from tagline.domain.doctor.checks import Check, some
from tagline.domain.doctor.keys import AwsKeys, judge_identity, judge_keys
from tagline.domain.storage.objects import Key
from tagline.domain.text.public import public
from tagline.errors import PlatformRefused, TaglineError
from tagline.ports.mlflow import MlflowAccess
from tagline.ports.repository import Tree
from tagline.ports.storage import ObjectStore

#: A model that nobody has: an answer about it says that the server answers.
_NOBODYS_MODEL = "tagline-doctor"


@dataclass(frozen=True)
class JobDoctor:
    """``identity`` gives the job's token for AWS, None where it has none; ``url`` is the repository's address."""

    keys: AwsKeys
    identity: Callable[[], str | None]
    tree: Callable[[], Tree]
    storage: Callable[[], StorageContext]
    url: Callable[[], str]
    tracking: Callable[[], MlflowAccess]
    now: int

    def questions(self) -> list[Question]:
        """All that is asked."""
        return [
            Question("aws", lambda: judge_keys(self.keys, self.now)),
            Question("oidc", self._identity),
            Question("storage", self._stores),
            Question("mlflow", self._mlflow),
        ]

    def _identity(self) -> Iterator[Check]:
        token = self.identity()
        if token is not None:
            yield judge_identity(token, self.now)

    def _stores(self) -> Iterator[Check]:
        """Each store that an artifact lies in, by one object of it."""
        tree = self.tree()
        around = Surroundings(self.storage(), self.url(), "")
        seen: list[ObjectStore] = []
        failed: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for name, entry in sorted(entries_of(tree).items()):
            if entry.path is None or entry.virtual:
                continue
            try:
                place = locate(tree, entry, around)
                key = place.key or (place.items[0].key if place.items else None)
                # What Git itself has needs no store.
                if place.store is None or key is None or key.path.startswith("blob/") or place.store in seen:
                    continue
                seen.append(place.store)
                location_of(place)
            except TaglineError as error:
                failed.setdefault((error.code, error.hint), []).append((name, error.message))
            else:
                yield Check("storage", "ok", f"{_root(place.store, key)} can be read (tried with {name}).")
        for (_, hint), cases in failed.items():
            # One cause, be it of a thousand artifacts, is one line.
            (name, message), others = cases[0], [other for other, _ in cases[1:]]
            also = f" The same of {some(others)}." if others else ""
            yield Check("storage", "fail", f"{name}: {message}{also}", hint)
        yield from self._untried(tree, around.context, seen)

    @staticmethod
    def _untried(tree: Tree, context: StorageContext, seen: list[ObjectStore]) -> Iterator[Check]:
        """DVC's remotes, of the project at the root, in which no artifact lies."""
        config = config_of("", tree, context.machine)
        for name in sorted(config.remotes):
            try:
                store = context.stores.remote(context.now(config.remote(name)), "")
            except TaglineError as error:
                yield Check("storage", "fail", error.message, error.hint)
                continue
            if store not in seen:
                fix = "Describe an artifact that lies there, or remove it: dvc remote remove."
                yield Check("storage", "unknown", f"DVC's remote {name} was not tried: no artifact lies in it.", fix)

    def _mlflow(self) -> Iterator[Check]:
        access, named = self.tracking(), [name for name, entry in entries_of(self.tree()).items() if entry.mlflow]
        if access.tracking is not None:
            try:
                access.tracking.aliases(_NOBODYS_MODEL)
            except PlatformRefused as error:
                yield Check("mlflow", "fail", error.message, error.hint)
            else:
                yield Check("mlflow", "ok", f"{public(access.tracking.url)} answers.")
        elif named:
            message = f"{named[0]} names a run of MLflow, and {access.why_not}."
            yield Check("mlflow", "warn", message, "Set MLFLOW_TRACKING_URI to the server's http(s) address.")


def _root(store: ObjectStore, key: Key) -> str:
    """Where a store is: an object's address without its own name."""
    return public(
        store.uri(key).rpartition("/")[0].removesuffix("/files/md5").rpartition("/files/md5/")[0] or store.uri(key)
    )
