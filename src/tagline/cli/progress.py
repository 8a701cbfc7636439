"""Shows on stderr how far a transfer is: a bar on a terminal, elsewhere a line for every tenth."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from tagline.render.terminal import progress as text

#: Seconds between two pictures of the bar.
_REDRAW = 0.1
#: Seconds that the rate is measured over: long enough to be steady, short enough to be of now.
_WINDOW = 5.0
#: Seconds that nothing is said of where there is no terminal.
_QUIET = 1.0
#: Bytes between two lines where the total is unknown.
_STEP = 256 << 20
_COLUMNS = 80


class Progress:
    """One transfer; its workers call :meth:`report` from any thread.

    ``clock`` gives seconds that only rise. The bar is plain ASCII where ``plain`` or the stream asks for it.
    """

    def __init__(
        self,
        name: str,
        *,
        size: int | None,
        files: int | None,
        stream: TextIO,
        clock: Callable[[], float],
        terminal: bool,
        plain: bool = False,
    ) -> None:
        self._now = text.Progress(name, 0, size, 0, files, 0.0)
        self._stream = stream
        self._clock = clock
        self._terminal = terminal
        self._plain = plain or not _can_draw(stream)
        self._lock = threading.Lock()
        self._begun = clock()
        self._drawn = float("-inf")
        self._samples = deque([(self._begun, 0)])
        self._step = 0
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def report(self, size: int, files: int) -> None:
        """So many bytes and files came in addition; fewer than none where some must come again."""
        with self._lock:
            self._now = self._now._replace(done=self._now.done + size, done_files=self._now.done_files + files)
            now = self._clock()
            if self._terminal:
                if now - self._drawn >= _REDRAW:
                    self._draw(now)
            else:
                self._say(now)

    def close(self) -> None:
        """Nothing more comes: the bar goes, so that the answer has the line."""
        with self._lock:
            if self._shown and self._terminal:
                self._write("\r\x1b[K")
            self._shown = False

    def _draw(self, now: float) -> None:
        self._drawn = now
        picture = text.bar(self._measured(now), _columns(self._stream) - 1, plain=self._plain)
        self._write(f"\r{picture}\x1b[K")
        self._shown = True

    def _say(self, now: float) -> None:
        share = self._now.share
        step = int(share * 10) if share is not None else self._now.done // _STEP
        if step <= self._step or now - self._begun < _QUIET:
            return
        self._step = step
        rate = self._now.done / (now - self._begun)
        self._write(f"{text.line(self._now._replace(rate=rate))}\n")

    def _measured(self, now: float) -> text.Progress:
        """This instant, with the rate of the last seconds."""
        self._samples.append((now, self._now.done))
        while len(self._samples) > 2 and now - self._samples[1][0] >= _WINDOW:
            self._samples.popleft()
        then, before = self._samples[0]
        rate = (self._now.done - before) / (now - then) if now > then else 0.0
        return self._now._replace(rate=max(0.0, rate))

    def _write(self, words: str) -> None:
        """A terminal that is gone, or cannot show a character, is no reason to end a transfer."""
        try:
            self._stream.write(words)
            self._stream.flush()
        except (OSError, ValueError):
            self._terminal, self._step = False, 1 << 62


class Count:
    """So many of a number of things are done: a line that is drawn over on a terminal, elsewhere one for every tenth.

    What is said meanwhile stands above it. One thread calls.
    """

    def __init__(self, name: str, stream: TextIO, *, terminal: bool) -> None:
        self._name = name
        self._stream = stream
        self._terminal = terminal
        self._done = self._step = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._clear()

    def report(self, total: int) -> None:
        """One more is done, of so many."""
        self._done += 1
        step = self._done * 10 // total
        words = f"{self._name}: {self._done} of {total}"
        if self._terminal:
            self._write(f"\r{words}\x1b[K")
        elif step > self._step and total >= 10:
            self._step = step
            self._write(f"{words}\n")

    def say(self, line: str) -> None:
        """A line that stays."""
        self._clear()
        self._write(f"{text.plain(line)}\n")

    def _clear(self) -> None:
        if self._terminal and self._done:
            self._write("\r\x1b[K")

    def _write(self, words: str) -> None:
        try:
            self._stream.write(words)
            self._stream.flush()
        except (OSError, ValueError):
            self._terminal = False


def _can_draw(stream: TextIO) -> bool:
    try:
        "━─".encode(stream.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or _COLUMNS
    except (OSError, ValueError):
        return _COLUMNS
