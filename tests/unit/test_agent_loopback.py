"""Loopback blocks: claimed by one, released with it."""

from __future__ import annotations

import socket

from schrodinger_agent.loopback import LoopbackBlock

NODES = ("n1", "n2", "n3")


def test_blocks_do_not_overlap_and_hold_an_address_for_each_target() -> None:
    blocks = [LoopbackBlock.claim(NODES) for _ in range(3)]
    addresses = [address for block in blocks for address in block.addresses.values()]
    assert len(set(addresses)) == len(addresses) == 9
    assert tuple(blocks[0].addresses) == NODES
    for block in blocks:
        block.release()


def test_a_released_block_can_be_claimed_again() -> None:
    first = LoopbackBlock.claim(NODES)
    prefix = first.addresses["n1"]
    first.release()
    first.release()
    second = LoopbackBlock.claim(NODES)
    assert second.addresses["n1"] <= prefix
    second.release()


def test_a_server_can_listen_on_an_address() -> None:
    block = LoopbackBlock.claim(NODES)
    with socket.socket() as server:
        server.bind((block.addresses["n2"], 0))
    block.release()
