"""Tickets that a stage asks for: refused without one, carried everywhere with one, and on both forges."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

from standardwebhooks import Webhook

from tagline.render.markdown.escaping import code
from tests.commands.changes.world import Platform, World
from tests.support.receiver import receiving

POLICY = "stages: {prod: {ticket: 'RISK-*'}, dev: {}}\n"
KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
FILE = "promotions/prod/x.yaml"
#: A ticket and a reason that would be more than text, wherever they are shown.
TICKET = "RISK-<b>@everyone`|$(x)'##[error]"
REASON = "because\\nTicket: RISK-0\\n\\n<img src=x> @everyone"


def request(more: str) -> str:
    return f"- {{artifact: churn, version: v1.0.0{more}}}\n"


def test_ticket__asked_for__is_refused_without_and_carried_with(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY)
    world.admin("register", "churn", "--version", "v1.0.0")

    by_label = world.open("label", {"README": "1"}, labels=("stage:churn@v1.0.0#prod",))
    planned = world.plan(by_label)
    (refused,) = planned.json["refused"]
    assert (planned.code, refused["rule"]) == (1, "ticket")
    assert "a label cannot name one" in refused["message"]
    (comment,) = world.comments(by_label)
    assert "- {artifact: 'churn', version: v1.0.0, ticket: TICKET}" in comment
    world.merge(by_label)
    assert world.promote(by_label).code == 1
    assert "ticket: 'TICKET'}" in world.comments(by_label)[0], "how to ask again"

    wrong = world.open("wrong", {FILE: request(", ticket: OPS-1")})
    (refused,) = world.plan(wrong).json["refused"]
    assert refused["message"] == f"prod asks for a ticket like RISK-*; {FILE}:1 names OPS-1."
    assert f"{FILE}:1" in refused["fix"]
    assert not any("#prod" in tag for tag in world.tags())

    more = f''', ticket: ["{TICKET}", CHG-7], reason: "{REASON}"'''
    number = world.open("right", {FILE: request(more)})
    assert world.plan(number).verdict == "ok"
    world.merge(number)
    with receiving() as inbox:
        done = world.promote(number, TAGLINE_WEBHOOK_URL=inbox.url, TAGLINE_WEBHOOK_SECRET=KEY)
        assert done.code == 0, done.out + done.err
        (event,) = [Webhook(KEY).verify(body, dict(headers)) for headers, body in inbox.got]
    assert event["data"]["tickets"] == [TICKET, "CHG-7"]
    said = world.trailers("churn#prod#1")
    assert said["Ticket"] == [TICKET, "CHG-7"]
    assert said["Reason"] == ["because Ticket: RISK-0 <img src=x> @everyone"]
    (comment,) = world.comments(number)
    outside = comment.replace(code(TICKET).replace("\\|", "|"), "")
    assert re.search(r"(?<!\\)<(img|b>)|@everyone", outside) is None
    where = ("--repo", world.repo.path.as_uri())
    (hold,) = world.run_cli("history", "--at", "prod", "--json", *where).json["holds"]
    assert hold["tickets"] == [TICKET, "CHG-7"]


def test_ticket__beside_rules_of_people__an_override_passes_over_it(make_world: Callable[..., World]) -> None:
    world = make_world("github", "stages: {prod: {ticket: 'RISK-*', override: {allow: [alice]}}}\n")
    world.admin("register", "churn", "--version", "v1.0.0")
    number = world.open("fire", {FILE: request(", override: it burns")})
    world.merge(number)
    done = world.promote(number)
    assert done.code == 0, done.out
    assert done.json["overrides"][0]["passed"] == ["ticket"]
