"""What the commands that ask the index are asked: their options and their help."""

from __future__ import annotations

from tagline.cli.arguments import Parser, _reading

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
        "query", metavar="QUERY", help="words and terms, such as 'stage:prod metric:accuracy>0.95'; empty for everything"
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
