"""``validate --check-storage``: is every artifact's every object there, and is it what the pointer says."""

from __future__ import annotations

from collections.abc import Sequence

from tagline.commands.storage.asking import look_at_all
from tagline.commands.storage.locating import StorageContext, Surroundings, locate
from tagline.domain.manifest.findings import Finding
from tagline.domain.manifest.manifest import Declared
from tagline.domain.manifest.rules import RULES
from tagline.errors import BadPointer, NotFound, ObjectMissing, TaglineError, WrongBytes
from tagline.ports.repository import Tree


def check_storage(tree: Tree, items: Sequence[Declared], context: StorageContext, url: str) -> list[Finding]:
    """Look at the bytes of some artifacts; what is wrong is a finding at the artifact's path.

    A store that cannot be asked is a finding too, so that the other artifacts are still looked at.
    """
    findings = []
    around = Surroundings(context, url, "")
    for item in items:
        if item.entry.path is None or item.entry.virtual:
            continue
        try:
            look_at_all(locate(tree, item.entry, around), tree)
        except NotFound as error:
            if error.code != "no-bytes":  # that the path is tracked by nobody is said already
                findings.append(_finding(item, error))
        except TaglineError as error:
            findings.append(_finding(item, error))
    return findings


def _finding(item: Declared, error: TaglineError) -> Finding:
    rule = _rule(error)
    node = item.node.fields.get("path", item.node)
    return Finding(
        item.entry.file,
        node.line,
        node.column,
        item.entry.name,
        rule,
        RULES[rule].severity,
        error.message,
        error.hint,
    )


def _rule(error: TaglineError) -> str:
    if isinstance(error, ObjectMissing):
        return "storage-missing"
    if isinstance(error, WrongBytes):
        return "storage-wrong"
    return "storage-pointer" if isinstance(error, BadPointer) else "storage-unreadable"
