"""What an auditor asks a year later, of tags that changes on a forge have made: Git alone answers."""

from __future__ import annotations

from collections.abc import Callable

from tests.commands.changes.world import BETTER, Platform, World

POLICY = "stages:\n  prod: {approvals: {count: 1, from: [carol, dave]}}\n"


def test_history_at__promoted_approved_and_rolled_back__who_when_and_why(
    make_world: Callable[..., World], platform: Platform
) -> None:
    world = make_world(platform, POLICY, days_ago=9)
    heads, urls = [], []
    for place, (days, approver) in enumerate(((8.0, "carol"), (5.0, "dave"))):
        with world.days_ago(days):
            files = {**BETTER, "models/churn.txt": f"trees: {place}\n"}
            number = world.open(f"b{place}", files, labels=("version:minor", "stage:prod"))
            heads.append(world.git("rev-parse", "HEAD"))
            world.approve(number, by=approver)
            world.merge(number)
        ran = world.promote(number)
        assert ran.code == 0, ran.err + ran.out
        urls.append(ran.json["change"]["url"])
    world.admin("rollback", "churn#prod", "--override", "it lost money")

    remote = ("--repo", world.repo.path.as_uri())
    document = world.run_cli("history", "churn", "--at", "prod", "--json", *remote).json
    back, second, first = document["holds"]
    assert [hold["version"] for hold in document["holds"]] == ["v0.1.0", "v0.2.0", "v0.1.0"]
    for hold, head, url, approver in zip((first, second), heads, urls, ("carol", "dave"), strict=True):
        assert (hold["change"], hold["requested_by"]) == (url, ["bob"])
        (approval,) = hold["approved_by"]
        assert approval["login"] == approver
        assert approval["commit"] in ((head,) if platform == "github" else (head, None))
        assert approval["at"] is None or approval["at"].endswith("Z")
        assert hold["policy"].startswith("sha256:")
        assert hold["ended_by"] is not None
    assert (back["rollback_from"], back["override"], back["approved_by"]) == ("v0.2.0", "it lost money", [])
    assert (back["change"], back["current"]) == (None, True)
    assert document["summary"]["churn"]["rollbacks"] == 1

    # Each answer is what the registry answered then.
    for hold in (first, second):
        shown = world.run_cli("show", "churn#prod", "--as-of", hold["since"], "--json", *remote).json
        assert (shown["version"], shown["tag"]) == (hold["version"], hold["tag"])
    said = world.run_cli("history", "churn", "--at", "prod", *remote)
    assert "carol" in said.out
    assert "override: it lost money" in said.out
