"""The bar of a terminal and the lines of a log."""

from __future__ import annotations

import io
import os
import pty
import select
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagline.cli.progress import Count
from tagline.cli.progress import Progress as Shown
from tagline.render.escape import width
from tagline.render.terminal.progress import Progress, amount, bar, line

MIB = 1 << 20
HALF = Progress("model.bin", 512 * MIB, 1024 * MIB, 0, 1, 64.0 * MIB)
FOLDER = Progress("images", 512 * MIB, 1024 * MIB, 70, 10_000, 64.0 * MIB)


@pytest.mark.parametrize(
    ("progress", "columns", "expected"),
    [
        (HALF, 99, "model.bin   50 %  [##############--------------]  512.0 MiB of 1.0 GiB  64.0 MiB/s  0:08 left"),
        (HALF, 80, "model.bin   50 %  [#######--------]  512.0 MiB of 1.0 GiB  64.0 MiB/s  0:08 left"),
        (HALF, 60, "model...   50 %  512.0 MiB of 1.0 GiB  64.0 MiB/s  0:08 left"),
        (HALF, 50, "model.bin   50 %  512.0 MiB of 1.0 GiB  0:08 left"),
        (HALF, 30, "model.bin   50 %  0:08 left"),
        (HALF, 14, "model..   50 %"),
        (HALF, 8, "model..."),
        (
            FOLDER,
            110,
            "images   50 %  [##############--------------]  512.0 MiB of 1.0 GiB  64.0 MiB/s  0:08 left"
            "  70/10000 files",
        ),
        (Progress("x", 3 * MIB, None, 0, None, 0.0), 60, "x  3.0 MiB"),
        (Progress("x", 3 * MIB, None, 3, 4, 0.0), 60, "x   75 %  [#####################-------]  3.0 MiB  3/4 files"),
        (Progress("empty", 0, 0, 0, 1, 0.0), 60, "empty    0 %  [----------------------------]  0 B of 0 B"),
    ],
)
def test_bar__plain(progress: Progress, columns: int, expected: str) -> None:
    assert bar(progress, columns, plain=True) == expected


def test_bar__drawn() -> None:
    assert bar(HALF, 80, plain=False) == (
        "model.bin   50 %  ━━━━━━━━─────────  512.0 MiB of 1.0 GiB  64.0 MiB/s  0:08 left"
    )


def test_names__hostile__escaped_and_cut() -> None:
    evil = HALF._replace(name="a\x1b[2J\r\n##[error]\u202e")
    for shown in (bar(evil, 120, plain=True), line(evil)):
        assert "\x1b" not in shown
        assert "\r" not in shown
        assert "\n" not in shown
        assert "##[" not in shown
    assert width(bar(HALF._replace(name="模型" * 30), 60, plain=True)) <= 60


@given(
    name=st.text(max_size=40),
    done=st.integers(-5, 1 << 50),
    size=st.none() | st.integers(0, 1 << 50),
    files=st.tuples(st.integers(0, 9999), st.none() | st.integers(0, 9999)),
    rate=st.floats(0, 1e12),
    columns=st.integers(10, 200),
)
def test_bar__any_numbers__never_wider_than_the_terminal(
    name: str, done: int, size: int | None, files: tuple[int, int | None], rate: float, columns: int
) -> None:
    progress = Progress(name, done, size, *files, rate)
    for plain in (True, False):
        assert width(bar(progress, columns, plain=plain)) <= columns
    assert "\n" not in line(progress)


def test_line() -> None:
    assert line(HALF) == "model.bin: 50 %, 512.0 MiB of 1.0 GiB, 64.0 MiB/s, 0:08 left"
    assert line(FOLDER) == "images: 50 %, 512.0 MiB of 1.0 GiB, 70 of 10000 files, 64.0 MiB/s, 0:08 left"
    assert line(Progress("x", MIB, None, 1, None, 0.0)) == "x: 1.0 MiB"


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (MIB - 1, "1.0 MiB")])
def test_amount(size: int, text: str) -> None:
    assert amount(size) == text


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def _shown(size: int | None, *, terminal: bool, files: int = 1) -> tuple[Shown, io.TextIOWrapper, _Clock]:
    stream, clock = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline=""), _Clock()
    return Shown("m", size=size, files=files, stream=stream, clock=clock, terminal=terminal), stream, clock


def _text(stream: io.TextIOWrapper) -> str:
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined]


