"""What commands cost, as whole processes, and the table that says it: all benchmarks of a network share it."""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.latency import Proxy
from tests.support.gitbuild import environment
from tests.support.round_trips import RoundTrips, count

BIN = Path(sys.executable).parent
TAGLINE = (sys.executable, "-m", "tagline")
SOURCE = str(Path(__file__).resolve().parents[1] / "src")
_HEAD = "{:26}{:>5}{:>5}{:>9}{:>8}{:>8}{:>9}{:>8}{:>11}{:>10}".format


class Command(NamedTuple):
    """A process to be: its arguments, its folder, and what its environment says besides."""

    arguments: Sequence[str | Path]
    folder: Path
    variables: Mapping[str, str]


class Cost(NamedTuple):
    """Of commands one after the other. ``bytes`` are those of bodies, both ways; ``cpu`` counts children too.

    ``memory`` is the largest resident set of any process, in MB. ``stopped``: they would have taken longer.
    """

    seconds: float
    cpu: float
    memory: float
    trips: RoundTrips = RoundTrips()
    bytes: int = 0
    stopped: bool = False


def measure(commands: Iterable[Command], through: Proxy | None = None, limit: float = 3600) -> Cost:
    """Run the commands; what runs after ``limit`` seconds is stopped. One that fails ends the benchmark."""
    begun = (len(through.kinds), through.sent + through.received) if through else (0, 0)
    seconds = cpu = memory = 0.0
    for command in commands:
        taken, usage = _run(command, limit - seconds)
        seconds += taken
        cpu += usage.ru_utime + usage.ru_stime
        memory = max(memory, usage.ru_maxrss / 1024)
        if seconds >= limit:
            break
    trips = count(through.kinds[begun[0] :]) if through else RoundTrips()
    moved = through.sent + through.received - begun[1] if through else 0
    return Cost(seconds, cpu, memory, trips, moved, seconds >= limit)


def _run(command: Command, limit: float) -> tuple[float, resource.struct_rusage]:
    """Seconds of one process, and what it used with the children that it waited for."""
    own = environment(
        **{"HOME": str(command.folder), "PYTHONPATH": SOURCE, "DVC_NO_ANALYTICS": "1", **command.variables}
    )
    with tempfile.TemporaryFile() as said:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command.arguments, cwd=command.folder, env=own, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
        )  # fmt: skip
        timer = threading.Timer(limit, _kill, (process.pid,))
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            timer.cancel()
            if process.returncode is None:
                _kill(process.pid)
        if process.returncode and seconds < limit:
            said.seek(0)
            text = said.read().decode(errors="replace")[-2000:]
            sys.exit(f"{' '.join(map(str, command.arguments))} exited with {process.returncode}:\n{text}")
    return seconds, usage


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each figure; of the largest resident sets the largest."""
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        max(cost.memory for cost in costs),
        RoundTrips(*(statistics.median_low(each) for each in zip(*(cost.trips for cost in costs), strict=True))),
        statistics.median_low(cost.bytes for cost in costs),
        any(cost.stopped for cost in costs),
    )


def add_latency(parser: argparse.ArgumentParser) -> None:
    """The option that all benchmarks of a network have."""
    waits = "how long a request waits: a table for each"
    parser.add_argument("--latency", type=int, nargs="+", default=[0, 50, 150], metavar="MS", help=waits)


def print_head(title: str) -> None:
    """The head of a table. Fetches and pushes are requests that open one, and those that go on with it."""
    print(f"\n{title}")
    print(_HEAD("", "API", "git", "fetch", "push", "object", "MB", "CPU s", "seconds", "peer"))


def print_cost(name: str, cost: Cost, peer: Cost | None = None) -> None:
    """A line of the table; ``peer`` takes so many times as long."""
    trips = cost.trips
    shown = [f"{opened}+{more}" if opened or more else "-" for opened, more in (trips[1:3], trips[3:5])]
    more = ">" if cost.stopped else ""
    ratio = f"{'>' if peer.stopped else ''}{peer.seconds / cost.seconds:.1f} x" if peer else ""
    seconds = f"{more}{cost.seconds:.2f}"
    print(
        _HEAD(name, trips.api, sum(trips.of_git), *shown, trips.objects, f"{cost.bytes / 1e6:.2f}", f"{cost.cpu:.2f}",
              seconds, ratio), flush=True,
    )  # fmt: skip
