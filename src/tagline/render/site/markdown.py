"""A card's Markdown as HTML that can do nothing: no HTML of its own, links and images as the site allows them.

Images are those of the repository that the site holds; the text of any other stands for it. A link leads to a page of
the web or is text; one that opens a filled-in form or starts something is text too, since a card is written by many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from tagline.domain.manifest.card_images import image_path
from tagline.domain.site.links import safe_url

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

#: What a form's address has: files that are filled in, pipelines, issues, merges.
_FORM_RE = re.compile(
    r"/(?:new|edit|upload|delete|-/new|-/pipelines/new|actions/runs|dispatches|compare|merge|issues/new|merge_requests/new)"
    r"(?:/|$)",
    re.IGNORECASE,
)
#: Servers decode a path once, and some that stand before others once more.
_MOST_DECODED = 3
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}, "img": {"src", "alt", "width", "height", "loading"}}
_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


class Drawn(NamedTuple):
    """A picture that the site has: its address from the page, its pixels."""

    url: str
    width: int
    height: int


def card_html(text: str, path: str = "", images: Mapping[str, Drawn] = MappingProxyType({})) -> str:
    """The HTML of a card: ``path`` is its own in the repository, ``images`` are by theirs."""
    import nh3

    made = _parser().render(text, {"path": path, "images": images})
    # A second lock: what the parser lets through by mistake.
    return str(
        nh3.clean(made, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https"},
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
            token.children = list(_inline(token.children, state.env))


def _inline(children: list[Any], known: Mapping[str, Any]) -> Iterator[Any]:
    dropped = 0
    for child in children:
        if child.type == "image":
            _picture(child, known["images"].get(image_path(str(child.attrGet("src") or ""), known["path"])))
        elif child.type == "link_open" and not _harmless(child.attrGet("href")):
            dropped += 1
            continue
        elif child.type == "link_close" and dropped:
            dropped -= 1
            continue
        yield child


def _picture(token: Any, drawn: Drawn | None) -> None:
    """An image as the site has it; without one its words."""
    if drawn is not None:
        token.attrs = {"src": drawn.url, "alt": "", "width": drawn.width, "height": drawn.height, "loading": "lazy"}
        return
    token.type, token.tag, token.content = "text", "", f"[image: {token.content}]" if token.content else "[image]"
    token.children = None


def _harmless(url: Any) -> bool:
    """Whether a link only leads somewhere."""
    if safe_url(str(url or "")) is None:
        return False
    split = urlsplit(str(url))
    path = split.path
    for _ in range(_MOST_DECODED):
        path = unquote(path)
    return not split.query and "?" not in path and not _FORM_RE.search(path)
