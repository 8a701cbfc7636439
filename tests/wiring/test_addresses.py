"""Where a repository is on its forge, whatever its clone calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagline.errors import WrongUsage
from tagline.settings import Settings
from tagline.wiring.addresses import over_https
from tagline.wiring.changes import ChangeWiring
from tests.support.gitbuild import Commit, History, build


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("git@github.com:org/shop.git", "https://github.com/org/shop.git"),
        ("ssh://git@git.example.org:2222/group/sub/shop.git", "https://git.example.org/group/sub/shop.git"),
        ("ssh://git.example.org/org/shop", "https://git.example.org/org/shop"),
        ("https://github.com/org/shop.git", "https://github.com/org/shop.git"),
        ("http://git.example.org:8080/org/shop", "http://git.example.org:8080/org/shop"),
        ("file:///srv/shop.git", "file:///srv/shop.git"),
        ("/srv/shop.git", "/srv/shop.git"),
    ],
)
def test_address__of_ssh__is_a_page(remote: str, page: str) -> None:
    assert over_https(remote) == page


def test_clone__with_a_remote_by_ssh__has_a_page_on_its_forge(here: Path) -> None:
    build(here, History((Commit("c0", files={"a": "1"}),)), checkout=True)
    config = here / ".git" / "config"
    config.write_text(config.read_text() + '[remote "origin"]\n\turl = git@github.com:org/shop.git\n')
    settings = Settings.from_environ({})
    assert ChangeWiring(settings, forge="github").page == "https://github.com/org/shop"
    with pytest.raises(WrongUsage):  # who names an address gets no other
        _ = ChangeWiring(settings, repo="git@github.com:org/shop.git", forge="github").page
