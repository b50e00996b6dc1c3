"""Programs that say how wrong their own clocks are, in C and in Python, and how a test hears them.

Each line is ``ok``, then in microseconds how far its realtime clock and its monotonic clock are ahead of what the
kernel tells it by a system call of its own, which no clock fault changes.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.integration.agents import wait_until
from tests.integration.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PYTHON = r"""
import ctypes, select, sys, time
libc = ctypes.CDLL(None)
class timespec(ctypes.Structure):
    _fields_ = (("s", ctypes.c_long), ("ns", ctypes.c_long))
def kernel(clock):
    time_ = timespec()
    libc.syscall(ctypes.c_long(NUMBER), ctypes.c_long(clock), ctypes.byref(time_))
    return time_.s * 10**9 + time_.ns
def ahead(clock):
    before = kernel(clock)
    return (time.clock_gettime_ns(clock) - before) // 1000
while True:
    print("ok", ahead(time.CLOCK_REALTIME), ahead(time.CLOCK_MONOTONIC), *sys.argv[2:], flush=True)
    select.select([], [], [], 0.002)  # sleep() would hand the kernel a time of the wrong clock to wait for
"""

AHEAD = """
while True:
    print("ahead" if ahead(time.CLOCK_REALTIME) > 1_800_000_000 else "ok", 0, kernel(time.CLOCK_MONOTONIC), flush=True)
    select.select([], [], [], 0.002)
"""
"""Instead of the Python program's own end: whether its realtime clock is half an hour ahead, or more."""

FAMILY = r"""
import os, subprocess, sys, time
if os.fork() == 0:
    time.sleep(1)
    os.execv(sys.executable, [sys.executable, "-c", PROGRAM, "-", "child"])
subprocess.Popen([sys.executable, "-c", PROGRAM, "-", "spawned"])
exec(PROGRAM)
"""
"""The Python program with two children that say the same and who they are: one that was executed by a child after a
second, and one at once, as a library starts programs.
"""

C = r"""
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long long us(struct timespec t) { return t.tv_sec * 1000000LL + t.tv_nsec / 1000; }
static long long ahead(clockid_t clock) {
    struct timespec kernel, mine;
    syscall(SYS_clock_gettime, clock, &kernel);
    clock_gettime(clock, &mine);
    return us(mine) - us(kernel);
}
static void *spin(void *unused) {
    struct timespec now;
    for (;;) clock_gettime(CLOCK_MONOTONIC, &now);
}
int main(void) {
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, spin, NULL);
    for (;;) {
        struct timeval older;
        gettimeofday(&older, NULL);
        long long functions_differ = time(NULL) - older.tv_sec;
        printf("ok %lld %lld %lld\n", ahead(CLOCK_REALTIME), ahead(CLOCK_MONOTONIC), functions_differ);
        fflush(stdout);
        usleep(2000);
    }
}
"""


class Teller(Writer):
    """One of these programs on a node."""

    def lines(self) -> list[list[str]]:
        """All that it says."""
        said = self.output.read_text().splitlines(keepends=True)
        return [line.split() for line in said if line.endswith("\n")]


THREADS = r"""
import threading
def begin_and_end():
    while True:
        threads = [threading.Thread(target=time.time) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
threading.Thread(target=begin_and_end).start()
"""
"""To be put before the Python program: threads that begin and end all the time."""

LEADERLESS = r"""
#include <pthread.h>
#include <unistd.h>
static void *live(void *unused) { for (;;) pause(); }
int main(void) { pthread_t thread; pthread_create(&thread, NULL, live, NULL); pthread_exit(NULL); }
"""
"""A program whose first thread has ended, and another has not."""


def python_program() -> str:
    """The Python program, for this machine."""
    return PYTHON.replace("NUMBER", {"x86_64": "228", "aarch64": "113"}[_machine()])


def ahead_program() -> str:
    """A program in Python that says of each try whether its realtime clock is ahead."""
    return python_program().partition("while True:")[0] + AHEAD


def family_program() -> str:
    """The Python program, with children."""
    return f"PROGRAM = {python_program()!r}\n{FAMILY}"


def c_program(place: Path, *flags: str, text: str = C) -> Path:
    """The C program, two of whose threads do nothing but ask for the time, or another one; compiled."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    source, program = place / "telling.c", place / "telling"
    source.write_text(text)
    subprocess.run(["cc", "-O1", *flags, "-o", program, source, "-pthread"], check=True)
    return program


def hears(writer: Teller, what: str, holds: Callable[[int, int], bool], times: int = 5) -> list[list[int]]:
    """Wait until so many lines in a row are like this; returns the last of them."""

    def told() -> list[list[int]]:
        """Of the program alone, not of its children, which say who they are."""
        numbers = (line[1:] for line in writer.lines() if len(line) > 2 and line[-1].lstrip("-").isdigit())
        return [[int(word) for word in line] for line in numbers][-times:]

    seen = len(writer.lines())
    wait_until(
        lambda: len(writer.lines()) >= seen + times and all(holds(line[0], line[1]) for line in told()),
        f"it says {times} times that {what}; it said {writer.lines()[-times:]}",
    )
    return told()


def hears_ahead(writer: Teller, realtime_us: int, monotonic_us: int, within_us: int = 20_000) -> None:
    """Wait until both clocks are as far ahead as that."""
    hears(
        writer,
        f"its clocks are {realtime_us} and {monotonic_us} us ahead",
        lambda real, mono: abs(real - realtime_us) < within_us and abs(mono - monotonic_us) < within_us,
    )


def _machine() -> str:
    return subprocess.run(["uname", "-m"], check=True, capture_output=True, text=True).stdout.strip()
