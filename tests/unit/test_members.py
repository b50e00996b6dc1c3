"""Who belongs to a cluster: the rule that keeps it whole, and changes that are asked for until they are made."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schrodinger.cluster import Cluster, Node
from schrodinger.nemesis import Departure
from schrodinger.runner import members as runner_members
from schrodinger.runner.members import Members, Roll, TooFewMembers
from schrodinger.runner.nodes import DatabaseNodes
from tests.fakes.memory import ChangingDatabase, MemoryProvider

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = ("n1", "n2", "n3", "n4", "n5")
NODES = tuple(Node(name, "127.0.0.1", Path(), Path()) for name in NAMES)


def departure(node: str, keep: int) -> Departure:
    return Departure(node=node, keep=keep, returns_at_once=False)


@given(
    keep=st.integers(1, 5),
    changes=st.lists(st.tuples(st.booleans(), st.sampled_from(NAMES)), max_size=40),
)
def test_whoever_goes_and_comes_as_many_remain_as_were_to_be_kept(
    keep: int, changes: Sequence[tuple[bool, str]]
) -> None:
    roll, present = Roll(frozenset(NAMES)), set(NAMES)
    for goes, node in changes:
        if not goes:
            roll = roll.with_(node)
            present.add(node)
        elif node in present and len(present) > keep:
            roll = roll.without(departure(node, keep))
            present.discard(node)
        else:
            with pytest.raises(TooFewMembers):
                roll.without(departure(node, keep))
        assert roll.present == present
        assert len(roll.present) >= keep


def members_of(database: ChangingDatabase) -> tuple[Members, DatabaseNodes]:
    databases = DatabaseNodes(MemoryProvider(), database, Path(), Cluster(NODES), lambda _node, _what: None)
    return Members(databases, lambda _node, _what: None), databases


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_members, "AGAIN_S", 0)


@pytest.mark.parametrize(("refusals", "silence"), [(0, 0), (3, 0), (0, 3), (2, 2)])
def test_a_change_is_asked_for_until_the_database_says_that_it_was_made(refusals: int, silence: int) -> None:
    async def scenario() -> None:
        database = ChangingDatabase(NAMES, refusals=refusals, silence=silence)
        members, databases = members_of(database)
        assert await members.leave("n5") == ["n1", "n2", "n3", "n4"]
        assert [node.name for node in databases.cluster.members] == ["n1", "n2", "n3", "n4"]
        assert "n5" not in databases.cluster.joined
        assert await members.join("n5") == list(NAMES)
        assert databases.cluster.members == NODES
        assert databases.cluster.joined == {"n5"}, "it did not form the cluster"
        assert database.asked.count("leave n5") == refusals + 1, "once it was made it is not asked for again"
        assert database.asked.count("join n5") == 1

    asyncio.run(scenario())


def test_a_change_that_was_made_is_not_made_again() -> None:
    async def scenario() -> None:
        database = ChangingDatabase(NAMES)
        members, _ = members_of(database)
        await members.join("n5")
        await members.leave("n5")
        await members.leave("n5")
        assert database.asked == ["leave n5"]

    asyncio.run(scenario())


def test_an_attempt_without_an_answer_is_given_up_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(ChangingDatabase):
        async def leave(self, node: Node, cluster: Cluster) -> None:
            self.ask("leave")
            if len(self.asked) == 3:
                asked_often.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(runner_members, "CHANGE_S", 0.01)

    asked_often = asyncio.Event()

    async def scenario() -> None:
        members, _ = members_of(Silent(NAMES))
        leaving = asyncio.create_task(members.leave("n5"))
        await asked_often.wait()
        leaving.cancel()
        assert members.problem.startswith("TimeoutError")

    asyncio.run(scenario())


def test_a_mistake_of_the_suite_is_not_taken_for_a_refusal() -> None:
    class Buggy(ChangingDatabase):
        async def leave(self, node: Node, cluster: Cluster) -> None:
            raise KeyError("a mistake in the suite")

    async def scenario() -> None:
        with pytest.raises(KeyError, match="a mistake in the suite"):
            await members_of(Buggy(NAMES))[0].leave("n5")

    asyncio.run(scenario())
