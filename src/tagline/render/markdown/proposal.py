"""What a change says that asks for a promotion or a rollback on somebody's behalf."""

from __future__ import annotations

from tagline.domain.delivery.proposals import Request
from tagline.render.escape import one_line
from tagline.render.markdown.escaping import code, link, text

#: Characters that both forges take for a title.
_LONGEST = 200


def proposal(request: Request, asked_by: str | None, run_url: str | None) -> tuple[str, str]:
    """Title and text. ``asked_by`` is who started the run that opens it, as the forge says; None where none does."""
    artifact, version, stage = request.artifact, request.version, request.stage
    if request.kind == "rollback":
        title = f"Roll back {artifact}#{stage} from {version}"
        does = f"gives {code(stage)} of {code(artifact)} back to the version before {code(version)}"
    else:
        title = f"Promote {artifact} {version} to {stage}"
        does = f"gives {code(stage)} of {code(artifact)} to {code(version)}"
    lines = [f"Merging this {does}, under the rules of the policy."]
    if request.reason:
        lines.append(f"Reason: {text(request.reason)}")
    if request.ticket:
        lines.append(f"Ticket: {code(request.ticket)}")
    if run_url is not None:
        run = link("a run", run_url)
        who = f"{code(asked_by)}, who started {run}" if asked_by else f"{run}; who started it is not known"
        lines.append(f"Asked for by {who}. Whoever started it cannot approve where the author may not.")
    return one_line(title)[:_LONGEST], "\n\n".join(lines) + "\n"
