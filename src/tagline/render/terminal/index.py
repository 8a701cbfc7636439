"""What a run of ``index`` did, for people."""

from __future__ import annotations

from tagline.domain.index.results import Indexed
from tagline.render.escape import one_line
from tagline.render.terminal.tables import Pen

#: Repositories that are named one by one.
_MOST = 20


def indexed(done: Indexed, pen: Pen) -> str:
    """How many repositories were read, which could not be, and how many rows there are now."""
    counts = [f"{done.read} read", f"{done.unchanged} unchanged"]
    counts += [f"{len(done.failed)} not readable"] if done.failed else []
    counts += [f"{done.removed} taken away"] if done.removed else []
    plural = "y" if done.repositories == 1 else "ies"
    lines = [f"{done.repositories} repositor{plural}: {', '.join(counts)}"]
    for name, status, reason in done.failed[:_MOST]:
        lines.append(f"  {pen(status, 'yellow')}  {one_line(name)}: {one_line(reason)}")
    if len(done.failed) > _MOST:
        lines.append(f"  and {len(done.failed) - _MOST} more: see the table repositories")
    rows = ", ".join(f"{count:,} {table}" for table, count in done.rows.items() if count)
    lines.append(f"{one_line(done.place)} has {rows or 'no rows'}")
    return "\n".join(lines)
