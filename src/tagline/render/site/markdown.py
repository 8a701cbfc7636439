"""A card's Markdown as HTML that can do nothing: no HTML of its own, links and images as the site allows them.

Images come from the repository alone, which the site does not hold: their text stands for them. A link leads to a page
of the web or is text; one that opens a filled-in form or starts something is text too, since a card is written by many.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tagline.domain.site.links import safe_url

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

#: What a form's address has: files that are filled in, pipelines, issues, merges.
_FORM_RE = re.compile(
    r"/(?:new|edit|upload|delete|-/new|-/pipelines/new|actions/runs|dispatches|compare|merge|issues/new|merge_requests/new)"
    r"(?:/|$)"
)
_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


def card_html(text: str) -> str:
    """The HTML of a card."""
    import nh3

    made = _parser().render(text)
    # A second lock: what the parser lets through by mistake.
    return str(
        nh3.clean(made, tags=_TAGS, attributes={"a": {"href"}, "ol": {"start"}}, url_schemes={"http", "https"},
                  link_rel="noopener noreferrer")
    )  # fmt: skip


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.core.ruler.push("tagline", _tame)
    return parser


def _tame(state: Any) -> None:
    """Headings below the page's own; images by their words; links that ask for something as text."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + 2)}"
        if token.type == "inline" and token.children:
            token.children = list(_inline(token.children))


def _inline(children: list[Any]) -> Any:
    dropped = 0
    for child in children:
        if child.type == "image":
            child.type, child.tag, child.content = (
                "text",
                "",
                f"[image: {child.content}]" if child.content else "[image]",
            )
            child.children = None
        elif child.type == "link_open" and not _harmless(child.attrGet("href")):
            dropped += 1
            continue
        elif child.type == "link_close" and dropped:
            dropped -= 1
            continue
        yield child


def _harmless(url: Any) -> bool:
    """Whether a link only leads somewhere."""
    if safe_url(str(url or "")) is None:
        return False
    split = urlsplit(str(url))
    return not split.query and not _FORM_RE.search(split.path)
