"""What the commands about deliveries are asked: their options and their help."""

from __future__ import annotations

from tagline.cli.arguments import Parser, ask_repository


def ask_deployed(sub: Parser) -> None:
    """The options of ``deployed``."""
    sub.add_argument(
        "target", nargs="?", metavar="TARGET",
        help="NAME#stage as it is now, or the stage tag that was deployed: NAME#stage#3 (default: this job's tag)",
    )  # fmt: skip
    sub.add_argument(
        "--state", choices=("in_progress", "success", "failure"), required=True, help="how far the deployment is"
    )
    sub.add_argument(
        "--digest",
        metavar="D",
        help="what was deployed, as digest or sha256 of fetch; one that the ledger does not know is refused",
    )
    sub.add_argument("--url", metavar="URL", help="where it is deployed, for people")
    sub.add_argument(
        "--record",
        action="store_true",
        help="GitHub: on success also a record by the SHA-256 (artifact-metadata: write)",
    )
    sub.add_argument("--remote", metavar="NAME", help="the remote that remembers it (default: origin)")
    sub.add_argument("--dry-run", action="store_true", help="say what would be reported; report nothing")
    ask_repository(sub)