def test_log__a_line_for_every_tenth() -> None:
    shown, stream, clock = _shown(1000 * MIB, terminal=False)
    with shown:
        for _ in range(1000):
            clock.now += 0.1
            shown.report(MIB, 0)
        shown.report(0, 1)
    lines = _text(stream).splitlines()
    assert len(lines) == 10
    assert lines[0] == "m: 10 %, 100.0 MiB of 1000.0 MiB, 10.0 MiB/s, 1:30 left"
    assert lines[-1] == "m: 100 %, 1000.0 MiB of 1000.0 MiB, 10.0 MiB/s"


def test_log__short_work__nothing() -> None:
    shown, stream, clock = _shown(10, terminal=False)
    with shown:
        for _ in range(10):
            clock.now += 0.09
            shown.report(1, 0)
    assert _text(stream) == ""


def test_log__a_leap__one_line() -> None:
    shown, stream, clock = _shown(10, terminal=False)
    with shown:
        clock.now += 2
        shown.report(7, 0)
    assert _text(stream) == "m: 70 %, 7 B of 10 B, 4 B/s, 0:01 left\n"


def test_log__taken_back__not_said_twice() -> None:
    shown, stream, clock = _shown(10, terminal=False)
    with shown:
        clock.now += 2
        for size in (5, -5, 5, 5):
            shown.report(size, 0)
    assert [text.split(",")[0] for text in _text(stream).splitlines()] == ["m: 50 %", "m: 100 %"]


def test_log__total_unknown__a_line_for_many_bytes() -> None:
    shown, stream, clock = _shown(None, terminal=False)
    with shown:
        for _ in range(1024):
            clock.now += 0.1
            shown.report(MIB, 0)
    assert len(_text(stream).splitlines()) == 4


def test_terminal__at_most_ten_pictures_a_second__and_gone_at_the_end() -> None:
    shown, stream, clock = _shown(1000, terminal=True)
    with shown:
        for _ in range(1000):
            clock.now += 0.01
            shown.report(1, 0)
    pictures = _text(stream).split("\r")[1:]
    assert 90 <= len(pictures) - 1 <= 101
    assert pictures[-1] == "\x1b[K"
    assert "100 B/s" in pictures[-2]


def test_terminal__real__width_of_it() -> None:
    leader, follower = pty.openpty()
    os.set_blocking(leader, False)
    import fcntl
    import struct
    import termios

    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 44, 0, 0))
    with os.fdopen(follower, "w", encoding="ascii") as stream:
        with Shown("m", size=100, files=1, stream=stream, clock=_Clock(), terminal=True) as shown:
            shown.report(50, 0)
        # The kernel hands it on in pieces, and on a busy machine not at once.
        picture = ""
        while picture.count("\x1b[K") < 2 and select.select([leader], [], [], 10)[0]:
            picture += os.read(leader, 1000).decode()
    os.close(leader)
    assert picture == "\rm   50 %  [########--------]  50 B of 100 B\x1b[K\r\x1b[K"


def test_stream__gone__no_failure() -> None:
    shown, stream, clock = _shown(10, terminal=True)
    stream.close()
    clock.now += 5
    shown.report(1, 0)
    shown.report(1, 0)
    shown.close()


def test_stream__that_fails_once__is_not_written_again() -> None:
    class Dead(io.StringIO):
        writes = 0

        def write(self, text: str) -> int:
            self.writes += 1
            raise OSError(5, "gone")

    for terminal in (True, False):
        stream, clock = Dead(), _Clock()
        shown = Shown("m", size=100, files=None, stream=stream, clock=clock, terminal=terminal)
        for _ in range(5):
            clock.now += 5
            shown.report(20, 0)
        shown.close()
        assert stream.writes == 1


def test_report__from_many_threads__nothing_lost() -> None:
    shown, stream, clock = _shown(8000, terminal=False)
    clock.now += 5

    def work() -> None:
        for _ in range(1000):
            shown.report(1, 0)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _text(stream).splitlines()[-1].startswith("m: 100 %")


@pytest.mark.parametrize("terminal", [True, False])
def test_count__of_many_things__is_one_line_on_a_terminal_and_a_tenth_elsewhere(terminal: bool) -> None:
    stream = io.StringIO()
    with Count("Repositories", stream, terminal=terminal) as count:
        for number in range(40):
            if number == 20:
                count.say("r: broken: \x1b[31mhostile")
            count.report(40)
    text = stream.getvalue()
    assert "\x1b[31m" not in text
    if terminal:
        assert [line.split("\r")[-1] for line in text.split("\n")] == ["\x1b[Kr: broken: \\x1b[31mhostile", "\x1b[K"]
        assert "\rRepositories: 40 of 40\x1b[K" in text
    else:
        lines = text.splitlines()
        assert lines.pop(5).startswith("r: broken")
        assert lines == [f"Repositories: {number} of 40" for number in range(4, 41, 4)]
