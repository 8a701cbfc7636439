"""What the commands about the index are asked: their options and their help."""

from __future__ import annotations

from tagline.cli.arguments import FORGES, Parser, _reading


def ask_index(sub: Parser) -> None:
    """The options of ``index``."""
    sub.add_argument("repositories", nargs="*", metavar="REPO", help="./PATH, a Git URL, or owner/name on the forge")
    sub.add_argument("--org", action="append", default=[], metavar="ORG", help="GitHub: all of an organization")
    sub.add_argument("--group", action="append", default=[], metavar="GROUP", help="GitLab: all of a group")
    sub.add_argument(
        "--from", dest="lists", action="append", default=[], metavar="FILE", help="a list: one REPO a line, # comments"
    )
    sub.add_argument("-o", "--output", required=True, metavar="DEST", help="the index: a folder, or s3://BUCKET/PREFIX")
    sub.add_argument("--shard", metavar="I/N", help="only this part of the repositories, counted from 1")
    sub.add_argument("--jobs", type=int, metavar="N", help="repositories read at once (default: 16)")
    sub.add_argument("--add", action="store_true", help="keep repositories of the index that are not named")
    sub.add_argument("--strict", action="store_true", help="exit 1 where a repository cannot be read")
    sub.add_argument("--repo-forge", choices=FORGES, help="whose owner/name is (default: this job's)")
    sub.add_argument("--repo-api-url", metavar="URL", help="where that forge's API is")
    sub.add_argument("--json", action="store_true", help="print one JSON document")


#: How an answer of the index is printed.
ANSWERS = ("table", "json", "csv", "markdown")


def _asking(sub: Parser) -> None:
    sub.add_argument(
        "--index", metavar="DEST", help="the index: a folder, or s3://BUCKET/PREFIX (default: this repository alone)"
    )
    sub.add_argument("--timeout", default="30s", metavar="TIME", help="give up after this (default: 30s)")
    sub.add_argument("--memory", default="1GB", metavar="SIZE", help="give up beyond this (default: 1GB)")
    _reading(sub)


def ask_search(sub: Parser) -> None:
    """The options of ``search``."""
    sub.add_argument(
        "query",
        metavar="QUERY",
        help="words and terms, such as 'stage:prod metric:accuracy>0.95'; empty for everything",
    )
    sub.add_argument(
        "--all-versions", action="store_true", help="each version that matches (default: each artifact's newest)"
    )
    _asking(sub)


def ask_query(sub: Parser) -> None:
    """The options of ``query``."""
    sub.add_argument("sql", nargs="?", metavar="SQL", help="one SELECT about the tables of the index")
    sub.add_argument("--named", nargs="+", metavar=("NAME", "ARG"), help="a named question instead, and its arguments")
    sub.add_argument("--list", action="store_true", help="show the named questions and their arguments")
    sub.add_argument("--format", choices=ANSWERS, default=None, help="how to print the answer (default: table)")
    _asking(sub)


def ask_site(sub: Parser) -> None:
    """The options of ``site``."""
    sub.add_argument("--index", required=True, metavar="DEST", help="the index: a folder, or s3://BUCKET/PREFIX")
    sub.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="DIR",
        help="where the site is written: a folder, or s3://BUCKET/PREFIX",
    )
    sub.add_argument(
        "--base-url", metavar="URL", help="where it will be published; links are then whole ones (default: relative)"
    )
    sub.add_argument(
        "--audience", choices=("public", "internal", "private"), default="public",
        help="who will see it; an index with repositories that they may not see is refused (default: public)",
    )  # fmt: skip
    sub.add_argument("--json", action="store_true", help="print one JSON document")
