"""What ``tagline site`` is asked, and how it answers."""

from __future__ import annotations

from tagline.cli.presenter import Presenter

# As in cli/main.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from tagline.settings import Settings


def run_site(chosen: argparse.Namespace, settings: Settings) -> int:
    """``site``."""
    from tagline.commands.site.build import build
    from tagline.render.site.pages import SitePages
    from tagline.render.terminal import site as render
    from tagline.wiring.site import index_rows, site_folder

    base = _base(chosen.base_url)
    pages = SitePages(base)
    rows = index_rows(chosen.index, settings)
    with site_folder(chosen.output) as folder:
        built = build(rows, pages, folder, chosen.audience, base)
    Presenter(chosen, settings).say(render.document(built), render.text(built), ())
    return 0


def _base(url: str | None) -> str:
    from tagline.domain.site.links import safe_url
    from tagline.errors import WrongUsage

    if not url:
        return ""
    if safe_url(url) is None or "?" in url or "#" in url:
        raise WrongUsage("--base-url is no address of the web.", "Such as --base-url https://acme.github.io/models/")
    return url.rstrip("/") + "/"
