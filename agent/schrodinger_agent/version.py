"""What agent this is. A client and an agent that differ do not talk to each other, so nothing has to be compatible."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__version__ = "0.1.0"

_DIGEST_BYTES = 8


def code_digest(package: Path = Path(__file__).parent) -> str:
    """What the agent's code is, as it lies there now: its sources, and the native package that it would load.

    Two checkouts of one version differ by it, and an agent that was started before its sources were edited from one
    that was started afterwards. It takes some ten milliseconds.
    """
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for name, file in [*((str(path.relative_to(package)), path) for path in sorted(package.rglob("*.py"))), *_native()]:
        content = file.read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _native() -> Iterator[tuple[str, Path]]:
    """The compiled part of the native package, which is found, and not loaded."""
    found = importlib.util.find_spec("schrodinger_native")
    for place in (found.submodule_search_locations or ()) if found else ():
        yield from ((path.name, path) for path in sorted(Path(place).glob("_native*.so")))
