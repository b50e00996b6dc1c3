"""What is wanted of a cluster, and the faults that follow from it, on a clock that the tests turn."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from schrodinger.cluster import Cluster, Database, Node, ProviderError
from schrodinger.control import ControlError, Reconciler, departures
from schrodinger.control.departures import Departures
from schrodinger.nemesis import FAULTS, InvalidValueError
from schrodinger.nemesis.manifests import Roster, read_experiments
from schrodinger.runner import DatabaseNodes, StandingFaults
from tests.fakes.memory import ChangingDatabase, MemoryDatabase, MemoryProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

SECOND = 1_000_000_000
NODES = ("n1", "n2", "n3")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

PAUSED_N1 = "{name: freeze, faults: [{kind: pause, targets: [n1]}]%s}"
ONCE = PAUSED_N1 % ""
TEN_SECONDS = PAUSED_N1 % ", duration: 10s"
EVERY_15_S = PAUSED_N1 % ", duration: 10s, every: 15s"
KILL = "{name: crash, faults: [{kind: kill, targets: [n2]}], duration: 2s}"


class Headless(MemoryDatabase):
    """Could tell who leads, if anybody did."""

    async def leaders(self, cluster: Cluster) -> Sequence[str]:
        return ()


@dataclass
class World:
    """A cluster in memory, its reconciler, and the time."""

    provider: MemoryProvider = field(default_factory=MemoryProvider)
    now_ns: int = 5 * SECOND
    kinds: tuple[str, ...] = FAULTS.kinds
    database: Database = field(default_factory=MemoryDatabase)

    def __post_init__(self) -> None:
        nodes = tuple(Node(name, "127.0.0.1", Path("/nowhere"), Path("/nowhere/log")) for name in NODES)
        databases = DatabaseNodes(
            self.provider, self.database, Path("/bin/true"), Cluster(nodes), lambda node, what: None
        )
        standing = StandingFaults(self.provider, databases, lambda: self.now_ns)
        self.reconciler = Reconciler(
            standing,
            Departures(standing, databases, lambda node, what: None),
            Roster.of(NODES, "memory"),
            seed=1,
            kinds=self.kinds,
            has_leader=False,
            now=lambda: self.now_ns,
            wall=lambda: NOON + timedelta(microseconds=self.now_ns // 1000),
        )

    async def apply(self, text: str) -> dict[str, str]:
        return dict(await self.reconciler.apply(read_experiments(text)))

    async def after(self, seconds: float) -> list[str]:
        """Turn the clock and take a step; the faults that stand then."""
        self.now_ns += round(seconds * SECOND)
        await self.reconciler.step()
        return self.standing()

    def standing(self) -> list[str]:
        """The faults that the provider was last asked for, in words."""
        return [fault.describe() for fault in self.provider.desired[-1].values()] if self.provider.desired else []

    def past(self, name: str) -> list[str]:
        """What happened to an experiment."""
        return [happening.what for happening in self.reconciler.state(name).happenings]


def in_world(test: Callable[[World], Coroutine[None, None, None]]) -> Callable[[], None]:
    """Run the test in a world of its own."""

    def run() -> None:
        asyncio.run(test(World()))

    run.__name__ = test.__name__
    return run


@in_world
async def test_an_experiment_without_a_duration_stands_until_it_is_deleted(world: World) -> None:
    assert await world.apply(ONCE) == {"freeze": "created"}
    assert world.standing() == ["pause: n1"]
    assert await world.after(10_000) == ["pause: n1"]
    await world.reconciler.delete("freeze")
    assert world.standing() == []
    assert world.reconciler.states() == ()


@in_world
async def test_an_experiment_with_a_duration_ends_by_itself_and_is_finished(world: World) -> None:
    await world.apply(TEN_SECONDS)
    assert world.reconciler.state("freeze").next_recover == "2026-01-01T12:00:15.000Z"
    assert await world.after(9) == ["pause: n1"]
    assert await world.after(1) == []
    state = world.reconciler.state("freeze")
    assert (state.phase, state.next_start, state.next_recover) == ("finished", None, None)
    assert world.past("freeze") == ["applied", "in force", "healed"]


@in_world
async def test_what_recurs_tells_when_it_begins_and_ends_next(world: World) -> None:
    await world.apply(EVERY_15_S)
    state = world.reconciler.state("freeze")
    assert (state.phase, state.next_start, state.next_recover) == ("waiting", "2026-01-01T12:00:20.000Z", None)
    assert await world.after(15) == ["pause: n1"]
    state = world.reconciler.state("freeze")
    assert (state.phase, state.next_start, state.next_recover) == (
        "running",
        "2026-01-01T12:00:35.000Z",
        "2026-01-01T12:00:30.000Z",
    )
    assert await world.after(10) == []
    assert await world.after(5) == ["pause: n1"]


@in_world
async def test_what_begins_late_lasts_its_time_and_the_next_keeps_to_the_grid(world: World) -> None:
    await world.apply(EVERY_15_S)
    assert await world.after(18) == ["pause: n1"]
    assert await world.after(9) == ["pause: n1"]
    assert await world.after(1) == []
    assert await world.after(2) == ["pause: n1"]


@in_world
async def test_of_what_was_slept_through_only_the_last_begins(world: World) -> None:
    await world.apply(EVERY_15_S)
    assert await world.after(100) == ["pause: n1"]
    assert world.past("freeze") == ["applied", "in force"]
    assert world.reconciler.state("freeze").next_start == "2026-01-01T12:01:50.000Z"


@in_world
async def test_a_pause_lifts_the_faults_and_a_resumption_brings_back_what_is_not_over(world: World) -> None:
    await world.apply(TEN_SECONDS)
    await world.reconciler.pause("freeze")
    assert world.standing() == []
    assert world.reconciler.state("freeze").phase == "paused"
    await world.after(3)
    await world.reconciler.resume("freeze")
    assert world.standing() == ["pause: n1"]
    await world.reconciler.pause("freeze")
    await world.after(8)
    await world.reconciler.resume("freeze")
    assert world.standing() == []
    assert world.reconciler.state("freeze").phase == "finished"


@in_world
async def test_what_would_begin_during_a_pause_is_left_out_if_it_recurs(world: World) -> None:
    await world.apply(EVERY_15_S)
    await world.reconciler.pause("freeze")
    assert await world.after(16) == []
    await world.reconciler.resume("freeze")
    assert world.standing() == []
    assert await world.after(14) == ["pause: n1"]
    assert world.past("freeze") == ["applied", "paused", "left out", "resumed", "in force"]


@in_world
async def test_what_is_applied_paused_begins_when_it_is_resumed(world: World) -> None:
    manifest = (
        "{apiVersion: chaos-mesh.org/v1alpha1, kind: PodChaos, metadata: {name: fail, annotations: "
        "{experiment.chaos-mesh.org/pause: 'true'}}, spec: {action: pod-failure, mode: all, duration: 10s,"
        "selector: {namespaces: [default]}}}"
    )
    await world.apply(manifest)
    assert await world.after(60) == []
    await world.reconciler.resume("fail")
    assert world.standing() == ["kill: {n1, n2, n3}"]
    assert await world.after(10) == []


@in_world
async def test_the_same_again_changes_nothing_and_another_takes_its_place(world: World) -> None:
    await world.apply(ONCE)
    asked = len(world.provider.desired)
    assert await world.apply(ONCE) == {"freeze": "unchanged"}
    assert {tuple(desired) for desired in world.provider.desired[asked:]} <= {tuple(world.provider.desired[asked - 1])}
    assert await world.apply(ONCE.replace("n1", "n3")) == {"freeze": "configured"}
    assert world.standing() == ["pause: n3"]
    assert world.past("freeze") == ["applied", "in force", "applied", "in force", "healed"]


@in_world
async def test_changing_one_experiment_leaves_the_fault_of_another_as_it_is(world: World) -> None:
    await world.apply(ONCE)
    (first,) = world.provider.desired[-1]
    await world.apply(KILL)
    await world.after(2)
    assert all(first in desired for desired in world.provider.desired)
    assert world.standing() == ["pause: n1"]


@in_world
async def test_a_database_that_was_killed_is_started_when_the_fault_is_over(world: World) -> None:
    await world.apply(KILL)
    started = len(world.provider.spawned)
    await world.after(1)
    assert "n2" not in world.provider.spawned
    await world.after(1)
    assert world.provider.spawned[started:] == ["n2"]


@in_world
async def test_a_kill_that_is_over_at_once_is_in_force_all_the_same(world: World) -> None:
    await world.apply(
        "{apiVersion: chaos-mesh.org/v1alpha1, kind: PodChaos, metadata: {name: kill}, spec: "
        "{action: pod-kill, mode: one, selector: {namespaces: [default]}}}"
    )
    assert len(world.standing()) == 1
    assert await world.after(0.001) == []
    assert world.past("kill") == ["applied", "in force", "healed"]


@in_world
async def test_a_fault_that_is_not_in_force_is_told_once_and_asked_for_again(world: World) -> None:
    world.provider.broken = frozenset({"pause"})
    with pytest.raises(ProviderError, match="freeze failed: pause: n1: it was not in force"):
        await world.apply(ONCE)
    await world.after(5)
    assert not world.reconciler.state("freeze").in_force
    world.provider.broken = frozenset()
    await world.after(5)
    assert world.reconciler.state("freeze").in_force
    assert world.past("freeze") == ["applied", "failed", "in force"]


@in_world
async def test_what_the_provider_refuses_is_given_up_and_nothing_else_falls_with_it(world: World) -> None:
    await world.apply(ONCE)
    refuse_two(world.provider)
    with pytest.raises(ProviderError, match="crash failed: two are too many"):
        await world.apply(KILL)
    assert world.standing() == ["pause: n1"]
    assert world.past("crash") == ["applied", "failed"]
    assert world.past("freeze") == ["applied", "in force"]


@in_world
async def test_all_of_a_file_is_applied_or_nothing(world: World) -> None:
    with pytest.raises(InvalidValueError, match="no such node"):
        await world.apply(f"{ONCE}\n---\n{KILL.replace('n2', 'n9')}")
    assert world.reconciler.states() == ()
    assert world.provider.desired == []


def test_kinds_that_the_cluster_is_not_prepared_for_are_refused_by_name() -> None:
    world = World(kinds=("kill",))
    with pytest.raises(ControlError, match="freeze needs pause faults"):
        asyncio.run(world.apply(ONCE))
    assert asyncio.run(world.apply(KILL)) == {"crash": "created"}


LEAVE = "{name: %s, faults: [{kind: member-%s, targets: [%s], keep: %d}]}"
"""Name, what, who, and how many remain."""


@pytest.mark.parametrize("what", ["leave", "replace"])
def test_a_member_is_away_until_its_experiment_is_deleted(what: str) -> None:
    async def watch() -> None:
        database = ChangingDatabase(NODES)
        world = World(database=database)
        leave = LEAVE % ("go", what, "n1", 2)
        await world.apply(leave)
        assert world.standing() == [f"member-{what} (keeping 2): n1"]
        assert database.current == {"n1", "n2", "n3"} - ({"n1"} if what == "leave" else set())
        assert database.asked == ["leave n1", "join n1"][: 1 if what == "leave" else 2]
        assert await world.apply(leave) == {"go": "unchanged"}
        await world.after(1000)
        assert world.provider.spawned.count("n1") == 1
        await world.reconciler.delete("go")
        assert world.standing() == []
        assert database.asked == ["leave n1", "join n1"]
        assert world.provider.spawned[-1] == "n1"
        assert database.joined_at_start == [*([False] * (len(world.provider.spawned) - 1)), True]

    asyncio.run(watch())


def test_a_change_that_leaves_too_few_members_is_refused_and_nothing_is_done() -> None:
    async def watch() -> None:
        database = ChangingDatabase(NODES)
        world = World(database=database)
        with pytest.raises(ControlError, match=r"go has member-leave .*: it keeps 3 members, and only 2 would remain"):
            await world.apply(LEAVE % ("go", "leave", "n1", 3))
        both = f"{LEAVE % ('go', 'leave', 'n1', 2)}\n---\n{LEAVE % ('too', 'replace', 'n2', 2)}"
        with pytest.raises(
            ControlError, match=r"too has member-replace .*: it keeps 2 members, and only 1 would remain"
        ):
            await world.apply(both)
        assert (database.asked, world.reconciler.states(), world.provider.desired) == ([], (), [])
        await world.apply(LEAVE % ("go", "leave", "n1", 2))
        with pytest.raises(ControlError, match="n1 is away already"):
            await world.apply(LEAVE % ("too", "leave", "n1", 1))
        assert database.asked == ["leave n1"]
        await world.apply(LEAVE % ("go", "leave", "n2", 2))
        assert database.asked == ["leave n1", "join n1", "leave n2"], "who comes back comes first"

    asyncio.run(watch())


def test_a_member_whose_turn_comes_when_too_many_are_away_is_left_out() -> None:
    async def watch() -> None:
        world = World(database=ChangingDatabase(NODES))
        again = LEAVE.replace("]}", "], duration: 1s, every: 15s}") % ("again", "leave", "n2", 2)
        await world.apply(again)
        await world.apply(LEAVE % ("go", "leave", "n1", 2))
        assert await world.after(15) == ["member-leave (keeping 2): n1"]
        assert world.past("again") == ["applied", "failed"]
        await world.reconciler.delete("go")
        assert await world.after(15) == ["member-leave (keeping 2): n2"]
        assert await world.after(1) == []

    asyncio.run(watch())


def test_a_change_without_a_quorum_is_told_keeps_nobody_waiting_and_is_made_when_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(departures, "TRY_S", 0.05)

    async def watch() -> None:
        database = ChangingDatabase(NODES, refusals=1_000_000)
        world = World(database=database)
        leave = LEAVE % ("go", "leave", "n1", 2)
        with pytest.raises(ProviderError, match=r"n1 has not left the members within 0\.05 s"):
            await world.apply(leave)
        assert not world.reconciler.state("go").in_force
        await world.apply(ONCE.replace("n1", "n3"))
        assert world.standing() == ["pause: n3"]
        await world.after(5)
        assert world.past("go") == ["applied", "failed"], "once"
        with pytest.raises(ProviderError, match="n1 has not joined the members again"):
            await world.reconciler.delete("go")  # what was asked for may be done at any time, so it is done first
        assert world.standing() == ["pause: n3"]
        database.refusals = 0
        assert await world.after(5) == ["pause: n3"]
        assert database.asked[-2:] == ["leave n1", "join n1"]
        assert world.provider.spawned[-1] == "n1"

    asyncio.run(watch())


def test_a_leader_who_is_not_there_fails_the_occurrence() -> None:
    async def watch() -> None:
        world = World(database=Headless())
        world.reconciler._has_leader = True
        with pytest.raises(ProviderError, match="no node says that it leads; it was left out"):
            await world.apply(ONCE.replace("n1", "leader"))
        assert world.standing() == []
        assert world.past("freeze") == ["applied", "failed"]

    asyncio.run(watch())


@in_world
async def test_a_leader_that_nobody_can_name_is_refused(world: World) -> None:
    with pytest.raises(ControlError, match="can't tell who leads"):
        await world.apply(ONCE.replace("n1", "leader"))


@pytest.mark.parametrize("verb", ["pause", "resume", "delete"])
def test_an_unknown_name_is_refused_with_those_there_are(verb: str) -> None:
    async def ask() -> None:
        world = World()
        await world.apply(ONCE)
        await getattr(world.reconciler, verb)("freze")

    with pytest.raises(ControlError, match="there is no experiment 'freze'; there are freeze"):
        asyncio.run(ask())


def test_the_loop_begins_and_ends_occurrences_by_itself() -> None:
    async def watch() -> None:
        loop = asyncio.get_running_loop()
        world = World()
        begin = loop.time()
        healed = asyncio.Event()
        world.reconciler._log = lambda name, happening: healed.set() if happening.what == "healed" else None
        world.reconciler._now = lambda: round((loop.time() - begin) * SECOND)
        running = asyncio.create_task(world.reconciler.run())
        await world.apply(PAUSED_N1 % ", duration: 100ms")
        await healed.wait()
        assert world.reconciler.state("freeze").phase == "finished"
        assert world.standing() == []
        running.cancel()

    asyncio.run(asyncio.wait_for(watch(), 10))


def refuse_two(provider: MemoryProvider) -> None:
    """Let the provider refuse every state of more than one fault."""
    set_faults = provider.set_faults

    async def refusing(faults):  # type: ignore[no-untyped-def]
        if len(faults) > 1:
            raise ProviderError("two are too many")
        return await set_faults(faults)

    provider.set_faults = refusing  # type: ignore[method-assign]
