"""Threads that share out work. The first failure, or Ctrl-C, stops all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

#: Seconds: how long a stopped thread may take to notice. One that waits for a network is left behind;
#: it looks for the stop before it writes anything, and ends with the process.
GRACE = 3.0


class Stopped(Exception):
    """Another worker failed, or the user had enough."""


class Workers:
    """The count of one fetch."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def check(self) -> None:
        """Called between pieces of work. Raises Stopped."""
        if self._stop.is_set():
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Wait, but not after a stop. Raises Stopped."""
        self._stop.wait(seconds)
        self.check()

    def run(self, jobs: Iterable[Callable[[], object]], count: int) -> None:
        """Do all the jobs. Raises the first failure, once the others have ended."""
        todo, lock, ended = iter(jobs), threading.Lock(), threading.Semaphore(0)
        failures: list[BaseException] = []

        def work() -> None:
            try:
                while not self._stop.is_set():
                    with lock:
                        job = next(todo, None)
                    if job is None:
                        break
                    job()
            except BaseException as error:
                failures.append(error)
                self._stop.set()
            finally:
                ended.release()

        threads = [threading.Thread(target=work, name=f"fetch-{i}", daemon=True) for i in range(count)]
        try:
            for thread in threads:
                thread.start()
            for _ in threads:
                ended.acquire()
                if self._stop.is_set():
                    break
        except BaseException:
            self._stop.set()
            raise
        finally:
            _join(threads, self._stop)
        if failures:
            raise next((error for error in failures if not isinstance(error, Stopped)), failures[0])
        self.check()


def _join(threads: Iterable[threading.Thread], stop: threading.Event) -> None:
    deadline = time.monotonic() + GRACE
    for thread in threads:
        if thread.ident is not None:
            thread.join(max(0.0, deadline - time.monotonic()) if stop.is_set() else None)
