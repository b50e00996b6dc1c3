"""What is done to clocks, what is written for it, and when it is refused, on images of vDSOs that are made up."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schrodinger_agent.clocks import ClockError, Skew, Skews
from schrodinger_agent.clocks.patch import HEADER_BYTES, Patch, Write
from schrodinger_agent.clocks.skew import total
from schrodinger_agent.clocks.vdso import MACHINES, understood

S = 1_000_000_000
NAMES = {machine.name: list(machine.symbols) for machine in MACHINES.values()}
PAYLOAD = bytes(HEADER_BYTES) + b"code" * 50
PLACES = {"clock_gettime": HEADER_BYTES, "gettimeofday": HEADER_BYTES + 64, "time": HEADER_BYTES + 128}

skews = st.builds(
    Skew,
    offset_ns=st.integers(-(2**50), 2**50),
    base_ns=st.integers(0, 2**50),
    rate=st.integers(-(2**32), 2**36),
)


def image(
    architecture: str = "x86_64",
    *,
    names: list[str] | None = None,
    pages: int = 1,
    size: int = 64,
    first: bytes = b"\x90\x90\x90\x90",
    number: int | None = None,
) -> bytes:
    """An ELF image with the symbols that a vDSO has, its table of sections at the end as the kernel's has."""
    names = NAMES[architecture] if names is None else names
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in names)
    symbols = bytes(24)
    code = b""
    for index, name in enumerate(names):
        symbols += struct.pack("<IBBHQQ", strings.index(name.encode()), 0x12, 0, 1, 0x400 + 64 * index, size)
        code += first.ljust(64, b"\xcc")
    body = {0x100: strings, 0x200: symbols, 0x400: code}
    sections = [(0, 0, 0, 0, 0, 0, 0, 0, 0, 0), (1, 11, 2, 0, 0x200, len(symbols), 2, 1, 8, 24)]
    sections.append((2, 3, 2, 0, 0x100, len(strings), 0, 0, 1, 0))
    table = b"".join(struct.pack("<IIQQQQIIQQ", *section) for section in sections)
    number = MACHINES[architecture].number if number is None else number
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, number, 1, 0, 64, 0x600, 0, 64, 56, 0, 64, len(sections), 0
    )
    whole = bytearray(4096 * pages)
    whole[: len(header)] = header
    for at, data in {**body, 0x600: table}.items():
        whole[at : at + len(data)] = data
    return bytes(whole)


def patched(whole: bytes, *writes: Write) -> bytes:
    changed = bytearray(whole)
    for write in writes:
        changed[write.at : write.at + len(write.data)] = write.data
    return bytes(changed)


def patch(architecture: str = "x86_64", **how: object) -> Patch:
    return Patch.of(image(architecture, **how), PAYLOAD, PLACES, architecture)  # type: ignore[arg-type]


@pytest.mark.parametrize("architecture", sorted(MACHINES))
def test_functions_and_the_room_behind_the_image_are_found(architecture: str) -> None:
    parts = understood(image(architecture), MACHINES[architecture])
    assert list(parts.functions) == list(MACHINES[architecture].symbols.values())
    assert parts.functions["clock_gettime"] == (0x400, 64)
    assert parts.room == 0x600 + 3 * 64


def test_jumps_lead_from_each_function_to_its_counterpart() -> None:
    made = patch()
    for jump, name in zip(made.jumps, sorted(PLACES), strict=True):
        assert jump.data[0] == 0xE9
        assert jump.at + 5 + struct.unpack("<i", jump.data[1:])[0] == made.room + PLACES[name]


def test_a_jump_of_arm64_leaves_the_landing_pad_where_it_is() -> None:
    (plain, *_), (padded, *_) = (patch("aarch64", first=first).jumps for first in (b"\0" * 4, b"\x5f\x24\x03\xd5"))
    assert (plain.at, padded.at) == (0x400, 0x404)
    for jump in (plain, padded):
        (word,) = struct.unpack("<I", jump.data)
        assert word >> 26 == 0b000101
        assert jump.at + 4 * (word & 0x03FFFFFF) == patch("aarch64").room + PLACES["clock_gettime"]


@pytest.mark.parametrize(
    ("whole", "problem"),
    [
        (b"", "damaged, or of a kind that is not known"),
        (bytes(4096), "no ELF image of x86_64"),
        (image(number=3), "no ELF image of x86_64"),
        (image()[:0x640], "its table of sections is not in it"),
        (image(names=["__vdso_time"]), "no function that tells the time"),
        (image(size=4), "is too short for a jump"),
        (image(size=8192), "is not in it"),
        (patched(image(), Write(4000, b"something")), "room for 64 bytes, and 504 are needed"),
    ],
)
def test_an_image_that_is_not_as_expected_is_refused(whole: bytes, problem: str) -> None:
    with pytest.raises(ClockError, match=problem):
        Patch.of(whole, PAYLOAD, PLACES, "x86_64")


