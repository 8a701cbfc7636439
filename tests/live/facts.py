"""What holds for both forges: how their Git behaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.live.place import Place, Row, Unseen, last_line

Fact = Callable[[Place, str], tuple[bool | None, str]]


def look(place: Place, tip: str, facts: Iterable[tuple[str, str, Fact]]) -> list[Row]:
    """Each fact, whatever becomes of the others."""
    rows = []
    for name, written, fact in facts:
        try:
            holds, seen = fact(place, tip)
        except Unseen as error:
            holds, seen = None, str(error)
        rows.append(Row(name, written, seen, holds))
    return rows


def own_refs(place: Place, tip: str) -> tuple[bool, str]:
    ref = f"refs/tagline/live-{place.run}"
    if (why := place.push(f"{tip}:{ref}", job=True)) is not None:
        return False, f"refused: {why[-200:]}"
    listed = ref in place.must("ls-remote", place.url, ref)
    gone = place.push(f":{ref}", job=True) is None
    return listed and gone, f"pushed, {'listed' if listed else 'not listed'}, {'deleted' if gone else 'not deleted'}"


def atomic(place: Place, tip: str) -> tuple[bool, str]:
    """A push of two refs of which one must fail: the default branch goes nowhere backwards."""
    other = place.commit(None, {"other.txt": place.run}, "Unrelated")
    name = place.tag(f"live-{place.run}-atomic", tip)
    branch = place.must("ls-remote", "--symref", place.url, "HEAD").split()[1]
    why = place.push(f"refs/tags/{name}", f"{other}:{branch}")
    there = place.must("ls-remote", place.url, f"refs/tags/{name}")
    return (
        why is not None and not there,
        "neither ref moved" if why and not there else "one ref moved without the other",
    )


def filters(place: Place, tip: str) -> tuple[bool, str]:
    said = []
    for kind in ("tree:0", "blob:none"):
        place.must("init", "--quiet", "--bare", f"filter-{kind.partition(':')[0]}")
        done = place.git(
            "-C",
            f"filter-{kind.partition(':')[0]}",
            "fetch",
            "--quiet",
            "--depth=1",
            f"--filter={kind}",
            place.url,
            tip,
        )
        ignored = "not recognized" in done.stderr or "ignoring" in done.stderr
        said.append(f"{kind} {'ignored' if ignored else 'taken' if done.returncode == 0 else last_line(done.stderr)}")
    return all("taken" in each for each in said), ", ".join(said)


BOTH: tuple[tuple[str, str, Fact], ...] = (
    ("own-refs", "refs/tagline/* may be pushed, listed and deleted", own_refs),
    ("atomic", "a push with --atomic moves all refs or none", atomic),
    ("filters", "fetches without trees and without files are served", filters),
)
