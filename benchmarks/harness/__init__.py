"""What every benchmark measures with: a process of its own for each figure, and one form of table.

:func:`measure` times a function of ours, :func:`measure_program` a baseline that is a program; :class:`Table` prints
them side by side. A benchmark is run as a module, from the root of the repository: ``python -m benchmarks.recorder``.
"""

from benchmarks.harness.measure import Measured, Unfinished, measure, measure_program
from benchmarks.harness.table import Table

__all__ = ["Measured", "Table", "Unfinished", "measure", "measure_program"]