def test_where_return_addresses_are_signed_or_there_is_no_payload_it_is_refused() -> None:
    with pytest.raises(ClockError, match="sign their return addresses"):
        patch("aarch64", first=b"\x3f\x23\x03\xd5")
    with pytest.raises(ClockError, match="no payload for riscv64"):
        Patch.of(image(), PAYLOAD, PLACES, "riscv64")
    with pytest.raises(ClockError, match="no payload for x86_64"):
        Patch.of(image(), b"", PLACES, "x86_64")


@given(st.binary(max_size=700).map(lambda noise: patched(image(), Write(0, noise))), st.integers(0, 4096))
def test_whatever_the_image_it_is_refused_or_understood(whole: bytes, length: int) -> None:
    try:
        made = Patch.of(whole[:length], PAYLOAD, PLACES, "x86_64")
    except ClockError:
        return
    assert all(jump.at + len(jump.data) <= made.room for jump in made.jumps)


@given(skews, skews, skews, skews)
def test_what_is_written_is_found_and_a_change_never_touches_what_is_in_use(
    one: Skew, two: Skew, three: Skew, four: Skew
) -> None:
    made = patch()
    whole = patched(made.image, made.filled("mark-c.n1", Skews(one, two)), *made.jumps)
    found = made.found(whole)
    assert found is not None
    assert (found.owner, found.skews) == ("mark-c.n1", Skews(one, two))
    for wanted in (Skews(three, four), Skews(one, four), Skews()):
        spare, switch = made.change(found, wanted)
        half = made.found(patched(whole, spare))
        assert half is not None
        assert half.skews == found.skews
        whole = patched(whole, spare, switch)
        found = made.found(whole)
        assert found is not None
        assert found.skews == wanted
    assert made.found(patched(whole, *made.pristine)) is None


def test_a_patch_that_is_not_whole_is_ours_still_and_so_is_one_of_another_payload() -> None:
    made = patch()
    for writes in ((made.jumps[0],), (*made.jumps[:2], Write(made.jumps[2].at, b"\xe9\0\0\0\0"))):
        whole = patched(made.image, made.filled("mark", Skews(Skew(S))), *writes)
        found = made.found(whole)
        assert found is not None
        assert (found.owner, found.whole) == ("mark", False)
        assert made.found(patched(whole, *made.pristine)) is None


def test_what_somebody_else_has_written_is_not_taken_for_ours() -> None:
    made = patch()
    assert made.found(made.image) is None
    for write in (Write(0x400, b"\xe9"), Write(0x480, b"?"), Write(8, b"?")):
        with pytest.raises(ClockError, match="somebody else has changed it"):
            made.found(patched(made.image, write))
    with pytest.raises(ClockError, match="behind its vDSO"):
        made.found(patched(made.image, Write(made.room + 3, b"?")))
    with pytest.raises(ClockError, match="somebody else has changed it"):
        made.found(patched(made.image, *made.jumps))


@given(st.lists(skews, max_size=5), st.integers(0, 2**51))
def test_several_skews_are_the_sum_of_each(several: list[Skew], now_ns: int) -> None:
    assert abs(total(several).at(now_ns) - sum(skew.at(now_ns) for skew in several)) <= 2 * len(several)


@given(st.lists(skews, max_size=3), st.integers(0, 2**40), st.integers(1, 2**40), st.integers(0, 2**51))
def test_one_of_them_may_go_to_and_fro(several: list[Skew], amplitude_ns: int, period_ns: int, now_ns: int) -> None:
    strobe = Skew(base_ns=1234 * S, amplitude_ns=amplitude_ns, period_ns=period_ns)
    mixed = [*several, strobe]
    assert abs(total(mixed).at(now_ns) - sum(skew.at(now_ns) for skew in mixed)) <= 2 * len(mixed)


def test_moves_that_add_up_to_more_than_there_is_end_somewhere() -> None:
    century = Skew(offset_ns=36_500 * 86_400 * S)
    made = patch()
    assert made.filled("mark", Skews(realtime=total([century] * 9))).data
    assert total([century] * 9).offset_ns > century.offset_ns


def test_a_strobe_is_ahead_first_and_a_drift_is_by_millionths() -> None:
    strobe = Skew(base_ns=S, amplitude_ns=7, period_ns=10)
    assert [strobe.at(S + passed) for passed in (0, 9, 10, 19, 20)] == [7, 7, 0, 0, 7]
    assert Skew.drift(500_000, S).at(3 * S) == S
    assert Skew.drift(-1_000_000, S).at(3 * S) == -2 * S
