"""What takes a program into a file system before its ``main``: on this architecture and, emulated, on the other.

An emulator has threads, and the kernel lets no thread of several enter a mount namespace (setns(2)). So the program is
under a filter that answers that one call with success; all others are the kernel's.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

CRATE = Path(__file__).parents[2] / "native" / "crates" / "enter"
TOOLS = {
    "x86_64": ("x86_64-linux-gnu-gcc", ("qemu-x86_64", "-L", "/usr/x86_64-linux-gnu")),
    "aarch64": ("aarch64-linux-gnu-gcc", ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu")),
}
"""By architecture: what compiles for it, and what runs it elsewhere, with that architecture's loader."""

SETNS = {"x86_64": 308, "aarch64": 268}
EINVAL = 22
FAILED, BARE_STATUS = 125, 7


@dataclass(frozen=True)
class Told:
    """What the constructor reported, and what the program behind it said, if it ran."""

    status: int
    report: int
    environment: list[str]
    where: tuple[str, ...]
    still_open: set[int]
    handed: set[int]


@pytest.fixture(params=sorted(TOOLS))
def enter(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Told]:
    """Runs the bare program of an architecture, which is to enter a root in which ``/here/where`` says ``inside``."""
    compiler, emulator = TOOLS[request.param]
    own = os.uname().machine == request.param
    for tool in (compiler, *(() if own else emulator[:1])):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool}: run make develop")
    constructor, bare = tmp_path / "constructor.so", tmp_path / "bare"
    flags, source = CRATE / "constructor" / "flags", CRATE / "constructor" / "constructor.c"
    subprocess.run([compiler, f"@{flags}", "-o", constructor, source], check=True)
    plain = ["-nostdlib", "-pie", "-fPIE", "-ffreestanding", "-fno-stack-protector", "-w"]
    subprocess.run([compiler, *plain, "-o", bare, CRATE / "tests" / "bare.c"], check=True)
    root = tmp_path / "root"
    here = root / "here"
    here.mkdir(parents=True)
    (here / "where").write_text("inside")

    def run(before: Callable[[], None] | None, ours: int = 1, others: tuple[str, ...] = (), **variables: str) -> Told:
        with ExitStack() as stack:
            handed = [os.open(path, os.O_RDONLY) for path in (root, root, here, constructor)]
            heard, report = os.pipe()
            stack.callback(os.close, heard)
            mounts, inside, begin, library = handed
            orders = ",".join(map(str, (mounts, inside, begin, report, library, ours))) + ","
            preload = ":".join([f"/proc/self/fd/{library}", *others])
            # An emulator hands on what it was given, but for this one, which would be for its own loader.
            preloading = {"LD_PRELOAD": preload} if own else {}
            done = subprocess.run(
                [*([] if own else [*emulator, "-E", f"LD_PRELOAD={preload}"]), bare],
                env={**variables, "SCHRODINGER_ENTER": orders, "LD_BIND_NOW": "1", **preloading},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                pass_fds=(*handed, report),
                preexec_fn=before,
                text=True,
                check=False,
            )
            for descriptor in (*handed, report):
                os.close(descriptor)
            told = os.read(heard, 4)
        *environment_lines, begin_says, root_says, descriptors = done.stdout.splitlines() or [""] * 3
        return Told(
            status=done.returncode,
            report=struct.unpack("i", told)[0],
            environment=sorted(environment_lines),
            where=(begin_says, root_says),
            still_open={number for number, one in enumerate(descriptors) if one == "o"},
            handed={*handed, report},
        )

    return run


def test_a_program_without_any_library_finds_itself_inside(enter: Callable[..., Told]) -> None:
    told = enter(_setns_succeeds, HOME="/nowhere", LD_PRELOADED="=", Z="")
    assert told.status == BARE_STATUS
    assert told.report == 0
    assert told.where == ("inside", "inside")
    assert told.environment == ["HOME=/nowhere", "LD_PRELOADED==", "Z="], "nothing of ours is left in it"
    assert not told.still_open & told.handed


def test_what_others_wished_of_the_loader_stays(enter: Callable[..., Told]) -> None:
    told = enter(_setns_succeeds, ours=0, others=("/no/such.so", "/nor/such.so"))
    assert told.environment == ["LD_BIND_NOW=1", "LD_PRELOAD=/no/such.so:/nor/such.so"]


def test_a_program_that_cannot_be_taken_inside_does_not_run(enter: Callable[..., Told]) -> None:
    told = enter(None)  # what is handed over as a mount namespace is a directory
    assert told.status == FAILED
    assert told.report == EINVAL
    assert told.environment == []


def _setns_succeeds() -> None:
    """Let setns(2) do nothing, well, from now on: see seccomp(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    number, allow, succeed = SETNS[os.uname().machine], 0x7FFF0000, 0x00050000
    code = b"".join(
        struct.pack("HBBI", *instruction)
        for instruction in ((0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, succeed), (0x06, 0, 0, allow))
    )
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", 4, ctypes.addressof(buffer))
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):  # PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP
        raise OSError(ctypes.get_errno(), "prctl(2)")
