"""Seconds and peak memory of one piece of work, in a process that does nothing else.

A process of its own because what a process once held it may keep, and a peak is the peak of everything before it too.
Preparing (opening a file, reading it into memory) is not timed, and its memory is counted apart: Linux lets a process
forget its peak (``/proc/self/clear_refs``, see proc(5)), so the peak of the work alone is known.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
_MEGABYTE: Final = 1_000_000
_LOOKS_AGAIN_AFTER_S: Final = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one piece of work took: the least seconds of all rounds, and memory in megabytes (of 1,000,000 bytes).

    ``cpu_s`` are the least seconds that processors worked on it, which a busy machine does not change; ``None`` where
    they are not known.
    ``peak_mb`` is all that the process held at most while it worked, ``before_mb`` what it held when it began: the
    interpreter, libraries, and what was prepared. ``result`` is what the work returned.
    """

    seconds: float
    peak_mb: float
    before_mb: float
    result: Any
    cpu_s: float | None = None

    @property
    def extra_mb(self) -> float:
        """What the work itself took."""
        return self.peak_mb - self.before_mb


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A program that was stopped at a limit: ``why`` says which, such as ``more than 60 s``."""

    why: str
    seconds: float
    peak_mb: float


def measure(work: Callable[[T], Any], prepare: Callable[..., T], *arguments: object, rounds: int = 1) -> Measured:
    """Run ``work(prepare(*arguments))`` in a new process, timing only ``work``.

    Both are functions of a module, and what ``work`` returns can be pickled. With more than one of ``rounds`` the work
    is done again on the same prepared value, and the shortest time counts; the peak is that of all of them.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(_measured, work, prepare, arguments, rounds).result()


def measure_program(
    command: Sequence[str], *, input_path: Path | None = None, most_s: float = 60, most_mb: float = 8_000
) -> Measured | Unfinished:
    """Run a program to its end, or to one of the limits. ``result`` is what it printed.

    Raises:
        RuntimeError: the program failed; the message has what it said.
    """
    with (input_path or Path("/dev/null")).open("rb") as source:
        begun = time.perf_counter()
        program = subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        peak_mb = 0.0
        try:
            while program.poll() is None:
                seconds = time.perf_counter() - begun
                peak_mb = max(peak_mb, _peak_mb(program.pid))
                if seconds > most_s or peak_mb > most_mb:
                    why = f"more than {most_s:g} s" if seconds > most_s else f"more than {most_mb / 1000:g} GB"
                    return Unfinished(why=why, seconds=seconds, peak_mb=peak_mb)
                time.sleep(_LOOKS_AGAIN_AFTER_S)
            seconds = time.perf_counter() - begun
        finally:
            program.kill()
            said, complained = program.communicate()
    if program.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {program.returncode}: {complained.strip()[-2000:]}")
    return Measured(seconds=seconds, peak_mb=peak_mb, before_mb=0.0, result=said)


def _measured(
    work: Callable[[T], Any], prepare: Callable[..., T], arguments: tuple[object, ...], rounds: int
) -> Measured:
    prepared = prepare(*arguments)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again at what is resident now
    before_mb = _peak_mb("self")
    took, worked = [], []
    result = None
    for _ in range(rounds):
        begun, worked_before = time.perf_counter(), time.process_time()
        result = work(prepared)
        took.append(time.perf_counter() - begun)
        worked.append(time.process_time() - worked_before)
    peak_mb = _peak_mb("self")
    return Measured(seconds=min(took), peak_mb=peak_mb, before_mb=before_mb, result=result, cpu_s=min(worked))


def _peak_mb(process: int | str) -> float:
    """The most that a process ever had resident, 0 once it is gone. The kernel's kB are of 1,024 bytes."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0.0
    kib = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
    return kib * 1024 / _MEGABYTE
