"""The Python that the agent's small programs run in: its own, without anything but the standard library.

It is found by what this process executes and not by ``sys.executable``. That may be a link in an environment made for
one command (``uv run --with``), which is gone when the command is, while the agent lingers and serves the next.
"""

from __future__ import annotations

from pathlib import Path


def bare_python(*arguments: str) -> list[str]:
    """The argument list that runs Python with these arguments: isolated, and without site-packages."""
    running = str(Path("/proc/self/exe").readlink()).removesuffix(" (deleted)")  # that is: upgraded in place
    return [running, "-I", "-S", "-E", *arguments]
