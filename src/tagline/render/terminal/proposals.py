"""A change that was asked for, for people."""

from __future__ import annotations

from tagline.domain.delivery.proposals import Asked
from tagline.render.escape import no_command, one_line
from tagline.render.terminal.tables import Pen


def asked(found: Asked, pen: Pen) -> str:
    """``propose``: the change that is open, or why there is none; in a dry run the file."""
    request = found.request
    what = pen(f"{request.artifact}#{request.stage}", "bold")
    verb = "from" if request.kind == "rollback" else "to"
    lines = [f"{what}  {request.kind} {verb} {request.version}"]
    if found.why is not None:
        lines.append(f"  nothing to ask: {found.why}")
    elif found.change is not None:
        state = "opened" if found.change.news else "open already"
        lines.append(f"  {state}: {found.change.change.url}")
        lines.append("  people approve and merge it; tagline plan says on it what is missing")
    else:
        lines.append(f"  nothing was opened: --dry-run. It would be {found.path} on {found.branch}:")
        lines += [f"    {line}" for line in (found.content or "").splitlines()]
    return "\n".join(no_command(one_line(line)) for line in lines)
