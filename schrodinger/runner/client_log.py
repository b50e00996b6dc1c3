"""What libraries of clients log goes into the run directory: under faults they have much to say, and say it in the way.

Without this Python prints warnings of a logger that nobody listens to over the progress of the run.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def client_log(path: Path) -> Iterator[None]:
    """Keep in ``path`` whatever is logged meanwhile, a warning or worse; no file is made where nothing is."""
    handler = logging.FileHandler(path, delay=True, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s: %(message)s"))
    handler.setLevel(logging.WARNING)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
