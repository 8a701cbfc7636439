"""Where a remote's pages are, and whose forge is certain."""

from __future__ import annotations

import pytest

from tagline.domain.setup.places import FORGES, Forge, Home, home_of, todos


@pytest.mark.parametrize(
    ("url", "page", "forge"),
    [
        ("https://github.com/org/shop.git", "https://github.com/org/shop", "github"),
        ("https://GitHub.com/org/shop/", "https://github.com/org/shop", "github"),
        ("git@gitlab.com:group/sub/shop.git", "https://gitlab.com/group/sub/shop", "gitlab"),
        ("ssh://git@github.com:22/org/shop.git", "https://github.com/org/shop", "github"),
        ("http://git.local:8080/org/shop", "http://git.local:8080/org/shop", None),
        ("https://github.com:8443/org/shop", "https://github.com:8443/org/shop", None),
        ("https://gitlab.com.example.org/org/shop", "https://gitlab.com.example.org/org/shop", None),
        ("ssh://git@git.example.org:2222/org/shop.git", "https://git.example.org/org/shop", None),
        ("file:///srv/shop.git", None, None),
        ("/srv/shop.git", None, None),
    ],
)
def test_home__of_a_remote(url: str, page: str | None, forge: Forge | None) -> None:
    home, known = home_of(url)
    assert (home.page if home is not None else None, known) == (page, forge)


@pytest.mark.parametrize("forge", FORGES)
def test_todos__of_a_server_of_ones_own__begin_with_the_mirror(forge: Forge) -> None:
    own, known = (
        [todo.url or "" for todo in todos(forge, Home(f"https://{host}/org/shop", "org/shop"), s3=False)]
        for host in ("git.example.org", f"{forge}.com")
    )
    assert "self-managed" in own[0]
    assert not any("self-managed" in url for url in known)
    assert len(own) == len(known) + 1


@pytest.mark.parametrize("forge", FORGES)
def test_todos__without_a_remote__have_no_made_up_links(forge: Forge) -> None:
    for todo in todos(forge, None, s3=True):
        assert todo.url is None or todo.url.startswith("https://github.com/tagline-dev/tagline/blob/main/docs/")
