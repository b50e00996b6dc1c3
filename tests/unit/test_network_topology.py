"""Endpoints and addresses of a switch, derived from names."""

from __future__ import annotations

import ipaddress

import pytest
from schrodinger_agent.network_topology import CLIENTS, MOST_TARGETS, NetworkError, lay_out


def test_targets_are_numbered_in_order_and_the_clients_come_last() -> None:
    endpoints = lay_out(["n1", "n2"], with_clients=True)

    assert [(endpoint.name, endpoint.address) for endpoint in endpoints] == [
        ("n1", "10.77.0.1"),
        ("n2", "10.77.0.2"),
        (CLIENTS, "10.77.0.254"),
    ]


def test_a_full_switch_has_no_address_twice_and_every_interface_name_fits() -> None:
    endpoints = lay_out([f"node-{number}" for number in range(MOST_TARGETS)], with_clients=True)

    for attribute in ("address", "hardware_address", "port"):
        assert len({getattr(endpoint, attribute) for endpoint in endpoints}) == MOST_TARGETS + 1
    assert all(ipaddress.ip_address(endpoint.address) in ipaddress.ip_network("10.77.0.0/24") for endpoint in endpoints)
    assert all(len(endpoint.port) <= 15 for endpoint in endpoints)


@pytest.mark.parametrize(
    ("targets", "complaint"),
    [
        ([], "1 to 200 targets, got 0"),
        (["n1", "n1"], "different names, got n1, n1"),
        (["n1", "clients"], "no target may be called 'clients'"),
        ([f"n{number}" for number in range(MOST_TARGETS + 1)], "got 201"),
    ],
)
def test_targets_that_do_not_fit_a_switch_are_refused(targets: list[str], complaint: str) -> None:
    with pytest.raises(NetworkError, match=complaint):
        lay_out(targets, with_clients=False)
