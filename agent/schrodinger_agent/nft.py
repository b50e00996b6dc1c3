"""nftables without a subprocess: libnftables through ctypes, with its JSON output for reading back.

The library speaks the same language as the ``nft`` program, without its start-up: a change takes a fraction of a
millisecond instead of ten. One script is one netlink transaction; either all of it happens or nothing. See
libnftables(3).

The library opens a netlink socket in the network namespace of the thread that calls it, so an :class:`Nft` is made and
used in one thread, which stays in one namespace.
"""

from __future__ import annotations

import ctypes
import json
from typing import Any

LIBRARY = "libnftables.so.1"
_JSON_OUTPUT = 1 << 4


class NftError(Exception):
    """The library is missing, or a script was refused, whose first line the message holds."""


class Nft:
    """One libnftables context."""

    def __init__(self) -> None:
        self._library = _load()
        self._context = self._library.nft_ctx_new(0)
        if not self._context:
            raise NftError("libnftables could not make a context; is nf_tables in this kernel, and are we root?")
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)

    def run(self, script: str) -> None:
        """Carry out a script as one transaction."""
        self._evaluate(script, flags=0)

    def read(self, command: str) -> list[dict[str, Any]]:
        """Carry out a ``list`` command and return its objects, in the schema of libnftables-json(5)."""
        objects: list[dict[str, Any]] = json.loads(self._evaluate(command, flags=_JSON_OUTPUT))["nftables"]
        return objects

    def close(self) -> None:
        """Free the context. May be called again."""
        context, self._context = self._context, None
        if context:
            self._library.nft_ctx_free(context)

    def _evaluate(self, script: str, flags: int) -> bytes:
        if not self._context:
            raise NftError("this nftables context is closed")
        self._library.nft_ctx_output_set_flags(self._context, flags)
        status = self._library.nft_run_cmd_from_buffer(self._context, script.encode())
        output: bytes = self._library.nft_ctx_get_output_buffer(self._context)
        errors: bytes = self._library.nft_ctx_get_error_buffer(self._context)
        if status != 0:
            first_line = script.strip().partition("\n")[0]
            raise NftError(
                f"nft refused {first_line!r}: {errors.decode(errors='replace').strip() or 'no reason given'}"
            )
        return output


def _load() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise NftError(f"{LIBRARY} cannot be loaded: {error}") from error
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_new.argtypes = [ctypes.c_uint32]
    library.nft_ctx_free.restype = None
    library.nft_ctx_output_set_flags.argtypes = [ctypes.c_void_p, ctypes.c_uint]
    library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    for name in ("nft_ctx_free", "nft_ctx_buffer_output", "nft_ctx_buffer_error"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
        getattr(library, name).restype = ctypes.c_char_p
    return library
