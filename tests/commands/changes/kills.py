"""A promote that dies: ``kill -9`` to it and to its git, at a moment or at a request that a seed draws.

make fuzz ROUNDS=200 SEED=1
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tagline_localforge import Drop, Request
from tests.commands.changes.merges import ASKED, METHODS, TRIGGERS
from tests.commands.changes.world import Platform, World
from tests.support.gitbuild import environment
from tests.support.receiver import Inbox

#: ``time``: whatever it does then. ``lost``: at a request, before the forge has it. ``unheard``: at a request that the
#: forge carries out, and nobody hears of it.
When = Literal["time", "lost", "unheard"]


@dataclass(frozen=True)
class Whole:
    """What a run that nobody kills takes."""

    seconds: float
    requests: int


@dataclass(frozen=True)
class Kill:
    """When so much of a whole run is over, by time or by requests."""

    part: float
    when: When

    def __str__(self) -> str:
        return f"{self.part:.0%} {self.when}"


@dataclass(frozen=True)
class Round:
    """What happens in one round: all of it by the seed."""

    seed: int
    platform: Platform
    method: str
    trigger: str
    asked: str
    #: Whether its stages start something in another repository.
    elsewhere: bool
    kills: tuple[Kill, ...]

    def __str__(self) -> str:
        kills = ", ".join(map(str, self.kills))
        where = "elsewhere" if self.elsewhere else "here"
        what = f"{self.platform} {self.method} {self.trigger} {self.asked!r}"
        return f"seed {self.seed}: {what}, starts {where}, killed at {kills}"


_GOLDEN = 0.6180339887
_WHEN: tuple[When, ...] = ("lost", "unheard")


def draw(seed: int) -> Round:
    """The round of this seed."""
    dice = random.Random(seed)
    # By the golden ratio: so many seeds in a row kill at as many steps, evenly.
    first = Kill(seed * _GOLDEN % 1, _WHEN[seed % len(_WHEN)])
    platform: Platform = dice.choice(("github", "gitlab"))
    return Round(
        seed,
        platform,
        dice.choice(METHODS[platform]),
        dice.choice(TRIGGERS[platform]),
        dice.choice([name for name, asked in ASKED.items() if asked.tags]),
        dice.random() < 0.5,
        (first, *(_kill(dice) for _ in range(dice.choice((0, 0, 0, 1, 2))))),
    )


def _kill(dice: random.Random) -> Kill:
    return Kill(dice.random(), dice.choice(("time", "time", "lost", "unheard")))


@dataclass(frozen=True)
class Ended:
    """How one run ended. ``last`` is the last request that the forge heard of."""

    killed: bool
    whole: Whole
    last: str
    out: str

    def __str__(self) -> str:
        return f"{'died' if self.killed else 'ended'} at {self.whole.requests} {self.last}"


class _Trap:
    """Kills a run at one of its requests, from within the forge."""

    def __init__(self, at: int | None, when: When) -> None:
        self.at = at
        self.when = when
        self.seen: list[str] = []
        self.child: subprocess.Popen[str] | None = None

    def __call__(self, request: Request) -> None:
        self.seen.append(f"{request.method} {request.path}")
        if self.child is None or len(self.seen) != self.at:
            return
        end(self.child)
        if self.when == "lost":
            raise Drop

    def receiver(self) -> bool:
        """The same at a request to a receiver of events; whether that request counts."""
        try:
            self(Request("POST", "(a receiver)", "", {}, b"", ""))
        except Drop:
            return False
        return True


def end(child: subprocess.Popen[str]) -> None:
    """``kill -9``, to all that it started too."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def run(
    world: World, inbox: Inbox, arguments: Sequence[str], variables: Mapping[str, str], kill: Kill | None, whole: Whole
) -> Ended:
    """One run as a process of its own, which ``kill`` ends."""
    by_time = kill is not None and kill.when == "time"
    trap = _Trap(
        None if kill is None or by_time else 1 + int(kill.part * whole.requests), kill.when if kill else "lost"
    )
    world.server.before.append(trap)
    inbox.before = trap.receiver
    folder = world.folder / "tmp"
    folder.mkdir(exist_ok=True)
    own = environment(HOME=str(world.folder), TAGLINE_CACHE=str(world.folder / "cache"), TMPDIR=str(folder))
    began = time.monotonic()
    trap.child = child = subprocess.Popen(
        [sys.executable, "-m", "tagline", *arguments, "--json"],
        cwd=world.folder, env={**own, **world.environ(**variables)}, start_new_session=True,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = child.communicate(timeout=kill.part * whole.seconds if kill and by_time else 120)
    except subprocess.TimeoutExpired:
        end(child)
        out, err = child.communicate()
    world.server.before.remove(trap)
    inbox.before = lambda: True
    killed = child.returncode == -signal.SIGKILL
    # 4: a start that was claimed before, of which nobody knows whether it was made.
    assert killed or child.returncode in (0, 4), f"exit {child.returncode}: {out}{err}"
    return Ended(killed, Whole(time.monotonic() - began, len(trap.seen)), trap.seen[-1] if trap.seen else "-", out)
