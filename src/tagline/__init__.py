"""Tagline: a Git-native model registry that runs inside CI.

``import tagline`` costs nothing: each name below is loaded with its first use. docs/python.md shows them.
"""

from __future__ import annotations

# Not typing's own constant: importing typing would be a quarter of the time of --version.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from tagline.answers import (
        Approval,
        Artifact,
        CheckedFile,
        Event,
        Finding,
        Held,
        History,
        Hold,
        Holder,
        Holds,
        LedgerWarning,
        Lineage,
        OpenedChange,
        Person,
        Presigned,
        Proposed,
        Registry,
        Resolved,
        Shown,
        Validation,
        Version,
    )
    from tagline.api import (
        fetch,
        history,
        lineage,
        open,  # noqa: A004 - as tagline.open
        propose,
        resolve,
        show,
        validate,
    )
    from tagline.errors import (
        BadPointer,
        Conflict,
        IncompleteClone,
        ManifestUnreadable,
        NotFound,
        ObjectChanged,
        ObjectMissing,
        PlatformRefused,
        Refused,
        StoreRefused,
        TaglineError,
        TooLarge,
        WrongBytes,
        WrongUsage,
    )

__version__ = "1.0.0"

__all__ = [
    "Approval",
    "Artifact",
    "BadPointer",
    "CheckedFile",
    "Conflict",
    "Event",
    "Finding",
    "Held",
    "History",
    "Hold",
    "Holder",
    "Holds",
    "IncompleteClone",
    "LedgerWarning",
    "Lineage",
    "ManifestUnreadable",
    "NotFound",
    "ObjectChanged",
    "ObjectMissing",
    "OpenedChange",
    "Person",
    "PlatformRefused",
    "Presigned",
    "Proposed",
    "Refused",
    "Registry",
    "Resolved",
    "Shown",
    "StoreRefused",
    "TaglineError",
    "TooLarge",
    "Validation",
    "Version",
    "WrongBytes",
    "WrongUsage",
    "fetch",
    "history",
    "lineage",
    "open",
    "propose",
    "resolve",
    "show",
    "validate",
]


def __getattr__(name: str) -> object:
    import importlib

    for module in ("errors", "answers") if name[:1].isupper() else ("api",):
        if name in __all__ and hasattr(found := importlib.import_module(f"tagline.{module}"), name):
            return globals().setdefault(name, getattr(found, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
