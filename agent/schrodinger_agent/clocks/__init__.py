"""Clocks of single nodes that are moved, run at another pace, or go to and fro, while the host's is right.

- ``vdso`` (pure): where in a process's vDSO the clock functions are, and where there is room;
- ``skew`` (pure): what is done to a clock, and the sum of several such things;
- ``patch`` (pure): the payload's layout, what is to be written, and what was found written;
- ``tracing``: stopping a process for as long as it takes to write;
- ``process``: one process's clocks, put under a skew, read back, put right;
- ``node``: all processes of a target, those that are still to come included;
- ``leftovers``: processes whose clocks an agent left wrong, found by its mark;
- ``trial``: whether it can be done here.

The mechanism, and why it is done this way, is in ``docs/faults/clocks.md`` and ``docs/decisions/clocks.md``.
"""

from schrodinger_agent.clocks.errors import ClockError
from schrodinger_agent.clocks.node import NodeClocks
from schrodinger_agent.clocks.skew import Skew, Skews

__all__ = ["ClockError", "NodeClocks", "Skew", "Skews"]
