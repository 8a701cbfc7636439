"""The labels that a repository offers, by PyGithub and python-gitlab as they are."""

from __future__ import annotations

from tagline_localforge import ForgeServer, Repository
from tests.localforge.clients import on_github, on_gitlab, status_of


def test_labels__on_github__made_once_and_listed_on_all_pages(shop: Repository, server: ForgeServer) -> None:
    shop.label(shop.open_change(author="alice", source="topic").number, "put:on", by="tess")
    api = on_github(server, "bob-token")
    for number in range(40):
        api.create_label(f"l{number}", "0e8a16", "said")
    assert {label.name for label in api.get_labels()} == {"put:on", *(f"l{number}" for number in range(40))}
    made = next(label for label in api.get_labels() if label.name == "l7")
    assert (made.color, made.description) == ("0e8a16", "said")


def test_labels__on_github__refuse_what_is_there_too_long_or_not_for_the_caller(
    shop: Repository, server: ForgeServer
) -> None:
    api = on_github(server, "bob-token")
    api.create_label("stage:prod", "0e8a16")
    assert status_of(lambda: api.create_label("Stage:Prod", "0e8a16")) == 422
    assert status_of(lambda: api.create_label("x" * 51, "0e8a16")) == 422
    assert status_of(lambda: api.create_label("y", "green")) == 422
    assert status_of(lambda: api.create_label("y", "0e8a16", "z" * 101)) == 422
    assert status_of(lambda: on_github(server, "tess-token").create_label("y", "0e8a16")) == 404
    assert status_of(lambda: on_github(server, "fork-token").create_label("y", "0e8a16")) == 403
    assert shop.label_names() == ["stage:prod"]


def test_labels__on_gitlab__made_once_and_listed_on_all_pages(shop: Repository, server: ForgeServer) -> None:
    project = on_gitlab(server, "mallory-token")
    for number in range(40):
        project.labels.create({"name": f"l{number}", "color": "#0e8a16", "description": "said"})
    assert len(project.labels.list(iterator=True)) == 40
    made = next(label for label in project.labels.list(iterator=True) if label.name == "l7")
    assert (made.color, made.description) == ("#0e8a16", "said")
    assert status_of(lambda: project.labels.create({"name": "l7", "color": "#0e8a16"})) == 409
    # Capitals make another label.
    project.labels.create({"name": "L7", "color": "#0e8a16"})
    assert status_of(lambda: project.labels.create({"name": "a,b", "color": "#0e8a16"})) == 400
    assert status_of(lambda: project.labels.create({"name": "y", "color": "0e8a16"})) == 400
