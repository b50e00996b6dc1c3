"""Whether clocks can be changed here, found by changing those of a program that tells what it sees."""

from __future__ import annotations

import subprocess
import time
from typing import Final

from schrodinger_agent.clocks.errors import ClockError
from schrodinger_agent.clocks.patch import Patch
from schrodinger_agent.clocks.process import ProcessClocks
from schrodinger_agent.clocks.skew import Skew, Skews
from schrodinger_agent.interpreter import bare_python

_TELLING: Final = """
import sys, time
for _ in sys.stdin:
    print(time.time_ns(), time.monotonic_ns(), flush=True)
"""
_AHEAD_NS: Final = 3600 * 10**9
_WITHIN_NS: Final = 60 * 10**9
"""A machine may be busy; an hour and a minute is no hour that was not there."""


def try_clocks(owner: str) -> None:
    """Let a program's clocks be an hour ahead, one after the other, and right again.

    Raises:
        ClockError, OSError: it cannot be done, or has no effect.
    """
    patch = Patch.here()
    program = subprocess.Popen(bare_python("-c", _TELLING), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with program:
        try:
            clocks = ProcessClocks(program.pid, patch)
            _expect(program, (0, 0))
            clocks.put_under(owner, Skews(realtime=Skew(_AHEAD_NS)))
            _expect(program, (_AHEAD_NS, 0))
            clocks.put_under(owner, Skews(monotonic=Skew(_AHEAD_NS)))
            _expect(program, (0, _AHEAD_NS))
            clocks.put_right(owner)
            _expect(program, (0, 0))
        finally:
            program.kill()


def _expect(program: subprocess.Popen[bytes], ahead_ns: tuple[int, int]) -> None:
    assert program.stdin is not None, "it was asked for"
    assert program.stdout is not None, "likewise"
    program.stdin.write(b"\n")
    program.stdin.flush()
    told = [int(word) for word in program.stdout.readline().split()]
    if len(told) != len(ahead_ns):
        raise ClockError("a program whose clocks were changed did not live")
    for name, seen, true, ahead in zip(
        ("realtime", "monotonic"), told, (time.time_ns(), time.monotonic_ns()), ahead_ns, strict=True
    ):
        if abs(seen - true - ahead) > _WITHIN_NS:
            raise ClockError(f"a {name} clock that was to be {ahead} ns ahead is {seen - true} ns ahead")
