"""What the change says that a failed deployment opened."""

from __future__ import annotations

from tagline.domain.delivery.deployments import Reported
from tagline.render.escape import one_line
from tagline.render.markdown.escaping import code, link, text

#: Characters that both forges take for a title.
_LONGEST = 200


def rollback_change(reported: Reported, by: str | None) -> tuple[str, str]:
    """Title and text. ``by`` is who started the run that failed, as the forge says."""
    report = reported.report
    version = report.version or reported.commit[:7]
    title = f"Roll back {reported.artifact}#{report.stage}: the deployment of {version} failed"
    run = link("a run", report.run_url) if report.run_url else "a run"
    who = f", which {code(by)} started," if by else ""
    lines = [
        f"The deployment of {code(report.tag)} failed: {run}{who} reported it.",
        f"Merging this gives {code(report.stage)} of {code(reported.artifact)} back to the version before, under the "
        "rules of the policy. Close it where the deployment can be mended.",
    ]
    if by is None:
        lines.append(text("Nobody could be told who started that run."))
    return one_line(title)[:_LONGEST], "\n\n".join(lines) + "\n"
