"""The payload of wrong clocks by itself, on this machine's architecture and, in an emulator, on the other one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CRATE = Path(__file__).parents[2] / "native" / "crates" / "clock"
COMPILERS = {"x86_64": ("x86_64-linux-gnu-gcc", "qemu-x86_64"), "aarch64": ("aarch64-linux-gnu-gcc", "qemu-aarch64")}
FLAGS = [
    "-std=gnu11",
    "-Os",
    "-ffreestanding",
    "-fPIC",
    "-fno-stack-protector",
    "-fno-toplevel-reorder",
    "-fno-jump-tables",
    "-fno-asynchronous-unwind-tables",
    "-fomit-frame-pointer",
    "-mgeneral-regs-only",
]


@pytest.mark.parametrize("architecture", sorted(COMPILERS))
def test_a_bare_program_sees_what_its_header_says(architecture: str, tmp_path: Path) -> None:
    compiler, emulator = COMPILERS[architecture]
    own = subprocess.run(["uname", "-m"], check=True, capture_output=True, text=True).stdout.strip() == architecture
    for tool in [compiler, *([] if own else [emulator])]:
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool}: run make develop")
    bare = tmp_path / "bare"
    source = CRATE / "tests" / "bare.c"
    # Header and code are one section here, which is written to.
    subprocess.run([compiler, *FLAGS, "-nostdlib", "-static", "-Wl,-N", "-w", "-o", bare, source], check=True)
    check = subprocess.run([bare] if own else [emulator, bare], check=False)
    assert check.returncode == 0, f"check {check.returncode} of {source} failed"


@pytest.mark.parametrize("architecture", sorted(COMPILERS))
def test_the_payload_needs_nothing_outside_itself(architecture: str, tmp_path: Path) -> None:
    compiler, _ = COMPILERS[architecture]
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}: run make develop")
    made = tmp_path / "payload.o"
    subprocess.run([compiler, *FLAGS, "-c", "-o", made, CRATE / "src" / "payload.c"], check=True)
    tool = compiler.replace("gcc", "objdump")
    told = subprocess.run([tool, "-r", "-j", ".payload", made], check=True, capture_output=True, text=True).stdout
    assert "RELOCATION RECORDS" not in told
