"""As whoever we are: become root of a user namespace of our own, make a switched network, try faults, say what was."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
import time
from pathlib import Path

import schrodinger_native  # noqa: F401 - once inside, what is in root's home can't be read any more
from schrodinger_agent.namespaces import inside_network
from schrodinger_agent.network import MECHANISMS, LinkEffect, SwitchedNetwork, try_network

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
DELAY = (("delay_ns", 20_000_000), ("jitter_ns", 0), ("distribution", "uniform"), ("seed", 1))
LOSS = (("share", 1_000_000), ("seed", 1))


def become_root_of_a_user_namespace() -> None:
    user, group = os.getuid(), os.getgid()
    assert user != 0, "this is to be seen without privileges"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0:
        sys.exit(f"no user namespace: {os.strerror(ctypes.get_errno())}")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def round_trip_ms(network: SwitchedNetwork) -> float | None:
    """Of a datagram from n1 to n2 and back; None if it is lost."""
    ends = {}
    for name, address in network.addresses.items():
        with inside_network(network.namespace_fd(name)):
            ends[name] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        ends[name].settimeout(0.3)
        ends[name].bind((address, 4000))
    try:
        begin = time.monotonic()
        ends["n1"].sendto(b"there", (network.addresses["n2"], 4000))
        ends["n2"].recv(10)
        ends["n2"].sendto(b"back", (network.addresses["n1"], 4000))
        ends["n1"].recv(10)
        return (time.monotonic() - begin) * 1e3
    except TimeoutError:
        return None
    finally:
        for end in ends.values():
            end.close()


def main() -> None:
    become_root_of_a_user_namespace()
    mechanism = try_network(MECHANISMS, enough={"delay"}).choose({"delay"})
    assert mechanism is not None
    network = SwitchedNetwork.create(["n1", "n2"], None, mechanism)
    found: dict[str, object] = {"mechanism": mechanism.name, "before_ms": round_trip_ms(network)}
    for kind, parameters in (("delay", DELAY), ("loss", LOSS)):
        report = network.change(kind, frozenset({LinkEffect("n1", "n2", kind, parameters)}))
        found[f"{kind}_ms"], found[f"{kind}_failures"] = round_trip_ms(network), len(report.failures)
        network.change(kind, frozenset())
    found["after_ms"], found["problems"] = round_trip_ms(network), network.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
