"""The bank workload: processes move money between accounts and read all balances, which always add up to the same.

It finds lost updates (money appears or vanishes) and reads that are no snapshot. From Jepsen's bank. Nobody opens
accounts: one that nobody has written to yet holds :data:`OPENING_BALANCE`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schrodinger.checkers import Bank
from schrodinger.history import ReadBalances, Transfer
from schrodinger.workloads.drawn import DrawnWorkload, drawn
from schrodinger.workloads.parameters import WholeNumber

if TYPE_CHECKING:
    from collections.abc import Callable

    from schrodinger.checkers import Checker
    from schrodinger.history import Operation
    from schrodinger.workloads.client import Client
    from schrodinger.workloads.drawn import Parameters, Words
    from schrodinger.workloads.workload import Workload

OPENING_BALANCE: Final = 10
"""What an account holds that nobody has written to."""


def bank(client: Callable[[], Client], *, name: str = "bank") -> Workload:
    """Transfers between accounts; ``client`` makes clients that understand ``Transfer`` and ``ReadBalances``."""
    return DrawnWorkload(
        client_factory=client,
        name=name,
        functions=(Transfer.f, ReadBalances.f),
        known={
            "accounts": WholeNumber(8, least=2),
            "most": WholeNumber(5, least=1),
            "read_percent": WholeNumber(50, least=0),
        },
        choices={"accounts": (4, 8), "read_percent": (25, 50)},  # two accounts show no lost update: both are lost
        start=drawn(_draw),
        judge=_judge,
        end=lambda parameters, processes: [ReadBalances(parameters["accounts"])] * processes,
    )


def _draw(parameters: Parameters, process: int, index: int, words: Words) -> Operation:  # noqa: ARG001
    function, source, other, amount = words
    accounts = parameters["accounts"]
    if function % 100 < parameters["read_percent"]:
        return ReadBalances(accounts)
    source %= accounts
    target = (source + 1 + other % (accounts - 1)) % accounts
    return Transfer(source, target, 1 + amount % parameters["most"])


def _judge(parameters: Parameters) -> Checker:
    accounts = parameters["accounts"]
    return Bank(total=accounts * OPENING_BALANCE, accounts=tuple(range(accounts)))
